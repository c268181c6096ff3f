"""An evaluation: photographs made gray, coloured by each method, compared with the truth, and all of it kept.

A run goes on where it was stopped: what was measured of a photograph is not measured again. See `results` for the
files.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyvips

from tintype.color import film as films
from tintype.errors import DataError, OptionError, PhotoError, TintypeError, UnwritableFile
from tintype.evaluation import damage as damages
from tintype.evaluation import protocol as protocols
from tintype.evaluation.figures import variants
from tintype.evaluation.methods import Method, baselines, partners, plan
from tintype.evaluation.network_metrics import Networks
from tintype.evaluation.photographs import SMALLEST, Photographs
from tintype.evaluation.protocol import TRUTH, Photograph, Protocol, differences
from tintype.evaluation.results import Run, read_run, write_csv
from tintype.evaluation.store import Table, holds, picture_path, read_protocol, write_picture
from tintype.evaluation.workers import Task, chunks, worked
from tintype.files import whole_file
from tintype.models import runtime
from tintype.threads import ahead, available_threads
from tintype.version import __version__

SIDE = 256
"""Default side of the squares that are measured, in pixels."""

FILMS = (*films.RESPONSES, "rec601")

SAVED = 10.0
"""Seconds between two savings of what was measured, at least."""

PALE = 1.0
"""Colourfulness of a truth below which it is hardly a colour photograph."""

Progress = Callable[[str, int, int], None]
"""Called with the step ("fetching", "reading", "measuring"), how many of it are finished, and how many there are."""


def evaluate(
    models: Sequence[str],
    data: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    side: int | None = SIDE,
    film: str = "cie",
    damage: str | None = None,
    gray: str | None = None,
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
        gray: what the predictions were made from, in words, where that is another gray; the baselines have `film`'s.
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
        damage = str(damages.parse(damage))
    asked = plan(models, temperatures, sizes, hints)
    networks.demand()
    photographs = Photographs(data, side, limit, [folder], lambda done, count: progress("fetching", done, count))
    before = read_protocol(folder)
    protocol = Protocol(
        source=photographs.source,
        photographs=(),
        side=side,
        crop="whole" if side is None else "centre square, resized (Lanczos)",
        gray=_gray(film, damage, gray),
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
    return [photo for photo, colour in zip(run.photos, run.values(TRUTH, "colorfulness"), strict=True) if colour < PALE]


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
        sha256 = hashlib.sha256(pixels.tobytes()).hexdigest()
        photograph = Photograph(names[index], sha256, *pixels.shape[:2])
        # The truth of another run is left alone; that it is another is said afterwards.
        if known is None or known.get(photograph.name) == photograph:
            path = picture_path(folder, TRUTH, photograph.name)
            if not holds(path, pixels):
                write_picture(path, pixels)
        return photograph

    taken: list[Photograph] = []
    failed: list[PhotoError] = []
    for index, outcome in enumerate(ahead(take, range(len(names)), jobs, waiting=jobs)):
        if isinstance(outcome, PhotoError):
            failed.append(outcome)
        else:
            taken.append(outcome)
        progress("reading", index + 1, len(names))
    if failed:
        count = f"{len(failed)} of {len(names)} photographs cannot be measured"
        raise DataError(f"{str(failed[0]).rstrip('.')} ({count}; remove or replace them)")
    return tuple(taken)


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


def _gray(film: str, damage: str | None, gray: str | None) -> str:
    """As the protocol has it."""
    made = film if damage in (None, "none") else f"{film}, {damage}"
    return made if gray is None else f"{gray} (baselines: {made})"


def _versions(networks: Networks) -> dict[str, str]:
    versions = {
        "tintype": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": runtime.VERSION,
        "pyvips": pyvips.__version__,
        "libvips": ".".join(str(pyvips.version(part)) for part in range(3)),
    }
    if networks != Networks():
        versions["torch"] = sys.modules["torch"].__version__
    return versions


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
        for part in chunks(table.missing())
    ]
    by_label = {table.method.label: table for table in tables}
    done, count = 0, sum(len(task.photos) for task in tasks)
    failures: dict[str, list[str]] = {}
    unsaved = {table.method.label for table in tables if table.stale}
    saved, pause = time.monotonic(), SAVED
    progress("measuring", 0, count)
    try:
        with closing(worked(tasks, jobs)) as finished:
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
