"""How well colour follows the edges: enlarging the quarter-size ab plane, by figure and by picture.

    python -m benchmarks.enlarge FOLDER [--megapixels 0.5 2 12] [--grain 5] [--crops PICTURE.jpg --of NAME NAME]

FOLDER holds colour photographs. The true ab of each is averaged down to the plane that a network with a short side of
256 gives (64 on the short side), enlarged again in four ways, and compared with the truth. Needs OpenCV (extra dev).

All lengths are in cells, a cell being a pixel of the small plane, so that the sizes compare:
    dE      mean distance in ab, all pixels
    edge    the same within half a cell of a strong edge of the true colour (over 12 units per cell)
    bleed   mean gradient of the result, units per cell, within a cell of such an edge where the true colour is flat
            (under 2 units per cell): colour that crosses borders
    halo    mean overshoot beyond the least and most true ab within half a cell; in brackets its 99.9th percentile
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import pyvips

from tintype.color.enlarge import DETAIL, Enlarger
from tintype.color.lab import rgb_to_lab
from tintype.color.render import render
from tintype.photo import read_colour

WAYS = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
COLUMNS = ("dE", "edge", "bleed", "halo", "halo999")


def photograph(path: Path, megapixels: float) -> tuple[np.ndarray, np.ndarray]:
    """L* [h, w] and ab [h, w, 2] at that size; never enlarged."""
    codes = read_colour(path, share=lambda width, height: min(1.0, (megapixels * 1e6 / (width * height)) ** 0.5))
    lab = np.concatenate([rgb_to_lab(part.astype(np.float32) / 255) for part in np.array_split(codes, 16)])
    return np.ascontiguousarray(lab[..., 0]), np.ascontiguousarray(lab[..., 1:])


def averaged(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    return cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA)


def small_plane(height: int, width: int, short: int = 256, stride: int = 32) -> tuple[int, int]:
    """The size of the ab plane that a network with that short side gives."""
    share = short / min(height, width)
    return tuple(max(stride, round(side * share / stride) * stride) // 4 for side in (height, width))


def grainy(lightness: np.ndarray, deviation: float) -> np.ndarray:
    if not deviation:
        return lightness
    grain = np.random.default_rng(1).normal(0, 1, lightness.shape).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 0.7)
    return np.clip(lightness + grain * (deviation / grain.std()), 0, 100)


def results(lightness: np.ndarray, ab: np.ndarray):
    """Name and ab [h, w, 2] of each way."""
    height, width = lightness.shape
    cells = small_plane(height, width)
    small = averaged(ab, *cells)
    for name, way in WAYS.items():
        yield name, cv2.resize(small, (width, height), interpolation=way)
    guide = averaged(lightness, cells[0] * DETAIL, cells[1] * DETAIL)
    ours = Enlarger(np.moveaxis(small, -1, 0), guide, (height, width)).rows(0, height)
    yield "tintype", np.moveaxis(ours, 0, -1)


class Truth:
    """What the figures of one photograph are measured against."""

    def __init__(self, ab: np.ndarray) -> None:
        self.ab, self.cell = ab, min(ab.shape[:2]) / min(small_plane(*ab.shape[:2]))
        slope = self.slope(ab)
        strong = (slope > 12).astype(np.uint8)
        half, whole = self.square(1), self.square(2)
        self.edge = cv2.dilate(strong, half) > 0
        self.beside = (cv2.dilate(strong, whole) > 0) & (slope < 2)
        self.least, self.most = cv2.erode(ab, half), cv2.dilate(ab, half)

    def square(self, cells: float) -> np.ndarray:
        side = round(cells * self.cell) | 1
        return np.ones((side, side), np.uint8)

    def slope(self, ab: np.ndarray) -> np.ndarray:
        """The size of the gradient in units per cell, of ab smoothed by an eighth of a cell."""
        smooth = cv2.GaussianBlur(ab, (0, 0), max(1, self.cell / 8))
        across = cv2.filter2D(smooth, -1, np.float32([[-0.5, 0, 0.5]]))
        down = cv2.filter2D(smooth, -1, np.float32([[-0.5], [0], [0.5]]))
        return np.sqrt((across**2 + down**2).sum(-1)) * self.cell

    def figures(self, ab: np.ndarray) -> dict[str, float]:
        error = np.sqrt(((ab - self.ab) ** 2).sum(-1))
        over = np.maximum(ab - self.most, 0) + np.maximum(self.least - ab, 0)
        over = np.sqrt((over**2).sum(-1))
        edge = error[self.edge].mean() if self.edge.any() else np.nan
        bleed = self.slope(ab)[self.beside].mean() if self.beside.any() else np.nan
        values = (error.mean(), edge, bleed, over.mean(), np.percentile(over, 99.9))
        return dict(zip(COLUMNS, values, strict=True))


def table(paths: list[Path], megapixels: float, grain: float) -> None:
    sums: dict[str, list[dict]] = {}
    for path in paths:
        lightness, ab = photograph(path, megapixels)
        truth = Truth(ab)
        for name, result in results(grainy(lightness, grain), ab):
            sums.setdefault(name, []).append(truth.figures(result))
    for name, rows in sums.items():
        dE, edge, bleed, halo, halo999 = (np.nanmean([row[column] for row in rows]) for column in COLUMNS)
        size = f"{megapixels:g}" + (", grain" if grain else "")
        figures = f"{dE:.2f} | {edge:.2f} | {bleed:.2f} | {halo:.3f} ({halo999:.2f})"
        print(f"| {size} | {name} | {figures} |", flush=True)


def crops(path: Path, megapixels: float, side: int = 120, zoom: int = 2, count: int = 2) -> np.ndarray:
    """Where bilinear errs most: the original, then each way but the nearest; sRGB uint8."""
    lightness, ab = photograph(path, megapixels)
    ways = {"original": ab, **{name: result for name, result in results(lightness, ab) if name != "nearest"}}
    wrong = cv2.boxFilter(np.sqrt(((ways["bilinear"] - ab) ** 2).sum(-1)), -1, (side, side))
    half = side // 2
    wrong = np.pad(wrong[half:-half, half:-half], half)
    rows = []
    for _ in range(count):
        y, x = np.unravel_index(wrong.argmax(), wrong.shape)
        wrong[max(0, y - 4 * side) : y + 4 * side, max(0, x - 4 * side) : x + 4 * side] = 0
        at = np.s_[y - half : y + half, x - half : x + half]
        pictures = [render(lightness[at], np.moveaxis(way[at], -1, 0)) for way in ways.values()]
        rows.append(np.hstack([np.pad(p.repeat(zoom, 0).repeat(zoom, 1), ((3, 3), (3, 3), (0, 0))) for p in pictures]))
    return np.vstack(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.5, 2, 12])
    parser.add_argument("--grain", type=float, default=5.0, help="standard deviation of the grain, L*")
    parser.add_argument("--crops", type=Path, help="write crops at the largest size to this JPEG, and no table")
    parser.add_argument("--of", nargs="+", default=[], help="photographs to crop, by the names of their files")
    options = parser.parse_args()
    paths = sorted(options.folder.glob("*.jpg"))
    if not paths:
        parser.error(f"{options.folder} holds no .jpg")
    if options.crops:
        chosen = [path for path in paths if path.stem in options.of]
        picture = np.vstack([crops(path, max(options.megapixels)) for path in chosen])
        pyvips.Image.new_from_array(picture, interpretation="srgb").jpegsave(str(options.crops), Q=88)
        return
    print("| megapixels | way | dE | edge | bleed | halo |\n|---|---|---|---|---|---|")
    for megapixels in options.megapixels:
        for grain in (0.0, options.grain):
            table(paths, megapixels, grain)


if __name__ == "__main__":
    main()
