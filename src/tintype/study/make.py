"""A study from colour photographs: each as it is, with another photograph's colours, and as every method colours it."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tintype.color.lab import gray, lightness, rgb_to_lab
from tintype.color.render import render
from tintype.colorizer import Colorizer
from tintype.errors import OptionError, StudyError
from tintype.evaluation.methods import Method, prediction_files
from tintype.evaluation.methods import plan as methods_of
from tintype.evaluation.photographs import Photographs, decode, square
from tintype.photo.writer import whole_file
from tintype.study.design import FILE, FORMAT, MIXED, PICTURES, RANDOM, TRUTH, Study, digest, read_study

GRAY = 5.0
"""A photograph whose mean chroma is below this is black-and-white, as when training data is prepared."""

SIZES = (32, 1024)
"""Sides that pictures may have, in pixels."""

TITLE = "Which colours are the machine's?"

Progress = Callable[[int, int], None]
"""Is told how many pictures of how many are made."""


def make(
    photographs: str | os.PathLike,
    models: Sequence[str],
    predictions: Sequence[str | os.PathLike],
    folder: str | os.PathLike,
    *,
    size: int = 256,
    practice: int = 10,
    trials: int = 40,
    catch: float = 0.1,
    exposure: float = 1.0,
    assignment: str = "one",
    seed: int = 0,
    title: str = TITLE,
    limit: int | None = None,
    progress: Progress = lambda done, count: None,
) -> Study:
    """Make a study's pictures, and the file that fixes its protocol; the defaults are those of Zhang et al. (2016).

    Every picture, whoever coloured it, is 8-bit RGB of the same size in a file of the same length.

    Args:
        photographs: colour photographs, as for `evaluation.photographs.Photographs`.
        models: names of models or .onnx files; they see the 8-bit gray of the square's CIE L*.
        predictions: folders of pictures of any other program, one per photograph, of its name; each goes the way of the
            photographs to its square. With neither models nor predictions: the default model.
        folder: of the study; must not be there yet.
        size: side of the pictures, in pixels.
        practice, trials, catch, exposure, assignment: as in `Study`.
        seed: of what participants are shown, and whose colours a catch trial borrows.
        limit: take only the first photographs.
    Raises:
        StudyError: the folder is there; too few photographs, or gray ones; predictions are missing; two methods of one
            name. OptionError: a setting that cannot be. PhotoError: a picture cannot be read. ModelError: a model is
            none. DataError: there are no photographs.
    """
    folder = Path(folder)
    if os.path.lexists(folder):
        raise StudyError(f"{folder} is there already, and a study is never changed: name another folder")
    _check(size, practice, trials, catch, exposure, assignment, seed)
    methods = _methods(models, predictions)
    found = Photographs(photographs, size, limit, predictions)
    needed = max(2, practice + trials)
    if len(found) < needed:
        raise StudyError(
            f"{photographs} has {len(found)} photographs, and a participant sees {needed} different ones "
            f"({practice} in practice, {trials} in the test): add photographs, or ask for fewer trials"
        )
    files = {method.label: _predictions(method, found.names) for method in methods if method.kind == "folder"}
    part = folder.with_name(f".tintype-{secrets.token_hex(8)}.part")
    try:
        (part / PICTURES).mkdir(parents=True)
        said = {
            "format": FORMAT,
            "title": title,
            "seed": seed,
            "size": size,
            "exposure": exposure,
            "practice": practice,
            "trials": trials,
            "catch": catch,
            "assignment": assignment,
            "methods": [method.label for method in methods],
            "photographs": _pictures(part, found, methods, files, seed, progress),
            "about": {method.label: _source(method) for method in methods},
        }
        names = sorted(name for photograph in said["photographs"] for name in photograph["pictures"].values())
        said["digest"] = digest(said, (part / PICTURES / f"{name}.png" for name in names))
        with whole_file(part / FILE) as file:
            file.write(json.dumps(said, indent=1).encode())
        part.rename(folder)
    except OSError as error:
        raise StudyError(
            f"{folder} cannot be written ({error.strerror or error}): make room there, or name another folder"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return read_study(folder)


def _check(size: int, practice: int, trials: int, catch: float, exposure: float, assignment: str, seed: int) -> None:
    for holds, what, how, value in (
        (SIZES[0] <= size <= SIZES[1], "size", f"from {SIZES[0]} to {SIZES[1]} pixels", size),
        (practice >= 0, "number of practice trials", "0 or more", practice),
        (trials >= 1, "number of trials", "at least 1", trials),
        (0 <= catch <= 0.5, "share of catch trials", "from 0 to 0.5", catch),
        (0.05 <= exposure <= 60, "exposure", "from 0.05 to 60 seconds", exposure),
        (assignment in ("one", MIXED), "assignment", f"one or {MIXED}", assignment),
        (seed >= 0, "seed", "0 or more", seed),
    ):
        if not holds:
            raise OptionError(f"The {what} must be {how}, not {value}")


def _methods(models: Sequence[str], predictions: Sequence[str | os.PathLike]) -> list[Method]:
    for folder in predictions:
        if not os.path.isdir(folder):
            raise StudyError(f"{folder} is no folder of predictions; models are named by --models")
    found = methods_of(models) if models or not predictions else []
    found += [Method(Path(folder).resolve().name, "folder", os.fspath(folder)) for folder in predictions]
    labels = [method.label for method in found]
    for label in labels:
        if labels.count(label) > 1 or label in (TRUTH, RANDOM, MIXED):
            raise StudyError(f"Another thing of the study is called {label}: rename the file or folder of that method")
    return found


def _source(method: Method) -> str:
    """The hash of a model's file, or the name of a folder of predictions."""
    said = method.described()
    return said.get("sha256") or said["folder"]


