"""One page that shows a run of `tintype evaluate`: figures with intervals, photographs side by side, charts.

The page is a single file. It asks the network for nothing and forbids it by a Content-Security-Policy; every picture is
in it once, however often it is shown. The same runs give the same page.
"""

from __future__ import annotations

import base64
import hashlib
import io
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from tintype.color.bins import published_bins, published_prior
from tintype.errors import DataError, OptionError, not_installed
from tintype.evaluation import charts
from tintype.evaluation.bootstrap import Resampled, interval
from tintype.evaluation.protocol import differences
from tintype.evaluation.results import BASELINES, TRUTH, Run, read_run
from tintype.files import whole_file
from tintype.version import __version__

PHOTOGRAPHS = 24
"""Default number of photographs in the sample."""
SELDOM = 1e-3
"""Share of the pixels below which an interval of confidence says nothing."""
CASES = 3
"""Best and worst photographs of each model."""
SIDE = 256
"""Longer side of the pictures in the page at most, in pixels."""
QUALITY = 84
"""Of their JPEG; colour is not subsampled, since it is what the page shows."""


@dataclass(frozen=True)
class Metric:
    """How a metric is shown."""

    title: str
    unit: str
    digits: int
    better: str
    """more; less; zero: the nearer to 0; truth: the nearer to the truth's."""
    meaning: str


METRICS = {
    "psnr": Metric("PSNR", "dB", 2, "more",
        "10 log10(255² / MSE over pixels and R, G, B), mean of the photographs' dB. The lightness is given, so "
        "gray starts high; it favours pale means over plausible but different colours."),
    "psnr_pooled": Metric("PSNR, pooled", "dB", 2, "more",
        "PSNR of all pixels in one picture: the worst photographs decide."),
    "ssim": Metric("SSIM", "", 3, "more",
        "Structural similarity (Wang et al. 2004), Gaussian window of 11 x 11, σ 1.5, data range 255, mean over R, G "
        "and B. Hides nearly all colour: structure is in the lightness, which is given."),
    "l1_rgb": Metric("L1, RGB", "", 2, "less",
        "Mean absolute difference over pixels and R, G, B, in codes of 0 to 255."),
    "rmse_rgb": Metric("RMSE, RGB", "", 2, "less",
        "Root of the mean squared difference over pixels and R, G, B, in codes."),
    "l1_ab": Metric("L1, ab", "", 2, "less",
        "Mean absolute difference over pixels, a* and b*. Favours brown, the mean of all possible colours."),
    "rmse_ab": Metric("RMSE, ab", "", 2, "less",
        "Root of the mean squared difference over pixels, a* and b*. Favours brown, the mean of all possible colours."),
    "ciede2000": Metric("CIEDE2000", "", 2, "less",
        "Mean colour difference (CIE 142-2001): 1 is about the smallest difference that the eye can see. Made for "
        "differences below 5; "
        "larger ones are only ranked."),
    "accuracy_bins": Metric("right bins", "%", 1, "more",
        "Pixels whose nearest of the 313 bins of colour is the true one. A neighbouring bin counts as wrong, just "
        "like the opposite "
        "colour; a fifth of all pixels is nearly gray."),
    "colorfulness": Metric("colourfulness", "", 1, "truth",
        "M of Hasler and Süsstrunk (2003), of signed rg and yb: 0 is gray, and the truth's value is best. Does not say "
        "whether a single colour is right."),
    "colorfulness_absolute": Metric("colourfulness, absolute", "", 1, "truth",
        "DDColor's variant, with |rg| and |yb|. Not comparable with the one above."),
    "dcf_photo": Metric("ΔCF of photographs", "", 1, "less",
        "Mean over photographs of |M of the prediction - M of the truth|: too pale and too vivid do not cancel."),
    "edge_bleeding": Metric("edge bleeding", "", 2, "less",
        "Share of colour change that lies where the lightness does not change, relative to the truth; 1 is "
        "as in the truth. Not defined for gray."),
    "dcf": Metric("ΔCF", "", 1, "zero",
        "Mean colourfulness of the predictions - that of the truths: below 0 is too pale. Wrong colours can have 0."),
    "dcf_absolute": Metric("ΔCF, absolute", "", 1, "zero",
        "The same with DDColor's variant of colourfulness; DDColor prints it without its sign."),
    "auc": Metric("auc", "%", 2, "more",
        "Share of pixels whose ab error is at most t, mean over t = 0, 1 .. 150. Most pixels are nearly gray, so "
        "gray scores high."),
    "auc_prior": Metric("auc_prior", "%", 2, "more",
        "The same, each pixel weighted by the inverse of the published prior at its true bin. A few pixels in "
        "the rarest bins decide the result."),
    "auc_balanced": Metric("auc_balanced", "%", 2, "more",
        "The same for each true bin, mean over the bins that hold 1e-4 of the set's pixels: rare colours count as much "
        "as frequent ones."),
    "calibration_error": Metric("calibration error", "", 3, "less",
        "Mean distance between how sure the distribution is of its likeliest bin and how often that is right (Guo et "
        "al. 2017). A model that always gives the prior is reliable and useless."),
    "lpips": Metric("LPIPS", "", 3, "less",
        "Distance of a network's features (Zhang et al. 2018). Like every distance from one truth, it counts "
        "plausible but "
        "different colours as wrong."),
    "semantic_accuracy": Metric("semantic accuracy", "%", 1, "more",
        "Photographs whose class a classifier recognises in the prediction; the truth's figure is the upper bound."),
    "fid": Metric("FID", "", 2, "less",
        "Distance of the features' means and covariances (Heusel et al. 2017). Falls as the set grows; has no "
        "interval here."),
}  # fmt: skip
"""In the words of docs/metrics.md, where more is said. Squared errors are left to metrics.csv: their roots are here."""

