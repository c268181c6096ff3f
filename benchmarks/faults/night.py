"""Runs of the command over an archive: killed, hindered, started twice, and repeated until all is done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

MODEL = ("--model", "tintype.mini", "--size", "64")
"""A model that ships, at a size at which it takes little time."""

NOBODY = 65534
PATIENCE = 600.0
"""Seconds that a run may take."""


@dataclass(frozen=True)
class User:
    """Who runs the command; number None: who runs this. python: an interpreter that they can start."""

    number: int | None = None
    group: int | None = None
    groups: tuple[int, ...] = ()
    umask: int = -1
    python: str = sys.executable

    def options(self) -> dict[str, Any]:
        """Those of subprocess.Popen."""
        options: dict[str, Any] = {"umask": self.umask}
        if self.number is not None:
            group = self.number if self.group is None else self.group
            options |= {"user": self.number, "group": group, "extra_groups": list(self.groups)}
        if self.python != sys.executable:
            options["env"] = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return options

    def give(self, folder: Path) -> None:
        """Make them the owner of a folder and of all that is in it."""
        if self.number is not None:
            for where, folders, names in os.walk(folder):
                for name in (".", *folders, *names):
                    os.chown(os.path.join(where, name), self.number, self.number, follow_symlinks=False)


def ordinary_user(number: int = NOBODY) -> User | None:
    """A user to whom files may be forbidden; None where a superuser runs this and others cannot start Python here."""
    if os.geteuid() != 0:
        return User()
    own = shutil.which(f"python3.{sys.version_info.minor}", path=f"{os.defpath}:/usr/local/bin")
    for python in filter(None, (sys.executable, own)):
        user = User(number, python=python)
        command = [python, "-c", "import numpy, tintype.cli.colorize"]
        with suppress(OSError):
            if not subprocess.run(command, **user.options(), cwd="/", capture_output=True, timeout=PATIENCE).returncode:
                return user
    return None


@dataclass
class Run:
    """One run of the command. code: its exit code, minus the number of the signal that ended it."""

    code: int
    lines: list[dict[str, Any]]
    errors: list[str]
    seconds: float

    def of(self, *statuses: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("status") in statuses]

    @property
    def summary(self) -> dict[str, Any]:
        (summary,) = [line["summary"] for line in self.lines if "summary" in line]
        return dict(summary)


@dataclass
class Night:
    """Runs over one archive into one folder. census: of each result, what it was when it was first seen."""

    inputs: Path
    output: Path
    user: User = field(default_factory=User)
    options: tuple[str, ...] = ("--pages", "all", "--jobs", "2")
    runs: list[Run] = field(default_factory=list)
    census: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    remade: list[str] = field(default_factory=list)
    """Results that were there already and were made again."""
    left: int = 0
    """How many part files runs left that were killed."""

    @property
    def watching(self) -> Night:
        """The same night, for runs that watch."""
        return replace(self, options=(*self.options, "--watch", "--settle", "0.5"))

    def command(self, *more: str) -> list[str]:
        words = ["colorize", os.fspath(self.inputs), "-o", os.fspath(self.output), "--json", *MODEL]
        return [self.user.python, "-m", "tintype", *words, *self.options, *more]

    @contextmanager
    def started(self, *more: str) -> Iterator[Working]:
        """A run that is at work. What becomes of it is noted when it has ended, which it has to within PATIENCE."""
        begin = time.monotonic()
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self.command(*more),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                **self.user.options(),
            )
            working = Working(process, errors.fileno())
            try:
                yield working
                code = process.wait(PATIENCE)
            finally:
                process.kill()
                process.wait()
                working.reader.join()
            said = working.errors().splitlines()
        working.run = Run(code, working.lines, said, time.monotonic() - begin)
        self.runs.append(working.run)
        self.count()

    def repeat(self, *more: str, meanwhile: Callable[[Working], None] | None = None) -> Run:
        """A run to its end. meanwhile: what is done while it works."""
        with self.started(*more) as working:
            if meanwhile is not None:
                meanwhile(working)
        assert working.run is not None
        return working.run

    def killed(self, random: np.random.Generator, most: int) -> Run:
        """A run that is killed at a random moment, before it has coloured more than `most` or so."""
        chance = random.random()
        with self.started() as working:
            if chance < 0.2:
                # While it starts, searches or compares.
                working.process.poll()
                time.sleep(random.uniform(0, 3))
            else:
                working.wait_for(int(random.integers(most + 1)), 60)
                time.sleep(random.uniform(0, 0.05))
            working.process.send_signal(signal.SIGKILL)
        assert working.run is not None
        return working.run

    def count(self) -> None:
        """Look at every result; those that are there already are to be what they were."""
        for where, _, names in os.walk(self.output):
            for name in names:
                path = os.path.join(where, name)
                if ".tintype" in path:
                    self.left += name.endswith(".part")
                    continue
                status = os.lstat(path)
                now = (status.st_ino, status.st_mtime_ns, status.st_size)
                if self.census.setdefault(path, now) != now:
                    self.remade.append(path)
                    self.census[path] = now


class Working:
    """A run at work. lines: what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], errors: int):
        self.process = process
        self._errors = errors
        self.lines: list[dict[str, Any]] = []
        self.run: Run | None = None
        self._change = threading.Condition()
        self._ended = False
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                # The last line of a run that is killed may be cut.
                if line.endswith(b"\n"):
                    with self._change:
                        self.lines.append(json.loads(line))
                        self._change.notify_all()
        with self._change:
            self._ended = True
            self._change.notify_all()

    def coloured(self) -> int:
        return sum(line.get("status") == "coloured" for line in self.lines)

    def wait_for(self, count: int, seconds: float = PATIENCE) -> None:
        """Wait until it has coloured so many, or has ended, but no longer than that."""
        with self._change:
            self._change.wait_for(lambda: self._ended or self.coloured() >= count, seconds)

    def errors(self) -> str:
        """What it has said on standard error so far."""
        return os.pread(self._errors, 1 << 20, 0).decode(errors="surrogateescape")
