"""A run on a cluster: Ray Data hands the photographs to actors, and retries what died with a node."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, cast

from tintype.album import Event, Making, Noticed, Outcome, Planned, Record, Run
from tintype.album.engine import opened_ledger
from tintype.album.ledger import now
from tintype.cluster.listing import Found, Listing, listing
from tintype.cluster.presence import Presence
from tintype.cluster.rows import ROWS, Row, Rows, key_of, made_of, rows_of
from tintype.cluster.stores import Entry, Folder, Store, store_of
from tintype.cluster.worker import IN_FLIGHT, Job, Order, Worker
from tintype.colorizer import Colorizer, Settings
from tintype.errors import ClusterError, OptionError, not_installed
from tintype.files import is_left, sweep
from tintype.models import Model
from tintype.models.catalog import shipped
from tintype.photo import Mark
from tintype.photo.results import check_output
from tintype.threads import available_threads
from tintype.version import __version__

PROCESSORS = 2
"""Of an actor; on computers with a single one it has that."""

BATCH = 16
"""Photographs that an actor is given at once, at most."""

RETRIES = 5
"""How often a batch is given to an actor that was started again after it died with it, perhaps on another node."""

TRIES = 3
"""How often a photograph is given out; after the first time alone, so that it takes no others with it."""

STORE = 256 << 20
"""Bytes of Ray's own memory for a cluster of this computer alone: only names of files lie there."""

PATIENCE = 30
"""Seconds within which the head of a cluster has to answer."""


def run(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    colorizer: Settings | None = None,
    making: Making | None = None,
    address: str | None = None,
    suffix: str | None = None,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    pages: str | Sequence[int] | None = None,
    dry_run: bool = False,
    on_event: Callable[[Event], object] | None = None,
) -> Generator[Outcome, None, None]:
    """Colour photographs on the computers of a Ray cluster, as `album.run` does on this one.

        for outcome in tintype.cluster.run(["s3://scans/1931/"], "s3://colour/1931/", address="auto"):
            print(outcome.input, outcome.status, outcome.message)

    inputs: folders, files and patterns that every node sees under the same path, or addresses in stores: s3://, gs://,
        az:// and sftp://. output: a folder that every node sees, or an address.
    colorizer: the settings of the one that each actor opens. making, suffix, include, exclude, pages, dry_run and
        on_event: as for `album.run`.
    address: of the cluster: HOST:PORT, or auto for the one that this computer is part of; None: that of the variable
        RAY_ADDRESS, else a cluster of this computer alone, which ends with the run.

    A node that dies costs nothing but time: its photographs are given to others, and none is coloured twice. The same
    call goes on where a run ended. Each photograph leaves a row under OUT/.tintype/rows/; a folder of results has its
    ledger, too.

    Raises what `album.run` does, StoreError where a store does not answer, and ClusterError where the cluster does not.
    """
    if output is None:
        raise OptionError("A cluster needs a folder or an address for its results: give one with -o")
    making = making or Making()
    if making.keep_times:
        raise OptionError("--keep-times is not for a cluster, as most stores know no dates but their own: leave it out")
    if making.hints is not None:
        raise OptionError("--hints are for one photograph: colour it without --engine ray")
    check_output(making.format, making.quality)
    settings = colorizer or Settings()
    target = store_of(output)
    todo = listing(inputs, target, making.format, suffix=suffix, include=include, exclude=exclude, pages=pages)
    driver = Colorizer(**settings)
    if isinstance(settings.get("model"), Model):
        # An open model stays in its process.
        name = driver.model.name if _weights(driver) is None else driver.model.source
        settings = Settings(**settings | Settings(model=name))
    making = making.opened(driver)
    if on_event is not None:
        on_event(Planned(todo.plan))
    return _run(todo, target, driver, settings, making, address, dry_run, on_event or (lambda event: None))


