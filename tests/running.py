"""Runs the command line as a user does: in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

NOBODY = 65534


def tintype(*arguments, model=None, check=None, **options) -> subprocess.CompletedProcess:
    """Run `tintype ARGUMENTS`; model: given as --model; check: the exit code that is expected."""
    command = command_of(*arguments, model=model)
    options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
    if options["stdin"] is None:
        del options["stdin"]
    done = subprocess.run(command, capture_output=True, timeout=120, **options)
    if check is not None:
        assert done.returncode == check, (done.returncode, done.stdout[-2000:], done.stderr.decode(errors="replace"))
    return done


def command_of(*arguments, model=None) -> list:
    return [sys.executable, "-m", "tintype", *arguments, *(["--model", model] if model is not None else [])]


def errors_of(done: subprocess.CompletedProcess) -> list[str]:
    return done.stderr.decode(errors="replace").splitlines()


def as_nobody() -> dict:
    """Options for `tintype` that take a superuser's rights away, as no file is unreadable to one."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.name == "posix" and os.geteuid() == 0 else {}


def open_to_all(folder: Path) -> None:
    """Let any user pass through the folders above and below, which pytest keeps to their owner."""
    for place in (folder, *folder.parents):
        if place.stat().st_uid == os.geteuid() and place != Path(place.anchor):
            place.chmod(place.stat().st_mode | 0o055)