TABLES = (
    ("Main figures", ("psnr", "ciede2000", "auc", "auc_balanced", "colorfulness", "dcf", "edge_bleeding")),
    ("Further distances from the truth", ("psnr_pooled", "ssim", "l1_rgb", "rmse_rgb", "l1_ab", "rmse_ab")),
    ("Further figures of colours",
        ("auc_prior", "accuracy_bins", "colorfulness_absolute", "dcf_absolute", "dcf_photo")),
    ("What networks say", ("calibration_error", "semantic_accuracy", "lpips", "fid")),
)  # fmt: skip

FILMS = {
    "cie": "CIE lightness",
    "rec601": "Rec. 601 luma",
    "panchromatic": "the response of panchromatic film",
    "orthochromatic": "the response of orthochromatic film",
    "blue": "the response of film that sees blue alone",
}
"""What makes a photograph gray, in words."""

QUALITIES = ("auc_balanced", "ciede2000", "psnr")
"""Quality that cost is compared with: the first of these that was measured."""


@dataclass(frozen=True, eq=False)
class Way:
    """A way of colouring on the page: a model of one of the runs, a baseline, or the truth."""

    label: str
    model: str
    """Its label in the run."""
    run: Run
    resampled: Resampled

    @property
    def said(self) -> Mapping[str, Any]:
        """What the protocol says of its file and settings."""
        return self.run.protocol.models.get(self.model, {})

    @property
    def knows(self) -> bool:
        """Whether it is neither a baseline nor the truth."""
        return self.model not in (TRUTH, *BASELINES)

    def values(self, name: str) -> np.ndarray | None:
        """What was measured of each photograph, [n, ...]; None where it was not."""
        try:
            return self.run.values(self.model, name)
        except DataError:
            return None

    def picture(self, photo: str) -> Path:
        return self.run.picture(self.model, photo)

    def figure(self, metric: str) -> np.ndarray | None:
        """A metric of the set and of its redrawings, [1 + samples]; [1] of FID, which has none; None: not measured."""
        if metric == "fid":
            known = self.model != TRUTH and self.values("features") is not None and len(self.run.photos) > 1
            return np.array([self.run.figures(self.model)["fid"]]) if known else None
        if self.model == TRUTH and metric not in ("semantic_accuracy", *self.run.metrics(TRUTH)):
            return None
        try:
            return self.resampled.figure(metric, self.model)
        except DataError:
            return None


