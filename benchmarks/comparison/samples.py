"""The best of n colourings: what a figure against the one truth says of methods that hold several colours possible.

A method with a distribution over colours can give any number of colourings; one without gives the same each time.
Drawing each pixel by itself would be noise, so neighbours share their chance: to the logits of each bin a field of
Gumbel noise is added that is smooth over the photograph, and each pixel takes the bin with the largest sum. The noise
of the bins is independent, so every pixel is an exact draw from its own distribution at temperature 1 (Gumbel 1954),
and two places near each other whose distributions are alike get the same colour. The correlation of the noise falls to
1/e at an eighth of the short side, which draws the parts of a photograph one by one, or at the whole of it, which draws
the photograph at once.

Of DRAWS colourings, the expected best of n is the mean over all ways to take n of them. Methods of regression and
those with a critic have no noise when they colour: their best of n is that of one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from math import comb
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy.special import ndtr

from benchmarks.comparison.measure import Set, Way, card_of, has_key, painter, save
from benchmarks.comparison.seeds import Figure
from benchmarks.comparison.table import Record, figure_of, record
from tintype import Colorizer
from tintype.color.lab import rgb_to_lab
from tintype.color.render import render
from tintype.evaluation import bootstrap
from tintype.evaluation.evaluator import Gathered, ab_of, gray_of
from tintype.evaluation.figures import METRICS
from tintype.evaluation.metrics import measure as metrics_of
from tintype.models import Model
from tintype.photo import from_array

LENGTHS = {", drawn in parts": 0.125, ", drawn as a whole": 1.0}
"""After the name of a model, where its colourings are drawn from its distribution -> share of the short side over which
the correlation of the noise falls to 1/e."""
FOLDER = "samples"
"""Beside the figures of a seed."""
DRAWS = 16
BEST_OF = (1, 2, 4, 8, 16)
PHOTOGRAPHS = 32
"""Photographs, evenly spaced over the set: a colouring is drawn DRAWS times for each."""
SHOWN = ("psnr", "rmse_ab")
GRAY, ANOTHER = "gray", "another's colours"

Painter = Callable[[int, np.ndarray], Sequence[np.ndarray]]
"""Of a photograph's number and its gray [h, w] the colourings, uint8 [h, w, 3] each; one, if all are equal."""


def smooth_noise(count: int, height: int, width: int, length: float, generator: np.random.Generator) -> np.ndarray:
    """Standard normal fields [count, height, width], each smooth and joined at the edges, independent of each other."""
    # Noise smoothed by a Gaussian of sigma has a correlation of exp(-d² / 4 sigma²).
    sigma = length * min(height, width) / 2
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    gain = np.exp(-2 * (np.pi * sigma) ** 2 * (down**2 + across**2))
    white = generator.standard_normal((count, height, width))
    field = np.fft.irfft2(np.fft.rfft2(white) * gain, s=(height, width))
    kernel = np.fft.irfft2(gain, s=(height, width))
    return np.asarray(field / np.sqrt((kernel**2).sum()))


def drawn(logits: np.ndarray, bins: np.ndarray, length: float, generator: np.random.Generator) -> np.ndarray:
    """A colouring [2, h, w] from logits [Q, h, w] over bins [Q, 2]."""
    # Bounds keep the logarithms finite; a normal value gets there once in 1e12.
    share = np.clip(ndtr(smooth_noise(*logits.shape, length, generator)), 1e-12, 1 - 1e-12)
    chosen = np.argmax(logits - np.log(-np.log(share)), axis=0)
    return np.moveaxis(bins[chosen], -1, 0).astype(np.float32)


def expected_best(values: np.ndarray, count: int, more: bool) -> np.ndarray:
    """The mean over all ways to take `count` of the values [..., n] of the best of them, the largest or smallest."""
    n = values.shape[-1]
    ordered = np.sort(values, axis=-1)
    if not more:
        ordered = ordered[..., ::-1]
    weights = np.array([comb(rank, count - 1) for rank in range(n)], np.float64) / comb(n, count)
    return np.asarray(ordered @ weights)


def sampled(colorizer: Colorizer, codes: np.ndarray, length: float, generator: np.random.Generator) -> list[np.ndarray]:
    """DRAWS colourings of gray [h, w], from the distribution of a model."""
    seen = colorizer.look(from_array(codes), logits=True)
    bins = np.array(colorizer.model.card.bins)
    ways = (replace(seen, ab=drawn(seen.logits, bins, length, generator), logits=None) for _ in range(DRAWS))
    return [np.concatenate(list(way.paint(depth=8))) for way in ways]


