"""Where a model doubts the colours of a photograph: parts that it sees alike, and how far apart their colours lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tintype.color.gamut import fit_chroma
from tintype.distribution import Distribution
from tintype.hints import Hint

APART = 10.0
"""How different two parts must be to stay apart: the a*b* units between their mean colours, of the difference of their
deviations, and LIGHTER times the L* between them, as the root of the sum of squares."""

LIGHTER = 0.35
"""a*b* units that count as much as one of L*."""

SMALLEST = 0.004
"""Share of a photograph that a part has at least; smaller ones go to what they resemble most around them."""

THINNEST = 1.5
"""Cells that lie between the middle of a place and its edge at least: what is thinner is left out."""


@dataclass(frozen=True)
class Doubt:
    """A place whose colours a model doubts."""

    x: float
    """Its middle in pixels of the upright photograph at full size, from the left edge, as that of a hint."""
    y: float
    """From the upper edge."""
    radius: float
    """Of a disc that lies inside, in pixels at full size."""
    deviation: float
    """The root of the expected squared distance from the mean colour, in a*b* units, as far as sRGB holds these colours
    at the lightness of the place."""


def doubtful(found: Distribution, hints: Sequence[Hint] = ()) -> list[Doubt]:
    """A place in each part of a photograph where no hint lies, most doubtful first."""
    cells = found.probabilities.shape[1:]
    lightness = _averaged(found.guide, cells)
    labels = parts(found, lightness)
    settled = {
        int(labels[int(hint.y * cells[0] / found.size[0]), int(hint.x * cells[1] / found.size[1])]) for hint in hints
    }
    pixels = (found.size[0] / cells[0], found.size[1] / cells[1])
    depth = _depth(labels)
    result = []
    for label in range(int(labels.max()) + 1):
        inside = labels == label
        deep = np.where(inside, depth, 0)
        if label in settled or deep.max() < THINNEST:
            continue
        # Of several places equally deep inside, the one nearest to the middle of all.
        rows, columns = np.nonzero(deep == deep.max())
        near = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
        doubt = Doubt(
            x=float(columns[near] + 0.5) * pixels[1],
            y=float(rows[near] + 0.5) * pixels[0],
            radius=float(deep.max() - 0.5) * min(pixels),
            deviation=_visible(found, inside, float(lightness[inside].mean())),
        )
        result.append(doubt)
    return sorted(result, key=lambda doubt: -doubt.deviation)


def parts(found: Distribution, lightness: NDArray[np.floating]) -> NDArray[np.intp]:
    """The photograph cut into parts that a model sees alike: whole numbers from 0 on, intp [h', w'].

    Neighbours that resemble each other most become one (mutually nearest, as in Borůvka's tree), again and again, until
    all that touch are APART. lightness: CIE L* of the cells, [h', w'].
    """
    cells = lightness.shape
    probabilities = found.probabilities.reshape(len(found.bins), -1)
    a, b, squares = np.column_stack([found.bins, (found.bins**2).sum(axis=1)]).T.astype(np.float32) @ probabilities
    deviation = np.sqrt(np.maximum(squares - a**2 - b**2, 0))
    features = np.stack([a, b, deviation, LIGHTER * lightness.ravel()])
    labels = np.arange(features.shape[1])
    grid = labels.reshape(cells)
    first = np.concatenate([grid[:, 1:].ravel(), grid[1:].ravel()])
    second = np.concatenate([grid[:, :-1].ravel(), grid[:-1].ravel()])
    for limit in (*np.linspace(1, APART, 10), np.inf):
        while True:
            count = int(labels.max()) + 1
            size = np.bincount(labels, minlength=count)
            means = np.stack([np.bincount(labels, each, count) for each in features]) / size
            one, other = labels[first], labels[second]
            pairs = np.unique((np.minimum(one, other) * count + np.maximum(one, other))[one != other])
            one, other = pairs // count, pairs % count
            distance = np.sqrt(((means[:, one] - means[:, other]) ** 2).sum(axis=0))
            allowed = distance < limit
            if limit == np.inf:
                # What is left over goes to its neighbours.
                allowed &= np.minimum(size[one], size[other]) < SMALLEST * labels.size
            one, other, distance = one[allowed], other[allowed], distance[allowed]
            if not len(one):
                break
            # The nearest neighbour of each, the lower number where two are as near.
            ends, others = np.concatenate([one, other]), np.concatenate([other, one])
            order = np.lexsort((others, np.concatenate([distance, distance]), ends))
            starts = np.unique(ends[order], return_index=True)[1]
            nearest = np.full(count, -1)
            nearest[ends[order][starts]] = others[order][starts]
            own = np.arange(count)
            mutual = (nearest >= 0) & (nearest[nearest] == own) & (nearest < own)
            if not mutual.any():
                break
            own[mutual] = nearest[mutual]
            labels = np.unique(own[labels], return_inverse=True)[1].reshape(-1)
    return labels.reshape(cells)


def _averaged(guide: NDArray[np.float32], cells: tuple[int, ...]) -> NDArray[np.floating]:
    """The guide [h, w] at the size of the cells, whose sides divide its own."""
    rows, columns = cells
    return np.asarray(guide.reshape(rows, guide.shape[0] // rows, columns, -1).mean(axis=(1, 3)))


def _depth(labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """How many cells each lies from the next part, by the longer way of rows and columns; intp [h', w'], from 1 on.

    The edge of the photograph is an edge.
    """
    depth = np.ones(labels.shape, np.intp)
    padded = np.pad(labels, 1, constant_values=-1)
    height, width = labels.shape
    around = [(row, column) for row in range(3) for column in range(3)]
    inner = np.all([padded[r : r + height, c : c + width] == labels for r, c in around], axis=0)
    while inner.any():
        depth += inner
        padded = np.pad(inner, 1)
        inner = np.all([padded[r : r + height, c : c + width] for r, c in around], axis=0)
    return depth


def _visible(found: Distribution, inside: NDArray[np.bool_], lightness: float) -> float:
    """The mean deviation of cells, of colours as sRGB holds them at a CIE L*."""
    lab = np.column_stack([np.full(len(found.bins), lightness), found.bins])
    shown = fit_chroma(lab)[:, 1:]
    p = found.probabilities[:, inside]
    mean = shown.T @ p
    squares = (shown**2).sum(axis=1) @ p - (mean**2).sum(axis=0)
    return float(np.sqrt(np.maximum(squares, 0)).mean())
