"""Lab against published values, scikit-image and OpenCV; numpy against torch; gradients."""

import cv2
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import skimage.color
from hypothesis import given
from hypothesis import strategies as st

from tintype.color import lab

torch = pytest.importorskip("torch")

PRIMARIES = {
    # sRGB code values: CIE L*, a*, b* (D65, 2 degree), published values.
    (255, 0, 0): (53.24, 80.09, 67.20),
    (0, 255, 0): (87.74, -86.18, 83.18),
    (0, 0, 255): (32.30, 79.19, -107.86),
    (128, 128, 128): (53.585, 0, 0),
    (255, 255, 255): (100, 0, 0),
    (0, 0, 0): (0, 0, 0),
}

COLOURS = hnp.arrays(np.float64, (8, 3), elements=st.floats(0, 1))


@pytest.fixture(scope="module")
def colours() -> np.ndarray:
    """float64 [4913, 3]: a lattice of sRGB."""
    line = np.linspace(0, 1, 17)
    return np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)


@pytest.mark.parametrize(("codes", "expected"), PRIMARIES.items())
def test_primaries_and_grays_have_their_published_values(codes, expected):
    np.testing.assert_allclose(lab.rgb_to_lab(np.array(codes) / 255), expected, atol=0.01)


def test_every_8_bit_gray_is_colourless_and_comes_back():
    codes = np.repeat(np.arange(256)[:, None], 3, axis=1)
    values = lab.rgb_to_lab(codes / 255)
    assert np.abs(values[:, 1:]).max() < 1e-12
    assert (np.diff(values[:, 0]) > 0).all()
    np.testing.assert_array_equal(np.rint(lab.lab_to_rgb(values) * 255), codes)
    np.testing.assert_array_equal(np.rint(lab.gray(values[:, 0]) * 255), codes[:, 0])


def test_every_16_bit_gray_comes_back_in_float32():
    codes = np.arange(65536)
    lightness = lab.lightness(np.repeat((codes / 65535).astype(np.float32)[:, None], 3, axis=1))
    assert lightness.dtype == np.float32
    np.testing.assert_array_equal(np.rint(lab.gray(lightness) * 65535), codes)


def test_agrees_with_scikit_image(colours):
    # scikit-image rounds the matrix and the white point to other digits.
    np.testing.assert_allclose(lab.rgb_to_lab(colours), skimage.color.rgb2lab(colours), atol=0.02)


def test_agrees_with_opencv(colours):
    reference = cv2.cvtColor(colours.astype(np.float32)[None], cv2.COLOR_RGB2LAB)[0]
    # OpenCV's float conversion interpolates in tables.
    np.testing.assert_allclose(lab.rgb_to_lab(colours), reference, atol=0.5)
    assert np.abs(lab.rgb_to_lab(colours) - reference).mean() < 0.05


def test_srgb_spans_the_known_part_of_the_ab_plane():
    codes = np.arange(0, 256, 3) / 255
    rgb = np.stack(np.meshgrid(codes, codes, codes, indexing="ij"), axis=-1)
    values = lab.rgb_to_lab(rgb).reshape(-1, 3)
    np.testing.assert_allclose(values.min(axis=0), [0, -86.18, -107.86], atol=0.01)
    np.testing.assert_allclose(values.max(axis=0), [100, 98.23, 94.48], atol=0.01)


@given(COLOURS)
def test_round_trip(rgb):
    # The two branches of sRGB's curve, with the standard's rounded constants, miss each other by 3e-8 at the knee.
    np.testing.assert_allclose(lab.lab_to_rgb(lab.rgb_to_lab(rgb)), rgb, atol=1e-7)


@given(COLOURS)
def test_lightness_is_the_first_channel_of_lab(rgb):
    np.testing.assert_allclose(lab.lightness(rgb), lab.rgb_to_lab(rgb)[..., 0], atol=1e-9)


def test_white_is_100_and_no_more():
    assert lab.lightness(np.ones((1, 3), np.float32)) == 100
    assert lab.lightness(np.ones((1, 3))) == 100


def test_colours_beyond_srgb_are_not_clipped():
    beyond = np.array([60.0, 85.0, 45.0])
    rgb = lab.lab_to_rgb(beyond)
    assert rgb.max() > 1
    np.testing.assert_allclose(lab.rgb_to_lab(rgb), beyond, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_channels_may_lie_along_any_axis(axis):
    rgb = np.random.default_rng(0).random((3, 3, 3))
    values = np.moveaxis(lab.rgb_to_lab(np.moveaxis(rgb, axis, -1)), -1, axis)
    np.testing.assert_allclose(lab.rgb_to_lab(rgb, axis=axis), values, atol=1e-9)
    np.testing.assert_allclose(lab.lightness(rgb, axis=axis), np.take(values, 0, axis=axis), atol=1e-9)
    np.testing.assert_allclose(lab.lab_to_rgb(values, axis=axis), rgb, atol=1e-9)


@pytest.mark.parametrize("convert", [lab.rgb_to_lab, lab.lightness])
@pytest.mark.parametrize(
    ("rgb", "complaint"),
    [
        (np.array([[128.0, 64.0, 200.0]]), "lie in"),
        (np.array([[128, 64, 200]], np.uint8), "divide by 255"),
        (torch.tensor([[128, 64, 200]], dtype=torch.uint8), "divide by 255"),
        (np.array([[0.5, np.nan, 0.5]]), "nan"),
        (np.zeros((4, 4)), "three channels"),
    ],
)
def test_what_is_not_srgb_in_0_to_1_is_refused(convert, rgb, complaint):
    with pytest.raises(ValueError, match=complaint):
        convert(rgb)


def test_no_pixels_are_no_error():
    assert lab.rgb_to_lab(np.zeros((0, 3))).shape == (0, 3)
    assert lab.lightness(np.zeros((0, 5, 3))).shape == (0, 5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpy_and_torch_give_the_same(colours, dtype):
    rgb = colours.astype(dtype)
    tolerance = 1e-4 if dtype == np.float32 else 1e-11
    there = lab.rgb_to_lab(torch.from_numpy(rgb))
    assert isinstance(there, torch.Tensor)
    assert lab.rgb_to_lab(rgb).dtype == dtype
    np.testing.assert_allclose(there.numpy(), lab.rgb_to_lab(rgb), atol=tolerance)
    np.testing.assert_allclose(lab.lab_to_rgb(there).numpy(), rgb, atol=tolerance)
    np.testing.assert_allclose(lab.lightness(torch.from_numpy(rgb)).numpy(), lab.lightness(rgb), atol=tolerance)


def test_gradients_are_those_of_finite_differences_and_finite_at_black_and_white():
    rgb = torch.tensor([[0.2, 0.5, 0.7], [0.01, 0.02, 0.9]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lab.rgb_to_lab, rgb)
    assert torch.autograd.gradcheck(lab.lightness, rgb)
    values = lab.rgb_to_lab(rgb).detach().requires_grad_()
    assert torch.autograd.gradcheck(lab.lab_to_rgb, values)
    ends = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]], requires_grad=True)
    lab.lab_to_rgb(lab.rgb_to_lab(ends)).sum().backward()
    assert torch.isfinite(ends.grad).all()