def write(
    folders: Sequence[str | os.PathLike], path: str | os.PathLike, photographs: int = PHOTOGRAPHS, seed: int = 0
) -> None:
    """Write the page of some runs, which must share one protocol.

    Args:
        folders: of `tintype evaluate`; models of all of them stand together.
        path: the page.
        photographs: how many are shown of all; the best and worst of each model come on top.
        seed: by which they are drawn.
    Raises:
        OptionError: `photographs` is below 0. DataError: a folder is not a run, or the protocols differ.
        UnwritableFile: the page cannot be written there. TintypeError: jinja2 is not installed.
    """
    if photographs < 0:
        raise OptionError(f"The number of photographs on the page must be 0 or more, not {photographs}")
    require()
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"{os.fspath(path)} is not the name of a page: use a name that ends in .html")
    # Before the work: a page that cannot be put there need not be made.
    with whole_file(path) as file:
        file.write(page([read_run(folder) for folder in folders], photographs, seed).encode("utf-8", "replace"))


def require() -> None:
    """Raises TintypeError when jinja2 is not installed."""
    try:
        import jinja2  # noqa: F401
    except ModuleNotFoundError:
        raise not_installed("The report", "jinja2", "report") from None


def page(runs: Sequence[Run], photographs: int = PHOTOGRAPHS, seed: int = 0) -> str:
    """The HTML of some runs; see `write`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    ways = _ways(runs)
    first = runs[0]
    shown = Pictures()
    sample = _sample(first.photos, photographs, seed)
    parts = [files("tintype.evaluation").joinpath("templates", name).read_text("utf-8") for name in _PARTS]
    environment = Environment(
        loader=PackageLoader("tintype.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["chart"] = Markup
    environment.filters["breaks"] = lambda name: Markup(".<wbr>").join(name.split("."))
    style, script = (Markup(part) for part in parts)
    return environment.get_template("report.html.jinja").render(
        style=style,
        script=script,
        policy=_policy(*parts),
        version=__version__,
        protocol=first.protocol,
        gray=_gray(first.protocol.gray),
        runs=list(_names(runs).values()),
        models=[way for way in ways if way.knows],
        settings=_settings(ways),
        intervals=len(first.photos) > 1,
        tables=_tables(ways),
        sample=[_row(shown, _shown(ways), photo) for photo in sample],
        seed=seed,
        cases=_cases(shown, ways),
        colourfulness=_colourfulness(ways),
        densities=_densities(ways),
        density_key=charts.density_key(),
        reliabilities=_reliabilities(ways),
        costs=_costs(ways),
        pictures=shown.found,
    )


_PARTS = ("report.css", "report.js")


def _policy(style: str, script: str) -> str:
    """The page's own style and script by their hashes, its own pictures, and nothing else."""
    hashes = (base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (style, script))
    style, script = hashes
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _gray(said: str) -> str:
    """The protocol's gray, a film and perhaps a damage, in words."""
    film, comma, damage = said.partition(", ")
    return FILMS.get(film, film) + (f" with {damage}" if comma else "")


