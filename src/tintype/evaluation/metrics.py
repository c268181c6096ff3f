"""Metrics of colour, each with its definition. Arrays are numpy; photographs are uint8 sRGB [h, w, 3]."""

from __future__ import annotations

import numpy as np

from tintype.color.bins import nearest_bin, published_bins, published_prior

THRESHOLDS = np.arange(151)
"""ab errors 0, 1 .. 150, over which the areas under the curve are taken (Zhang et al. 2016, section 3.1)."""


def psnr(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio over RGB in dB, peak 255; infinite for equal pictures.

    Raises:
        ValueError: the pictures differ in shape or are not uint8 [h, w, 3].
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"pictures of one shape are needed, not {prediction.shape} and {truth.shape}")
    error = np.mean((_codes(prediction) - _codes(truth)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def colorfulness(rgb: np.ndarray) -> float:
    """Colourfulness M of Hasler and Süsstrunk (2003) as published: signed rg and yb, 0..255.

    sqrt(var rg + var yb) + 0.3 sqrt(mean rg ^ 2 + mean yb ^ 2), rg = R - G, yb = (R + G) / 2 - B. Of a set, the mean
    over its photographs; dCF is the difference of two sets' means, not the mean of the photographs' differences.

    Raises:
        ValueError: not uint8 [h, w, 3].
    """
    rg, yb = _opponents(rgb)
    return _colorfulness(rg, yb)


def colorfulness_absolute(rgb: np.ndarray) -> float:
    """DDColor's variant, which takes |rg| and |yb| before the statistics. Not comparable with `colorfulness`."""
    rg, yb = _opponents(rgb)
    return _colorfulness(np.abs(rg), np.abs(yb))


def _opponents(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    red, green, blue = np.moveaxis(_codes(rgb), -1, 0)
    return red - green, (red + green) / 2 - blue


def _colorfulness(rg: np.ndarray, yb: np.ndarray) -> float:
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def _codes(rgb: np.ndarray) -> np.ndarray:
    """8-bit codes as float64. Values in 0..1 would give figures 255 times too small without a word."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[-1] != 3:
        raise ValueError(f"an 8-bit picture [h, w, 3] is needed, not {rgb.dtype} {list(rgb.shape)}")
    return rgb.astype(np.float64)


class Areas:
    """Areas under the curve of the share of pixels whose ab error is at most t, t = 0, 1 .. 150, gathered over a set.

    `auc` counts all pixels alike; `auc_prior` weighs each by the inverse of the published prior at its true bin;
    `auc_balanced` takes the area of each true bin (nearest of the 313) and averages over the bins that hold at least
    1e-4 of the set's pixels. The three are not comparable. All in %.
    """

    def __init__(self) -> None:
        q = len(published_bins())
        self.errors = np.zeros((q, len(THRESHOLDS) + 1), np.int64)
        # The bins are points of a square grid of step 10. Where the grid point nearest to a colour is a bin, it is the
        # nearest bin; only the few other colours need all distances.
        self._grid = np.full((31, 31), -1)
        for index, (a, b) in enumerate(published_bins() / 10):
            self._grid[int(a) + 15, int(b) + 15] = index

    def add(self, prediction: np.ndarray, truth: np.ndarray) -> None:
        """Pixels of ab, [..., 2] each, CIE a*b*.

        Raises:
            ValueError: the two differ in shape.
        """
        if prediction.shape != truth.shape:
            raise ValueError(f"colours of one shape are needed, not {prediction.shape} and {truth.shape}")
        error = np.sqrt(((prediction.astype(np.float64) - truth) ** 2).sum(axis=-1)).reshape(-1)
        colours = truth.reshape(-1, 2)
        cell = np.clip(np.rint(colours / 10), -15, 15).astype(np.int64) + 15
        true_bin = self._grid[cell[:, 0], cell[:, 1]]
        beside = true_bin < 0
        if beside.any():
            true_bin[beside] = nearest_bin(colours[beside])
        # The error counts from the first threshold that is not below it.
        first = np.minimum(np.ceil(error), len(THRESHOLDS)).astype(np.int64)
        place = true_bin * self.errors.shape[1] + first
        self.errors += np.bincount(place, minlength=self.errors.size).reshape(self.errors.shape)

    def _areas(self) -> tuple[np.ndarray, np.ndarray]:
        """Pixels of each bin and its area in 0..1."""
        pixels = self.errors.sum(axis=1)
        reached = np.cumsum(self.errors[:, :-1], axis=1).mean(axis=1)
        return pixels, np.divide(reached, pixels, out=np.zeros(len(pixels)), where=pixels > 0)

    def auc(self) -> float:
        """All pixels alike, %."""
        pixels, area = self._areas()
        return 100 * float((pixels * area).sum() / pixels.sum())

    def auc_prior(self) -> float:
        """Weighted by the inverse of the published prior, %."""
        pixels, area = self._areas()
        weight = pixels / published_prior()
        return 100 * float((weight * area).sum() / weight.sum())

    def auc_balanced(self) -> float:
        """Mean over the set's own bins, %."""
        pixels, area = self._areas()
        return 100 * float(area[pixels >= 1e-4 * pixels.sum()].mean())

    def bins(self) -> int:
        """How many bins `auc_balanced` averages."""
        pixels = self.errors.sum(axis=1)
        return int((pixels >= 1e-4 * pixels.sum()).sum())
