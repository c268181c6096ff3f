"""Fits what a run takes for negatives and pages of text, and measures how often rightly, and what its doubt is worth.

    python -m benchmarks.outliers fit train-00.tar --pages PAGES -o src/tintype/album/tables/patterns.npy
    python -m benchmarks.outliers measure train-09.tar [--pages PAGES]

A shard is a tar file of colour photographs, as `tintype prepare` writes it. PAGES is a folder of scanned pages. The
negatives are the same photographs with L* turned into 100 - L*.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import minimize
from scipy.stats import spearmanr

from tintype.album.measures import NEGATIVE, SCALES, TEXT, measures_of, outliers, patterns, scores
from tintype.color.lab import rgb_to_lab
from tintype.colorizer import Colorizer
from tintype.colours import FINER, network_size
from tintype.photo import Photo, from_array

SHORT, STRIDE = 256, 32
"""Short side of what the default model sees, and of what its sides are multiples."""

STEADY = {"negative": (30.0, 0.01), "text": (100.0, 0.1)}
"""How strongly the weights are held at zero, and the deviation below which a pattern is too rare to weigh as much."""

PARTS = (
    (0, 0, 1, 1),
    (0, 0, 1, 0.5),
    (0, 0.5, 1, 1),
    (0.125, 0.125, 0.875, 0.875),
    (0, 0, 0.5, 1),
    (1 / 3, 1 / 3, 1, 1),
)
"""The parts of a page that are taken for pages: left, top, right, bottom, as shares."""


def photographs(shard: Path, count: int) -> Iterator[NDArray[np.uint8]]:
    """The first photographs of a shard, uint8 [h, w, 3]."""
    with tarfile.open(shard) as archive:
        for member in archive:
            if not member.name.lower().endswith((".webp", ".jpg", ".jpeg", ".png")):
                continue
            if not count:
                return
            count -= 1
            file = archive.extractfile(member)
            assert file is not None
            yield np.asarray(Image.open(io.BytesIO(file.read())).convert("RGB"))


def pages(folder: Path) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """The pages of a folder and parts of them, with the number of the page; uint8 [h, w]."""
    for number, path in enumerate(sorted(folder.iterdir())):
        with Image.open(path) as opened:
            page = opened.convert("L")
        page.thumbnail((1600, 1600))
        for left, top, right, bottom in PARTS:
            part = page.crop(
                tuple(int(share * side) for share, side in zip((left, top, right, bottom), page.size * 2, strict=True))
            )
            if min(part.size) >= 100:
                yield number, np.asarray(part)


def counted(photo: Photo) -> NDArray[np.float32]:
    """The patterns of a photograph as a run counts them."""
    return patterns(_guide(photo))


def fitted(
    samples: NDArray[np.float64], signs: NDArray[np.float64], steady: float, rare: float, offset: bool
) -> NDArray[np.float64]:
    """The weights [n] (and an offset at their end) of a logistic regression: samples [count, n], signs 1 or -1."""
    scale = samples.std(axis=0) + rare
    table = samples / scale
    if offset:
        table = np.c_[table, np.ones(len(table))]
    held = np.ones(table.shape[1])
    held[len(scale) :] = 0

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = signs * (table @ weights)
        value = np.logaddexp(0, -margin).sum() + steady / 2 * (held * weights**2).sum()
        return value, table.T @ (-signs / (1 + np.exp(np.clip(margin, -50, 50)))) + steady * held * weights

    weights = minimize(loss, np.zeros(table.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 150}).x
    weights[: len(scale)] /= scale
    return weights


def fit(shards: list[Path], folder: Path, count: int, output: Path) -> None:
    plain = np.array([counted(from_array(pixels)) for shard in shards for pixels in photographs(shard, count)], float)
    text = np.array([counted(from_array(pixels)) for _, pixels in pages(folder)], float)
    # In patterns times ten, weights and what holds them at zero are of one size.
    difference = 10 * (plain[:, :, 0] - plain[:, :, 1]).reshape(len(plain), -1)
    negative = 10 * fitted(difference, np.ones(len(plain)), *STEADY["negative"], False)
    both = 10 * np.concatenate([plain, text]).reshape(len(plain) + len(text), -1)
    signs = np.r_[-np.ones(len(plain)), np.ones(len(text))]
    weights = fitted(both, signs, *STEADY["text"], True)
    kind = [("negative", "<f2", (SCALES, 256)), ("text", "<f2", (SCALES, 2, 256)), ("text_offset", "<f4")]
    table = np.array((negative.reshape(SCALES, 256), 10 * weights[:-1].reshape(SCALES, 2, 256), weights[-1]), kind)
    np.save(output, table, allow_pickle=False)
    print(f"{output}: {len(plain)} photographs, {len(text)} parts of pages")


def measure(shards: list[Path], folder: Path | None, count: int) -> None:
    colorizer = Colorizer(threads=1)
    found, inverted, errors, seconds = [], [], [], 0.0
    for shard in shards:
        for pixels in photographs(shard, count):
            photo = from_array(pixels)
            colours = colorizer.look(photo, logits=True)
            begin = time.process_time()
            found.append(measures_of(colours))
            seconds += time.process_time() - begin
            # That of a negative needs no network: it is of the lightness alone.
            height, width = colours.guide.shape
            inverted.append(_scores_of(photo.inverted().thumbnail(width, height, 1)))
            shown = np.concatenate(list(colours.paint(depth=8)))
            differences = (rgb_to_lab(shown / 255) - rgb_to_lab(pixels / 255))[..., 1:]
            errors.append(float(np.hypot(*np.moveaxis(differences, -1, 0)).mean()))
    error, doubt = np.array(errors), np.array([measures["doubt"] for measures in found])
    order = np.argsort(-doubt)
    tenth, worst = len(order) // 10, set(np.argsort(-error)[: len(order) // 4].tolist())
    print(f"{len(found)} photographs, {1000 * seconds / len(found):.1f} ms of CPU time each")
    print(f"doubt: mean {doubt.mean():.1f}, true error {error.mean():.1f}; rank correlation {_rank(doubt, error):.2f}")
    print(
        f"the most doubtful tenth: true error {error[order[:tenth]].mean():.1f}, the others "
        f"{error[order[tenth:]].mean():.1f}; {np.mean([i in worst for i in order[:tenth].tolist()]):.0%} of it among "
        "the worst quarter"
    )
    names = [name for measures in found for name in outliers(measures)]
    print("named:", {name: f"{names.count(name) / len(found):.1%}" for name in ("gray", "vivid", "negative", "text")})
    print(f"negatives named: {np.mean([negative > NEGATIVE for negative, _ in inverted]):.1%}")
    if folder is not None:
        named = [_scores_of(_guide(from_array(pixels)))[1] for _, pixels in pages(folder)]
        print(f"parts of pages named: {np.mean(np.array(named) > TEXT):.1%} of {len(named)}")


def _guide(photo: Photo) -> NDArray[np.float32]:
    height, width = network_size((photo.height, photo.width), SHORT, STRIDE)
    return photo.thumbnail(width * FINER, height * FINER, 1)


def _scores_of(guide: NDArray[np.float32]) -> tuple[float, float]:
    return scores(patterns(guide))


def _rank(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(spearmanr(first, second).statistic)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["fit", "measure"])
    parser.add_argument("shards", nargs="+", type=Path)
    parser.add_argument("--pages", type=Path)
    parser.add_argument("--count", type=int, default=2500, help="photographs of each shard")
    parser.add_argument("-o", "--output", type=Path, default=Path("patterns.npy"))
    given = parser.parse_args()
    if given.what == "fit":
        fit(given.shards, given.pages, given.count, given.output)
    else:
        measure(given.shards, given.pages, given.count)


if __name__ == "__main__":
    main()
