"""Frames that guide a shot: what users give for them, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from tintype.color.lab import rgb_to_lab
from tintype.errors import HintError
from tintype.film.keys import read_frame_hints, still


def scene(size=(64, 96)):
    """A coloured picture, uint8 [h, w, 3]: a red disc on a ground from blue to light yellow."""
    y, x = np.mgrid[: size[0], : size[1]] / np.array(size).reshape(2, 1, 1)
    rgb = np.stack([60 + 160 * x, 80 + 120 * x, 160 - 90 * x], axis=-1)
    rgb[(y - 0.5) ** 2 + (x - 0.4) ** 2 < 0.05] = (150, 30, 40)
    return np.round(rgb).astype(np.uint8)


def test_hints_come_by_frame(tmp_path):
    path = tmp_path / "hints.json"
    hint = {"x": 3, "y": 4, "color": "#a03020", "radius": 5}
    path.write_text(json.dumps([hint | {"frame": 48}, hint | {"frame": 0}, hint | {"frame": 48, "x": 9}]))
    hints = read_frame_hints(path)
    assert list(hints) == [0, 48]
    assert [hint.x for hint in hints[48]] == [3, 9]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[{", "is not JSON"),
        ("{}", "must be a list of hints"),
        ("[3]", "hint 1 must be an object"),
        ('[{"x": 1}]', "must have the number of a frame, from 0, not None"),
        ('[{"frame": -1}]', "from 0, not -1"),
        ('[{"frame": 7, "x": 1}]', "frame 7: The list of hints, hint 1 lacks color and radius and y"),
    ],
)
def test_hints_that_cannot_be_understood_are_named(tmp_path, content, said):
    path = tmp_path / "hints.json"
    path.write_text(content)
    with pytest.raises(HintError, match=said):
        read_frame_hints(path)
    with pytest.raises(HintError, match="cannot be read"):
        read_frame_hints(tmp_path / "none.json")


def test_a_still_gives_its_colours_at_the_size_of_the_frame(tmp_path):
    rgb = scene((128, 192))
    Image.fromarray(rgb).save(tmp_path / "still.png")
    small = np.asarray(Image.fromarray(rgb).resize((96, 64), Image.Resampling.BOX))
    lab = rgb_to_lab(small / np.float32(255))
    # A still of any brightness and contrast is the same picture.
    ab = still(tmp_path / "still.png", (20 + 0.5 * lab[..., 0]).astype(np.float32))
    assert ab.shape == (2, 64, 96)
    assert np.abs(ab - np.moveaxis(lab[..., 1:], -1, 0)).mean() < 1


def test_a_still_of_another_frame_is_refused(tmp_path):
    Image.fromarray(scene()).save(tmp_path / "still.png")
    other = rgb_to_lab(scene()[:, ::-1] / np.float32(255))[..., 0].astype(np.float32)
    with pytest.raises(HintError, match=r"still\.png does not show this frame \(correlation of their lightness"):
        still(tmp_path / "still.png", other)
