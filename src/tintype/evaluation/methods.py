"""Ways of colouring that are measured together: models with their settings, baselines, other programs."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tintype.color.bins import nearest_bin, published_bins, published_prior
from tintype.color.lab import rgb_to_lab
from tintype.color.render import render
from tintype.colorizer import Colorizer
from tintype.errors import DataError, ModelError, OptionError, PhotoError
from tintype.evaluation.evaluator import ab_of
from tintype.evaluation.metrics import Reliability
from tintype.evaluation.protocol import BASELINES, TRUTH
from tintype.hints import Hint
from tintype.models import DEFAULT, Model
from tintype.models.catalog import card_of, name_of, shipped
from tintype.photo import SUFFIXES, from_array, read_colour

PATCH = 6
"""Side of a simulated hint where the photograph's short side has 256 pixels (Zhang et al. 2017, section 3.2)."""


Kind = Literal["truth", "gray", "prior-mean", "random", "model", "folder"]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Method:
    """A way of colouring, to be sent to another process."""

    label: str
    kind: Kind
    source: str = ""
    """A model's name or file, or a folder of predictions; empty for baselines."""
    size: int | None = None
    """None: what the card calls best."""
    temperature: float | None = None
    """None: the card's."""
    hints: int = 0
    """Colours of the truth that are revealed."""

    def open(self) -> Callable[[Picture], Coloured]:
        """What colours photographs, one after the other.

        Raises:
            ModelError: the file is not a model.
        """
        if self.kind == "model":
            return _painter(self)
        if self.kind == "folder":
            return _reader(Path(self.source))
        return {"truth": _truth, "gray": _gray, "prior-mean": _prior_mean, "random": _random}[self.kind]

    def described(self) -> dict[str, Any]:
        """What its predictions depend on beside the photographs, as the protocol has it.

        The files in a folder of predictions are not described here: they may be mended while they are measured.
        """
        if self.kind == "folder":
            return {"folder": Path(self.source).resolve().name}
        if self.kind != "model":
            return {}
        model = _inspected(self.source)
        file = shipped().get(self.source, Path(self.source))
        with as_file(file) as path:
            content = path.read_bytes()
        found = {"file": file.name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        found["size"] = self.size or model.card.size
        if model.takes_temperature:
            found["temperature"] = model.card.temperature if self.temperature is None else self.temperature
        return found | {"vividness": 1.0, "hints": self.hints}


@dataclass(frozen=True, eq=False)
class Picture:
    """A photograph to be coloured."""

    name: str
    truth: NDArray[np.uint8]
    """uint8 [h, w, 3], sRGB."""
    gray: NDArray[np.uint8]
    """uint8 [h', w']; of another size than the truth only where a damage made it smaller or larger."""
    other: Callable[[], NDArray[np.uint8]]
    """Gives the photograph that `random` takes its colours from."""


@dataclass(frozen=True, eq=False)
class Coloured:
    """A coloured photograph."""

    rgb: NDArray[np.uint8]
    """uint8 [h', w', 3], of the gray's size."""
    seconds: float = float("nan")
    """That it took; NaN where nothing was computed here."""
    reliability: Reliability | None = None
    """Of the distribution behind it, at temperature 1, over the places of the network's output."""
    file: str | None = None
    """SHA-256 of the file that it was read from."""


def baselines(count: int) -> list[Method]:
    """What stands beside all models, for so many photographs: a single one has no other to borrow colours from."""
    kinds: tuple[Kind, ...] = ("gray", "prior-mean", "random")
    return [Method(kind, kind) for kind in kinds if count > 1 or kind != "random"]


def plan(
    models: Sequence[str],
    temperatures: Sequence[float] = (),
    sizes: Sequence[int] = (),
    hints: Sequence[int] = (),
) -> list[Method]:
    """Each model as it is, then at each temperature, at each size, and with each number of hints; one at a time.

    Args:
        models: names, .onnx files, folders of predictions; none: the default model.
    Raises:
        OptionError: two would have one label, or no model takes what is asked for.
        ModelError: a file is not a model. DataError: a folder does not exist.
    """
    if any(count < 1 for count in hints):
        raise OptionError(f"The number of hints must be at least 1, not {min(hints)}")
    _inspected.cache_clear()  # A file may have changed since.
    names = _names([source for source in models or [DEFAULT] if source in shipped() or not os.path.isdir(source)])
    found: list[Method] = []
    able = {"temperature": not temperatures, "size": not sizes, "hints": not hints}
    for source in dict.fromkeys(models or [DEFAULT]):
        if os.path.isdir(source) and source not in shipped():
            found.append(Method(Path(source).resolve().name, "folder", source))
            continue
        model = _inspected(source)
        able["size"] = True
        able["temperature"] |= model.takes_temperature
        able["hints"] |= model.takes_hints
        own = Method(names[source], "model", source)
        found.append(own)
        if model.takes_temperature:
            for temperature in _others(temperatures, model.card.temperature):
                found.append(Method(f"{own.label} T={temperature:g}", "model", source, temperature=temperature))
        for size in _others(sizes, model.card.size):
            found.append(Method(f"{own.label} {size}px", "model", source, size=size))
        if model.takes_hints:
            for count in _others(hints, 0):
                found.append(Method(f"{own.label}+{count}hints", "model", source, hints=count))
        # A setting that cannot be used is refused before there is any work in it.
        for method in found:
            if method.source == source:
                Colorizer(model, method.size, method.temperature, threads=1)
    for name, taken in able.items():
        if not taken:
            raise OptionError(f"None of the models takes --{name.removesuffix('s')}s: leave the option out")
    labels = [method.label for method in found]
    for label in labels:
        if labels.count(label) > 1 or label in (TRUTH, *BASELINES):
            raise OptionError(f"Two models would be called {label}: rename the file or folder of one of them")
    return found


def _names(models: Sequence[str]) -> dict[str, str]:
    """What models are called; where files share a name, with that of the file behind it."""
    names = {source: source if source in shipped() else name_of(card_of(source), Path(source)) for source in models}
    count = Counter(names.values())
    return {source: name if count[name] == 1 else f"{name} {Path(source).stem}" for source, name in names.items()}


@lru_cache(maxsize=1)
def _inspected(source: str) -> Model:
    return Model(source, 1)


def _others(asked: Sequence[Value], own: Value) -> list[Value]:
    return [value for value in dict.fromkeys(asked) if value != own]


def partners(count: int) -> NDArray[np.int64]:
    """For each photograph another one, each taken once; the same for the same number of photographs."""
    ring = np.random.default_rng(0).permutation(count)
    partner = np.empty(count, np.int64)
    partner[ring] = np.roll(ring, 1)
    return partner


def seed_of(name: str) -> int:
    """A seed that hangs on a photograph's name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def simulated_hints(truth: NDArray[np.uint8], count: int, seed: int) -> list[Hint]:
    """Places drawn uniformly, and the mean of the true codes there: discs as large as squares of PATCH at 256 pixels.

    The first of them are the same for any count, so that a curve over the count reveals more and more.

    Args:
        truth: uint8 [h, w, 3].
    """
    height, width = truth.shape[:2]
    side = max(1, round(PATCH * min(height, width) / 256))
    hints = []
    for across, down in np.random.default_rng(seed).random((count, 2)):
        left, top = int(across * (width - side + 1)), int(down * (height - side + 1))
        color = np.rint(truth[top : top + side, left : left + side].reshape(-1, 3).mean(axis=0)).astype(np.uint8)
        hints.append(Hint(left + side / 2, top + side / 2, "#" + bytes(color).hex(), side / np.sqrt(np.pi)))
    return hints


def _truth(picture: Picture) -> Coloured:
    return Coloured(picture.truth)


def _gray(picture: Picture) -> Coloured:
    return Coloured(np.repeat(picture.gray[..., None], 3, axis=2))


def _prior_mean(picture: Picture) -> Coloured:
    a, b = published_prior() @ published_bins()
    return Coloured(_painted(picture.gray, np.stack([np.full(picture.gray.shape, a), np.full(picture.gray.shape, b)])))


def _random(picture: Picture) -> Coloured:
    other = picture.other()
    if other.shape[:2] != picture.gray.shape:
        other = np.asarray(Image.fromarray(other).resize(picture.gray.shape[::-1], Image.Resampling.LANCZOS))
    return Coloured(_painted(picture.gray, np.moveaxis(ab_of(other), -1, 0)))


def _painted(gray: NDArray[np.uint8], ab: NDArray[np.floating]) -> NDArray[np.uint8]:
    """sRGB of gray codes uint8 [h, w] and colours [2, h, w]."""
    lightness = rgb_to_lab(np.repeat(gray[..., None], 3, axis=2) / np.float32(255))[..., 0]
    return render(lightness, ab.astype(np.float32))


def _reader(folder: Path) -> Callable[[Picture], Coloured]:
    files = prediction_files(folder)

    def find(picture: Picture) -> Coloured:
        if picture.name not in files:
            raise ModelError(f"{folder} has no prediction of {picture.name}")
        path = files[picture.name]
        try:
            encoded = path.read_bytes()
            rgb = read_colour(encoded, os.fspath(path))
        except PhotoError as error:
            raise ModelError(str(error)) from None
        except OSError as error:
            raise ModelError(f"{path} cannot be read ({error.strerror})") from None
        if rgb.shape != (*picture.gray.shape, 3):
            sizes = [f"{shape[1]} x {shape[0]}" for shape in (rgb.shape, picture.gray.shape)]
            raise ModelError(f"{path} has {sizes[0]} pixels, but the photograph has {sizes[1]}")
        return Coloured(rgb, file=hashlib.sha256(encoded).hexdigest())

    return find


def prediction_files(folder: Path) -> dict[str, Path]:
    """The predictions in a folder and all below it, by the name of their photograph.

    Raises:
        DataError: two are of one photograph.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            name = os.path.splitext(path.relative_to(folder).as_posix())[0]
            if name in found:
                raise DataError(
                    f"{folder}: {path.name} and {found[name].name} belong to the same photograph; delete one"
                )
            found[name] = path
    return found


def _painter(method: Method) -> Callable[[Picture], Coloured]:
    model = Model(method.source, 1)
    colorizer = Colorizer(model, method.size, method.temperature, threads=1)
    bins = None if model.card.bins is None else np.array(model.card.bins, np.float64)

    def paint(picture: Picture) -> Coloured:
        hints = None
        if method.hints:
            hints = simulated_hints(picture.truth, method.hints, seed_of(picture.name))
            factor = picture.gray.shape[0] / picture.truth.shape[0]
            if factor != 1:
                hints = [Hint(h.x * factor, h.y * factor, h.color, h.radius * factor) for h in hints]
        started = time.perf_counter()
        colours = colorizer.look(from_array(picture.gray), hints, logits=bins is not None)
        rgb = np.concatenate(list(colours.paint()))
        seconds = time.perf_counter() - started
        if colours.logits is None or bins is None:
            return Coloured(rgb, seconds)
        return Coloured(rgb, seconds, _reliability(colours.logits, bins, picture.truth))

    return paint


def _reliability(logits: NDArray[np.float32], bins: NDArray[np.float64], truth: NDArray[np.uint8]) -> Reliability:
    """Of logits [Q, h', w'] against the true colours, shrunk to their size by the mean over areas."""
    height, width = logits.shape[1:]
    true = np.stack(
        [
            np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BOX))
            for plane in np.ascontiguousarray(np.moveaxis(ab_of(truth), -1, 0))
        ],
        axis=-1,
    )
    weights = np.moveaxis(np.exp(logits - logits.max(axis=0)), 0, -1)
    found = Reliability()
    found.add(weights / weights.sum(axis=-1, keepdims=True), nearest_bin(true, bins))
    return found