def _ways(runs: Sequence[Run]) -> list[Way]:
    """The truth, the baselines of the first run, and the models of all.

    A model that two runs have stands once; two models of one label have the name of their run before it.

    Raises:
        DataError: the protocols differ.
    """
    first = runs[0]
    for run in runs[1:]:
        apart = differences(first.protocol, run.protocol)
        if apart or run.photos != first.photos:
            raise DataError(
                f"{first.folder} and {run.folder} cannot be shown on one page, because they differ in "
                f"{', '.join(apart) or 'the order of their photographs'}: make a page for each"
            )
    resampled = {run: Resampled(run) for run in runs}
    ways = [
        Way(label, label, first, resampled[first]) for label in (TRUTH, *BASELINES) if label in (TRUTH, *first.models)
    ]
    for run in runs:
        for model in run.models:
            if not any(way.model == model and (not way.knows or _same(model, way.run, run)) for way in ways):
                ways.append(Way(model, model, run, resampled[run]))
    labels, names = [way.label for way in ways], _names(runs)
    return [
        way if labels.count(way.label) == 1 else replace(way, label=f"{names[way.run]}/{way.label}") for way in ways
    ]


def _same(model: str, run: Run, other: Run) -> bool:
    """Whether two runs measured the same of a model, and so of the same predictions."""
    return all(
        np.array_equal(run.values(model, metric), other.values(model, metric), equal_nan=True)
        for metric in set(run.metrics(model)) & set(other.metrics(model))
    )


def _names(runs: Sequence[Run]) -> dict[Run, str]:
    """What the runs are called: their folders, with the path where two would be called the same."""
    names = [run.folder.resolve().name for run in runs]
    return {run: name if names.count(name) == 1 else str(run.folder) for run, name in zip(runs, names, strict=True)}


# ---- the tables


def _tables(ways: Sequence[Way]) -> list[dict[str, Any]]:
    """What the template shows of TABLES: columns that somebody has a figure in, and rows."""
    tables = []
    for title, names in TABLES:
        columns = {name: _column(name, ways) for name in names}
        columns = {name: cells for name, cells in columns.items() if any(cells)}
        shown = [number for number in range(len(ways)) if any(cells[number] for cells in columns.values())]
        if columns:
            tables.append(
                {
                    "title": title,
                    "metrics": {name: METRICS[name] for name in columns},
                    "rows": [(ways[number], [cells[number] for cells in columns.values()]) for number in shown],
                }
            )
    return tables


def _column(name: str, ways: Sequence[Way]) -> list[dict[str, Any] | None]:
    """The cells of a metric, None where there is no figure."""
    metric = METRICS[name]
    figures = [way.figure(name) for way in ways]
    figures = [None if figure is None or np.isnan(figure[0]) else figure for figure in figures]
    best = _best(metric, ways, figures)
    return [None if figure is None else _cell(metric, figure, number in best) for number, figure in enumerate(figures)]


def _best(metric: Metric, ways: Sequence[Way], figures: Sequence[np.ndarray | None]) -> set[int]:
    """The best model and those that the paired interval does not tell from it; nobody where there is no rival."""
    truth = next((f for way, f in zip(ways, figures, strict=True) if way.model == TRUTH and f is not None), 0.0)
    worse = {
        "more": lambda figure: -figure,
        "less": lambda figure: figure,
        "zero": np.abs,
        "truth": lambda figure: np.abs(figure - truth),
    }[metric.better]
    rivals = {
        number: worse(figure)
        for number, (way, figure) in enumerate(zip(ways, figures, strict=True))
        if way.knows and figure is not None
    }
    if len(rivals) < 2:
        return set()
    first = min(rivals, key=lambda number: rivals[number][0])
    with np.errstate(invalid="ignore"):  # infinite, as the PSNR of what is equal, minus infinite
        behind = {number: rival - rivals[first] for number, rival in rivals.items()}
    return {number for number, more in behind.items() if number == first or (len(more) > 1 and interval(more)[0] <= 0)}


def _cell(metric: Metric, figure: np.ndarray, best: bool) -> dict[str, Any]:
    signed = metric.better == "zero"
    cell = {"value": float(figure[0]), "text": _number(figure[0], metric.digits, signed), "best": best, "between": None}
    if np.isfinite(figure).all() and len(figure) > 1 and np.ptp(figure) > 0:
        cell["between"] = [_number(end, metric.digits, signed) for end in interval(figure)]
    return cell


