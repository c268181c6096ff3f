"""How far the colour of a hint carries: over the thing that it lies on, and no further.

A network answers a hint with a colour of its own, near the place of the hint, and shifts all others a little. Here its
answer is confined to what belongs to the hint and completed there. What belongs to it is told by the way there: a cell
is the nearer to a hint, the shorter a path leads to it on which the lightness changes gently (a geodesic distance, as
in Bai and Sapiro 2007), and the less it differs from the place of the hint in lightness and in the colour that it has
without hints. docs/experiments.md has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tintype.color.enlarge import mean_resize
from tintype.hints import Hint, Plane, ab_of, covered

REACH = 36.0
"""How far a hint carries at most, where the short side of the photograph is SHORT: over even lightness, so much less
over an edge."""

SHORT = 64.0

FULL = 0.6
"""Share of REACH up to which the hint's colour takes the place of all others; from there on it fades."""

STEP = 5.0
"""Difference of L* between neighbouring cells that makes the way longer by 1. Twice the difference: by 4. So a slope
costs less than an edge of the same height."""

DEPARTURE = 8.0
"""Difference from the place of the hint (CIE76, without hints) that makes the way longer by 1. Twice of it: by 4."""

BLEND = 12
"""How often the reach of hints is averaged over neighbouring cells, the less the more their L* differs."""

LEAK = 6.0
"""a*b* units that one hint may move colours by within its reach without being about them; see `keep_local`."""

DOUBT = 3.0
"""a*b* units that colours may change by chance: what changes less is not taken for following a hint."""

FINE = 1 << 10
"""Parts of a distance of 1 that are told apart."""


def spread(ab: Plane, without: Plane, guide: Plane, hints: Sequence[Hint], size: tuple[int, int]) -> Plane:
    """The colours that a network gives with hints, kept to what the hints are about and completed there.

    Args:
        ab, without: [2, h, w], CIE a*b* as the network gives them, with hints and without.
        guide: CIE L* of the photograph, at least [h, w].
        hints: at least one, at places of the photograph of (height, width) `size`.
    Returns:
        float32 [2, h, w], CIE a*b*.
    """
    lightness = _means(guide, (ab.shape[1], ab.shape[2]))
    way, nearest = _ways(lightness, hints, size)
    way += _departure(np.concatenate([lightness[None], without]), way, nearest, hints, size)
    kept = keep_local(ab, without, statements(hints), way / REACH)
    share = np.clip((REACH - way) / (REACH * (1 - FULL)), 0, 1)
    share *= share * (3 - 2 * share)
    colors = np.array([ab_of(hint.color) for hint in hints], np.float32).T
    # Where the ways to two hints are equally long, one colour goes over into the other.
    *laid, share = _blended(np.stack([*(share * colors[:, nearest]), share]), lightness)
    return np.asarray(kept * (1 - share) + laid, np.float32)


def _means(plane: Plane, size: tuple[int, int]) -> Plane:
    """The means of a plane over the areas of the cells of (height, width) `size`."""
    down, across = plane.shape[0] // size[0], plane.shape[1] // size[1]
    if plane.shape != (size[0] * down, size[1] * across):
        return mean_resize(plane, size)
    # A guide has whole parts of cells, and this takes a seventh of the time.
    return np.asarray(plane.reshape(size[0], down, size[1], across).mean(axis=(1, 3)))


def keep_local(ab: Plane, without: Plane, count: int, way: Plane) -> Plane:
    """Colours with `count` hints, where these change little brought back to those without them.

    A network that sees the photograph as a whole lets every hint shift all colours a little (3 units of one hint at the
    default model), far from what it lies on. Of changes below LEAK / count nothing stays, of larger ones the more the
    larger they are (the nonnegative garrote, Breiman 1995). Many hints do tell of the whole: ten keep nearly all.

    Args:
        ab, without: [2, h, w], CIE a*b*.
        way: [h, w], from the hints, in reaches. The farther beyond 1, the larger a change must be to be believed.
    Returns:
        [2, h, w], CIE a*b*.
    """
    moved = ab - without
    least = (LEAK / count * np.maximum(way, 1)) ** 2
    return np.asarray(without + moved * (1 - least / np.maximum((moved**2).sum(axis=0), least)))


def statements(hints: Sequence[Hint]) -> int:
    """How many things hints say: all of one colour, as a brush or several clicks on one object leave them, say one."""
    return len({hint.color.lower() for hint in hints})


