"""Colouring many photographs side by side."""

from __future__ import annotations

import math
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tintype.album.outcomes import Outcome, foresee, output_of
from tintype.album.tasks import Task
from tintype.colorizer import Colorizer
from tintype.errors import TintypeError
from tintype.files import sweep_once
from tintype.hints import Hints
from tintype.photo import Photo, size_of
from tintype.reference import Given as ColourPhoto
from tintype.reference import Reference, Way

BUDGET = 256_000_000
"""Pixels that are worked on at one moment, of four bytes or so; a photograph that needs more is worked on alone."""

NETWORK = 100
"""Pixels of a photograph that take as much memory as one pixel of what the network sees."""


def colorize_all(
    tasks: Iterable[Task],
    colorizer: Colorizer,
    *,
    jobs: int = 1,
    overwrite: bool = False,
    skip_existing: bool = False,
    skip_colour: bool = False,
    keep_times: bool = False,
    dry_run: bool = False,
    hints: Hints | None = None,
    reference: ColourPhoto | Reference | None = None,
    reference_way: Way = "regions",
    format: str | None = None,
    quality: int | None = None,
    negative: bool = False,
    faded: bool = False,
    salvage: bool = False,
    progress: Callable[[Task, float], None] | None = None,
) -> Iterator[Outcome]:
    """Colour photographs, up to `jobs` side by side; yields what became of each as it is finished.

    One that fails does not hold up the others. The files are the same for any number of jobs. Photographs that take
    more than the BUDGET together are never in memory at one moment, but for a single larger one. When the iteration
    is left, by an exception such as KeyboardInterrupt too, unfinished photographs are given up without a trace.

    A result that exists is made again where its mark tells of other settings, or where the photograph was changed
    since; see `foresee`. skip_colour: leave colour photographs alone. keep_times: give results the times of their
    photographs. dry_run: only say what would be done; no photograph is decoded.
    progress: called with a task and its finished share, 0 to 1, from several threads.
    """
    stop = threading.Event()
    room = _Room(stop)
    running: dict[Future[Outcome], Task] = {}
    opened = None if reference is None else colorizer.reference(reference)

    def settings(page: int | None) -> str:
        return colorizer.settings(
            hints, quality, reference=opened, reference_way=reference_way, negative=negative, faded=faded, page=page
        )

    mark = replace(colorizer.mark, settings=settings(None))

    def watch(task: Task, share: float) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        if progress is not None:
            progress(task, share)

    def work(task: Task) -> Outcome:
        begin = time.perf_counter()
        outcome = Outcome(task.input, task.output, "failed", page=task.page)
        try:
            if task.output is not None and not dry_run:
                sweep_once(task.output.parent)
            asked = replace(mark, settings=settings(task.page)) if task.page else mark
            outcome = foresee(task, asked, overwrite=overwrite, skip_existing=skip_existing)
            if outcome.status == "planned" and not dry_run:
                outcome = colour(task, outcome)
            elif outcome.why == "done" and task.output is not None and keep_times and not dry_run:
                outcome = replace(outcome, notes=_keep_times(os.stat(task.input), task.output))
        except TintypeError as error:
            outcome = replace(outcome, status="failed", message=str(error))
        except MemoryError:
            outcome = replace(outcome, status="failed", message=f"{task.input} needs more memory than there is")
        except OSError as error:
            place = str(error.filename or task.output or task.input)
            done = "read" if place == str(task.input) else "written"
            message = f"{place} cannot be {done} ({error.strerror})"
            outcome = replace(outcome, status="failed", message=message)
        except Exception as error:
            # A fault of ours must not cost the other photographs of a long run.
            message = f"{task.input} could not be coloured because of a bug in tintype, please report it: {error!r}"
            outcome = replace(outcome, status="failed", message=message)
        return replace(outcome, seconds=time.perf_counter() - begin)

    def colour(task: Task, outcome: Outcome) -> Outcome:
        output = output_of(task)
        in_colour = False

        def examine(photo: Photo) -> None:
            nonlocal in_colour
            in_colour = photo.in_colour
            if in_colour and skip_colour:
                raise _LeftAlone
            output.parent.mkdir(parents=True, exist_ok=True)

        with room.for_pixels(_load(task.input, colorizer)):
            times = os.stat(task.input) if keep_times else None
            try:
                notes = colorizer.file(
                    task.input,
                    output,
                    hints=hints,
                    reference=opened,
                    reference_way=reference_way,
                    format=format,
                    quality=quality,
                    negative=negative,
                    faded=faded,
                    salvage=salvage,
                    page=task.page,
                    examine=examine,
                    progress=lambda share: watch(task, share),
                )
            except _LeftAlone:
                message = f"{task.input} is a colour photograph"
                return replace(outcome, status="skipped", why="colour", message=message, colour=True)
        if times is not None:
            notes = (*notes, *_keep_times(times, output))
        return replace(outcome, status="coloured", notes=notes, colour=in_colour)

    pool = ThreadPoolExecutor(jobs)
    try:
        if dry_run:
            yield from pool.map(work, tasks)
            return
        for task in tasks:
            while len(running) >= jobs:
                yield from _finished(running)
            running[pool.submit(work, task)] = task
        while running:
            yield from _finished(running)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


class _LeftAlone(Exception):
    """A colour photograph that is not to be coloured."""


class _Room:
    """Memory for the photographs that are in work: each waits for its turn, and until there is room for it."""

    def __init__(self, stop: threading.Event):
        self._stop = stop
        self._change = threading.Condition()
        self._waiting: deque[object] = deque()
        self._taken = 0

    @contextmanager
    def for_pixels(self, count: int) -> Iterator[None]:
        turn = object()
        with self._change:
            self._waiting.append(turn)
            while self._waiting[0] is not turn or (self._taken and self._taken + count > BUDGET):
                if self._stop.is_set():
                    raise KeyboardInterrupt
                self._change.wait(0.5)
            self._waiting.popleft()
            self._taken += count
            self._change.notify_all()
        try:
            yield
        finally:
            with self._change:
                self._taken -= count
                self._change.notify_all()


def _finished(running: dict[Future[Outcome], Task]) -> Iterator[Outcome]:
    # The time-out lets Ctrl-C through on systems where a wait for a lock does not.
    done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
    for future in done:
        del running[future]
        yield future.result()


def _keep_times(times: os.stat_result, result: Path) -> tuple[str, ...]:
    """Give a result the times of its photograph; returns a sentence where that is not allowed."""
    try:
        if os.stat(result).st_mtime_ns != times.st_mtime_ns:
            os.utime(result, ns=(times.st_atime_ns, times.st_mtime_ns))
    except OSError as error:
        return (f"{result} cannot get the date of its photograph ({error.strerror})",)
    return ()


def _load(path: Path, colorizer: Colorizer) -> int:
    """How much of the BUDGET a photograph takes, by the size that its header tells."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return BUDGET  # A pipe gives its header once, and not to us.
        size = size_of(path)
    except OSError:
        return 0  # It fails at once.
    # Where the header does not tell, the size of the file is the best guess.
    pixels = math.prod(size) if size else status.st_size
    return pixels + NETWORK * math.prod(colorizer.network_size(size or (1, 1)))
