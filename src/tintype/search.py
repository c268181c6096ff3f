"""Which photographs a run is about: what lies in folders, and what is left out."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePath

from tintype.errors import OptionError
from tintype.photo import SUFFIXES, UNREAD, absent, is_address

MANAGED = (
    "@eadir",  # Synology: thumbnails
    "@tmp",
    "#recycle",
    "#snapshot",
    "@recycle",  # QNAP
    "@recently-snapshot",
    "@__thumb",
    ".@__thumb",
    "$recycle.bin",  # Windows
    "recycler",
    "system volume information",
    ".trash*",  # Linux, macOS
    "lost+found",
    "network trash folder",
    "temporary items",
    "__macosx",
    ".thumbnails",
    ".thumbs",
    "ipod photo cache",
    "*.lrdata",  # Lightroom: previews
    "*.lrcat-data",
    "captureone",  # Capture One: previews, beside the photographs
    "*.cocatalog",
)
"""Folders (patterns, lower case) that a NAS, a system or a photo manager keeps for itself."""

LIBRARIES = ("*.photoslibrary", "*.photolibrary", "*.aplibrary", "*.migratedphotolibrary", "*.migratedaplibrary")
"""Folders that are libraries of Photos, iPhoto and Aperture."""

ORIGINALS = ("originals", "masters")
"""Where in a library the photographs lie; all else in it was derived from them."""


STORES = ("s3", "gs", "az", "abfs", "sftp")
"""Stores whose addresses a run on a cluster takes: Amazon S3 and what speaks like it, Google's, Azure's, OpenSSH."""

_STORED = re.compile(rf"(?:{'|'.join(STORES)}):/+", re.IGNORECASE)


class Patterns:
    """Patterns of names, as `--exclude` and `--include` take them.

    `*` stands for any letters but /, `?` for one, `[abc]` for one of these, `**` for any letters and folders. Case does
    not matter. A pattern without / is compared with the name of a file and of each folder above it; one with / with
    the path of the file, and of each folder above it, from the folder on that was given.
    """

    def __init__(self, patterns: Iterable[str]):
        self._patterns = [
            ("/" in pattern.strip("/"), re.compile(_regular(pattern.strip("/")), re.IGNORECASE | re.DOTALL))
            for pattern in (text.replace(os.sep, "/") for text in patterns)
            if pattern.strip("/")
        ]

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def fit(self, place: PurePath) -> bool:
        """Whether one of the patterns fits a path below the folder that was given."""
        parts = [part for part in place.parts if part != ".."]
        paths = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        return any(
            any(pattern.fullmatch(text) for text in (paths if whole else parts)) for whole, pattern in self._patterns
        )


class Search:
    """Finds photographs, each once, and counts what it leaves out.

    passed_over: files of folders that are no pictures by their names, for each suffix. unread: pictures of kinds that
    are not read, for each suffix. managed: folders of a NAS or a photo manager, for each name. excluded: photographs
    and folders that the patterns leave out. failed: what could not be searched, and why. files: the photographs that
    were found, and the real path of each.
    """

    def __init__(
        self, output: str | os.PathLike[str] | None = None, include: Iterable[str] = (), exclude: Iterable[str] = ()
    ):
        self.passed_over: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()
        self.managed: Counter[str] = Counter()
        self.excluded: Counter[str] = Counter()
        self.failed: list[tuple[Path, str]] = []
        self.files: dict[Path, str] = {}
        self._output = None if output is None else os.path.realpath(output)
        self._include, self._exclude = Patterns(include), Patterns(exclude)
        self._seen: set[str] = set()

    def file(self, path: Path) -> Iterator[Path]:
        """The file that the user named, whatever its suffix."""
        try:
            os.stat(path)
        except FileNotFoundError:
            self.failed.append((path, f"{path} does not exist"))
        except OSError as error:
            self.failed.append((path, f"{path} cannot be read ({error.strerror})"))
        else:
            real = os.path.realpath(path)
            if self._first(real) and self._wanted(path, path.parent):
                self.files[path] = real
                yield path

    def folder(self, root: Path) -> Iterator[Path]:
        """The photographs of a folder and of all below it, by their suffix."""
        if not self._first(os.path.realpath(root)):
            return
        # Links come last, so that a photograph is found at its own place before it is found through a link.
        folders: list[Path] = [root]
        links: list[Path] = []
        photographs: dict[Path, str] = {}
        while folders or links:
            path = folders.pop() if folders else links.pop(0)
            if path is not root and path.is_symlink():
                real = os.path.realpath(path)
                if os.path.exists(path) and not self._first(real):
                    continue
                if not os.path.isdir(path):
                    if self._is_photo(root, path, os.path.isfile(path)):
                        photographs[path] = real
                    continue
            below, inside, linked = self._entries(root, path)
            folders += reversed(below)
            links += linked
            photographs |= inside
        for path in sorted(photographs):
            self.files[path] = photographs[path]
            yield path

    def _entries(self, root: Path, folder: Path) -> tuple[list[Path], dict[Path, str], list[Path]]:
        """What of a folder is searched: folders, photographs with their real paths, and links; each sorted.

        Nothing is asked of the files themselves, as each question to a network share takes its time.
        """
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
            # The names in a folder may be read where what bears them may not even be looked at.
            with suppress(FileNotFoundError):
                os.lstat(entries[0] if entries else folder)
        except OSError as error:
            self.failed.append((folder, f"{folder} cannot be searched ({error.strerror})"))
            return [], {}, []
        library = _like(folder.name, LIBRARIES)
        here = os.path.realpath(folder)
        folders: list[Path] = []
        photographs: dict[Path, str] = {}
        links: list[Path] = []
        for entry in entries:
            name, path = entry.name, folder / entry.name
            is_folder = _is(entry.is_dir)
            if is_folder and (is_managed(name) or (library and name.casefold() not in ORIGINALS)):
                self.managed[name] += 1
            elif name.startswith(".") or (is_folder and os.path.realpath(path) == self._output):
                continue
            elif is_folder and self._exclude and self._exclude.fit(path.relative_to(root)):
                self.excluded["folder"] += 1
            elif _is(entry.is_symlink):
                links.append(path)
            elif is_folder:
                if self._first(os.path.realpath(path)):
                    folders.append(path)
            elif self._is_photo(root, path, _is(entry.is_file)) and self._first(real := os.path.join(here, name)):
                photographs[path] = real
        return folders, photographs, links

    def _is_photo(self, root: Path, path: Path, is_file: bool) -> bool:
        """Whether what is no folder is a photograph, by its name; what only has the name of one has failed."""
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            if is_file:
                (self.unread if suffix in UNREAD else self.passed_over)[suffix] += 1
            return False
        if not self._wanted(path, root):
            return False
        if not is_file and (why := _no_file(path)) is not None:
            self.failed.append((path, why))
            return False
        return True

    def _wanted(self, path: Path, root: Path) -> bool:
        if not (self._include or self._exclude):
            return True
        place = path.relative_to(root)
        if self._exclude.fit(place) or (self._include and not self._include.fit(place)):
            self.excluded["photograph"] += 1
            return False
        return True

    def _first(self, real: str) -> bool:
        if real in self._seen:
            return False
        self._seen.add(real)
        return True


def _is(ask: Callable[[], bool]) -> bool:
    """What the entry of a folder says of itself; False where it cannot be asked."""
    try:
        return ask()
    except OSError:
        return False


def expanded(inputs: Sequence[str | os.PathLike[str]]) -> list[tuple[Path, bool]]:
    """The inputs, with the files that fit a pattern in its place; and whether each came of a pattern.

    Shells of Windows hand over * and ? as they are typed. A name that exists is no pattern, and neither is [.

    Raises OptionError for an address of the web, or in a store.
    """
    paths: list[tuple[Path, bool]] = []
    for name in inputs:
        text = os.fsdecode(name)
        refuse_stored(text)
        if is_address(text) and not os.path.lexists(text):
            raise OptionError(absent(text))
        if re.search(r"[*?]", text) and not os.path.lexists(text):
            fitting = sorted(glob.glob(text.replace("[", "[[]")))
            paths += [(Path(path), True) for path in fitting] or [(Path(text), True)]
        else:
            paths.append((Path(name), False))
    return paths


def _no_file(path: Path) -> str | None:
    """Why what is called as a photograph is no file; None for a file, and for what has gone since it was found."""
    try:
        if stat.S_ISREG(os.stat(path).st_mode):
            return None
    except OSError as error:
        if not path.is_symlink():
            return None
        if error.errno == errno.ENOENT:
            return f"{path} is a link to a file that is not there"
        return f"{path} is a link that cannot be followed ({error.strerror})"
    return f"{path} is a pipe or a device: give a file"


def is_stored(name: str | os.PathLike[str]) -> bool:
    """Whether a name is an address in a store, as s3://scans/1931/, and not the path of a file."""
    return _STORED.match(os.fsdecode(name)) is not None


def refuse_stored(name: str | os.PathLike[str]) -> None:
    """Raises OptionError for an address in a store, which only a cluster reads and writes."""
    if is_stored(name) and not os.path.lexists(name):
        raise OptionError(
            f"{os.fsdecode(name)} is an address in a store, which only --engine ray reads and writes: add that, or "
            "copy the photographs to this computer"
        )


def is_managed(name: str) -> bool:
    """Whether a folder of this name is kept by a NAS, a system or a photo manager for itself."""
    return _like(name, MANAGED)


def _like(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name.casefold(), pattern) for pattern in patterns)


@cache
def _regular(pattern: str) -> str:
    """The regular expression of a pattern."""
    parts = re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^]]*\]|.", pattern, re.DOTALL)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(
        known.get(part)
        or (
            "[" + ("^" if part[1] == "!" else "") + re.sub(r"([\\[&~|^])", r"\\\1", part[1:-1].removeprefix("!")) + "]"
            if len(part) > 2 and part[0] == "["
            else re.escape(part)
        )
        for part in parts
    )
