"""Metrics of colour, each with its definition. Arrays are numpy; photographs are uint8 sRGB [h, w, 3].

`measure` gives all that belong to one photograph, under the names that tables have; the others are of a set. `figures`
has a record of each, and docs/metrics.md all of them in tables, with what each hides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tintype.color.bins import nearest_bin, published_bins, published_prior
from tintype.color.lab import rgb_to_lab

Codes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8] | NDArray[np.float32] | NDArray[np.float64]
"""Codes, or CIE L*a*b* in either precision."""
Counts = NDArray[np.int64] | NDArray[np.float64]
"""How many there are, or with what weight."""

THRESHOLDS = np.arange(151)
"""ab errors 0, 1 .. 150, over which the areas under the curve are taken (Zhang et al. 2016, section 3.1)."""

MEASURED = (
    "psnr",
    "ssim",
    "l1_rgb",
    "mse_rgb",
    "rmse_rgb",
    "l1_ab",
    "mse_ab",
    "rmse_ab",
    "ciede2000",
    "accuracy_bins",
    "colorfulness",
    "colorfulness_absolute",
    "dcf_photo",
    "edge_bleeding",
)
"""What `measure` gives, in the order of tables."""

RARE = 1e-4
"""Share of a set's pixels that a bin must hold to count for `auc_balanced`."""

FLAT = 1.0
"""L* may change by less than this from a pixel to its neighbours where `edge_bleeding` looks: about what an eye can
just tell."""


def measure(prediction: Codes, truth: Codes, only: Collection[str] | None = None) -> dict[str, float]:
    """All metrics of one photograph, by name.

    Memory beside the two pictures and the statistics of colourfulness stays bounded, whatever their size.

    Args:
        prediction, truth: uint8 [h, w, 3], 11 pixels a side or more.
        only: these alone, and what they are made from; None: all.
    Raises:
        ValueError: the pictures differ in shape, are too small, or not uint8 [h, w, 3].
    """

    def asked(*names: str) -> bool:
        return only is None or not set(names).isdisjoint(only)

    figures = {}
    if asked("ssim"):
        figures["ssim"] = ssim(prediction, truth)
    rgb, lab = asked("psnr", "l1_rgb", "mse_rgb", "rmse_rgb"), asked("l1_ab", "mse_ab", "rmse_ab")
    difference, accuracy = asked("ciede2000"), asked("accuracy_bins")
    height, width = truth.shape[:2]
    for rows in _strips(height, width):
        ours, theirs = prediction[rows], truth[rows]
        strip = {"l1_rgb": l1(ours, theirs), "mse_rgb": mse(ours, theirs)} if rgb else {}
        if lab or difference or accuracy:
            our_lab, their_lab = _lab(ours), _lab(theirs)
            our_ab, their_ab = our_lab[..., 1:], their_lab[..., 1:]
            if lab:
                strip |= {"l1_ab": l1(our_ab, their_ab), "mse_ab": mse(our_ab, their_ab)}
            if difference:
                strip["ciede2000"] = float(ciede2000(our_lab, their_lab).mean())
            if accuracy:
                strip["accuracy_bins"] = accuracy_bins(our_ab, their_ab)
        for name, value in strip.items():
            figures[name] = figures.get(name, 0.0) + len(theirs) / height * value
    if rgb:
        figures |= {"psnr": float(decibels(figures["mse_rgb"])), "rmse_rgb": figures["mse_rgb"] ** 0.5}
    if lab:
        figures["rmse_ab"] = figures["mse_ab"] ** 0.5
    if asked("colorfulness", "dcf_photo"):
        figures["colorfulness"] = colorfulness(prediction)
        figures["dcf_photo"] = abs(figures["colorfulness"] - colorfulness(truth))
    if asked("colorfulness_absolute"):
        figures["colorfulness_absolute"] = colorfulness_absolute(prediction)
    if asked("edge_bleeding"):
        figures["edge_bleeding"] = edge_bleeding(prediction, truth)
    return {name: figures[name] for name in MEASURED if name in figures}


