"""Figures of all ways of colouring with their intervals, by `tintype.evaluation.bootstrap`; and correlations."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from scipy.stats import rankdata

from benchmarks.comparison.measure import TRUTH, read
from tintype.evaluation import bootstrap


class Resampled(bootstrap.Resampled):
    """What was measured in a folder, on the set and on redrawings of it."""

    def __init__(self, folder: Path, samples: int = bootstrap.SAMPLES):
        self.ways = read(folder)
        run = SimpleNamespace(
            photos=self.ways[TRUTH]["photos"],
            pixels=self.ways[TRUTH]["areas"],
            areas=lambda label: self.ways[label]["areas"],
            values=lambda label, metric: self.ways[label][metric],
        )
        super().__init__(run, samples)

    def figure(self, metric: str, label: str) -> np.ndarray:
        """A metric of a way, [1 + samples]; roughness is of the whole set's colours."""
        if metric == "roughness":
            return self.mean("roughness", label) / self.mean("chroma", label)
        return super().figure(metric, label)


def rank_correlation(first: np.ndarray, second: np.ndarray, weight: np.ndarray | float = 1.0) -> np.ndarray:
    """Spearman's along the last axis, of ranks that each count with a weight; [..., n] each to [...]."""
    ranks = [rankdata(values, axis=-1) for values in (first, second)]
    weight = np.broadcast_to(weight, np.broadcast_shapes(*(np.shape(x) for x in (*ranks, weight))))
    weight = weight / weight.sum(axis=-1, keepdims=True)
    a, b = (rank - (weight * rank).sum(axis=-1, keepdims=True) for rank in ranks)
    return (weight * a * b).sum(axis=-1) / np.sqrt((weight * a * a).sum(axis=-1) * (weight * b * b).sum(axis=-1))
