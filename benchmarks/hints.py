"""What hints are worth: PSNR against their number, `python -m benchmarks.hints PHOTOS.tar`.

The protocol of Real-Time User-Guided Colorization (Zhang et al. 2017) as far as discs allow: each photograph at 256x256
gets n hints at places drawn uniformly (fixed seed), discs of the area of a 6x6 patch in the mean colour of the truth
below; mean PSNR over RGB, the same photographs and places for every n (the first n of one list).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.quality import interval, photographs
from tintype import Colorizer
from tintype.color import lab
from tintype.evaluation.metrics import psnr

RADIUS = 6 / np.sqrt(np.pi)


def hints(truth: np.ndarray, count: int, generator: np.random.Generator) -> list[dict]:
    """`count` hints of the true colours of uint8 [h, w, 3]."""
    height, width = truth.shape[:2]
    made = []
    for _ in range(count):
        x, y = int(generator.integers(3, width - 3)), int(generator.integers(3, height - 3))
        red, green, blue = truth[y - 3 : y + 3, x - 3 : x + 3].reshape(-1, 3).mean(axis=0).round().astype(int)
        made.append({"x": x, "y": y, "color": f"#{red:02x}{green:02x}{blue:02x}", "radius": RADIUS})
    return made


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--model", default="tintype.v2")
    parser.add_argument("--counts", default="0,1,2,5,10,20,50,100")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--side", type=int, help="centre square of this side; default: the photographs as they are")
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--size", type=int)
    options = parser.parse_args(arguments)
    colorize = Colorizer(options.model, temperature=options.temperature, size=options.size)
    counts = [int(count) for count in options.counts.split(",")]
    values: dict[int, list[float]] = {count: [] for count in counts}
    for number, (_, truth) in enumerate(photographs(options.photographs, options.limit, options.side)):
        codes = np.rint(lab.gray(lab.lightness(truth / np.float32(255))) * 255).astype(np.uint8)
        given = hints(truth, max(counts), np.random.default_rng([0, number]))
        for count in counts:
            values[count].append(psnr(colorize(codes, hints=given[:count]), truth))
    print("| hints | PSNR | gain |\n|---|---|---|")
    for count in counts:
        low, high = interval(values[count])
        gain = np.mean(values[count]) - np.mean(values[counts[0]])
        print(f"| {count} | {np.mean(values[count]):.2f} [{low:.2f}, {high:.2f}] | {gain:+.2f} |")


if __name__ == "__main__":
    main()
