"""Many photographs at a time: memory is bounded whatever is asked for, and leaving early leaves nothing."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tintype import Colorizer, album, files
from tintype.album import engine, outcomes
from tintype.album import tasks as planning
from tintype.errors import OptionError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(12):
        side = 300 if number % 3 else 900
        pixels = np.full((side, side), 20 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / "in" / f"{number:02}.png")
    return tmp_path / "in"


class Watch:
    """Counts the pixels that are in work at each moment; a task's first move begins it, the end of its file ends it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.working: dict = {}
        self.most = self.most_tasks = 0

    def __call__(self, event):
        task = event.task
        with self.lock:
            if task.input not in self.working:
                with Image.open(task.input) as image:
                    self.working[task.input] = image.width * image.height
            self.most = max(self.most, sum(self.working.values()))
            self.most_tasks = max(self.most_tasks, len(self.working))

    def run(self, tasks, colorizer, jobs):
        for outcome in album.colorize_all(tasks, colorizer, jobs=jobs, on_event=self):
            with self.lock:
                self.working.pop(outcome.input)
            yield outcome


@pytest.mark.parametrize("budget", [1_000_000, 2_000_000, 100_000])
def test_memory_is_bounded_for_any_number_of_jobs(budget, folder, tiny, monkeypatch):
    monkeypatch.setattr(engine, "BUDGET", budget)
    monkeypatch.setattr(engine, "NETWORK", 0)
    watch = Watch()
    done = list(watch.run(album.plan([folder]).tasks, Colorizer(tiny, threads=1), jobs=50))
    assert [outcome.status for outcome in done] == ["coloured"] * 12
    # A single photograph may be larger than the budget, and is alone then.
    assert watch.most <= max(budget, 900 * 900)
    assert (watch.most_tasks == 1) == (budget < 2 * 300 * 300)


def test_no_more_jobs_than_asked_for(folder, tiny):
    watch = Watch()
    list(watch.run(album.plan([folder]).tasks, Colorizer(tiny, threads=1), jobs=2))
    assert 1 <= watch.most_tasks <= 2


def test_leaving_the_iteration_gives_up_what_is_unfinished(folder, tmp_path, tiny):
    out = tmp_path / "out"
    outcomes = album.colorize_all(album.plan([folder], out).tasks, Colorizer(tiny, threads=1), jobs=2)
    first = next(outcomes)
    outcomes.close()
    assert first.status == "coloured"
    assert first.output.exists()
    left = os.listdir(out)
    assert len(left) < 12
    assert all(name.endswith(".png") and not name.startswith(".") for name in left)


def test_a_broken_file_whose_bytes_are_in_the_message_costs_only_itself(folder, tiny):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(folder / "broken.avif", exif=exif)
    data = (folder / "broken.avif").read_bytes()
    # libvips quotes the name of a property that it does not know, which is no text here.
    (folder / "broken.avif").write_bytes(data.replace(b"irot", b"\xff\xff\xff\xff"))
    tasks = album.plan([folder / "broken.avif", folder / "01.png"], folder / "out").tasks
    outcomes = {outcome.input.name: outcome for outcome in album.colorize_all(tasks, Colorizer(tiny, threads=1))}
    assert outcomes["01.png"].status == "coloured"
    assert outcomes["broken.avif"].status == "failed"
    assert "broken.avif is broken or cut short (" in outcomes["broken.avif"].message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_a_named_pipe_is_coloured(folder, tmp_path, tiny):
    os.mkfifo(tmp_path / "pipe")
    feeding = threading.Thread(
        target=(tmp_path / "pipe").write_bytes, args=[(folder / "01.png").read_bytes()], daemon=True
    )
    feeding.start()
    tasks = album.plan([tmp_path / "pipe"], tmp_path / "a.png").tasks
    (outcome,) = album.colorize_all(tasks, Colorizer(tiny, threads=1))
    assert outcome.status == "coloured"
    assert (tmp_path / "a.png").exists()


