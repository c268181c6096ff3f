"""What hints are worth: PSNR against their number, `python -m benchmarks.hints PHOTOS.tar`.

The protocol of Real-Time User-Guided Colorization (Zhang et al. 2017) as far as discs allow: each photograph at 256x256
gets n hints at places drawn uniformly (fixed seed), discs of the area of a 6x6 patch in the mean colour of the truth
below; mean PSNR over RGB, the same photographs and places for every n (the first n of one list).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks.quality import photographs
from tintype import Colorizer
from tintype.evaluation.bootstrap import Resampled, interval
from tintype.evaluation.evaluator import gather
from tintype.models import DEFAULT

RADIUS = 6 / np.sqrt(np.pi)


def hints(truth: np.ndarray, number: int, generator: np.random.Generator) -> list[dict]:
    """`number` hints of the true colours of uint8 [h, w, 3]."""
    height, width = truth.shape[:2]
    made = []
    for _ in range(number):
        x, y = int(generator.integers(3, width - 3)), int(generator.integers(3, height - 3))
        red, green, blue = truth[y - 3 : y + 3, x - 3 : x + 3].reshape(-1, 3).mean(axis=0).round().astype(int)
        made.append({"x": x, "y": y, "color": f"#{red:02x}{green:02x}{blue:02x}", "radius": RADIUS})
    return made


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--counts", default="0,1,2,5,10,20,50,100")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--side", type=int, help="centre square of this side; default: the photographs as they are")
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--size", type=int)
    options = parser.parse_args(arguments)
    colorize = Colorizer(options.model, temperature=options.temperature, size=options.size)
    counts = [int(word) for word in options.counts.split(",")]
    numbers = count()

    def paint(name: str, codes: np.ndarray, truth: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        revealed = hints(truth, max(counts), np.random.default_rng([0, next(numbers)]))
        for some in counts:
            yield str(some), colorize(codes, hints=revealed[:some])

    photos = photographs(options.photographs, options.limit, options.side)
    figures = Resampled(gather(photos, paint, only=["psnr"], truths=False))
    print("| hints | PSNR | gain |\n|---|---|---|")
    for some in counts:
        figure = figures.figure("psnr", str(some))
        gain = figures.difference("psnr", str(some), str(counts[0]))
        (low, high), (least, most) = interval(figure), interval(gain)
        print(f"| {some} | {figure[0]:.2f} [{low:.2f}, {high:.2f}] | {gain[0]:+.2f} [{least:+.2f}, {most:+.2f}] |")


if __name__ == "__main__":
    main()
