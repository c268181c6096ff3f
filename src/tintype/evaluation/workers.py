"""Photographs coloured and measured in parts, by this process or by others beside it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path

from tintype.errors import DataError, HintError, ModelError, OptionError
from tintype.evaluation import damage as damages
from tintype.evaluation.evaluator import Row, gray_of, row_of, row_of_truth
from tintype.evaluation.methods import Coloured, Method, Picture, seed_of
from tintype.evaluation.network_metrics import Networks
from tintype.evaluation.protocol import TRUTH, Photograph
from tintype.evaluation.store import picture_path, read_picture, write_picture

CHUNK = 2**19
"""Pixels that a process measures before it reports."""


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


def chunks(photographs: Iterable[Photograph]) -> Iterator[list[str]]:
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


def worked(tasks: Sequence[Task], jobs: int) -> Generator[tuple[Task, list[Row | str]], None, None]:
    """The tasks with their rows, as they are finished, by so many processes; see `work`.

    Raises:
        DataError: a process was stopped.
    """
    _opened.cache_clear()  # A file may have changed since.
    if min(jobs, len(tasks)) <= 1:
        for task in tasks:
            yield task, work(task)
        return
    # Fresh processes: the run-time library does not survive a fork of its threads.
    strangers = set(active_children())
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), get_context("spawn"), _begin)
    try:
        waiting = iter(tasks)
        running: dict[Future[list[Row | str]], Task] = {}
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
        if first is not None:
            first.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def work(task: Task) -> list[Row | str]:
    """The rows of a task's photographs; where the method failed, what it said."""
    rows: list[Row | str] = []
    for name, other in task.photos:
        try:
            rows.append(_row(task, name, other))
        except (ModelError, HintError, OptionError) as error:
            rows.append(str(error))
        except MemoryError:
            rows.append(f"not enough memory to colour {name}")
    return rows


def _row(task: Task, name: str, other: str) -> Row:
    """Colour one photograph, keep the result, and measure it."""
    folder, method = Path(task.folder), task.method
    truth = read_picture(picture_path(folder, TRUTH, name))
    if method.kind == "truth":
        return row_of_truth(truth) | task.networks.row(name, truth, None)
    gray = gray_of(truth, task.film)
    damage = damages.NONE if task.damage is None else damages.parse(task.damage)
    gray = damage.apply(gray, seed_of(name))
    coloured = _opened(method)(Picture(name, truth, gray, lambda: read_picture(picture_path(folder, TRUTH, other))))
    rgb = damage.undo_size(coloured.rgb, *truth.shape[:2])
    write_picture(picture_path(folder, method.label, name), rgb)
    row = row_of(rgb, truth) | task.networks.row(name, rgb, truth) | {"seconds": coloured.seconds}
    if (reliability := coloured.reliability) is not None:
        row |= {"confidence": reliability.confident, "right": reliability.right, "sure": reliability.pixels}
    if coloured.file is not None:
        row["files"] = coloured.file
    return row


@lru_cache(maxsize=1)
def _opened(method: Method) -> Callable[[Picture], Coloured]:
    return method.open()
