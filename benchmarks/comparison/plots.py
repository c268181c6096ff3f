"""Findings as plots, a small one for each family of claims: losses, temperature, how gray and colour are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.comparison.claims import dense
from benchmarks.comparison.measure import BASELINES, TEMPERATURES, TEMPERED, at
from benchmarks.comparison.seeds import Comparison
from benchmarks.comparison.table import Record, rounded
from tintype.evaluation.figures import METRICS
from tintype.plots.curves import Log
from tintype.plots.figure import FAINT, line_of, new, save, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FOLDER = Path("docs/img")

LADDER = (
    "resunet.mse",
    "resunet.l1mse",
    "resunet.l1",
    "resunet.perceptual",
    "resunet.features",
    "resunet.lpips",
    "resunet.gan",
    "resunet.nogan",
    "resunet.judged",
)
"""One network with one loss after the other."""

LEARNT = ("resunet.l1", "resunet.mse", "eccv16.euclidean", "eccv16.soft", "eccv16.own")
"""Methods whose runs are drawn: how fast the loss falls and colour spreads."""


def draw(found: Record, folder: Path = FOLDER) -> list[Path]:
    """Draw what findings.json holds; the files that were written."""
    pages = {"comparison-losses.svg": losses(found), "comparison-temperature.svg": temperature(found)}
    if found.get("learning"):
        pages["comparison-learning.svg"] = learning(found["learning"])
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages.items():
        save(page, folder / name)
    return [folder / name for name in pages]


def losses(found: Record) -> Figure:
    """How colourful, how right and how near to the truth one network is with each loss."""
    ways = found["ways"]
    labels = [label for label in (*LADDER, *BASELINES[:2]) if label in ways]
    with style():
        page = new(8.4, 0.5 + 0.28 * len(labels))
        for panel, metric in zip(
            page.subplots(1, 3, sharey=True), ("colorfulness", "auc_balanced", "psnr"), strict=True
        ):
            for place, label in enumerate(reversed(labels)):
                row = ways[label][metric]
                colour = FAINT if label in BASELINES else line_of(0)["color"]
                panel.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2)
                panel.plot([row["value"]], [place], "o", color=colour, markersize=4)
            panel.set_title(METRICS[metric].heading)
            panel.set_yticks(range(len(labels)), list(reversed(labels)))
        return page


def temperature(found: Record) -> Figure:
    """PSNR and colourfulness over the temperature of the annealed mean."""
    ways = found["ways"]
    with style():
        page = new(8.4, 2.6)
        for panel, metric in zip(page.subplots(1, 2), ("colorfulness", "psnr"), strict=True):
            for number, name in enumerate(name for name in TEMPERED if name in ways):
                points = {t: ways[at(name, t)][metric] for t in TEMPERATURES if at(name, t) in ways}
                points[0.38] = ways[name][metric]
                _line(panel, name, number, sorted(points.items()))
            panel.set_title(METRICS[metric].heading)
            panel.set_xlabel("temperature: 0 is the mode, 1 the mean")
        page.legend(*panel.get_legend_handles_labels(), loc="outside right center")
        return page


def _line(panel: Axes, name: str, number: int, points: Sequence[tuple[float, Record]]) -> None:
    look = line_of(number)
    across = [t for t, _ in points]
    panel.plot(across, [row["value"] for _, row in points], "o", **look, markersize=3, label=name)
    low, high = [row["low"] for _, row in points], [row["high"] for _, row in points]
    panel.fill_between(across, low, high, color=look["color"], alpha=0.15, linewidth=0)


def learnt(comparison: Comparison) -> Record:
    """Of the runs of the first seed, the fall of the loss and the spread of chroma, as findings.json holds them."""
    return {
        label: series(comparison.seeds[0].logs[label])
        for label in LEARNT
        if label in comparison.seeds[0].logs and len(comparison.seeds[0].logs[label].series("validation", "spread")[0])
    }


def series(log: Log) -> Record:
    """Steps, the share of the loss's fall, and the spread of chroma as a share of the truth's."""
    steps, loss = dense(log, "loss")
    wide, true = (dense(log, name)[1] for name in ("spread", "true_spread"))
    fallen = (loss[0] - loss) / (loss[0] - loss.min())
    return {
        "steps": [int(step) for step in steps],
        "fallen": [rounded(value) for value in fallen],
        "spread": [rounded(value) for value in wide / true],
    }


def learning(found: Record) -> Figure:
    """The share of the loss's fall and the spread of chroma over the updates of the network, on a logarithmic scale."""
    with style():
        page = new(8.4, 2.6)
        panels = page.subplots(1, 2)
        titles = {"fallen": "share of the loss's fall", "spread": "spread of chroma, share of the truth's"}
        for panel, (key, title) in zip(panels, titles.items(), strict=True):
            for number, (label, run) in enumerate(found.items()):
                steps = [step + 1 for step in run["steps"]]
                panel.plot(steps, run[key], **line_of(number), label=label)
            panel.set_xscale("log")
            panel.set_title(title)
            panel.set_xlabel("updates of the network, plus 1")
        page.legend(*panel.get_legend_handles_labels(), loc="outside right center")
        return page
