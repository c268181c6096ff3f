"""Films from file to file: interrupted, guided, cut to a part, and what ends a run."""

import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from running import command_of, tintype
from small_films import frames, pictures, times, write_film
from tintype.errors import FilmError, HintError, OptionError, TintypeError, TintypeWarning, UnwritableFile
from tintype.film import colorize

LINE = re.compile(rb'\{"first": (\d+), "stop": (\d+)')


@pytest.fixture(scope="module")
def long(tmp_path_factory) -> Path:
    """A film of 150 frames, in which a passage ends within a shot, and one with it."""
    return write_film(tmp_path_factory.mktemp("films") / "long.mp4", 150, shot=130)


@pytest.fixture(scope="module")
def whole(long, tiny) -> bytes:
    """What comes out of it in one run."""
    return colorize(long, long.with_name("whole.mp4"), model=tiny, threads=2).read_bytes()


@pytest.fixture
def short(tmp_path) -> Path:
    return write_film(tmp_path / "short.mp4", 30, shot=20)


def stop_after(passages: int, number: int, *arguments, model) -> int:
    """Run the command as a process of its own, and send it a signal when so many passages are done."""
    with subprocess.Popen(command_of(*arguments, "--json", model=model), stdout=subprocess.PIPE) as process:
        for _ in range(passages):
            assert LINE.match(process.stdout.readline())
        process.send_signal(number)
        process.stdout.read()
        return process.wait(timeout=120)


def test_a_run_that_was_killed_gives_the_bytes_of_one_that_was_not(long, whole, tiny, tmp_path):
    output = tmp_path / "out.mp4"
    assert stop_after(1, signal.SIGKILL, "video", long, "-o", output, model=tiny) == -signal.SIGKILL
    assert not output.exists()
    # Ctrl-C, in the middle of the next passage or after it.
    assert stop_after(1, signal.SIGINT, "video", long, "-o", output, model=tiny) in (130, 0)
    done = tintype("video", long, "-o", output, "--threads", "1", model=tiny, check=0)
    assert output.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [output]
    assert b"of them by earlier runs" in done.stderr or b"done already" in done.stderr


def test_what_was_begun_with_other_settings_is_made_anew_and_said_so(long, tiny, tmp_path):
    output = tmp_path / "out.mp4"
    steps = []

    def leave(step):
        steps.append(step)
        if step.passage:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        colorize(long, output, model=tiny, progress=leave)
    assert (steps[-1].passage, steps[-1].count, steps[-1].kept) == ((0, 120), 150, 0)
    assert not output.exists()
    with pytest.warns(TintypeWarning, match="anew, as its settings differs"):
        colorize(long, output, model=tiny, vividness=0.5, stop=30, progress=steps.append)
    assert (steps[-1].done, steps[-1].kept) == (30, 0)
    assert not output.with_name("out.mp4.parts").exists()


def test_a_part_is_cut_out_by_frames_or_times(short, tiny, tmp_path):
    by_frames = colorize(short, tmp_path / "a.mp4", model=tiny, start=6, stop="24")
    by_times = colorize(short, tmp_path / "b.mp4", model=tiny, start="00:00:00.25", stop=1.0)
    assert len(pictures(by_frames)) == len(times(by_times)) == 18
    assert times(by_frames)[0] == 0
    assert np.array_equal(pictures(by_frames), pictures(by_times))
    for start, stop, said in (
        (20, 10, "before it has begun"),
        (1.3, None, "lasts 1.250 s"),
        (30, None, "only 30 frames"),
        ("1.5", None, "frame"),
    ):
        with pytest.raises(OptionError, match=said):
            colorize(short, tmp_path / "c.mp4", model=tiny, start=start, stop=stop)
    assert not list(tmp_path.glob("c.mp4*"))


