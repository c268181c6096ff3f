"""The tables of metrics.md, made from the records of the metrics: `python -m docs.metrics` writes them again.

A table stands between `<!-- metrics of a photograph -->`, `of a set` or `of a network` and `<!-- end of metrics -->`. A
test compares the page with what this would write.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tintype.evaluation.figures import METRICS, Metric

PAGE = Path(__file__).with_name("metrics.md")

TABLE = re.compile(r"(?<=<!-- metrics of a )([a-z]+)( -->\n)(.*?)(?=<!-- end of metrics -->)", re.DOTALL)

HEADS = ("metric", "definition", "range, better", "gray", "source", "what it hides")


def kind(metric: Metric) -> str:
    """The table that a metric stands in."""
    return "network" if metric.network else "photograph" if metric.of is None else "set"


def table(metrics: Sequence[Metric]) -> str:
    """Metrics as lines of Markdown."""
    better = {"zero": "0", "truth": "as the truth"}
    rows = [
        (
            f"`{metric.name}`",
            metric.definition,
            f"{metric.span}, {better.get(metric.better, metric.better)}",
            metric.gray,
            metric.source or "-",
            metric.hides,
        )
        for metric in metrics
    ]
    lines = [f"| {' | '.join(row)} |".replace("*", "\\*").replace("|  |", "| |") for row in (HEADS, *rows)]
    return "\n".join([lines[0], "|---" * len(HEADS) + "|", *lines[1:]]) + "\n"


def filled(page: str) -> str:
    """A page with its tables as the records are now."""
    return TABLE.sub(
        lambda match: f"{match[1]}{match[2]}{table([m for m in METRICS.values() if kind(m) == match[1]])}", page
    )


def main() -> None:
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
