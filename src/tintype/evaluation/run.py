"""An evaluation: photographs made gray, coloured by each method, compared with the truth, and all of it kept.

A run goes on where it was stopped: what was measured of a photograph is not measured again. See `results` for the
files.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from PIL import Image

from tintype.color import film as films
from tintype.errors import (
    DataError,
    HintError,
    ModelError,
    OptionError,
    PhotoError,
    TintypeError,
    UnwritableFile,
    not_installed,
)
from tintype.evaluation import protocol as protocols
from tintype.evaluation.evaluator import gray_of, row_of, row_of_truth
from tintype.evaluation.figures import METRICS, variants
from tintype.evaluation.methods import Method, Picture, baselines, partners, plan, prediction_files, seed_of
from tintype.evaluation.photographs import SMALLEST, Photographs
from tintype.evaluation.protocol import TRUTH, Photograph, Protocol, differences
from tintype.evaluation.results import (
    Run,
    measured_path,
    picture_path,
    read_measured,
    read_protocol,
    read_run,
    write_csv,
)
from tintype.files import whole_file
from tintype.models import runtime
from tintype.threads import available_threads
from tintype.version import __version__

SIDE = 256
"""Default side of the squares that are measured, in pixels."""

FILMS = (*films.RESPONSES, "rec601")

CHUNK = 2**19
"""Pixels that a process measures before it reports."""

SAVED = 10.0
"""Seconds between two savings of what was measured, at least."""

PALE = 1.0
"""Colourfulness of a truth below which it is hardly a colour photograph."""

Progress = Callable[[str, int, int], None]
"""Called with the step ("fetching", "reading", "measuring"), how many of it are finished, and how many there are."""


@dataclass(frozen=True)
class Networks:
    """Files of networks that metrics ask; the metrics of those that are None are not measured."""

    classifier: str | None = None
    """Weights of MobileNetV2, as its `load` takes them."""
    lpips: tuple[str, str] | None = None
    """Weights of VGG16 and of LPIPS, as `losses.Lpips` takes them."""
    inception: str | None = None
    """An ONNX file, as `torch_metrics.Inception` takes it."""

    def variants(self) -> dict[str, str]:
        """Metric -> which variant, with the hashes of the files."""
        asked = {
            "semantic_accuracy": () if self.classifier is None else (self.classifier,),
            "lpips": self.lpips or (),
            "fid": () if self.inception is None else (self.inception,),
        }
        return {
            name: METRICS[name].variant.format(*(_hash(file) for file in files))
            for name, files in asked.items()
            if files
        }


def evaluate(
    models: Sequence[str],
    data: str | os.PathLike,
    folder: str | os.PathLike,
    *,
    side: int | None = SIDE,
    film: str = "cie",
    damage: str | None = None,
    temperatures: Sequence[float] = (),
    sizes: Sequence[int] = (),
    hints: Sequence[int] = (),
    limit: int | None = None,
    networks: Networks | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Colour photographs' gray versions by each model, measure the results, and write a run; see `results.read_run`.

    Args:
        models: names, .onnx files, folders of predictions; none: the default model.
        data: the photographs, as for `Photographs`. side: of their centre squares; None: as they are.
        folder: of the run. Where it holds a part of this run, that is completed; further models join it.
        film: the response that makes the gray, one of FILMS. damage: what is done to the gray, for `damage.parse`.
        temperatures, sizes, hints: further rows of each model, as for `methods.plan`.
        limit: take only the first photographs.
        jobs: processes; None: as many as there are processors. 1: no other process but this.
    Returns:
        what went wrong, a sentence for each model that failed; it has no row in metrics.csv.
    Raises:
        DataError: photographs cannot be read, or the folder holds another run. ModelError: a model cannot be opened.
        OptionError: a setting cannot be used. UnwritableFile: nothing can be written; what is done stays.
    """
    folder = Path(folder)
    networks = networks or Networks()
    progress = progress or (lambda what, done, count: None)
    jobs = jobs or available_threads()
    if side is not None and side < SMALLEST:
        raise OptionError(f"The side must be at least {SMALLEST} pixels, not {side}")
    if film not in FILMS:
        raise OptionError(f"Film {film} is unknown: choose one of {', '.join(FILMS)}")
    if damage is not None:
        damage = str(_damage(damage))
    _opened.cache_clear()  # A file may have changed since.
    asked = plan(models, temperatures, sizes, hints)
    _check(networks)
    photographs = Photographs(data, side, limit, [folder], lambda done, count: progress("fetching", done, count))
    before = read_protocol(folder)
    protocol = Protocol(
        source=photographs.source,
        photographs=(),
        side=side,
        crop="whole" if side is None else "centre square, resized (Lanczos)",
        gray=film if damage in (None, "none") else f"{film}, {damage}",
        models={method.label: method.described() for method in asked},
        metrics=variants() | networks.variants(),
        versions=_versions(networks),
    )
    try:
        _demand_own(folder, before, protocol)
        taken = _take(photographs, folder, before, jobs, progress)
        protocol = replace(protocol, photographs=taken)
        if before is not None:
            protocol = _joined(folder, before, protocol)
        if protocol != before:
            folder.mkdir(parents=True, exist_ok=True)
            with whole_file(folder / protocols.FILE) as file:
                file.write(protocol.to_json().encode())
        methods = [Method(TRUTH, "truth"), *baselines(len(taken)), *asked]
        tables = [Table(folder, method, protocol) for method in methods]
        failures = _fill(tables, protocol, film, damage, networks, jobs, progress)
        write_csv(read_run(folder))
    except OSError as error:
        raise UnwritableFile(
            f"{error.filename or folder} cannot be written ({error.strerror}): free some space there, and repeat the "
            "command"
        ) from error
    return failures


