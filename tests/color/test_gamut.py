import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2lab

from tintype.color.gamut import TOLERANCE, fit_chroma, overflow
from tintype.color.lab import lab_to_rgb, rgb_to_lab


@pytest.mark.parametrize("ab", [(-100, 60), (-170, -170), (120, -120)])
def test_wild_colour_keeps_its_lightness_in_an_8_bit_file(ab):
    # Clipping RGB instead gives L* 53.5, 69.7 and 48.7 (measured with OpenCV).
    codes = np.round(lab_to_rgb(fit_chroma(np.array([50.0, *ab]))) * 255)
    assert codes.min() >= 0
    assert codes.max() <= 255
    assert rgb2lab(codes / 255)[0] == pytest.approx(50, abs=0.25)


def test_colours_that_srgb_holds_are_returned_bit_for_bit():
    rgb = np.random.default_rng(0).uniform(0.001, 0.999, (5000, 3))
    for lab in (rgb_to_lab(rgb), rgb_to_lab(rgb).astype(np.float32)):
        assert np.array_equal(fit_chroma(lab), lab)


wild = st.floats(-1e4, 1e4, width=32)


@given(st.floats(0, 100, width=32), wild, wild)
def test_any_colour_lands_inside_at_its_lightness_and_hue(lightness, a, b):
    given_colour = np.array([lightness, a, b])
    fitted = fit_chroma(given_colour)
    assert fitted[0] == lightness
    assert overflow(*fitted) <= TOLERANCE
    assert np.hypot(*fitted[1:]) <= np.hypot(a, b)
    assert fitted[1] * b == pytest.approx(fitted[2] * a, abs=1e-6 * max(1, a * a + b * b))
    assert fitted[1] * a + fitted[2] * b >= 0


def test_no_chroma_is_given_away():
    rng = np.random.default_rng(1)
    lab = np.stack([rng.uniform(2, 95, 5000), *rng.uniform(-150, 150, (2, 5000))], axis=-1)
    fitted = fit_chroma(lab)
    changed = (fitted != lab).any(axis=-1)
    assert changed.mean() > 0.8
    assert (overflow(*(fitted[changed] * [1, 1.002, 1.002]).T) > 0).all()


def test_a_colour_does_not_depend_on_its_neighbours():
    rng = np.random.default_rng(2)
    lab = np.stack([rng.uniform(0, 100, 999), *rng.uniform(-120, 120, (2, 999))]).astype(np.float32)
    whole = fit_chroma(lab, axis=0)
    for part in (np.s_[:, :1], np.s_[:, 100:117], np.s_[:, ::7]):
        assert np.array_equal(fit_chroma(np.ascontiguousarray(lab[part]), axis=0), whole[part])


def test_black_and_white_lose_all_colour():
    fitted = fit_chroma(np.array([[0.0, 30, -20], [100, 5, 60]]))
    assert np.abs(fitted[:, 1:]).max() < 0.01


def test_torch_gives_what_numpy_gives_with_gradients():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    lab = rng.uniform([0, -120, -120], [100, 120, 120], (4, 5, 3))
    tensor = torch.tensor(np.moveaxis(lab, -1, 1), requires_grad=True)
    fitted = fit_chroma(tensor, axis=1)
    assert np.allclose(np.moveaxis(fitted.detach().numpy(), 1, -1), fit_chroma(lab), rtol=0, atol=1e-9)
    fitted.square().sum().backward()
    assert torch.isfinite(tensor.grad).all()
    assert (tensor.grad != 0).all()


def test_what_is_not_lab_is_refused():
    with pytest.raises(ValueError, match="three channels"):
        fit_chroma(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="whole numbers"):
        fit_chroma(np.zeros((4, 3), np.uint8))
