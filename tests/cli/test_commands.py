"""What all commands have in common: how wrong usage is answered, and that nothing printed is obeyed by a terminal."""

import os
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tintype.cli
from running import errors_of
from running import tintype as run
from tintype.cli import complain, say, shown
from tintype.errors import TintypeWarning

HOSTILE = "a\x1b]0;owned\x07\x1b[31m\u202egpj\n\r.jpg"


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["colorise", "a.jpg"], "There is no command colorise; did you mean: tintype colorize a.jpg"),
        (["Colour", "album"], "There is no command Colour; did you mean: tintype colorize album"),
        (
            ["grandmother.jpg", "--vividness", "2"],
            "There is no command grandmother.jpg; to colour a photograph: "
            "tintype colorize grandmother.jpg --vividness 2",
        ),
        (["my scan.tif"], "There is no command my scan.tif; to colour a photograph: tintype colorize 'my scan.tif'"),
        (["study", "mak"], "There is no command mak; did you mean: tintype study make"),
        (["frobnicate"], "There is no command frobnicate: see tintype --help"),
        (["inspect"], "PHOTO is missing: see tintype inspect --help"),
        (
            ["inspect", "a.jpg", "--mdel", "x"],
            "There is no option --mdel; did you mean --model? see tintype inspect --help",
        ),
        (
            ["colorize", "a", "--vividnes=2"],
            "There is no option --vividnes=2; did you mean --vividness? see tintype colorize --help",
        ),
        (["colorize", "a.jpg", "--vividness=high"], "--vividness takes a number from 0 to 10, not high"),
        (["colorize", "a.jpg", "--vividness", "11"], "--vividness takes a number from 0 to 10, not 11"),
        (["colorize", "a.jpg", "--vividness", "nan"], "--vividness takes a number from 0 to 10, not nan"),
        (["colorize", "a.jpg", "--temperature", "0"], "--temperature takes a number above 0 up to 100, not 0"),
        (["colorize", "a.jpg", "--size", "1.5"], "--size takes a whole number from 1 to 2048, not 1.5"),
        (["colorize", "a.jpg", "--jobs", "many"], "--jobs takes a whole number of at least 1, not many"),
        (["colorize", "a.jpg", "--overwrite=2"], "--overwrite takes no value, not 2"),
        (["colorize", "a.jpg", "--blend", "1", "--blend", "0"], "--blend is given more than once: give it once"),
        (["colorize", "a.jpg", "--output"], "--output needs a value: see tintype colorize --help"),
        (["inspect", "a.jpg", "--map", "x"], "--map takes one of deviation, entropy, not x"),
        (["sheet", "a.jpg", "--sizes", "64,x"], "--sizes takes whole numbers such as 128,256, not 64,x"),
        (["sheet", "a.jpg", "--temperatures", "warm"], "--temperatures takes numbers such as 0.2,0.4, not warm"),
        (["inspect", "a.jpg", "--at", "1"], "--at takes X,Y such as 410,520, in pixels, not 1"),
        (["inspect", "a.jpg", "--at", "a,b"], "--at takes X,Y such as 410,520, in pixels, not a,b"),
        (
            ["inspect", "a.jpg", "--region", "1,2,3"],
            "--region takes X,Y,WIDTH,HEIGHT such as 410,520,40,30, in pixels, not 1,2,3",
        ),
        (["sheet", "a.jpg", "--pick", "x", "--on", "b"], "--pick takes a whole number, not x"),
    ],
)
def test_wrong_usage_says_what_is_right(arguments, answer):
    assert errors_of(run(*arguments, check=2)) == [f"tintype: {answer}"]


def test_the_usage_line_has_the_names_of_the_table():
    for command, usage in {
        "colorize": "INPUT... [OPTIONS]",
        "models": "[MODEL...] [OPTIONS]",
        "inspect": "PHOTO [OPTIONS]",
        "report": "RUN... --output OUTPUT [OPTIONS]",
        "prepare": "SOURCE... --output OUTPUT [OPTIONS]",
    }.items():
        help_text = run(command, "--help", check=0).stdout.decode()
        assert help_text.splitlines()[0] == f"Usage: tintype {command} {usage}"
        assert "ARGS" not in help_text


def test_the_help_of_colorize_has_the_ranges():
    help_text = re.sub(r"[\s│]+", " ", run("colorize", "--help", check=0).stdout.decode().lower())
    for words in ("1 to 2048", "0 to 10", "above 0, up to 100", "1 to 100", "at least 1"):
        assert words in help_text


def test_nothing_that_is_printed_is_obeyed_by_a_terminal(capsys):
    say(HOSTILE)
    complain(f"{HOSTILE} does not exist")
    done = capsys.readouterr()
    for text in (done.out, done.err):
        assert text.rstrip("\n").isprintable()
        assert r"a\x1b]0;owned\x07\x1b[31m\u202egpj\n\r.jpg" in text
    assert shown("Großmutter 写真\N{NO-BREAK SPACE}\N{EM DASH} é") == "Großmutter 写真\N{NO-BREAK SPACE}\N{EM DASH} é"
    assert shown("\udcff") == r"\udcff"


@pytest.mark.skipif(os.name == "nt", reason="such names are not allowed there")
def test_a_warning_is_a_sentence(capsys):
    with tintype.cli._warnings_said():
        warnings.simplefilter("default")
        warnings.warn("The device is small", TintypeWarning, stacklevel=1)
    assert capsys.readouterr().err == "tintype: warning: The device is small\n"


def test_hostile_names_of_files_are_printed_escaped(tmp_path, build_model):
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "plain.jpg")
    (tmp_path / "plain.jpg").rename(folder / HOSTILE)
    (folder / f"b{HOSTILE}").write_bytes(b"text")
    (folder / "c.\x1b[2J").write_bytes(b"text")
    model = build_model(card={"name": "tiny.mine", "description": "\x1b]0;owned\x07"})
    for arguments in (
        ["colorize", folder, "--model", model],
        ["colorize", folder, "--dry-run", "--model", model],
        ["colorize", f"{folder}/none\x1b[2J"],
        ["models", model],
        ["sheet", folder / HOSTILE, "--models", model, "-o", tmp_path / "\x1b[1msheet.jpg"],
        ["\x1b[2J"],
    ):
        done = run(*arguments)
        said = (done.stdout + done.stderr).decode()
        assert all(line.isprintable() for line in said.split("\n")), said
        assert "\\x1b" in said


def test_no_command_prints_past_the_escape():
    for path in Path(tintype.cli.__file__).parent.glob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"(?<![.\w])print\(", line):
                assert "shown(" in line or "json" in line, f"{path.name}: {line.strip()}"
