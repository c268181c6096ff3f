"""Which photographs a run colours, and where each result goes."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tintype.errors import OptionError
from tintype.files import tells_case_apart
from tintype.photo import SUFFIXES, count_pages
from tintype.photo.results import COLOR, beside, check_output, page_suffix, result_suffix
from tintype.search import Search, expanded, refuse_stored

Choose = Callable[[Search], Collection[Path]]
"""Which of the photographs that were found are to be coloured."""


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
    where one is named. The counters are those of `Search`: what lies in the folders and is left out. older: how many
    photographs were left out as they were not changed since the time asked for.
    """

    tasks: list[Task] = field(default_factory=list)
    folder: Path | None = None
    passed_over: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    managed: Counter[str] = field(default_factory=Counter)
    excluded: Counter[str] = field(default_factory=Counter)
    older: int = 0


def plan(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    format: str | None = None,
    *,
    suffix: str | None = None,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    pages: str | Sequence[int] | None = None,
    since: float | None = None,
    choose: Choose | None = None,
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
    since: only photographs whose files were changed then or later, by their dates; seconds since 1970.
    choose: is given what was found and returns the photographs that are coloured now. The others are not opened, and
        their results keep their names.

    Two photographs never get the same output: where they would, as a.jpg and a.png in one format, the results are
    named a.jpg.png and a.png.png. Where that does not help, they are numbered from the second on. A photograph that is
    named as the result of another one, as a.color.jpg beside a.jpg, is none.

    Raises OptionError when the request as a whole makes no sense.
    """
    check_output(format)
    _check_suffix(suffix, output)
    if output is not None:
        refuse_stored(output)
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
    named = {photo: source for photo, _ in photographs if (source := result_of(photo)) is not None}
    for photo in named:
        del search.files[photo]
    old = set() if since is None else {photo for photo, _ in photographs if _is_older(photo, since)}
    chosen = {photo for photo, _ in photographs} if choose is None else choose(search)
    if choose is not None and not chosen:
        photographs = []
    pictures = [
        (photo, place, page)
        for photo, place in photographs
        for page in _pages(photo, pages, photo in named or photo in old or photo not in chosen)
    ]
    if output is not None and folder is None and len(pictures) > 1:
        message = f"{os.fspath(output)} is one file, and {len(pictures)} pages are to be coloured: name a folder"
        raise OptionError(message)
    placed = [
        (
            photo,
            Path(output)
            if output is not None and folder is None
            else target_of(photo, place, folder, format, suffix, page),
        )
        for photo, place, page in pictures
        if photo not in named
    ]
    outputs = iter(apart(placed))
    real = _real_paths()
    taken = set(search.files.values())
    tasks = []
    for photo, _, page in pictures:
        target = None if photo in named else next(outputs)
        if photo in old or photo not in chosen:
            continue
        if target is None:
            tasks.append(Task(photo, None, result_of=named[photo]))
        elif (place := real(target)) == search.files[photo]:
            tasks.append(Task(photo, target, f"{photo} would be written over itself: give another output", page=page))
        else:
            tasks.append(Task(photo, target, taken=place in taken, page=page))
    tasks += [Task(path, None, refusal) for path, refusal in search.failed]
    return Plan(tasks, folder, search.passed_over, search.unread, search.managed, search.excluded, len(old))


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


def target_of(
    photo: Path, place: Path, folder: Path | None, format: str | None, suffix: str | None, page: int | None
) -> Path:
    if folder is None:
        return beside(photo, format, COLOR if suffix is None else suffix, page)
    return folder / place.with_name(f"{place.stem}{page_suffix(page)}{suffix or ''}{result_suffix(photo, format)}")


def _pages(photo: Path, pages: str | Sequence[int] | None, left_out: bool) -> Sequence[int | None]:
    """The pages of a photograph's file that are to be coloured; None for the one photograph of an ordinary file."""
    if pages is None or left_out:
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


def _real_paths() -> Callable[[Path], str]:
    """What gives the real paths of files, and asks each folder for its own once."""
    folder = cache(os.path.realpath)

    def real(path: Path) -> str:
        # Windows may know a file by several names.
        if os.name == "nt" or os.path.islink(path):
            return os.path.realpath(path)
        return os.path.join(folder(path.parent), path.name)

    return real


def _is_older(photo: Path, since: float) -> bool:
    try:
        return os.stat(photo).st_mtime < since
    except OSError:
        return False  # Whoever opens it says why.


def result_of(photo: Path, is_there: Callable[[Path], bool] = os.path.isfile) -> Path | None:
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
        if is_there(path := photo.with_name(other)):
            return path
    return None


def apart(placed: list[tuple[Path, Path]]) -> list[Path]:
    """Outputs for photographs, no two of which are the same file on any file system that the folder may lie on."""
    targets = [target for _, target in placed]
    for group in _groups(targets):
        if len({placed[i][0].suffix.casefold() for i in group}) > 1:
            for i in group:
                photo, target = placed[i]
                targets[i] = with_own_suffix(photo, target)
    taken = {alike(target) for target in targets}
    for group in _groups(targets):
        # Some file systems take an accent and its letter for one, and some do not; those names are numbered everywhere.
        names = {unicodedata.normalize("NFC", os.path.normpath(targets[i])) for i in group}
        if len(names) == len(group) and _tells_case_apart([placed[i][0] for i in group], targets[group[0]].parent):
            continue
        for i in group[1:]:
            number = 2
            while alike(path := targets[i].with_stem(f"{targets[i].stem}-{number}")) in taken:
                number += 1
            targets[i] = path
            taken.add(alike(path))
    return targets


def _groups(targets: list[Path]) -> list[list[int]]:
    """The places of those that are alike."""
    groups: dict[str, list[int]] = {}
    for i, target in enumerate(targets):
        groups.setdefault(alike(target), []).append(i)
    return [group for group in groups.values() if len(group) > 1]


def with_own_suffix(photo: Path, target: Path) -> Path:
    """The place of a result whose name keeps the suffix of its photograph: a.bmp.png."""
    added = target.stem.removeprefix(photo.stem)
    return target.with_name(photo.name + added + target.suffix)


def alike(path: Path) -> str:
    """The same for two paths that some file system takes for one."""
    return unicodedata.normalize("NFC", os.path.normpath(path)).casefold()


def _tells_case_apart(photos: Sequence[Path], folder: Path) -> bool:
    """Whether names that differ in case alone are those of two files in a folder.

    The answer is the same before a run and after it, or a repeated run would give other names to its results.
    """
    if all(photo.parent == folder for photo in photos):
        return True  # They are there, side by side.
    while not os.path.isdir(folder):
        if folder == folder.parent:
            return False
        folder = folder.parent
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            other = folder / entry.name.swapcase()
            if other.name != entry.name and os.path.lexists(entry.path):
                return not (os.path.lexists(other) and os.path.samefile(entry.path, other))
    return tells_case_apart(folder)