def nearly_gray(run: Run) -> list[str]:
    """Photographs that are nearly gray: leaving them gray is no achievement."""
    return [photo for photo, found in zip(run.photos, run.values(TRUTH, "colorfulness"), strict=True) if found < PALE]


def _take(
    photographs: Photographs, folder: Path, before: Protocol | None, jobs: int, progress: Progress
) -> tuple[Photograph, ...]:
    """Read all photographs and keep them in RUN/truth.

    Raises:
        DataError: some cannot be read.
    """
    names = photographs.names
    known = None if before is None else {photograph.name: photograph for photograph in before.photographs}

    def take(index: int) -> Photograph | PhotoError:
        try:
            pixels = photographs[index]
        except PhotoError as error:
            return error
        sha256 = hashlib.sha256(np.ascontiguousarray(pixels)).hexdigest()
        photograph = Photograph(names[index], sha256, *pixels.shape[:2])
        # The truth of another run is left alone; that it is another is said afterwards.
        if known is None or known.get(photograph.name) == photograph:
            path = picture_path(folder, TRUTH, photograph.name)
            if not _holds(path, pixels):
                _write_picture(path, pixels)
        return photograph

    found, failed = [], []
    with ThreadPoolExecutor(jobs) as pool:
        for index, outcome in enumerate(pool.map(take, range(len(names)))):
            (failed if isinstance(outcome, Exception) else found).append(outcome)
            progress("reading", index + 1, len(names))
    if failed:
        count = f"{len(failed)} of {len(names)} photographs cannot be measured"
        raise DataError(f"{str(failed[0]).rstrip('.')} ({count}; remove or replace them)")
    return tuple(found)


def _demand_own(folder: Path, before: Protocol | None, protocol: Protocol) -> None:
    """Raises DataError when the folder holds something else than this run, as far as can be told without reading."""
    if before is None:
        if folder.exists() and (not folder.is_dir() or {path.name for path in folder.iterdir()} - {TRUTH}):
            raise DataError(f"{folder} contains other files: choose a new folder for the run")
        return
    apart = differences(replace(before, photographs=()), protocol)
    apart += [f"metric {name}" for name in sorted(before.metrics.keys() ^ protocol.metrics.keys())]
    if apart:
        raise DataError(f"{folder} is a run of another protocol, by its {'; '.join(apart)}: name another folder")
    for label, ours in protocol.models.items():
        theirs = before.models.get(label, ours)
        if other := [key for key in sorted(ours.keys() | theirs.keys()) if ours.get(key) != theirs.get(key)]:
            raise DataError(
                f"{folder} has predictions of another model called {label} (different {', '.join(other)}): choose "
                "another folder"
            )


def _joined(folder: Path, before: Protocol, protocol: Protocol) -> Protocol:
    """The protocol of a run that goes on.

    Raises:
        DataError: it has other photographs.
    """
    if apart := differences(before, protocol):
        raise DataError(f"{folder} is a run of another protocol, by its {'; '.join(apart)}: name another folder")
    versions = dict(before.versions)
    for program, version in protocol.versions.items():
        known = versions.setdefault(program, version).split(", ")
        versions[program] = ", ".join(dict.fromkeys([*known, version]))
    return replace(before, models={**before.models, **protocol.models}, versions=versions)


def _versions(networks: Networks) -> dict[str, str]:
    found = {
        "tintype": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": runtime.VERSION,
        "pyvips": pyvips.__version__,
        "libvips": ".".join(str(pyvips.version(part)) for part in range(3)),
    }
    if networks != Networks():
        found["torch"] = sys.modules["torch"].__version__
    return found


