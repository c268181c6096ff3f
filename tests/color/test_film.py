"""Film responses, filters, fading, grain and tone."""

import cv2
import numpy as np
import pytest
import skimage.data

from tintype.color import film
from tintype.color.lab import gray, lightness, rgb_to_lab

torch = pytest.importorskip("torch")

RED, GREEN, BLUE = np.eye(3)


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    """float64 sRGB [128, 128, 3]."""
    return skimage.data.astronaut()[::4, ::4] / 255


def test_cie_is_lightness(astronaut):
    np.testing.assert_allclose(film.expose(astronaut, "cie"), lightness(astronaut), atol=1e-9)


def test_rec601_is_the_gray_of_opencv(astronaut):
    codes = np.rint(astronaut * 255).astype(np.uint8)
    ours = gray(film.expose(codes / 255, "rec601")) * 255
    np.testing.assert_allclose(ours, cv2.cvtColor(codes, cv2.COLOR_RGB2GRAY), atol=0.51)


def test_rec601_shows_blue_darker_than_the_eye_does():
    assert np.rint(gray(film.expose(BLUE, "rec601")) * 255) == 29
    assert np.rint(gray(film.expose(BLUE, "cie")) * 255) == 76


def test_rec601_lies_close_to_lightness_on_a_photograph():
    # Over the whole photograph, in L*.
    astronaut = skimage.data.astronaut() / 255
    shift = np.abs(film.expose(astronaut, "rec601") - film.expose(astronaut, "cie")).mean()
    assert shift == pytest.approx(0.83, abs=0.005)


def test_films_rank_the_primaries_as_their_emulsions_do():
    def order(response):
        return sorted("rgb", key=lambda name: film.expose({"r": RED, "g": GREEN, "b": BLUE}[name], response))

    assert order("cie") == ["b", "r", "g"]
    assert order("panchromatic")[-1] == "g"
    assert order("orthochromatic") == ["r", "b", "g"]
    assert order("blue") == ["r", "g", "b"]
    # A red lip is nearly black on orthochromatic film and gray on panchromatic.
    assert film.expose(RED, "orthochromatic") < 22 < 60 < film.expose(RED, "panchromatic")


@pytest.mark.parametrize("response", [*film.RESPONSES, "rec601", (0.2, 0.7, 0.1)])
def test_grays_keep_their_lightness_on_every_film(response):
    codes = np.repeat(np.linspace(0, 1, 33)[:, None], 3, axis=1)
    np.testing.assert_allclose(film.expose(codes, response), lightness(codes), atol=1e-9)


@pytest.mark.parametrize("filter", film.FILTERS)
def test_grays_keep_their_lightness_behind_every_filter(filter):
    codes = np.repeat(np.linspace(0, 1, 33)[:, None], 3, axis=1)
    np.testing.assert_allclose(film.expose(codes, "panchromatic", filter), lightness(codes), atol=1e-9)


def test_filters_lighten_their_own_colour_and_darken_the_sky():
    sky = np.array([0.45, 0.65, 0.90])
    lightnesses = [film.expose(sky, "panchromatic", name) for name in ("none", "yellow", "orange", "red")]
    assert lightnesses == sorted(lightnesses, reverse=True)
    for name, colour in {"red": RED, "green": GREEN, "blue": BLUE}.items():
        assert film.expose(colour, "panchromatic", name) > film.expose(colour, "panchromatic")


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_the_channel_axis_goes(axis):
    rgb = np.random.default_rng(0).random((3, 3, 3))
    expected = film.expose(np.moveaxis(rgb, axis, -1), "orthochromatic", "yellow")
    np.testing.assert_allclose(film.expose(rgb, "orthochromatic", "yellow", axis=axis), expected, atol=1e-9)


