"""`tintype sheet`: what stands on it, commands that make it again, and one of them on a folder."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tintype.cli.sheet import sheet
from tintype.colorizer import Colorizer
from tintype.contact import quoted
from tintype.errors import ModelError, OptionError, UnreadablePhoto, UnwritablePhoto
from tintype.photo import is_marked


def listed(path: Path) -> list[dict]:
    return json.loads(Path(f"{path}.json").read_bytes())["tiles"]


def in_a_shell(command: str, folder: Path) -> None:
    """Run a command as it stands; `tintype` is that of these tests."""
    program = f'tintype() {{ "{sys.executable}" -m tintype "$@"; }}\n'
    done = subprocess.run(["bash", "-c", program + command], cwd=folder, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()


def test_sizes_go_down_and_temperatures_across(photograph, tiny, tmp_path, capsys):
    sheet(photograph("a.jpg"), models=(str(tiny),), sizes=(32, 64), temperatures=(0.5, 1, 2))
    # Marked, so that a run over the folder does not take it for a photograph.
    assert is_marked(tmp_path / "a.sheet.jpg")
    tiles = listed(tmp_path / "a.sheet.jpg")
    assert [(tile["number"], tile["size"], tile["temperature"]) for tile in tiles] == [
        (1, 32, 0.5),
        (2, 32, 1),
        (3, 32, 2),
        (4, 64, 0.5),
        (5, 64, 1),
        (6, 64, 2),
    ]
    lefts, tops = (sorted({tile["box"][axis] for tile in tiles}) for axis in (0, 1))
    assert [(lefts.index(t["box"][0]), tops.index(t["box"][1])) for t in tiles] == [
        (x, y) for y in range(2) for x in range(3)
    ]
    printed = capsys.readouterr().out
    assert all(tile["command"] in printed for tile in tiles)


def test_without_wishes_it_is_half_once_and_twice_what_the_card_says(photograph, tiny, build_model, tmp_path):
    plain = build_model()
    sheet(photograph("a.jpg"), models=(str(tiny), str(plain)))
    tiles = listed(tmp_path / "a.sheet.jpg")
    assert [(t["size"], t["temperature"]) for t in tiles[:9]] == [(s, t) for s in (32, 64, 128) for t in (0.5, 1, 2)]
    assert [(t["model"], t["size"], t["temperature"]) for t in tiles[9:]] == [
        (str(plain), size, None) for size in (32, 64, 128)
    ]


@pytest.mark.parametrize("name", ["a.png", "my grandmother's $HOME.png", "Großmutter\n–.png", "-o.png", "deep/b.png"])
def test_each_command_makes_what_the_sheet_shows(photograph, tiny, tmp_path, monkeypatch, name):
    photo = photograph(name, 60, 80)
    monkeypatch.chdir(tmp_path)
    sheet(Path(name), models=(str(tiny),), sizes=(32,), temperatures=(0.5, 1.75), output=Path("s.png"))
    with Image.open("s.png") as page:
        page = page.convert("RGB")
    for tile in listed(Path("s.png")):
        in_a_shell(tile["command"], tmp_path)
        with Image.open(tile["arguments"][-1]) as made:
            made = made.convert("RGB")
        truth = Colorizer(tiny, 32, tile["temperature"])(photo, tmp_path / "truth.png")
        with Image.open(truth) as whole:
            np.testing.assert_array_equal(np.asarray(made), np.asarray(whole))
        left, top, width, height = tile["box"]
        shown = page.crop((left, top, left + width, top + height))
        np.testing.assert_array_equal(
            np.asarray(shown), np.asarray(made.resize((width, height), Image.Resampling.LANCZOS))
        )


def test_a_sheet_is_not_written_over_in_silence(photograph, tiny, tmp_path):
    photo = photograph("a.jpg")
    sheet(photo, models=(str(tiny),), sizes=(32,), temperatures=(0.5, 1))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if "sheet" in path.name}
    with pytest.raises(OptionError, match=r"a\.sheet\.jpg is there already, and --pick counts on it: .* --overwrite"):
        sheet(photo, models=(str(tiny),), sizes=(64,), temperatures=(2,))
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir() if "sheet" in path.name}
    sheet(photo, models=(str(tiny),), sizes=(64,), temperatures=(2,), overwrite=True)
    assert [tile["size"] for tile in listed(tmp_path / "a.sheet.jpg")] == [64]
    sheet(photo, models=(str(tiny),), sizes=(32,), temperatures=(2,), output=tmp_path / "other.jpg")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals there")
def test_on_a_terminal_a_bar_shows_that_it_works(photograph, tiny):
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "tintype", "sheet", str(photograph("a.jpg")), "--models", str(tiny)]
    done = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=os.environ | {"TERM": "xterm"})
    os.close(theirs)
    said = b""
    with suppress(OSError):  # the end of a terminal
        while part := os.read(ours, 4096):
            said += part
    assert done.wait(120) == 0
    assert b"colouring" in said


@pytest.mark.parametrize("name", ["plain", "two words", "it's", "Großmutter – 3", "a\\b\n'c'", "\udcff.jpg", "", "$x"])
@pytest.mark.parametrize("ascii", [False, True])
def test_a_word_comes_back_from_the_shell(name, ascii):
    written = quoted(name, ascii)
    assert written.isprintable()
    assert written.isascii() or not ascii
    done = subprocess.run(["bash", "-c", f"printf %s {written}".encode()], capture_output=True, timeout=60)
    assert done.stdout == name.encode(errors="surrogateescape")


def test_the_page_has_words_under_each_picture(photograph, tiny, tmp_path):
    sheet(photograph("a.png"), models=(str(tiny),), sizes=(32,), temperatures=(0.5, 1), output=tmp_path / "s.png")
    with Image.open(tmp_path / "s.png") as page:
        pixels = np.asarray(page.convert("L"))
    for tile in listed(tmp_path / "s.png"):
        left, top, width, height = tile["box"]
        assert (left, width) == (left, 420)
        under = pixels[top + height : top + height + 60, left : left + width]
        assert 0.02 < (under < 128).mean() < 0.3


def test_one_is_repeated_on_a_folder(photograph, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo = photograph("a.jpg")
    others = [photograph("album/b.png"), photograph("album/deep/c.png")]
    sheet(photo, models=(str(tiny),), sizes=(32, 64), temperatures=(0.5, 2))
    for given, folder in ((photo, "one"), (Path("a.sheet.jpg"), "two")):
        assert sheet(given, pick=2, on=Path("album"), output=Path(folder)) == 0
        for other in others:
            expected = Colorizer(tiny, 32, 2.0)(other, tmp_path / "expected.png")
            with Image.open(expected) as truth, Image.open(folder / other.relative_to(tmp_path / "album")) as made:
                np.testing.assert_array_equal(np.asarray(made), np.asarray(truth))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pick": 9, "on": Path("album")}, "The sheet has no picture 9"),
        ({"pick": 1}, "belong together"),
        ({"on": Path("album")}, "belong together"),
        ({"pick": 1, "on": Path("album"), "sizes": (64,)}, "from the sheet"),
        ({"sizes": (0,)}, "size must be"),
        ({"temperatures": (0,)}, "temperature must be"),
        ({"sizes": tuple(range(1, 102))}, "at most 100 pictures"),
        ({"output": Path("a.txt")}, "names no format"),
    ],
)
def test_wrong_usage_is_refused(photograph, tiny, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    photo = photograph("a.jpg")
    sheet(photo, models=(str(tiny),), sizes=(32,), temperatures=(1,))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(OptionError, match=message):
        sheet(photo, overwrite=True, **({"models": (str(tiny),)} if "pick" not in options else {}) | options)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_there_is_not_is_refused(photograph, tiny, build_model, tmp_path):
    photo = photograph("a.jpg")
    with pytest.raises(OptionError, match="has no sheet yet"):
        sheet(photo, pick=1, on=tmp_path)
    (tmp_path / "a.sheet.jpg.json").write_text('{"tiles": [{"number": 1}]}')
    with pytest.raises(OptionError, match="not the list of a sheet"):
        sheet(photo, pick=1, on=tmp_path)
    with pytest.raises(OptionError, match="no temperature"):
        sheet(photo, models=(str(build_model()),), temperatures=(1,))
    with pytest.raises(ModelError, match="no model named"):
        sheet(photo, models=("tintype.v0",))
    with pytest.raises(UnreadablePhoto, match="does not exist"):
        sheet(tmp_path / "none.jpg", models=(str(tiny),))
    with pytest.raises(UnwritablePhoto, match="over itself"):
        sheet(photo, models=(str(tiny),), output=photo)
