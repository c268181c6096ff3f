"""Nothing is sent, and nothing is written but what was asked for: as the operating system sees it, not as Python does.

The run-time library opens files and connections from its own code, so the system calls of all threads and processes are
watched (strace), with the oldest and the newest release of the run-time library that tintype accepts.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from PIL import Image

from tintype.models.runtime import SWITCH

ROOT = Path(__file__).parents[1]
CALLS = (
    "?open openat ?openat2 ?creat ?mkdir mkdirat ?mknod mknodat ?rename ?renameat ?renameat2 ?link linkat ?symlink "
    "symlinkat socket connect bind sendto sendmsg sendmmsg"
)
HARMLESS = re.compile(r"/dev/(null|tty|shm/.*)|/proc/.*")
"""Devices, and the memory that processes of one run share."""


@cache
def _why_not() -> str | None:
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True)
    return None if tried.returncode == 0 else "strace may not trace processes here"


class Watched:
    """A program that ran with an empty home and an empty temporary folder, and what it asked the system for."""

    def __init__(self, folder: Path, *command: object, **environment: str):
        if (reason := _why_not()) is not None:
            pytest.skip(reason)
        self.work = folder / "work"
        self.home, self.temporary, traces = (folder / name for name in ("home", "temporary", "traces"))
        for place in (self.work, self.home, self.temporary, traces):
            place.mkdir(parents=True, exist_ok=True)
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ}
        done = subprocess.run(
            ["strace", "-ff", "-qq", "-s", "4096", "-e", "trace=" + ",".join(CALLS.split()), "-o", traces / "of"]
            + [str(word) for word in command],
            cwd=self.work,
            env=kept
            | {"HOME": str(self.home), "TMPDIR": str(self.temporary), "PYTHONDONTWRITEBYTECODE": "1"}
            | {"PYTHONPATH": os.pathsep.join(filter(None, [environment.pop("first", ""), str(ROOT / "src")]))}
            | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        self.output = done.stdout.decode()
        self.calls = [line for trace in sorted(traces.iterdir()) for line in trace.read_text().splitlines()]
        assert any("libonnxruntime" in line or "onnxruntime_pybind" in line for line in self.calls)

    @property
    def left(self) -> list[str]:
        """The files and folders that are now in the home and in the temporary folder."""
        return [str(path) for place in (self.home, self.temporary) for path in place.rglob("*")]

    @property
    def network(self) -> list[str]:
        """What was asked of the network; a pair of sockets between threads is none."""
        asked = re.compile(r"socket\(AF_(?!UNIX)|(connect|bind|send\w+)\(")
        return [line for line in self.calls if asked.match(line)]

    @property
    def written(self) -> set[str]:
        """The paths that were opened for writing, made or renamed, outside the folder in which the command ran."""
        asked = [
            line for line in self.calls if re.match(r"open", line) is None or re.search(r"O_(WRONLY|RDWR|CREAT)", line)
        ]
        asked = [line for line in asked if re.match(r"(open|creat|mk|rename|link|symlink)", line)]
        paths = {path for line in asked for path in re.findall(r'"((?:[^"\\]|\\.)*)"', line)}
        paths = {os.path.normpath(self.work / path) for path in paths}
        return {path for path in paths if not Path(path).is_relative_to(self.work) and not HARMLESS.fullmatch(path)}

    def assert_private(self) -> None:
        assert not self.left
        assert not self.network
        assert not self.written


@pytest.fixture
def photograph(tmp_path) -> Path:
    path = tmp_path / "work" / "a.jpg"
    path.parent.mkdir()
    Image.fromarray(np.arange(128 * 96, dtype=np.uint16).astype(np.uint8).reshape(96, 128)).save(path)
    return path


@cache
def _releases() -> dict[str, str]:
    """'oldest' and 'newest' -> what pip is asked for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (wanted,) = [line for line in map(Requirement, project["dependencies"]) if line.name == "onnxruntime"]
    (oldest,) = [part.version for part in wanted.specifier if part.operator == ">="]
    return {"oldest": f"onnxruntime=={oldest}.*", "newest": str(wanted)}


