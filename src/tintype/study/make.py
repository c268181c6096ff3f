"""A study from colour photographs: each as it is, with another photograph's colours, and as every method colours it."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tintype.color.enlarge import DETAIL, Enlarger, mean_resize
from tintype.color.lab import gray, lightness
from tintype.color.render import render
from tintype.colorizer import Colorizer
from tintype.data.seen import Seen, seen_by
from tintype.errors import OptionError, StudyError, UnwritableFile
from tintype.evaluation.evaluator import ab_of
from tintype.evaluation.methods import Method, prediction_files
from tintype.evaluation.methods import plan as methods_of
from tintype.evaluation.photographs import FREE, Photographs, square
from tintype.files import whole_file, whole_folder
from tintype.models.catalog import shipped
from tintype.photo import from_array, read_colour
from tintype.study.attention import catches
from tintype.study.design import FILE, FORMAT, MIXED, PICTURES, RANDOM, TRUTH, Known, Study, digest, read_study
from tintype.study.texts import read_texts

GRAY = 5.0
"""A photograph whose mean chroma is below this is black-and-white, as when training data is prepared."""

Pixels = NDArray[np.uint8]

SIZES = (32, 1024)
"""Sides that pictures may have, in pixels."""

PRACTICE, TRIALS = 10, 40
"""Trials of the published protocol; a study of FREE, with its forty photographs, has FEWER."""

FEWER = (8, 32)

AS_MODELS = "models"
"""What is said for a grid of the truth that is the models' own."""

GRIDS = (8, 1024)
"""Places that a grid of the truth may have each way."""

TITLE = "Which colours are the computer's?"

CONSENT = 20_000
"""Characters at most of a consent text."""

Progress = Callable[[int, int], None]
"""Is told how many pictures of how many are made."""


def make(
    photographs: str | os.PathLike[str],
    models: Sequence[str],
    predictions: Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    size: int = 256,
    practice: int | None = None,
    trials: int | None = None,
    catch: float | None = None,
    exposure: float = 1.0,
    assignment: str = "one",
    seed: int = 0,
    title: str = TITLE,
    limit: int | None = None,
    consent: str | os.PathLike[str] | None = None,
    researcher: str = "",
    contact: str = "",
    completion: str = "",
    participant_code: str = "",
    texts: str | os.PathLike[str] | None = None,
    truth_grid: str | int | None = None,
    progress: Progress = lambda done, count: None,
    fetching: Progress = lambda done, count: None,
) -> Study:
    """Make a study's pictures, and the file that fixes its protocol; the defaults are those of Zhang et al. (2016), but
    for more catch trials.

    Every picture, whoever coloured it, is 8-bit RGB of the same size in a file of the same length.

    Args:
        photographs: colour photographs, as for `evaluation.photographs.Photographs`.
        models: names of models or .onnx files; they see the 8-bit gray of the square's CIE L*.
        predictions: folders of pictures of any other program, one per photograph, of its name; each goes the way of the
            photographs to its square. With neither models nor predictions: the default model.
        folder: of the study; must not be there yet.
        size: side of the pictures, in pixels.
        practice, trials, catch, exposure, assignment: as in `Study`; practice and trials None: PRACTICE and TRIALS, or
            FEWER of the photographs FREE; catch None: as many as `attention.catches` says.
        seed: of what participants are shown, and whose colours a catch trial borrows.
        limit: take only the first photographs.
        consent: a file of UTF-8 text that the first page shows: paragraphs with empty lines between them, lines that
            begin with "- " as points of a list, and with "# " as headings.
        researcher, contact, completion, participant_code: as in `Study`.
        texts: a file with the pages' texts in another language, as for `texts.read_texts`.
        truth_grid: the photographs' own colours go the way of a machine's: averaged to the grid of places at which the
            models answer (AS_MODELS), or to so many places each way; enlarged along the edges of the lightness, fitted
            into the gamut, with the lightness of the gray that the models see. None: they stay as they are.
        progress: is told how many pictures are made. fetching: how many photographs of a published set are fetched.
    Raises:
        OptionError: a setting that cannot be; the folder is there; too few photographs for the trials; two methods of
            one name; models whose grids differ, where the truth takes theirs. StudyError: gray photographs; predictions
            are missing; a file that cannot be read. PhotoError: a picture cannot be read. ModelError: a model is none.
            DataError: there are no photographs; a model's list of hashes is broken.
    """
    folder = Path(folder)
    if os.path.lexists(folder):
        raise OptionError(f"{folder} is there already, and a study is never changed: name another folder")
    usual = FEWER if str(photographs) == FREE else (PRACTICE, TRIALS)
    practice, trials = usual[0] if practice is None else practice, usual[1] if trials is None else trials
    _check(size, practice, trials, catch, exposure, assignment, seed)
    if catch is None:
        catch = catches(trials) / trials
    texts_of_pages = {} if texts is None else read_texts(texts)
    consent_text = "" if consent is None else _consent(consent)
    _recruitment(researcher, contact, completion, participant_code)
    methods = _methods(models, predictions)
    grid = _grid(truth_grid, methods, size)
    seen = {method.label: found for method in methods if method.kind == "model" and (found := seen_by(method.source))}
    originals = Photographs(photographs, size, limit, predictions, fetching)
    _enough(photographs, len(originals), practice, trials)
    files = {method.label: _predictions(method, originals.names) for method in methods if method.kind == "folder"}
    try:
        with whole_folder(folder) as part:
            (part / PICTURES).mkdir()
            known: dict[str, list[str]] = {label: [] for label in seen}
            described: dict[str, Any] = {
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
                "photographs": _pictures(part, originals, size, methods, files, grid, seen, known, seed, progress),
                "about": {method.label: _source(method) for method in methods},
                "consent": consent_text,
                "researcher": researcher,
                "contact": contact,
                "completion": completion,
                "participant_code": participant_code,
                "texts": texts_of_pages,
                "truth_grid": None if grid is None else grid.places,
            }
            described["known"] = {
                label: asdict(Known(len(one.hashes), one.count, tuple(known[label]))) for label, one in seen.items()
            }
            names = sorted(name for photo in described["photographs"] for name in photo["pictures"].values())
            described["digest"] = digest(described, (part / PICTURES / f"{name}.png" for name in names))
            with whole_file(part / FILE) as file:
                file.write(json.dumps(described, indent=1).encode())
    except (OSError, UnwritableFile) as error:
        reason = error.reason if isinstance(error, UnwritableFile) else error.strerror or error
        raise StudyError(
            f"{folder} cannot be written ({reason}): free some space there, or choose another folder"
        ) from error
    return read_study(folder)