def _ways(lightness: Plane, hints: Sequence[Hint], size: tuple[int, int]) -> tuple[Plane, NDArray[np.intp]]:
    """The shortest way from a hint to each cell, float32 [h, w], at most 2 * REACH, and the number of that hint."""
    # A way and the number of its hint in one integer: the least of two ways brings its hint along.
    count = len(hints)
    farthest = round(2 * REACH * FINE) * count
    height, width = lightness.shape
    ways = np.full((height, width), farthest, np.int64)
    for number, hint in enumerate(hints):
        place, share = covered(hint, size, (height, width))
        ways[place][share >= min(0.5, share.max())] = number
    least = np.minimum.accumulate
    # How long the way is along whole columns and rows: all steps in one direction are one pass over the plane.
    along = []
    for axis in (0, 1):
        steps = SHORT / min(height, width) + (np.diff(lightness, axis=axis) / STEP) ** 2
        steps = np.minimum(np.rint(steps * FINE).astype(np.int64) * count, farthest)
        along.append(np.insert(np.cumsum(steps, axis=axis), 0, 0, axis=axis))
    while True:
        before = ways
        for axis, length in enumerate(along):
            forth = least(ways - length, axis=axis) + length
            back = np.flip(least(np.flip(ways + length, axis), axis=axis), axis) - length
            ways = np.minimum(forth, back)
        if np.array_equal(ways, before):
            return (ways // count / FINE).astype(np.float32), ways % count


def _departure(
    lab: Plane, way: Plane, nearest: NDArray[np.intp], hints: Sequence[Hint], size: tuple[int, int]
) -> Plane:
    """What is to be added to each way for how its end differs from the place of its hint; lab: [3, h, w]."""
    own = np.empty((3, len(hints)), np.float32)
    for number, hint in enumerate(hints):
        place, share = covered(hint, size, (way.shape[0], way.shape[1]))
        own[:, number] = (lab[:, *place] * share).sum(axis=(1, 2)) / share.sum()
    # Under a disc everything belongs to the hint.
    return np.asarray(np.where(way > 0, ((lab - own[:, nearest]) ** 2).sum(axis=0) / DEPARTURE**2, 0), np.float32)


def _blended(planes: Plane, lightness: Plane) -> Plane:
    """Planes [n, h, w], averaged over neighbouring cells, the less the more their lightness differs."""
    down, across = (1 / (1 + (np.diff(lightness, axis=axis) / STEP) ** 2) for axis in (0, 1))
    total = np.ones_like(lightness)
    total[1:] += down
    total[:-1] += down
    total[:, 1:] += across
    total[:, :-1] += across
    for _ in range(BLEND):
        sums = planes.copy()
        sums[:, 1:] += down * planes[:, :-1]
        sums[:, :-1] += down * planes[:, 1:]
        sums[:, :, 1:] += across * planes[:, :, :-1]
        sums[:, :, :-1] += across * planes[:, :, 1:]
        planes = sums / total
    return planes


def meet(ab: Plane, without: Plane, hints: Sequence[Hint], size: tuple[int, int]) -> Plane:
    """Colours with hints, moved so that what follows a hint has the colour that was asked for.

    A network answers a hint with a colour of its own: of the right hue, but stronger or weaker. What it lacks under the
    disc is given to all that changed as the disc did, in proportion; where hints are near each other, to each place by
    the hints around it, the nearest first (Shepard 1968).

    Args:
        ab, without: [2, h, w], CIE a*b* as they will be painted, with hints and without.
        hints: at places of the photograph of (height, width) `size`.
    Returns:
        float32 [2, h, w], CIE a*b*.
    """
    cells = ab.shape[1:]
    moved = ab - without
    y, x = (np.arange(count, dtype=np.float32) + 0.5 for count in cells)
    total = np.zeros(cells, np.float32)
    added = np.zeros_like(ab, np.float32)
    for hint in hints:
        place, share = covered(hint, size, cells)
        share = share / share.sum()
        before, change = ((plane[:, *place] * share).sum(axis=(1, 2)) for plane in (without, moved))
        wanted = ab_of(hint.color) - before
        answer, want = float(change @ change), float(wanted @ wanted)
        down, across = hint.y * cells[0] / size[0], hint.x * cells[1] / size[1]
        near = 1 / ((y[:, None] - down) ** 2 + (x - across) ** 2 + 1)
        total += near
        # What the network hardly follows would be mostly chance if it were enlarged to the whole.
        trust = min(1.0, 2 * math.sqrt(answer / want)) if want > 0 else 1.0
        alike = np.clip(np.tensordot(change, moved, 1) / (answer + DOUBT**2), 0, 1)
        added += ((wanted - change) * trust).astype(np.float32)[:, None, None] * (near * alike)
    return (ab + added / total).astype(np.float32)
