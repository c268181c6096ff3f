"""Figures of all ways of colouring with their intervals, by `tintype.evaluation.bootstrap`; and correlations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

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