def _check(
    size: int, practice: int, trials: int, catch: float | None, exposure: float, assignment: str, seed: int
) -> None:
    for holds, option, how, value in (
        (SIZES[0] <= size <= SIZES[1], "--size", f"from {SIZES[0]} to {SIZES[1]} pixels", size),
        (practice >= 0, "--practice", "0 or more", practice),
        (trials >= 1, "--trials", "at least 1", trials),
        (catch is None or 0 <= catch <= 0.5, "--catch", "a share from 0 to 0.5", catch),
        (0.05 <= exposure <= 60, "--exposure", "from 0.05 to 60 seconds", exposure),
        (assignment in ("one", MIXED), "--assignment", f"one or {MIXED}", assignment),
        (seed >= 0, "--seed", "0 or more", seed),
    ):
        if not holds:
            raise OptionError(f"{option} must be {how}, not {value}")


@dataclass(frozen=True)
class _Grid:
    """How coarse colours are before they are enlarged, and what guides that."""

    places: int
    """Each way."""
    guide: int
    """Pixels each way of the lightness along whose edges they are enlarged, see `color.enlarge.Edges`."""


def _grid(asked: str | int | None, methods: Sequence[Method], size: int) -> _Grid | None:
    """The grid of the truth. Raises OptionError where it cannot be told."""
    if asked is None:
        return None
    if asked != AS_MODELS:
        places = int(asked) if str(asked).isdecimal() else 0
        if not GRIDS[0] <= places <= GRIDS[1]:
            raise OptionError(
                f"--truth-grid must be {AS_MODELS}, or a number from {GRIDS[0]} to {GRIDS[1]}, not {asked}"
            )
        return _Grid(places, DETAIL * places)
    if theirs := next((method.label for method in methods if method.kind == "folder"), None):
        raise OptionError(f"{theirs} does not tell on which grid its colours were made: give it as --truth-grid 64")
    grids = {method.label: _grid_of(method, size) for method in methods}
    if len(set(grids.values())) > 1:
        said = ", ".join(f"{label} {grid.places}" for label, grid in grids.items())
        raise OptionError(
            f"The models answer on different grids ({said}), and all are compared with one truth: make a study of "
            "each, or give one grid as --truth-grid 64"
        )
    return next(iter(grids.values()))


