"""Cars in other colours, project C's example: what PSNR and SSIM say of colours that are as plausible as the truth.

In photographs whose cars are labelled and coloured, the car gets the hues that are HUES away on the circle of CIE a*b*,
with the lightness and chroma that it has; as far as sRGB holds them. Beside these stand the same photographs with the
car gray and with the car in the mean colour of all photographs, a brown. All else is the truth. No network is asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.comparison.bootstrap import Resampled
from benchmarks.comparison.by_region import Source, photographs
from benchmarks.comparison.measure import Way, save
from benchmarks.comparison.seeds import Figure
from benchmarks.comparison.table import Record, figure_of, record
from tintype.color.lab import rgb_to_lab
from tintype.color.render import render
from tintype.evaluation.evaluator import Gathered, ab_of
from tintype.evaluation.figures import METRICS
from tintype.evaluation.metrics import measure as metrics_of
from tintype.evaluation.metrics import psnr, ssim
from tintype.evaluation.protocol import TRUTH
from tintype.files import whole_file

OTHER_HUES, GRAY_CAR, BROWN_CAR = "cars in another hue", "gray cars", "brown cars"
HUES = (60, 120, 180, 240, 300)
"""Degrees by which a car's hue is turned."""
LEAST = 0.02
"""Share of a photograph that its cars must fill."""
CHROMA = 8.0
"""Mean chroma that cars must have: turning the hue of a gray one changes nothing."""
SHOWN = ("psnr", "ssim", "rmse_ab", "colorfulness")
FOLDER = "cars"
"""Beside the seeds, since none was trained for it."""


def turned(ab: np.ndarray, degrees: float) -> np.ndarray:
    """a*b* [..., 2] with another hue."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    return np.asarray(ab @ turn.T)


def painted(rgb: np.ndarray, car: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """A photograph uint8 [h, w, 3] whose car [h, w] has other a*b* [h, w, 2]; all other pixels stay."""
    lightness = np.ascontiguousarray(rgb_to_lab(rgb / np.float32(255))[..., 0])
    new = render(lightness, np.moveaxis(ab, -1, 0))
    return np.asarray(np.where(car[..., None], new, rgb))


def versions(rgb: np.ndarray, car: np.ndarray, brown: tuple[float, float]) -> Iterator[tuple[str, np.ndarray]]:
    """The photograph with the car in other colours, each with what it counts as."""
    ab = ab_of(rgb)
    for degrees in HUES:
        yield OTHER_HUES, painted(rgb, car, turned(ab, degrees))
    yield GRAY_CAR, painted(rgb, car, 0 * ab)
    yield BROWN_CAR, painted(rgb, car, np.broadcast_to(np.float32(brown), ab.shape))


def measure(source: Source, brown: tuple[float, float], folder: Path) -> int:
    """Measure all photographs with a car in colour; FOLDER/NAME.npz for each kind of colouring. How many there are."""
    from benchmarks import regions

    names, sizes = [], []
    rows: dict[str, list[dict[str, float]]] = {TRUTH: [], OTHER_HUES: [], GRAY_CAR: [], BROWN_CAR: []}
    for name, rgb, labels in photographs(source.open()):
        car = labels == regions.KINDS["car"]
        if car.mean() < LEAST or np.linalg.norm(ab_of(rgb)[car], axis=-1).mean() < CHROMA:
            continue
        names.append(name)
        sizes.append(car.size)
        found: dict[str, list[dict[str, float]]] = {}
        for label, version in versions(rgb, car, brown):
            found.setdefault(label, []).append(metrics_of(version, rgb, SHOWN))
        for label, each in found.items():
            rows[label].append({metric: float(np.mean([one[metric] for one in each])) for metric in SHOWN})
        rows[TRUTH].append(metrics_of(rgb, rgb, ("colorfulness",)))
    folder.mkdir(parents=True, exist_ok=True)
    for label, each in rows.items():
        if each:
            columns = {metric: np.array([one[metric] for one in each]) for metric in each[0]}
            save(Way(label).file(folder), "", label, Gathered(names, sizes, {label: columns}))
    return len(names)


def records(cars: Resampled) -> Record:
    """What was measured, as findings.json holds it."""
    labels = (OTHER_HUES, BROWN_CAR, GRAY_CAR)
    return {
        "photographs": cars.count,
        "ways": {
            label: {metric: record(Figure.of([cars.mean(metric, label)])) for metric in SHOWN} for label in labels
        },
    }


def table(found: Record) -> str:
    """A line for each kind of colouring, as Markdown."""
    lines = ["| | " + " | ".join(METRICS[metric].title for metric in SHOWN) + " |", "|---" * (1 + len(SHOWN)) + "|"]
    for label, way in found["ways"].items():
        cells = [figure_of(way[metric]).text(METRICS[metric].text) for metric in SHOWN]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


# ---- one photograph, as an example to look at

EXAMPLE = "example.json"
SIDE = 600
PAINT, COLOURED = 20.0, 25.0
"""The paint of the example's cars: within so many degrees of their hue, with so much chroma, in the lower half."""
SEEN_AS = {"green": 60, "blue": 180, "pink": 300}
"""Cars of the example in other colours: name -> degrees by which the yellow is turned."""


def read(path: Path) -> np.ndarray:
    """A photograph, with a long side of SIDE pixels."""
    from PIL import Image

    picture = Image.open(path).convert("RGB")
    picture.thumbnail((SIDE, SIDE))
    return np.asarray(picture)


def paint_of(rgb: np.ndarray) -> np.ndarray:
    """Which pixels [h, w] are the paint of the cars: those of the most frequent strong hue of the lower half."""
    ab = ab_of(rgb)
    hue, chroma = np.degrees(np.arctan2(ab[..., 1], ab[..., 0])), np.linalg.norm(ab, axis=-1)
    strong = chroma >= COLOURED
    strong[: len(strong) // 2] = False
    counts, edges = np.histogram(hue[strong], 72, (-180, 180))
    middle = edges[np.argmax(counts)] + 2.5
    return np.asarray(strong & (np.abs((hue - middle + 180) % 360 - 180) <= PAINT))


def coloured_cars(rgb: np.ndarray, brown: tuple[float, float]) -> dict[str, np.ndarray]:
    """The photograph as it was, then with cars in other colours, uint8 [h, w, 3] each."""
    paint, ab = paint_of(rgb), ab_of(rgb)
    found = {"truth": rgb}
    found |= {name: painted(rgb, paint, turned(ab, degrees)) for name, degrees in SEEN_AS.items()}
    found["brown"] = painted(rgb, paint, np.broadcast_to(np.float32(brown), ab.shape))
    return found | {"gray": painted(rgb, paint, 0 * ab)}


def example(rgb: np.ndarray, brown: tuple[float, float], folder: Path) -> None:
    """Measure one photograph whose cars are all of one strong colour; FOLDER/example.json."""
    versions = coloured_cars(rgb, brown)
    found = [
        {"cars": name, "psnr": round(psnr(version, rgb), 2), "ssim": round(ssim(version, rgb), 3)}
        for name, version in versions.items()
        if name != "truth"
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / EXAMPLE) as file:
        file.write(json.dumps(found, indent=1).encode())


def example_table(found: list[Record]) -> str:
    """A line for each colour, as Markdown."""
    lines = ["| cars | PSNR | SSIM |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {row['cars']} | {row['psnr']:.2f} | {row['ssim']:.3f} |" for row in found)])
