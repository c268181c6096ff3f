"""The methods' figures as records, and these as Markdown tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.comparison.measure import BASELINES, CONSTANT, at
from benchmarks.comparison.seeds import ENOUGH, FIGURES, RUNS, Comparison, Figure
from tintype.evaluation.figures import METRICS
from tintype.evaluation.protocol import TRUTH

SHORT, LOW = "†", "‡"
"""Marks of methods that support no claim: trained too little; at the card's temperature no better than a constant."""

SHOWN = ("psnr", "colorfulness", "dcf", "auc", "auc_balanced", "rmse_ab")

Record = dict[str, Any]
"""What is written into findings.json."""


def constants_above(comparison: Comparison, label: str) -> list[str]:
    """The constant colours that a way does not beat in `auc_balanced`, by a paired interval."""
    return [name for name in CONSTANT if comparison.difference("auc_balanced", label, name).low <= 0]


def marks(comparison: Comparison, short: Mapping[str, str] | None = None) -> dict[str, list[str]]:
    """The methods that support no claim, and why, each reason after its mark.

    Args:
        short: method -> why it counts as trained too little, by runs of half and double the samples.
    """
    reasons: dict[str, list[str]] = {}
    for label in comparison.methods:
        why = []
        if short and label in short:
            why.append(f"{SHORT} {short[label]}")
        if above := constants_above(comparison, label):
            mean = at(label, 1)
            redeemed = mean in comparison.labels and not constants_above(comparison, mean)
            why.append(f"{LOW} not above {' and '.join(above)}" + (" (at T=1 it is)" if redeemed else ""))
        if why:
            reasons[label] = why
    return reasons


def record(figure: Figure) -> Record:
    return {
        "value": rounded(figure.value),
        "low": rounded(figure.low),
        "high": rounded(figure.high),
        "seeds": figure.seeds,
        "by_seed": [rounded(value) for value in figure.by_seed],
    }


def rounded(value: float) -> float:
    """To so many digits that what is shown does not change."""
    return float(f"{value:.6g}")


def figure_of(found: Record) -> Figure:
    """What `record` wrote."""
    return Figure(found["value"], found["low"], found["high"], found["seeds"], tuple(found["by_seed"]))


def records(comparison: Comparison, root: Path, marked: Mapping[str, Sequence[str]]) -> Record:
    """What the tables are made of."""
    first = comparison.seeds[0]
    costs: Record = {}
    for seed in reversed(comparison.seeds):
        path = root / f"seed-{seed.number}" / FIGURES / "costs.json"
        if path.is_file():
            costs |= json.loads(path.read_text(encoding="utf-8"))
    ways = [label for label in comparison.labels if label != TRUTH]
    return {
        "samples": samples(comparison, root),
        "photographs": first.figures.count,
        "bins": int(first.figures.bins.sum()),
        "truth": record(comparison.figure("colorfulness", TRUTH)),
        "ways": {
            label: {metric: record(comparison.figure(metric, label)) for metric in SHOWN}
            | ({"marks": list(marked[label])} if label in marked else {})
            for label in ways
        },
        "costs": {
            label: {key: rounded(value) for key, value in costs.get(label, {}).items()}
            | {"above": record(comparison.difference("auc_balanced", label, CONSTANT[0]))}
            for label in sorted(comparison.methods)
        },
    }


def samples(comparison: Comparison, root: Path) -> list[int]:
    """From how many samples the networks learned, by the records of their runs; each number once."""
    found = set()
    for seed in comparison.seeds:
        for label in seed.methods():
            path = root / f"seed-{seed.number}" / RUNS / label / "record.json"
            if path.is_file():
                found.add(int(json.loads(path.read_text(encoding="utf-8"))["samples"]))
    return sorted(found)


def run(found: Record) -> str:
    """What the figures are of, in a sentence or two, as Markdown."""
    methods = {label: way["psnr"]["seeds"] for label, way in found["ways"].items() if label in found["costs"]}
    count = sum(seeds >= ENOUGH for seeds in methods.values())
    learned = " or ".join(f"{number:,}" for number in found["samples"])
    words = f"{len(methods)} methods were measured, {count} of them with {ENOUGH} seeds or more."
    if learned:
        words += f" The networks learned from {learned} samples."
    return " ".join([words, *([found["note"]] if "note" in found else [])])


def quality(found: Record) -> str:
    """A line for each way, the best `auc_balanced` first."""
    ways = found["ways"]
    truth = figure_of(found["truth"]).text(METRICS["colorfulness"].text)
    lines = [
        f"{found['photographs']} photographs; 95 % intervals over them and, where there are several seeds, over seeds. "
        f"Colourfulness of the truth: {truth}. `auc_balanced` over {found['bins']} bins.",
        "",
        "| | seeds | " + " | ".join(METRICS[metric].title for metric in SHOWN) + " |",
        "|---" * (2 + len(SHOWN)) + "|",
    ]
    for label in sorted(ways, key=lambda label: -ways[label]["auc_balanced"]["value"]):
        way = ways[label]
        signs = "".join(reason[0] for reason in way.get("marks", []))
        name = f"*{label}*" if label in BASELINES else f"{label} {signs}".strip()
        seeds = "" if label in BASELINES else f"{way['psnr']['seeds']}"
        cells = [figure_of(way[metric]).text(METRICS[metric].text) for metric in SHOWN]
        lines.append(f"| {name} | {seeds} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cost(found: Record) -> str:
    """A line for each method: what it costs, and how far it is above a constant colour."""
    lines = [
        "| | network px | file MB | parameters | network ms | photograph ms | auc_balanced above prior mean "
        "| supports no claim |",
        "|---" * 8 + "|",
    ]
    for label, row in found["costs"].items():
        cells = ["", "", "", "", ""]
        if "size" in row:
            cells = [
                f"{row['size']:.0f}",
                f"{row['bytes'] / 1e6:.3f}",
                f"{row['parameters']:,.0f}",
                f"{row['network_ms']:.1f}",
                f"{row['photograph_ms']:.1f}",
            ]
        above = figure_of(row["above"]).text("{:+.2f}".format)
        why = ", ".join(found["ways"][label].get("marks", []))
        lines.append(f"| {label} | " + " | ".join([*cells, above, why]) + " |")
    return "\n".join(lines)


def apart(found: Record) -> str:
    """A line for each method with several seeds: its figures with each, and how far chance moves them."""
    shown = ("psnr", "colorfulness", "auc_balanced", "rmse_ab")
    ways = {
        label: way
        for label, way in found["ways"].items()
        if label not in BASELINES and " T=" not in label and len(way["psnr"]["by_seed"]) > 1
    }
    if not ways:
        return "No method was measured with more than one seed yet."
    lines = ["| | " + " | ".join(METRICS[metric].title for metric in shown) + " |", "|---" * (1 + len(shown)) + "|"]
    for label in sorted(ways, key=lambda label: -ways[label]["auc_balanced"]["value"]):
        cells = [", ".join(map(METRICS[metric].text, ways[label][metric]["by_seed"])) for metric in shown]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    widest = [
        METRICS[metric].text(max(max(way[metric]["by_seed"]) - min(way[metric]["by_seed"]) for way in ways.values()))
        for metric in shown
    ]
    return "\n".join([*lines, "| *furthest apart* | " + " | ".join(widest) + " |"])
