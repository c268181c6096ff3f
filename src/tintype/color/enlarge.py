"""From the network's small ab plane to the size of the photograph, along the edges of its lightness.

A cell of the network's plane covers some 50 x 50 pixels of a 12-megapixel photograph, and where two objects meet
it holds the mean of both. Each cell is divided into 8 x 8 parts; every part takes its colour from the nine cells
around it, the more from a cell the nearer their lightness is (joint bilateral upsampling, Kopf et al. 2007). What
the mean of the parts lacks of the cell's own colour is then given back to them in the same way (back-projection,
Irani and Peleg 1991), held within the range of the nine cells, so that no colour appears that was not there. From
the parts to the pixels the way is linear: docs/fullsize.md shows that following single pixels is no better, and
prints film grain into the colour.
"""

from __future__ import annotations

from copy import copy
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from tintype.threads import ahead

DETAIL = 8
"""Parts of a cell along one side."""

PARTS = 2_000_000
"""At most that many parts in all: larger planes get fewer per cell, and memory stays bounded."""

CONTRAST = 2.5
"""Difference of L* at which a cell's weight falls to a quarter, where lightness and colour change together. To its
square are added that of GRAIN times the grain's deviation, and the variance of L* that colour does not explain."""

GRAIN = 4.0

RUN = 4
"""Rows, on average, that a run must have to be worked on by itself."""

ROUNDS = 2
"""How often the missing colour is given back."""

_HALF = 1 << 15  # of what 16 bits hold


