"""Figures of all ways of colouring with their intervals over photographs and seeds; and correlations.

A figure is an array [1 + samples]: its value, then its value on each redrawing. Of one seed it is redrawn over the
photographs, as `tintype.evaluation.bootstrap` does. `over_seeds` makes one figure of several seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.stats import rankdata, t

from benchmarks.comparison.measure import read
from tintype.evaluation import bootstrap
from tintype.evaluation.figures import METRICS, Metric

RECORDS = METRICS | {
    "roughness": Metric(
        "roughness",
        "roughness",
        "",
        3,
        "less",
        variant="relative to chroma",
        definition="mean distance between the colours of neighbouring cells, over the mean chroma of the set",
        span="0 up",
        hides="whether any colour is right",
        of=lambda sets, label: sets.mean("roughness", label) / sets.mean("chroma", label),
    )
}
"""The metrics, and one more that is of the whole set's colours."""


class Resampled(bootstrap.Resampled):
    """What was measured in a folder, on the set and on redrawings of it."""

    def __init__(self, folder: Path, samples: int = bootstrap.SAMPLES):
        measured = read(folder)
        super().__init__(measured, samples, RECORDS)
        self.ways: Mapping[str, Mapping[str, np.ndarray]] = measured.columns
        """Label -> column -> of each photograph."""


def rank_correlation(first: np.ndarray, second: np.ndarray, weight: np.ndarray | float = 1.0) -> np.ndarray:
    """Spearman's along the last axis, of ranks that each count with a weight; [..., n] each to [...]."""
    ranks = [rankdata(values, axis=-1) for values in (first, second)]
    weight = np.broadcast_to(weight, np.broadcast_shapes(*(np.shape(x) for x in (*ranks, weight))))
    weight = weight / weight.sum(axis=-1, keepdims=True)
    a, b = (rank - (weight * rank).sum(axis=-1, keepdims=True) for rank in ranks)
    return (weight * a * b).sum(axis=-1) / np.sqrt((weight * a * a).sum(axis=-1) * (weight * b * b).sum(axis=-1))


def over_seeds(figures: Sequence[np.ndarray]) -> np.ndarray:
    """One figure [1 + samples] from those of n seeds, redrawn over photographs and seeds.

    A redrawing weighs the photographs of all seeds alike, since all seeds were measured on the same ones. That gives n
    values with a mean m and a standard deviation s, and the redrawing is m + t s / sqrt(n), where t is drawn from
    Student's distribution with n - 1 degrees of freedom. This is the posterior of the mean of normally distributed
    seeds under the reference prior (Box and Tiao 1973, 2.4). Weights on the seeds, as on the photographs, would not do:
    with three seeds they never leave the range of the three values, and their interval is a third as wide as Student's.

    The variation of a photograph's figure from seed to seed is counted twice, among the photographs and among the
    seeds, so the interval errs to the wide side. That of one seed knows nothing of seeds.

    Args:
        figures: of each seed, on the same redrawings of the photographs.
    """
    values = np.stack(figures)
    count = len(values)
    mean: np.ndarray = values.mean(axis=0)
    if count > 1:
        spread = values[:, 1:].std(axis=0, ddof=1)
        mean[1:] += _student(count - 1, values.shape[1] - 1) * spread / np.sqrt(count)
    return mean


@lru_cache(maxsize=8)
def _student(freedom: int, samples: int) -> np.ndarray:
    """As many values as there are samples, evenly from Student's distribution and in random order; read only."""
    drawn = t.ppf((np.arange(samples) + 0.5) / samples, freedom)
    np.random.default_rng(1).shuffle(drawn)
    drawn.setflags(write=False)
    return drawn
