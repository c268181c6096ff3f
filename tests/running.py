"""Runs the command line: here, or as a user does, in a process of its own."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from tintype.cli import main

NOBODY = 65534


def tintype(*arguments, model=None, check=None, process=False, **options) -> subprocess.CompletedProcess:
    """Run `tintype ARGUMENTS`.

    Args:
        model: given as --model.
        check: the exit code that is expected.
        process: in a process of its own, which takes a second and more; `options` are then those of subprocess.run.
            Otherwise they are cwd and input.
    """
    command = command_of(*arguments, model=model)
    if process:
        given = {} if "input" in options else {"stdin": subprocess.DEVNULL}
        done = subprocess.run(command, capture_output=True, timeout=120, **given, **options)
    else:
        done = _here([os.fsdecode(word) for word in command[3:]], **options)
    if check is not None:
        assert done.returncode == check, (done.returncode, done.stdout[-2000:], done.stderr.decode(errors="replace"))
    return done


def _here(arguments: list[str], cwd=None, input=b"") -> subprocess.CompletedProcess:
    before, on_request = os.getcwd(), signal.getsignal(signal.SIGTERM)
    with ExitStack() as stack:
        files = [stack.enter_context(TemporaryFile()) for _ in range(3)]
        files[0].write(input)
        files[0].seek(0)
        if cwd is not None:
            os.chdir(cwd)
        try:
            with _streams(files):
                try:
                    code = main(arguments)
                except SystemExit as end:
                    code = end.code
        finally:
            os.chdir(before)
            signal.signal(signal.SIGTERM, on_request)
            if "torch" in sys.modules:
                # Of which `train` takes as many as there are processors.
                sys.modules["torch"].set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        output, errors = (file.seek(0) or file.read() for file in files[1:])
    return subprocess.CompletedProcess(arguments, code, output, errors)


@contextmanager
def _streams(files):
    """Let files stand for the standard streams, for what libraries of C write too."""
    streams = sys.stdin, sys.stdout, sys.stderr
    kept = [os.dup(number) for number in range(3)]
    try:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        sys.stdin, sys.stdout, sys.stderr = ours = [
            os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False) for number in range(3)
        ]
        yield
        for stream in ours[1:]:
            stream.flush()
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        for number, keep in enumerate(kept):
            os.dup2(keep, number)
            os.close(keep)


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
