"""The results of projects.md, copied from the tables of the comparison: `python -m docs.projects` writes them again.

They stand between `<!-- results of A -->` and `<!-- end of results -->`. A test compares the page with what this would
write, so that the two pages say the same.
"""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).with_name("projects.md")
COMPARISON = Path(__file__).with_name("comparison-figures.md")

METHODS = {
    "A": ("cnn10.hsv", "cnn10.lab"),
    "B": ("eccv16.soft", "eccv16.rebalanced", "eccv16.low"),
    "C": (
        "eccv16.euclidean",
        "eccv16.soft",
        "eccv16.onehot",
        "eccv16.rebalanced",
        "eccv16.smoothed",
        "eccv16.own",
        "eccv16.simplified",
    ),
    "D": ("resunet.l1", "resunet.mse", "resunet.l1mse", "resunet.perceptual"),
    "E": ("cnn_mse.mse", "classifier.soft", "dcgan.mse", "dcgan.gan"),
}
"""The methods of the comparison that stand for each project."""

FIGURES = ("PSNR", "colourfulness", "auc_balanced")
KNOWN = ("gray",)
"""Rows that know nothing, shown beside those of every project."""

RESULTS = re.compile(r"(?<=<!-- results of )([A-E])( -->\n)(.*?)(?=<!-- end of results -->)", re.DOTALL)


def tables(page: str) -> list[list[dict[str, str]]]:
    """The tables of a page; each row has its cells by the words above them."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", page, re.MULTILINE):
        heads, _, *rows = ([cell.strip() for cell in line.strip("|").split(" | ")] for line in block.splitlines())
        found.append([dict(zip(heads, row, strict=False)) for row in rows])
    return found


def name(row: dict[str, str]) -> str:
    """The method of a row, without what marks it."""
    return next(iter(row.values())).strip("*†‡ ")


def results(project: str, comparison: str) -> str:
    """The figures of a project's methods, and the verdicts on what it claimed, as lines of Markdown.

    Raises:
        ValueError: the comparison has no verdicts on this project, or no figures of its methods.
    """
    rows = [row for table in tables(comparison) for row in table]
    measured = {name(row): row for row in reversed(rows) if {*FIGURES} <= row.keys()}
    figures = [measured[method] for method in (*METHODS[project], *KNOWN) if method in measured]
    claims = [row for row in rows if "claim" in row and name(row) == project]
    if len(figures) < 2 or not claims:
        raise ValueError(f"{COMPARISON.name} has no figures or no verdicts for project {project}: see docs/projects.py")
    verdict = "verdict" if "verdict" in claims[0] else "here"
    return "\n".join(
        [
            f"| | {' | '.join(FIGURES)} |",
            "|---" * (1 + len(FIGURES)) + "|",
            *(f"| {' | '.join([next(iter(row.values())), *(row[figure] for figure in FIGURES)])} |" for row in figures),
            "",
            "| what it claimed or asked | verdict of the comparison |",
            "|---|---|",
            *(f"| {row['claim']} | {row[verdict]} |" for row in claims),
            "",
        ]
    )


def filled(page: str, comparison: str) -> str:
    """A page with its results as they are in the comparison."""
    return RESULTS.sub(lambda match: f"{match[1]}{match[2]}\n{results(match[1], comparison)}\n", page)


def main() -> None:
    page = filled(PAGE.read_text(encoding="utf-8"), COMPARISON.read_text(encoding="utf-8"))
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
