"""Other colourings of a photograph: they differ from it and from each other where the model doubts, and only there."""

from pathlib import Path

import numpy as np
import pytest

import tintype
from tintype import Colorizer
from tintype.alternatives import colourings
from tintype.color.lab import rgb_to_lab
from tintype.distribution import Distribution
from tintype.errors import HintError, OptionError
from tintype.hints import Hint
from tintype.photo import from_array

PHOTOGRAPHS = Path(__file__).parents[1] / "examples" / "photographs"

BINS = np.array([[0.0, 0], [33, 13], [0, -36], [-30, 20], [5, 35], [0, 80]])
SURE, COAT = [0.95, 0.01, 0.01, 0.01, 0.01, 0.01], [0.3, 0.19, 0.18, 0.17, 0.13, 0.03]


def found() -> Distribution:
    """A sure ground, and two coats whose colour may be any of five."""
    p = np.empty((6, 30, 40), np.float32)
    p[...] = np.reshape(SURE, (6, 1, 1))
    for columns in (slice(4, 14), slice(24, 36)):
        p[:, 8:26, columns] = np.reshape(COAT, (6, 1, 1))
    return Distribution(p, BINS, (300, 400), np.full((240, 320), 60, np.float32))


def ab(hint: Hint) -> np.ndarray:
    return rgb_to_lab(np.array(list(bytes.fromhex(hint.color[1:]))) / 255)[1:]


def test_the_modes_of_what_is_doubted_become_hints_the_most_probable_first():
    ways = colourings(found(), np.zeros((2, 30, 40), np.float32), (), 4)
    # The first hint says that the ground stays as it is.
    np.testing.assert_allclose([ab(way[0]) for way in ways], np.zeros((4, 2)), atol=0.1)
    assert [len({hint.color for hint in way[1:]}) for way in ways] == [1, 1, 1, 1]  # Both coats have one colour.
    np.testing.assert_allclose([ab(way[1]) for way in ways], BINS[1:5], atol=1.5)
    for hint in ways[0][1:]:
        assert 80 < hint.y < 260
        assert (
            40 < hint.x - hint.radius < hint.x + hint.radius < 140
            or 240 < hint.x - hint.radius < hint.x + hint.radius < 360
        )
    assert len({hint.x < 200 for hint in ways[0][1:]}) == 2
    assert colourings(found(), np.zeros((2, 30, 40), np.float32), (), 9) == ways  # There are no more.


def test_what_is_there_already_is_no_alternative_and_nor_is_what_a_hint_lies_on():
    red = np.broadcast_to(BINS[1].reshape(2, 1, 1), (2, 30, 40))
    ways = colourings(found(), red, [Hint(90, 170, "#804030", 5)], 4)
    np.testing.assert_allclose([ab(way[0]) for way in ways], BINS[[1, 1, 1, 1]], atol=1.5)
    np.testing.assert_allclose([ab(way[1]) for way in ways], BINS[[0, 2, 3, 4]], atol=1.5)
    assert all(hint.x > 240 for way in ways for hint in way[1:])


def test_no_colour_is_stronger_than_most_of_what_the_model_holds_possible():
    # The sixth, of a chroma of 80, has hardly any mass; the second has 0.19, but of twice the chroma of the others.
    bins = np.where(np.arange(6)[:, None] == 1, 2 * BINS, BINS)
    strong = Distribution(found().probabilities, bins, (300, 400), found().guide)
    ways = colourings(strong, np.zeros((2, 30, 40), np.float32), (), 4)
    chroma = sorted(float(np.hypot(*ab(way[1]))) for way in ways)
    assert len(chroma) == 4
    assert 34 < chroma[-1] < 38


def test_where_nothing_is_doubted_there_are_none():
    p = np.broadcast_to(np.reshape(np.float32(SURE), (6, 1, 1)), (6, 30, 40))
    sure = Distribution(p, BINS, (300, 400), np.full((240, 320), 60, np.float32))
    assert colourings(sure, np.zeros((2, 30, 40), np.float32), (), 4) == []
    dark = Distribution(found().probabilities, BINS, (300, 400), np.full((240, 320), 2, np.float32))
    assert colourings(dark, np.zeros((2, 30, 40), np.float32), (), 4) == []


def painted(colours) -> np.ndarray:
    """CIE L*a*b* of a preview."""
    return rgb_to_lab(np.concatenate(list(colours.paint(size=300, depth=8))) / 255)


def test_four_colourings_of_a_photograph_differ_where_it_is_doubted_and_keep_its_lightness():
    colours = Colorizer(threads=2).look(tintype.read(PHOTOGRAPHS / "count-basie.jpg"), logits=True).reduced()
    others = colours.alternatives()
    assert len(others) == 4
    pictures = [painted(each) for each in (colours, *others)]
    height, width = pictures[0].shape[:2]
    y, x = np.mgrid[:height, :width] * (colours.size[0] / height) + 0.5
    # The surroundings of the hints that differ; their places are the same in all.
    near = np.zeros((height, width), bool)
    for hint in set(others[0].hints) - set(others[1].hints):
        near |= np.hypot(x - hint.x, y - hint.y) < 2 * hint.radius
    sure = colours.distribution().map("deviation", (height, width)) < 18
    for first in range(5):
        for second in range(first):
            apart = np.sqrt(((pictures[first] - pictures[second]) ** 2).sum(axis=2))
            assert np.median(apart[near]) >= 8
            assert np.median(apart[sure]) < 6
    for other, picture in zip(others, pictures[1:], strict=True):
        assert np.abs(picture[..., 0] - pictures[0][..., 0]).mean() < 0.5
        np.testing.assert_array_equal(other.ab, colours.with_hints(other.hints).ab)
        assert 3 <= len(other.hints) <= 30
        assert other.unguided is colours.ab


def test_hints_that_are_there_stay_and_what_cannot_be_is_refused(build_model):
    photo = tintype.read(PHOTOGRAPHS / "lange-1936.jpg")
    hint = Hint(300, 100, "#88a0c0", 20)
    guided = Colorizer(threads=2).look(photo, [hint])
    for other in guided.alternatives(2):
        assert other.hints[0] == hint
        assert len(other.hints) > 1
        assert other.unguided is guided.unguided
    with pytest.raises(OptionError, match="at least 1"):
        guided.alternatives(0)
    with pytest.raises(HintError, match="takes no hints"):
        Colorizer(build_model(hints=False, logits=3)).look(from_array(np.full((64, 64), 99, np.uint8))).alternatives()
