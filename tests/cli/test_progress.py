"""The display of progress: bars on a terminal, and nothing anywhere else."""

import json
import os
import subprocess
import sys
from contextlib import suppress

import pytest

from running import command_of
from tintype.cli.progress import Progress


def on_a_terminal(command, **options) -> tuple[bytes, bytes]:
    """What a command writes on standard output, a pipe, and on standard error, a terminal."""
    ours, theirs = os.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment, **options)
    os.close(theirs)
    said = b""
    with suppress(OSError):  # the end of a terminal
        while part := os.read(ours, 4096):
            said += part
    os.close(ours)
    output = process.stdout.read()
    process.stdout.close()
    assert process.wait(120) == 0
    return output, said


pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals there")


def test_a_bar_for_each_thing_with_its_count_and_note():
    code = (
        "from tintype.cli.progress import Progress\n"
        "with Progress() as progress:\n"
        "    progress('colouring', 1.5, 3)\n"
        "    progress('fetching [b]', 250, 1000, unit='MB', note='file\\x1b[2J')\n"
    )
    _, said = on_a_terminal([sys.executable, "-c", code])
    text = said.decode()
    for words in ("colouring", " 50 %", "1 of 3", "fetching [b]", " 25 %", "250 of 1000 MB", r"file\x1b[2J"):
        assert words in text
    assert "\x1b[2J" not in text


def test_nothing_is_shown_in_a_pipe_or_when_hidden(capsys):
    for hidden in (False, True):
        with Progress(hidden) as progress:
            progress("colouring", 1, 2)
        assert not progress.shown
    assert capsys.readouterr() == ("", "")
    code = "from tintype.cli.progress import Progress\nwith Progress(hidden=True) as p: p('colouring', 1, 2)"
    assert on_a_terminal([sys.executable, "-c", code]) == (b"", b"")


def test_lines_in_a_pipe_stay_out_of_the_terminal(photograph, tmp_path, tiny):
    """`tintype colorize album --json > results` shows a bar, and every line of JSON is in the file."""
    for name in ("in/a.jpg", "in/b.jpg"):
        photograph(name)
    output, said = on_a_terminal(command_of("colorize", tmp_path / "in", "--json", model=tiny))
    assert [json.loads(line).get("status") for line in output.splitlines()] == ["coloured", "coloured", None]
    assert b"colouring" in said
    assert b'"status"' not in said