class Edges:
    """The lightness that guides colours of any plane of one size: made once for all planes of a photograph.

    Args:
        guide: float32 [h, w], CIE L* in [0, 100] of the photograph, the means of its pixels. Best is DETAIL times the
            size of the planes; a larger guide is averaged down, a smaller one gives softer edges.
        cells: (h', w') of the planes.
    Raises:
        ValueError: other shapes, or values that are not finite.
    """

    def __init__(self, guide: NDArray[np.float32], cells: tuple[int, int]) -> None:
        if guide.ndim != 2 or 0 in guide.shape + cells:
            raise ValueError(f"a guide [h, w] is needed, not {guide.shape}, and planes that are not {cells}")
        if not np.isfinite(guide).all():
            raise ValueError("the guide must be finite")
        self.cells = cells
        self.detail = max(1, min(DETAIL, isqrt(PARTS // (cells[0] * cells[1])), round(guide.shape[0] / cells[0])))
        light = mean_resize(guide, (cells[0] * self.detail, cells[1] * self.detail))
        self.noise = CONTRAST**2 + (GRAIN * _grain(light)) ** 2
        # The parts at the same place of all cells lie in one row: [detail^2, cells]. Rows are long, numpy is quick.
        places = light.reshape(cells[0], self.detail, cells[1], self.detail).transpose(1, 3, 0, 2)
        self.light = places.reshape(self.detail**2, -1)
        self.own = self.light.mean(axis=0).reshape(cells)


class Enlarger:
    """One ab plane, enlarged strip by strip; the strips are the same however the photograph is cut.

    Args:
        ab: float32 [2, h', w'], CIE a*, b*, from the network.
        guide: as of Edges, or the edges themselves.
        size: (height, width) of the photograph.
        threads: processors to use. The colours do not depend on them.
    Raises:
        ValueError: other shapes, or values that are not finite.
    """

    def __init__(
        self, ab: NDArray[np.float32], guide: NDArray[np.float32] | Edges, size: tuple[int, int], threads: int = 1
    ) -> None:
        if ab.ndim != 3 or ab.shape[0] != 2:
            raise ValueError(f"ab [2, h, w] is needed, not {ab.shape}")
        if not np.isfinite(ab).all():
            raise ValueError("ab must be finite")
        edges = guide if isinstance(guide, Edges) else Edges(guide, (ab.shape[1], ab.shape[2]))
        if edges.cells != ab.shape[1:]:
            raise ValueError(f"the edges are of planes {edges.cells}, not {ab.shape[1:]}")
        self.size = size
        self.parts = _divide(ab, edges, threads)

    def at(self, size: tuple[int, int]) -> Enlarger:
        """The same colours for a photograph of another size."""
        other = copy(self)
        other.size = size
        return other

    def rows(self, top: int, bottom: int, columns: slice = slice(None)) -> NDArray[np.float32]:
        """The colour of the rows from `top` up to `bottom`, and of these columns of them.

        Returns float32 [2, bottom - top, columns], CIE a*, b*.
        """
        height = self.size[0]
        above, below, part = _neighbours(np.arange(top, bottom), height, self.parts.shape[1])
        first = above[0]
        wide = self._wide(first, below[-1] + 1, columns)
        # One run of rows lies between the same two rows of parts.
        starts = np.flatnonzero(np.diff(above, prepend=-1))
        if len(starts) * RUN > len(above):
            # Of a preview runs are so short that numpy is called too often for them.
            upper = wide[:, above - first]
            ab = wide[:, below - first]
            ab -= upper
            ab *= part[:, None]
            ab += upper
            return ab
        ab = np.empty((2, bottom - top, wide.shape[2]), np.float32)
        for start, stop in zip(starts, [*starts[1:], len(above)], strict=True):
            upper, lower = wide[:, above[start] - first], wide[:, below[start] - first]
            run = ab[:, start:stop]
            np.multiply((lower - upper)[:, None], part[start:stop, None], out=run)
            run += upper[:, None]
        return ab

    def numbers(
        self, top: int, bottom: int, columns: slice, unit: float, offset: NDArray[np.float64]
    ) -> NDArray[np.uint16]:
        """The same times `unit` plus offset [2], in whole numbers, in a fifth of the time.

        Up to 2, and 1 for each row of pixels between two rows of parts, is rounded away. What is below 0 or above
        65535 comes back as another number.
        """
        height, count = self.size[0], self.parts.shape[1]
        pace = count / height
        # Between two rows of parts the numbers grow by the same from row to row, starting from the first row below the
        # upper one. That is the photograph's, not that of the rows which are asked for: they fit together.
        rows = np.arange(top, bottom)
        upper = np.floor((rows + 0.5) * pace - 0.5).astype(np.intp)
        between = np.arange(upper[0], upper[-1] + 1)
        start = np.ceil((between + 0.5) / pace - 0.5)
        ends = self.parts.take(np.clip([between, between + 1], 0, count - 1), axis=1)
        ends *= np.float32(unit)
        ends += (offset - _HALF).astype(np.float32)[:, None, None, None]
        growth = ends[:, 1] - ends[:, 0]
        # All that belongs to a place lies together, so that it is looked up at once: its a*, b* and their growth.
        down = np.empty((len(between), self.parts.shape[2], 4), np.float32)
        off = ((start + 0.5) * pace - 0.5 - between).astype(np.float32)[:, None]
        for plane in range(2):
            down[..., plane] = ends[plane, 0] + off * growth[plane]
            down[..., 2 + plane] = growth[plane] * np.float32(pace)
        left, _, share = _neighbours(np.arange(self.size[1])[columns], self.size[1], self.parts.shape[2])
        wide = np.diff(down, axis=1, append=down[:, -1:]).take(left, axis=1, mode="clip")
        wide *= share.repeat(4).reshape(-1, 4)
        wide += down.take(left, axis=1, mode="clip")
        # Numbers wrap, so that what falls is a large one that grows.
        whole = wide.astype(np.int16).view(np.uint16)
        begin, grow = (np.ascontiguousarray(np.moveaxis(part, -1, 0)) for part in (whole[..., :2], whole[..., 2:]))
        begin += np.uint16(_HALF)
        numbers = np.empty((2, len(rows), begin.shape[2]), np.uint16)
        times = (rows - start[upper - upper[0]]).astype(np.int16).view(np.uint16)[:, None]
        bounds = np.searchsorted(upper, [*between, between[-1] + 1])
        for run in range(len(between)):
            at = slice(bounds[run], bounds[run + 1])
            np.multiply(grow[:, run, None], times[at], out=numbers[:, at])
            numbers[:, at] += begin[:, run, None]
        return numbers

    def _wide(self, first: int, stop: int, columns: slice) -> NDArray[np.float32]:
        """These rows of parts, enlarged across: [2, rows, columns]."""
        parts, width = self.parts[:, first:stop], self.size[1]
        left, right, share = _neighbours(np.arange(width)[columns], width, parts.shape[2])
        wide = parts.take(left, axis=2)
        rest = parts.take(right, axis=2)
        rest -= wide
        rest *= share
        wide += rest
        return wide


def _divide(ab: NDArray[np.float32], edges: Edges, threads: int) -> NDArray[np.float32]:
    """ab [2, h', w'] -> [2, h' * detail, w' * detail], along the edges."""
    height, width = ab.shape[1:]
    light, own, detail = edges.light, edges.own, edges.detail
    planes = np.asarray(ab, np.float32)
    scale = 1 / np.sqrt(edges.noise + _unexplained(own, planes)).astype(np.float32).reshape(-1)
    # The quadratic B-spline: under even light a gradient of colour comes out as it went in, without steps.
    off = (np.arange(detail) + 0.5) / detail - 0.5
    spline = {-1: (0.5 - off) ** 2 / 2, 0: 0.75 - off**2, 1: (0.5 + off) ** 2 / 2}
    near = np.stack([np.outer(spline[dy], spline[dx]).reshape(-1, 1) for dy, dx in _AROUND], 1).astype(np.float32)
    cells = _around(own).reshape(9, -1) * scale
    weights = np.empty((detail**2, 9, height * width), np.float32)
    """How much each part takes of the nine cells around it."""
    blocks = [range(first, min(first + _PARTS, detail**2)) for first in range(0, detail**2, _PARTS)]

    def weigh(block: range) -> range:
        for part in block:
            weight = weights[part]
            np.subtract(light[part] * scale, cells, out=weight)
            weight *= weight
            weight += 1
            weight *= weight
            np.divide(near[part], weight, out=weight)
            weight *= 1 / weight.sum(axis=0)
        return block

    means = np.zeros_like(cells)
    for block in ahead(weigh, blocks, threads):
        for part in block:
            means += weights[part]
    means /= detail**2
    parts = np.empty((2, detail**2, height * width), np.float32)
    around = _around(planes).reshape(2, 9, -1)
    least, most = around.min(axis=1), around.max(axis=1)
    for turn in range(ROUNDS):
        if turn == 0:
            # What the means of the parts would lack is known before there are parts: theirs is the mean weight.
            lack = planes - np.einsum("kc,zkc->zc", means, around).reshape(planes.shape)
            given = _around(planes + lack).reshape(around.shape)
        else:
            given = _around(planes - parts.mean(axis=1).reshape(planes.shape)).reshape(around.shape)

        def spread(block: range, given: NDArray[np.float32] = given, first: bool = turn == 0) -> None:
            for part in block:
                colours = parts[:, part]
                if first:
                    np.einsum("kc,zkc->zc", weights[part], given, out=colours)
                else:
                    colours += np.einsum("kc,zkc->zc", weights[part], given)
                np.clip(colours, least, most, out=colours)

        for _ in ahead(spread, blocks, threads):
            pass
    result = np.empty((2, height * detail, width * detail), np.float32)
    places = parts.reshape(2, detail, detail, height, width)
    result.reshape(2, height, detail, width, detail)[:] = places.transpose(0, 3, 1, 4, 2)
    return result


_PARTS = 8
"""Parts of a cell that one thread works on at a time."""

_AROUND = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]


def _around(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """What holds each cell's neighbours, in the order of _AROUND: [..., h', w'] -> [..., 9, h', w'], the border
    repeated.
    """
    height, width = planes.shape[-2:]
    padded = np.pad(planes, [(0, 0)] * (planes.ndim - 2) + [(1, 1), (1, 1)], mode="edge")
    return np.stack([padded[..., 1 + dy :, 1 + dx :][..., :height, :width] for dy, dx in _AROUND], axis=-3)


def _unexplained(light: NDArray[np.float32], ab: NDArray[np.float32]) -> NDArray[np.float32]:
    """The variance of L* over the nine cells around each that no linear function of their a* or b* accounts for.

    light: the means of the cells, [h', w']. ab: [2, h', w']. Gives [h', w'].
    """

    def mean(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        means: NDArray[np.float32] = np.mean(_around(plane), axis=0)
        return means

    centre = mean(light)
    variance = np.maximum(mean(light * light) - centre * centre, 0)
    together = spread = np.zeros_like(centre)
    for plane in ab:
        middle = mean(plane)
        spread = spread + np.maximum(mean(plane * plane) - middle * middle, 0)
        together = together + (mean(plane * light) - middle * centre) ** 2
    unexplained: NDArray[np.float32] = np.maximum(variance - together / (spread + 1e-3), 0)
    return unexplained


def _grain(light: NDArray[np.float32]) -> float:
    """The standard deviation of the grain, from second differences across both axes; edges are outvoted."""
    if min(light.shape) < 2:
        return 0.0
    mixed = light[1:, 1:] - light[1:, :-1] - light[:-1, 1:] + light[:-1, :-1]
    return float(np.median(np.abs(mixed))) / (2 * 0.6745)


def _neighbours(
    positions: NDArray[np.intp], size: int, small: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Where pixels of an axis of `size` lie on one of `small`: the two nearest places and the share of the second.

    Pixel centres are at halves on both axes (align_corners=False), so that nothing moves.
    """
    place = np.clip((positions + 0.5) * (small / size) - 0.5, 0, small - 1)
    first = place.astype(np.intp)
    return first, np.minimum(first + 1, small - 1), (place - first).astype(np.float32)


def mean_resize(plane: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Means over the areas that the pixels of the new size cover; float32 [height, width]."""
    for axis, length in enumerate(size):
        old = plane.shape[axis]
        if old == length:
            continue
        values = np.moveaxis(plane, axis, 0)
        sums = np.zeros((old + 1, values.shape[1]))
        np.cumsum(values, axis=0, dtype=np.float64, out=sums[1:])
        edges = np.arange(length + 1) * (old / length)
        whole = np.minimum(edges.astype(np.intp), old - 1)
        areas = np.diff(sums[whole] + values[whole] * (edges - whole)[:, None], axis=0)
        plane = np.moveaxis(areas * (length / old), 0, axis)
    return np.ascontiguousarray(plane, np.float32)
