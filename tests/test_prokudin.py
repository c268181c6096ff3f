"""Three-filter negatives made of photographs in colour, whose exposures were moved by known amounts."""

import cv2
import numpy as np
import pytest
from skimage import data

from tintype.errors import UnsupportedPhoto
from tintype.photo import from_array
from tintype.prokudin import Aligned, Motion, align

FRAME = (300, 340)
"""Height and width of an exposure within its border."""

STILL = {"blue": (0.0, 0.0, 0.0, 0.0), "red": (0.0, 0.0, 0.0, 0.0)}

MOVES = {
    "shifted by whole pixels": {"blue": (3, 7, 0, 0), "red": (-4, -9, 0, 0)},
    "shifted by parts of pixels": {"blue": (2.4, -5.7, 0, 0), "red": (-1.3, 6.25, 0, 0)},
    "turned and scaled": {"blue": (1.6, 4.2, 0.005, 0.006), "red": (-2.7, -8.1, 0.002, -0.004)},
    "far apart": {"blue": (14, 20, 0, 0), "red": (-12, -18, 0, 0)},
}


def plate_of(rgb: np.ndarray, moves: dict, size: int = 1, noise: float = 0.004) -> np.ndarray:
    """A plate of uint8 [h, w, 3]: blue, green and red one above the other with dark borders, on a white ground.

    moves: x, y, scale and angle of the blue and the red exposure; they turn about the middle of their frame.
    size: everything is so many times larger.
    """
    height, width = FRAME[0] * size, FRAME[1] * size
    third, across = height + 40 * size, width + 50 * size
    plate = np.ones((3 * third, across))
    rng = np.random.default_rng(0)
    for index, name in enumerate(("blue", "green", "red")):
        x, y, scale, angle = moves.get(name, (0, 0, 0, 0))
        turn = np.array([[1 + scale, -angle], [angle, 1 + scale]])
        channel = rgb[..., 2 - index] / 255
        factor = min(channel.shape[0] / height, channel.shape[1] / width)
        row, column = np.mgrid[:third, :across].astype(np.float32)
        # What stands at p in the green frame stands at shift + turn p here, both from the middle.
        p = np.stack([column - (across - 1) / 2 - x * size, row - (third - 1) / 2 - y * size]).reshape(2, -1)
        p = (np.linalg.inv(turn) @ p).reshape(2, third, across).astype(np.float32)
        inside = (np.abs(p[0]) < width / 2) & (np.abs(p[1]) < height / 2)
        place = p[0] * factor + channel.shape[1] / 2, p[1] * factor + channel.shape[0] / 2
        frame = np.where(inside, cv2.remap(channel, *place, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), 0.02)
        margin = (np.abs(p[0]) > width / 2 + 15 * size) | (np.abs(p[1]) > height / 2 + 25 * size)
        plate[index * third : (index + 1) * third] = np.where(margin, 1, frame)
    plate = np.clip(plate + rng.normal(0, noise, plate.shape), 0, 1)
    return (plate * 255 + 0.5).astype(np.uint8)


def worst_error(aligned: Aligned, moves: dict, shape: tuple[int, int], size: int = 1) -> float:
    """How far, at most, a corner of the frame lies from where it was put, in pixels."""
    height, width = shape
    third = height / 3
    x, y = np.array([-0.4, 0.4, -0.4, 0.4]) * width, np.array([-0.4, -0.4, 0.4, 0.4]) * third
    errors = []
    for motion, name, way in ((aligned.blue, "blue", -1), (aligned.red, "red", 1)):
        dx, dy, scale, angle = moves[name]
        there = motion.of(x + (width - 1) / 2, y + (height - 1) / 2, shape)
        true = x + scale * x - angle * y + dx * size, y + angle * x + scale * y + (dy * size + way * third)
        errors += [np.hypot(there[0] - true[0] - (width - 1) / 2, there[1] - true[1] - (height - 1) / 2)]
    return float(np.max(errors))


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("picture", ["astronaut", "chelsea"])
def test_exposures_are_found_within_a_third_of_a_pixel(picture, name):
    plate = plate_of(getattr(data, picture)(), MOVES[name])
    assert worst_error(align(from_array(plate)), MOVES[name], plate.shape) < 0.3


def test_the_photograph_has_the_colours_that_were_taken_apart():
    rgb = data.astronaut()
    still, moved = (align(from_array(plate_of(rgb, m, noise=0))) for m in (STILL, MOVES["turned and scaled"]))
    # They are cut a little differently: what lies at the same place of the plate is compared.
    left, top = max(still.left, moved.left), max(still.top, moved.top)
    parts = [a.exposures[:, top - a.top :, left - a.left :] for a in (still, moved)]
    height, width = np.min([part.shape[1:] for part in parts], axis=0)
    assert (height, width) > (0.85 * FRAME[0], 0.85 * FRAME[1])
    assert np.abs(parts[0][:, :height, :width] - parts[1][:, :height, :width]).mean() < 0.01


def test_nothing_of_the_border_is_left():
    # A photograph without any black: what is black afterwards is border.
    rgb = (data.chelsea() / 255 * 150 + 80).astype(np.uint8)
    exposures = align(from_array(plate_of(rgb, MOVES["far apart"]))).exposures
    assert exposures.min() > 0.2
    assert exposures.max() < 0.99


def test_the_green_exposure_is_a_part_of_the_plate():
    plate = plate_of(data.astronaut(), MOVES["far apart"])
    aligned = align(from_array(plate))
    green = aligned.exposures[1]
    part = plate[aligned.top : aligned.top + green.shape[0], aligned.left : aligned.left + green.shape[1]]
    np.testing.assert_array_equal((green * 255 + 0.5).astype(np.uint8), part)


def test_a_large_plate_is_aligned_as_finely():
    moves = MOVES["turned and scaled"]
    plate = plate_of(data.astronaut(), moves, size=2)
    assert worst_error(align(from_array(plate)), moves, plate.shape, size=2) < 0.3


def test_colours_that_have_nothing_in_common_are_refused():
    plate = np.concatenate([picture[:300, :300] for picture in (data.camera(), data.coins(), data.brick())])
    with pytest.raises(UnsupportedPhoto, match="too little in common"):
        align(from_array(plate))


@pytest.mark.parametrize("shape", [(300, 300), (1000, 200), (240, 100)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(UnsupportedPhoto, match="not a three-filter negative"):
        align(from_array(np.full(shape, 128, np.uint8)))


def test_an_empty_plate_is_refused():
    with pytest.raises(UnsupportedPhoto, match="too little in common"):
        align(from_array(np.full((900, 300), 128, np.uint8)))


def test_a_motion_turns_about_the_middle_of_the_plate():
    motion = Motion(2.0, -3.0, 0.0, np.pi / 180)
    assert motion.of(49.5, 149.5, (300, 100)) == (51.5, 146.5)
    assert motion.degrees == pytest.approx(1)
