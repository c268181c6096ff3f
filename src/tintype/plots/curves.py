"""Loss and metrics over a training run, from its log, one or several runs in one picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tintype.errors import DataError, OptionError
from tintype.plots.figure import FAINT, line_of, new, powers, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOG = "log.jsonl"

WINDOW = 100
"""Default number of training steps in a running average."""
VALIDATIONS = 1
"""Default number of validations in a running average."""

SPAN = 30
"""Times the least value that the greatest of a panel may be on an even scale."""

TRUE = "true_"
"""A figure of this name and more is the truth's, drawn as a level beside the network's own."""


Line = dict[str, Any]
"""A line of a log: its part, its step, and figures by their names."""


@dataclass(frozen=True)
class Log:
    """What a run wrote down."""

    name: str
    train: list[Line]
    validation: list[Line]
    batch: int | None
    """Photographs in a step; None where the log does not say."""
    early: list[Line] = field(default_factory=list)
    """What a few photographs showed at the beginning, at step 0 and more often than the validations."""

    def lines(self) -> list[Line]:
        return self.train + self.validation

    def figures(self) -> list[str]:
        """The names of what was measured at each validation, the loss first; of training, where there was none."""
        lines = self.validation or self.train
        names = list(dict.fromkeys(key for line in lines for key in line if key not in ("part", "step")))
        return sorted(names, key=lambda name: name != "loss")

    def series(
        self, part: Literal["train", "validation", "early"], figure: str
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Steps and values of one figure, float64 [n] each; a figure of `train` is the mean since the step before."""
        lines = [line for line in getattr(self, part) if figure in line]
        steps, values = (np.array([line[key] for line in lines], np.float64) for key in ("step", figure))
        return steps, values


def read_log(run: str | PathLike[str], name: str | None = None) -> Log:
    """The log of a run.

    Args:
        run: its folder, or the log itself.
        name: what the picture calls it; by default the folder's name.
    Raises:
        DataError: there is none, or it is the log of something else.
    """
    path = Path(run)
    path = path / LOG if path.is_dir() else path
    try:
        rows = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise DataError(f"{path}: the log of a run cannot be read ({why}); give the folder of a run") from None
    parts: dict[str, list[Line]] = {"start": [], "train": [], "validation": [], "early": []}
    for number, row in enumerate(rows, start=1):
        try:
            line = json.loads(row)
            float(line["step"])
            parts.setdefault(line["part"], []).append(line)
        except (ValueError, KeyError, TypeError):
            if number == len(rows):
                break  # the run is at it, or was killed in the middle of the line
            raise DataError(f"{path}: line {number} is not from the log of a run; give the folder of a run") from None
    if not (parts["train"] or parts["validation"]):
        raise DataError(f"{path}: the log has no figures yet; wait for the first line")
    batch = next((line["config"].get("batch") for line in parts["start"] if "config" in line), None)
    return Log(name or path.absolute().parent.name, parts["train"], parts["validation"], batch, parts["early"])


def read_logs(runs: Sequence[str | PathLike[str]]) -> list[Log]:
    """The logs of several runs, named by as much of their paths as tells them apart.

    Raises:
        DataError: as `read_log`.
    """
    return [read_log(run, name) for run, name in zip(runs, names(runs), strict=True)]


def names(runs: Sequence[str | PathLike[str]]) -> list[str]:
    """The shortest ends of the paths of runs that differ from each other; two of one path stay alike."""
    parts = [(path.parent if path.is_file() else path).absolute().parts for path in map(Path, runs)]
    for length in range(1, max(map(len, parts), default=1) + 1):
        short = ["/".join(each[-length:]) for each in parts]
        if len(set(short)) == len(set(parts)):
            break
    return short


def running_mean(steps: NDArray[np.float64], values: NDArray[np.float64], window: float) -> NDArray[np.float64]:
    """The mean over the last `window` steps, at each step of a log whose values are means since the step before.

    Early on, where there are not as many steps yet, it is the mean over those that there are.

    Args:
        steps: [n], rising, above 0. values: [n].
    Returns:
        float64 [n].
    """
    ends = np.concatenate([[0.0], steps])
    total = np.concatenate([[0.0], np.cumsum(values * np.diff(ends))])
    begin = np.maximum(steps - window, 0)
    return np.asarray((total[1:] - np.interp(begin, ends, total)) / (steps - begin))


