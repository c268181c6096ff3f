"""Which photographs a run on a cluster colours: what lies in stores and folders, found as in a run on one computer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from tintype.album import Plan, Task
from tintype.album.tasks import apart, plan, result_of, target_of
from tintype.cluster.addresses import checked_address
from tintype.cluster.stores import Entry, Folder, Remote, Store
from tintype.errors import OptionError
from tintype.photo import SUFFIXES, UNREAD
from tintype.search import Patterns, is_managed, is_stored


@dataclass(frozen=True)
class Found:
    """A photograph of a run. task: with the paths and addresses that users are told. store: the number of its store,
    None for a file of a folder. input: its place there, or its path. entry: the file as it was listed.
    """

    task: Task
    store: int | None
    input: str
    entry: Entry
    place: str


@dataclass(frozen=True)
class Listing:
    """What a run on a cluster will do. stores: of the inputs. plan: the same as of a local run."""

    plan: Plan
    found: list[Found] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)


def listing(
    inputs: Sequence[str | os.PathLike[str]],
    output: Store,
    format: str | None = None,
    *,
    suffix: str | None = None,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    pages: str | Sequence[int] | None = None,
) -> Listing:
    """Find the photographs and give each its own output, as `album.plan` does; arguments and errors are those of it.

    Folders are searched by it. Of stores, each address is listed once: files below it, or the file that it names.
    """
    names = [os.fsdecode(name) for name in inputs]
    stored, near = [name for name in names if is_stored(name)], [name for name in names if not is_stored(name)]
    if stored and near:
        raise OptionError("Folders and addresses of stores cannot be coloured in one run: give them one after another")
    if stored:
        return _stored(stored, output, format, suffix, tuple(include), tuple(exclude), pages)
    # A store tells names apart as most file systems of servers do; where results are to lie in one, no folder is asked.
    folder = Path(output.address) if isinstance(output, Folder) else Path(os.sep, "tintype-results")
    todo = plan(near, f"{folder}{os.sep}", format, suffix=suffix, include=include, exclude=exclude, pages=pages)
    found, tasks = [], []
    for task in todo.tasks:
        place = None if task.output is None else task.output.relative_to(folder).as_posix()
        shown = Task(
            task.input,
            None if place is None else output.name(place),
            task.refusal,
            task.result_of,
            task.taken,
            task.page,
        )
        tasks.append(shown)
        if place is None or task.refusal is not None or task.result_of is not None:
            continue
        try:
            status = task.input.stat()
        except OSError as error:
            tasks[-1] = Task(task.input, None, f"{task.input} cannot be read ({error.strerror})")
            continue
        entry = Entry("", status.st_size, status.st_mtime_ns, str(status.st_mtime_ns))
        found.append(Found(shown, None, os.path.abspath(task.input), entry, place))
    whole = Plan(tasks, output.name(""), todo.passed_over, todo.unread, todo.managed, todo.excluded)
    return Listing(whole, found, [])


def _stored(
    inputs: Sequence[str],
    output: Store,
    format: str | None,
    suffix: str | None,
    include: Sequence[str],
    exclude: Sequence[str],
    pages: str | Sequence[int] | None,
) -> Listing:
    if pages == "all":
        raise OptionError("--pages all would open every file of a store before the run: give first, or numbers")
    todo = Plan(folder=output.name(""))
    search = _Search(todo, output, Patterns(include), Patterns(exclude))
    stores: list[Store] = []
    chosen: list[tuple[int, Entry, PurePosixPath]] = []
    for name in dict.fromkeys(map(checked_address, inputs)):
        store = Remote(name)
        stores.append(store)
        entries = list(store.files())
        single = store.entry() if len(entries) <= 1 else None
        if single is not None:
            parent, _, own = name.rpartition("/")
            stores[-1] = Remote(parent)
            chosen.append((len(stores) - 1, Entry(own, single.size, single.modified, single.stamp), PurePosixPath(own)))
            continue
        if not entries:
            todo.tasks.append(Task(store.name(""), None, f"{store.name('')} does not exist: check the address"))
        root = PurePosixPath(name.rpartition("/")[2]) if len(inputs) > 1 else PurePosixPath()
        chosen += [
            (len(stores) - 1, entry, root / entry.place)
            for entry in sorted(entries, key=lambda entry: entry.place)
            if search.wants(store, entry)
        ]
    there = {(number, entry.place) for number, entry, _ in chosen}
    placed: list[tuple[Path, Path]] = []
    kept: list[tuple[int, Entry, int | None]] = []
    numbers: Sequence[int | None] = [None] if pages is None else [1] if isinstance(pages, str) else pages
    for number, entry, place in chosen:
        path = Path(entry.place)
        of = result_of(path, partial(_is_listed, there, number))
        if of is not None:
            shown = stores[number].name
            todo.tasks.append(Task(shown(entry.place), None, result_of=shown(of.as_posix())))
            continue
        for page in numbers:
            # In the names of a store, case tells files apart: they count as lying side by side.
            target = target_of(Path(place), Path(place), Path(), format, suffix, page)
            placed.append((target.parent / path.name, target))
            kept.append((number, entry, page))
    found = []
    for (number, entry, page), target in zip(kept, apart(placed), strict=True):
        task = Task(stores[number].name(entry.place), output.name(target.as_posix()), page=page)
        if str(task.input) == str(task.output):
            todo.tasks.append(
                Task(task.input, task.output, f"{task.input} would be written over itself: give another output")
            )
            continue
        todo.tasks.append(task)
        found.append(Found(task, number, entry.place, entry, target.as_posix()))
    return Listing(todo, found, stores)


def _is_listed(there: set[tuple[int, str]], number: int, path: Path) -> bool:
    return (number, path.as_posix()) in there


class _Search:
    """What of a store is wanted; counts what is left out, as `search.Search` does."""

    def __init__(self, counts: Plan, output: Store, include: Patterns, exclude: Patterns) -> None:
        self._counts, self._include, self._exclude = counts, include, exclude
        self._output = f"{output.address}/"
        self._folders: set[str] = set()

    def wants(self, store: Store, entry: Entry) -> bool:
        place = PurePosixPath(entry.place)
        if f"{store.address}/{place}".startswith(self._output) and f"{store.address}/" != self._output:
            return False
        for depth, name in enumerate(place.parts[:-1]):
            folder = "/".join((store.address, *place.parts[: depth + 1]))
            if name.startswith("."):
                return False
            if is_managed(name):
                self._once(folder, self._counts.managed, name)
                return False
            if self._exclude and self._exclude.fit(PurePosixPath(*place.parts[: depth + 1])):
                self._once(folder, self._counts.excluded, "folder")
                return False
        suffix = place.suffix.lower()
        if place.name.startswith("."):
            return False
        if suffix not in SUFFIXES:
            (self._counts.unread if suffix in UNREAD else self._counts.passed_over)[suffix] += 1
            return False
        if self._exclude.fit(place) or (self._include and not self._include.fit(place)):
            self._counts.excluded["photograph"] += 1
            return False
        return True

    def _once(self, folder: str, counter: dict[str, int], name: str) -> None:
        if folder not in self._folders:
            self._folders.add(folder)
            counter[name] = counter.get(name, 0) + 1
