"""Figures of a set with their intervals: all models on the same photographs, so that differences are paired.

A figure is an array [1 + samples]: its value on the set, then on each redrawing of it. The bootstrap is the Bayesian
one (Rubin 1981): a redrawing gives each photograph a random weight, exponentially distributed, instead of leaving a
third of them out. Of means it gives the same intervals. But `auc_balanced` has bins that only one photograph fills:
where they vanished, the figure would rise, and its interval lie beside it. (As they are, they do not vary at all.)
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from tintype.color.bins import published_prior
from tintype.evaluation.results import RARE, TRUTH, Run

SAMPLES = 2000

OF_SETS = (
    "psnr_pooled",
    "auc",
    "auc_prior",
    "auc_balanced",
    "dcf",
    "dcf_absolute",
    "calibration_error",
    "semantic_accuracy",
)
"""Metrics that are not plainly the mean over photographs of what `Run.values` has under their name."""


def weights(count: int, samples: int = SAMPLES) -> np.ndarray:
    """Of `count` things in the set itself and in each redrawing, [1 + samples, count]; rows sum to 1."""
    drawn = np.random.default_rng(0).exponential(size=(samples, count))
    drawn = np.concatenate([np.ones((1, count)), drawn])
    return drawn / drawn.sum(axis=1, keepdims=True)


class Resampled:
    """What was measured in a run, on the set and on redrawings of it."""

    def __init__(self, run: Run, samples: int = SAMPLES):
        self.run = run
        self.count = len(run.photos)
        self.weights = weights(self.count, samples)
        self._areas: dict[str, np.ndarray] = {}
        self._figures: dict[tuple[str, str], np.ndarray] = {}

    @cached_property
    def pixels(self) -> np.ndarray:
        """Of each true bin, their mean over the photographs; [1 + samples, Q]."""
        return self.weights @ self.run.pixels

    @cached_property
    def bins(self) -> np.ndarray:
        """[Q], those over which auc_balanced is the mean, in every redrawing."""
        pixels = self.run.pixels.sum(axis=0)
        return pixels >= RARE * pixels.sum()

    def areas(self, model: str) -> np.ndarray:
        """Of each true bin the area under the curve, summed over its pixels, [1 + samples, Q]."""
        if model not in self._areas:
            self._areas[model] = self.weights @ self.run.areas(model)
        return self._areas[model]

    def mean(self, metric: str, model: str) -> np.ndarray:
        """Of a figure that each photograph has one of; [1 + samples]."""
        return self._mean(self.run.values(model, metric))

    def _mean(self, values: np.ndarray) -> np.ndarray:
        """Over the photographs that have a value; NaN where none has."""
        known = ~np.isnan(values)
        if known.all():
            return self.weights @ values
        if not known.any():
            return np.full(len(self.weights), np.nan)
        return self.weights[:, known] @ values[known] / self.weights[:, known].sum(axis=1)

    def figure(self, metric: str, model: str) -> np.ndarray:
        """A metric of a set as docs/metrics.md defines it: one of OF_SETS, or the mean over the photographs that have
        one; [1 + samples].

        Raises:
            DataError: it was not measured.
        """
        if (metric, model) not in self._figures:
            self._figures[metric, model] = self._figure(metric, model)
        return self._figures[metric, model]

    def _figure(self, metric: str, model: str) -> np.ndarray:
        if metric == "psnr_pooled":
            sizes = np.array([photograph.height * photograph.width for photograph in self.run.protocol.photographs])
            errors = self.weights @ (sizes * self.run.values(model, "mse_rgb")) / (self.weights @ sizes)
            with np.errstate(divide="ignore"):
                return 10 * np.log10(255**2 / errors)
        if metric == "auc":
            return 100 * self.areas(model).sum(axis=1) / self.pixels.sum(axis=1)
        if metric == "auc_prior":
            return 100 * (self.areas(model) @ (1 / published_prior())) / (self.pixels @ (1 / published_prior()))
        if metric == "auc_balanced":
            return 100 * (self.areas(model)[:, self.bins] / self.pixels[:, self.bins]).mean(axis=1)
        if metric in ("dcf", "dcf_absolute"):
            colorfulness = metric.replace("dcf", "colorfulness")
            return self.mean(colorfulness, model) - self.mean(colorfulness, TRUTH)
        if metric == "calibration_error":
            sums = (self.weights @ self.run.values(model, name) for name in ("confidence", "right", "sure"))
            confident, right, pixels = sums
            return np.abs(right - confident).sum(axis=1) / pixels.sum(axis=1)
        if metric == "semantic_accuracy":
            return 100 * self.mean("class_right", model)
        return self.mean(metric, model)

    def difference(self, metric: str, first: str, second: str) -> np.ndarray:
        """First - second, [1 + samples]. A photograph of which one of them has no value is left out for both."""
        with np.errstate(invalid="ignore"):  # infinite, as the PSNR of what is equal, minus infinite
            if metric not in OF_SETS:
                ours, theirs = (self.run.values(model, metric) for model in (first, second))
                if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
                    return self._mean(ours - theirs)
            return self.figure(metric, first) - self.figure(metric, second)


def interval(figure: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of a figure; where it is infinite or NaN, that twice."""
    if not np.isfinite(figure).all():
        return float(figure[0]), float(figure[0])
    low, high = np.percentile(figure[1:], [2.5, 97.5])
    return float(low), float(high)
