"""The methods' figures as Markdown tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.comparison.bootstrap import Resampled
from benchmarks.comparison.measure import BASELINES, CONSTANT, at
from tintype.errors import DataError
from tintype.evaluation.bootstrap import interval
from tintype.evaluation.figures import METRICS
from tintype.evaluation.protocol import TRUTH
from tintype.plots.curves import Log, read_log

TAIL = 0.1
STILL = 0.01
"""A run is undertrained whose validation loss falls by more than this share of itself over its last tenth."""

IMPROVING, LOW = "†", "‡"
"""Marks of undertrained methods: the loss still falls; at the card's temperature no better than a constant colour."""

SHOWN = ("psnr", "colorfulness", "dcf", "auc", "auc_balanced", "rmse_ab")


def logs(runs: Path | None, labels: list[str]) -> dict[str, Log]:
    """The logs of those methods whose runs are there."""
    if runs is None:
        return {}
    return {label: read_log(runs / label) for label in labels if (runs / label).is_dir()}


def methods(figures: Resampled) -> list[str]:
    """The ways that are models at their own temperature."""
    return [label for label in figures.ways if label not in (TRUTH, *BASELINES) and " T=" not in label]


def tail(log: Log) -> float:
    """By what share of itself the validation loss fell over the last tenth of the run."""
    steps, losses = log.series("validation", "loss")
    if not len(steps):
        raise DataError(f"{log.name}: the run was never validated")
    before = float(np.interp((1 - TAIL) * steps[-1], steps, losses))
    return (before - losses[-1]) / abs(before)


def constants_above(figures: Resampled, label: str) -> list[str]:
    """The constant colours that a way does not beat in `auc_balanced`, by a paired interval."""
    return [name for name in CONSTANT if interval(figures.difference("auc_balanced", label, name))[0] <= 0]


def undertrained(figures: Resampled, found: dict[str, Log]) -> dict[str, list[str]]:
    """The methods that support no claim, and why, each reason after its mark."""
    reasons: dict[str, list[str]] = {}
    for label in methods(figures):
        why = []
        if label in found and tail(found[label]) > STILL:
            why.append(f"{IMPROVING} still improving")
        if above := constants_above(figures, label):
            mean = at(label, 1)
            redeemed = mean in figures.ways and not constants_above(figures, mean)
            why.append(f"{LOW} not above {' and '.join(above)}" + (" (at T=1 it is)" if redeemed else ""))
        if why:
            reasons[label] = why
    return reasons


def with_interval(figure: np.ndarray, text: Callable[[float], str]) -> str:
    low, high = interval(figure)
    return f"{text(float(figure[0]))} [{text(low)}, {text(high)}]"


def quality(figures: Resampled, marked: dict[str, list[str]]) -> str:
    """A line for each way, the best `auc_balanced` first."""
    labels = [label for label in figures.ways if label != TRUTH]
    labels.sort(key=lambda label: -figures.figure("auc_balanced", label)[0])
    truth = with_interval(figures.mean("colorfulness", TRUTH), METRICS["colorfulness"].text)
    lines = [
        f"{figures.count} photographs; 95 % intervals over them, single seed. Colourfulness of the truth: {truth}. "
        f"`auc_balanced` over {figures.bins.sum()} bins.",
        "",
        "| | " + " | ".join(METRICS[metric].title for metric in SHOWN) + " |",
        "|---" * (1 + len(SHOWN)) + "|",
    ]
    for label in labels:
        marks = "".join(reason[0] for reason in marked.get(label, []))
        name = f"*{label}*" if label in BASELINES else f"{label} {marks}".strip()
        cells = [with_interval(figures.figure(metric, label), METRICS[metric].text) for metric in SHOWN]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cost(figures: Resampled, folder: Path, marked: dict[str, list[str]], found: dict[str, Log]) -> str:
    """A line for each method: what it costs, and whether it was trained enough."""
    path = folder / "costs.json"
    costs = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    lines = [
        "| | network px | file MB | parameters | network ms | photograph ms | auc_balanced above prior mean "
        "| loss over last tenth | undertrained |",
        "|---" * 9 + "|",
    ]
    for label in sorted(methods(figures)):
        row = costs.get(label)
        cells = ["", "", "", "", ""]
        if row:
            cells = [
                f"{row['size']}",
                f"{row['bytes'] / 1e6:.3f}",
                f"{row['parameters']:,}",
                f"{row['network_ms']:.1f}",
                f"{row['photograph_ms']:.1f}",
            ]
        above = with_interval(figures.difference("auc_balanced", label, CONSTANT[0]), "{:+.2f}".format)
        fall = f"{-100 * tail(found[label]):+.2f} %" if label in found else "no log"
        lines.append(f"| {label} | " + " | ".join([*cells, above, fall, ", ".join(marked.get(label, []))]) + " |")
    return "\n".join(lines)


def tables(folder: Path, runs: Path | None) -> str:
    figures = Resampled(folder)
    found = logs(runs, methods(figures))
    marked = undertrained(figures, found)
    return quality(figures, marked) + "\n\n" + cost(figures, folder, marked, found)
