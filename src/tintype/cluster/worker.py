"""An actor of the cluster: one Colorizer, and the photographs that it is given."""

from __future__ import annotations

import os
import pickle
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tintype.album import Ledger, Making, Outcome, Record, Task, colour
from tintype.album.engine import Room
from tintype.album.ledger import now
from tintype.cluster.rows import Rows, made_of
from tintype.cluster.stores import Store
from tintype.colorizer import Colorizer, Settings
from tintype.errors import StoreError, TintypeError
from tintype.files import scratch_folder
from tintype.version import __version__

if TYPE_CHECKING:
    import pyarrow as pa

AHEAD = 2
"""Photographs that an actor fetches or puts while it colours as many as it has processors."""

IN_FLIGHT = 3
"""Batches that an actor has at one moment: two in work, so that none of its processors waits, and one more."""

DAY = 86_400


@dataclass(frozen=True)
class Job:
    """One photograph of a run on a cluster.

    number: in the run. input: its path, or its place in the store of this number among the inputs. place: of its
    result, below the output. shown: what users are told of both. size, modified, stamp: of the input, as it was listed.
    result: when the result that is there was written, in nanoseconds, if no row tells of it. rows: earlier ones.
    replaces: whether there is a result that a row tells of. again: whether an actor may have done it already, and died
    before it could say so.
    """

    number: int
    store: int | None
    input: str
    place: str
    shown: tuple[Path, Path]
    size: int
    modified: int
    stamp: str
    page: int | None = None
    taken: bool = False
    result: int | None = None
    rows: tuple[str, ...] = ()
    replaces: bool = False
    again: bool = False


@dataclass(frozen=True)
class Order:
    """What all actors of a run are told: the stores of the inputs and of the results, and how results are made.

    weights: the bytes of a model's file that does not ship, and its name. run: its number. processors: of an actor.
    """

    inputs: tuple[Store, ...]
    output: Store
    settings: Settings
    weights: tuple[str, bytes] | None
    making: Making
    run: int
    processors: int = 1
    version: str = __version__


