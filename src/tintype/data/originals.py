"""Photographs as they are found, before anything is done to them: in folders, and in collections."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tintype.errors import DataError, UnreadablePhoto, printable
from tintype.photo import SUFFIXES


@dataclass(frozen=True, slots=True)
class Original:
    """A photograph as it was found."""

    source: str
    """NAME/CLASS/FILE, with forward slashes. The class may be missing, or lie in groups (fish/shark)."""
    read: Callable[[], bytes]
    """Its file, whole. Raises UnreadablePhoto."""
    part: str = ""
    """The part that it was published in: "train", "validation", "test", or "" where nothing is said."""
    sha256: str = ""
    """Of its file, once that was read."""


@dataclass(frozen=True)
class Source:
    """A folder or a collection."""

    name: str
    find: Callable[[Classes], Iterable[Original]]
    """Its photographs of the classes that are wanted, always in the same order. Raises DataError."""
    smallest: int = 96
    """By default, a photograph whose short side is below this is tiny."""
    terms: str = ""
    """What its publishers ask of those who use it."""


class Classes:
    """The classes that are wanted, and those that were met.

    A class is wanted when its whole name is a word, or one of its groups (`fish` takes `fish/shark`); without words
    all are, also that of photographs without one, "".
    """

    def __init__(self, words: Sequence[str] = ()):
        self.words = frozenset(words)
        self.met: set[str] = set()

    def __call__(self, name: str) -> bool:
        self.met.add(name)
        return not self.words or not self.words.isdisjoint((name, *name.split("/")))

    def check(self, where: str) -> None:
        """Raise DataError when a word named nothing."""
        named = {word for name in self.met for word in (name, *name.split("/")) if word}
        if missing := sorted(self.words - named):
            some = ", ".join(sorted(self.met - {""})[:5])
            there = f"there are {len(self.met - {''})}, such as {some}" if some else "its photographs have no class"
            raise DataError(f"{where}: no class is called {', '.join(missing)}; {there}")


def folder(path: str | Path, seen: set[str] | None = None) -> Source:
    """A folder with all that is below it; the class of a photograph is the sub-folder that it lies in.

    Args:
        seen: real paths of folders that are passed over; those that are read join them.
    """
    path, seen = Path(path), set() if seen is None else seen
    return Source(path.resolve().name, lambda wanted: _in_folder(path, seen, wanted))


def _in_folder(folder: Path, seen: set[str], wanted: Classes) -> Iterator[Original]:
    """Files with the suffix of a photograph, sorted; links are followed, but no folder twice."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of photographs")

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename}: the folder cannot be read ({error.strerror})") from error

    for here, below, names in os.walk(folder, onerror=refuse, followlinks=True):
        if os.path.realpath(here) in seen:
            below.clear()
            continue
        seen.add(os.path.realpath(here))
        below.sort()
        inside = Path(here).relative_to(folder).parts
        if wanted(printable("/".join(inside))):
            for name in sorted(names):
                path = Path(here, name)
                if path.suffix.lower() in SUFFIXES:
                    source = "/".join((folder.resolve().name, *inside, name))
                    yield Original(printable(source), partial(_read, path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadablePhoto(f"{path.name} cannot be read ({error.strerror})") from None
