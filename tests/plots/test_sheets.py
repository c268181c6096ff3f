"""Channels, temperatures, methods, and the sheets that they are laid out on."""

import numpy as np
import pytest
from PIL import Image

from small_sets import picture
from tintype import Colorizer
from tintype.color.lab import rgb_to_lab
from tintype.errors import OptionError, PhotoError
from tintype.models import Model
from tintype.plots import channels, methods, photographs, sheet, temperatures


def lab(pixels):
    return np.moveaxis(rgb_to_lab(pixels / 255), -1, 0)


def test_channels_show_one_plane_each():
    photograph = picture(0) // 3 + 80  # of little chroma, which sRGB holds at any lightness
    lightness, a, b = lab(photograph)
    only_l, only_a, only_b = (lab(plane) for plane in channels.planes(photograph))
    for shown, wanted in (
        (only_l, (lightness, 0, 0)),
        (only_a, (channels.LIGHTNESS, a, 0)),
        (only_b, (channels.LIGHTNESS, 0, b)),
    ):
        for ours, truth in zip(shown, wanted, strict=True):
            assert np.abs(ours - truth).max() < 1


def test_the_columns_of_a_strip_are_the_temperatures(build_model):
    # a* = T (0.1 L* + 5), b* = 0
    model = Model(build_model(temperature=True, gain=(0.1, 0.0), offset=(5.0, 0.0)))
    flat = np.full((64, 64, 3), 119, np.uint8)  # L* 50
    heads, (row,) = temperatures.strip(model, {"flat": flat}, (1, 0.5, 0))
    assert heads == ["gray", "T = 1 (mean)", "T = 0.5", "T \N{RIGHTWARDS ARROW} 0 (mode)"]
    a = [float(np.median(lab(each)[1])) for each in row.pictures]
    np.testing.assert_allclose(a, [0, 10, 5, 0], atol=0.5)


def test_a_model_without_temperature_has_no_strip(build_model):
    with pytest.raises(OptionError, match="has no temperature: choose"):
        temperatures.strip(Model(build_model()), {})
    with pytest.raises(OptionError, match="temperature must be from"):
        temperatures.strip(Model(build_model(temperature=True)), {}, (-1,))


def test_methods_stand_between_gray_and_truth(build_model):
    colorizers = [Colorizer(build_model(offset=(a, 0.0), gain=(0.0, 0.0))) for a in (10.0, 30.0)]
    truth, gray = picture(1, 64, 64), np.full((64, 64, 3), 119, np.uint8)
    heads, (first, second) = methods.compare(colorizers, {"colour": truth, "old": gray})
    assert heads == ["gray", "tiny.v1", "tiny.v1", "truth"]
    assert first.pictures[-1] is truth
    assert second.pictures[-1] is None
    medians = [float(np.median(lab(each)[1])) for each in second.pictures[:-1]]
    np.testing.assert_allclose(medians, [0, 10, 30], atol=1)
    heads, _ = methods.compare(colorizers[:1], {"old": gray})
    assert heads == ["gray", "tiny.v1"]


def test_a_photograph_in_colour_is_told_from_a_toned_one():
    gray = methods.gray_of(picture(2))
    sepia = np.clip(gray * (1.05, 0.95, 0.75), 0, 255).astype(np.uint8)
    assert [photographs.in_colour(each) for each in (picture(2), gray, sepia)] == [True, False, False]


def test_photographs_of_one_name_are_told_apart(tmp_path):
    for name in ("a/one.png", "b/one.png", "b/two.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(picture(0)).save(tmp_path / name)
    read = photographs.read_all([tmp_path / name for name in ("a/one.png", "b/one.png", "b/two.png")])
    assert list(read) == ["a/one.png", "b/one.png", "two"]
    assert (read["two"] == picture(0)).all()


def test_photographs_are_upright_small_and_refused_in_a_sentence(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture(0, 200, 300)).save(tmp_path / "turned.jpg", exif=exif)
    assert photographs.read(tmp_path / "turned.jpg", 100).shape == (150, 100, 3)
    (tmp_path / "broken.jpg").write_bytes((tmp_path / "turned.jpg").read_bytes()[:800])
    for name in ("broken.jpg", "none.jpg"):
        with pytest.raises(PhotoError, match=name):
            photographs.read(tmp_path / name, 100)


@pytest.mark.parametrize("columns", [1, 20])
def test_every_picture_stands_on_the_sheet_in_its_place(columns):
    colours = [(10 * number, 200, 255 - 10 * number) for number in range(columns)]
    pictures = [np.full((50, 80, 3), colour, np.uint8) for colour in colours]
    rows = [sheet.Row("first", pictures), sheet.Row("second", pictures[::-1])]
    page = sheet.lay_out([f"a-rather-long.name{n}" for n in range(columns)], rows, cell=64)
    assert page.width == 2 * sheet.MARGIN + columns * 64 + (columns - 1) * sheet.GAP
    lowest = page.height - sheet.MARGIN - 5
    for number, colour in enumerate(reversed(colours)):
        assert page.getpixel((sheet.MARGIN + number * (64 + sheet.GAP) + 32, lowest)) == colour


def test_a_tall_photograph_takes_no_more_than_its_place():
    page = sheet.lay_out(["tall"], [sheet.Row("", [np.zeros((900, 100, 3), np.uint8)])], cell=100)
    assert page.height < 100 * sheet.TALLEST + 80
