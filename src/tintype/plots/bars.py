"""Metrics of models as bars, from the last validations of runs or from a table of photographs, with intervals."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tintype.errors import DataError, OptionError
from tintype.evaluation.bootstrap import interval, weights
from tintype.evaluation.figures import METRICS, Floats
from tintype.evaluation.results import SET
from tintype.plots.curves import TRUE, read_logs
from tintype.plots.figure import COLOURS, INK, new, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("model", "photo", "metric", "value")
"""Of a table with a line for each model, photograph and metric; more columns do no harm."""


@dataclass(frozen=True)
class Bar:
    """One metric of one model."""

    model: str
    value: float
    low: float | None = None
    high: float | None = None
    """The 95 % interval over photographs; None where there is a single figure."""
    photographs: int | None = None
    """How many it is the mean of; None where it is not a mean."""


Bars = dict[str, list[Bar]]
"""Metric to its bars, in the order in which the models were first met."""

Table = dict[str, dict[str, dict[str, float]]]
"""Metric to model to photograph to value; SET stands among the photographs where a figure is of the whole set."""


def of_runs(runs: Sequence[str | PathLike[str]]) -> Bars:
    """What each run measured at its last validation, named by its folder; the truth's own figures are left out.

    Raises:
        DataError: a run has no log, or was never validated.
    """
    bars: Bars = {}
    for log in read_logs(runs):
        if not log.validation:
            raise DataError(f"{log.name}: the run was never validated, so there are no figures to draw")
        for metric in log.figures():
            last = log.validation[-1]
            if not metric.startswith(TRUE) and metric in last:
                bars.setdefault(metric, []).append(Bar(log.name, float(last[metric])))
    return bars


def read_table(path: str | PathLike[str]) -> Table:
    """A CSV table with the columns model, photo, metric and value.

    Raises:
        DataError: it cannot be read, lacks a column, has no lines, has a figure twice, or a value is not a number.
    """
    table: Table = {}
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path}: has no column {missing[0]}; the columns must be {', '.join(COLUMNS)}")
            for row in reader:
                model, photo, metric, text = (row[name] for name in COLUMNS)
                try:
                    value = float(text)
                except (TypeError, ValueError):
                    raise DataError(f"{path}: line {reader.line_num}: {text!r} is not a number") from None
                values = table.setdefault(metric, {}).setdefault(model, {})
                if photo in values:
                    raise DataError(f"{path}: line {reader.line_num}: {metric} of {model} on {photo} occurs twice")
                values[photo] = value
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: the table cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if not table:
        raise DataError(f"{path}: the table has no lines")
    return table


def of_table(table: Table, against: str | None = None) -> Bars:
    """The mean of each metric over the photographs, with its interval; of a metric that only the whole set has, as the
    areas under the curve in the table of an evaluation, the set's figure without one.

    Args:
        against: a model; the bars are then the mean differences to it, photograph by photograph, on those that both
            have.
    Raises:
        OptionError: no such model. DataError: two models have no photograph in common.
    """
    if against is not None and not any(against in models for models in table.values()):
        known = dict.fromkeys(model for models in table.values() for model in models)
        raise OptionError(f"There is no model {against} in the table; there are {', '.join(known)}")
    bars: Bars = {}
    for metric, models in table.items():
        if against is not None and against not in models:
            continue
        for model, values in models.items():
            if model != against:
                pair = values if against is None else _differences(values, models[against], (model, against, metric))
                bars.setdefault(metric, []).append(_bar(model, pair))
    return bars


def _bar(model: str, values: Mapping[str, float]) -> Bar:
    """Of the values of photographs, or where there are none of the set's."""
    sample = np.array([value for photo, value in values.items() if photo != SET], np.float64)
    if not sample.size:
        return Bar(model, values[SET])
    means: Floats = weights(len(sample)) @ sample
    return Bar(model, float(means[0]), *interval(means), photographs=len(sample))