def _grid_of(method: Method, size: int) -> _Grid:
    """The grid on which a model answers of squares of a size."""
    colours = Colorizer(method.source).look(from_array(np.full((size, size), 128, np.uint8)))
    return _Grid(colours.ab.shape[1], colours.guide.shape[0])


def _through(grid: _Grid, rgb: Pixels) -> Pixels:
    """A square, uint8 sRGB, whose own colours went the way of a machine's."""
    ab = np.stack([mean_resize(plane, (grid.places, grid.places)) for plane in np.moveaxis(ab_of(rgb), -1, 0)])
    return enlarged(_gray(rgb), ab, grid.guide)


def enlarged(codes: Pixels, ab: NDArray[np.float32], guide: int) -> Pixels:
    """What a `Colorizer` makes of gray codes, uint8 [h, h], and the colours of its model: uint8 sRGB [h, h, 3].

    Args:
        ab: float32 [2, h', h'], CIE a*b*.
        guide: pixels each way of the lightness along whose edges they are enlarged.
    """
    photo = from_array(codes)
    enlarger = Enlarger(ab, photo.thumbnail(guide, guide), (photo.height, photo.width))
    return render(photo.lightness(), enlarger.rows(0, photo.height))


def _enough(source: str | os.PathLike[str], count: int, practice: int, trials: int) -> None:
    """Raises OptionError where a participant would see a photograph twice."""
    if count >= max(2, practice + trials):
        return
    said = f"{source} has {count} photographs, and a participant sees {max(2, practice + trials)} different ones"
    if count < 2:
        raise OptionError(f"{said}: add photographs")
    # In the same proportion.
    fewer = min(practice, count * practice // (practice + trials))
    raise OptionError(
        f"{said} ({practice} in practice, {trials} in the test): add photographs, or give "
        f"--practice {fewer} --trials {count - fewer}"
    )


def _consent(path: str | os.PathLike[str]) -> str:
    try:
        consent = Path(path).read_text("utf-8-sig").strip()
    except OSError as error:
        raise StudyError(f"The consent text {path} cannot be read ({error.strerror}): check its name") from None
    except UnicodeDecodeError:
        raise StudyError(f"The consent text {path} is no UTF-8 text: save it as plain text in UTF-8") from None
    if not consent or len(consent) > CONSENT:
        raise StudyError(f"The consent text {path} has {len(consent)} characters: it may have from 1 to {CONSENT}")
    return consent


def _recruitment(researcher: str, contact: str, completion: str, participant_code: str) -> None:
    """Raises OptionError for what cannot be shown, or would lead participants elsewhere than it says."""
    for option, value in (("--researcher", researcher), ("--contact", contact)):
        if len(value) > 200 or not value.isprintable():
            raise OptionError(f"{option} must be one line of at most 200 characters")
    if completion:
        plain = completion.replace("{code}", "x")
        try:
            parts = urlsplit(plain)
            sound = parts.scheme == "https" and parts.hostname and parts.username is None and parts.port != 0
        except ValueError:
            sound = False
        if not sound or re.search(r"[^!-~]|[{}\\<>\"`^|]", plain) or "{code}" in completion.split("?")[0]:
            raise OptionError(
                "--completion must be a whole address that begins with https://, with {code} at most behind its "
                f"question mark, not {completion!r}"
            )
        if "{code}" in completion and not participant_code:
            raise OptionError("--completion has {code}, so --participant-code must name the parameter that brings it")
    if participant_code and not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", participant_code):
        raise OptionError(f"--participant-code must be the name of a parameter, such as pid, not {participant_code!r}")


def _methods(models: Sequence[str], predictions: Sequence[str | os.PathLike[str]]) -> list[Method]:
    for folder in predictions:
        if not os.path.isdir(folder):
            raise OptionError(f"{folder} is not a folder of predictions; models are named by --models")
    methods = methods_of(models) if models or not predictions else []
    methods += [Method(Path(folder).resolve().name, "folder", os.fspath(folder)) for folder in predictions]
    labels = [method.label for method in methods]
    for method in methods:
        label = method.label
        if labels.count(label) > 1 or label in (TRUTH, RANDOM, MIXED):
            raise OptionError(
                f"The study already has something called {label}: rename the file or folder of that method"
            )
        # Models that only call themselves so have another label already.
        if label in shipped() and method.kind == "folder":
            raise OptionError(
                f"{method.source} would be called {label}, which is a model of tintype: rename that file or folder"
            )
        if not label.isprintable():
            raise OptionError(f"The name {label!r} cannot be shown: rename the file or folder of that method")
    return methods


def _source(method: Method) -> str:
    """The hash of a model's file, or the name of a folder of predictions."""
    described = method.described()
    return str(described.get("sha256") or described["folder"])


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
    originals: Photographs,
    size: int,
    methods: Sequence[Method],
    files: dict[str, dict[str, Path]],
    grid: _Grid | None,
    seen: dict[str, Seen],
    known: dict[str, list[str]],
    seed: int,
    progress: Progress,
) -> list[dict[str, Any]]:
    """Write all pictures; what study.json says of the photographs. `known` gets the names of those that models know."""
    # Never kept: without it nobody can tell from a name which picture it is of.
    secret = secrets.token_bytes(16)
    done, count = itertools.count(1), len(originals) * (len(methods) + 2)
    pictures: list[dict[str, str]] = [{} for _ in originals.names]
    hashes = []

    def path(index: int, method: str) -> Path:
        return part / PICTURES / f"{pictures[index][method]}.png"

    def write(index: int, method: str, rgb: Pixels) -> None:
        words = f"{index} {method}".encode()
        pictures[index][method] = hashlib.sha256(secret + words).hexdigest()[:24]
        _write(path(index, method), rgb)
        progress(next(done), count)

    pale = []
    for index, name in enumerate(originals.names):
        truth = originals[index]
        hashes.append(hashlib.sha256(truth.tobytes()).hexdigest())
        if np.hypot(*np.moveaxis(ab_of(truth), -1, 0)).mean() < GRAY:
            pale.append(name)
        for label, photographs in seen.items():
            if photographs.knows(truth):
                known[label].append(name)
        write(index, TRUTH, truth)
    if pale:
        raise StudyError(
            f"{len(pale)} of {len(pictures)} photographs are black-and-white, such as {pale[0]}: next to one, a "
            "machine's colours are easy to spot; leave them out"
        )

    def truth_of(index: int) -> Pixels:
        return np.asarray(Image.open(path(index, TRUTH)))

    # One cycle through all photographs: each lends its colours once, and none to itself.
    order = np.random.default_rng(seed).permutation(len(pictures))
    for index, lender in zip(order, np.roll(order, 1), strict=True):
        write(index, RANDOM, _lent(_gray(truth_of(index)), truth_of(lender)))
    # What may be refused comes before what takes long.
    for method in sorted(methods, key=lambda method: method.kind != "folder"):
        for index, rgb in enumerate(_coloured(method, files.get(method.label), originals, size, truth_of)):
            write(index, method.label, rgb)
    if grid is not None:
        # Last, because all others are made of the photographs as they are.
        for index in range(len(pictures)):
            _write(path(index, TRUTH), _through(grid, truth_of(index)))
    columns = zip(originals.names, hashes, pictures, strict=True)
    return [{"name": name, "sha256": sha256, "pictures": files} for name, sha256, files in columns]