def _run(
    todo: Listing,
    output: Store,
    colorizer: Colorizer,
    settings: Settings,
    making: Making,
    address: str | None,
    dry_run: bool,
    tell: Callable[[Event], object],
) -> Generator[Outcome, None, None]:
    for task in todo.plan.tasks:
        if task.refusal is not None:
            yield Outcome(task.input, task.output, "failed", message=task.refusal, page=task.page)
        elif task.result_of is not None:
            message = f"{task.input} is the result of {task.result_of} by its name"
            yield Outcome(task.input, None, "skipped", message=message, why="result")
    if not todo.found:
        return
    with ExitStack() as stack:
        ledger = None
        if isinstance(output, Folder):
            ledger = opened_ledger(stack, Path(output.address), dry_run, tell)
        elif not dry_run:
            stack.enter_context(Presence(output))
        there = {entry.place: entry for entry in output.files()}
        if not dry_run:
            _sweep(output, there.values())
        rows = rows_of(entry for place, entry in there.items() if place.startswith(f"{ROWS}/"))
        marks: dict[int | None, Mark] = {}
        jobs = []
        for number, found in enumerate(todo.found):
            page = found.task.page
            if page not in marks:
                marks[page] = making.mark(colorizer, page)
            own = rows.get(key_of(found.place), [])
            result = there.get(found.place)
            known = _known(found, own, result, Rows(output), marks[page], making)
            if known is not None:
                yield known
            elif dry_run:
                yield Outcome(found.task.input, found.task.output, "planned", page=page)
            else:
                jobs.append(_job(number, found, own, result))
        if not jobs:
            return
        if ledger is not None and ledger.read_only:
            ledger = None
        mark = making.mark(colorizer)
        begun = Run(int(time.time()), now(), None, "working", __version__, mark.model, making.settings(mark), {})
        if ledger is None:
            Rows(output).put_run(begun)
        if not output.renames:
            tell(
                Noticed(
                    f"{output.name('')} cannot rename one file over another: a result that is made again is missing "
                    "for a moment"
                )
            )
        if ledger is not None:
            ledger.begin(begun.model, begun.settings)
        order = Order(tuple(todo.stores), output, settings, _weights(colorizer), making, begun.id)
        counts: Counter[str] = Counter()
        try:
            for outcome in _coloured(jobs, order, address, tell):
                counts[outcome.status] += 1
                if outcome.record is not None and ledger is not None:
                    ledger.put(replace(outcome.record, run=0))
                yield outcome
        finally:
            finished = counts.total() == len(jobs)
            if ledger is not None:
                ledger.end(counts, finished=finished)
            else:
                state = "finished" if finished else "stopped"
                Rows(output).put_run(replace(begun, ended=now(), state=state, counts=dict(counts)))


class _Node(TypedDict):
    """What Ray tells of a node, as far as it matters here."""

    Alive: bool
    Resources: dict[str, float]


def _known(
    found: Found, rows: Sequence[Row], result: Entry | None, store: Rows, mark: Mark, making: Making
) -> Outcome | None:
    """A photograph that is to be skipped by the name of its row; None: its files must tell."""
    if making.overwrite:
        return None
    task, entry = found.task, found.entry
    asked = Record("", "", "done", model=mark.model, settings=making.settings(mark))
    skipped = Outcome(task.input, task.output, "skipped", page=task.page)
    for row in rows:
        made = row.made == made_of(
            entry.size, entry.stamp, replace(asked, state="failed" if row.state != "done" else "done")
        )
        if row.state == "done" and (made or making.skip_existing) and result is not None and result.size == row.size:
            return replace(skipped, why="done", message=f"{task.output} exists")
        if row.state == "left" and made and making.skip_colour:
            return replace(skipped, why="colour", message=f"{task.input} is a colour photograph", colour=True)
        if row.state == "failed" and made and not making.retry_failed:
            record = store.read(row)
            reason = f"{task.input} failed" if record is None else record.message
            return replace(
                skipped, why="failed", message=f"{reason} (in an earlier run; --retry-failed tries it again)"
            )
    return None


