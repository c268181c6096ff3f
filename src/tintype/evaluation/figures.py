"""Every metric, a record each: its name, which way is better, and how a set's figure comes of its photographs'.

The tables of the commands, the ranking, the report and docs/metrics.md are made from these records. The functions that
measure one photograph are in `metrics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tintype.evaluation import metrics
from tintype.evaluation.protocol import TRUTH

Floats = NDArray[np.float64]


class Measured(Protocol):
    """What was measured of some photographs; a photograph is [n]."""

    @property
    def photos(self) -> Sequence[str]: ...

    @property
    def sizes(self) -> Sequence[int]:
        """Pixels of each photograph, [n]."""

    def values(self, model: str, column: str) -> Floats:
        """A column of each photograph, [n] or [n, ...]; NaN where it is not defined.

        Raises:
            DataError: it was not measured.
        """


class Weighted:
    """What was measured, with rows of weights for the photographs: each row is a set, and gives a figure of its own.

    Args:
        weights: [rows, n], above 0; the first row is the set as it is.
        records: how figures come of columns; a name that has no record is the mean of its column.
    """

    def __init__(self, measured: Measured, weights: Floats, records: Mapping[str, Metric] | None = None):
        self.measured = measured
        self.weights = weights
        self.records = METRICS if records is None else records
        self._sums: dict[tuple[str, str], Floats] = {}
        self._figures: dict[tuple[str, str], Floats] = {}

    @property
    def count(self) -> int:
        """How many photographs there are."""
        return len(self.measured.photos)

    def figure(self, metric: str, model: str) -> Floats:
        """A metric of each set, as docs/metrics.md defines it; [rows].

        Raises:
            DataError: it was not measured.
        """
        if (metric, model) not in self._figures:
            record = self.records.get(metric)
            of = None if record is None else record.of
            self._figures[metric, model] = self.mean(metric, model) if of is None else of(self, model)
        return self._figures[metric, model]

    def mean(self, column: str, model: str) -> Floats:
        """Of a column of numbers, over the photographs that have one; NaN where none has; [rows]."""
        return self.mean_of(self.measured.values(model, column))

    def mean_of(self, values: Floats) -> Floats:
        """The same of any numbers [n]."""
        known = ~np.isnan(values)
        if not known.any():
            return np.full(len(self.weights), np.nan)
        weights = self.weights if known.all() else self.weights[:, known]
        means: Floats = weights @ values[known] / weights.sum(axis=1)
        return means

    def sums(self, column: str, model: str) -> Floats:
        """Of a column over the photographs, [rows] or [rows, ...]."""
        if (column, model) not in self._sums:
            self._sums[column, model] = self.weights @ self.measured.values(model, column)
        return self._sums[column, model]

    def areas(self, model: str) -> Floats:
        """Of each true bin the area under the curve, summed over its pixels; [rows, 313]."""
        return self.sums("areas", model)

    @property
    def pixels(self) -> Floats:
        """Of each true bin, summed over the photographs; [rows, 313]."""
        return self.sums("bins", TRUTH)

    @cached_property
    def bins(self) -> NDArray[np.bool_]:
        """[313], those that `auc_balanced` is the mean over: by the set as it is, and the same in every row.

        Where bins that a single photograph fills came and went with its weight, the figure would rise and fall with
        their number, and its interval lie beside it.
        """
        return metrics.frequent(self.measured.values(TRUTH, "bins").sum(axis=0))


Aggregate = Callable[[Weighted, str], Floats]
"""Gives the figure of a model, [rows]."""


@dataclass(frozen=True)
class Metric:
    """What is to be known of a metric."""

    name: str
    """In tables, options and files."""
    title: str
    """In the heads of tables."""
    unit: str
    digits: int
    """Behind the point."""
    better: Literal["more", "less", "zero", "truth"]
    """Which figure is better: a larger or smaller one, one nearer to 0, or one nearer to the truth's."""
    variant: str
    """Which one of those of this name, as a protocol says it; {} stands for the hash of a file that it asks for."""
    definition: str
    span: str
    """From where to where it goes."""
    hides: str
    """What it does not tell."""
    gray: str = ""
    """What gray pictures of the same lightness get on tintype-679, measured with the protocol of docs/benchmark.md."""
    source: str = ""
    """Where it was published."""
    of: Aggregate | None = None
    """How the figure of a set comes of its photographs'; None: it is the mean of theirs."""
    ranked: bool = True
    """Whether models are ranked by it."""
    truth: bool = False
    """Whether the photographs themselves have a figure."""
    network: bool = False
    """Whether it asks a network, and is measured only where somebody gives one."""

    @property
    def direction(self) -> str:
        """Which figure is better, in words."""
        return {
            "more": "more is better",
            "less": "less is better",
            "zero": "best is 0",
            "truth": "best is the truth's",
        }[self.better]

    @property
    def heading(self) -> str:
        """Title and unit."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    @property
    def meaning(self) -> str:
        """Definition, and what it hides, as plain text."""
        return f"{self.definition[0].upper()}{self.definition[1:]}. What it hides: {self.hides}.".replace("`", "")

    def loss(self, figure: Floats, truth: Floats | float = 0.0) -> Floats:
        """How far figures [rows] are from the best, whichever way that is: less is better."""
        if self.better == "more":
            return -figure
        if self.better == "less":
            return figure
        return np.abs(figure - (truth if self.better == "truth" else 0.0))

    def text(self, value: float) -> str:
        """A figure in so many digits; one that can be below 0 has its sign."""
        return f"{value:{'+' if self.better == 'zero' else ''}.{self.digits}f}"


def variants() -> dict[str, str]:
    """The variant of each metric that is always measured, for `Protocol.metrics`."""
    return {name: metric.variant for name, metric in METRICS.items() if not metric.network}


# ---- how the figure of a set comes of its photographs'


def _pooled_psnr(sets: Weighted, model: str) -> Floats:
    sizes = np.asarray(sets.measured.sizes, np.float64)
    errors = sets.weights @ (sizes * sets.measured.values(model, "mse_rgb")) / (sets.weights @ sizes)
    return metrics.decibels(errors)


def _above_the_truth(column: str) -> Aggregate:
    return lambda sets, model: sets.mean(column, model) - sets.mean(column, TRUTH)


def _calibration_error(sets: Weighted, model: str) -> Floats:
    return metrics.calibration_error(*(sets.sums(column, model) for column in ("confidence", "right", "sure")))


def _semantic_accuracy(sets: Weighted, model: str) -> Floats:
    return 100 * sets.mean("class_right", model)


def _fid(sets: Weighted, model: str) -> Floats:
    """Of the set as it is; NaN in all other rows, since what is drawn twice raises it."""
    figure = np.full(len(sets.weights), np.nan)
    features = [sets.measured.values(each, "features") for each in (model, TRUTH)]
    if sets.count > 1:
        figure[0] = metrics.fid(*features)
    return figure


# ---- the records

_METRICS = (
    Metric("psnr", "PSNR", "dB", 2, "more",
        variant="RGB codes, mean of the photographs' dB",
        definition="10 log10(255² / MSE over pixels and R, G, B), mean of the photographs' dB", span="0 to ∞",
        hides="the lightness is given, so gray starts high; favours pale means over plausible but different colours",
        gray="21.33"),
    Metric("psnr_pooled", "PSNR, pooled", "dB", 2, "more",
        variant="RGB codes, all pixels as those of one picture",
        definition="PSNR of all pixels in one picture", span="0 to ∞",
        hides="all photographs except the worst", gray="19.59", of=_pooled_psnr),
    Metric("ssim", "SSIM", "", 3, "more",
        variant="Gaussian window of 11 x 11, sigma 1.5, data range 255, windows wholly inside, mean over R, G, B",
        definition="structural similarity, equation 13, Gaussian window of 11 x 11, σ 1.5, data range 255, windows "
        "wholly inside, mean over R, G, B", span="-1 to 1",
        hides="nearly all colour: structure is in the lightness, which is given", gray="0.918",
        source="Wang et al. 2004; equal to scikit-image's with `gaussian_weights=True, sigma=1.5, "
        "use_sample_covariance=False, data_range=255`"),
    Metric("l1_rgb", "L1, RGB", "", 2, "less",
        variant="mean over pixels and R, G, B, in codes",
        definition="mean absolute difference over pixels and R, G, B, in codes", span="0 to 255",
        hides="as PSNR; equal distances in codes do not look equal", gray="16.43"),
    Metric("mse_rgb", "MSE, RGB", "", 1, "less",
        variant="mean over pixels and R, G, B, in codes",
        definition="mean squared difference over pixels and R, G, B, in codes", span="0 to 65025",
        hides="as PSNR; equal distances in codes do not look equal", gray="714.0", ranked=False),
    Metric("rmse_rgb", "RMSE, RGB", "", 2, "less",
        variant="root of mse_rgb of each photograph",
        definition="root of the mean squared difference over pixels and R, G, B, in codes", span="0 to 255",
        hides="as PSNR; equal distances in codes do not look equal", gray="24.23"),
    Metric("l1_ab", "L1, ab", "", 2, "less",
        variant="mean over pixels, a* and b*",
        definition="mean absolute difference over pixels, a* and b*", span="0 up",
        hides="favours the mean of all possible colours, brown", gray="12.01"),
    Metric("mse_ab", "MSE, ab", "", 1, "less",
        variant="mean over pixels, a* and b*",
        definition="mean squared difference over pixels, a* and b*: half the mean squared distance", span="0 up",
        hides="favours the mean of all possible colours, brown", gray="305.8", ranked=False),
    Metric("rmse_ab", "RMSE, ab", "", 2, "less",
        variant="root of mse_ab of each photograph",
        definition="root of the mean squared difference over pixels, a* and b*", span="0 up",
        hides="favours the mean of all possible colours, brown", gray="15.97"),
    Metric("ciede2000", "CIEDE2000", "", 2, "less",
        variant="k_L = k_C = k_H = 1, mean over pixels",
        definition="mean colour difference, k_L = k_C = k_H = 1; 1 is about the smallest that the eye can see",
        span="0 to about 100", hides="made for differences below 5; larger ones are only ranked", gray="12.43",
        source="CIE 142-2001, Sharma et al. 2005"),
    Metric("accuracy_bins", "right bins", "%", 1, "more",
        variant="nearest of the 313 bins of Zhang et al. 2016, %",
        definition="pixels whose nearest of the 313 bins is the true one, %", span="0 to 100",
        hides="a neighbouring bin counts as wrong, just like the opposite colour; a fifth of all pixels is nearly gray",
        gray="19.8", source="Zhang et al. 2016"),
    Metric("colorfulness", "colourfulness", "", 1, "truth",
        variant="Hasler and Süsstrunk 2003, signed rg and yb",
        definition="M = sqrt(var rg + var yb) + 0.3 sqrt(mean rg² + mean yb²), rg = R - G, yb = (R + G) / 2 - B, codes "
        "0..255; 0 is gray, and the truth has 44.50 on tintype-679", span="0 up",
        hides="whether a single colour is right", gray="0", source="Hasler, Süsstrunk 2003", truth=True),
    Metric("colorfulness_absolute", "colourfulness, absolute", "", 1, "truth",
        variant="DDColor's code, absolute rg and yb",
        definition="as `colorfulness`, of abs(rg) and abs(yb); the truth has 40.68 on tintype-679", span="0 up",
        hides="as `colorfulness`, and opposite colours; not comparable with it", gray="0",
        source="DDColor's code (Kang et al. 2023)", truth=True),
    Metric("dcf_photo", "ΔCF of photographs", "", 1, "less",
        variant="absolute difference of colorfulness of each photograph",
        definition="distance in colourfulness, abs(M of the prediction - M of the truth): too pale and too vivid do "
        "not cancel", span="0 up", hides="whether too pale or too vivid", gray="44.50",
        source="another definition of ΔCF, with larger values than the set's"),
    Metric("dcf", "ΔCF", "", 1, "zero",
        variant="mean colorfulness - that of the truths",
        definition="mean `colorfulness` of the predictions - that of the truths: below 0 is too pale",
        span="either side of 0",
        hides="photographs that are too pale and too vivid cancel out; wrong colours can have 0",
        gray="-44.50", source="Kang et al. 2023, of `colorfulness_absolute`",
        of=_above_the_truth("colorfulness")),
    Metric("dcf_absolute", "ΔCF, absolute", "", 1, "zero",
        variant="mean colorfulness_absolute - that of the truths",
        definition="as `dcf`, of `colorfulness_absolute`", span="either side of 0", hides="as `dcf`", gray="-40.68",
        source="Kang et al. 2023, who print it without its sign", of=_above_the_truth("colorfulness_absolute")),
    Metric("edge_bleeding", "edge bleeding", "", 2, "less",
        variant="flat where L* of the truth changes by less than 1",
        definition="share of colour change that lies where the lightness does not change, over that of the truth; 1 "
        "is as in the truth: s(prediction) / s(truth), s the share of the sum of abs(grad ab) at pixels where "
        "abs(grad L*) of the truth is under 1; not defined for gray", span="0 up",
        hides="whether colours are right, and noise in the truth; for a model that paints one colour everywhere, it "
        "measures only rounding", gray="none", source="ours"),
    Metric("auc", "auc", "%", 2, "more",
        variant="ab error at most 0, 1 .. 150, all pixels alike, %",
        definition="share of pixels whose ab error is at most t, mean over t = 0, 1 .. 150, %", span="0 to 100",
        hides="rare colours: most pixels are nearly gray, and gray gets 87", gray="87.17", source="Zhang et al. 2016",
        of=lambda sets, model: metrics.auc(sets.areas(model), sets.pixels)),
    Metric("auc_prior", "auc_prior", "%", 2, "more",
        variant="as auc, weighted by the inverse of the published ImageNet prior at the true bin, %",
        definition="as `auc`, each pixel weighted by the inverse of the published prior at its true bin",
        span="0 to 100", hides="a few pixels in the rarest bins decide the result", gray="59.06",
        source="Zhang et al. 2016, \"rebalanced\"",
        of=lambda sets, model: metrics.auc_prior(sets.areas(model), sets.pixels)),
    Metric("auc_balanced", "auc_balanced", "%", 2, "more",
        variant="as auc of each true bin, mean over the bins that hold 1e-4 of the pixels, %",
        definition="as `auc` for each true bin, mean over the bins that hold 1e-4 of the set's pixels, so that rare "
        "colours count as much as frequent ones", span="0 to 100", hides="depends on which bins the set has",
        gray="67.20", source="ours",
        of=lambda sets, model: metrics.auc_balanced(sets.areas(model), sets.pixels, sets.bins)),
    Metric("calibration_error", "calibration error", "", 3, "less",
        variant="15 intervals of the likeliest bin's probability, temperature 1, at the size of the logits",
        definition="distance between how sure the distribution is of its likeliest bin and how often that is right: "
        "sum of n_i / n abs(accuracy_i - confidence_i) over 15 equal intervals of its probability (`Reliability`)",
        span="0 to 1",
        hides="all bins except the likeliest; a model that always gives the prior is reliable and useless",
        source="Guo et al. 2017", of=_calibration_error),
    Metric("semantic_accuracy", "semantic accuracy", "%", 1, "more",
        variant="class that MobileNetV2 sees, weights {}, %",
        definition="photographs of ImageNet whose class MobileNetV2 recognises in the prediction, %; the truth's "
        "figure is the upper bound", span="0 to 100",
        hides="everything that the classifier does not need; it may have seen these photographs in training, and then "
        "both bounds are too high", gray="71.8; truth 90.5", source="Zhang et al. 2016, who used VGG16",
        of=_semantic_accuracy, truth=True, network=True),
    Metric("lpips", "LPIPS", "", 3, "less",
        variant="VGG16, weights {} and {}",
        definition="distance of VGG16's features, weighted", span="0 up",
        hides="like every distance from one truth, it counts plausible but different colours as wrong",
        source="Zhang et al. 2018, equation 1", network=True),
    Metric("fid", "FID", "", 2, "less",
        variant="features of {}",
        definition="distance of the features' means and covariances, abs(m - m')² + tr(S + S' - 2 (S S')^½)",
        span="0 up", hides="whether colours fit the photograph: any plausible colours will do; falls as the set "
        "grows, and has no interval here", source="Heusel et al. 2017", of=_fid, ranked=False, network=True),
)  # fmt: skip

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _METRICS}
"""Name -> record, in the order of the tables."""
