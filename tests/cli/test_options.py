"""How lists, places and numbers are written on the command line: in one way in all commands."""

from typing import Annotated

import pytest
from cyclopts import App, CycloptsError

from running import errors_of, tintype
from tintype.cli import application
from tintype.cli.options import between, exactly, pixels_or, several
from tintype.cli.usage import wrong_usage


def read(annotation, *words, default=None):
    """What a command gets for its option --it; the sentence of wrong usage where it gets nothing."""
    app = App(result_action="return_value")

    @app.default
    def command(*names: str, it: annotation = default):
        return names, it

    try:
        return app(list(words), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return wrong_usage(error, words)


NAMES = Annotated[tuple[str, ...], several("names such as a,b")]
NUMBERS = Annotated[tuple[float, ...], several("numbers such as 0.2,0.4", float)]
SPACED = Annotated[tuple[int, ...], several("whole numbers such as 1,2", int, spaces=True)]
PLACE = Annotated[tuple[int, int] | None, exactly(2, "X,Y such as 410,520")]
SIDE = Annotated[int | None, pixels_or("whole")]


@pytest.mark.parametrize(
    ("annotation", "words", "value"),
    [
        (NAMES, ["--it", "a,b"], ("a", "b")),
        (NAMES, ["--it", "a", "--it", "b,c"], ("a", "b", "c")),
        (NAMES, ["--it=b, a,,b,"], ("b", "a")),
        (NAMES, ["--it", "a[,]b.jpg,[!,c]*,d[1,e"], ("a[,]b.jpg", "[!,c]*", "d[1", "e")),
        (NUMBERS, ["--it", "0.2,1"], (0.2, 1.0)),
        (SPACED, ["--it", "1,2", "3"], (1, 2, 3)),
        (PLACE, ["--it", "3, 4"], (3, 4)),
        (PLACE, ["--it=-3,4"], (-3, 4)),
        (SIDE, ["--it", "whole"], None),
        (SIDE, ["--it", "64"], 64),
    ],
)
def test_what_can_be_read(annotation, words, value):
    assert read(annotation, *words, default="default") == ((), value)


def test_only_one_word_belongs_to_a_list_or_a_place():
    assert read(NAMES, "--it", "a,b", "c") == (("c",), ("a", "b"))
    assert read(PLACE, "--it", "3,4", "c") == (("c",), (3, 4))


@pytest.mark.parametrize(
    ("annotation", "words", "sentence"),
    [
        (NAMES, ["--it="], "--it takes names such as a,b, not nothing"),
        (NAMES, ["--it", ","], "--it takes names such as a,b, not ,"),
        (NUMBERS, ["--it", "1,x"], "--it takes numbers such as 0.2,0.4, not 1,x"),
        (NUMBERS, ["--it", "1", "--it", "x"], "--it takes numbers such as 0.2,0.4, not 1 x"),
        (SPACED, ["--it", "1", "1.5"], "--it takes whole numbers such as 1,2, not 1 1.5"),
        (PLACE, ["--it", "3"], "--it takes X,Y such as 410,520, not 3"),
        (PLACE, ["--it", "3,4,5"], "--it takes X,Y such as 410,520, not 3,4,5"),
        (PLACE, ["--it", "3,"], "--it takes X,Y such as 410,520, not 3,"),
        (SIDE, ["--it", "half"], "--it takes a number of pixels, or whole, not half"),
        (Annotated[int, between(1)], ["--it", "0"], "--it takes a whole number of at least 1, not 0"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(annotation, words, sentence):
    assert read(annotation, *words) == sentence


def commands(app):
    """Every command that draws, colours and so on, with its words before it."""
    for name in app:
        if not name.startswith("-"):
            below = app[name]
            if below.default_command is None:
                yield from ((f"{name} {more}", command) for more, command in commands(below))
            else:
                yield name, below


def test_every_list_takes_commas():
    no_lists = {"--range", "--key", "--still"}  # A-B, and FRAME=FILE, where the file's name may have commas
    for name, command in commands(application()):
        for argument in command.assemble_argument_collection():
            if argument.name in no_lists:
                continue
            if "tuple" in str(argument.hint) and argument.field_info.kind is argument.field_info.KEYWORD_ONLY:
                assert "," in argument.parameter.metavar, f"{name} {argument.name}"


def test_patterns_of_colorize_are_a_list_and_may_be_repeated(photograph, tmp_path, tiny):
    for name in ("in/a.jpg", "in/b.png", "in/c.tif", "in/d,e.webp"):
        photograph(name)
    for number, (words, left) in enumerate(
        {
            ("--exclude", "*.jpg,*.png"): ["c.tif", "d,e.webp"],
            ("--exclude", "*.jpg", "--exclude", "*.png"): ["c.tif", "d,e.webp"],
            ("--include", "*.tif,d[,]e.*"): ["c.tif", "d,e.webp"],
        }.items()
    ):
        out = tmp_path / f"out{number}"
        tintype("colorize", tmp_path / "in", "-o", out, *words, model=tiny, check=0)
        assert sorted(path.name for path in out.iterdir() if path.is_file()) == left


@pytest.mark.parametrize("pages", ["0", "first,2", "x", "1,all"])
def test_pages_that_cannot_be_are_refused(pages, photograph, tiny):
    done = tintype("colorize", photograph("a.tif"), "--pages", pages, model=tiny, check=2)
    assert errors_of(done) == [
        f"tintype: --pages takes all, first, or numbers from 1 on, such as 2 or 1,3, not {pages}"
    ]