def _job(number: int, found: Found, rows: Sequence[Row], result: Entry | None) -> Job:
    task, entry = found.task, found.entry
    assert task.output is not None  # Only tasks with a place for their result are found.
    ours = result is not None and any(row.state == "done" and row.size == result.size for row in rows)
    return Job(
        number,
        found.store,
        found.input,
        found.place,
        (task.input, task.output),
        entry.size,
        entry.modified,
        entry.stamp,
        page=task.page,
        taken=task.taken,
        result=result.modified if result is not None and not ours else None,
        rows=tuple(row.place for row in rows),
        replaces=ours,
    )


def _coloured(
    jobs: Sequence[Job], order: Order, address: str | None, tell: Callable[[Event], object]
) -> Iterator[Outcome]:
    """What becomes of each photograph, as it is finished on some node."""
    left = {job.number: job for job in jobs}
    died = True
    try:
        with _cluster(address) as (processors, actors):
            order = replace(order, processors=processors)
            for attempt in range(TRIES):
                if attempt:
                    tell(Noticed(f"{_photographs(len(left))} given out again, as the process that had them ended"))
                    left = {number: replace(job, again=True) for number, job in left.items()}
                # One photograph that kills each process that has it must not take others with it.
                size = 1 if attempt else max(1, min(BATCH, len(left) // (4 * actors)))
                for number, outcome in _handed_out(list(left.values()), order, size, actors):
                    if left.pop(number, None) is not None:
                        yield outcome
                if not left:
                    died = attempt > 0
                    break
    finally:
        sweep(tempfile.gettempdir())
        if died and order.output.leaves_parts:
            _sweep(order.output, order.output.files())
    for job in left.values():
        message = (
            f"{job.shown[0]} could not be coloured, as every process that had it ended: see whether the nodes have "
            "enough memory for it"
        )
        yield Outcome(*job.shown, "failed", page=job.page, message=message)


def _handed_out(jobs: Sequence[Job], order: Order, size: int, actors: int) -> Iterator[tuple[int, Outcome]]:
    """Jobs by their numbers with what became of them; those are missing that were with an actor when it died.

    Ray Data gives an actor the next batch when it has done one, so that only names of files wait anywhere.
    """
    import pyarrow as pa
    from ray.data import ActorPoolStrategy, from_items
    from ray.exceptions import RayError

    batches = -(-len(jobs) // size)
    pool = ActorPoolStrategy(
        min_size=1,
        initial_size=min(actors, -(-batches // 4)),
        max_tasks_in_flight_per_actor=IN_FLIGHT,
        max_concurrent_calls_per_actor=2,
        enable_true_multi_threading=True,
    )
    with warnings.catch_warnings():
        # Ray warns of settings that it copies itself, and of the only way yet to say that what kills every actor is not
        # given out for ever.
        warnings.simplefilter("ignore", DeprecationWarning)
        results = from_items([{"job": pickle.dumps(job)} for job in jobs], override_num_blocks=batches).map_batches(
            Worker,
            batch_size=None,
            batch_format="pyarrow",
            fn_constructor_args=(order,),
            num_cpus=order.processors,
            compute=pool,
            max_task_retries=RETRIES,
        )
    results.context.enable_progress_bars = False
    results.context.print_on_execution_start = False
    results.context.max_errored_blocks = -1
    try:
        for table in results.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            columns = cast(pa.Table, table).to_pydict()
            yield from zip(columns["number"], map(pickle.loads, columns["outcome"]), strict=True)
    except RayError as error:
        reason = _reason(error)
        raise ClusterError(
            f"The cluster cannot colour photographs ({reason}): see that all its nodes have tintype "
            f"{__version__} with the extra cluster, and what its log says"
        ) from None


@contextmanager
def _cluster(address: str | None) -> Iterator[tuple[int, int]]:
    """A connection to a cluster, as (processors of an actor, number of actors)."""
    # Nothing is ever sent to the makers of Ray.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # It would write to the terminal.
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise not_installed("--engine ray", error.name, "cluster") from None
    with _quiet(), ExitStack() as stack:
        if not ray.is_initialized():
            _connect(address)
            stack.callback(ray.shutdown)
        nodes = cast("list[_Node]", ray.nodes())  # type: ignore[no-untyped-call]  # Ray has no types for it.
        capacities = [int(node["Resources"].get("CPU", 0)) for node in nodes if node["Alive"]]
        processors = min(PROCESSORS, max(capacities, default=0))
        if not processors:
            raise ClusterError("The cluster has no processors for photographs: start nodes with at least one")
        yield processors, sum(count // processors for count in capacities)


def _connect(address: str | None) -> None:
    import ray

    where = address or os.environ.get("RAY_ADDRESS") or "local"
    if where.startswith("ray://"):
        raise OptionError(
            f"{where} is the address of Ray's client, which Ray Data does not work through: run the command on a node "
            "with --address auto, or by ray job submit"
        )
    own = where == "local"
    host, colon, port = where.rpartition(":")
    if colon:
        # Ray itself would ask for minutes.
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE):
                pass
        except (OSError, ValueError) as error:
            raise _no_cluster(where, error) from None
    before = None
    with suppress(ValueError):
        before = signal.getsignal(signal.SIGTERM)
    try:
        with _silent():
            ray.init(
                where,
                num_cpus=available_threads() if own else None,
                object_store_memory=STORE if own else None,
                include_dashboard=False if own else None,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
            )
    except (ConnectionError, RuntimeError, ValueError, OSError, TimeoutError) as error:
        raise _no_cluster(where, error) from None
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            # Ray's own handler would print where the program was.
            signal.signal(signal.SIGTERM, before)


def _no_cluster(where: str, error: Exception) -> ClusterError:
    return ClusterError(
        f"There is no Ray cluster at {where} ({_reason(error)}): give the HOST:PORT of its head with --address, or "
        "auto on one of its nodes"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Ray's log stays in its files: the terminal is for what becomes of photographs."""
    from ray._private import worker

    # What nodes report is printed on standard output, whatever ray.init is told, and would break --json.
    shown, worker._worker_logs_enabled = worker._worker_logs_enabled, False
    loggers = [logging.getLogger(name) for name in ("ray", "ray.data")]
    handlers = [(logger, list(logger.handlers)) for logger in loggers]
    for logger, own in handlers:
        for handler in own:
            if type(handler).__name__ in ("PlainRayHandler", "StreamHandler"):
                logger.removeHandler(handler)
    nowhere = logging.NullHandler()
    for logger in loggers:
        logger.addHandler(nowhere)
    try:
        yield
    finally:
        worker._worker_logs_enabled = shown
        for logger, own in handlers:
            logger.handlers[:] = own


@contextmanager
def _silent() -> Iterator[None]:
    """Nothing is written on standard error, by the libraries of this process neither."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _weights(colorizer: Colorizer) -> tuple[str, bytes] | None:
    """A model's own file, which other computers may not have: its name and bytes; None for a model that ships."""
    source = Path(colorizer.model.source)
    return None if os.fspath(source) in shipped() else (source.name, source.read_bytes())


def _sweep(output: Store, entries: Iterable[Entry]) -> None:
    """Remove what killed processes left unfinished among the files of a store."""
    for entry in entries:
        if is_left(entry.place.rpartition("/")[2], entry.modified / 1e9):
            output.remove(entry.place)


def _photographs(count: int) -> str:
    return "1 photograph is" if count == 1 else f"{count} photographs are"


def _reason(error: BaseException) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return lines[-1].strip().rstrip(".") if lines else type(error).__name__
