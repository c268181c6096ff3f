"""Pixels that are looked up: what large photographs of 8-bit gray codes take."""

import numpy as np
import pytest
from skimage.color import rgb2lab

from tintype.color import palette
from tintype.color.enlarge import Enlarger
from tintype.color.render import render, render_strips
from tintype.photo.scale import gray_scale

SIZE = (400, 600)
SCALE = gray_scale(8)


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """Photographs of SIZE count as large."""
    monkeypatch.setattr(palette, "LEAST", SIZE[0] * SIZE[1])


def codes(size=SIZE):
    """Every gray code, some of them in each place."""
    down, across = np.mgrid[: size[0], : size[1]]
    grain = np.random.default_rng(0).normal(0, 12, size)
    return np.clip(down * 255 / size[0] + 30 * np.sin(across / 90) + grain, 0, 255).astype(np.uint8)


def enlarger(spread=12, size=SIZE):
    rng = np.random.default_rng(7)
    ab = rng.normal(0, spread, (2, 20, 24)).astype(np.float32)
    return Enlarger(ab, rng.uniform(0, 100, (160, 192)).astype(np.float32), size)


def painted(gray, colour, part=None, scale=SCALE, **options):
    part = part or tuple(slice(0, side) for side in gray.shape)
    strips = render_strips(lambda i, j: gray[i:j, part[1]], colour, part, scale=scale, **options)
    return np.concatenate(list(strips))


def exact(gray, colour, scale=SCALE):
    return render(scale[gray], colour.rows(0, len(gray)))


@pytest.mark.parametrize("spread", [3, 12])
def test_lightness_stays_and_colour_hardly_changes(spread):
    gray, colour = codes(), enlarger(spread)
    looked_up, rendered = painted(gray, colour), exact(gray, colour)
    off = [np.abs(rgb2lab(pixels / 255)[..., 0] - SCALE[gray]) for pixels in (looked_up, rendered)]
    assert off[0].max() <= 0.6
    assert off[0].mean() <= off[1].mean() + 0.002
    # Another code in one channel is nothing that anybody sees; a step of colour is at most half of COARSEST off.
    apart = np.abs(looked_up.astype(int) - rendered).max(axis=-1)
    assert 0 < (apart > 0).mean() < 0.45
    assert np.linalg.norm(rgb2lab(looked_up / 255) - rgb2lab(rendered / 255), axis=-1).mean() < 0.25


@pytest.mark.parametrize("threads", [2, 5])
def test_pixels_depend_on_neither_threads_nor_parts(threads):
    gray, colour = codes(), enlarger()
    whole = painted(gray, colour)
    assert np.array_equal(painted(gray, colour, threads=threads), whole)
    for part in ((slice(0, 1), slice(0, 1)), (slice(391, 400), slice(5, 599)), (slice(101, 300), slice(233, 600))):
        assert np.array_equal(painted(gray, colour, part), whole[part])


def test_gray_codes_come_back_without_colour():
    gray = codes()
    assert (painted(gray, enlarger(), blend=0.0) == gray[..., None]).all()


def test_codes_have_the_lightness_that_their_scale_gives():
    gray, colour, dark = codes(), enlarger(), np.float32(100) - SCALE
    seen = rgb2lab(painted(gray, colour, scale=dark) / 255)[..., 0]
    assert np.abs(seen - dark[gray]).max() <= 0.6


def test_few_colours_take_little_memory_and_many_no_more_than_they_may():
    def room(spread):
        made = palette.Palette(enlarger(spread), 1.0, lambda codes, ab: np.zeros((len(codes), 3), np.uint8))
        assert (made.first < 0).all()
        return made.step, made.count.prod()

    few, many, most = (room(spread) for spread in (3, 12, 1000))
    assert few[0] == palette.STEP
    assert few[1] < palette.COLOURS / 4
    assert palette.STEP < many[0] <= palette.COARSEST < most[0]
    assert max(many[1], most[1]) <= palette.COLOURS


@pytest.mark.parametrize(("spread", "size"), [(60, SIZE), (12, (300, 400)), (12, (20_000, 30))])
def test_colours_that_range_too_widely_and_photographs_that_are_too_small_or_tall_are_rendered(spread, size):
    gray, colour = codes(size), enlarger(spread, size)
    assert np.array_equal(painted(gray, colour), exact(gray, colour))


def test_an_overlay_is_laid_on_exact_colours():
    gray, colour = codes(), enlarger()
    assert np.array_equal(painted(gray, colour, overlay=lambda top, left, ab: None), exact(gray, colour))
