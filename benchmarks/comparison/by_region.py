"""Errors by kind of region: sky, grass, water, skin, car, wall, where photographs are labelled.

Of each photograph and kind that fills at least LEAST of it: the mean ab error, the mean chroma, and how many of the
coloured pixels of grass have a hue nearer to that of water, and the other way round. The hue of a kind is that of its
mean true colour over all photographs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

import numpy as np

from benchmarks.comparison.bootstrap import Resampled
from benchmarks.comparison.measure import Way, has_key, painter, save
from benchmarks.comparison.seeds import Figure
from benchmarks.comparison.table import Record, figure_of, record
from tintype.errors import DataError
from tintype.evaluation.evaluator import Gathered, ab_of, gray_of
from tintype.evaluation.protocol import TRUTH

KINDS = ("sky", "grass", "water", "skin", "car", "wall")
LEAST = 0.004
"""Share of a photograph that a kind must fill to be measured there: our own masks are well inside their regions, and
those of skin are small."""
SWAPS = (("grass", "water"), ("water", "grass"))
COLOURED = 8.0
"""Chroma below which a pixel has no hue to speak of."""
FOLDER = "regions"
"""Beside the figures of a seed."""


class Regions(Protocol):
    """Labelled photographs, as `benchmarks.regions` gives them."""

    names: Sequence[str]

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> tuple[str, np.ndarray, np.ndarray]:
        """Name, uint8 sRGB [h, w, 3], and labels uint8 [h, w]."""


@dataclass(frozen=True)
class Source:
    """Where labelled photographs are, sent to another process."""

    camvid: str | None = None
    """A folder with CamVid; of its frames, those that no model has seen are taken."""
    drawn: str | None = None
    """A folder with the photographs that our own masks are of."""
    every: int = 10
    """Take each so many-th frame of CamVid, whose neighbours are alike."""

    def open(self) -> list[Regions]:
        from benchmarks import regions

        found: list[Regions] = []
        if self.drawn:
            found.append(regions.drawn(self.drawn))
        if self.camvid:
            found.append(Thinned(regions.camvid(self.camvid).only("unseen"), self.every))
        return found


class Thinned:
    """Each so many-th of labelled photographs."""

    def __init__(self, regions: Regions, every: int):
        self.regions, self.numbers = regions, range(0, len(regions), every)
        self.names = [regions.names[number] for number in self.numbers]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> tuple[str, np.ndarray, np.ndarray]:
        return self.regions[self.numbers[index]]


def photographs(found: Sequence[Regions]) -> Iterable[tuple[str, np.ndarray, np.ndarray]]:
    return (regions[number] for regions in found for number in range(len(regions)))


def kinds_of(labels: np.ndarray, codes: Mapping[str, int]) -> dict[str, np.ndarray]:
    """The kinds that fill enough of a photograph, each with its mask [h, w]."""
    masks = {kind: labels == codes[kind] for kind in KINDS}
    return {kind: mask for kind, mask in masks.items() if mask.mean() >= LEAST}


def hues(true: Iterable[tuple[np.ndarray, Mapping[str, np.ndarray]]]) -> dict[str, float]:
    """The hue of each kind's mean true colour, in radians.

    Args:
        true: a*b* [h, w, 2] of each photograph with the masks of its kinds.
    """
    means: dict[str, list[np.ndarray]] = {}
    for ab, masks in true:
        for kind, mask in masks.items():
            means.setdefault(kind, []).append(ab[mask].mean(axis=0))
    return {kind: float(np.arctan2(*np.mean(found, axis=0)[::-1])) for kind, found in means.items()}


def row(
    ab: np.ndarray, truth: np.ndarray, masks: Mapping[str, np.ndarray], hue: Mapping[str, float]
) -> dict[str, float]:
    """What is measured of a photograph; columns of kinds that it has not are NaN.

    Args:
        ab, truth: a*b* [h, w, 2] of the colouring and of the photograph.
    """
    found = {f"{column}.{kind}": np.nan for column in ("error", "chroma") for kind in KINDS}
    found |= {f"swap.{kind}.{other}": np.nan for kind, other in SWAPS}
    error, chroma = np.linalg.norm(ab - truth, axis=-1), np.hypot(ab[..., 0], ab[..., 1])
    angle = np.arctan2(ab[..., 1], ab[..., 0])
    for kind, mask in masks.items():
        found[f"error.{kind}"] = float(error[mask].mean())
        found[f"chroma.{kind}"] = float(chroma[mask].mean())
    for kind, other in SWAPS:
        if kind not in masks or other not in hue:
            continue
        coloured = masks[kind] & (chroma >= COLOURED)
        if coloured.any():
            mine, theirs = (np.abs(np.angle(np.exp(1j * (angle[coloured] - hue[name])))) for name in (kind, other))
            found[f"swap.{kind}.{other}"] = 100 * float(np.mean(theirs < mine))
    return found


def measure(ways: Sequence[Way], source: Source, folder: Path, jobs: int) -> None:
    """Measure what has not been measured yet; FOLDER/NAME.npz each."""
    from benchmarks import regions

    found = source.open()
    names = [name for each in found for name in each.names]
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    missing = [way for way in ways if not has_key(way.file(folder), _key(way, digest))]
    if not missing:
        return
    hue = hues((ab_of(rgb), kinds_of(labels, regions.KINDS)) for _, rgb, labels in photographs(found))
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for task in [pool.submit(measure_way, way, source, folder, _key(way, digest), hue) for way in missing]:
            task.result()


def _key(way: Way, digest: str) -> str:
    return json.dumps([way.key(), digest, LEAST, COLOURED, SWAPS])


def measure_way(way: Way, source: Source, folder: Path, key: str, hue: Mapping[str, float]) -> None:
    from benchmarks import regions

    paint = None if way.label == TRUTH else painter(way, _no_other)
    names, sizes, rows = [], [], []
    for number, (name, rgb, labels) in enumerate(photographs(source.open())):
        truth = ab_of(rgb)
        ab = truth if paint is None else ab_of(paint(number, gray_of(rgb, "cie")))
        names.append(name)
        sizes.append(labels.size)
        rows.append(row(ab, truth, kinds_of(labels, regions.KINDS), hue))
    columns = {column: np.array([each[column] for each in rows]) for column in rows[0]}
    save(way.file(folder), key, way.label, Gathered(names, sizes, {way.label: columns}))


def _no_other(number: int) -> np.ndarray:
    raise DataError("the colours of another photograph are not measured by region")


def records(seeds: Sequence[Resampled]) -> Record:
    """The errors by kind, as findings.json holds them.

    Args:
        seeds: what was measured of each seed.
    """
    labels = list(dict.fromkeys(label for seed in seeds for label in seed.ways))
    columns = [f"{column}.{kind}" for column in ("error", "chroma") for kind in KINDS]
    columns += [f"swap.{kind}.{other}" for kind, other in SWAPS]
    first = seeds[0].measured
    ways: Record = {}
    for label in labels:
        holders = [seed for seed in seeds if label in seed.ways]
        ways[label] = {}
        for column in columns:
            figures = [seed.mean(column, label) for seed in holders]
            if np.isfinite(figures).all():
                ways[label][column] = record(Figure.of(figures))
    counts = {kind: int(np.isfinite(first.values(TRUTH, f"error.{kind}")).sum()) for kind in KINDS}
    return {"photographs": counts, "ways": ways}


def table(found: Record) -> str:
    """A line for each way: the mean ab error by kind, then the chroma, then the swaps, as Markdown."""
    kinds = [kind for kind, count in found["photographs"].items() if count]
    swaps = [
        f"swap.{kind}.{other}" for kind, other in SWAPS if all(found["photographs"].get(name) for name in (kind, other))
    ]
    heads = [f"{kind}, {found['photographs'][kind]} photographs" for kind in kinds]
    heads += [f"{name.split('.')[1]} as {name.split('.')[2]}, %" for name in swaps]
    lines = [
        "Mean ab error, and in brackets mean chroma:",
        "",
        "| | " + " | ".join(heads) + " |",
        "|---" * (1 + len(heads)) + "|",
    ]
    for label, way in found["ways"].items():
        cells = []
        for kind in kinds:
            error, chroma = way.get(f"error.{kind}"), way.get(f"chroma.{kind}")
            cells.append("" if error is None else f"{error['value']:.1f} ({chroma['value']:.1f})")
        for name in swaps:
            cells.append(figure_of(way[name]).text("{:.0f}".format) if name in way else "no hue")
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
