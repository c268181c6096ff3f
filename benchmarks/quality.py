"""How good the colours are, in figures: `python -m benchmarks.quality PHOTOS.tar [--temperatures 0.4,0.6]`.

The photographs' CIE lightness as 8-bit gray is coloured by the package, from array to array, and the 8-bit RGB that
comes out is compared with the truth. A row `gray` stands beside each model. In brackets are 95 % intervals of the
Bayesian bootstrap over photographs. Definitions: docs/metrics.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tintype import Colorizer
from tintype.evaluation.bootstrap import Resampled, interval
from tintype.evaluation.evaluator import Gathered, gather
from tintype.evaluation.figures import METRICS
from tintype.evaluation.photographs import Photographs
from tintype.evaluation.protocol import TRUTH
from tintype.models import DEFAULT

SHOWN = ("psnr", "colorfulness", "dcf", "auc", "auc_prior", "auc_balanced")


def photographs(data: Path, limit: int | None = None, side: int | None = None) -> Iterator[tuple[str, np.ndarray]]:
    """Name and uint8 [h, w, 3] of each photograph; `side`: centre square, resized (for sets of mixed sizes)."""
    found = Photographs(data, side, limit)
    for number, name in enumerate(found.names):
        yield name, found[number]


def gray(codes: np.ndarray) -> np.ndarray:
    """Gray codes uint8 [h, w] as a picture without colour, uint8 [h, w, 3]."""
    return np.repeat(codes[..., None], 3, axis=2)


def measure(photos: Iterable[tuple[str, np.ndarray]], ways: dict[str, Colorizer], response: str = "cie") -> Gathered:
    """What the ways come to, gray first; one pass over the photographs."""

    def paint(name: str, codes: np.ndarray, truth: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        yield "gray", gray(codes)
        for label, colorize in ways.items():
            yield label, colorize(codes)

    return gather(photos, paint, film=response, only=SHOWN)


def figures(found: Gathered) -> list[dict]:
    """For each way its figures, each with its interval, for JSON."""
    sets = Resampled(found)
    rows = []
    for label in found.models:
        row = {"label": label, "photographs": sets.count, "bins": int(sets.bins.sum())}
        for metric in SHOWN:
            figure = sets.figure(metric, label)
            row |= {metric: float(figure[0]), f"{metric}_interval": interval(figure)}
        rows.append(row | {"colorfulness_truth": float(sets.figure("colorfulness", TRUTH)[0])})
    return rows


def table(found: Gathered) -> str:
    """The figures as Markdown."""
    rows = figures(found)
    lines = [
        f"{rows[0]['photographs']} photographs; colourfulness of the truth: {rows[0]['colorfulness_truth']:.1f}; "
        f"`auc_balanced` over {rows[0]['bins']} bins.",
        "",
        f"| | {' | '.join(METRICS[metric].title for metric in SHOWN)} |",
        "|---" * (1 + len(SHOWN)) + "|",
    ]
    for row in rows:
        cells = []
        for metric in SHOWN:
            value, (low, high) = row[metric], row[f"{metric}_interval"]
            cells.append("{} [{}, {}]".format(*(METRICS[metric].text(number) for number in (value, low, high))))
        lines.append(f"| {row['label']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--temperatures", default="", help="comma-separated; default: the card's")
    parser.add_argument("--sizes", default="", help="comma-separated network sizes; default: the card's")
    parser.add_argument("--vividness", type=float, default=1.0)
    parser.add_argument("--response", default="cie", help="film response")
    parser.add_argument("--only", default="", help="comma-separated beginnings of photographs' names")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--side", type=int, help="centre square of this side; default: the photographs as they are")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    model = Colorizer(options.model).model
    ways = {}
    for size in options.sizes.split(","):
        for temperature in options.temperatures.split(","):
            settings = {"size": int(size) if size else None, "temperature": float(temperature) if temperature else None}
            label = f"{model.name} T={temperature or model.card.temperature} size={size or model.card.size}"
            ways[label] = Colorizer(model, vividness=options.vividness, **settings)
    photos = photographs(options.photographs, options.limit, options.side)
    if options.only:
        starts = tuple(options.only.split(","))
        photos = ((name, photo) for name, photo in photos if Path(name).name.startswith(starts))
    found = measure(photos, ways, options.response)
    print(table(found))
    if options.json:
        options.json.write_text(json.dumps(figures(found), indent=1))


if __name__ == "__main__":
    sys.exit(main())
