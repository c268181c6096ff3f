"""Figures of a set with their intervals: all models on the same photographs, so that differences are paired.

A figure is an array [1 + samples]: its value on the set, then on each redrawing of it. The bootstrap is the Bayesian
one (Rubin 1981): a redrawing gives each photograph a random weight, exponentially distributed, instead of leaving a
third of them out. Of means it gives the same intervals. But `auc_balanced` has bins that only one photograph fills:
where they vanished, the figure would rise, and its interval lie beside it. (As they are, they do not vary at all.)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from tintype.evaluation.figures import Floats, Measured, Metric, Weighted

SAMPLES = 2000


@lru_cache(maxsize=2)
def weights(count: int, samples: int = SAMPLES) -> Floats:
    """Of `count` things in the set itself and in each redrawing, [1 + samples, count]; rows sum to 1; read only."""
    drawn = np.random.default_rng(0).exponential(size=(samples, count))
    drawn = np.concatenate([np.ones((1, count)), drawn])
    drawn /= drawn.sum(axis=1, keepdims=True)
    drawn.setflags(write=False)
    return drawn


class Resampled(Weighted):
    """What was measured, on the set and on redrawings of it.

    Args:
        records: as for `Weighted`.
    """

    def __init__(self, measured: Measured, samples: int = SAMPLES, records: Mapping[str, Metric] | None = None):
        super().__init__(measured, weights(len(measured.photos), samples), records)

    def difference(self, metric: str, first: str, second: str) -> Floats:
        """First - second, [1 + samples]. A photograph of which one of them has no value is left out for both."""
        with np.errstate(invalid="ignore"):  # infinite, as the PSNR of what is equal, minus infinite
            if metric not in self.records or self.records[metric].of is None:
                ours, theirs = (self.measured.values(model, metric) for model in (first, second))
                if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
                    return self.mean_of(ours - theirs)
            difference: Floats = self.figure(metric, first) - self.figure(metric, second)
            return difference


def interval(figure: Floats) -> tuple[float, float]:
    """The 95 % percentile interval of a figure [1 + samples]; where it is infinite or NaN, that twice."""
    if not np.isfinite(figure).all():
        return float(figure[0]), float(figure[0])
    low, high = np.percentile(figure[1:], [2.5, 97.5])
    return float(low), float(high)