def _predictions(method: Method, names: Sequence[str]) -> dict[str, Path]:
    """The file of each photograph's prediction."""
    files = prediction_files(Path(method.source))
    if missing := [name for name in names if name not in files]:
        raise StudyError(
            f"{method.source} has no prediction of {missing[0]}, and lacks {len(missing)} of {len(names)} in all: "
            "a prediction has the name of its photograph, with any suffix"
        )
    return files


def _pictures(
    part: Path,
    found: Photographs,
    methods: Sequence[Method],
    files: dict[str, dict[str, Path]],
    seed: int,
    progress: Progress,
) -> list[dict]:
    """Write all pictures; what study.json says of the photographs."""
    # Never kept: without it nobody can tell from a name which picture it is of.
    secret = secrets.token_bytes(16)
    done, count = itertools.count(1), len(found) * (len(methods) + 2)
    said = [{"name": name, "sha256": "", "pictures": {}} for name in found.names]

    def path(index: int, method: str) -> Path:
        return part / PICTURES / f"{said[index]['pictures'][method]}.png"

    def write(index: int, method: str, rgb: np.ndarray) -> None:
        words = f"{index} {method}".encode()
        said[index]["pictures"][method] = hashlib.sha256(secret + words).hexdigest()[:24]
        _write(path(index, method), rgb)
        progress(next(done), count)

    pale = []
    for index, name in enumerate(found.names):
        truth = found[index]
        said[index]["sha256"] = hashlib.sha256(np.ascontiguousarray(truth)).hexdigest()
        if np.hypot(*np.moveaxis(_ab(truth), -1, 0)).mean() < GRAY:
            pale.append(name)
        write(index, TRUTH, truth)
    if pale:
        raise StudyError(
            f"{len(pale)} of {len(said)} photographs are black-and-white, such as {pale[0]}: beside them a "
            "machine's colours are no riddle; take them out"
        )

    def truth_of(index: int) -> np.ndarray:
        return np.asarray(Image.open(path(index, TRUTH)))

    # One cycle through all photographs: each lends its colours once, and none to itself.
    order = np.random.default_rng(seed).permutation(len(said))
    for index, lender in zip(order, np.roll(order, 1), strict=True):
        write(index, RANDOM, _lent(_gray(truth_of(index)), truth_of(lender)))
    # What may be refused comes before what takes long.
    for method in sorted(methods, key=lambda method: method.kind != "folder"):
        for index, rgb in enumerate(_coloured(method, files.get(method.label), found, truth_of)):
            write(index, method.label, rgb)
    return said


def _coloured(
    method: Method, files: dict[str, Path] | None, found: Photographs, truth_of: Callable[[int], np.ndarray]
) -> Iterator[np.ndarray]:
    """All photographs as a method colours them, uint8 [size, size, 3]."""
    if files is None:
        colorize = Colorizer(method.source)
        yield from (colorize(_gray(truth_of(index))) for index in range(len(found)))
        return
    for name in found.names:
        try:
            encoded = files[name].read_bytes()
        except OSError as error:
            raise StudyError(f"{files[name]} cannot be read ({error.strerror}): check its permissions") from None
        rgb = decode(encoded, os.fspath(files[name]))
        if min(rgb.shape[:2]) < found.side:
            raise StudyError(
                f"{files[name]} has {rgb.shape[1]} x {rgb.shape[0]} pixels, and enlarged it would give itself away: "
                f"make larger predictions, or the study with --size {min(rgb.shape[:2])}"
            )
        yield square(rgb, found.side)


def _gray(rgb: np.ndarray) -> np.ndarray:
    """The 8-bit gray of the CIE L* of uint8 sRGB [h, w, 3]; uint8 [h, w]."""
    return np.rint(gray(lightness(rgb / np.float32(255))) * 255).astype(np.uint8)


def _ab(rgb: np.ndarray) -> np.ndarray:
    """CIE a*b* [h, w, 2] of uint8 sRGB."""
    return rgb_to_lab(rgb / np.float32(255))[..., 1:]


def _lent(gray: np.ndarray, lender: np.ndarray) -> np.ndarray:
    """Gray codes uint8 [h, w] with the colours of another photograph, uint8 sRGB [h, w, 3]."""
    light = lightness(np.repeat(gray[..., None], 3, axis=-1) / np.float32(255))
    return render(light, np.moveaxis(_ab(lender), -1, 0))


def _write(path: Path, rgb: np.ndarray) -> None:
    """A PNG file whose length tells nothing of the picture: stored without compression, and without metadata."""
    Image.fromarray(rgb).save(path, "png", compress_level=0)
