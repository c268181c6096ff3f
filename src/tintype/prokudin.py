"""Three-filter negatives, such as Prokudin-Gorskii's: a plate with three exposures of a scene one above the other,
through a blue, a green and a red filter. Aligned they are a photograph in true colour, and three genuine old gray ones.

The green exposure stays as it is. Where the others lie is found by normalised correlation of gradients, coarse to fine:
first the frame as a whole, then blocks of it, whose votes give shift, rotation and scale. Gradients count by direction
alone, whatever their sign and size, as what is bright behind one filter may be dark behind another.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tintype.color.lab import gray
from tintype.errors import UnsupportedPhoto
from tintype.files import whole_file
from tintype.photo import Photo, from_array
from tintype.photo import write as write_photo

NAMES = ("red", "green", "blue")
"""The exposures, in the order of the channels of a photograph."""

SHAPES = (2.0, 3.8)
"""Height of a plate, in widths: least and greatest."""

SMALLEST = 128
"""Pixels that a plate must be wide."""

COARSE = 512
"""Pixels, at most, of the width at which the search begins."""

REACH = 0.14
"""How far an exposure may lie from its third of the plate, in frames."""

INSET = 0.14
"""Share of a frame on each side that the search leaves out: there are borders, which lie elsewhere in each frame."""

DISTINCT = 1.25
"""Times that the best place must agree better than any other."""

BLOCK, GRID, SEARCH = 48, (8, 7), 5
"""Blocks that vote: their side, how many across and down, and how far around each is searched, in pixels."""

AGREES = 0.25
"""Least correlation of a block that has a vote."""

EDGE = 0.12
"""Share of a frame within which its border is looked for on each side."""

GAP, STEP = 4, 0.5
"""The edge of a border: within so many lines, the logarithm of brightness rises by so much."""

Plane = NDArray[np.floating[Any]]
"""Of numbers [h, w]: codes, places, correlations."""

Complex = NDArray[np.complexfloating[Any, Any]]


@dataclass(frozen=True)
class Motion:
    """Where another exposure lies: what is at p in the green one is at p + shift + turn (p - middle of the plate).

    Attributes:
        x, y: the shift, in pixels of the plate.
        scale: 0.01 is one per cent larger than the green exposure.
        angle: in radians, clockwise.
    """

    x: float
    y: float
    scale: float = 0.0
    angle: float = 0.0

    @property
    def degrees(self) -> float:
        """The angle in degrees."""
        return math.degrees(self.angle)

    def of(self, x: Plane, y: Plane, size: tuple[int, int]) -> tuple[Plane, Plane]:
        """Where points of the green exposure lie, on a plate of (height, width) `size`."""
        x0, y0 = x - (size[1] - 1) / 2, y - (size[0] - 1) / 2
        return x + self.x + self.scale * x0 - self.angle * y0, y + self.y + self.angle * x0 + self.scale * y0


@dataclass(frozen=True, eq=False)
class Aligned:
    """The exposures of a plate, aligned and without their borders.

    Attributes:
        exposures: float32 [3, h, w], sRGB codes in [0, 1], in the order of NAMES; the green one is
            part of the plate to the last bit.
        left, top: where on the plate the green exposure begins.
        red, blue: how their exposures lie.
    """

    exposures: NDArray[np.float32]
    left: int
    top: int
    red: Motion
    blue: Motion


def align(photo: Photo) -> Aligned:
    """Align the three exposures of a plate: blue, green and red from top to bottom.

    Raises:
        UnsupportedPhoto: the shape is not that of a plate, or the exposures do not show the same.
    """
    height, width = photo.height, photo.width
    if width < SMALLEST or not SHAPES[0] <= height / width <= SHAPES[1]:
        raise UnsupportedPhoto(
            f"{photo.name} has {width} x {height} pixels and is not a three-filter negative, which is two to four "
            "times as "
            f"high as wide, and at least {SMALLEST} pixels wide"
        )
    plate = np.empty((height, width), np.float32)
    for top in range(0, height, 256):
        plate[top : top + 256] = gray(photo.lightness(top, top + 256))
    levels = [plate]
    while levels[-1].shape[1] > COARSE:
        levels.append(_halved(levels[-1]))
    motions = {}
    for name, third in (("blue", -1), ("red", 1)):
        motion = _search(levels[-1], third)
        if motion is None:
            raise UnsupportedPhoto(
                f"{photo.name} cannot be aligned: the {name} and the green exposure have too little in common; "
                "a three-filter negative has three exposures of the same scene, one above the other"
            )
        for level in reversed(levels):
            if level is not levels[-1]:
                motion = Motion(2 * motion.x, 2 * motion.y, motion.scale, motion.angle)
            # The first vote comes before any rotation is known, the second after.
            motion = _vote(level, _vote(level, motion))
        motions[name] = motion
    red, blue = motions["red"], motions["blue"]
    left, top, right, bottom = _box(levels[-1], plate.shape, red, blue)
    rows = slice(top, bottom)
    exposures = np.empty((3, bottom - top, right - left), np.float32)
    exposures[1] = plate[rows, left:right]
    for out, motion in ((exposures[0], red), (exposures[2], blue)):
        for start in range(0, bottom - top, 64):
            part = out[start : start + 64]
            y, x = np.mgrid[top + start : top + start + len(part), left:right].astype(np.float32)
            part[:] = _cubic(plate, *motion.of(x, y, plate.shape))
    return Aligned(exposures, left, top, red, blue)


def write(
    aligned: Aligned,
    plate: Photo,
    photograph: str | PathLike[str],
    grays: Mapping[str, str | PathLike[str]] | None = None,
) -> None:
    """Write the photograph in true colour, in 16 bits where the plate and the format have them.

    Args:
        plate: what was aligned.
        photograph: its suffix tells the format.
        grays: paths by NAMES, where single exposures shall be written as gray PNG files.
    Raises:
        UnwritableFile: a folder, the disk or the format does not take it.
    """
    from PIL import Image

    kind = np.uint8 if plate.depth == 8 else np.uint16
    codes = (aligned.exposures * np.iinfo(kind).max + 0.5).astype(kind)
    rgb = np.ascontiguousarray(codes.transpose(1, 2, 0))
    # Its colours are those of the exposures: no machine has guessed them.
    write_photo(from_array(rgb), [rgb], photograph, mark=None)
    for name, path in (grays or {}).items():
        memory = io.BytesIO()
        Image.fromarray(codes[NAMES.index(name)]).save(memory, "png")
        with whole_file(path) as file:
            file.write(memory.getvalue())


def _search(plate: Plane, third: int) -> Motion | None:
    """The shift of the exposure that lies `third` thirds below the green one; None where no place stands out."""
    height, width = plate.shape
    frame = height / 3
    gradients = _gradients(plate)
    top, bottom = round(frame * (1 + INSET)), round(frame * (2 - INSET))
    left, right = round(width * INSET), round(width * (1 - INSET))
    first = max(0, round(top + (third - REACH) * frame))
    last = min(height, round(bottom + (third + REACH) * frame))
    match = _correlate(gradients[top:bottom, left:right], gradients[first:last])
    row, column = np.unravel_index(match.argmax(), match.shape)
    best = match[row, column]
    match[max(0, row - 4) : row + 5, max(0, column - 4) : column + 5] = 0
    return Motion(float(column - left), float(first + row - top)) if best > DISTINCT * match.max() else None


def _vote(plate: Plane, motion: Motion) -> Motion:
    """The motion that most blocks of the green exposure agree on, near the one given; the same where few do."""
    height, width = plate.shape
    places, moves, weights = [], [], []
    for top in np.linspace(height / 3 * 1.08, height / 3 * 1.92 - BLOCK, GRID[1]).astype(int):
        for left in np.linspace(width * 0.08, width * 0.92 - BLOCK, GRID[0]).astype(int):
            y, x = np.mgrid[top - SEARCH : top + BLOCK + SEARCH, left - SEARCH : left + BLOCK + SEARCH]
            # Taken along the motion, so that what is left to find is small: a peak between pixels is flattened.
            x, y = motion.of(x, y, plate.shape)
            if min(x.min(), y.min()) < 0 or x.max() > width - 1 or y.max() > height - 1:
                continue
            block = _gradients(plate[top : top + BLOCK, left : left + BLOCK])
            match = _correlate(block, _gradients(_cubic(plate, x, y)))
            row, column = np.unravel_index(match.argmax(), match.shape)
            if match[row, column] < AGREES or not (0 < row < 2 * SEARCH and 0 < column < 2 * SEARCH):
                continue
            dx = column - SEARCH + _peak(*match[row, column - 1 : column + 2])
            dy = row - SEARCH + _peak(*match[row - 1 : row + 2, column])
            middle = left + (BLOCK - 1) / 2, top + (BLOCK - 1) / 2
            places.append(middle)
            moves.append(np.subtract(motion.of(middle[0] + dx, middle[1] + dy, plate.shape), middle))
            weights.append(match[row, column] ** 2)
    if len(places) < 8:
        return motion
    places = np.array(places) - ((width - 1) / 2, (height - 1) / 2)
    return _agreed(places, np.array(moves), np.array(weights))


def _agreed(places: Plane, moves: Plane, weights: Plane) -> Motion:
    """Shift, scale and rotation of moves [n, 2] at places [n, 2], by least squares that outliers have no say in."""
    (x, y), one, zero = places.T, np.ones(len(places)), np.zeros(len(places))
    design = np.concatenate([np.stack([one, zero, x, -y], 1), np.stack([zero, one, y, x], 1)])
    moved = moves.T.reshape(-1)
    trust = np.ones(len(places))
    for _ in range(20):
        root = np.sqrt(np.tile(weights * trust, 2))
        solution = np.linalg.lstsq(design * root[:, None], moved * root, rcond=None)[0]
        off = np.hypot(*(moved - design @ solution).reshape(2, -1))
        trust = (1 + (off / max(0.25, 1.5 * np.median(off))) ** 2) ** -2.0
    return Motion(*map(float, solution))


def _box(coarse: Plane, size: tuple[int, int], red: Motion, blue: Motion) -> tuple[int, int, int, int]:
    """Left, top, right, bottom on the plate of what all exposures show, in the place of the green one."""
    height, width = size
    # Where no border is seen, as where it is as dark as the picture beside it, it ends where borders commonly do.
    frame, common = height / 3, EDGE / 2
    usual = common * width, (1 + common) * frame, (1 - common) * width, (2 - common) * frame
    borders = []
    for motion in (red, Motion(0, 0), blue):
        # A border is straight and some pixels wide, so a small picture of it is enough.
        dx, dy = (round(shift * coarse.shape[1] / width) for shift in (motion.x, motion.y))
        borders.append(np.array(_border(coarse, dx, dy)) * (width / coarse.shape[1]))
    left, top = np.fmax.reduce(borders)[:2]
    right, bottom = np.fmin.reduce(borders)[2:]
    seen = left, top, right, bottom
    left, top, right, bottom = np.where(np.isnan(seen), usual, seen)
    # What scale and rotation move at the corners, and the edge of the border itself, which is not sharp.
    spare = max(abs(m.scale) + abs(m.angle) for m in (red, blue)) * height / 6 + 0.005 * width
    return int(left + spare) + 1, int(top + spare) + 1, int(right - spare), int(bottom - spare)


def _border(plate: Plane, dx: int, dy: int) -> tuple[float, float, float, float]:
    """The inner edges of the border around one exposure, as left, top, right, bottom in the place of the green one;
    NaN where there is none."""
    height, width = plate.shape
    frame = height / 3
    light = np.log(plate + 0.03)
    spots = np.arange(round(0.12 * width), round(0.88 * width))
    across = light[:, np.clip(spots + dx, 0, width - 1)]
    spots = np.arange(round(1.12 * frame), round(1.88 * frame))
    down = light[np.clip(spots + dy, 0, height - 1)].T
    return (
        _inner(down, dx, EDGE * width, 1) - dx,
        _inner(across, frame + dy, EDGE * frame, 1) - dy,
        _inner(down, width + dx, EDGE * width, -1) - dx,
        _inner(across, 2 * frame + dy, EDGE * frame, -1) - dy,
    )


def _inner(lines: Plane, middle: float, reach: float, inwards: int) -> float:
    """The innermost edge of a border along whole lines, within `reach` of `middle`; lines: [n, length], logarithms."""
    # From a dark border inwards it gets lighter; where it gets darker, the border of the next exposure ends.
    along = (inwards * (lines[GAP:] - lines[:-GAP]) > STEP).mean(axis=1)
    first = max(0, round(middle - reach))
    last = min(len(along), round(middle + reach))
    edges = first + np.flatnonzero(along[first:last] > 0.6)
    if not len(edges):
        return math.nan
    return float(edges[-1] + GAP if inwards > 0 else edges[0] + 1)


def _gradients(plane: Plane) -> Complex:
    """Complex gradients, [h, w]: the argument is twice the direction, so that opposite ones are alike, and all that are
    clearly above the median count about the same."""
    plane = _smooth(_smooth(plane).T).T
    down, across = np.gradient(plane)
    size = np.hypot(across, down)
    doubled: Complex = (across + 1j * down) ** 2 / ((size + np.median(size) + 1e-6) * (size + 1e-9))
    return doubled


def _smooth(plane: Plane) -> Plane:
    """Down the columns, by a Gaussian of one pixel."""
    weights = np.exp(-(np.arange(-3, 4) ** 2) / 2)
    padded = np.pad(plane, ((3, 3), (0, 0)), mode="edge")
    shifted = (w * padded[i : i + len(plane)] for i, w in enumerate(weights / weights.sum()))
    return sum(shifted, np.zeros_like(plane))


def _correlate(block: Complex, around: Complex) -> Plane:
    """Normalised correlation of a block at all places where it lies within `around`, in [-1, 1]."""
    height, width = block.shape
    spectrum = np.fft.fft2(around) * np.conj(np.fft.fft2(block, around.shape))
    match = np.fft.ifft2(spectrum).real[: len(around) - height + 1, : around.shape[1] - width + 1]
    energy = np.pad((np.abs(around) ** 2).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    energy = energy[height:, width:] - energy[:-height, width:] - energy[height:, :-width] + energy[:-height, :-width]
    normalised: Plane = match / np.sqrt(np.maximum(energy, 1e-9) * (np.abs(block) ** 2).sum() + 1e-12)
    return normalised


def _peak(before: float, at: float, after: float) -> float:
    """How far the top of the parabola through three values lies from the middle one."""
    return float((before - after) / (2 * (before - 2 * at + after) or 1.0))


def _halved(plane: Plane) -> Plane:
    """Means of 2 x 2 pixels; an odd last row or column is left out."""
    height, width = (side // 2 * 2 for side in plane.shape)
    means: Plane = plane[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return means


def _cubic(plane: Plane, x: Plane, y: Plane) -> Plane:
    """Values between the pixels, by Keys' cubic convolution (1981, a = -0.5); within [0, 1]."""
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    across, down = list(_weights(x - left)), list(_weights(y - top))
    height, width = plane.shape
    result = np.zeros(x.shape, np.float32)
    for row, weight in enumerate(down, -1):
        line = np.clip(top + row, 0, height - 1) * width
        sums = sum(w * plane.take(line + np.clip(left + i, 0, width - 1)) for i, w in enumerate(across, -1))
        result += weight * sums
    return np.clip(result, 0, 1)


def _weights(t: Plane) -> Iterator[Plane]:
    yield ((2 - t) * t - 1) * t / 2
    yield ((3 * t - 5) * t * t + 2) / 2
    yield ((4 - 3 * t) * t + 1) * t / 2
    yield (t - 1) * t * t / 2