def psnr(prediction: Codes, truth: Codes) -> float:
    """Peak signal-to-noise ratio in dB: 10 log10(255^2 / MSE), MSE over pixels and R, G, B.

    0 (black against white) to infinite (equal).

    Raises:
        ValueError: the pictures differ in shape or are not uint8 [h, w, 3].
    """
    return float(decibels(mse(_codes(prediction), _codes(truth))))


def decibels(errors: Floats | float) -> Floats:
    """PSNR in dB of mean squared errors in squared codes, any shape; infinite where there is none."""
    with np.errstate(divide="ignore"):
        ratio: Floats = 10 * np.log10(255**2 / np.asarray(errors, np.float64))
    return ratio


def l1(prediction: Pixels, truth: Pixels) -> float:
    """Mean of |prediction - truth| over pixels and channels in the unit of the arrays: RGB codes or a*b*. 0 is equal.

    Raises:
        ValueError: the two differ in shape.
    """
    return float(np.abs(_difference(prediction, truth)).mean())


def mse(prediction: Pixels, truth: Pixels) -> float:
    """Mean of (prediction - truth)^2 over pixels and channels, in squared units of the arrays; 0 is equal.

    Over a* and b* this is half the mean squared distance in the ab plane. The root of it is the `rmse_*` of a
    photograph; of a set, the mean of the photographs' roots.

    Raises:
        ValueError: the two differ in shape.
    """
    return float((_difference(prediction, truth) ** 2).mean())


def _difference(prediction: Pixels, truth: Pixels) -> Floats:
    if prediction.shape != truth.shape:
        raise ValueError(f"both arrays must have the same shape, not {prediction.shape} and {truth.shape}")
    difference: Floats = prediction.astype(np.float64) - truth
    return difference


# SSIM: a Gaussian window of sigma 1.5 and 11 pixels a side, and the constants of the paper for codes 0..255.
_WINDOW = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
_WINDOW /= _WINDOW.sum()
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(prediction: Codes, truth: Codes) -> float:
    """Structural similarity of Wang et al. (2004), equation 13, over windows wholly inside, mean over R, G and B.

    (2 m m' + C1) (2 s s' + C2) / ((m^2 + m'^2 + C1) (v + v' + C2)) with the window's means m, variances v and
    covariance s s', C1 = (0.01 L)^2, C2 = (0.03 L)^2, data range L = 255. -1 to 1, 1 is equal. The same as
    scikit-image's with gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255.

    Raises:
        ValueError: the pictures differ in shape, are under 11 pixels a side, or not uint8 [h, w, 3].
    """
    if prediction.shape != truth.shape or min(truth.shape[:2]) < len(_WINDOW):
        raise ValueError(
            f"both pictures must have the same shape and at least {len(_WINDOW)} pixels a side, "
            f"not {prediction.shape} and {truth.shape}"
        )
    height, width = truth.shape[:2]
    total = 0.0
    for rows in _strips(height, width, halo=len(_WINDOW) - 1):
        x, y = _codes(prediction[rows]), _codes(truth[rows])
        mx, my = _blur(x), _blur(y)
        product = mx * my
        squares = mx * mx + my * my
        covariance = _blur(x * y) - product
        variances = _blur(x * x + y * y) - squares
        similar = (2 * product + _C1) * (2 * covariance + _C2) / ((squares + _C1) * (variances + _C2))
        total += float(similar.sum())
    return total / float((height - len(_WINDOW) + 1) * (width - len(_WINDOW) + 1) * 3)


def _blur(x: Floats) -> Floats:
    """The Gaussian window along both sides of [h, w, 3], where it lies wholly inside: [h - 10, w - 10, 3]."""
    for axis in (0, 1):
        length = x.shape[axis] - len(_WINDOW) + 1
        before, x = x, np.zeros((*x.shape[:axis], length, *x.shape[axis + 1 :]))
        for i, weight in enumerate(_WINDOW):
            x += weight * before[(slice(None),) * axis + (slice(i, i + length),)]
    return x


