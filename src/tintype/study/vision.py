"""Plates for a short check of colour vision: digits of dots, in colours that some people cannot tell apart.

An eye has three kinds of cones. Whoever lacks one sees no difference between colours that differ only in what that kind
takes in. On each plate but the first, digit and ground differ only so; all dots differ in brightness by chance, which
leaves no other way to read the digit. Drawn here, from a seed: no copy of the plates that physicians use, and no test
that they would accept.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tintype.color.lab import srgb_encode

SIDE = 300
"""Pixels."""

CONES = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
"""What long-, middle- and short-wave cones take in of linear red, green and blue (Viénot, Brettel and Mollon 1999)."""

KINDS = {
    "everyone": ((0.34, 0.29, 0.22), (0.26, 0.17, -0.13)),
    "long": ((0.32, 0.22, 0.10), np.linalg.inv(CONES)[:, 0]),
    "middle": ((0.32, 0.22, 0.10), np.linalg.inv(CONES)[:, 1]),
    "short": ((0.30, 0.30, 0.32), np.linalg.inv(CONES)[:, 2]),
}
"""Who can read it, everyone or who has these cones -> mean colour in linear RGB, and how digit and ground differ."""

REACH = 0.8
"""How far they differ, as a share of what sRGB can hold."""

BRIGHTNESS = (0.72, 1.3)
"""Each dot's is its colour's times one of these or between."""

DIGITS = {
    2: [(0, 0.35), (0.15, 0.1), (0.5, 0), (0.85, 0.1), (1, 0.38), (0.85, 0.7), (0, 1.5), (1, 1.5)],
    3: [(0, 0), (0.95, 0), (0.4, 0.6), (0.85, 0.75), (1, 1.05), (0.85, 1.38), (0.5, 1.5), (0.15, 1.42), (0, 1.2)],
    4: [(0.75, 1.5), (0.75, 0), (0, 1.05), (1.05, 1.05)],
    5: [(0.95, 0), (0.1, 0), (0.05, 0.65), (0.5, 0.55), (0.88, 0.7), (1, 1.02), (0.85, 1.38), (0.5, 1.5), (0, 1.35)],
    6: [(0.8, 0), (0.35, 0.35), (0.05, 0.85), (0, 1.1), (0.15, 1.4), (0.5, 1.5), (0.85, 1.4), (1, 1.1), (0.85, 0.8),
        (0.5, 0.7), (0.15, 0.8), (0, 1.1)],
    7: [(0, 0), (1, 0), (0.35, 1.5)],
    8: [(0.5, 0.7), (0.15, 0.55), (0.05, 0.33), (0.2, 0.05), (0.5, 0), (0.8, 0.05), (0.95, 0.33), (0.85, 0.55),
        (0.5, 0.7), (0.15, 0.85), (0, 1.1), (0.15, 1.4), (0.5, 1.5), (0.85, 1.4), (1, 1.1), (0.85, 0.85), (0.5, 0.7)],
}  # fmt: skip
"""Lines through these points, (x, y), 1 wide and 1.5 high. No 9, which is a 6 for who turns the screen."""

STROKE, UNIT = 0.16, 124
"""Half the width of the lines, in widths of a digit; that width in pixels."""

RADII = (6.5, 5.0, 3.5)
"""Of the dots, in pixels, the largest laid first."""


@dataclass(frozen=True)
class Plate:
    """One plate."""

    digit: int
    kind: str
    """Key of KINDS."""
    png: bytes


@cache
def draw(seed: int) -> tuple[Plate, ...]:
    """A plate of each of KINDS in that order, each with another digit; the same seed draws the same plates."""
    random = np.random.default_rng(seed)
    digits = random.permutation(list(DIGITS))[: len(KINDS)]
    middles, radii = _dots(random)
    return tuple(
        Plate(int(digit), kind, _png(middles, radii, int(digit), kind, random))
        for digit, kind in zip(digits, KINDS, strict=True)
    )


def _dots(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Middles [n, 2] and radii [n] of dots that fill a disc and do not touch, in pixels."""
    middles, radii = np.empty((0, 2)), np.empty(0)
    for radius in RADII:
        # Each smaller kind is thrown more often, as it finds the gaps between the larger ones.
        points = random.uniform(0, SIDE, (round(30000 / radius**1.5), 2))
        for point in points[np.hypot(*(points - SIDE / 2).T) + radius < SIDE / 2 - 2]:
            if (((middles - point) ** 2).sum(axis=1) > (radii + radius + 0.8) ** 2).all():
                middles, radii = np.vstack([middles, point]), np.append(radii, radius)
    return middles, radii


def _inside(points: np.ndarray, digit: int) -> np.ndarray:
    """Which points [n, 2] lie on the lines of a digit in the middle of the plate."""
    line = (np.array(DIGITS[digit]) - (0.5, 0.75)) * UNIT + SIDE / 2
    start, way = line[:-1, None], np.diff(line, axis=0)[:, None]
    along = np.clip(((points - start) * way).sum(-1, keepdims=True) / (way**2).sum(-1, keepdims=True), 0, 1)
    near: NDArray[np.bool_] = np.hypot(*np.moveaxis(points - start - along * way, -1, 0)).min(axis=0) < STROKE * UNIT
    return near


def _colours(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Of the digit and of the ground: linear RGB, before their brightness varies."""
    mean, way = (np.asarray(part, np.float64) for part in KINDS[kind])
    room = np.minimum(mean - 0.02, 1 / max(BRIGHTNESS) - mean)
    step = REACH * (room / np.abs(way)).min() * way
    return mean + step, mean - step


def _png(middles: np.ndarray, radii: np.ndarray, digit: int, kind: str, random: np.random.Generator) -> bytes:
    figure, ground = _colours(kind)
    linear = np.where(_inside(middles, digit)[:, None], figure, ground)
    linear = linear * random.choice(np.linspace(*BRIGHTNESS, 5), (len(middles), 1))
    codes = np.rint(255 * srgb_encode(np.clip(linear, 0, 1))).astype(int)
    # Drawn large and shrunk, so that the dots are round.
    picture = Image.new("RGB", (3 * SIDE, 3 * SIDE), (128, 128, 128))
    pen = ImageDraw.Draw(picture)
    for (x, y), radius, colour in zip(3 * middles, 3 * radii, codes, strict=True):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tuple(colour.tolist()))
    file = io.BytesIO()
    picture.reduce(3).save(file, "png", optimize=True)
    return file.getvalue()