def _differences(ours: Mapping[str, float], theirs: Mapping[str, float], who: tuple[str, str, str]) -> dict[str, float]:
    """Photograph to the difference on it, of the photographs that both have, and the set."""
    shared = [photo for photo in ours if photo in theirs]
    if not shared:
        raise DataError("{} and {} have no photograph in common on which both have {}".format(*who))
    return {photo: ours[photo] - theirs[photo] for photo in shared}


def draw(bars: Bars, metrics: Sequence[str] = (), against: str | None = None, points: bool = False) -> Figure:
    """One panel per metric, one bar per model from top to bottom, each with its figure and its interval.

    Args:
        metrics: which ones; default: all.
        against: what the bars are differences to; those whose interval holds 0 are gray.
        points: instead of bars, on an axis that need not begin at 0, for figures that differ little.
    Raises:
        OptionError: no such metric. DataError: there is nothing to draw.
    """
    for metric in metrics:
        if metric not in bars:
            raise OptionError(f"There is no metric named {metric}; choose from {', '.join(bars)}")
    bars = {metric: bars[metric] for metric in metrics} if metrics else bars
    if not bars:
        raise DataError("there are no differences to draw: the model to compare with is the only one")
    with style():
        return _draw(bars, against, points)


def _draw(bars: Bars, against: str | None, points: bool) -> Figure:
    models = list(dict.fromkeys(bar.model for each in bars.values() for bar in each))
    columns = min(3, len(bars))
    rows = -(-len(bars) // columns)
    # The names stand in the first column alone.
    names = 0.075 * max(map(len, models))
    page = new(names + 2.7 * columns + 0.3, rows * (0.75 + 0.24 * max(2, len(models))) + (0.3 if against else 0))
    grid = page.subplots(rows, columns, squeeze=False, sharey=True)
    panels = grid.reshape(-1)
    for panel in panels[len(bars) :]:
        panel.set_visible(False)
    place = {model: number for number, model in enumerate(models)}
    for panel, (metric, each) in zip(panels, bars.items(), strict=False):
        panel.set_title(METRICS[metric].heading if metric in METRICS else metric)
        panel.grid(axis="y", visible=False)
        panel.tick_params(axis="y", length=0)
        panel.set_yticks(range(len(models)), models)
        panel.set_ylim(len(models) - 0.4, -0.6)
        span = [number for bar in each for number in (bar.value, bar.low, bar.high) if number is not None]
        low, high = min(span), max(span)
        if not points:
            low, high = min(low, 0), max(high, 0)
        reach = high - low or abs(high) or 1
        figures = (2 if against else 3) - int(np.floor(np.log10(max(abs(low), abs(high)) or 1)))
        digits = max(0, min(4, figures))
        for bar in each:
            at = place[bar.model]
            ends = None if bar.low is None or bar.high is None else (bar.low, bar.high)
            undecided = against is not None and ends is not None and ends[0] <= 0 <= ends[1]
            colour = "#b5b5b5" if undecided else COLOURS[0]
            if points:
                panel.plot(bar.value, at, "o", color=colour, markersize=5)
            else:
                panel.barh(at, bar.value, height=0.66, color=colour, alpha=0.65)
            end = bar.value
            if ends is not None:
                panel.plot(ends, [at, at], color=INK if not points else colour, linewidth=1.1)
                end = ends[1] if bar.value >= 0 or points else ends[0]
            left = bar.value < 0 and not points
            panel.annotate(
                f"{bar.value:{'+' if against else ''}.{digits}f}".replace("-", "\N{MINUS SIGN}"),
                (end, at),
                ((-4 if left else 4), 0),
                textcoords="offset points",
                va="center",
                ha="right" if left else "left",
                fontsize=7.5,
            )
        # Room for the figures beside the bars.
        panel.set_xlim(
            low - reach * (0.25 if low < 0 else 0.06 if points else 0), high + reach * (0.3 if high else 0.1)
        )
        panel.locator_params(axis="x", nbins=5)
        if low < 0 < high or against:
            panel.axvline(0, color=INK, linewidth=0.8)
    if against:
        page.supxlabel(
            f"mean difference from {against}, same photographs, 95 % interval; gray: contains 0", fontsize=8.5
        )
    return page