def test_hints_and_stills_colour_their_shot_alone(short, tiny, tmp_path):
    def middle(path, first, stop):
        return np.mean(pictures(path)[first:stop], axis=(0, 1, 2))

    plain = colorize(short, tmp_path / "plain.mp4", model=tiny)
    gray = Image.fromarray(list(frames(30, shot=20))[12]).convert("RGB")
    still = np.asarray(gray, np.float32) * [0.5, 1, 0.8]
    Image.fromarray(still.astype(np.uint8)).save(tmp_path / "still.png")
    keyed = colorize(short, tmp_path / "keyed.mp4", model=tiny, keys={12: tmp_path / "still.png"})
    for part in ((0, 4), (16, 20)):
        greener = middle(keyed, *part) - middle(plain, *part)
        assert greener[1] - greener[0] > 20
    assert np.abs(middle(keyed, 20, 30) - middle(plain, 20, 30)).max() < 0.1
    hints = [{"x": 48, "y": 32, "color": "#2040ff", "radius": 40}]
    hinted = colorize(short, tmp_path / "hinted.mp4", model=tiny, hints={25: hints})
    bluer = middle(hinted, 20, 30) - middle(plain, 20, 30)
    assert bluer[2] - bluer[0] > 5
    with pytest.raises(HintError, match=r"short\.mp4 has 30 frames"):
        colorize(short, model=tiny, hints={30: hints})
    with pytest.raises(HintError, match=r"Frame 3: Hint 1 at .* lies outside"):
        colorize(short, model=tiny, hints={3: [{**hints[0], "x": 96}]})


def test_a_result_that_exists_is_kept_made_again_or_left_alone(short, tiny):
    output = colorize(short, model=tiny)
    assert output.name == "short.color.mp4"
    made = output.stat().st_mtime_ns
    assert b"is done already" in tintype("video", short, model=tiny, check=0).stderr
    assert output.stat().st_mtime_ns == made
    colorize(short, model=tiny, vividness=0.3)
    assert output.stat().st_mtime_ns != made
    write_film(output, 3)
    with pytest.raises(FilmError, match="does not say that tintype made it"):
        colorize(short, model=tiny)
    assert len(pictures(colorize(short, model=tiny, overwrite=True))) == 30
    with pytest.raises(TintypeError, match="over itself"):
        colorize(short, short, model=tiny)


def test_what_fails_in_any_thread_ends_all_and_leaves_nothing(short, tiny, build_model, tmp_path):
    before = threading.active_count()
    output = tmp_path / "out.mp4"
    data = short.read_bytes()
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(data[: len(data) // 2])
    with pytest.raises(FilmError):
        colorize(broken, output, model=tiny)

    def full(step):
        raise UnwritableFile("no room")

    with pytest.raises(UnwritableFile, match="no room"):
        colorize(short, output, model=tiny, progress=full)
    assert {path.name for path in tmp_path.iterdir()} <= {"short.mp4", "broken.mkv", *names(tmp_path, "model*")}
    assert threading.active_count() <= before


def names(folder, pattern):
    return [path.name for path in folder.glob(pattern)]


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file sizes")
def test_a_full_disk_is_one_sentence_and_leaves_no_film(short, tiny, tmp_path):
    program = (
        "import resource, sys; from tintype.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    output = tmp_path / "out.mp4"
    command = [sys.executable, "-c", program, "video", short, "-o", output, "--crf", "4", "--model", tiny]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert re.fullmatch(r"tintype: .*cannot be written \(.*\n", done.stderr)
    assert not output.exists()


@pytest.mark.parametrize("missing", ["av", "cv2"])
def test_without_the_extra_both_doors_name_the_line_that_installs_it(missing, tmp_path):
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "import tintype\n"
        "from tintype.cli import main\n"
        "try: tintype.film.colorize('a.mp4')\n"
        "except tintype.TintypeError as error: print(error)\n"
        "sys.exit(main(['video', 'a.mp4']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    line = f"A film needs {'PyAV' if missing == 'av' else 'OpenCV'}, which is not installed: in the folder of tintype, "
    assert done.stdout == f'{line}run pip install ".[video]"\n'
    assert done.stderr == f"tintype: {done.stdout}"
    assert done.returncode == 1