class Worker:
    """Colours batches of jobs, for Ray Data. Several batches may be given at once, from several threads."""

    def __init__(self, order: Order) -> None:
        if order.version != __version__:
            raise TintypeError(
                f"A node of the cluster has tintype {__version__}, and the run was started by {order.version}: install "
                "the same on all nodes"
            )
        self._order = order
        # An actor that died is given once more what it had, before anything else; with some to spare.
        self._again = 2 * IN_FLIGHT if is_started_again() else 0
        self._folder = scratch_folder()
        settings = order.settings
        if order.weights is not None:
            name, content = order.weights
            model = self._folder / name
            model.write_bytes(content)
            settings = Settings(**settings | Settings(model=model))
        self._colorizer = Colorizer(**settings | Settings(threads=1))
        self._making = order.making.opened(self._colorizer)
        self._rows = Rows(order.output)
        self._processors = threading.Semaphore(order.processors)
        self._memory = Room(threading.Event())
        self._pool = ThreadPoolExecutor(order.processors + AHEAD)

    def __call__(self, batch: pa.Table) -> pa.Table:
        import pyarrow as pa

        jobs = [pickle.loads(job) for job in batch["job"].to_pylist()]
        if self._again:
            self._again -= 1
            jobs = [replace(job, again=True) for job in jobs]
        outcomes = list(self._pool.map(self._work, jobs))
        return pa.table(
            {
                "number": pa.array([job.number for job in jobs], pa.int64()),
                "outcome": pa.array([pickle.dumps(outcome) for outcome in outcomes], pa.binary()),
            }
        )

    def __del__(self) -> None:
        if hasattr(self, "_folder"):
            shutil.rmtree(self._folder, ignore_errors=True)

    def _work(self, job: Job) -> Outcome:
        """What becomes of one photograph; its row is written when this returns."""
        try:
            if job.again and (record := self._done(job)) is not None:
                return outcome_of(record, job)
            return self._coloured(job)
        except (TintypeError, OSError) as error:
            # The store does not take what became of it: the row is missing, too, and the next run tries again.
            message = str(error)
        except Exception as error:
            # A fault of ours must not cost the other photographs of a long run.
            message = f"{job.shown[0]} could not be coloured because of a bug in tintype, please report it: {error!r}"
        return Outcome(*job.shown, "failed", page=job.page, message=message)

    def _done(self, job: Job) -> Record | None:
        """The row that an actor of this run wrote before it died."""
        for row in self._rows.of(job.place):
            record = self._rows.read(row)
            if record is not None and record.run == self._order.run:
                return record
        return None

    def _coloured(self, job: Job) -> Outcome:
        output = self._order.output
        near = output.path(job.place)
        with self._place_for(job) as folder:
            source = Path(job.input) if job.store is None else folder / "in" / job.shown[0].name
            target = folder / "out" / job.shown[1].name if near is None else near
            try:
                if job.store is not None:
                    self._order.inputs[job.store].fetch(job.input, source)
                if job.result is not None and near is None:
                    output.fetch(job.place, target)
                    # Which of the two is later is all that matters.
                    later = DAY if job.modified > job.result else -DAY
                    os.utime(source, (target.stat().st_mtime + later,) * 2)
            except StoreError as error:
                outcome = Outcome(*job.shown, "failed", page=job.page, message=str(error))
                record: Record | None = Record("", job.place, "failed", job.page, transient=True)
            else:
                task = Task(source, target, page=job.page, taken=job.taken)
                # Only the folder matters of this ledger: it is not opened.
                outcome = colour(task, self._colorizer, self._making, ledger=Ledger(target.parent), room=self._turn)
                record = outcome.record
                outcome = _as_shown(outcome, job, source, target)
                if outcome.status == "coloured" and near is None:
                    output.put(target, job.place)
            if record is not None:
                outcome = replace(outcome, record=self._put_row(outcome, record, job))
            return outcome

    def _put_row(self, outcome: Outcome, record: Record, job: Job) -> Record:
        mark = self._making.mark(self._colorizer, job.page)
        record = replace(
            record,
            input=os.fspath(job.shown[0]),
            output=job.place,
            message="" if record.state == "done" else outcome.message,
            notes=outcome.notes,
            size=job.size,
            modified=job.modified,
            result_modified=record.result_modified if self._order.output.path("") else 0,
            model=mark.model,
            settings=self._making.settings(mark),
            finished=record.finished or now(),
            run=self._order.run,
        )
        place = self._rows.put(record, made_of(job.size, job.stamp, record))
        for old in job.rows:
            if old != place:
                self._order.output.remove(old)
        return record

    @contextmanager
    def _place_for(self, job: Job) -> Iterator[Path]:
        """A folder on this computer for what is fetched, and for what is to be put."""
        folder = self._folder / str(job.number)
        for name in ("in", "out"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _turn(self, pixels: int) -> Iterator[None]:
        with self._processors, self._memory.of(pixels):
            yield


def outcome_of(record: Record, job: Job) -> Outcome:
    """What became of a photograph, by its row."""
    outcome = Outcome(*job.shown, "coloured", record.seconds, record.message, record.notes, page=job.page)
    outcome = replace(outcome, colour=record.colour, record=record)
    if record.state == "left":
        return replace(outcome, status="skipped", why="colour")
    return replace(outcome, status="failed") if record.state == "failed" else outcome


def _as_shown(outcome: Outcome, job: Job, source: Path, target: Path) -> Outcome:
    """What became of files on this computer, told of those that the user knows."""
    shown = {os.fspath(source): os.fspath(job.shown[0]), os.fspath(target): os.fspath(job.shown[1])}

    def told(text: str) -> str:
        for here, there in shown.items():
            text = text.replace(here, there)
        return text

    outcome = replace(
        outcome,
        input=job.shown[0],
        output=None if outcome.output is None else job.shown[1],
        message=told(outcome.message),
        notes=tuple(map(told, outcome.notes)),
    )
    if outcome.why == "done" and job.again and job.result is None:
        # An actor of this run had put it there, and died before it wrote the row.
        outcome = replace(outcome, status="coloured", why="", message="")
    return replace(outcome, why="again") if outcome.status == "coloured" and job.replaces else outcome


def is_started_again() -> bool:
    """Whether this process is an actor that Ray started again after it died."""
    import ray

    if not ray.is_initialized():
        return False
    return bool(ray.get_runtime_context().was_current_actor_reconstructed)