class Table:
    """What was measured of one method so far, kept in RUN/measured."""

    def __init__(self, folder: Path, method: Method, protocol: Protocol):
        self.folder, self.method, self.protocol = folder, method, protocol
        self.rows: dict[str, dict[str, Any]] = {}
        """Photograph -> name of an array -> its entry."""
        depends = asdict(replace(protocol, models={}, versions={}, source="")) | {
            "method": [method.label, protocol.models.get(method.label)]
        }
        self.key = hashlib.sha256(json.dumps(depends).encode()).hexdigest()
        found = read_measured(folder, method.label)
        if found is not None and str(found.pop("key")) == self.key:
            photos = [str(photo) for photo in found.pop("photos")]
            self.rows = {photo: {name: found[name][i] for name in found} for i, photo in enumerate(photos)}
        files = prediction_files(Path(method.source)) if method.kind == "folder" else {}
        for photo, row in list(self.rows.items()):
            kept = picture_path(folder, method.label, photo).is_file()
            if not kept or (method.kind == "folder" and row["files"] != _hash_or_none(files.get(photo))):
                del self.rows[photo]
        self.stale = found is not None and len(self.rows) < len(found["areas"])
        """Whether the file contains results that are out of date."""

    def missing(self) -> list[Photograph]:
        return [photograph for photograph in self.protocol.photographs if photograph.name not in self.rows]

    def save(self) -> None:
        """Write what there is."""
        path = measured_path(self.folder, self.method.label)
        if not self.rows:
            path.unlink(missing_ok=True)
            return
        photos = [photograph.name for photograph in self.protocol.photographs if photograph.name in self.rows]
        names = self.rows[photos[0]]
        arrays = {name: np.array([self.rows[photo][name] for photo in photos]) for name in names}
        memory = io.BytesIO()
        np.savez_compressed(memory, key=self.key, photos=photos, **arrays)
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(memory.getvalue())


def _fill(
    tables: Sequence[Table],
    protocol: Protocol,
    film: str,
    damage: str | None,
    networks: Networks,
    jobs: int,
    progress: Progress,
) -> list[str]:
    """Measure what is missing; what went wrong, a sentence each."""
    names = [photograph.name for photograph in protocol.photographs]
    other = {name: names[index] for name, index in zip(names, partners(len(names)), strict=True)}
    tasks = [
        Task(os.fspath(table.folder), table.method, tuple((name, other[name]) for name in part), film, damage, networks)
        for table in tables
        for part in _chunks(table.missing())
    ]
    by_label = {table.method.label: table for table in tables}
    done, count = 0, sum(len(task.photos) for task in tasks)
    failures: dict[str, list[str]] = {}
    unsaved = {table.method.label for table in tables if table.stale}
    saved, pause = time.monotonic(), SAVED
    progress("measuring", 0, count)
    try:
        with closing(_worked(tasks, jobs)) as finished:
            for task, rows in finished:
                label = task.method.label
                for (name, _), row in zip(task.photos, rows, strict=True):
                    if isinstance(row, str):
                        failures.setdefault(label, []).append(row)
                    else:
                        by_label[label].rows[name] = row
                        unsaved.add(label)
                done += len(rows)
                progress("measuring", done, count)
                if time.monotonic() - saved > pause:
                    started = time.monotonic()
                    for label in sorted(unsaved):
                        by_label[label].save()
                    unsaved.clear()
                    saved = time.monotonic()
                    pause = max(SAVED, 10 * (saved - started))  # Of a large set saving takes its time.
    finally:
        broken = sys.exc_info()[0] is not None
        # Where something went wrong already, such as on a full disk, that is what is to be said.
        with suppress(*((OSError, TintypeError) if broken else ())):
            for label in sorted(unsaved):
                by_label[label].save()
    return [
        f"{label}: {messages[0].rstrip('.')}"
        + (f" ({len(messages)} photographs failed)" if len(messages) > 1 else "")
        + f"; the tables leave {label} out until the same command ends without failure"
        for label, messages in failures.items()
    ]


def _chunks(photographs: Iterable[Photograph]) -> Iterator[list[str]]:
    """Names of photographs that have CHUNK pixels or so together."""
    part: list[str] = []
    pixels = 0
    for photograph in photographs:
        part.append(photograph.name)
        pixels += photograph.height * photograph.width
        if pixels >= CHUNK:
            yield part
            part, pixels = [], 0
    if part:
        yield part


@dataclass(frozen=True)
class Task:
    """Some photographs to be coloured and measured by one method, sent to another process."""

    folder: str
    method: Method
    photos: tuple[tuple[str, str], ...]
    """Each with the one that `random` takes its colours from."""
    film: str
    damage: str | None
    networks: Networks


