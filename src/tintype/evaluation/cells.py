"""The tables of a report: figures of models with intervals, and which models are the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tintype.evaluation.bootstrap import interval
from tintype.evaluation.figures import METRICS, Floats, Metric
from tintype.evaluation.ways import Way, truth_of

TABLES = {
    "Main figures": ("psnr", "ciede2000", "auc", "auc_balanced", "colorfulness", "dcf", "edge_bleeding"),
    "Further distances from the truth": ("psnr_pooled", "ssim", "l1_rgb", "rmse_rgb", "l1_ab", "rmse_ab"),
    "Further figures of colours": ("auc_prior", "accuracy_bins", "colorfulness_absolute", "dcf_absolute", "dcf_photo"),
    "What networks say": ("calibration_error", "semantic_accuracy", "lpips", "fid"),
}
"""Title -> metrics. Squared errors are left to metrics.csv: their roots are here."""


@dataclass(frozen=True)
class Cell:
    """A figure as a table shows it."""

    value: float
    text: str
    best: bool
    between: tuple[str, str] | None
    """The ends of its interval; None where it has none."""


@dataclass(frozen=True)
class Table:
    """Figures under one title: metrics across, ways of colouring down."""

    title: str
    metrics: Sequence[Metric]
    rows: Sequence[tuple[Way, Sequence[Cell | None]]]


def tables(ways: Sequence[Way]) -> list[Table]:
    """Those of TABLES that somebody has a figure in, with such columns and rows alone."""
    shown = []
    for title, names in TABLES.items():
        columns = {METRICS[name]: _column(METRICS[name], ways) for name in names}
        columns = {metric: cells for metric, cells in columns.items() if any(cells)}
        rows = [(way, [cells[number] for cells in columns.values()]) for number, way in enumerate(ways)]
        if columns:
            shown.append(Table(title, list(columns), [(way, cells) for way, cells in rows if any(cells)]))
    return shown


def _column(metric: Metric, ways: Sequence[Way]) -> list[Cell | None]:
    """The cells of a metric, None where there is no figure."""
    figures = {way: figure for way in ways if (figure := way.figure(metric.name)) is not None}
    best = _best(metric, figures, truth_of(ways))
    return [_cell(metric, figures[way], way in best) if way in figures else None for way in ways]


def _best(metric: Metric, figures: dict[Way, Floats], truth: Way) -> set[Way]:
    """The best model and those that the paired interval does not tell from it; nobody where there is no rival.

    Args:
        figures: [1 + samples] each.
    """
    losses = {way: metric.loss(figure, figures.get(truth, 0.0)) for way, figure in figures.items() if way.knows}
    if len(losses) < 2:
        return set()
    first = min(losses, key=lambda way: float(losses[way][0]))
    with np.errstate(invalid="ignore"):  # infinite, as the PSNR of what is equal, minus infinite
        behind = {way: loss - losses[first] for way, loss in losses.items()}
    return {way for way, more in behind.items() if way is first or (metric.ranked and interval(more)[0] <= 0)}


def _cell(metric: Metric, figure: Floats, best: bool) -> Cell:
    between = None
    if np.isfinite(figure).all() and np.ptp(figure) > 0:
        low, high = (_minus(metric.text(end)) for end in interval(figure))
        between = (low, high)
    text = "∞" if math.isinf(figure[0]) else _minus(metric.text(float(figure[0])))
    return Cell(float(figure[0]), text, best, between)


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def difference(value: float, signed: bool = False) -> str:
    """A difference of colours in CIEDE2000, as a page shows it."""
    return _minus(f"{value:+.1f}" if signed else f"{value:.1f}")
