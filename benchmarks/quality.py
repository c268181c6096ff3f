"""How good the colours are, in figures: `python -m benchmarks.quality PHOTOS.tar [--temperatures 0.4,0.6]`.

The photographs' CIE lightness as 8-bit gray is coloured by the package, from array to array, and the 8-bit RGB that
comes out is compared with the truth. A row `gray` stands beside each model. PSNR and colourfulness are means over
photographs with a 95 % bootstrap interval; the areas under the curve are over the set. Definitions:
`tintype.evaluation.metrics`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tintype import Colorizer
from tintype.color import film, lab
from tintype.data.shards import decode, members
from tintype.evaluation.metrics import Areas, colorfulness, psnr


def photographs(tar: Path, limit: int | None = None, side: int | None = None) -> Iterator[tuple[str, np.ndarray]]:
    """Name and uint8 [h, w, 3] of each photograph; `side`: centre square, resized (for shards of mixed sizes)."""
    for i, (name, data) in enumerate(members(tar)):
        if limit is not None and i >= limit:
            return
        photo = decode(name, data)
        yield name, photo if side is None else square(photo, side)


def square(photo: np.ndarray, side: int) -> np.ndarray:
    """The centre square of a photograph, resized; uint8 [h, w, 3] to [side, side, 3]."""
    from PIL import Image

    short = min(photo.shape[:2])
    top, left = (photo.shape[0] - short) // 2, (photo.shape[1] - short) // 2
    centre = Image.fromarray(photo[top : top + short, left : left + short])
    return np.asarray(centre.resize((side, side), Image.Resampling.LANCZOS))


class Row:
    """The figures of one way of colouring."""

    def __init__(self, label: str):
        self.label = label
        self.psnr: list[float] = []
        self.colorfulness: list[float] = []
        self.truth: list[float] = []
        self.areas = Areas()

    def add(self, ours: np.ndarray, truth: np.ndarray, truth_ab: np.ndarray) -> None:
        self.psnr.append(psnr(ours, truth))
        self.colorfulness.append(colorfulness(ours))
        self.truth.append(colorfulness(truth))
        self.areas.add(lab.rgb_to_lab(ours / np.float32(255))[..., 1:], truth_ab)

    def figures(self) -> dict:
        truth = float(np.mean(self.truth))
        return {
            "label": self.label,
            "photographs": len(self.psnr),
            "psnr": float(np.mean(self.psnr)),
            "psnr_interval": interval(self.psnr),
            "colorfulness": float(np.mean(self.colorfulness)),
            "colorfulness_interval": interval(self.colorfulness),
            "colorfulness_truth": truth,
            "dcf": float(np.mean(self.colorfulness)) - truth,
            "auc": self.areas.auc(),
            "auc_prior": self.areas.auc_prior(),
            "auc_balanced": self.areas.auc_balanced(),
            "bins": self.areas.bins(),
        }


def interval(values: Iterable[float], samples: int = 1000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean over photographs (fixed seed)."""
    values = np.asarray(list(values))
    generator = np.random.default_rng(0)
    means = values[generator.integers(0, len(values), (samples, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def measure(photos: Iterable[tuple[str, np.ndarray]], ways: dict[str, Colorizer], response: str = "cie") -> list[dict]:
    """Rows of figures, gray first; one pass over the photographs."""
    rows = {label: Row(label) for label in ["gray", *ways]}
    for _, truth in photos:
        lightness = film.expose(truth / np.float32(255), response)
        codes = np.rint(lab.gray(lightness) * 255).astype(np.uint8)
        truth_ab = lab.rgb_to_lab(truth / np.float32(255))[..., 1:]
        rows["gray"].add(np.repeat(codes[..., None], 3, axis=2), truth, truth_ab)
        for label, colorize in ways.items():
            rows[label].add(colorize(codes), truth, truth_ab)
    return [row.figures() for row in rows.values()]


def table(rows: list[dict]) -> str:
    """The rows as Markdown."""
    lines = [
        "| | PSNR | colourfulness (truth) | dCF | auc | auc_prior | auc_balanced (bins) |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        low, high = r["psnr_interval"]
        clow, chigh = r["colorfulness_interval"]
        lines.append(
            f"| {r['label']} | {r['psnr']:.2f} [{low:.2f}, {high:.2f}] "
            f"| {r['colorfulness']:.1f} [{clow:.1f}, {chigh:.1f}] ({r['colorfulness_truth']:.1f}) | {r['dcf']:+.1f} "
            f"| {r['auc']:.2f} | {r['auc_prior']:.2f} | {r['auc_balanced']:.2f} ({r['bins']}) |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--model", default="tintype.v2")
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
    rows = measure(photos, ways, options.response)
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    sys.exit(main())
