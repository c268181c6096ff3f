"""Colouring many photographs: one after the other in each of several threads, with a ledger of what is done."""

from __future__ import annotations

import math
import os
import stat
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tintype.album.arrivals import SETTLE, Arrivals, arriving
from tintype.album.events import Event, Moved, Noticed, Planned, Watching
from tintype.album.ledger import Ledger, Record, State, now
from tintype.album.lock import Lock
from tintype.album.making import Making
from tintype.album.measures import measures_of
from tintype.album.outcomes import Outcome, foresee, output_of, recall
from tintype.album.places import Places
from tintype.album.space import Space
from tintype.album.tasks import Choose, Plan, Task, plan
from tintype.colorizer import Colorizer, Settings
from tintype.colours import Colours
from tintype.errors import DiskFull, LedgerError, OptionError, TintypeError, UnwritableFile, UnwritablePhoto
from tintype.files import OutputFolder, make_folder, output_folder, sweep_below, sweep_once
from tintype.photo import Mark, Photo, mark_of, size_of
from tintype.photo.results import check_output
from tintype.threads import available_threads

BUDGET = 256_000_000
"""Pixels that are worked on at one moment, of four bytes or so; a photograph that needs more is worked on alone."""

NETWORK = 100
"""Pixels of a photograph that take as much memory as one pixel of what the network sees."""


