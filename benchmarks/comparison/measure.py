"""Ways of colouring, measured photograph by photograph: FOLDER/NAME.npz each, and all of them in FOLDER/figures.csv.

A photograph's CIE lightness as 8-bit gray is coloured from array to array, and the 8-bit RGB that comes out is compared
with the truth. Beside the models stand ways that know nothing: gray, constant colours, the colours of another
photograph. Of each photograph and true bin the sum of the areas under the curve is kept, so that the figures of a set
can be taken of any resampling of its photographs.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from tintype import Colorizer
from tintype.color import lab
from tintype.color.bins import annealed_mean
from tintype.color.render import render
from tintype.data import shards
from tintype.errors import DataError
from tintype.evaluation.evaluator import Gathered, ab_of, gather, gray_of
from tintype.evaluation.methods import partners
from tintype.evaluation.photographs import Photographs
from tintype.evaluation.protocol import TRUTH
from tintype.files import whole_file
from tintype.models import Model
from tintype.models.card import Card, read_card
from tintype.plots.temperatures import MODE

MEAN, ANNEALED = "prior mean", "prior annealed"
BASELINES = ("gray", MEAN, ANNEALED, "another's colours")
CONSTANT = (MEAN, ANNEALED)
PAPER = 0.38
"""The paper's temperature, at which the methods decode and the training set's prior does."""

TEMPERED = ("eccv16.soft", "eccv16.onehot", "eccv16.own", "eccv16.rebalanced")
TEMPERATURES = (0.0, 0.14, 0.58, 1.0)
"""At which these are measured too; 0 is the mode."""

RED, SECTOR, COLOURED = 40.0, 30.0, 20.0
"""Red is a hue within 30 degrees of 40, that of sRGB's red in CIE Lab, with a chroma of at least 20."""
CELL = 4
"""Roughness is between neighbouring cells of 4 x 4 pixels, which holds more than the rounding to 8 bits."""

METRICS = ("psnr", "rmse_ab", "colorfulness")
"""What is measured of each photograph, beside the areas under the curve and `further`."""

OWN = ("key", "label", "photos", "sizes", "areas", "bins")
"""Arrays in a way's file that are not figures of photographs."""

TIMED = 5
"""Photographs on which the time is taken."""


@dataclass(frozen=True)
class Way:
    """A way of colouring, sent to another process."""

    label: str
    model: str | None = None
    """An ONNX file."""
    temperature: float | None = None
    """None: the card's."""
    constant: tuple[float, float] | None = None
    """a*b* of all pixels."""

    def file(self, folder: Path) -> Path:
        return folder / f"{self.label.replace(' ', '_')}.npz"

    def colorizer(self, threads: int = 1) -> Colorizer:
        return Colorizer(Model(self.model, threads), temperature=self.temperature, threads=threads)

    def key(self) -> str:
        """What the figures depend on beside the photographs: the graph and what its card sets, not what it says."""
        if self.model is None:
            return json.dumps([self.label, self.constant])
        import onnx

        graph, card = onnx.load(self.model), read_card(self.model)
        graph.ClearField("metadata_props")
        graph.ClearField("doc_string")
        content = hashlib.sha256(graph.SerializeToString(deterministic=True)).hexdigest()
        return json.dumps([self.label, content, card.size, self.temperature or card.temperature])


@dataclass(frozen=True)
class Set:
    """The photographs to measure on, sent to another process."""

    tar: str
    limit: int | None = None
    side: int | None = 256
    """Centre square of this side; None: the photographs as they are."""

    def open(self) -> Photographs:
        return Photographs(self.tar, self.side, self.limit)


def appearance(rgb: np.ndarray) -> dict[str, float]:
    """What can be said of a photograph's colours without a truth; uint8 [h, w, 3]."""
    ab = ab_of(rgb)
    chroma = np.hypot(ab[..., 0], ab[..., 1])
    hue = np.degrees(np.arctan2(ab[..., 1], ab[..., 0]))
    return {
        "chroma": float(chroma.mean()),
        "red": 100 * float(np.mean((np.abs(hue - RED) <= SECTOR) & (chroma >= COLOURED))),
        "roughness": roughness(ab),
    }