def _number(value: float, digits: int, signed: bool = False) -> str:
    if math.isinf(value):
        return "∞"
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}")


# ---- the pictures


class Pictures:
    """The pictures of the page, each once, small, as data URIs."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []
        self._numbers: dict[Path, int] = {}

    def add(self, path: Path) -> dict[str, Any]:
        """A picture file; gives `number`, `width`, `height` and `data`.

        Raises:
            DataError: it cannot be read.
        """
        if path not in self._numbers:
            self._numbers[path] = len(self.found)
            self.found.append({"number": len(self.found), **_small(path)})
        return self.found[self._numbers[path]]


def _small(path: Path) -> dict[str, Any]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            picture = picture.convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        why = getattr(error, "strerror", None) or "it is broken"
        raise DataError(f"{path} cannot be read ({why}): repeat the tintype evaluate that wrote it") from None
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    memory = io.BytesIO()
    picture.save(memory, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    data = "data:image/jpeg;base64," + base64.b64encode(memory.getvalue()).decode()
    return {"width": picture.width, "height": picture.height, "data": data}


def _sample(photos: Sequence[str], count: int, seed: int) -> list[str]:
    """`count` of all, drawn at random, in their order."""
    drawn = np.random.default_rng(seed).permutation(len(photos))[:count]
    return [photos[number] for number in sorted(drawn)]


def _shown(ways: Iterable[Way]) -> list[Way]:
    """Gray, the models and the truth: what photographs are shown of, the truth last."""
    ways = list(ways)
    return [way for way in ways if way.model == "gray" or way.knows] + [way for way in ways if way.model == TRUTH]


def _row(shown: Pictures, ways: Sequence[Way], photo: str) -> dict[str, Any]:
    """Pictures of one photograph, with the difference from the truth."""
    number = ways[0].run.photos.index(photo)
    cells = []
    for way in ways:
        differences = way.values("ciede2000")
        text = None if differences is None or np.isnan(differences[number]) else _number(differences[number], 1)
        cells.append({"way": way, "picture": shown.add(way.picture(photo)), "difference": text})
    return {"photo": photo, "cells": cells}


def _cases(shown: Pictures, ways: Sequence[Way]) -> list[dict[str, Any]]:
    """Of each model the photographs where it gains most over gray, and least, in CIEDE2000."""
    truth = next(way for way in ways if way.model == TRUTH)
    gray = next((way for way in ways if way.model == "gray"), truth)
    grays = gray.values("ciede2000")
    found = []
    for way in ways:
        differences = way.values("ciede2000")
        if not way.knows or grays is None or differences is None:
            continue
        gain = grays - differences
        order = np.argsort(-gain, kind="stable")
        few = min(CASES, len(order) // 2)
        chosen = [
            [
                {"gain": _number(gain[n], 1, signed=True), **_row(shown, (gray, way, truth), way.run.photos[n])}
                for n in numbers
            ]
            for numbers in (order[:few], order[::-1][:few])
        ]
        if few:
            found.append({"way": way, "best": chosen[0], "worst": chosen[1]})
    return found


# ---- the charts


def _colourfulness(ways: Sequence[Way]) -> list[tuple[str, str]]:
    """Of each model and the random colours, every photograph's colourfulness against the truth's."""
    true = ways[0].values("colorfulness")
    values = {way: way.values("colorfulness") for way in ways if way.knows or way.model == "random"}
    values = {way: each for way, each in values.items() if each is not None}
    top = 1.05 * max([1.0, true.max(), *(each.max() for each in values.values())])
    found = []
    for way, each in values.items():
        summary = (
            f"{way.label}: colourfulness of {len(true)} photographs, mean {each.mean():.1f} where the truth has "
            f"{true.mean():.1f}"
        )
        scales = charts.Scale("colourfulness of the truth", 0, top), charts.Scale("of the prediction", 0, top)
        found.append((way.label, charts.scatter(*scales, np.stack([true, each], axis=-1), summary)))
    return found


def _densities(ways: Sequence[Way]) -> list[tuple[str, str, str]]:
    """Name, a figure in words, and chart: of the truth, the published prior, and each model."""
    shares = {"truth": ways[0].run.pixels.sum(axis=0), "published prior": published_prior()}
    bins = {way.label: way.values("bins") for way in ways if way.knows}
    shares |= {label: pixels.sum(axis=0) for label, pixels in bins.items() if pixels is not None}
    pale = np.hypot(*published_bins().T) <= 10
    found = []
    for name, pixels in shares.items():
        share = pixels / pixels.sum()
        words = f"{100 * share[pale].sum():.0f} % within 10 of gray"
        met = int((share >= charts.DENSITIES[0]).sum())
        summary = f"{name}: density over the 313 bins of the ab plane; {words}; {met} bins hold 0.001 % or more"
        found.append((name, words, charts.density(share, summary)))
    return found


def _reliabilities(ways: Sequence[Way]) -> list[tuple[str, str, str]]:
    """Name, calibration error in words, and diagram of each model with a distribution."""
    found = []
    for way in ways:
        measured = [way.values(name) for name in ("confidence", "right", "sure")]
        if not way.knows or measured[0] is None:
            continue
        confident, right, pixels = (way.resampled.weights @ sums for sums in measured)
        known = pixels[0] >= SELDOM * pixels[0].sum()
        low, high = np.full((2, len(known)), np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            sure, share = confident[0] / pixels[0], np.where(known, right / pixels, np.nan)
        low[known], high[known] = np.nanpercentile(share[1:, known], [2.5, 97.5], axis=0)
        words = f"calibration error {_number(way.figure('calibration_error')[0], 3)}"
        summary = f"{way.label}: how often its likeliest colour is right, against how sure it is; {words}"
        chart = charts.reliability(sure, share[0], low, high, pixels[0], summary)
        found.append((way.label, words, chart))
    return found


def _costs(ways: Sequence[Way]) -> dict[str, Any] | None:
    """Seconds and bytes of the models in a table, and charts of quality against both; None where nothing is known."""
    rows = []
    for way in ways:
        if way.knows:
            seconds = way.values("seconds")
            timed = np.array([]) if seconds is None else seconds[~np.isnan(seconds)]
            size = way.said.get("bytes")
            if timed.size or size:
                rows.append((way, float(np.median(timed)) if timed.size else None, size))
    if not rows:
        return None
    quality = next((name for name in QUALITIES if all(way.figure(name) is not None for way, *_ in rows)), None)
    drawn = []
    if quality is not None:
        metric = METRICS[quality]
        y = f"{metric.title}{f' ({metric.unit})' if metric.unit else ''}, {metric.better} is better"
        figures = {way: way.figure(quality) for way, *_ in rows}
        for x, costs in (
            ("seconds a photograph", {way: seconds for way, seconds, _ in rows if seconds}),
            ("size of the file (MB)", {way: size / 1e6 for way, _, size in rows if size}),
        ):
            points = [
                charts.Point(way.label, cost, float(figures[way][0]), *interval(figures[way]))
                for way, cost in costs.items()
            ]
            if points:
                drawn.append(
                    (f"{metric.title} against {x}", charts.labelled(x, y, points, f"{metric.title} against {x}"))
                )
    table = [
        (way, "–" if seconds is None else f"{seconds:.3g}", f"{size / 1e6:.2f}" if size else "–")
        for way, seconds, size in rows
    ]
    return {"rows": table, "charts": drawn, "sizes": any(size for *_, size in rows)}


def _settings(ways: Sequence[Way]) -> list[tuple[Way, dict[str, str]]]:
    """Of each model what the protocol says of its file and its settings, in words."""
    return [
        (way, {key: str(value) for key, value in way.said.items() if value is not None}) for way in ways if way.knows
    ]
