"""How well models cope with damage and films, from the table of `tintype robustness`: a panel per kind."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from tintype.errors import DataError, OptionError
from tintype.evaluation.protocol import BASELINES, TRUTH
from tintype.evaluation.robustness import COLUMNS, PLATE, TABLE, UNDAMAGED
from tintype.plots.figure import FAINT, line_of, new, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "film": "film",
    "noise": "noise: sigma in codes",
    "blur": "blur: sigma in pixels",
    "fading": "fading: contrast lost",
    "jpeg": "JPEG: quality",
    "size": "short side in pixels",
    PLATE: "exposures of real plates",
}

NAMES = {"gain_kept": "gain over gray that is kept, %", "gain": "gain over gray in auc_balanced"}

LEVELS = {"gain_kept": (0, 100), "gain": (0,)}
"""What a metric is compared with, drawn as lines: gray, and undamaged photographs."""

SINGLE = ("film", PLATE)
"""Kinds whose levels have no order, drawn as points that no line joins."""

FALLING = ("jpeg", "size")
"""Kinds where a smaller level is a greater damage; all are drawn with the damage growing to the right."""

Table = dict[str, dict[str, dict[str, dict[str, float]]]]
"""Metric to kind to level to model to value."""


def read_table(path: str | PathLike[str]) -> Table:
    """The table of a run.

    Args:
        path: the folder of the run, or the table itself.
    Raises:
        DataError: there is none, or it is the table of something else.
    """
    path = Path(path)
    path = path / TABLE if path.is_dir() else path
    table: Table = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                kind, level, model, metric, value = (row[name] for name in COLUMNS)
                table.setdefault(metric, {}).setdefault(kind, {}).setdefault(level, {})[model] = float(value)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: the table cannot be read ({getattr(error, 'strerror', None) or error})") from None
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f"{path} is not a table of tintype robustness, whose columns are {', '.join(COLUMNS)}"
        ) from None
    if not table:
        raise DataError(f"{path}: the table has no lines")
    return table


def draw(table: Table, metric: str = "gain", models: Sequence[str] = ()) -> Figure:
    """A panel per kind, a line per model with its interval as a band, where the table has one; damages grow rightwards.

    Args:
        models: which ones; by default all but those that know nothing.
    Raises:
        OptionError: the table has no such metric or model.
        DataError: the table has it of nothing but the truth and what knows nothing.
    """
    if metric not in table:
        known = ", ".join(name for name in table if not name.endswith(("_low", "_high")))
        raise OptionError(f"The table has no {metric}; it has {known or 'nothing'}")
    measured = dict.fromkeys(model for levels in table[metric].values() for by in levels.values() for model in by)
    for model in models:
        if model not in measured:
            raise OptionError(f"The table has no {metric} of {model}, only of {', '.join(measured)}")
    models = list(models) or [model for model in measured if model not in (TRUTH, *BASELINES)]
    if not models:
        raise DataError(f"the table has no {metric} of any model")
    with style():
        return _draw(table, metric, models)


def _draw(table: Table, metric: str, models: Sequence[str]) -> Figure:
    kinds = list(table[metric])
    columns = min(4, len(kinds))
    rows = -(-len(kinds) // columns)
    page = new(max(4.2, 2.75 * columns), 2.35 * rows + 0.5)
    panels = page.subplots(rows, columns, squeeze=False, sharey=True).reshape(-1)
    for panel in panels[len(kinds) :]:
        panel.set_visible(False)
    for kind, panel in zip(kinds, panels, strict=False):
        values = dict(table[metric][kind])
        levels = list(values)[::-1] if kind in FALLING else list(values)
        if kind not in SINGLE and (whole := table[metric].get(UNDAMAGED[0], {}).get(UNDAMAGED[1])):
            values["none"] = whole
            levels = ["none", *levels]
        panel.set_title(TITLES.get(kind, kind))
        for number, model in enumerate(models):
            _line(panel, table, metric, kind, levels, values, model, number, len(models))
        truths = [values[level][TRUTH] for level in levels if TRUTH in values[level]]
        if truths:
            panel.axhline(truths[0], color=FAINT, linewidth=1, linestyle=(0, (2, 2)))
        turned = kind in SINGLE
        panel.set_xticks(range(len(levels)), levels, rotation=25 if turned else 0, ha="right" if turned else "center")
        panel.set_xlim(-0.4, len(levels) - 0.6)
        for level in LEVELS.get(metric, ()):
            panel.axhline(level, color=FAINT, linewidth=0.8)
    for panel in panels[: len(kinds) : columns]:
        panel.set_ylabel(NAMES.get(metric, metric))
    handles = [panels[0].plot([], [], **line_of(number), label=model)[0] for number, model in enumerate(models)]
    if TRUTH in next(iter(next(iter(table[metric].values())).values())):
        handles += panels[0].plot([], [], color=FAINT, linewidth=1, linestyle=(0, (2, 2)), label="the true colours")
    page.legend(handles=handles, loc="outside lower left", ncols=min(4, len(handles)), handlelength=2.2)
    return page


def _line(
    panel: Axes,
    table: Table,
    metric: str,
    kind: str,
    levels: Sequence[str],
    values: Mapping[str, Mapping[str, float]],
    model: str,
    number: int,
    count: int,
) -> None:
    """Draw one of `count` models: its values over the levels of a kind, by level and model, and their intervals."""
    places = [place for place, level in enumerate(levels) if model in values[level]]
    heights = [values[levels[place]][model] for place in places]
    look = line_of(number)
    low, high = (
        _end(table, f"{metric}_{end}", kind, [levels[place] for place in places], model) for end in ("low", "high")
    )
    if kind in SINGLE:
        shifted = [place + 0.5 * ((number + 0.5) / count - 0.5) for place in places]
        panel.plot(shifted, heights, "o", color=look["color"], markersize=4)
        if low and high:
            panel.vlines(shifted, low, high, color=look["color"], linewidth=1.2)
        return
    panel.plot(places, heights, **look, marker="o", markersize=3)
    if low and high:
        panel.fill_between(places, low, high, color=look["color"], alpha=0.13, linewidth=0)


def _end(table: Table, metric: str, kind: str, levels: Sequence[str], model: str) -> list[float] | None:
    """One end of the intervals; None where the table has none."""
    heights = []
    for level in levels:
        where, at = UNDAMAGED if level == "none" else (kind, level)
        value = table.get(metric, {}).get(where, {}).get(at, {}).get(model)
        if value is None:
            return None
        heights.append(value)
    return heights
