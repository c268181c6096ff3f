"""Where a model doubts, and which colours it holds likely at a place."""

from itertools import combinations

import numpy as np
import pytest

from tintype import Colorizer
from tintype.color.lab import rgb_to_lab
from tintype.distribution import Distribution
from tintype.doubts import doubtful
from tintype.errors import OptionError
from tintype.hints import Hint
from tintype.photo import from_array

BINS = np.array([[0.0, 0.0], [60.0, 0.0], [-60.0, 0.0], [0.0, 40.0]])
SURE, DOUBTED, WIDE = [0.97, 0.01, 0.01, 0.01], [0.4, 0.3, 0.3, 0.0], [0.0, 0.5, 0.5, 0.0]


def found(width: int = 400, height: int = 300, lightness: float = 55.0) -> Distribution:
    """A sure ground with a coat that is doubted, a hat that is doubted more, and a line as thin as a cell."""
    p = np.empty((4, 30, 40), np.float32)
    p[...] = np.reshape(SURE, (4, 1, 1))
    p[:, 10:26, 4:16] = np.reshape(DOUBTED, (4, 1, 1))
    p[:, 2:9, 24:32] = np.reshape(WIDE, (4, 1, 1))
    p[:, 28:29, 4:36] = np.reshape(WIDE, (4, 1, 1))
    guide = np.full((240, 320), lightness, np.float32)
    return Distribution(p, BINS, (height, width), guide)


def test_one_place_per_doubted_part_most_doubtful_first_and_no_slivers():
    hat, coat, ground = doubtful(found())
    assert 240 < hat.x < 320
    assert 20 < hat.y < 90
    assert 40 < coat.x < 160
    assert 100 < coat.y < 260
    # The discs lie inside: of the hat 70 pixels are the shorter side, of the coat 120.
    assert hat.radius == pytest.approx(35, abs=10)
    assert hat.radius < min(hat.x - 240, 320 - hat.x, hat.y - 20, 90 - hat.y) + 1
    assert coat.radius == pytest.approx(60, abs=10)
    assert hat.deviation > coat.deviation > 20 > ground.deviation


def test_doubt_is_that_of_colours_which_can_be_seen():
    light, dark = (doubtful(found(lightness=each))[0].deviation for each in (55, 4))
    assert 40 < light < 60  # That of the bins is 60; sRGB holds the red one and most of the green.
    assert dark < 15


def test_what_a_hint_lies_on_is_settled():
    free = doubtful(found())
    hat = free[0]
    assert doubtful(found(), [Hint(hat.x - hat.radius / 2, hat.y, "#a02020", 3)]) == free[1:]


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer("tintype.mini", threads=2)


@pytest.fixture(scope="module")
def photo():
    y, x = np.mgrid[:180, :240]
    return from_array(
        (90 + 60 * np.sin(x / 30) + 50 * ((x - 120) ** 2 + (y - 90) ** 2 < 2500)).clip(0, 255).astype(np.uint8)
    )


def test_colours_that_were_looked_at_without_logits_or_are_reduced_find_the_same(colorizer, photo):
    whole = colorizer.look(photo, logits=True)
    for colours in (colorizer.look(photo), whole.reduced(), colorizer.look(photo).reduced(100)):
        assert colours.likely(100, 90, 20) == whole.likely(100, 90, 20)
        assert colours.doubts(5) == whole.doubts(5)
    kept = colorizer.look(photo).with_logits()
    np.testing.assert_array_equal(kept.logits, whole.logits)
    assert kept.with_logits() is kept
    assert 1 <= len(whole.doubts()) <= 12


def test_likely_colours_are_those_of_the_place(colorizer, photo):
    colours = colorizer.look(photo, logits=True)
    likely = colours.likely(100, 90, count=400)
    assert len(likely) == len(colours.model.card.bins)
    assert sum(each.probability for each in likely) == pytest.approx(1, abs=1e-4)
    assert [each.probability for each in likely] == sorted((each.probability for each in likely), reverse=True)
    mean = colours.distribution().probabilities.mean(axis=(1, 2))
    choice = colours.likely(100, 90, count=400, apart=20)
    assert choice[0].probability > likely[0].probability
    assert (choice[0].a, choice[0].b) == (likely[0].a, likely[0].b)
    assert sum(each.probability for each in choice) == pytest.approx(1, abs=1e-4)
    places = np.array([(each.a, each.b) for each in choice])
    assert min(np.hypot(*(one - other)) for one, other in combinations(places, 2)) >= 20
    everywhere = colours.likely(100, 90, 5000)
    np.testing.assert_allclose([each.probability for each in everywhere], np.sort(mean)[::-1][:10], rtol=1e-3)
    lightness = float(photo.lightness(90, 91)[0, 100])
    rgb = np.array(list(bytes.fromhex(likely[0].color[1:]))) / 255
    assert rgb_to_lab(rgb)[0] == pytest.approx(lightness, abs=3)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((240, 20), "outside the photograph of 240 x 180 pixels"),
        ((-1, 20), "outside"),
        ((20, float("nan")), "outside"),
        ((20, 20, 0), "radius must be above 0"),
        ((20, 20, float("nan")), "radius must be above 0"),
        ((20, 20, 5, 0), "at least 1"),
    ],
)
def test_places_and_numbers_that_cannot_be_are_refused(colorizer, photo, place, words):
    colours = colorizer.look(photo)
    with pytest.raises(OptionError, match=words):
        colours.likely(*place)
    with pytest.raises(OptionError, match="at least 1"):
        colours.doubts(0)