def test_numpy_and_torch_give_the_same(astronaut):
    there = torch.from_numpy(astronaut)
    gray_there, gray_here = film.expose(there, "blue"), film.expose(astronaut, "blue")
    noise = np.random.default_rng(0).standard_normal(gray_here.shape)
    for ours, theirs in [
        (gray_here, gray_there),
        (film.expose(astronaut, "rec601"), film.expose(there, "rec601")),
        (film.fade(gray_here, 10, 80, 1.3), film.fade(gray_there, 10, 80, 1.3)),
        (film.grain(gray_here, 4, noise), film.grain(gray_there, 4, torch.from_numpy(noise))),
        (film.tone(gray_here), film.tone(gray_there)),
    ]:
        assert isinstance(theirs, torch.Tensor)
        np.testing.assert_allclose(theirs.numpy(), ours, atol=1e-9)


def test_exposure_has_finite_gradients():
    rgb = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.2, 0.6, 0.0]], requires_grad=True)
    (film.expose(rgb, "orthochromatic") + film.expose(rgb, "rec601")).sum().backward()
    assert torch.isfinite(rgb.grad).all()


def test_nonsense_is_refused():
    white = np.ones(3)
    with pytest.raises(ValueError, match=r"film response 'infrared' is unknown; there are .*rec601"):
        film.expose(white, "infrared")
    with pytest.raises(ValueError, match="film filter 'pink' is unknown"):
        film.expose(white, "cie", "pink")
    with pytest.raises(ValueError, match="leaves no light"):
        film.expose(white, (1, 0, 0), (0, 1, 1))
    with pytest.raises(ValueError, match="not negative"):
        film.expose(white, (1, -1, 0))
    with pytest.raises(ValueError, match="cannot have a filter"):
        film.expose(white, "rec601", "red")
    with pytest.raises(ValueError, match="lie in"):
        film.expose(np.array([12.0, 80.0, 255.0]))
    with pytest.raises(ValueError, match="divide by 255"):
        film.expose(np.array([12, 80, 255], np.uint8), "rec601")


def test_fading_maps_the_ends_and_keeps_the_order():
    tones = np.linspace(0, 100, 101)
    faded = film.fade(tones, black=15, white=90)
    assert faded[[0, 100]] == pytest.approx([15, 90])
    assert (np.diff(faded) > 0).all()
    assert film.fade(np.array(50.0), gamma=1.5) < film.fade(np.array(50.0)) < film.fade(np.array(50.0), gamma=0.7)
    np.testing.assert_allclose(film.fade(tones, 0, 100), tones, atol=1e-12)


def test_grain_is_strongest_in_the_middle_and_stays_within_range():
    generator = np.random.default_rng(0)
    spread = {
        tone: film.grain(np.full((200, 200), tone), 3.0, generator.standard_normal((200, 200))).std()
        for tone in (10.0, 50.0, 90.0)
    }
    assert spread[50.0] == pytest.approx(3, rel=0.02)
    assert spread[10.0] < 0.7 * spread[50.0]
    assert spread[90.0] == pytest.approx(spread[10.0], rel=0.05)
    wild = film.grain(np.linspace(0, 100, 10000), 50.0, generator.standard_normal(10000))
    assert wild.min() >= 0
    assert wild.max() <= 100


@pytest.mark.parametrize("size", [1, 2, 4])
def test_grain_noise_has_unit_variance_and_the_size_asked_for(size):
    noise = film.grain_noise((256, 256), size, np.random.default_rng(0))
    assert noise.dtype == np.float32
    assert noise.std() == pytest.approx(1, abs=0.05)
    neighbours = np.mean(noise * np.roll(noise, size, axis=1))
    far = np.mean(noise * np.roll(noise, 4 * size, axis=1))
    assert abs(far) < 0.05
    assert abs(neighbours) < 0.05 if size == 1 else neighbours > 0.2


def test_a_seed_gives_the_same_grain_again():
    first, again = (film.grain_noise((20, 30), 2, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_a_toned_print_is_brown_in_the_middle_and_neutral_at_the_ends():
    tones = np.array([0.0, 30.0, 50.0, 70.0, 100.0])
    values = rgb_to_lab(film.tone(tones))
    np.testing.assert_allclose(values[:, 0], tones, atol=0.05)
    np.testing.assert_allclose(values[[0, -1], 1:], 0, atol=1e-3)
    np.testing.assert_allclose(values[2, 1:], [6, 18], atol=0.05)
    assert film.tone(np.zeros((4, 5)), axis=0).shape == (3, 4, 5)
