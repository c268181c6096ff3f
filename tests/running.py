"""Runs the command line as a user does: in a process of its own."""

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


def tintype_without_rights(*arguments, model, check=None) -> subprocess.CompletedProcess:
    """Like `tintype`, but never as a superuser, to whom no file is unreadable.

    The interpreter itself may lie where nobody else may look, so the rights are given away after a first run, which
    has imported all that there is to import.
    """
    command = command_of(*map(str, arguments), model=str(model))[3:]
    code = (
        "import os, sys, tempfile\n"
        "from PIL import Image\n"
        "from tintype.cli import main\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    Image.new('L', (8, 8)).save(folder + '/a.jpg')\n"
        f"    main(['colorize', folder, folder + '/none', '--quiet', '--model', {str(model)!r}])\n"
        "if os.geteuid() == 0:\n"
        f"    os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "sys.stderr.write('now\\n')\n"
        f"sys.exit(main({command!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    done.stderr = done.stderr.partition(b"now\n")[2]
    if check is not None:
        assert done.returncode == check, (done.returncode, done.stdout[-2000:], done.stderr.decode(errors="replace"))
    return done


def open_to_all(folder: Path) -> None:
    """Let any user pass through the folders above and below, which pytest keeps to their owner."""
    for place in (folder, *folder.parents):
        if place.stat().st_mode & 0o055 != 0o055:
            place.chmod(place.stat().st_mode | 0o055)
