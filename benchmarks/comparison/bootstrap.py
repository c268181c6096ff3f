"""Figures of a set with their intervals: all ways on the same photographs, so that differences are paired.

A figure is an array [1 + SAMPLES]: its value on the set, then on each redrawing of it. The bootstrap is the Bayesian
one (Rubin 1981): a redrawing gives each photograph a random weight, exponentially distributed, instead of leaving a
third of them out. Of means it gives the same intervals. But `auc_balanced` has bins that only one photograph fills:
where they vanished, the figure would rise, and its interval lie beside it. (As they are, they do not vary at all.)
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from benchmarks.comparison.measure import TRUTH, read

SAMPLES = 2000
SMALLEST = 1e-4
"""Share of the set's pixels that a bin must hold to count in auc_balanced."""


def weights(count: int, samples: int = SAMPLES) -> np.ndarray:
    """Of `count` things in the set itself and in each redrawing, [1 + samples, count]; rows sum to 1."""
    drawn = np.random.default_rng(0).exponential(size=(samples, count))
    drawn = np.concatenate([np.ones((1, count)), drawn])
    return drawn / drawn.sum(axis=1, keepdims=True)


class Resampled:
    """What was measured in a folder, on the set and on redrawings of it."""

    def __init__(self, folder: Path, samples: int = SAMPLES):
        self.ways = read(folder)
        pixels = self.ways[TRUTH]["areas"]
        self.bins = pixels.sum(axis=0) >= SMALLEST * pixels.sum()
        """[Q], those over which auc_balanced is the mean."""
        self.count = len(pixels)
        self.weights = weights(self.count, samples)
        self._areas: dict[str, np.ndarray] = {}

    @cached_property
    def pixels(self) -> np.ndarray:
        """Of each true bin, as a share; [1 + samples, Q]."""
        return self.weights @ self.ways[TRUTH]["areas"]

    def areas(self, label: str) -> np.ndarray:
        """Sums of each true bin, [1 + samples, Q]."""
        if label not in self._areas:
            self._areas[label] = self.weights @ self.ways[label]["areas"]
        return self._areas[label]

    def mean(self, metric: str, label: str) -> np.ndarray:
        return self.weights @ self.ways[label][metric]

    def figure(self, metric: str, label: str) -> np.ndarray:
        """A metric of a way: one of areas, dcf, roughness (of the whole set's colours), or the mean of photographs."""
        if metric == "auc":
            return 100 * self.areas(label).sum(axis=1) / self.pixels.sum(axis=1)
        if metric == "auc_balanced":
            return 100 * (self.areas(label)[:, self.bins] / self.pixels[:, self.bins]).mean(axis=1)
        if metric == "dcf":
            return self.mean("colorfulness", label) - self.mean("colorfulness", TRUTH)
        if metric == "roughness":
            return self.mean("roughness", label) / self.mean("chroma", label)
        return self.mean(metric, label)

    def difference(self, metric: str, label: str, other: str) -> np.ndarray:
        return self.figure(metric, label) - self.figure(metric, other)


def interval(figure: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of a figure."""
    low, high = np.percentile(figure[1:], [2.5, 97.5])
    return float(low), float(high)


def rank_correlation(first: np.ndarray, second: np.ndarray, weight: np.ndarray | float = 1.0) -> np.ndarray:
    """Spearman's along the last axis, of ranks that each count with a weight; [..., n] each to [...]."""
    ranks = [rankdata(values, axis=-1) for values in (first, second)]
    weight = np.broadcast_to(weight, np.broadcast_shapes(*(np.shape(x) for x in (*ranks, weight))))
    weight = weight / weight.sum(axis=-1, keepdims=True)
    a, b = (rank - (weight * rank).sum(axis=-1, keepdims=True) for rank in ranks)
    return (weight * a * b).sum(axis=-1) / np.sqrt((weight * a * a).sum(axis=-1) * (weight * b * b).sum(axis=-1))
