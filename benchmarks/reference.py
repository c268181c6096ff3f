"""What a reference photograph is worth: `python -m benchmarks.reference PHOTOS.tar --skip 100 --limit 60`.

Photographs of known colours are coloured without a reference, and with three: `same`, a part of the photograph itself
(four fifths of each side, placed at random) mirrored; `like`, the one of the others that the model sees most alike;
`other`, one taken at random. Each is used in both ways, regions and palette. Gains are over no reference, on the same
photographs, with 95 % intervals of the Bayesian bootstrap.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np

from benchmarks.quality import photographs
from tintype import Colorizer, from_array
from tintype.errors import UnsupportedPhoto
from tintype.evaluation.bootstrap import Resampled, interval
from tintype.evaluation.evaluator import gather
from tintype.models import DEFAULT
from tintype.reference import Reference, Way, hints_from

METRICS = ("psnr", "auc_balanced")

PARTS = 3
"""Across and down, in which photographs are compared as a whole."""


def sight_of(colorizer: Colorizer, rgb: np.ndarray) -> np.ndarray:
    """How the model sees a photograph: roots of the mean probabilities of its colours, in parts."""
    found = colorizer.look(from_array(rgb)).distribution().probabilities
    rows = [part.mean(axis=1) for part in np.array_split(found, PARTS, axis=1)]
    parts = [part.mean(axis=1) for row in rows for part in np.array_split(row, PARTS, axis=1)]
    return np.sqrt(np.concatenate(parts))


def part_of(rgb: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Four fifths of each side, mirrored."""
    height, width = rgb.shape[:2]
    top, left = (int(generator.integers(0, side // 5 + 1)) for side in (height, width))
    return np.ascontiguousarray(rgb[top : top + height - height // 5, left : left + width - width // 5][:, ::-1])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--skip", type=int, default=0, help="photographs that are only references")
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--pool", type=int, default=400, help="photographs among which the most similar is looked for")
    options = parser.parse_args(arguments)
    colorizer = Colorizer(options.model)
    last = options.skip + options.limit
    photos = list(photographs(options.photographs, max(last, options.pool)))
    rough = Colorizer(colorizer.model, size=128)
    sights = np.stack([sight_of(rough, rgb) for _, rgb in photos])
    numbers = {name: number for number, (name, _) in enumerate(photos)}
    counts = defaultdict[str, list[int]](list)

    def paint(name: str, codes: np.ndarray, truth: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        number = numbers[name]
        generator = np.random.default_rng([0, number])
        apart = np.square(sights - sights[number]).sum(axis=1)
        apart[number] = np.inf
        other = (number + 1 + int(generator.integers(len(photos) - 1))) % len(photos)
        references = {"same": part_of(truth, generator), "like": photos[apart.argmin()][1], "other": photos[other][1]}
        colours = colorizer.look(from_array(codes), logits=True)
        plain = np.concatenate(list(colours.paint()))
        yield "none", plain
        for kind, rgb in references.items():
            try:
                reference = Reference.of(rgb, colorizer.model, colorizer.size)
            except UnsupportedPhoto:
                reference = None
            for way in get_args(Way):
                hints = [] if reference is None else hints_from(colours, reference, way)
                counts[f"{kind} {way}"].append(len(hints))
                yield f"{kind} {way}", np.concatenate(list(colours.with_hints(hints).paint())) if hints else plain

    found = Resampled(gather(photos[options.skip : last], paint, only=METRICS))
    print(f"{options.limit} photographs; without a reference: ", end="")
    print(", ".join(f"{metric} {found.figure(metric, 'none')[0]:.2f}" for metric in METRICS))
    print("| reference | way | hints | without any | gain in PSNR | gain in auc_balanced |\n|---|---|---|---|---|---|")
    for label, own in counts.items():
        cells = []
        for metric in METRICS:
            gain = found.difference(metric, label, "none")
            cells.append("{:+.2f} [{:+.2f}, {:+.2f}]".format(gain[0], *interval(gain)))
        kind, way = label.split()
        without = f"{100 * np.mean(np.equal(own, 0)):.0f} %"
        print(f"| {kind} | {way} | {np.mean(own):.1f} | {without} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
