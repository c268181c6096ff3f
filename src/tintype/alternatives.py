"""Other colourings of a whole photograph: what else a model holds likely where it doubts, as hints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tintype.color.gamut import fit_chroma
from tintype.distribution import Distribution, code
from tintype.hints import Hint
from tintype.parts import ALIKE, Parts

DOUBTFUL = 18.0
"""Deviation that a part has at least for its colours to be changed, in a*b* units."""

TOP, SHARE_OF_TOP = 0.85, 0.03
"""Also at least TOP times the deviation that the most doubtful SHARE_OF_TOP of the photograph have."""

LARGEST = 0.3
"""Share of the photograph that one part may have: with a larger one, a ground or a sky, all would be tinted."""

LEAST = 0.012
"""Share of the photograph that parts of one kind have together at least, to be changed."""

KINDS = 3
"""Kinds of parts that are changed, at most."""

NEAR = 0.9
"""How alike parts that touch must be to be of one kind, instead of ALIKE: they may be one coat in light and shade."""

CLUSTERS = 8
"""Colours that the distribution of a kind is divided into, beside the one that it has."""

MASS = 0.06
"""What the model must give a colour and those around it, at least."""

FAR = (13.0, 10.0)
"""a*b* units between two colours of a kind, and between them and the one that it has; the first that gives enough."""

MOST = 0.7
"""No colour has more chroma than this share of the distribution lies within."""

VIVID = 20.0
"""Chroma above which two kinds should not have one hue, since all would be tinted."""

CHANGED = 0.6
"""Share of the changed area on which two colourings differ at least."""

KEPT, LARGE = 3, 0.04
"""Other parts that are told to stay as they are, at most, and the share of the photograph that each has at least."""

RADIUS = 1.6
"""Of a hint, in cells, at most: the network spreads its colour, and a large disc would lie flat over folds."""


@dataclass(frozen=True, eq=False)
class Kind:
    """Parts that are alike, with the colours that they could have."""

    parts: list[int]
    share: float
    """Of the photograph."""
    colours: NDArray[np.float64]
    """CIE a*b*, [n, 2], most probable first."""
    masses: NDArray[np.float64]
    """How probable each is, with those around it; [n]."""


def colourings(
    found: Distribution, ab: NDArray[np.floating], hints: Sequence[Hint], count: int
) -> list[tuple[Hint, ...]]:
    """Up to `count` ways to colour what a photograph's distribution leaves open, the most probable first, as hints.

    Each way gives one colour to all parts of a kind, and says that the largest of the other parts stay as they are.
    What lies under the hints that there are is left alone. There are fewer ways, or none, where the model doubts too
    little.

    Args:
        found: the distribution. ab: [2, h', w'], CIE a*b* that the photograph has now.
    """
    parts = Parts.of(found)
    ways: list[tuple[int, ...]] = []
    kinds: list[Kind] = []
    for far in FAR:
        kinds = _kinds(parts, ab, hints, far)
        ways = _chosen(kinds, count, far)
        if len(ways) == count:
            break
    kept = _kept(parts, ab, kinds, hints)
    return [
        (*kept, *(hint for kind, choice in zip(kinds, way, strict=True) for hint in _set(parts, kind, choice)))
        for way in ways
    ]


def _kinds(parts: Parts, ab: NDArray[np.floating], hints: Sequence[Hint], far: float) -> list[Kind]:
    """The kinds of parts that a model doubts most, those that count most in the picture first."""
    share = parts.sizes / parts.labels.size
    doubt = parts.deviations
    order = np.argsort(-doubt, kind="stable")
    least = max(DOUBTFUL, TOP * doubt[order][np.searchsorted(np.cumsum(share[order]), SHARE_OF_TOP)])
    settled = set[int]().union(*(parts.thing(part) for part in parts.under(hints)))
    open_ = [
        part
        for part in np.argsort(-doubt * np.sqrt(share), kind="stable").tolist()
        if doubt[part] >= least and share[part] <= LARGEST and part not in settled and parts.discs(part, 1)
    ]
    kinds: list[Kind] = []
    while open_ and len(kinds) < KINDS:
        alike = parts.alike[open_[0]]
        near = np.asarray(parts.touching[sorted(parts.thing(open_[0]))].any(axis=0))
        same = [part for part in open_ if alike[part] >= (NEAR if near[part] else ALIKE)]
        open_ = [part for part in open_ if part not in same]
        weights = share[same] / share[same].sum()
        if share[same].sum() < LEAST:
            continue
        now = ab[:, np.isin(parts.labels, same)].mean(axis=1)
        lightness = float(parts.lightness[same] @ weights)
        colours, masses = _colours(parts.probabilities[:, same] @ weights, parts.found.bins, lightness, now, far)
        if len(colours):
            kinds.append(Kind(same, float(share[same].sum()), colours, masses))
    return kinds


def _colours(
    probabilities: NDArray[np.floating],
    bins: NDArray[np.float64],
    lightness: float,
    now: NDArray[np.floating],
    far: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a distribution is about beside the colour that there is: a*b* [n, 2] and masses [n], most probable first.

    Its bins are clustered around that colour and CLUSTERS others (k-means, begun with the bins that lack most).
    """
    held = fit_chroma(np.column_stack([np.full(len(bins), lightness), bins]))[:, 1:]
    p = probabilities.astype(np.float64)
    centres = now.astype(np.float64)[None]
    distance = ((held - centres[0]) ** 2).sum(axis=1)
    for _ in range(CLUSTERS):
        centres = np.vstack([centres, held[np.argmax(p * distance)]])
        distance = np.minimum(distance, ((held - centres[-1]) ** 2).sum(axis=1))
    for _ in range(20):
        nearest = ((held[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        masses = np.bincount(nearest, p, len(centres)).astype(np.float64)
        means = np.stack([np.bincount(nearest, p * axis, len(centres)) for axis in held.T], axis=1)
        centres[1:] = (means / np.maximum(masses, 1e-9)[:, None])[1:]
    chroma = np.hypot(*held.T)
    order = np.argsort(chroma, kind="stable")
    most = chroma[order][np.searchsorted(np.cumsum(p[order]), MOST)]
    kept: list[int] = []
    centres *= np.minimum(1, most / np.maximum(np.hypot(*centres.T), 1e-9))[:, None]
    for cluster in np.argsort(-masses, kind="stable").tolist():
        others = np.vstack([now, centres[kept]])
        if cluster and masses[cluster] >= MASS and np.hypot(*(others - centres[cluster]).T).min() >= far:
            kept.append(cluster)
    return centres[kept], masses[kept]


def _chosen(kinds: Sequence[Kind], count: int, far: float) -> list[tuple[int, ...]]:
    """Up to `count` ways to give each kind one of its colours, of which any two differ on most of the area.

    The most probable comes first. Each that follows is taken for its probability, for colours that were not there yet,
    and for kinds that are not all of one vivid hue.
    """
    if not kinds:
        return []
    ways = np.array(list(product(*(range(len(kind.colours)) for kind in kinds))))
    colours = np.stack([kind.colours[way] for kind, way in zip(kinds, ways.T, strict=True)], axis=1)
    likely = np.stack([np.log(kind.masses)[way] for kind, way in zip(kinds, ways.T, strict=True)], axis=1)
    area = np.array([kind.share for kind in kinds]) / sum(kind.share for kind in kinds)
    alike = np.zeros(len(ways))
    vivid = np.hypot(colours[..., 0], colours[..., 1]) > VIVID
    for first in range(len(kinds)):
        for second in range(first):
            apart = colours[:, first] - colours[:, second]
            alike += vivid[:, first] & vivid[:, second] & (np.hypot(*apart.T) < VIVID)
    used = np.zeros(ways.shape)
    differs = np.ones(len(ways), bool)
    taken: list[tuple[int, ...]] = []
    while len(taken) < count and differs.any():
        score = (likely - 0.6 * used) @ np.sqrt(area) - 0.5 * alike
        best = int(np.argmax(np.where(differs, score, -np.inf)))
        taken.append(tuple(ways[best].tolist()))
        used += ways == ways[best]
        apart = np.hypot(*np.moveaxis(colours - colours[best], 2, 0)) >= far
        differs &= apart @ area >= CHANGED
    return taken


def _set(parts: Parts, kind: Kind, choice: int) -> list[Hint]:
    """A colour of a kind as hints: up to three in each part, more in larger ones."""
    hints = []
    for part in kind.parts:
        share = parts.sizes[part] / parts.labels.size
        discs = parts.discs(part, 1 + (share > 0.015) + (share > 0.04))
        hints += [_hint(parts, part, disc, kind.colours[choice]) for disc in discs]
    return hints


def _kept(parts: Parts, ab: NDArray[np.floating], kinds: Sequence[Kind], hints: Sequence[Hint]) -> list[Hint]:
    """Hints in the largest of the other parts, of the colour that they have: else what is changed tints them."""
    down, across = (cells / side for cells, side in zip(parts.labels.shape, parts.found.size, strict=True))
    changed = {part for kind in kinds for part in kind.parts} | parts.under(hints)
    kept: list[Hint] = []
    for part in np.argsort(-parts.sizes, kind="stable").tolist():
        if len(kept) == KEPT or parts.sizes[part] < LARGE * parts.labels.size:
            break
        if part not in changed:
            for disc in parts.discs(part, 1):
                kept.append(_hint(parts, part, disc, ab[:, int(disc[1] * down), int(disc[0] * across)]))
    return kept


def _hint(parts: Parts, part: int, disc: tuple[float, float, float], colour: NDArray[np.floating]) -> Hint:
    """A colour in a disc of a part, at the part's own lightness."""
    cell = min(side / cells for side, cells in zip(parts.found.size, parts.labels.shape, strict=True))
    x, y, radius = disc
    color = code(float(parts.lightness[part]), colour)
    return Hint(round(x, 1), round(y, 1), color, round(min(radius, RADIUS * cell), 1))
