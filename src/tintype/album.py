"""Many photographs: which ones they are, where each result goes, and colouring them side by side."""

from __future__ import annotations

import math
import os
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from tintype.colorizer import Colorizer, Hints, beside, check_output, refuse_same, result_suffix
from tintype.errors import OptionError, TintypeError, UnwritablePhoto
from tintype.photo import SUFFIXES, is_marked, size_of

BUDGET = 256_000_000
"""Pixels that are worked on at one moment, of four bytes or so; a photograph that needs more is worked on alone."""

NETWORK = 100
"""Pixels of a photograph that take as much memory as one pixel of what the network sees."""


@dataclass(frozen=True)
class Task:
    """One photograph to be coloured: from which file to which. A refused one says why it is not."""

    input: Path
    output: Path | None
    refusal: str | None = None


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    tasks: in the order in which they begin. passed_over: how many files of the folders are no photographs by their
    name, for each suffix.
    """

    tasks: list[Task] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Outcome:
    """What became of one photograph: status 'coloured', 'skipped', 'failed' or, in a dry run, 'planned'.

    notes: what was damaged in the file or could not be kept, a sentence each.
    """

    input: Path
    output: Path | None
    status: str
    seconds: float = 0.0
    message: str = ""
    notes: tuple[str, ...] = ()


def plan(
    inputs: Sequence[str | os.PathLike], output: str | os.PathLike | None = None, format: str | None = None
) -> Plan:
    """Find the photographs and give each its own output.

    inputs: files and folders. Folders are searched with all below them, in the order of names. Each file is taken once
        however many links lead to it, hidden files are left out, and so is the output folder.
    output: None: beside each photograph, as NAME.color.EXT. A folder (one that exists, one that is named with a
        separator at its end, or anything when there are several photographs to come): the results lie in it as
        NAME.EXT, in the sub-folders in which the photographs lie; the folders of several inputs keep their names.
        Otherwise the file to write.
    format: that of all results; None: each photograph's own.

    Two photographs never get the same output: where they would, as a.jpg and a.png in one format, the results are
    named a.jpg.png and a.png.png. Where that does not help they are refused.

    Raises OptionError when the request as a whole makes no sense.
    """
    check_output(format)
    if not inputs:
        raise OptionError("Nothing to colour: give a photograph or a folder")
    several = len(inputs) > 1
    folder = None
    if output is not None:
        if _means_folder(output) or several or os.path.isdir(inputs[0]):
            folder = Path(output)
            if os.path.lexists(folder) and not os.path.isdir(folder):
                raise OptionError(f"{folder} is a file, but more than one result may go there: name a folder")
        else:
            check_output(format, path=output)
    search = _Search(folder)
    found: list[tuple[Path, Path]] = []  # photograph, and its place below the output folder
    for name in inputs:
        path = Path(name)
        if os.path.isdir(path):
            # The name of "." and ".." is none to lie below the output folder.
            root = Path(Path(os.path.abspath(path)).name) if several else Path()
            found += [(photo, root / photo.relative_to(path)) for photo in search.folder(path)]
        else:
            found += [(photo, Path(photo.name)) for photo in search.file(path)]
    placed = [
        (photo, Path(output) if output is not None and folder is None else _target(photo, place, folder, format))
        for photo, place in found
    ]
    tasks = [Task(photo, target, search.refusal(photo, target)) for photo, target in _apart(placed, folder is not None)]
    return Plan([*tasks, *search.failed], search.passed_over)


def colorize_all(
    tasks: Iterable[Task],
    colorizer: Colorizer,
    *,
    jobs: int = 1,
    overwrite: bool = False,
    hints: Hints | None = None,
    format: str | None = None,
    quality: int | None = None,
    progress: Callable[[Task, float], None] | None = None,
) -> Iterator[Outcome]:
    """Colour photographs, up to `jobs` side by side; yields what became of each as it is finished.

    One that fails does not hold up the others. The files are the same for any number of jobs. Photographs that take
    more than the BUDGET together are never in memory at one moment, but for a single larger one. When the iteration
    is left, by an exception such as KeyboardInterrupt too, unfinished photographs are given up without a trace.

    progress: called with a task and its finished share, 0 to 1, from several threads.
    """
    stop = threading.Event()
    running: dict[Future[Outcome], int] = {}

    def watch(task: Task, share: float) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        if progress is not None:
            progress(task, share)

    def work(task: Task) -> Outcome:
        begin = time.perf_counter()
        status, message, notes = "coloured", "", ()
        try:
            task.output.parent.mkdir(parents=True, exist_ok=True)
            notes = colorizer.file(
                task.input,
                task.output,
                hints=hints,
                format=format,
                quality=quality,
                progress=lambda share: watch(task, share),
            )
        except TintypeError as error:
            status, message = "failed", str(error)
        except MemoryError:
            status, message = "failed", f"{task.input} needs more memory than there is"
        except OSError as error:
            status, message = "failed", f"{error.filename or task.output} cannot be written ({error.strerror})"
        except Exception as error:
            # A fault of ours must not cost the other photographs of a long run.
            status, message = "failed", f"{task.input} met a fault of tintype, please report it: {error!r}"
        return Outcome(task.input, task.output, status, time.perf_counter() - begin, message, notes)

    pool = ThreadPoolExecutor(jobs)
    try:
        for task in tasks:
            if (outcome := foregone(task, overwrite)) is not None:
                yield outcome
                continue
            size = _load(task.input, colorizer)
            while running and (len(running) >= jobs or sum(running.values()) + size > BUDGET):
                yield from _finished(running)
            running[pool.submit(work, task)] = size
        while running:
            yield from _finished(running)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def foregone(task: Task, overwrite: bool = False) -> Outcome | None:
    """The outcome of a task of which it is clear that nothing will be coloured; None where something is to be done."""
    if task.refusal is not None:
        return Outcome(task.input, task.output, "failed", message=task.refusal)
    if is_marked(task.input):
        return Outcome(task.input, None, "skipped", message=f"{task.input} was coloured by tintype already")
    if not overwrite and os.path.lexists(task.output):
        try:
            refuse_same(task.input, task.output)
        except UnwritablePhoto as error:
            return Outcome(task.input, task.output, "failed", message=str(error))
        return Outcome(task.input, task.output, "skipped", message=f"{task.output} exists")
    return None


def _finished(running: dict[Future[Outcome], int]) -> Iterator[Outcome]:
    # The time-out lets Ctrl-C through on systems where a wait for a lock does not.
    done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
    for future in done:
        del running[future]
        yield future.result()


class _Search:
    """Finds photographs, each once, and remembers what was in the way."""

    def __init__(self, output: Path | None):
        self.passed_over: Counter[str] = Counter()
        self.failed: list[Task] = []
        self._output = None if output is None else os.path.realpath(output)
        self._seen: set[str] = set()
        self._files: set[str] = set()

    def file(self, path: Path) -> Iterator[Path]:
        """The file that the user named, whatever its suffix."""
        try:
            os.stat(path)
        except FileNotFoundError:
            self.failed.append(Task(path, None, f"{path} does not exist"))
        except OSError as error:
            self.failed.append(Task(path, None, f"{path} cannot be read ({error.strerror})"))
        else:
            if not self._first(path):
                return
            self._files.add(os.path.realpath(path))
            yield path

    def folder(self, root: Path) -> Iterator[Path]:
        """The photographs of a folder and of all below it, by their suffix."""
        if not self._first(root):
            return
        # Links come last, so that a photograph is found at its own place before it is found through a link.
        folders, links = [root], []
        found: list[Path] = []
        while folders or links:
            path = folders.pop() if folders else links.pop(0)
            if path is not root and path.is_symlink() and not (os.path.exists(path) and self._first(path)):
                continue
            if os.path.isdir(path):
                inside, linked = self._entries(path)
                folders += reversed([entry for entry in inside if os.path.isdir(entry) and self._first(entry)])
                links += linked
                found += [
                    entry for entry in inside if os.path.isfile(entry) and self._is_photo(entry) and self._first(entry)
                ]
            elif os.path.isfile(path) and self._is_photo(path):
                found.append(path)
        for path in sorted(found):
            self._files.add(os.path.realpath(path))
            yield path

    def refusal(self, photo: Path, target: Path) -> str | None:
        """Why a result must not be written to `target`, if so: the file is another photograph of this run."""
        if target is None:
            return f"{photo} would share its output with another photograph: colour it in a run of its own"
        real = os.path.realpath(target)
        if real == os.path.realpath(photo):
            return f"{photo} would be written over itself: give another output"
        if real in self._files and not is_marked(target):
            return f"{photo} would be written over {target}, a photograph of this run: give another output"
        return None

    def _entries(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """The entries of a folder, sorted, hidden ones left out; then those that are links."""
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
        except OSError as error:
            self.failed.append(Task(folder, None, f"{folder} cannot be searched ({error.strerror})"))
            return [], []
        paths = [folder / name for name in names]
        paths = [path for path in paths if self._output is None or os.path.realpath(path) != self._output]
        return [path for path in paths if not path.is_symlink()], [path for path in paths if path.is_symlink()]

    def _is_photo(self, path: Path) -> bool:
        if path.suffix.lower() in SUFFIXES:
            return True
        self.passed_over[path.suffix.lower()] += 1
        return False

    def _first(self, path: Path) -> bool:
        real = os.path.realpath(path)
        if real in self._seen:
            return False
        self._seen.add(real)
        return True


def _means_folder(output: str | os.PathLike) -> bool:
    text = os.fspath(output)
    return text.endswith(tuple(filter(None, (os.sep, os.altsep)))) or os.path.isdir(text)


def _target(photo: Path, place: Path, folder: Path | None, format: str | None) -> Path:
    if folder is None:
        return beside(photo, format)
    return folder / place.with_suffix(result_suffix(photo, format))


def _apart(placed: list[tuple[Path, Path]], in_folder: bool) -> Iterator[tuple[Path, Path | None]]:
    """Photographs with outputs that no two of them share; None where there is none."""
    count = Counter(_alike(target) for _, target in placed)
    placed = [
        (photo, target if count[_alike(target)] == 1 else _with_own_suffix(photo, target, in_folder))
        for photo, target in placed
    ]
    count = Counter(_alike(target) for _, target in placed)
    for photo, target in placed:
        yield photo, target if count[_alike(target)] == 1 else None


def _with_own_suffix(photo: Path, target: Path, in_folder: bool) -> Path:
    return target.with_name(photo.name + ("" if in_folder else ".color") + target.suffix)


def _alike(path: Path) -> str:
    """The same for two paths that some file system takes for one."""
    return os.path.normpath(path).casefold()


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
