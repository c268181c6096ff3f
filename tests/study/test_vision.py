"""Plates that some eyes cannot read."""

import io

import numpy as np
import pytest
from PIL import Image

from tintype.color.lab import srgb_decode
from tintype.study import vision

SEEN_WITHOUT = {
    "long": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "middle": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "short": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""How who lacks one kind of cones sees linear RGB: Machado, Oliveira and Fernandes (2009), severity 1."""


@pytest.fixture(scope="module")
def drawn():
    return vision.draw(7)


def colours(plate) -> tuple[np.ndarray, np.ndarray]:
    """Chromaticities of digit and of ground, linear RGB that sum to 1, as means over the dots."""
    picture = np.asarray(Image.open(io.BytesIO(plate.png)), np.float64)
    y, x = np.mgrid[: vision.SIDE, : vision.SIDE]
    inside = vision._inside(np.stack([x, y], -1).reshape(-1, 2), plate.digit).reshape(x.shape)
    dots = (picture != 128).any(-1)
    linear = srgb_decode(picture / 255)
    return tuple(linear[dots & where].mean(axis=0) for where in (inside, ~inside))


def apart(first: np.ndarray, second: np.ndarray, matrix=None) -> float:
    """How far two colours lie apart, each by its share of red, green and blue."""
    if matrix is not None:
        first, second = np.asarray(matrix) @ first, np.asarray(matrix) @ second
    return float(np.abs(first / first.sum() - second / second.sum()).sum())


@pytest.mark.parametrize("number", range(4))
def test_common_eyes_tell_digit_and_ground_apart(number, drawn):
    assert apart(*colours(drawn[number])) > 0.3


@pytest.mark.parametrize("number", [1, 2, 3])
def test_who_lacks_the_cones_sees_hardly_a_difference(number, drawn):
    plate = drawn[number]
    figure, ground = colours(plate)
    assert apart(figure, ground, SEEN_WITHOUT[plate.kind]) < 0.25 * apart(figure, ground)


@pytest.mark.parametrize("lacking", SEEN_WITHOUT)
def test_everyone_can_read_the_first(lacking, drawn):
    assert apart(*colours(drawn[0]), SEEN_WITHOUT[lacking]) > 0.25


def test_digits_differ_and_come_from_the_seed(drawn):
    assert len({plate.digit for plate in drawn}) == len(drawn) == 4
    assert vision.draw(7) == drawn
    assert vision.draw(8) != drawn
