"""Many photographs: where each result goes, what is done already, and colouring them side by side."""

from __future__ import annotations

import errno
import math
import os
import re
import stat
import threading
import time
import unicodedata
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from tintype.colorizer import Colorizer
from tintype.errors import OptionError, TintypeError, UnwritablePhoto
from tintype.files import is_unfinished, sweep_once
from tintype.hints import Hints
from tintype.photo import SUFFIXES, Mark, Photo, count_pages, is_marked, mark_of, origin_of, quick_origin_of, size_of
from tintype.photo.results import COLOR, beside, check_output, page_suffix, refuse_same, result_suffix
from tintype.reference import Given as ColourPhoto
from tintype.reference import Reference, Way
from tintype.search import Search, expanded

BUDGET = 256_000_000
"""Pixels that are worked on at one moment, of four bytes or so; a photograph that needs more is worked on alone."""

NETWORK = 100
"""Pixels of a photograph that take as much memory as one pixel of what the network sees."""


@dataclass(frozen=True)
class Task:
    """One photograph to be coloured: from which file to which.

    refusal: why it cannot be coloured. result_of: the photograph of which it is the result by its name; it is not
    coloured then. taken: its output is a photograph of this run, unless that carries the mark of a result. page: which
    of the photographs in its file; None where the file holds one, or is refused.
    """

    input: Path
    output: Path | None
    refusal: str | None = None
    result_of: Path | None = None
    taken: bool = False
    page: int | None = None


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    tasks: in the order in which they begin. folder: that of the results; None where they lie beside the photographs, or
    where one is named. The counters are those of `Search`: what lies in the folders and is left out.
    """

    tasks: list[Task] = field(default_factory=list)
    folder: Path | None = None
    passed_over: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    managed: Counter[str] = field(default_factory=Counter)
    excluded: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Outcome:
    """What became of one photograph: status 'coloured', 'skipped', 'failed' or, before anything is done, 'planned'.

    message: why it failed or is skipped, or why a result that exists is made again. why: of a skipped one, in one word:
    'done', 'result' (it is a result itself), 'kept' (what exists is not simply replaced) or 'colour'; of another one
    'again' where a result was replaced. colour: whether it is a colour photograph; None where it was not looked at.
    notes: what was damaged in the file or could not be kept, a sentence each. page: that of the task.
    """

    input: Path
    output: Path | None
    status: str
    seconds: float = 0.0
    message: str = ""
    notes: tuple[str, ...] = ()
    why: str = ""
    colour: bool | None = None
    page: int | None = None


def plan(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    format: str | None = None,
    *,
    suffix: str | None = None,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    pages: str | Sequence[int] | None = None,
) -> Plan:
    """Find the photographs and give each its own output.

    inputs: files, folders, and patterns with * and ?. Folders are searched with all below them, in the order of names.
        Each file is taken once however many links lead to it. Hidden files, the folders of `search.MANAGED` and the
        output folder are left out.
    output: None: beside each photograph, as NAME.color.EXT. A folder (one that exists, one that is named with a
        separator at its end, or anything when there are several photographs to come): the results lie in it as
        NAME.EXT, in the sub-folders in which the photographs lie; the folders of several inputs keep their names.
        Otherwise the file to write.
    format: that of all results; None: each photograph's own.
    suffix: what is added to the names; None: .color beside the photographs, nothing in a folder.
    include, exclude: patterns, as `search.Patterns` takes them.
    pages: which photographs of a file that holds several (TIFF, MPO, HEIC, AVIF): 'all', 'first', or numbers from 1 on;
        None: such a file is refused. The results of other pages than the first are called NAME.p2.color.EXT.

    Two photographs never get the same output: where they would, as a.jpg and a.png in one format, the results are
    named a.jpg.png and a.png.png. Where that does not help, they are numbered from the second on. A photograph that is
    named as the result of another one, as a.color.jpg beside a.jpg, is none.

    Raises OptionError when the request as a whole makes no sense.
    """
    check_output(format)
    _check_suffix(suffix, output)
    if not inputs:
        raise OptionError("Nothing to colour: give a photograph or a folder")
    paths = expanded(inputs)
    several = len(paths) > 1 or any(pattern for _, pattern in paths)
    folder = None
    if output is not None:
        if _means_folder(output) or several or os.path.isdir(paths[0][0]):
            folder = Path(output)
            if os.path.lexists(folder) and not os.path.isdir(folder):
                raise OptionError(f"{folder} is a file, but more than one result may go there: name a folder")
        else:
            check_output(format, path=output)
    search = Search(folder, include, exclude)
    photographs: list[tuple[Path, Path]] = []  # photograph, and its place below the output folder
    for path, pattern in paths:
        if os.path.isdir(path):
            # The name of "." and ".." is none to lie below the output folder.
            root = Path(Path(os.path.abspath(path)).name) if several else Path()
            photographs += [(photo, root / photo.relative_to(path)) for photo in search.folder(path)]
        elif pattern and not os.path.lexists(path):
            search.failed.append((path, f"no file fits {path}"))
        else:
            photographs += [(photo, Path(photo.name)) for photo in search.file(path)]
    named = {photo: source for photo, _ in photographs if (source := _result_of(photo)) is not None}
    search.files -= {os.path.realpath(photo) for photo in named}
    chosen = [(photo, place, page) for photo, place in photographs for page in _pages(photo, pages, photo in named)]
    if output is not None and folder is None and len(chosen) > 1:
        raise OptionError(f"{os.fspath(output)} is one file, and {len(chosen)} pages are to be coloured: name a folder")
    placed = [
        (
            photo,
            Path(output)
            if output is not None and folder is None
            else _target(photo, place, folder, format, suffix, page),
        )
        for photo, place, page in chosen
        if photo not in named
    ]
    outputs = iter(_apart(placed))
    tasks = [
        Task(photo, None, result_of=named[photo])
        if photo in named
        else replace(_task(photo, next(outputs), search.files), page=page)
        for photo, _, page in chosen
    ]
    tasks += [Task(path, None, refusal) for path, refusal in search.failed]
    return Plan(tasks, folder, search.passed_over, search.unread, search.managed, search.excluded)


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
        output = _output(task)
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


def foresee(task: Task, mark: Mark, *, overwrite: bool = False, skip_existing: bool = False) -> Outcome:
    """What will become of a task, by the names and the marks of its files: 'planned', 'skipped' or 'failed'.

    mark: what the result would say of its making. Only results that carry the mark of tintype, and that no other
    program has changed since, are made again of themselves: where the mark tells of another model or other settings,
    or of a photograph that was changed after its result was made. A file that is empty does not count.

    overwrite: make every result again. skip_existing: none.
    """
    skipped = Outcome(task.input, task.output, "skipped", page=task.page)
    planned = replace(skipped, status="planned")
    if task.refusal is not None:
        return replace(skipped, status="failed", message=task.refusal)
    if task.result_of is not None:
        message = f"{task.input} is the result of {task.result_of} by its name"
        return replace(skipped, why="result", message=message)
    if is_marked(task.input):
        return replace(skipped, output=None, why="result", message=f"{task.input} was coloured by tintype already")
    output = _output(task)
    if not _exists(output):
        return planned
    refuse_same(task.input, output)
    with suppress(OSError):  # What may not be read is not empty.
        if os.path.isfile(output) and is_unfinished(output):
            return planned
    made = mark_of(output)
    if made is None and task.taken:
        message = f"{task.input} would be written over {output}, a photograph of this run: give another output"
        raise UnwritablePhoto(message)
    if overwrite:
        return replace(planned, why="again")
    if made is None:
        message = f"{output} exists, but does not say that tintype made it: --overwrite replaces it"
        return replace(skipped, why="kept", message=message)
    exists = replace(skipped, why="done", message=f"{output} exists")
    if skip_existing:
        return exists
    if (reason := _other_settings(made, mark)) is None:
        fate = _fate_of_origin(task, made.origin)
        if fate == "same":
            return exists
        if fate == "other":
            message = (
                f"{output} was made of another file than {task.input} is now: give another folder with -o, or "
                "--overwrite to replace it"
            )
            return replace(skipped, status="failed", message=message)
        reason = "the photograph was changed since"
    if made.software != "tintype":
        changed = f"was changed by {made.software} since" if made.software else "was changed by another program since"
        message = f"{output} {changed}, and {reason}: --overwrite makes it again"
        return replace(skipped, why="kept", message=message)
    return replace(planned, why="again", message=f"{output} is made again: {reason}")


def _output(task: Task) -> Path:
    """Where the result goes; only tasks that are refused or are results themselves have no place for it."""
    assert task.output is not None
    return task.output


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


def _other_settings(made: Mark, asked: Mark) -> str | None:
    """What a result was made with that is not asked for now; None where all is the same."""
    if made.model != asked.model:
        return f"its model was {made.model or 'another one'}"
    if not made.settings or made.settings == asked.settings:
        return None  # Releases before 0.2 did not say.
    before, now = (
        dict(part.partition("=")[::2] for part in text.split("; ")) for text in (made.settings, asked.settings)
    )
    other = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if any(name in ("hints", "reference", "weights") for name in other):
        return f"its {' and '.join(other)} were others"
    return ", ".join(f"its {name} was {before.get(name, 'not given')}" for name in other)


def _fate_of_origin(task: Task, origin: str) -> str:
    """Whether a result was made of its photograph as that is now: 'same', 'changed', or 'other', an older file."""
    status = os.stat(task.input)
    if not origin or not stat.S_ISREG(status.st_mode):
        return "same"
    result = os.stat(_output(task))
    # A result may have the times of its photograph; when it was made, its directory entry tells.
    born = getattr(result, "st_birthtime", None)
    made = max(result.st_mtime_ns, result.st_ctime_ns if born is None else int(born * 1e9))
    later = status.st_mtime_ns > made
    with open(task.input, "rb") as stream:
        # Between the two ends nothing is read but where the time says that something may have changed.
        same = origin == origin_of(stream) if later else origin.startswith(f"{quick_origin_of(stream)}-")
    return "same" if same else "changed" if later else "other"


def _keep_times(times: os.stat_result, result: Path) -> tuple[str, ...]:
    """Give a result the times of its photograph; returns a sentence where that is not allowed."""
    try:
        if os.stat(result).st_mtime_ns != times.st_mtime_ns:
            os.utime(result, ns=(times.st_atime_ns, times.st_mtime_ns))
    except OSError as error:
        return (f"{result} cannot get the date of its photograph ({error.strerror})",)
    return ()


def _exists(path: Path) -> bool:
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UnwritablePhoto(f"{path} is too long a name: give -o FOLDER") from None
        return False
    return True


def _check_suffix(suffix: str | None, output: str | os.PathLike[str] | None) -> None:
    if suffix is None:
        return
    if not suffix.strip() or re.search(r"[/\\\0:*?\"<>|]", suffix):
        raise OptionError(f"--suffix takes letters that names of files may hold, such as -colour, not {suffix!r}")
    if Path(f"a{suffix}").suffix.lower() in SUFFIXES:
        raise OptionError(f"--suffix is put before the ending of a name, such as .jpg: leave {suffix} out")


def _means_folder(output: str | os.PathLike[str]) -> bool:
    text = os.fspath(output)
    return text.endswith(tuple(filter(None, (os.sep, os.altsep)))) or os.path.isdir(text)


def _target(
    photo: Path, place: Path, folder: Path | None, format: str | None, suffix: str | None, page: int | None
) -> Path:
    if folder is None:
        return beside(photo, format, COLOR if suffix is None else suffix, page)
    return folder / place.with_name(f"{place.stem}{page_suffix(page)}{suffix or ''}{result_suffix(photo, format)}")


def _pages(photo: Path, pages: str | Sequence[int] | None, is_result: bool) -> Sequence[int | None]:
    """The pages of a photograph's file that are to be coloured; None for the one photograph of an ordinary file."""
    if pages is None or is_result:
        return [None]
    if pages == "first":
        return [1]
    if not isinstance(pages, str):
        return pages
    try:
        count = count_pages(photo) if os.path.isfile(photo) else 1
    except OSError:
        count = 1  # It fails at once.
    return range(1, count + 1) if count > 1 else [None]


