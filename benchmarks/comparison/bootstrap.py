"""Figures of a set with their intervals: all ways on the same resampled photographs, so that differences are paired.

A figure is an array [1 + SAMPLES]: its value on the set, then on each resampling of the set's photographs.
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


class Resampled:
    """What was measured in a folder, on the set and on resamplings of its photographs."""

    def __init__(self, folder: Path, samples: int = SAMPLES):
        self.ways = read(folder)
        self.count = len(self.ways[TRUTH]["photos"])
        draws = np.random.default_rng(0).integers(0, self.count, (samples, self.count))
        times = np.stack([np.bincount(draw, minlength=self.count) for draw in draws])
        self.times = np.concatenate([np.ones((1, self.count)), times])
        """How often each resampling has each photograph, [1 + samples, n]."""
        self._areas: dict[str, np.ndarray] = {}

    @cached_property
    def pixels(self) -> np.ndarray:
        """Of each true bin, [1 + samples, Q]."""
        return self.times @ self.ways[TRUTH]["areas"]

    def areas(self, label: str) -> np.ndarray:
        """Sums of each true bin, [1 + samples, Q]."""
        if label not in self._areas:
            self._areas[label] = self.times @ self.ways[label]["areas"]
        return self._areas[label]

    def auc(self, label: str) -> np.ndarray:
        return 100 * self.areas(label).sum(axis=1) / self.pixels.sum(axis=1)

    def auc_balanced(self, label: str) -> np.ndarray:
        """The mean of the bins' areas, over the bins that hold enough pixels in that resampling."""
        counts = self.pixels >= SMALLEST * self.pixels.sum(axis=1, keepdims=True)
        area = np.divide(self.areas(label), self.pixels, out=np.zeros_like(self.pixels), where=counts)
        return 100 * area.sum(axis=1) / counts.sum(axis=1)

    def mean(self, metric: str, label: str) -> np.ndarray:
        return self.times @ self.ways[label][metric] / self.count

    def figure(self, metric: str, label: str) -> np.ndarray:
        """A metric of a way: one of the set's areas, dcf, smoothness, or the mean over photographs."""
        if metric in ("auc", "auc_balanced"):
            return getattr(self, metric)(label)
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


def rank_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's, along the last axis; [..., n] each to [...]."""
    ranks = [rankdata(values, axis=-1) for values in (first, second)]
    centred = [rank - rank.mean(axis=-1, keepdims=True) for rank in ranks]
    return (centred[0] * centred[1]).sum(axis=-1) / np.sqrt((centred[0] ** 2).sum(-1) * (centred[1] ** 2).sum(-1))


def over_runs(values: np.ndarray, samples: int = SAMPLES) -> np.ndarray:
    """The mean of one value per run as a figure, its resamplings over the runs; [n] to [1 + samples]."""
    draws = np.random.default_rng(0).integers(0, len(values), (samples, len(values)))
    return np.concatenate([[values.mean()], values[draws].mean(axis=1)])