def draw(
    logs: Sequence[Log],
    figures: Sequence[str] = (),
    window: int = WINDOW,
    validations: int = VALIDATIONS,
    across: Literal["steps", "photographs"] = "steps",
) -> Figure:
    """One panel per figure; a run has a colour, training is thin and validation thick, with what was measured behind.

    Args:
        figures: their names in the log; by default the loss and all that the validations measure.
        window: steps, and validations: number of them, that the running averages take in; 1 draws what was measured.
        across: what runs to the right; photographs seen make runs of different batches comparable.
    Raises:
        OptionError: a figure is in none of the logs, or a window is below 1.
        DataError: a log does not say how many photographs are in a step.
    """
    for what, size in (("window", window), ("number of validations", validations)):
        if size < 1:
            raise OptionError(f"The {what} must be a whole number of at least 1, not {size}")
    known = list(dict.fromkeys(name for log in logs for name in log.figures()))
    logged = {key for log in logs for line in log.lines() for key in line} - {"part", "step"}
    for figure in figures:
        if figure not in logged:
            raise OptionError(f"No run has a figure named {figure}; choose from {', '.join(sorted(logged))}")
    figures = list(figures) or [name for name in known if not name.startswith(TRUE)]
    if across == "photographs":
        for log in logs:
            if log.batch is None:
                raise DataError(f"{log.name}: its log does not say how many photographs a step has; draw it by steps")
    with style():
        return _draw(logs, figures, window, validations, across)


def _draw(logs: Sequence[Log], figures: Sequence[str], window: int, validations: int, across: str) -> Figure:
    from matplotlib.lines import Line2D
    from matplotlib.ticker import EngFormatter

    columns = min(3, len(figures))
    rows = -(-len(figures) // columns)
    page = new(max(5.2, 3.7 * columns), 2.7 * rows + 0.35 + 0.19 * -(-(len(logs) + 3) // 4))
    panels = page.subplots(rows, columns, squeeze=False).reshape(-1)
    for panel in panels[len(figures) :]:
        panel.set_visible(False)
    scales = [(log.batch or 1) if across == "photographs" else 1 for log in logs]
    end = max(line["step"] * scale for log, scale in zip(logs, scales, strict=True) for line in log.lines())
    both = level = False
    for panel, figure in zip(panels, figures, strict=False):
        panel.set_title(figure)
        panel.xaxis.set_major_formatter(EngFormatter(sep=""))
        panel.set_xlim(0, end * 1.02)
        for number, (log, scale) in enumerate(zip(logs, scales, strict=True)):
            look = line_of(number)
            steps, values = log.series("train", figure)
            if len(steps):
                if len(logs) == 1:
                    panel.plot(steps * scale, values, color=look["color"], linewidth=0.7, alpha=0.35)
                panel.plot(steps * scale, running_mean(steps, values, window), **look, linewidth=0.9, alpha=0.75)
            checked, measured = log.series("validation", figure)
            if len(checked):
                both |= bool(len(steps))
                shown = running_mean(np.arange(1.0, len(measured) + 1), measured, validations)
                panel.plot(checked * scale, measured, "o", color=look["color"], markersize=2.4, alpha=0.5)
                panel.plot(checked * scale, shown, **look, linewidth=2)
            truths = log.series("validation", TRUE + figure)
            if len(truths[0]):
                level = True
                panel.plot(truths[0] * scale, truths[1], color=look["color"], linewidth=1, linestyle=(0, (2, 2)))
        _stretch(panel)
    for panel in panels[max(0, len(figures) - columns) : len(figures)]:
        panel.set_xlabel("photographs seen" if across == "photographs" else "steps")
    handles = [Line2D([], [], **line_of(number), linewidth=2, label=log.name) for number, log in enumerate(logs)]
    if both:
        span = "1 step" if window == 1 else f"mean of {window} steps"
        last = "each" if validations == 1 else f"mean of {validations}"
        handles.append(Line2D([], [], color=FAINT, linewidth=0.9, label=f"training, {span}"))
        handles.append(Line2D([], [], color=FAINT, linewidth=2, marker="o", markersize=3, label=f"validation, {last}"))
    if level:
        handles.append(Line2D([], [], color=FAINT, linewidth=1, linestyle=(0, (2, 2)), label="of the true colours"))
    page.legend(handles=handles, loc="outside lower left", ncols=min(4, len(handles)), handlelength=2.2)
    return page


def _stretch(panel: Axes) -> None:
    """A logarithmic scale, where runs are as far apart as losses of different kinds are."""
    values = np.concatenate([line.get_ydata() for line in panel.lines])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > SPAN * values.min():
        panel.set_yscale("log")
        powers(panel.yaxis)
