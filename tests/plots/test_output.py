"""Where pictures go, and what they look like in the file."""

import numpy as np
import pytest
from PIL import Image

from small_sets import picture
from tintype.errors import OptionError, UnwritableFile
from tintype.plots import figure, output, sheet


def drawn():
    with figure.style():
        page = figure.new(4, 3)
        panel = page.subplots()
        panel.plot([1, 2], [3, 4])
        panel.set_title("costs $5 and $7")
    return page


@pytest.mark.parametrize(("suffix", "head"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_the_same_figure_gives_the_same_bytes(tmp_path, suffix, head):
    paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for path in paths:
        figure.save(drawn(), path)
    first, second = (path.read_bytes() for path in paths)
    assert first.startswith(head)
    assert first == second
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths}


def test_a_figure_has_the_size_that_it_was_given(tmp_path):
    figure.save(drawn(), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (600, 450)


@pytest.mark.parametrize("suffix", ["png", "jpg", "JPEG", "webp"])
def test_a_sheet_is_written_in_the_format_of_its_name(tmp_path, suffix):
    path = tmp_path / f"sheet.{suffix}"
    page = sheet.lay_out(["one"], [sheet.Row("", [picture(0)])], 96)
    sheet.save(page, path)
    with Image.open(path) as back:
        back.load()
        assert back.size == page.size
        assert np.abs(np.asarray(back.convert("RGB"), float) - np.asarray(page, float)).mean() < 3


@pytest.mark.parametrize(("save", "name"), [(figure.save, "a.jpg"), (figure.save, "a"), (sheet.save, "a.svg")])
def test_another_format_is_refused_by_name(tmp_path, save, name):
    page = drawn() if save is figure.save else Image.new("RGB", (8, 8))
    with pytest.raises(OptionError, match=rf"{name} does not name a format .* ends in \."):
        save(page, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path):
    with pytest.raises(UnwritableFile, match=r"a\.png cannot be written \(No such file or directory\): "):
        output.put(b"picture", tmp_path / "none" / "a.png")
    (tmp_path / "a.png").mkdir()
    with pytest.raises(UnwritableFile, match=r"a\.png is a folder: give the name of a file"):
        output.put(b"picture", tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_picture_takes_the_place_of_the_one_before(tmp_path):
    (tmp_path / "a.png").write_bytes(b"old")
    output.put(b"new", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"new"