def _coloured(
    method: Method,
    files: dict[str, Path] | None,
    originals: Photographs,
    size: int,
    truth_of: Callable[[int], Pixels],
) -> Iterator[Pixels]:
    """All photographs as a method colours them, uint8 [size, size, 3]."""
    if files is None:
        colorize = Colorizer(method.source)
        yield from (colorize(_gray(truth_of(index))) for index in range(len(originals)))
        return
    for name in originals.names:
        rgb = read_colour(files[name])
        if min(rgb.shape[:2]) < size:
            raise StudyError(
                f"{files[name]} has {rgb.shape[1]} x {rgb.shape[0]} pixels, and enlarged it would give itself away: "
                f"make larger predictions, or the study with --size {min(rgb.shape[:2])}"
            )
        yield square(rgb, size)


def _gray(rgb: Pixels) -> Pixels:
    """The 8-bit gray of the CIE L* of uint8 sRGB [h, w, 3]; uint8 [h, w]."""
    codes: Pixels = np.rint(gray(lightness(rgb / np.float32(255))) * 255).astype(np.uint8)
    return codes


def _lent(gray: Pixels, lender: Pixels) -> Pixels:
    """Gray codes uint8 [h, w] with the colours of another photograph, uint8 sRGB [h, w, 3]."""
    light = lightness(np.repeat(gray[..., None], 3, axis=-1) / np.float32(255))
    return render(light, np.moveaxis(ab_of(lender), -1, 0))


def _write(path: Path, rgb: Pixels) -> None:
    """A PNG file whose length tells nothing of the picture: stored without compression, and without metadata."""
    Image.fromarray(rgb).save(path, "png", compress_level=0)