@pytest.mark.parametrize("release", ["oldest", "newest"])
def test_colouring_sends_nothing_and_leaves_nothing(release, photograph, tmp_path):
    if (reason := _why_not()) is not None:
        pytest.skip(reason)
    place = tmp_path / "runtime"
    wanted = _releases()[release]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--upgrade"]
    done = subprocess.run([*pip, "--target", place, wanted], capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(
            f"{wanted} cannot be installed here: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
        )
    told = "import sys; from tintype.cli import main; code = main(sys.argv[1:]); import onnxruntime; "
    told += "print(onnxruntime.__file__); sys.exit(code)"
    run = Watched(tmp_path, sys.executable, "-c", told, "colorize", photograph, first=str(place))
    assert Path(run.output.splitlines()[-1]).is_relative_to(place)
    assert photograph.with_name("a.color.jpg").is_file()
    run.assert_private()


@pytest.mark.parametrize(
    "command",
    [
        ["models", "tintype.mini"],
        ["inspect", "a.jpg", "--model", "tintype.mini"],
        ["sheet", "a.jpg", "--models", "tintype.mini", "--sizes", "64"],
        ["evaluate", "--models", "tintype.mini", "--data", ".", "--jobs", "2", "--output", "run"],
    ],
    ids=lambda command: command[0],
)
def test_the_other_commands_send_nothing_either(command, photograph, tmp_path):
    for name in "bcd":
        shutil.copy(photograph, photograph.with_name(f"{name}.jpg"))
    if command[0] == "models":
        # Which needs no run-time library; the watch looks for one.
        command = ["-c", f"import tintype.models.runtime; from tintype.cli import main; main({command!r})"]
    else:
        command = ["-m", "tintype", *command]
    Watched(tmp_path, sys.executable, *command).assert_private()


def test_the_watch_sees_a_file_a_folder_and_a_connection(tmp_path):
    """The last of them to an address that nobody has."""
    code = (
        "import tintype.models.runtime, os, pathlib, socket, threading\n"
        "def work():\n"
        "    pathlib.Path.home().joinpath('.cache').mkdir()\n"
        "    file = pathlib.Path(os.environ['TMPDIR'], 'session')\n"
        "    file.write_text('x')\n"
        "    file.unlink()\n"
        "    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:\n"
        "        try: probe.connect(('192.0.2.1', 9))\n"
        "        except OSError: pass\n"
        "thread = threading.Thread(target=work); thread.start(); thread.join()\n"
    )
    run = Watched(tmp_path, sys.executable, "-c", code)
    assert run.left == [str(run.home / ".cache")]
    assert run.written == {str(run.home / ".cache"), str(run.temporary / "session")}
    assert any("192.0.2.1" in line for line in run.network)


# The switch of the run-time library


def value_after_import(**environment: str) -> str:
    """What a process that was started by one with the run-time library finds in its environment."""
    child = f"import os; print(os.environ.get({SWITCH!r}))"
    code = f"import subprocess, sys, tintype.models.runtime; subprocess.run([sys.executable, '-c', {child!r}])"
    clean = {name: value for name, value in os.environ.items() if name != SWITCH}
    done = subprocess.run([sys.executable, "-c", code], env=clean | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_processes_that_are_started_inherit_the_switch():
    assert value_after_import() == "1"


def test_what_the_user_has_set_stays():
    assert value_after_import(**{SWITCH: "0"}) == "0"


def test_the_runtime_library_is_imported_in_one_place_only():
    """tintype itself is held to it by a contract of imports; here are the tests and benchmarks, whose processes would
    report as well."""
    imports = re.compile(r"^\s*(import|from) onnxruntime\b", re.MULTILINE)
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("src", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if imports.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"src/tintype/models/runtime.py"}


def test_the_page_on_privacy_names_every_extra_that_fetches_or_serves():
    page = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
    assert SWITCH in page
    for command in ("prepare", "evaluate", "study serve", "study quiz", "plot"):
        assert f"`tintype {command}" in page