def _task(photo: Path, target: Path, files: set[str]) -> Task:
    real = os.path.realpath(target)
    if real == os.path.realpath(photo):
        return Task(photo, target, f"{photo} would be written over itself: give another output")
    return Task(photo, target, taken=real in files)


def _result_of(photo: Path) -> Path | None:
    """The photograph of which a file is the result by its name: a.jpg of a.color.jpg, if that is there."""
    match = re.fullmatch(rf"(.+){re.escape(COLOR)}(?:-\d+)?", photo.stem, re.DOTALL)
    if not match:
        return None
    name = match[1]
    # Of another page than the first, the name has its number: a.tif of a.p2.color.tif.
    names = dict.fromkeys([name, re.sub(r"\.p[1-9]\d*$", "", name)])
    own = [name for name in names if Path(name).suffix.lower() in SUFFIXES]
    endings = dict.fromkeys([photo.suffix, *SUFFIXES, *(suffix.upper() for suffix in SUFFIXES)])
    for other in (*own, *(name + ending for name in names for ending in endings)):
        if os.path.isfile(path := photo.with_name(other)):
            return path
    return None


def _apart(placed: list[tuple[Path, Path]]) -> list[Path]:
    """Outputs for photographs, no two of which are the same file on any file system that the folder may lie on."""
    targets = [target for _, target in placed]
    for group in _groups(targets):
        if len({placed[i][0].suffix.casefold() for i in group}) > 1:
            for i in group:
                photo, target = placed[i]
                targets[i] = _with_own_suffix(photo, target)
    taken = {_alike(target) for target in targets}
    for group in _groups(targets):
        if len({os.path.normpath(targets[i]) for i in group}) == len(group) and _tells_case_apart(
            [placed[i][0] for i in group], targets[group[0]].parent
        ):
            continue
        for i in group[1:]:
            number = 2
            while _alike(path := targets[i].with_stem(f"{targets[i].stem}-{number}")) in taken:
                number += 1
            targets[i] = path
            taken.add(_alike(path))
    return targets


def _groups(targets: list[Path]) -> list[list[int]]:
    """The places of those that are alike."""
    groups: dict[str, list[int]] = {}
    for i, target in enumerate(targets):
        groups.setdefault(_alike(target), []).append(i)
    return [group for group in groups.values() if len(group) > 1]


def _with_own_suffix(photo: Path, target: Path) -> Path:
    added = target.stem.removeprefix(photo.stem)
    return target.with_name(photo.name + added + target.suffix)


def _alike(path: Path) -> str:
    """The same for two paths that some file system takes for one."""
    return unicodedata.normalize("NFC", os.path.normpath(path)).casefold()


def _tells_case_apart(photos: Sequence[Path], folder: Path) -> bool:
    """Whether names that differ in case alone are those of two files in a folder; False where nothing tells."""
    if all(photo.parent == folder for photo in photos):
        return True  # They are there, side by side.
    while not os.path.isdir(folder):
        if folder == folder.parent:
            return False
        folder = folder.parent
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if (other := entry.name.swapcase()) != entry.name:
                try:
                    return not os.path.samefile(entry.path, folder / other)
                except FileNotFoundError:
                    return True
    return False


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