def _worked(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[Task, list[dict | str]]]:
    """The tasks with their rows, as they are finished, by so many processes."""
    if min(jobs, len(tasks)) <= 1:
        for task in tasks:
            yield task, work(task)
        return
    # Fresh processes: the run-time library does not survive a fork of its threads.
    strangers = set(active_children())
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), get_context("spawn"), _begin)
    try:
        waiting = iter(tasks)
        running = {}
        while True:
            for task in waiting:
                running[pool.submit(work, task)] = task
                if len(running) > 2 * jobs:
                    break
            if not running:
                break
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future.result()
    except BrokenProcessPool:
        raise DataError(
            "A worker process was stopped, perhaps because memory ran out: try again with --jobs 1"
        ) from None
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(active_children()) - strangers:
            child.terminate()
        raise
    pool.shutdown()


def _begin() -> None:
    """In each further process: Ctrl-C is for the first one to handle, and no process outlives it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    first = parent_process()

    def follow() -> None:
        first.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def work(task: Task) -> list[dict | str]:
    """The rows of a task's photographs; where the method failed, what it said."""
    rows: list[dict | str] = []
    for name, other in task.photos:
        try:
            rows.append(_row(task, name, other))
        except (ModelError, HintError, OptionError) as error:
            rows.append(str(error))
        except MemoryError:
            rows.append(f"not enough memory to colour {name}")
    return rows


def _row(task: Task, name: str, other: str) -> dict[str, Any]:
    """Colour one photograph, keep the result, and measure it."""
    folder, method = Path(task.folder), task.method
    truth = _read_picture(picture_path(folder, TRUTH, name))
    networks = _opened_networks(task.networks)
    if method.kind == "truth":
        return row_of_truth(truth) | _asked(networks, name, truth, None)
    gray = gray_of(truth, task.film)
    damage = None if task.damage is None else _damage(task.damage)
    if damage is not None:
        gray = damage.apply(gray, seed_of(name))
    picture = Picture(name, truth, gray, lambda: _read_picture(picture_path(folder, TRUTH, other)))
    coloured = _opened(method)(picture)
    rgb = coloured.rgb if damage is None else damage.undo_size(coloured.rgb, *truth.shape[:2])
    _write_picture(picture_path(folder, method.label, name), rgb)
    row = row_of(rgb, truth) | _asked(networks, name, rgb, truth) | {"seconds": coloured.seconds}
    if (reliability := coloured.reliability) is not None:
        row |= {"confidence": reliability.confident, "right": reliability.right, "sure": reliability.pixels}
    if coloured.file is not None:
        row["files"] = coloured.file
    return row


@lru_cache(maxsize=1)
def _opened(method: Method) -> Callable:
    return method.open()


def _damage(text: str):
    from tintype.evaluation import damage

    return damage.parse(text)


def _check(networks: Networks) -> None:
    """Raises TintypeError where torch is missing, and what the files' readers raise."""
    if networks == Networks():
        return
    if find_spec("torch") is None:
        raise not_installed("A metric that uses a network", "torch", "train")
    _opened_networks(networks)


@lru_cache(maxsize=1)
def _opened_networks(networks: Networks) -> dict[str, Any]:
    """Each network that is asked, by its metric."""
    if networks == Networks():
        return {}
    import torch

    from tintype.evaluation.torch_metrics import Inception
    from tintype.losses import Lpips
    from tintype.networks.encoders.mobilenetv2 import MobileNetV2

    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    if networks.classifier:
        found["class_right"] = MobileNetV2()
        found["class_right"].load(networks.classifier)
    if networks.lpips:
        found["lpips"] = Lpips(*networks.lpips)
    if networks.inception:
        found["features"] = Inception(networks.inception)
    return found


def _asked(networks: dict[str, Any], name: str, rgb: np.ndarray, truth: np.ndarray | None) -> dict[str, Any]:
    """What networks say of a photograph, or with `truth` None of the truth itself."""
    if not networks:
        return {}
    from tintype.evaluation.torch_metrics import classify, imagenet_class, lpips

    found: dict[str, Any] = {}
    if "class_right" in networks:
        true = imagenet_class(name)
        found["class_right"] = float("nan") if true is None else float(classify(networks["class_right"], rgb) == true)
    if "lpips" in networks and truth is not None:
        found["lpips"] = lpips(networks["lpips"], rgb, truth)
    if "features" in networks:
        found["features"] = networks["features"](rgb)
    return found


def _hash(path: str | os.PathLike) -> str:
    """SHA-256 of a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from None


def _hash_or_none(path: Path | None) -> str:
    return "" if path is None else _hash(path)


def _read_picture(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{path} cannot be read ({error}); delete it, and repeat the command") from None


def _holds(path: Path, pixels: np.ndarray) -> bool:
    """Whether a file is that picture."""
    try:
        return path.is_file() and np.array_equal(_read_picture(path), pixels)
    except DataError:
        return False


def _write_picture(path: Path, pixels: np.ndarray) -> None:
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, "PNG", compress_level=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.write(memory.getvalue())