def roughness(plane: np.ndarray) -> float:
    """Mean distance between the means of neighbouring cells; plane [h, w, c]."""
    height, width = (side // CELL for side in plane.shape[:2])
    cells = plane[: height * CELL, : width * CELL].reshape(height, CELL, width, CELL, -1).mean(axis=(1, 3))
    steps = [np.linalg.norm(np.diff(cells, axis=axis), axis=-1) for axis in (0, 1)]
    return float(sum(step.sum() for step in steps) / sum(step.size for step in steps))


def further(label: str, ours: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """What is measured of a photograph beside the metrics; both uint8 [h, w, 3]."""
    if label == TRUTH:
        lightness = lab.lightness(truth / np.float32(255))
        return appearance(truth) | {"detail": roughness(lightness[..., None])}
    return appearance(ours) | {"ab_error": float(np.linalg.norm(ab_of(ours) - ab_of(truth), axis=-1).mean())}


def painter(way: Way, others: Callable[[int], np.ndarray]) -> Callable[[int, np.ndarray], np.ndarray]:
    """A function of a photograph's number and its gray [h, w] to uint8 RGB [h, w, 3].

    Args:
        others: gives the photograph whose colours another one borrows.
    """
    if way.model is not None:
        colorize = way.colorizer()
        return lambda number, codes: colorize(codes)
    if way.label == "gray":
        return lambda number, codes: np.repeat(codes[..., None], 3, axis=2)

    def paint(number: int, codes: np.ndarray) -> np.ndarray:
        lightness = lab.rgb_to_lab(np.repeat(codes[..., None], 3, axis=2) / np.float32(255))[..., 0]
        if way.constant is not None:
            ab = np.broadcast_to(np.array(way.constant, np.float32)[:, None, None], (2, *codes.shape))
        else:
            ab = np.moveaxis(ab_of(others(number)), -1, 0)
        return render(lightness, ab)

    return paint


def measure_way(way: Way, photos: Set, folder: Path) -> float:
    """Write what one way of colouring comes to; seconds that it took."""
    started = time.monotonic()
    photographs = photos.open()
    place = {name: number for number, name in enumerate(photographs.names)}
    other = partners(len(photographs))
    colour = painter(way, lambda number: photographs[other[number]])

    def paint(name: str, codes: np.ndarray, truth: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        if way.label != TRUTH:
            yield way.label, colour(place[name], codes)

    pictures = ((name, photographs[number]) for name, number in place.items())
    found = gather(pictures, paint, only=METRICS, further=further, truths=way.label == TRUTH)
    save(way.file(folder), key_of(way, photos, photographs), way.label, found)
    return time.monotonic() - started


def save(path: Path, key: str, label: str, found: Gathered) -> None:
    """Write what was measured of one way of colouring, for `read`."""
    memory = io.BytesIO()
    np.savez_compressed(memory, key=key, label=label, photos=found.photos, sizes=found.sizes, **found.columns[label])
    with whole_file(path) as file:
        file.write(memory.getvalue())


def key_of(way: Way, photos: Set, photographs: Photographs) -> str:
    """Figures of the same key need not be measured again."""
    names = hashlib.sha256("\n".join(photographs.names).encode()).hexdigest()
    return json.dumps([way.key(), names, photos.side, METRICS])


def is_measured(way: Way, photos: Set, photographs: Photographs, folder: Path) -> bool:
    return has_key(way.file(folder), key_of(way, photos, photographs))


def has_key(path: Path, key: str) -> bool:
    """Whether a file holds what was measured with this key."""
    try:
        with np.load(path) as file:
            return str(file["key"]) == key
    except (OSError, KeyError, ValueError):
        return False


def measure(ways: Sequence[Way], photos: Set, folder: Path, jobs: int) -> None:
    """Measure what has not been measured yet, several ways at once."""
    folder.mkdir(parents=True, exist_ok=True)
    photographs = photos.open()
    missing = [way for way in ways if not is_measured(way, photos, photographs, folder)]
    print(f"{len(photographs)} photographs, {len(missing)} of {len(ways)} ways to measure", flush=True)
    # Fresh processes: the run-time library does not survive a fork of its threads.
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        tasks = {way.label: pool.submit(measure_way, way, photos, folder) for way in missing}
        for label, task in tasks.items():
            print(f"{label:28} {1000 * task.result() / len(photographs):6.1f} ms a photograph", flush=True)
    write_csv(folder)


def ways_of(
    models: Sequence[Path], constants: dict[str, tuple[float, float]], temperatures: Sequence[float]
) -> list[Way]:
    """The truth, what knows nothing, the models, and some of them at further temperatures.

    Raises:
        DataError: two models have one name.
    """
    ways = [Way(TRUTH), *(Way(label, constant=constants.get(label)) for label in BASELINES)]
    for path in models:
        name = card_of(path).name
        if name in [way.label for way in ways]:
            raise DataError(f"{path}: another file has the model {name} too; give one of them")
        ways.append(Way(name, os.fspath(path)))
        if name in TEMPERED:
            ways += [Way(at(name, t), os.fspath(path), max(t, MODE)) for t in temperatures]
    return ways


def at(name: str, temperature: float) -> str:
    """What a model at another temperature than its card's is called."""
    return f"{name} T={temperature:g}"


def card_of(path: Path) -> Card:
    """The card of a file.

    Raises:
        ModelError: it cannot be opened as a model.
    """
    return Model(path, 1).card


def constants(training: Sequence[Path], folder: Path) -> dict[str, tuple[float, float]]:
    """The mean colour of the training photographs, and the annealed mean of their prior; kept in FOLDER/prior.npy."""
    path = folder / "prior.npy"
    if not path.is_file():
        from tintype.training.prior import own_prior

        if not training:
            raise DataError(f"{path} is not there: give the training shards by --training")
        folder.mkdir(parents=True, exist_ok=True)
        np.save(path, own_prior(shards.Photographs(training)))
    logits = np.log(np.maximum(np.load(path), 1e-12))[None, :]
    return {
        label: tuple(float(value) for value in annealed_mean(logits, temperature)[0])
        for label, temperature in ((MEAN, 1.0), (ANNEALED, PAPER))
    }


def read(folder: Path) -> Gathered:
    """What was measured: the truth and what knows nothing first, then the models by name.

    Raises:
        DataError: nothing was, or not all on the same photographs.
    """
    found = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            found[str(file["label"])] = {key: file[key] for key in file.files}
    if TRUTH not in found:
        raise DataError(f"{folder}: nothing was measured there; run `python -m benchmarks.comparison measure` first")
    photos = found[TRUTH]["photos"]
    for label, way in found.items():
        if not np.array_equal(way["photos"], photos):
            raise DataError(f"{folder}: {label} was measured on other photographs; measure it again or delete its file")
    first = [TRUTH, *BASELINES]
    order = sorted(found, key=lambda label: first.index(label) if label in first else len(first))
    return Gathered(photos.tolist(), found[TRUTH]["sizes"].tolist(), {label: found[label] for label in order})


def write_csv(folder: Path) -> None:
    """FOLDER/figures.csv: model, photo, metric, value."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("model", "photo", "metric", "value"))
    measured = read(folder)
    for label, way in measured.columns.items():
        for metric in (name for name in way if name not in OWN):
            values = zip(measured.photos, way[metric], strict=True)
            table.writerows((label, photo, metric, f"{value:.6g}") for photo, value in values)
    with whole_file(folder / "figures.csv") as file:
        file.write(text.getvalue().encode())


def costs(ways: Sequence[Way], photos: Set, folder: Path) -> None:
    """FOLDER/costs.json: bytes and parameters of each model, and its milliseconds on one thread, network and all.

    One way after the other, so that they do not slow each other down; the fastest of a few photographs counts.
    """
    photographs = photos.open()
    some = [gray_of(photographs[number], "cie") for number in range(min(TIMED, len(photographs)))]
    found = {}
    for way in ways:
        if way.model is None or way.temperature is not None:
            continue
        colorize = way.colorizer()
        height, width = colorize.network_size(some[0].shape)
        seen = np.linspace(0, 100, height * width, dtype=np.float32).reshape(height, width)
        found[way.label] = {
            "bytes": Path(way.model).stat().st_size,
            "parameters": parameters(way.model),
            "size": colorize.size,
            "network_ms": min(_milliseconds(lambda _, c=colorize, s=seen: c.model.predict(s), some)),
            "photograph_ms": min(_milliseconds(colorize, some)),
        }
    with whole_file(folder / "costs.json") as file:
        file.write(json.dumps(found, indent=1).encode())


def _milliseconds(do: Callable[[np.ndarray], object], some: Sequence[np.ndarray]) -> Iterator[float]:
    do(some[0])
    for codes in some:
        started = time.perf_counter()
        do(codes)
        yield 1000 * (time.perf_counter() - started)


def parameters(model: str) -> int:
    """Weights in a file, normalisations folded into them; without its table of bins and what corrects their prior."""
    import onnx

    weights = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    return sum(
        int(np.prod(tensor.dims))
        for tensor in onnx.load(model).graph.initializer
        if tensor.data_type in weights and tensor.name.removesuffix("_half") not in ("table", "shift")
    )
