from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tintype.color.enlarge import DETAIL, PARTS, Enlarger

CELLS = (16, 24)
SIZE = (CELLS[0] * 20, CELLS[1] * 20)


def areas(plane, size):
    """Means of whole blocks."""
    height, width = size
    return plane.reshape(height, plane.shape[0] // height, width, -1).mean((1, 3)).astype(np.float32)


def two_objects(border):
    """L* and ab of a bright red object left of column `border` and a dark blue one right of it."""
    left = np.broadcast_to(np.arange(SIZE[1]) < border, SIZE)
    return np.where(left, 70, 40).astype(np.float32), np.where(left, [[[50]], [[40]]], [[[-10]], [[-45]]])


def enlarged(lightness, ab):
    small = np.stack([areas(plane, CELLS) for plane in ab])
    return Enlarger(small, areas(lightness, (CELLS[0] * 10, CELLS[1] * 10)), SIZE).rows(0, SIZE[0])


@settings(max_examples=30)
@given(
    st.floats(-120, 120, width=32),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
)
def test_one_colour_stays_one_colour(value, size, guide):
    light = np.random.default_rng(0).uniform(0, 100, guide).astype(np.float32)
    ab = np.full((2, 5, 7), np.float32(value))
    assert (Enlarger(ab, light, size).rows(0, size[0]) == np.float32(value)).all()


@settings(max_examples=30)
@given(st.lists(st.integers(0, 150), max_size=6))
def test_the_strips_do_not_depend_on_the_cuts(cuts):
    rng = np.random.default_rng(1)
    ab = rng.normal(0, 30, (2, 8, 12)).astype(np.float32)
    enlarger = Enlarger(ab, rng.uniform(0, 100, (64, 96)).astype(np.float32), (150, 211))
    edges = sorted({0, 150, *cuts})
    strips = [enlarger.rows(top, bottom) for top, bottom in pairwise(edges)]
    assert np.array_equal(np.concatenate(strips, axis=1), enlarger.rows(0, 150))


def test_a_gradient_under_even_light_is_not_shifted():
    # Colour that grows by one unit per pixel: the mean of a cell is its value at the cell's centre.
    ramp = np.stack(np.broadcast_arrays(np.arange(SIZE[1]), np.arange(SIZE[0])[:, None])).astype(np.float32)
    result = enlarged(np.full(SIZE, 60, np.float32), ramp)
    inner = np.s_[:, 80:-80, 80:-80]
    assert np.abs(result - ramp)[inner].max() < 0.01


def test_a_mirrored_photograph_gives_mirrored_colour():
    rng = np.random.default_rng(2)
    ab = rng.normal(0, 30, (2, 9, 13)).astype(np.float32)
    light = rng.uniform(0, 100, (72, 104)).astype(np.float32)
    whole = Enlarger(ab, light, (200, 301)).rows(0, 200)
    mirrored = Enlarger(ab[:, ::-1, ::-1], light[::-1, ::-1], (200, 301)).rows(0, 200)
    assert np.allclose(mirrored[:, ::-1, ::-1], whole, rtol=0, atol=2e-3)


@pytest.mark.parametrize("border", [240, 244, 247, 251, 256])
def test_colour_stops_at_the_border_of_two_objects(border):
    lightness, ab = two_objects(border)
    error = np.abs(enlarged(lightness, ab) - ab).max(axis=(0, 1))
    # A part of a cell is 2.5 pixels wide; bilinear is off by up to 45 units over 20 pixels to both sides.
    away = np.abs(np.arange(SIZE[1]) + 0.5 - border) > 5
    assert error[away].max() < 3


def test_no_colour_appears_that_was_not_there():
    rng = np.random.default_rng(3)
    ab = rng.normal(0, 30, (2, 8, 12)).astype(np.float32)
    light = rng.uniform(0, 100, (64, 96)).astype(np.float32)
    result = Enlarger(ab, light, (160, 240)).rows(0, 160)
    least, most = (limit(ab, axis=(1, 2))[:, None, None] for limit in (np.min, np.max))
    assert (result >= least).all()
    assert (result <= most).all()


def test_grain_is_not_printed_into_the_colour():
    rng = np.random.default_rng(4)
    ramp = np.stack(np.broadcast_arrays(np.arange(SIZE[1]), np.arange(SIZE[0])[:, None])).astype(np.float32) / 4
    grainy = (60 + rng.normal(0, 8, SIZE)).astype(np.float32)
    # Over 20 pixels the colour changes by 5 units; the grain may move it by a tenth of that.
    difference = enlarged(grainy, ramp) - enlarged(np.full(SIZE, 60, np.float32), ramp)
    assert difference.std() < 0.25
    assert np.abs(difference).max() < 1.5


def test_a_larger_guide_is_averaged_down():
    rng = np.random.default_rng(5)
    ab = rng.normal(0, 30, (2, 6, 6)).astype(np.float32)
    light = rng.uniform(0, 100, (48, 48)).astype(np.float32)
    best = Enlarger(ab, light, (120, 130)).rows(0, 120)
    larger = Enlarger(ab, light.repeat(3, 0).repeat(3, 1), (120, 130)).rows(0, 120)
    assert 6 * DETAIL == 48
    assert np.allclose(larger, best, rtol=0, atol=1e-3)


def test_a_large_plane_is_divided_less():
    ab = np.zeros((2, 1200, 1000), np.float32)
    light = np.zeros((1200, 1000), np.float32)
    assert Enlarger(ab, light, (2400, 2000)).parts[0].size <= PARTS


def test_wrong_planes_are_refused():
    ab, light = np.zeros((2, 4, 4), np.float32), np.zeros((32, 32), np.float32)
    with pytest.raises(ValueError, match=r"ab \[2, h, w\]"):
        Enlarger(ab[0], light, (9, 9))
    with pytest.raises(ValueError, match=r"guide \[h, w\]"):
        Enlarger(ab, light[None], (9, 9))
    with pytest.raises(ValueError, match="finite"):
        Enlarger(ab * np.nan, light, (9, 9))
