"""Alternatives of photographs: how much they differ where the model doubts and elsewhere, and how long they take.

    python -m benchmarks.alternatives examples/photographs/*.jpg
    python -m benchmarks.alternatives PHOTO ... --sheet docs/img/alternatives.jpg

For each pair of the photograph as it is and its alternatives, the difference of previews (CIE76) is taken at each pixel
of the parts that are changed; its median is the pair's, and the least of the pairs is printed. "Elsewhere" is the mean
difference in all other parts between an alternative and the photograph as it is, meant over the alternatives.
"""

from __future__ import annotations

import argparse
import time
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

import tintype
from tintype import Colorizer, Colours
from tintype.color.lab import rgb_to_lab
from tintype.parts import Parts
from tintype.sheets import Tile, lay_out

SIZE = 480
"""Long side of the previews."""

WIDTH, GAP = 1120, 6
"""Width of the sheet, and what lies between two photographs, in pixels."""


def preview(colours: Colours) -> np.ndarray:
    return np.concatenate(list(colours.paint(size=SIZE, depth=8)))


def changed(colours: Colours, others: list[Colours], size: tuple[int, int]) -> np.ndarray:
    """Whether each pixel of a preview lies in a part on which the hints of the alternatives differ; bool [h, w]."""
    parts = Parts.of(colours.distribution())
    common = set(others[0].hints).intersection(*(other.hints for other in others))
    under = parts.under([hint for other in others for hint in other.hints if hint not in common])
    cells = np.isin(parts.labels, sorted(under))
    return np.asarray(Image.fromarray(cells).resize(size[::-1], Image.Resampling.NEAREST))


def measure(colours: Colours, others: list[Colours], pictures: list[np.ndarray]) -> tuple[float, float, float]:
    """The share of the photograph that is changed, the least difference of a pair there, and that elsewhere."""
    where = changed(colours, others, pictures[0].shape[:2])
    labs = [rgb_to_lab(picture / 255) for picture in pictures]
    least = min(np.median(np.linalg.norm(one - other, axis=2)[where]) for one, other in combinations(labs, 2))
    elsewhere = np.mean([np.linalg.norm(other - labs[0], axis=2)[~where].mean() for other in labs[1:]])
    return float(where.mean()), float(least), float(elsewhere)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, nargs="+")
    parser.add_argument("--model", default=None)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5, help="how often the time is taken; the least counts")
    parser.add_argument("--sheet", type=Path, help="JPEG: a row for each, as it is and its alternatives")
    options = parser.parse_args(arguments)
    colorizer = Colorizer() if options.model is None else Colorizer(options.model)
    rows = []
    print("| photograph | alternatives | hints | area | least difference | elsewhere | seconds |")
    print("|---|---|---|---|---|---|---|")
    for path in options.photographs:
        colours = colorizer.look(tintype.read(path), logits=True)
        taken = []
        for _ in range(options.rounds):
            start = time.perf_counter()
            others = colours.alternatives(options.count)
            taken.append(time.perf_counter() - start)
        pictures = [preview(each) for each in (colours, *others)]
        rows.append(pictures)
        figures = "| | |"
        if others:
            area, least, elsewhere = measure(colours, others, pictures)
            figures = f"{100 * area:.0f} % | {least:.1f} | {elsewhere:.1f} |"
        hints = len(others[0].hints) if others else 0
        print(f"| {path.stem} | {len(others)} | {hints} | {figures} {min(taken):.2f} |", flush=True)
    if options.sheet:
        page, _ = lay_out([row(pictures) for pictures in rows], margin=0, gap=GAP)
        page.save(options.sheet, quality=85, optimize=True)


def row(pictures: list[np.ndarray]) -> list[Tile]:
    """Pictures of one size side by side, together as wide as the sheet."""
    width = (WIDTH - GAP * (len(pictures) - 1)) // len(pictures)
    height = round(width * pictures[0].shape[0] / pictures[0].shape[1])
    images = [Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS) for picture in pictures]
    return [Tile(width, image) for image in images]


if __name__ == "__main__":
    main()
