"""The same methods trained again with another seed: how far chance alone moves a figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.comparison.bootstrap import Resampled
from benchmarks.comparison.table import methods
from tintype.evaluation.figures import METRICS

SHOWN = ("psnr", "colorfulness", "auc_balanced", "rmse_ab")


def seeds(folder: Path, other: Path) -> str:
    """A line for each method that both folders of figures hold, and how far apart the seeds are in the middle."""
    figures = [Resampled(each, 1) for each in (folder, other)]
    labels = [label for label in methods(figures[0]) if label in figures[1].ways]
    lines = [
        "| | " + " | ".join(f"{METRICS[metric].title}, first seed, second" for metric in SHOWN) + " |",
        "|---" * (1 + len(SHOWN)) + "|",
    ]
    apart: dict[str, list[float]] = {metric: [] for metric in SHOWN}
    for label in sorted(labels, key=lambda label: -figures[0].figure("auc_balanced", label)[0]):
        cells = []
        for metric in SHOWN:
            first, second = (each.figure(metric, label)[0] for each in figures)
            text = METRICS[metric].text
            cells.append(f"{text(first)}, {text(second)}")
            apart[metric].append(abs(first - second))
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    middle = [METRICS[metric].text(float(np.median(apart[metric]))) for metric in SHOWN]
    return "\n".join([*lines, "| *apart, median* | " + " | ".join(middle) + " |"])
