"""What goes wrong in the world: each in one sentence that names the file, no half-written file, the rest done."""

import errno
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from running import command_of, errors_of, open_to_all, tintype, tintype_without_rights

posix = pytest.mark.skipif(os.name != "posix", reason="this fault is brought about by means of POSIX systems")


def photograph(path: Path, height=300, width=400, seed=0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 256, (height, width), dtype=np.uint8)).save(path)
    return path


def files(folder: Path) -> list[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return sorted(str(path) for path in found if ".tintype" not in path.parts)


def whole(path: Path) -> bool:
    with Image.open(path) as image:
        image.load()
    return True


def bomb(path: Path) -> Path:
    """A PNG of a few bytes that says it has 2.5 billion pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )
    return path


def test_a_folder_of_bad_files_costs_only_the_bad_files(tmp_path, tiny):
    folder = tmp_path / "in"
    photograph(folder / "good.jpg")
    photograph(folder / "really-png.jpg".replace("jpg", "png")).rename(folder / "renamed.jpg")
    data = photograph(folder / "truncated.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(data[: len(data) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.png").write_text("Dear diary, this is not a photograph.")
    (folder / "noise.tif").write_bytes(np.random.default_rng(0).bytes(5000))
    bomb(folder / "bomb.png")
    done = tintype("colorize", folder, "-o", tmp_path / "out", "--json", model=tiny, check=1)
    assert files(tmp_path / "out") == ["good.jpg", "renamed.jpg"]
    assert all(whole(tmp_path / "out" / name) for name in files(tmp_path / "out"))
    bad = {"truncated.jpg", "empty.jpg", "text.png", "noise.tif", "bomb.png"}
    errors = errors_of(done)[:-1]
    assert len(errors) == len(bad)
    for name in bad:
        assert sum(str(folder / name) in line for line in errors) == 1
    assert "2 coloured" in errors_of(done)[-1]
    assert "5 failed" in errors_of(done)[-1]
    assert b"Traceback" not in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["summary"]["failed"] == 5


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@posix
def test_a_full_disk(suffix, tmp_path, tiny):
    import resource

    small, large = photograph(tmp_path / "in/a.png", 8, 8), photograph(tmp_path / "in/b.png", 500, 700)
    out = tmp_path / "out"

    def limit():
        # The process gets EFBIG where a full disk gives ENOSPC, when the signal is ignored.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    kind = {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix)
    words = ("colorize", small, large, "-o", out, "--format", kind)
    done = tintype(*words, model=tiny, check=1, process=True, preexec_fn=limit)
    assert files(out) == [f"a.{suffix}"]
    assert whole(out / f"a.{suffix}")
    said = [line for line in errors_of(done) if "run.sqlite can no longer be kept" not in line]
    assert len(said) == 2
    assert f"b.{suffix} cannot be written" in said[0]
    assert os.strerror(errno.EFBIG) in said[0]


@posix
def test_what_may_not_be_read_or_written(tmp_path, tiny):
    photograph(tmp_path / "in/good.jpg")
    photograph(tmp_path / "in/secret.jpg").chmod(0)
    photograph(tmp_path / "in/locked/a.jpg")
    (tmp_path / "out").mkdir()
    (tmp_path / "shut").mkdir()
    open_to_all(tmp_path / "in")
    open_to_all(tiny)
    (tmp_path / "in/locked").chmod(0)
    (tmp_path / "out").chmod(0o777)
    (tmp_path / "shut").chmod(0o555)
    try:
        done = tintype_without_rights("colorize", tmp_path / "in", "-o", tmp_path / "out", model=tiny, check=1)
        assert files(tmp_path / "out") == ["good.jpg"], errors_of(done)
        errors = errors_of(done)
        assert len(errors) == 3
        assert any(f"{tmp_path}/in/secret.jpg cannot be read" in line for line in errors)
        assert any(f"{tmp_path}/in/locked cannot be searched (Permission denied)" in line for line in errors)
        done = tintype_without_rights(
            "colorize", tmp_path / "in/good.jpg", "-o", f"{tmp_path}/shut/", model=tiny, check=1
        )
        assert any(
            f"{tmp_path}/shut/good.jpg cannot be written (Permission denied)" in line for line in errors_of(done)
        ), done
        done = tintype_without_rights(
            "colorize", tmp_path / "in/good.jpg", "-o", f"{tmp_path}/shut/new/", model=tiny, check=1
        )
        assert any(
            f"{tmp_path}/shut/new/good.jpg cannot be written (Permission denied)" in line for line in errors_of(done)
        ), done
        done = tintype_without_rights("colorize", tmp_path / "in/locked/a.jpg", model=tiny, check=1)
        assert f"{tmp_path}/in/locked/a.jpg cannot be read (Permission denied)" in errors_of(done)[0]
        tiny.chmod(0)
        done = tintype_without_rights("colorize", tmp_path / "in/good.jpg", model=tiny, check=1)
        assert f"{tiny} cannot be used as a model: it cannot be read (Permission denied)" in errors_of(done)[0]
    finally:
        tiny.chmod(0o644)
        (tmp_path / "in/locked").chmod(0o755)


def test_a_file_where_a_folder_should_be(tmp_path, tiny):
    photo = photograph(tmp_path / "a.jpg")
    (tmp_path / "file").write_text("x")
    done = tintype("colorize", photo, "-o", f"{tmp_path}/file/", model=tiny, check=2)
    assert str(tmp_path / "file") in errors_of(done)[0]
    done = tintype("colorize", photo, "-o", f"{tmp_path}/file/deeper/", model=tiny, check=1)
    assert str(tmp_path / "file/deeper") in errors_of(done)[0]


def test_missing_files_and_models(tmp_path, tiny):
    photo = photograph(tmp_path / "a.jpg")
    done = tintype("colorize", tmp_path / "none.jpg", photo, model=tiny, check=1)
    assert errors_of(done)[0] == f"tintype: {tmp_path}/none.jpg does not exist"
    assert (tmp_path / "a.color.jpg").exists()
    (tmp_path / "broken.onnx").write_bytes(tiny.read_bytes()[:500])
    for model, code in ((tmp_path / "none.onnx", 2), (tmp_path / "broken.onnx", 1), (photo, 1), ("tintype.v0", 2)):
        done = tintype("colorize", photo, "--overwrite", model=model, check=code)
        assert len(errors_of(done)) == 1
        assert str(model) in errors_of(done)[0]


@pytest.mark.parametrize(
    "content", ["", "{", '{"x": 1}', '[{"x": 1}]', '[{"x": 1e9, "y": 0, "color": "#123456", "radius": 1}]']
)
def test_broken_hints(content, tmp_path, tiny):
    photo = photograph(tmp_path / "a.jpg")
    (tmp_path / "hints.json").write_text(content)
    done = tintype("colorize", photo, "--hints", tmp_path / "hints.json", model=tiny, check=1)
    assert len(errors_of(done)) <= 2
    assert "hint" in errors_of(done)[0].lower()
    assert files(tmp_path) == ["a.jpg", "hints.json"]


@posix
def test_names_that_are_not_text(tmp_path, tiny):
    folder = os.fsencode(tmp_path) + b"/in"
    os.mkdir(folder)
    data = photograph(tmp_path / "plain.jpg").read_bytes()
    for name in (b"gr\xfcn.jpg", b"\xff\xfe.jpg"):
        Path(os.fsdecode(folder + b"/" + name)).write_bytes(data)
    Path(os.fsdecode(folder + b"/k\xe4putt.jpg")).write_bytes(data[:100])
    done = tintype("colorize", folder, "--json", model=tiny, check=1, process=True)
    assert sorted(os.listdir(folder)) == sorted(
        [b"gr\xfcn.jpg", b"gr\xfcn.color.jpg", b"\xff\xfe.jpg", b"\xff\xfe.color.jpg", b"k\xe4putt.jpg"]
    )
    assert len(done.stdout.splitlines()) == 4
    assert "putt.jpg" in errors_of(done)[0]
    assert b"Traceback" not in done.stderr


def start(*arguments, model):
    return subprocess.Popen(command_of(*arguments, model=model), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.01)


def folder_of(tmp_path, count=8) -> Path:
    for number in range(count):
        photograph(tmp_path / f"in/{number}.png", 1000, 1000, number)
    return tmp_path / "in"


@posix
def test_killed_in_the_middle_of_a_folder_and_continued(tmp_path, tiny):
    folder, out = folder_of(tmp_path), tmp_path / "out"
    run = start("colorize", folder, "-o", out, model=tiny)

    def in_the_middle():
        """Something is done, and something is half written: its temporary file is there."""
        names = files(out) if out.exists() else []
        return any(name.endswith(".part") for name in names) and any(not name.startswith(".") for name in names)

    wait_for(in_the_middle)
    run.kill()
    run.communicate()
    done = [name for name in files(out) if not name.startswith(".")]
    assert 0 < len(done) < 8
    assert all(whole(out / name) for name in done)
    before = {name: (out / name).stat().st_mtime_ns for name in done}
    again = tintype("colorize", folder, "-o", out, model=tiny, check=0)
    assert f"{8 - len(done)} coloured" in errors_of(again)[-1]
    assert {name: (out / name).stat().st_mtime_ns for name in done} == before
    finished = [name for name in files(out) if not name.startswith(".")]
    assert finished == [f"{number}.png" for number in range(8)]
    assert all(whole(out / name) for name in finished)
    # What the killed run left behind is not taken for a photograph.
    left = [name for name in files(out) if name.startswith(".")]
    assert all(re.fullmatch(r"\.tintype-[\w-]+\.part", name) for name in left)
    third = tintype("colorize", out, "-o", tmp_path / "third", model=tiny, check=0)
    assert "8 skipped" in errors_of(third)[-1]


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
@posix
def test_stopped_in_the_middle_of_a_folder(number, code, tmp_path, tiny):
    folder, out = folder_of(tmp_path), tmp_path / "out"
    run = start("colorize", folder, "-o", out, "--json", model=tiny)
    wait_for(lambda: out.exists() and any(not name.startswith(".") for name in os.listdir(out)))
    run.send_signal(getattr(signal, number))
    output, errors = run.communicate(timeout=60)
    assert run.returncode == code
    assert b"Traceback" not in errors
    assert 0 < len(files(out)) < 8
    assert all(name.endswith(".png") and whole(out / name) for name in files(out))
    assert all(json.loads(line) for line in output.splitlines())


def test_a_reader_that_leaves_is_no_crash(tmp_path, tiny):
    photo = photograph(tmp_path / "a.png", 1000, 1000)
    run = subprocess.Popen(
        command_of("colorize", photo, "-o", "-", model=tiny), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    run.stdout.close()
    errors = run.stderr.read()
    run.stderr.close()
    assert run.wait(60) == 1
    assert b"Traceback" not in errors


def test_offline(tmp_path, tiny):
    """Nothing opens a connection: sockets are taken away before the run."""
    photo = photograph(tmp_path / "a.jpg")
    code = (
        "import socket, sys\n"
        "def refused(*a, **k): raise AssertionError('a connection was opened')\n"
        "socket.socket = socket.create_connection = socket.getaddrinfo = refused\n"
        "from tintype.cli import main\n"
        f"sys.exit(main(['colorize', {str(photo)!r}, '--model', {str(tiny)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "a.color.jpg").exists()
