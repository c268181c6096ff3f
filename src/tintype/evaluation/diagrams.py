"""The charts of a report: colourfulness, colours used, reliability, and quality against cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tintype.color.bins import published_bins, published_prior
from tintype.evaluation.bootstrap import interval
from tintype.evaluation.figures import METRICS
from tintype.evaluation.ways import Way, truth_of
from tintype.reports import charts

SELDOM = 1e-3
"""Share of the pixels below which an interval of confidence says nothing."""

QUALITIES = ("auc_balanced", "ciede2000", "psnr")
"""Quality that cost is compared with: the first of these that was measured."""


@dataclass(frozen=True)
class Diagram:
    """A chart with what stands above it."""

    title: str
    svg: str
    words: str = ""


@dataclass(frozen=True)
class Cost:
    """What a model costs; None: not known."""

    way: Way
    seconds: float | None
    """Median over photographs."""
    bytes: int | None


@dataclass(frozen=True)
class Costs:
    """What the models cost, and quality against that."""

    rows: Sequence[Cost]
    diagrams: Sequence[Diagram]

    @property
    def sizes(self) -> bool:
        """Whether the size of any model is known."""
        return any(cost.bytes for cost in self.rows)


def colourfulness(ways: Sequence[Way]) -> list[Diagram]:
    """Of each model and the random colours, every photograph's colourfulness against the truth's."""
    true = truth_of(ways).values("colorfulness")
    values = {
        way: way.values("colorfulness")
        for way in ways
        if (way.knows or way.own_label == "random") and way.has("colorfulness")
    }
    top = 1.05 * max([1.0, true.max(), *(each.max() for each in values.values())])
    drawn = []
    for way, each in values.items():
        summary = (
            f"{way.label}: colourfulness of {len(true)} photographs, mean {each.mean():.1f} where the truth has "
            f"{true.mean():.1f}"
        )
        scales = charts.Scale("colourfulness of the truth", 0, top), charts.Scale("of the prediction", 0, top)
        drawn.append(Diagram(way.label, charts.scatter(*scales, np.stack([true, each], axis=-1), summary)))
    return drawn


def densities(ways: Sequence[Way]) -> list[Diagram]:
    """How often colours occur: in the truth, in the published prior, and in each model's results."""
    shares = {"truth": truth_of(ways).values("bins").sum(axis=0), "published prior": published_prior()}
    shares |= {way.label: way.values("bins").sum(axis=0) for way in ways if way.knows and way.has("bins")}
    pale = np.hypot(*published_bins().T) <= 10
    drawn = []
    for name, pixels in shares.items():
        share = pixels / pixels.sum()
        words = f"{100 * share[pale].sum():.0f} % within 10 of gray"
        met = int((share >= charts.DENSITIES[0]).sum())
        summary = f"{name}: density over the 313 bins of the ab plane; {words}; {met} bins hold 0.001 % or more"
        drawn.append(Diagram(name, charts.density(share, summary), words))
    return drawn


def reliabilities(ways: Sequence[Way]) -> list[Diagram]:
    """Of each model with a distribution, how often it is right where it is so sure."""
    drawn = []
    for way in ways:
        error = way.figure("calibration_error")
        if not way.knows or error is None:
            continue
        confident, right, pixels = (way.resampled.sums(name, way.label) for name in ("confidence", "right", "sure"))
        known = pixels[0] >= SELDOM * pixels[0].sum()
        low, high = np.full((2, len(known)), np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            sure, share = confident[0] / pixels[0], np.where(known, right / pixels, np.nan)
        low[known], high[known] = np.nanpercentile(share[1:, known], [2.5, 97.5], axis=0)
        words = f"calibration error {METRICS['calibration_error'].text(float(error[0]))}"
        summary = f"{way.label}: how often its likeliest colour is right, against how sure it is; {words}"
        chart = charts.reliability(sure, share[0], low, high, pixels[0], summary)
        drawn.append(Diagram(way.label, chart, words))
    return drawn


def costs(ways: Sequence[Way]) -> Costs | None:
    """What the models cost; None where nothing is known."""
    rows = []
    for way in ways:
        if way.knows:
            seconds = way.values("seconds") if way.has("seconds") else np.array([])
            timed = seconds[~np.isnan(seconds)]
            size = way.settings.get("bytes")
            rows.append(
                Cost(way, float(np.median(timed)) if timed.size else None, size if isinstance(size, int) else None)
            )
    rows = [cost for cost in rows if cost.seconds is not None or cost.bytes]
    return Costs(rows, _against_costs(rows)) if rows else None


def _against_costs(rows: Sequence[Cost]) -> list[Diagram]:
    for name in QUALITIES:
        figures = {cost.way: figure for cost in rows if (figure := cost.way.figure(name)) is not None}
        if len(figures) == len(rows):
            break
    else:
        return []
    metric = METRICS[name]
    y = f"{metric.title}{f' ({metric.unit})' if metric.unit else ''}, {metric.direction}"
    drawn = []
    for x, costs in (
        ("seconds a photograph", {cost.way: cost.seconds for cost in rows if cost.seconds}),
        ("size of the file (MB)", {cost.way: cost.bytes / 1e6 for cost in rows if cost.bytes}),
    ):
        points = [
            charts.Point(way.label, cost, float(figures[way][0]), *interval(figures[way]))
            for way, cost in costs.items()
        ]
        title = f"{metric.title} against {x}"
        if points:
            drawn.append(Diagram(title, charts.labelled(x, y, points, title)))
    return drawn
