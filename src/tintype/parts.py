"""A photograph cut into parts that a model sees alike, such as a coat, a wall or the sky."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tintype.color.gamut import fit_chroma
from tintype.distribution import Distribution
from tintype.hints import Hint

APART = 7.0
"""How different parts that touch must be to stay apart: the root of the sum of squares of the a*b* units between their
mean colours, of the difference of their deviations, and of LIGHTER times the L* between them."""

LIGHTER = 0.35
"""a*b* units that count as much as one of L*."""

ALIKE = 0.95
"""Bhattacharyya coefficient of their distributions from which parts are of one thing, such as both sides of a coat."""

SMALLEST = 0.004
"""Share of a photograph that a part has at least; smaller ones go to what they resemble most around them."""


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of one photograph, by their numbers from 0 on."""

    found: Distribution
    labels: NDArray[np.intp]
    """The part that each cell belongs to, intp [h', w']."""
    lightness: NDArray[np.floating]
    """Mean CIE L* of each, [parts]."""

    @classmethod
    def of(cls, found: Distribution) -> Parts:
        """Cut a photograph along the edges of its lightness and of its distribution."""
        cells = found.probabilities.shape[1:]
        # The sides of the guide are multiples of those of the cells.
        lightness = found.guide.reshape(cells[0], found.guide.shape[0] // cells[0], cells[1], -1).mean(axis=(1, 3))
        labels = _cut(found, lightness)
        return cls(found, labels, np.bincount(labels.ravel(), lightness.ravel()) / np.bincount(labels.ravel()))

    @cached_property
    def sizes(self) -> NDArray[np.intp]:
        """Cells of each, [parts]."""
        return np.bincount(self.labels.ravel())

    @cached_property
    def depth(self) -> NDArray[np.intp]:
        """How many cells each cell lies from the next part, by the longer way of rows and columns; [h', w'], from 1 on.

        The edge of the photograph is an edge.
        """
        depth = np.ones(self.labels.shape, np.intp)
        inner = _same_around(np.pad(self.labels, 1, constant_values=-1))
        while inner.any():
            depth += inner
            inner &= _same_around(np.pad(inner, 1))
        return depth

    @cached_property
    def probabilities(self) -> NDArray[np.floating]:
        """The mean distribution of each, [Q, parts]."""
        share = np.zeros((self.labels.size, len(self.sizes)), np.float32)
        share[np.arange(self.labels.size), self.labels.ravel()] = 1
        total: NDArray[np.floating] = self.found.probabilities.reshape(len(self.found.bins), -1) @ share
        return total / self.sizes

    @cached_property
    def alike(self) -> NDArray[np.floating]:
        """How alike the distributions of any two are: their Bhattacharyya coefficient, [parts, parts], at most 1."""
        roots = np.sqrt(self.probabilities)
        return np.asarray(roots.T @ roots)

    @cached_property
    def touching(self) -> NDArray[np.bool_]:
        """Whether two have a common edge, [parts, parts]."""
        touching = np.zeros((len(self.sizes), len(self.sizes)), bool)
        for one, other in _pairs(self.labels):
            touching[one, other] = touching[other, one] = True
        return touching

    @cached_property
    def deviations(self) -> NDArray[np.floating]:
        """The mean deviation of each, in a*b* units, of the colours as sRGB holds them at its lightness; [parts]."""
        bins, count = self.found.bins, len(self.sizes)
        lab = np.empty((count, len(bins), 3))
        lab[..., 0], lab[..., 1:] = self.lightness[:, None], bins
        shown = fit_chroma(lab)[..., 1:].astype(np.float32)
        order = np.argsort(self.labels, axis=None, kind="stable")
        probabilities = self.found.probabilities.reshape(len(bins), -1)[:, order]
        result = np.empty(count)
        for part, end in enumerate(np.cumsum(self.sizes)):
            a, b = shown[part].T
            p = probabilities[:, end - self.sizes[part] : end]
            squares = (a**2 + b**2) @ p - (a @ p) ** 2 - (b @ p) ** 2
            result[part] = np.sqrt(np.maximum(squares, 0)).mean()
        return result

    def thing(self, part: int) -> set[int]:
        """Parts that are one thing with this one: as ALIKE as that, and all touching."""
        found, new = {part}, [part]
        same = self.alike[part] >= ALIKE
        while new:
            touched = np.nonzero(self.touching[new.pop()] & same)[0].tolist()
            new += (more := set(touched) - found)
            found |= more
        return found

    def under(self, hints: Sequence[Hint]) -> set[int]:
        """The parts that hints lie on."""
        down, across = (cells / side for cells, side in zip(self.labels.shape, self.found.size, strict=True))
        return {int(self.labels[int(hint.y * down), int(hint.x * across)]) for hint in hints}

    def discs(self, part: int, count: int, thinnest: int = 2) -> list[tuple[float, float, float]]:
        """Up to `count` discs inside a part, apart from each other, the largest first: x, y, radius.

        In pixels of the photograph. Where no cell lies `thinnest` cells deep, there is no disc.
        """
        down, across = (side / cells for cells, side in zip(self.labels.shape, self.found.size, strict=True))
        depth = np.where(self.labels == part, self.depth, 0)
        result: list[tuple[float, float, float]] = []
        while len(result) < count and (deepest := int(depth.max())) >= thinnest:
            # Of several places as deep inside, the one nearest to the middle of all.
            rows, columns = np.nonzero(depth == deepest)
            near = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
            row, column = int(rows[near]), int(columns[near])
            result.append(((column + 0.5) * across, (row + 0.5) * down, (deepest - 0.5) * min(down, across)))
            clear = 3 + 3 * deepest // 2
            depth[max(0, row - clear) : row + clear + 1, max(0, column - clear) : column + clear + 1] = 0
        return result


def _cut(found: Distribution, lightness: NDArray[np.floating]) -> NDArray[np.intp]:
    """The number of its part for each cell, intp [h', w']. lightness: CIE L* of the cells, [h', w'].

    Parts that resemble each other most become one (mutually nearest, as in Borůvka's tree), again and again, until all
    that touch are APART.
    """
    probabilities = found.probabilities.reshape(len(found.bins), -1)
    a, b, squares = np.column_stack([found.bins, (found.bins**2).sum(axis=1)]).T.astype(np.float32) @ probabilities
    deviation = np.sqrt(np.maximum(squares - a**2 - b**2, 0))
    sums = np.stack([a, b, deviation, LIGHTER * lightness.ravel()]).astype(np.float64)
    labels = np.arange(lightness.size)
    sizes: NDArray[np.float64] = np.ones(lightness.size)
    # The pairs that touch, the lower number first.
    one, other = np.concatenate(_pairs(labels.reshape(lightness.shape)), axis=1)
    for limit in (*np.linspace(1, APART, 7), np.inf):
        while True:
            distance = np.sqrt(((sums[:, one] / sizes[one] - sums[:, other] / sizes[other]) ** 2).sum(axis=0))
            allowed = distance < limit
            if limit == np.inf:
                # What is left over goes to its neighbours.
                allowed &= np.minimum(sizes[one], sizes[other]) < SMALLEST * len(labels)
            joined = _mutual(one[allowed], other[allowed], distance[allowed], len(sizes))
            kept = joined == np.arange(len(sizes))
            if kept.all():
                break
            new = (np.cumsum(kept) - 1)[joined]
            sums = np.stack([np.bincount(new, each) for each in sums])
            sizes = np.bincount(new, sizes).astype(np.float64)
            labels = new[labels]
            first, second = np.minimum(new[one], new[other]), np.maximum(new[one], new[other])
            pairs = np.sort((first * len(sizes) + second)[first != second])
            pairs = pairs[np.diff(pairs, prepend=-1) > 0]
            one, other = pairs // len(sizes), pairs % len(sizes)
    return labels.reshape(lightness.shape)


def _mutual(
    one: NDArray[np.intp], other: NDArray[np.intp], distance: NDArray[np.float64], count: int
) -> NDArray[np.intp]:
    """For each of `count` parts the lower number of itself and the part that it is nearest to, where both are so.

    The pairs of parts have the lower number in `one`. Of parts as near the lower number counts.
    """
    ends, others = np.concatenate([one, other]), np.concatenate([other, one])
    order = np.lexsort((others, np.concatenate([distance, distance]), ends))
    ends, others = ends[order], others[order]
    first = np.ones(len(ends), bool)
    first[1:] = ends[1:] != ends[:-1]
    nearest = np.full(count, -1)
    nearest[ends[first]] = others[first]
    own = np.arange(count)
    return np.where((nearest >= 0) & (nearest[nearest] == own), np.minimum(nearest, own), own)


def _pairs(labels: NDArray[np.intp]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """The numbers of cells side by side, and of those one above the other."""
    return [(labels[:, :-1].ravel(), labels[:, 1:].ravel()), (labels[:-1].ravel(), labels[1:].ravel())]


def _same_around(padded: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Whether the eight around each cell have its value; bool [h', w'] of values [h' + 2, w' + 2]."""
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    middle = padded[1:-1, 1:-1]
    same = np.ones((height, width), bool)
    for row in range(3):
        for column in range(3):
            same &= padded[row : row + height, column : column + width] == middle
    return same
