import numpy as np
import pytest
from PIL import Image

from tintype.errors import OptionError
from tintype.plots import code


def test_the_code_of_a_colour_is_that_of_its_ab():
    made = code.of_colour("#7f7f7f")
    np.testing.assert_allclose(made.lab, [53.19, 0, 0], atol=0.01)
    assert made.bins[0].tolist() == [0, 0]
    assert {tuple(each) for each in made.bins[1:]} == {(0, 10), (0, -10), (10, 0), (-10, 0)}
    # Four neighbours at distance 10, sigma 5: exp(-2) each.
    np.testing.assert_allclose(made.weights, np.array([1, *[np.exp(-2)] * 4]) / (1 + 4 * np.exp(-2)), rtol=1e-6)
    np.testing.assert_allclose(made.decoded, [0, 0], atol=1e-9)
    assert len(code.of_colour("c04020", neighbours=10).weights) == 10


def test_the_code_of_a_pixel_is_that_of_its_colour(tmp_path):
    pixels = np.full((50, 60, 3), 90, np.uint8)
    pixels[20, 31] = (192, 64, 32)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    made, colour = code.of_pixel(tmp_path / "photo.png", (31, 20)), code.of_colour("#c04020")
    assert made.weights.tolist() == colour.weights.tolist()
    middle = code.of_pixel(tmp_path / "photo.png").pixel
    assert (middle.x, middle.y) == (30, 25)
    left, middle, right = code.draw(made).axes
    assert left.lines[0].get_xydata().tolist() == [[31, 20]]
    np.testing.assert_allclose([bar.get_width() for bar in right.patches], made.weights)
    np.testing.assert_allclose(middle.lines[-1].get_xydata()[0], made.lab[1:])


def test_wrong_wishes_are_named(tmp_path):
    Image.new("RGB", (60, 50)).save(tmp_path / "photo.png")
    with pytest.raises(OptionError, match="no pixel 60, 0: the photograph is shown with 60 x 50"):
        code.of_pixel(tmp_path / "photo.png", (60, 0))
    with pytest.raises(OptionError, match="'#12345'"):
        code.of_colour("#12345")
    with pytest.raises(OptionError, match="neighbours"):
        code.of_colour("#123456", neighbours=0)
    with pytest.raises(OptionError, match="sigma"):
        code.of_colour("#123456", sigma=0)