@dataclass(frozen=True)
class Task:
    """A way of colouring, sent to another process."""

    way: Way
    photos: Set
    folder: Path

    @property
    def path(self) -> Path:
        return self.way.file(self.folder)

    @property
    def key(self) -> str:
        names = self.photos.open().names
        return json.dumps([self.way.key(), "best of n", names[:1], len(names), PHOTOGRAPHS, DRAWS, LENGTHS])

    def painter(self) -> Painter:
        """The function that gives a photograph's colourings."""
        photographs = self.photos.open()
        if self.way.label == ANOTHER:

            def borrowed(number: int, codes: np.ndarray) -> list[np.ndarray]:
                others = np.random.default_rng(number).permutation(len(photographs) - 1)[:DRAWS]
                lightness = rgb_to_lab(np.repeat(codes[..., None], 3, axis=2) / np.float32(255))[..., 0]
                others = others + (others >= number)
                return [render(lightness, np.moveaxis(ab_of(photographs[int(i)]), -1, 0)) for i in others]

            return borrowed
        for words, length in LENGTHS.items():
            if self.way.label.endswith(words):
                colorizer = Colorizer(Model(self.way.model, 1), vividness=1.0, threads=1)
                return lambda number, codes: sampled(colorizer, codes, length, np.random.default_rng(number))
        plain = painter(self.way, lambda number: photographs[number])
        return lambda number, codes: [plain(number, codes)]

    def work(self) -> None:
        """Write what the colourings of this way come to."""
        photographs, paint = self.photos.open(), self.painter()
        rows: dict[str, list[np.ndarray]] = {name: [] for name in SHOWN}
        names, sizes = [], []
        for number in evenly(len(photographs)):
            truth = photographs[number]
            names.append(photographs.names[number])
            sizes.append(truth.shape[0] * truth.shape[1])
            found = [metrics_of(each, truth, SHOWN) for each in paint(number, gray_of(truth, "cie"))]
            found = found * DRAWS if len(found) == 1 else found
            for name in SHOWN:
                rows[name].append(np.array([row[name] for row in found]))
        columns = {name: np.array(values) for name, values in rows.items()}
        save(self.path, self.key, self.way.label, Gathered(names, sizes, {self.way.label: columns}))


def evenly(count: int) -> list[int]:
    """The numbers of the photographs that are coloured, of so many."""
    return sorted({round(i * (count - 1) / (PHOTOGRAPHS - 1)) for i in range(PHOTOGRAPHS)})


def measure(models: Sequence[Path], photos: Set, folder: Path, jobs: int) -> None:
    """Colour and measure what has not been measured yet; FOLDER/NAME.npz each."""
    ways = [Way(GRAY), Way(ANOTHER)]
    for path in models:
        card = card_of(path)
        ways.append(Way(card.name, str(path)))
        if card.bins is not None:
            ways += [Way(card.name + words, str(path)) for words in LENGTHS]
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [task for task in (Task(way, photos, folder) for way in ways) if not has_key(task.path, task.key)]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for _ in pool.map(Task.work, tasks):
            pass


def read(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """Label -> metric -> of each photograph and colouring, [photographs, DRAWS]."""
    found = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            found[str(file["label"])] = {name: file[name] for name in SHOWN}
    return found


def records(seeds: Sequence[dict[str, dict[str, np.ndarray]]], samples: int = bootstrap.SAMPLES) -> Record:
    """The expected best of n of each way, as findings.json holds it.

    Args:
        seeds: what `read` gives of each seed.
    """
    labels = list(dict.fromkeys(label for seed in seeds for label in seed))
    ways: Record = {}
    for label in labels:
        holders = [seed[label] for seed in seeds if label in seed]
        drawn_more = any(np.ptp(holder["psnr"], axis=1).any() for holder in holders)
        ways[label] = {}
        for name in SHOWN:
            ways[label][name] = {}
            for n in BEST_OF if drawn_more else BEST_OF[:1]:
                best = [expected_best(holder[name], n, METRICS[name].better == "more") for holder in holders]
                weights = bootstrap.weights(len(best[0]), samples)
                ways[label][name][str(n)] = record(Figure.of([weights @ each for each in best]))
    return {"photographs": PHOTOGRAPHS, "ways": ways}


def table(found: Record) -> str:
    """A line for each way, the best at the largest n first, as Markdown."""
    heads = [f"{METRICS[name].title}, n = {n}" for name in SHOWN for n in BEST_OF]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (1 + len(heads)) + "|"]

    def last(way: Record) -> float:
        return float(list(way["psnr"].values())[-1]["value"])

    for label, way in sorted(found["ways"].items(), key=lambda item: -last(item[1])):
        cells = []
        for name in SHOWN:
            for n in BEST_OF:
                row = way[name].get(str(n))
                cells.append("the same" if row is None else figure_of(row).text(METRICS[name].text))
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