def ciede2000(lab: Pixels, truth: Pixels) -> Floats:
    """CIEDE2000 colour difference of each pixel, k_L = k_C = k_H = 1 (CIE 142-2001; equations of Sharma et al. 2005).

    0 is equal, 1 about the smallest difference that the eye can see, 100 black against white, and not much above 100.

    Args:
        lab, truth: CIE L*a*b*, both [..., 3].
    Returns:
        float64 [...]; the metric is the mean over pixels.
    Raises:
        ValueError: the two differ in shape.
    """
    if lab.shape != truth.shape:
        raise ValueError(f"both must have the same shape, not {lab.shape} and {truth.shape}")
    l1, a1, b1 = np.moveaxis(lab.astype(np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(truth.astype(np.float64), -1, 0)
    # Equations 2 to 7: a* is stretched near the neutral axis, then chroma and hue.
    stretch = 1.5 - 0.5 * _saturating((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2)
    a1, a2 = stretch * a1, stretch * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.arctan2(b1, a1) % (2 * np.pi), np.arctan2(b2, a2) % (2 * np.pi)
    # Equations 8 to 14: differences and means. Two hues are taken the short way round; opposite ones, which rounding
    # may push to either side of 180 degrees, have their plain mean. A colour without chroma has the other's hue.
    gray = c1 * c2 == 0
    across = (np.abs(h2 - h1) > np.pi + 1e-9) & ~gray
    hue = np.where(gray, np.where(c1 == 0, h2, h1), (h1 + h2) / 2 + np.pi * across)
    dl, dc = l2 - l1, c2 - c1
    dh = 2 * np.sqrt(c1 * c2) * np.sin((h2 - h1) / 2 + np.pi * across)
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    # Equations 15 to 22: the weights, and the turn that mends the blues.
    t = (
        1
        - 0.17 * np.cos(hue - np.pi / 6)
        + 0.24 * np.cos(2 * hue)
        + 0.32 * np.cos(3 * hue + np.pi / 30)
        - 0.20 * np.cos(4 * hue - 63 / 180 * np.pi)
    )
    turn = np.pi / 3 * np.exp(-(((hue % (2 * np.pi) * 180 / np.pi - 275) / 25) ** 2))
    middle = (lightness - 50) ** 2
    dl = dl / (1 + 0.015 * middle / np.sqrt(20 + middle))
    dc = dc / (1 + 0.045 * chroma)
    dh = dh / (1 + 0.015 * chroma * t)
    difference: Floats = np.sqrt(dl**2 + dc**2 + dh**2 - 2 * _saturating(chroma) * np.sin(turn) * dc * dh)
    return difference


def _saturating(chroma: Floats) -> Floats:
    """sqrt(C^7 / (C^7 + 25^7)): 0 for gray, 1 for strong colours."""
    seventh = chroma**7
    share: Floats = np.sqrt(seventh / (seventh + 25.0**7))
    return share


def accuracy_bins(prediction: Pixels, truth: Pixels) -> float:
    """Pixels whose colour falls into the true bin, nearest of the 313, in %: 0 to 100.

    The top-1 accuracy of the classification that Zhang et al. (2016) train for, taken of the colours that come out.

    Args:
        prediction, truth: CIE a*b*, both [..., 2].
    Raises:
        ValueError: the two differ in shape.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"both must have the same shape, not {prediction.shape} and {truth.shape}")
    return 100 * float((_bin(prediction) == _bin(truth)).mean())


@cache
def _grid() -> NDArray[np.int64]:
    """Bin at each point of the square grid of step 10 over -150..150, [31, 31]; -1 where there is none."""
    grid = np.full((31, 31), -1, np.int64)
    for index, (a, b) in enumerate(published_bins() / 10):
        grid[int(a) + 15, int(b) + 15] = index
    return grid


def _bin(ab: Pixels) -> NDArray[np.int64]:
    """The nearest of the 313 bins, [..., 2] to [n].

    Where the grid point nearest to a colour is a bin, it is the nearest bin; only the few other colours need all
    distances.
    """
    colours = ab.reshape(-1, 2)
    cell = np.clip(np.rint(colours / 10), -15, 15).astype(np.int64) + 15
    index = _grid()[cell[:, 0], cell[:, 1]]
    beside = index < 0
    if beside.any():
        index[beside] = nearest_bin(colours[beside])
    return index


def edge_bleeding(prediction: Codes, truth: Codes) -> float:
    """How much more of its colour's change the prediction has where lightness does not change, over the truth.

    B = s(prediction) / s(truth), s the sum of |grad ab| over F divided by its sum over the whole picture. grad are the
    differences to the pixel on the right and to the one below, || the root of all their squares, and F the pixels where
    |grad L*| of the truth is under 1 (`FLAT`). Colour that runs over the edge of a thing changes where lightness does
    not, and raises B; paler colours alone leave it as it is.

    0 (all colour changes at edges of lightness) to 1 / s(truth); 1 is as the truth. Our definition, to be compared on
    the same photographs at one size. In strips: memory beside the two pictures is bounded.

    Returns:
        NaN where nothing is asked: no colour changes in the prediction, such as in gray, or none in F of the truth.
    Raises:
        ValueError: the pictures differ in shape or are not uint8 [h, w, 3].
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"both pictures must have the same shape, not {prediction.shape} and {truth.shape}")
    height, width = truth.shape[:2]
    flats, totals = np.zeros(2), np.zeros(2)
    for rows in _strips(height, width, halo=1):
        ours, theirs = _lab(prediction[rows]), _lab(truth[rows])
        flat = _gradient(theirs[..., :1]) < FLAT
        for i, lab in enumerate((ours, theirs)):
            change = _gradient(lab[..., 1:])
            flats[i] += change[flat].sum(dtype=np.float64)
            totals[i] += change.sum(dtype=np.float64)
    # Rounding leaves gray a ten-thousandth of colour.
    if min(totals[0], flats[1]) < 1e-3 * height * width:
        return float("nan")
    return float(flats[0] / totals[0] / (flats[1] / totals[1]))


def _gradient(x: Pixels) -> Pixels:
    """Length of the differences to the right and below over all channels, [h, w, c] to [h - 1, w - 1]."""
    right, below = x[:-1, 1:] - x[:-1, :-1], x[1:, :-1] - x[:-1, :-1]
    length: Pixels = np.sqrt((right**2 + below**2).sum(axis=-1))
    return length


def _strips(height: int, width: int, halo: int = 0) -> Iterator[slice]:
    """Rows in strips of some 32 thousand pixels; each has the first `halo` rows of the next as well, the last has none
    of its own."""
    rows = max(1, 2**15 // width)
    for top in range(0, height - halo, rows):
        yield slice(top, min(top + rows, height - halo) + halo)


def _lab(rgb: Codes) -> NDArray[np.float32]:
    """CIE L*a*b* float32 [h, w, 3] of 8-bit codes."""
    _check(rgb)
    lab: NDArray[np.float32] = rgb_to_lab(rgb / np.float32(255))
    return lab


def colorfulness(rgb: Codes) -> float:
    """Colourfulness M of Hasler and Süsstrunk (2003) as published: signed rg and yb, 0..255.

    sqrt(var rg + var yb) + 0.3 sqrt(mean rg ^ 2 + mean yb ^ 2), rg = R - G, yb = (R + G) / 2 - B. 0 is gray; their
    observers called 33 moderately, 59 quite and 109 extremely colourful. Of a set, the mean over its photographs.

    Raises:
        ValueError: not uint8 [h, w, 3].
    """
    rg, yb = _opponents(rgb)
    return _colorfulness(rg, yb)


def colorfulness_absolute(rgb: Codes) -> float:
    """DDColor's variant, which takes |rg| and |yb| before the statistics. Not comparable with `colorfulness`.

    Raises:
        ValueError: not uint8 [h, w, 3].
    """
    rg, yb = _opponents(rgb)
    return _colorfulness(np.abs(rg), np.abs(yb))


def _opponents(rgb: Codes) -> tuple[Floats, Floats]:
    red, green, blue = np.moveaxis(_codes(rgb), -1, 0)
    return red - green, (red + green) / 2 - blue


def _colorfulness(rg: Floats, yb: Floats) -> float:
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def _codes(rgb: Codes) -> Floats:
    """8-bit codes as float64."""
    _check(rgb)
    return rgb.astype(np.float64)


def _check(rgb: Codes) -> None:
    """Values in 0..1 would give figures 255 times too small without a word."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[-1] != 3:
        raise ValueError(f"an 8-bit picture [h, w, 3] is needed, not {rgb.dtype} {list(rgb.shape)}")


class Areas:
    """Areas under the curve of the share of pixels whose ab error is at most t, t = 0, 1 .. 150, gathered."""

    def __init__(self) -> None:
        self.errors = np.zeros((len(published_bins()), len(THRESHOLDS) + 1), np.int64)
        """Of each true bin, its pixels by the first threshold that their error reaches; the last: by none."""

    def add(self, prediction: Pixels, truth: Pixels) -> None:
        """Pixels of ab, [..., 2] each, CIE a*b*.

        Raises:
            ValueError: the two differ in shape.
        """
        if prediction.shape != truth.shape:
            raise ValueError(f"both must have the same shape, not {prediction.shape} and {truth.shape}")
        error = np.sqrt(((prediction.astype(np.float64) - truth) ** 2).sum(axis=-1)).reshape(-1)
        # The error counts from the first threshold that is not below it.
        first = np.minimum(np.ceil(error), len(THRESHOLDS)).astype(np.int64)
        place = _bin(truth) * self.errors.shape[1] + first
        self.errors += np.bincount(place, minlength=self.errors.size).reshape(self.errors.shape)

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Of each true bin, [313]."""
        pixels: NDArray[np.int64] = self.errors.sum(axis=1)
        return pixels

    @property
    def areas(self) -> Floats:
        """Of each true bin the sum of its pixels' areas, 0..1 each: the mean over the thresholds of how many pixels
        they reach; [313]."""
        areas: Floats = np.cumsum(self.errors[:, :-1], axis=1).mean(axis=1)
        return areas

    def auc(self) -> float:
        """`auc` of what was gathered."""
        return float(auc(self.areas, self.pixels))

    def auc_prior(self) -> float:
        """`auc_prior` of what was gathered."""
        return float(auc_prior(self.areas, self.pixels))

    def auc_balanced(self) -> float:
        """`auc_balanced` of what was gathered."""
        return float(auc_balanced(self.areas, self.pixels, frequent(self.pixels)))

    def bins(self) -> int:
        """How many bins `auc_balanced` averages."""
        return int(frequent(self.pixels).sum())


def auc(areas: Floats, pixels: Counts) -> Floats:
    """Area under the curve, all pixels alike, %. The three of this family are not comparable.

    Args:
        areas: [..., 313], of each true bin the sum over its pixels of their areas, 0..1 each; see `Areas`.
        pixels: [..., 313], how many there are. Both may be weighted, as in a bootstrap.
    Returns:
        [...]
    """
    share: Floats = 100 * areas.sum(axis=-1) / pixels.sum(axis=-1)
    return share


def auc_prior(areas: Floats, pixels: Counts) -> Floats:
    """The same, each pixel weighted by the inverse of the published prior at its true bin, %."""
    scarce = 1 / published_prior()
    share: Floats = 100 * (areas @ scarce) / (pixels @ scarce)
    return share


def auc_balanced(areas: Floats, pixels: Counts, bins: NDArray[np.bool_]) -> Floats:
    """The area of each true bin, mean over some bins, %.

    Args:
        bins: bool [313], those of the set's own pixels that are `frequent`; the same for all redrawings of the set.
    """
    share: Floats = 100 * (areas[..., bins] / pixels[..., bins]).mean(axis=-1)
    return share


def frequent(pixels: Counts) -> NDArray[np.bool_]:
    """The bins that hold RARE of a set's pixels or more; [313] to bool [313]."""
    enough: NDArray[np.bool_] = pixels >= RARE * pixels.sum()
    return enough


class Reliability:
    """Does 70 % sure mean 70 % right? Confidence and accuracy of a predicted distribution, gathered over a set.

    Confidence is the probability of the likeliest bin; pixels are counted in `parts` equal intervals of it
    (Guo et al. 2017, section 2). All in 0..1.
    """

    def __init__(self, parts: int = 15) -> None:
        self.pixels = np.zeros(parts, np.int64)
        self.confident = np.zeros(parts)
        self.right = np.zeros(parts)

    def add(self, probabilities: Pixels, true_bins: NDArray[np.int64]) -> None:
        """Pixels.

        Args:
            probabilities: [..., Q], sums to 1 over the last axis: the softmax of the logits, at temperature 1.
            true_bins: [...], index of the bin nearest to the true colour.
        Raises:
            ValueError: the two do not fit, or probabilities are below 0 or above 1, such as logits.
        """
        if probabilities.shape[:-1] != true_bins.shape:
            raise ValueError(f"each pixel needs one bin, not {true_bins.shape} for {probabilities.shape}")
        if probabilities.size and not (probabilities.min() >= 0 and probabilities.max() <= 1.0001):
            raise ValueError("probabilities lie within 0..1; take the softmax of logits first")
        confidence = probabilities.max(axis=-1).reshape(-1)
        right = (probabilities.argmax(axis=-1) == true_bins).reshape(-1)
        # An interval has its upper end: exactly 1 counts to the last.
        part = np.clip(np.ceil(confidence * len(self.pixels)) - 1, 0, len(self.pixels) - 1).astype(np.int64)
        self.pixels += np.bincount(part, minlength=len(self.pixels))
        self.confident += np.bincount(part, confidence, len(self.pixels))
        self.right += np.bincount(part, right, len(self.pixels))

    def curve(self) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Mean confidence, accuracy and pixels of each interval, [parts] each; NaN where an interval has no pixel."""
        some = np.where(self.pixels > 0, self.pixels, np.nan)
        return self.confident / some, self.right / some, self.pixels.copy()

    def error(self) -> float:
        """Expected calibration error: sum n_i / n |accuracy_i - confidence_i| (equation 3). 0 is honest, 1 the worst.

        Raises:
            ValueError: no pixel was added.
        """
        if not self.pixels.sum():
            raise ValueError("no pixel has been added")
        return float(calibration_error(self.confident, self.right, self.pixels))


def calibration_error(confident: Floats, right: Floats, pixels: Counts) -> Floats:
    """Expected calibration error of the sums that `Reliability` gathers, [..., parts] each, weighted or not; [...]."""
    error: Floats = np.abs(right - confident).sum(axis=-1) / pixels.sum(axis=-1)
    return error


def frechet_distance(mean: Floats, covariance: Floats, mean2: Floats, covariance2: Floats) -> float:
    """Squared Fréchet distance of two Gaussians (Dowson and Landau 1982): 0 is equal, no upper bound.

    |m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)); the last trace is that of (S^(1/2) S' S^(1/2))^(1/2), which is symmetric.

    Args:
        mean, mean2: [d]; covariance, covariance2: [d, d], symmetric, without negative eigenvalues.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    shared = np.sqrt(np.clip(np.linalg.eigvalsh(root @ covariance2 @ root), 0, None)).sum()
    return float(((mean - mean2) ** 2).sum() + np.trace(covariance) + np.trace(covariance2) - 2 * shared)


def fid(features: Floats, truths: Floats) -> float:
    """Fréchet Inception distance (Heusel et al. 2017, equation 6) of two sets, from features [n, d] of each.

    0 is equal, no upper bound. It falls as photographs are added: only sets of one size compare, and with no more than
    d photographs the covariances have no full rank. Features of another network give another number.

    Raises:
        ValueError: a set has fewer than two photographs, or the two have different features.
    """
    if features.ndim != 2 or truths.ndim != 2 or features.shape[1] != truths.shape[1]:
        raise ValueError(f"features must be [n, d] with the same d, not {features.shape} and {truths.shape}")
    if min(len(features), len(truths)) < 2:
        raise ValueError("each set needs at least two photographs")
    ours, theirs = features.astype(np.float64), truths.astype(np.float64)
    spreads = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (ours, theirs))
    return frechet_distance(ours.mean(axis=0), next(spreads), theirs.mean(axis=0), next(spreads))