def run(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    colorizer: Colorizer | Settings | None = None,
    making: Making | None = None,
    jobs: int | None = None,
    suffix: str | None = None,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    pages: str | Sequence[int] | None = None,
    since: float | None = None,
    watch: bool = False,
    settle: float = SETTLE,
    patience: float | None = None,
    dry_run: bool = False,
    on_event: Callable[[Event], object] | None = None,
) -> Generator[Outcome, None, None]:
    """Colour photographs and whole folders, as `tintype colorize` does; yields what became of each as it is finished.

        for outcome in tintype.album.run(["scans"], "coloured"):
            print(outcome.input, outcome.status, outcome.message)

    Nothing is coloured until the iteration begins. When it is left, by an exception such as KeyboardInterrupt too,
    unfinished photographs are given up without a trace; the same call goes on from there.

    With a folder as output, the run keeps a `Ledger` in it: what is done already, by its rows, is skipped without a
    look into any file, and one run is at work there at a time. Without one, the marks in the results tell what is done.

    Where the disk is full, the run waits, tells so by an event, and goes on when there is room. Only a single
    photograph without a folder as output fails then.

    inputs, output, suffix, include, exclude, pages, since: as for `plan`.
    watch: after the photographs that are there, colour new ones as they arrive and are complete; the iteration does not
        end by itself then. Photographs that arrive or change in the meantime count as changed since, whatever their
        dates are.
    settle: seconds for which the size and the time of a file must stay the same before a run that watches takes it.
    patience: seconds for which the run waits for room on a full disk before it raises DiskFull; None: without end.
    colorizer: one that is open, or the settings of the one to open; None: those by default. Settings are better than a
        Colorizer that uses all processors, as then each of the `jobs` gets its share of them.
    making: hints, format, quality and the like, and which results are made again; None: see `Making`.
    jobs: how many photographs are coloured side by side; None: one per processor, and
        on another device than the CPU as many more as its batches hold. On the CPU the files are the same for any.
    dry_run: only say what would be done; no photograph is decoded, and nothing is written.
    on_event: is told of events while the run works (see `tintype.album.events`), from several threads.

    Raises OptionError when the request as a whole makes no sense, ModelError for a model that cannot be used, and what
    reading a reference or hints raises. The iteration raises FolderInUse when another run works in the output folder.
    """
    making = making or Making()
    include, exclude, format = tuple(include), tuple(exclude), making.format

    def planned(since: float | None = None, choose: Choose | None = None) -> Plan:
        return plan(
            inputs,
            output,
            format,
            suffix=suffix,
            include=include,
            exclude=exclude,
            pages=pages,
            since=since,
            choose=choose,
        )

    if watch:
        _check_watch(inputs, making, dry_run)
    todo = planned(choose=lambda search: ()) if watch else planned(since)
    check_output(making.format, making.quality)
    count = len(todo.tasks)
    if making.hints is not None and count > 1:
        raise OptionError(f"--hints are for one photograph, and here are {count}: colour it alone")
    processors = available_threads()
    # Of those that are still to come nobody knows how many they are.
    most = max(count, 1) if not watch else 1 << 16
    if not isinstance(colorizer, Colorizer):
        busy = min(jobs or processors, most)
        threads = max(1, processors // busy) if busy > 1 else None
        colorizer = Colorizer(**(Settings(threads=threads) | (colorizer or Settings())))
    # Some wait for a batch of the network while others are read, painted and written.
    jobs = min(jobs or processors + colorizer.model.batch - 1, most)
    making = making.opened(colorizer)
    tell = on_event or (lambda event: None)
    device = colorizer.model.device
    tasks: Iterable[Task | None] = todo.tasks
    if watch:
        tasks = arriving(
            lambda choose: planned(choose=choose),
            Arrivals(settle, since),
            planned=lambda found: tell(Planned(found, device)),
            waiting=lambda incomplete: tell(Watching(incomplete)),
        )
    tell(Planned(todo, device))
    return _run(todo, tasks, colorizer, making, jobs, dry_run, patience, tell)


def _check_watch(inputs: Sequence[str | os.PathLike[str]], making: Making, dry_run: bool) -> None:
    for path in inputs:
        if not os.path.isdir(path):
            raise OptionError(f"Only folders can be watched, and {os.fspath(path)} is none")
    if making.hints is not None:
        raise OptionError("--hints are for one photograph, and --watch is for many: colour it alone")
    if dry_run:
        raise OptionError("--watch waits for photographs, and --dry-run does nothing: give one of them")


def _run(
    todo: Plan,
    tasks: Iterable[Task | None],
    colorizer: Colorizer,
    making: Making,
    jobs: int,
    dry_run: bool,
    patience: float | None,
    tell: Callable[[Event], object],
) -> Generator[Outcome, None, None]:
    watch = tasks is not todo.tasks
    space = Space(tell, patience=patience)
    waits = watch or todo.folder is not None or len(todo.tasks) > 1
    counts: Counter[str] = Counter()
    finished = False
    with ExitStack() as stack:
        ledger = None
        if todo.folder is not None and (todo.tasks or watch):
            if not dry_run:
                stack.enter_context(OutputFolder(todo.folder, lambda message: tell(Noticed(message))))
            ledger = opened_ledger(stack, todo.folder, dry_run, tell, space)
            if not dry_run:
                sweep_below(todo.folder)
        if ledger is not None and not ledger.read_only:
            mark = making.mark(colorizer)
            begin = partial(ledger.begin, mark.model, making.settings(mark))
            space.hold(ledger.folder, begin)
            end = ledger.end
            stack.callback(lambda: end(counts, finished=finished))
        for outcome in colorize_all(
            tasks,
            colorizer,
            making,
            jobs=jobs,
            dry_run=dry_run,
            ledger=ledger,
            space=space if waits else None,
            vanishing=watch,
            on_event=tell,
        ):
            counts["failed_before" if outcome.why == "failed" else outcome.status] += 1
            yield outcome
        finished = True


def opened_ledger(
    stack: ExitStack,
    folder: Path,
    dry_run: bool,
    on_event: Callable[[Event], object] | None,
    space: Space | None = None,
) -> Ledger | None:
    """The ledger of a folder; only to be read where nothing is to be written; None where there can be none."""

    tell = on_event or (lambda event: None)
    space = space or Space(tell)

    def notice(message: str) -> None:
        tell(Noticed(message))

    try:
        if not dry_run:
            try:
                space.hold(folder, lambda: stack.enter_context(Lock(folder)))
            except OSError as error:
                raise LedgerError(
                    f"{folder} cannot be locked, and gets no ledger ({error.strerror}): see that no other run writes "
                    "there"
                ) from None
            return space.hold(folder, lambda: stack.enter_context(Ledger(folder, notice=notice)))
    except LedgerError as error:
        notice(str(error))
    try:
        return stack.enter_context(Ledger(folder, read_only=True))
    except LedgerError:
        return None


def colorize_all(
    tasks: Iterable[Task | None],
    colorizer: Colorizer,
    making: Making | None = None,
    *,
    jobs: int = 1,
    dry_run: bool = False,
    ledger: Ledger | None = None,
    space: Space | None = None,
    vanishing: bool = False,
    on_event: Callable[[Event], object] | None = None,
) -> Iterator[Outcome]:
    """Colour the photographs of tasks, up to `jobs` side by side; yields what became of each as it is finished.

    One that fails does not hold up the others. The files are the same for any number of jobs. Photographs that take
    more than the BUDGET together are never in memory at one moment, but for a single larger one. When the iteration
    is left, by an exception such as KeyboardInterrupt too, unfinished photographs are given up without a trace.

    A result that exists is made again where its mark tells of other settings, or where the photograph was changed
    since; see `foresee`. What the ledger knows to be done is not opened. dry_run: only say what would be done; no
    photograph is decoded. on_event: is told of events, from several threads.

    tasks: None stands for a moment in which there is none. space: waits where the disk is full; None: a photograph
    fails then. vanishing: photographs may go before their turn comes; they are skipped then.
    """
    making = (making or Making()).opened(colorizer)
    stop = threading.Event()
    room = Room(stop)
    running: dict[Future[Outcome], Task] = {}
    marks: dict[int | None, Mark] = {}

    def known(task: Task) -> Outcome | None:
        if ledger is None or task.output is None:
            return None
        if task.page not in marks:
            marks[task.page] = making.mark(colorizer, task.page)
        return recall(task, ledger, marks[task.page], making)

    def work(task: Task) -> Outcome:
        def progress(share: float) -> None:
            if stop.is_set():
                raise KeyboardInterrupt
            if on_event is not None:
                on_event(Moved(task, share))

        outcome = colour(
            task,
            colorizer,
            making,
            dry_run=dry_run,
            ledger=ledger,
            progress=progress,
            room=room.of,
            hold=None if space is None else space.hold,
        )
        if vanishing and outcome.status == "failed" and not os.path.lexists(task.input):
            message = f"{task.input} is gone since it was found"
            return replace(outcome, status="skipped", why="gone", message=message, record=None)
        if outcome.record is not None and ledger is not None and not ledger.read_only:
            put = partial(ledger.put, outcome.record)
            try:
                if space is None:
                    put()
                else:
                    space.hold(ledger.folder, put)
            except UnwritableFile as error:
                outcome = replace(outcome, notes=(*outcome.notes, str(error)))
        return outcome

    places = None if ledger is None else Places(ledger, tasks if isinstance(tasks, Sequence) else ())
    pool = ThreadPoolExecutor(jobs)
    try:
        for task in tasks:
            if task is None:
                if running:
                    yield from _finished(running)
                else:
                    time.sleep(0.2)
                continue
            # What is known needs no thread: a folder of many thousands is done in seconds.
            outcome = known(task)
            if outcome is None and places is not None and (kept := places.kept(task)) is not task:
                task, outcome = kept, known(kept)
            if outcome is not None:
                yield outcome
                continue
            while len(running) >= jobs:
                yield from _finished(running)
            running[pool.submit(work, task)] = task
        while running:
            yield from _finished(running)
    finally:
        stop.set()
        if space is not None:
            space.end()
        pool.shutdown(cancel_futures=True)


def colour(
    task: Task,
    colorizer: Colorizer,
    making: Making,
    *,
    dry_run: bool = False,
    ledger: Ledger | None = None,
    progress: Callable[[float], None] | None = None,
    room: Callable[[int], AbstractContextManager[object]] = nullcontext,
    hold: Callable[[Path, Callable[[], Outcome]], Outcome] | None = None,
) -> Outcome:
    """Colour one photograph: from what its files tell of it to the result on the disk. Raises nothing but what
    `progress`, `room` and `hold` do, and what no program can handle.

    making: for many photographs, what `Making.opened` gives. dry_run: only say what would be done.
    ledger: of the folder in which the result lies: the outcome has a record for it then, which is still to be put.
    progress: called with the finished share, 0 to 1; what it raises ends the work without a trace.
    room: called with the photograph's share of the BUDGET before it is read; the work is done inside of what it gives.
    hold: called with the folder of the result and the work that writes there, of which it gives the outcome; as
        `Space.hold`, which does it once more where the disk was full.
    """
    begin = time.perf_counter()
    outcome = Outcome(task.input, task.output, "failed", page=task.page)
    seen = _Seen()
    mark = Mark()
    try:
        mark = making.mark(colorizer, task.page)
        seen.look_at(task.input)
        if task.output is not None and not dry_run:
            sweep_once(task.output.parent)
        outcome = foresee(task, mark, overwrite=making.overwrite, skip_existing=making.skip_existing, ledger=ledger)
        if outcome.status == "planned" and not dry_run:
            with room(_load(task, colorizer)):
                work = partial(_coloured, task, outcome, colorizer, making, seen, ledger is not None, progress)
                outcome = work() if hold is None else hold(output_of(task).parent, work)
        elif outcome.why == "done" and task.output is not None and making.keep_times and not dry_run:
            outcome = replace(outcome, notes=_keep_times(os.stat(task.input), task.output))
        elif outcome.status == "failed":
            seen.transient = True  # That is seen at once, and may be otherwise at the next run.
    except DiskFull:
        raise
    except TintypeError as error:
        outcome = replace(outcome, status="failed", message=str(error))
        seen.transient = _lies_outside(error)
    except MemoryError:
        outcome = replace(outcome, status="failed", message=f"{task.input} needs more memory than there is")
        seen.transient = True
    except OSError as error:
        place = str(error.filename or task.output or task.input)
        done = "read" if place == str(task.input) else "written"
        message = f"{place} cannot be {done} ({error.strerror})"
        outcome = replace(outcome, status="failed", message=message)
        seen.transient = True
    except Exception as error:
        # A fault of ours must not cost the other photographs of a long run.
        message = f"{task.input} could not be coloured because of a bug in tintype, please report it: {error!r}"
        outcome = replace(outcome, status="failed", message=message)
    outcome = replace(outcome, seconds=time.perf_counter() - begin)
    if ledger is not None and not dry_run:
        outcome = replace(outcome, record=_record(task, outcome, seen, mark, making, ledger))
    return outcome


def _coloured(
    task: Task,
    outcome: Outcome,
    colorizer: Colorizer,
    making: Making,
    seen: _Seen,
    measured: bool,
    progress: Callable[[float], None] | None,
) -> Outcome:
    output = output_of(task)

    def examine(photo: Photo) -> None:
        seen.photo(photo)
        if seen.colour and making.skip_colour:
            raise _LeftAlone
        try:
            make_folder(output.parent)
        except OSError as error:
            message = f"{output} cannot be written ({error.strerror}): check the folder and its permissions"
            raise UnwritablePhoto(message) from error

    times = os.stat(task.input) if making.keep_times else None
    try:
        notes = colorizer.file(
            task.input,
            output,
            examine=examine,
            looked=seen.colours if measured else None,
            progress=progress,
            **making.options(task.page),
        )
    except _LeftAlone:
        message = f"{task.input} is a colour photograph"
        return replace(outcome, status="skipped", why="colour", message=message, colour=True)
    if times is not None:
        notes = (*notes, *_keep_times(times, output, made=True))
    return replace(outcome, status="coloured", notes=notes, colour=seen.colour)


@dataclass
class _Seen:
    """What is learnt of a photograph on its way, for the ledger."""

    size: int = 0
    modified: int = 0
    origin: str = ""
    width: int | None = None
    height: int | None = None
    colour: bool | None = None
    measures: dict[str, float] = field(default_factory=dict)
    transient: bool = False

    def look_at(self, path: Path) -> None:
        """The file before it is read: one that is changed in the meantime does not fit then."""
        try:
            status = os.stat(path)
        except OSError:
            return
        self.size, self.modified = status.st_size, status.st_mtime_ns

    def photo(self, photo: Photo) -> None:
        self.width, self.height, self.origin = photo.width, photo.height, photo.origin or ""
        self.colour = photo.in_colour

    def colours(self, colours: Colours) -> None:
        self.measures = measures_of(colours)


def _record(task: Task, outcome: Outcome, seen: _Seen, mark: Mark, making: Making, ledger: Ledger) -> Record | None:
    """The row of an outcome; None where there is nothing new to be kept."""
    states: dict[str, State] = {"coloured": "done", "failed": "failed", "done": "done", "colour": "left"}
    state = states.get(outcome.why if outcome.status == "skipped" else outcome.status)
    if state is None or (outcome.why == "done" and making.skip_existing):
        return None  # Of what is kept unseen nothing is known.
    record = Record(
        os.fspath(task.input),
        "" if task.output is None else ledger.place_of(task.output),
        state,
        page=task.page,
        message="" if outcome.why == "done" else outcome.message,
        transient=state == "failed" and seen.transient,
        notes=outcome.notes,
        size=seen.size,
        modified=seen.modified,
        origin=seen.origin,
        model=mark.model,
        settings=making.settings(mark),
        seconds=round(outcome.seconds, 3),
        finished=now(),
        width=seen.width,
        height=seen.height,
        colour=seen.colour,
        measures=seen.measures,
    )
    if state == "done" and task.output is not None:
        try:
            result = os.stat(task.output)
        except OSError:
            return None  # Somebody was quicker.
        record = replace(record, result_size=result.st_size, result_modified=result.st_mtime_ns)
    if outcome.why == "done" and task.output is not None and (made := mark_of(task.output)) is not None:
        # Where a run was killed between a result and its row, the mark tells of what it was made.
        record = replace(record, origin=made.origin)
    before = ledger.of(task) if outcome.why == "done" else None
    if before is not None and before.state == "done":
        # It was not decoded; what was learnt when it was made still holds.
        learnt = {name: getattr(before, name) for name in ("message", "notes", "origin", "seconds", "finished")}
        learnt |= {name: getattr(before, name) for name in ("version", "width", "height", "colour", "measures")}
        record = replace(record, **learnt)
    return record


def _lies_outside(error: BaseException) -> bool:
    """Whether the system refused something, which another day may be allowed or possible."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (UnwritableFile, UnwritablePhoto)) or (isinstance(cause, OSError) and cause.errno):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


class _LeftAlone(Exception):
    """A colour photograph that is not to be coloured."""


class Room:
    """Memory for the photographs that are in work: each waits for its turn, and until there is room for it."""

    def __init__(self, stop: threading.Event):
        self._stop = stop
        self._change = threading.Condition()
        self._waiting: deque[object] = deque()
        self._taken = 0

    @contextmanager
    def of(self, count: int) -> Iterator[None]:
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


def _keep_times(times: os.stat_result, result: Path, *, made: bool = False) -> tuple[str, ...]:
    """Give a result the times of its photograph; returns a sentence where that is not allowed.

    made: it was made just now. Then the file system keeps no dates, which is said once for a folder of results.
    """
    try:
        if os.stat(result).st_mtime_ns != times.st_mtime_ns:
            os.utime(result, ns=(times.st_atime_ns, times.st_mtime_ns))
        # FAT keeps even seconds.
        if abs(os.stat(result).st_mtime_ns - times.st_mtime_ns) <= 2e9:
            return ()
        reason = "it keeps another one"
    except OSError as error:
        reason = error.strerror or str(error)
    if made and (folder := output_folder(result)) is not None:
        folder.lacks("times")
        return ()
    return (f"{result} cannot get the date of its photograph ({reason})",)


def _load(task: Task, colorizer: Colorizer) -> int:
    """How much of the BUDGET a photograph takes, by the size that its header tells; of a page, no page takes more."""
    path = task.input
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return BUDGET  # A pipe gives its header once, and not to us.
        size = size_of(path, largest=task.page is not None)
    except OSError:
        return 0  # It fails at once.
    # Where the header does not tell, the size of the file is the best guess.
    pixels = math.prod(size) if size else status.st_size
    return pixels + NETWORK * math.prod(colorizer.network_size(size or (1, 1)))