def test_results_of_a_folder_above_lie_in_the_output_folder(folder, monkeypatch):
    (folder / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(folder / "deep" / "down")
    tasks = album.plan(["../..", "."], "out").tasks
    assert {task.output.parent for task in tasks} == {Path("out/in")}


def test_nothing_to_do_is_wrong_usage():
    with pytest.raises(OptionError, match="Nothing to colour"):
        album.plan([])


def coloured(tasks, colorizer, jobs=1, dry_run=False, **options):
    making = album.Making(**options)
    outcomes = album.colorize_all(tasks, colorizer, making, jobs=jobs, dry_run=dry_run)
    return {outcome.input.name: outcome for outcome in outcomes}


@pytest.fixture
def one(tmp_path):
    """A photograph of its own."""
    path = tmp_path / "a.png"
    Image.fromarray(np.tile(np.arange(0, 240, 4, np.uint8), (40, 1))).save(path)
    os.utime(path, (1_500_000_000, 1_500_000_000))
    return path


def run(photo, tiny, settings=None, output=None, **options):
    """What became of one photograph."""
    tasks = album.plan([photo], output).tasks
    (outcome,) = coloured(tasks, Colorizer(tiny, threads=1, **(settings or {})), **options).values()
    return outcome


@pytest.mark.parametrize("settings", [{"vividness": 1.5}, {"temperature": 0.5}, {"size": 32}, {"blend": 0.5}])
def test_a_result_is_made_again_with_other_settings(one, tiny, settings):
    assert run(one, tiny).status == "coloured"
    assert (run(one, tiny).status, run(one, tiny).why) == ("skipped", "done")
    first = (one.with_name("a.color.png")).read_bytes()
    assert run(one, tiny, settings, skip_existing=True).status == "skipped"
    assert one.with_name("a.color.png").read_bytes() == first
    planned = run(one, tiny, settings, dry_run=True)
    assert (planned.status, planned.why) == ("planned", "again")
    assert f"its {next(iter(settings))} was" in planned.message
    assert one.with_name("a.color.png").read_bytes() == first
    again = run(one, tiny, settings)
    assert (again.status, again.why) == ("coloured", "again")
    assert one.with_name("a.color.png").read_bytes() != first
    assert run(one, tiny, settings).why == "done"
    # What is the default counts as given.
    run(one, tiny)
    assert run(one, tiny, {"vividness": 1, "size": 64, "temperature": 1}).why == "done"


def test_another_model_other_hints_or_another_quality_make_a_result_again(one, tiny, build_model):
    run(one, tiny)
    hints = [{"x": 5, "y": 5, "color": "#d02020", "radius": 5}]
    assert "hints" in run(one, tiny, hints=hints).message
    assert run(one, tiny, hints=hints).why == "done"
    other = build_model(card={"name": "tiny.other"})
    assert "its model was tiny.v1" in run(one, other).message
    # A model of one's own that was trained further, and bears the same name.
    further = build_model(card={"name": "tiny.other", "description": "trained further"})
    assert "weights" in run(one, further).message
    jpeg = one.with_name("b.jpg")
    Image.open(one).save(jpeg)
    run(jpeg, tiny)
    assert run(jpeg, tiny, quality=30).why == "again"
    assert run(jpeg, tiny, quality=30).why == "done"


def test_what_another_program_has_changed_is_not_replaced_unasked(one, tiny):
    run(one, tiny)
    result = one.with_name("a.color.png")
    data = result.read_bytes()
    assert data.count(b"CreatorTool>tintype ") == 1
    result.write_bytes(data.replace(b"CreatorTool>tintype ", b"CreatorTool>GIMP 2.1 "))
    edited = result.read_bytes()
    assert run(one, tiny).why == "done"
    outcome = run(one, tiny, {"vividness": 2})
    assert (outcome.status, outcome.why) == ("skipped", "kept")
    assert "was changed by GIMP" in outcome.message
    assert "--overwrite makes it again" in outcome.message
    assert result.read_bytes() == edited
    assert run(one, tiny, {"vividness": 2}, overwrite=True).status == "coloured"


def test_a_result_is_made_again_when_its_photograph_was_changed(one, tiny):
    run(one, tiny)
    os.utime(one)  # Only touched: the bytes are the same.
    assert run(one, tiny).why == "done"
    Image.fromarray(np.full((40, 60), 99, np.uint8)).save(one)
    outcome = run(one, tiny)
    assert (outcome.status, outcome.why) == ("coloured", "again")
    assert "the photograph was changed since" in outcome.message
    assert run(one, tiny).why == "done"


def test_a_change_between_the_ends_of_a_large_file_is_seen(tmp_path, tiny):
    photo = tmp_path / "a.tif"
    pixels = np.random.default_rng(0).integers(0, 256, (500, 600), np.uint8)
    Image.fromarray(pixels).save(photo)
    run(photo, tiny)
    pixels[250, 300] ^= 255
    Image.fromarray(pixels).save(photo)
    assert run(photo, tiny).why == "again"


def test_an_older_file_of_the_same_name_does_not_take_the_place_of_a_result(one, tiny, tmp_path):
    run(one, tiny, output=f"{tmp_path}/out/")
    result = (tmp_path / "out/a.png").read_bytes()
    other = tmp_path / "other/a.png"
    other.parent.mkdir()
    Image.fromarray(np.full((40, 60), 99, np.uint8)).save(other)
    os.utime(other, (1_400_000_000, 1_400_000_000))
    outcome = run(other, tiny, output=f"{tmp_path}/out/")
    assert outcome.status == "failed"
    assert "was made of another file than" in outcome.message
    assert (tmp_path / "out/a.png").read_bytes() == result
    assert run(other, tiny, output=f"{tmp_path}/out/", overwrite=True).status == "coloured"


def test_results_of_earlier_releases_which_do_not_tell_their_settings_are_done(one, tiny):
    from tintype.photo import Mark, read, write

    grays = np.asarray(Image.open(one))
    write(read(one), [np.stack([grays] * 3, -1)], one.with_name("a.color.png"), mark=Mark("tintype", "0.1", "tiny.v1"))
    assert run(one, tiny, {"vividness": 2}).why == "done"


@pytest.mark.parametrize("content", [b"", bytes(5000)])
def test_an_empty_result_does_not_count(one, tiny, content):
    one.with_name("a.color.png").write_bytes(content)
    assert run(one, tiny, skip_existing=True).status == "coloured"
    assert one.with_name("a.color.png").stat().st_size > 100


def test_results_may_have_the_times_of_their_photographs(one, tiny):
    run(one, tiny, keep_times=True)
    result = one.with_name("a.color.png")
    assert result.stat().st_mtime_ns == one.stat().st_mtime_ns == 1_500_000_000 * 10**9
    os.utime(result)
    assert run(one, tiny).why == "done"
    assert run(one, tiny, keep_times=True).why == "done"  # The date alone is mended.
    assert result.stat().st_mtime_ns == 1_500_000_000 * 10**9
    Image.fromarray(np.full((40, 60), 99, np.uint8)).save(one)
    assert run(one, tiny, keep_times=True).why == "again"


def test_what_is_named_as_a_result_is_none_to_be_coloured(tmp_path, tiny):
    for name in ("a.jpg", "a.color.jpg", "b.bmp", "b.color.png", "c.jpg", "c.jpg.color.webp", "d.color.jpg", "e.jpg",
                 "e.color-2.jpg"):  # fmt: skip
        Image.fromarray(np.full((30, 40), 99, np.uint8)).save(tmp_path / name)
    done = coloured(album.plan([tmp_path]).tasks, Colorizer(tiny, threads=1))
    results = {name for name, outcome in done.items() if outcome.why == "result"}
    assert results == {"a.color.jpg", "b.color.png", "c.jpg.color.webp", "e.color-2.jpg"}
    assert "is the result of" in done["a.color.jpg"].message
    # There is no photograph of which it might be the result.
    assert done["d.color.jpg"].output.name == "d.color.color.jpg"
    # What is there without the mark of a result is not replaced unasked.
    assert (done["a.jpg"].status, done["a.jpg"].why) == ("skipped", "kept")
    assert "does not say that tintype made it: --overwrite replaces it" in done["a.jpg"].message
    done = coloured(album.plan([tmp_path]).tasks, Colorizer(tiny, threads=1), overwrite=True)
    assert done["a.jpg"].status == "coloured"


def targets(*arguments, **options):
    return {str(task.input): task.output and str(task.output) for task in album.plan(*arguments, **options).tasks}


def test_names_that_differ_in_case_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.jpg", "in/a.JPG", "in/I.jpg", "in/i.jpg", "in/b.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    if len(os.listdir("in")) < 5:
        pytest.skip("this file system does not tell them apart")
    # It tells the photographs apart, and so the results beside them.
    assert set(targets(["in"]).values()) == {f"in/{name}" for name in (
        "a.color.jpg", "a.color.JPG", "I.color.jpg", "i.color.jpg", "b.color.jpg")}  # fmt: skip
    assert set(targets(["in"], "out").values()) == {f"out/{name}" for name in (
        "a.jpg", "a.JPG", "I.jpg", "i.jpg", "b.jpg")}  # fmt: skip
    # Of a folder of which nothing is known, the second of each two is numbered.
    monkeypatch.setattr(planning, "_tells_case_apart", lambda photos, folder: False)
    assert targets(["in"], "out") == {
        "in/I.jpg": "out/I.jpg",
        "in/i.jpg": "out/i-2.jpg",
        "in/a.JPG": "out/a.JPG",
        "in/a.jpg": "out/a-2.jpg",
        "in/b.jpg": "out/b.jpg",
    }


@pytest.mark.parametrize("there", [[], ["1931"], ["a-2.jpg"]])
def test_names_of_results_are_the_same_in_a_folder_that_is_new_empty_or_filled(tmp_path, there):
    (tmp_path / "in").mkdir()
    for name in ("a.jpg", "A.jpg", "\u00e9.jpg", "e\u0301.jpg"):
        (tmp_path / "in" / name).touch()
    new = targets([tmp_path / "in"], tmp_path / "out")
    assert f"{tmp_path}/out/\u00e9-2.jpg" in new.values()
    (tmp_path / "out").mkdir()
    for name in there:
        (tmp_path / "out" / name).touch()
    assert targets([tmp_path / "in"], tmp_path / "out") == new
    assert sorted(os.listdir(tmp_path / "out")) == sorted(there)


def test_a_suffix_of_ones_own(tmp_path):
    (tmp_path / "a.jpg").touch()
    assert targets([tmp_path / "a.jpg"], suffix="_bunt") == {f"{tmp_path}/a.jpg": f"{tmp_path}/a_bunt.jpg"}
    assert targets([tmp_path], tmp_path / "out", suffix="-c") == {f"{tmp_path}/a.jpg": f"{tmp_path}/out/a-c.jpg"}
    for wrong in ("", "a/b", "a\\b", "x\0", ".jpg", "*"):
        with pytest.raises(OptionError, match="--suffix"):
            album.plan([tmp_path], suffix=wrong)


def test_a_name_that_is_too_long_beside_the_photograph(tmp_path, tiny):
    photo = tmp_path / f"{'n' * 248}.png"
    Image.fromarray(np.full((30, 40), 99, np.uint8)).save(photo)
    outcome = run(photo, tiny)
    assert outcome.status == "failed"
    assert "is too long a name: give -o FOLDER" in outcome.message
    assert run(photo, tiny, output=f"{tmp_path}/out/").status == "coloured"


def test_colour_photographs_are_noticed_and_left_alone_on_demand(tmp_path, tiny):
    y, x = np.mgrid[0:200, 0:300]
    colour = np.stack([x * 255 // 300, y * 255 // 200, 255 - x * 255 // 300], -1).astype(np.uint8)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    Image.fromarray((colour[..., :1] * [1, 0.9, 0.7]).astype(np.uint8)).save(tmp_path / "sepia.png")
    tasks = album.plan([tmp_path], tmp_path / "out").tasks
    done = coloured(tasks, Colorizer(tiny, threads=1), skip_colour=True)
    assert (done["colour.png"].status, done["colour.png"].why) == ("skipped", "colour")
    assert done["sepia.png"].status == "coloured"
    assert os.listdir(tmp_path / "out") == ["sepia.png"]
    done = coloured(tasks, Colorizer(tiny, threads=1))
    assert (done["colour.png"].status, done["colour.png"].colour) == ("coloured", True)


def test_a_file_whose_tags_take_for_ever_does_not_hold_up_the_others(folder, tiny, monkeypatch):
    waiting, go_on = threading.Event(), threading.Event()
    real = outcomes.is_marked

    def slow(path):
        if path.name == "00.png":
            waiting.set()
            assert go_on.wait(60)
        return real(path)

    # The real files of this kind are bounded in their own tests; here it matters who waits for them.
    monkeypatch.setattr(outcomes, "is_marked", slow)
    finished = []
    for outcome in album.colorize_all(album.plan([folder]).tasks, Colorizer(tiny, threads=1), jobs=2):
        finished.append(outcome.input.name)
        if len(finished) == 11:
            assert waiting.is_set()
            go_on.set()
    assert finished[-1] == "00.png"


def test_a_fault_while_tags_are_read_costs_only_that_file(folder, tiny, monkeypatch):
    real = outcomes.is_marked

    def faulty(path):
        if path.name == "03.png":
            raise RecursionError("too deep")
        return real(path)

    monkeypatch.setattr(outcomes, "is_marked", faulty)
    done = coloured(album.plan([folder]).tasks, Colorizer(tiny, threads=1), jobs=2)
    assert {name for name, outcome in done.items() if outcome.status == "failed"} == {"03.png"}


def test_what_killed_runs_left_in_the_folder_of_results_goes(folder, tmp_path, tiny, monkeypatch):
    from tintype import files

    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    out = tmp_path / "out"
    out.mkdir()
    for number in range(16):
        (out / f".tintype-{files._host()}-{process.pid}-1-{number:016x}.part").touch()
    coloured(album.plan([folder], out).tasks, Colorizer(tiny, threads=1))
    assert len(os.listdir(out)) == 12
    # Also where there is nothing to do any more, as after a run with --overwrite that was killed.
    (out / f".tintype-{files._host()}-{process.pid}-1-{'0' * 16}.part").touch()
    monkeypatch.setattr(files, "_swept", set())
    coloured(album.plan([folder], out).tasks, Colorizer(tiny, threads=1), dry_run=True)
    assert len(os.listdir(out)) == 13
    done = coloured(album.plan([folder], out).tasks, Colorizer(tiny, threads=1))
    assert {outcome.why for outcome in done.values()} == {"done"}
    assert len(os.listdir(out)) == 12


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_file_system_that_keeps_no_dates_is_no_failure(one, tiny):
    command = ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=utimensat", "-e", "inject=utimensat:error=EPERM"]
    command += [sys.executable, "-m", "tintype", "colorize", one, "--keep-times", "--model", tiny]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if "ptrace" in done.stderr:
        pytest.skip("strace may not watch processes here")
    assert done.returncode == 0, done.stderr
    assert "a.color.png cannot get the date of its photograph (Operation not permitted)" in done.stderr
    assert one.with_name("a.color.png").is_file()


@pytest.mark.skipif(os.name == "nt", reason="permissions are others there")
def test_what_may_not_be_read_any_more_is_said_to_be_so(one, tiny):
    from running import open_to_all, tintype_without_rights

    # In a folder of its own: pytest keeps its folders to their owner whenever it is started.
    with tempfile.TemporaryDirectory() as folder:
        photo, model = (Path(shutil.copy(file, folder)) for file in (one, tiny))
        open_to_all(Path(folder))
        run(photo, model)
        photo.chmod(0)
        done = tintype_without_rights("colorize", photo, model=model, check=1)
        assert f"{photo} cannot be read (Permission denied)" in done.stderr.decode()
        # Nor may the folder of a model.
        own = Path(folder) / "own"
        own.mkdir(mode=0o700)
        done = tintype_without_rights("colorize", one, model=own / "tiny.onnx", check=1)
        assert f"{own / 'tiny.onnx'} cannot be used as a model: it cannot be read (Permission denied)" in (
            done.stderr.decode()
        )


def test_a_photograph_that_was_finished_after_it_was_read_is_made_again_whatever_its_date(one, tiny, tmp_path):
    """Programs that copy files may make them long at first, and give them their old dates when all is there."""

    def run():
        (outcome,) = album.run([one], f"{tmp_path}/out/", colorizer={"model": tiny})
        return outcome

    whole = one.read_bytes()
    with Image.open(one) as image:
        half = Image.fromarray(np.asarray(image) // 2)
    half.save(one)
    assert run().status == "coloured"
    one.write_bytes(whole)
    os.utime(one, (1_000_000_000, 1_000_000_000))
    again = run()
    assert (again.status, again.why) == ("coloured", "again")
    assert "the photograph was changed since" in again.message
    assert run().why == "done"


def test_the_dates_of_photographs_are_kept_also_of_results_that_are_done(one, tiny, tmp_path):
    def run(keep_times):
        making = album.Making(keep_times=keep_times)
        (outcome,) = album.run([one], f"{tmp_path}/out/", colorizer={"model": tiny}, making=making)
        return outcome.status, (tmp_path / "out" / "a.png").stat().st_mtime == 1_500_000_000

    assert run(False) == ("coloured", False)
    assert run(True) == ("skipped", True)
    assert run(True) == ("skipped", True)
    with album.Ledger(tmp_path / "out", read_only=True) as ledger:
        (record,) = ledger
    assert record.result_modified == record.modified == 1_500_000_000 * 10**9


def test_part_files_go_from_folders_of_the_output_that_no_task_touches(one, tiny, tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    left = tmp_path / "out" / "1931" / "deep" / f".tintype-{files._host()}-{process.pid}-1-{'0' * 16}.part"
    left.parent.mkdir(parents=True)
    left.touch()
    outcomes = list(album.run([one], tmp_path / "out", colorizer={"model": tiny}, dry_run=True))
    assert [outcome.status for outcome in outcomes] == ["planned"]
    assert left.exists()
    list(album.run([one], tmp_path / "out", colorizer={"model": tiny}))
    assert not left.exists()
