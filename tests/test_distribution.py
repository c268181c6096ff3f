"""The distribution behind the colours, on a model whose logits are -L*, 0 and L* over three bins."""

import numpy as np
import pytest

from tintype import inspection
from tintype.color.lab import gray, rgb_to_lab
from tintype.colorizer import Colorizer
from tintype.distribution import MEASURES, Distribution, Region, disc
from tintype.errors import ModelError
from tintype.photo import from_array

BINS = [[0.0, 0.0], [10.0, 0.0], [10.0, 30.0]]


def photograph(lightness: np.ndarray):
    """A photograph of these L*."""
    return from_array(gray(np.asarray(lightness, np.float32)))


@pytest.fixture
def colorizer(build_model):
    return Colorizer(build_model(logits=3, card={"bins": BINS}))


def look(colorizer, photo) -> Distribution:
    return colorizer.look(photo, logits=True).distribution()


def softmax(lightness: float) -> np.ndarray:
    weights = np.exp(lightness * np.array([-1.0, 0.0, 1.0]))
    return weights / weights.sum()


@pytest.mark.parametrize("lightness", [0.0, 0.5, 2.0])
def test_probabilities_and_doubt_are_those_of_the_softmax(colorizer, lightness):
    found = look(colorizer, photograph(np.full((64, 96), lightness)))
    p, bins = softmax(lightness), np.array(BINS)
    everywhere = np.broadcast_to(p[:, None, None], found.probabilities.shape)
    np.testing.assert_allclose(found.probabilities, everywhere, atol=1e-4)
    np.testing.assert_allclose(found.entropy, -(p * np.log2(p)).sum(), atol=1e-3)
    variance = (p * ((bins - p @ bins) ** 2).sum(axis=1)).sum()
    np.testing.assert_allclose(found.deviation, np.sqrt(variance), atol=1e-2)


def test_what_is_certain_has_no_doubt(colorizer):
    found = look(colorizer, photograph(np.full((64, 64), 100)))
    assert found.entropy.max() < 1e-6
    assert found.deviation.max() < 1e-3


def test_the_likeliest_colours_stand_at_the_lightness_of_the_place(colorizer):
    probabilities = np.broadcast_to(np.array([0.2, 0.5, 0.3])[:, None, None], (3, 16, 16))
    guide = np.full((128, 128), 60, np.float32)
    likely = Distribution(probabilities, np.array(BINS), (64, 64), guide).likeliest(Region(3, 5), 60)
    assert [(each.a, each.b) for each in likely] == [(10, 0), (10, 30), (0, 0)]
    assert [each.probability for each in likely] == pytest.approx([0.5, 0.3, 0.2])
    for each in likely:
        rgb = np.array(list(bytes.fromhex(each.color.removeprefix("#")))) / 255
        np.testing.assert_allclose(rgb_to_lab(rgb), (60, each.a, each.b), atol=0.6)


def test_a_region_is_the_mean_over_its_pixels_and_a_pixel_its_cell(colorizer):
    # A cell covers four pixels: the network sees the photograph at its own size.
    lightness = np.repeat(np.linspace(0, 3, 16), 4)[None].repeat(64, axis=0)
    found = look(colorizer, photograph(lightness))
    for x in (0, 7, 8, 63):
        np.testing.assert_allclose(found.mean(found.probabilities, Region(x, 30)), softmax(lightness[0, x]), atol=1e-3)
    region = Region(2, 10, 9, 3)
    expected = np.mean([softmax(light) for light in lightness[0, 2:11]], axis=0)
    np.testing.assert_allclose(found.mean(found.probabilities, region), expected, atol=1e-3)
    assert inspection.lightness(photograph(lightness), region) == pytest.approx(lightness[0, 2:11].mean(), abs=1e-3)


def test_a_map_has_the_size_that_is_asked_and_invents_nothing(colorizer):
    lightness = np.where(np.arange(96) < 48, 0.2, 3)[None].repeat(64, axis=0)
    found = look(colorizer, photograph(lightness))
    for measure in MEASURES:
        values = found.map(measure, (128, 192))
        plane = getattr(found, measure)
        assert values.shape == (128, 192)
        assert plane.min() - 1e-4 <= values.min() <= values.max() <= plane.max() + 1e-4
        np.testing.assert_allclose(values[:, :80], plane[0, 0], rtol=0.02)
        np.testing.assert_allclose(values[:, 112:], plane[0, -1], rtol=0.02)


def test_a_model_without_a_distribution_is_refused(tiny):
    with pytest.raises(ModelError, match="has no distribution"):
        look(Colorizer(tiny), photograph(np.full((64, 64), 50)))
    with pytest.raises(ModelError, match="has no distribution"):
        Colorizer(tiny).look(photograph(np.full((64, 64), 50))).likely(3, 3)


def test_a_disc_has_the_share_of_its_cells():
    shares = disc(50, 30, 20, (60, 100), (60, 100))
    assert shares.sum() == pytest.approx(1)
    y, x = np.mgrid[:60, :100] + 0.5
    assert (shares * x).sum() == pytest.approx(50, abs=0.01)
    assert (shares * y).sum() == pytest.approx(30, abs=0.01)
    assert (shares > 0).sum() == pytest.approx(np.pi * 20**2, rel=0.1)
    # One that is smaller than a cell, or lies at the edge, is the cell at its middle.
    for x in (0, 99.9):
        only = disc(x, 59, 0, (60, 100), (6, 10))
        assert np.argwhere(only).tolist() == [[5, int(x // 10)]]
