"""Which photographs a run is about: what lies in folders, and what is left out."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
    and folders that the patterns leave out. failed: what could not be searched, and why. files: the real paths of all
    that was found.
    """

    def __init__(
        self, output: str | os.PathLike[str] | None = None, include: Iterable[str] = (), exclude: Iterable[str] = ()
    ):
        self.passed_over: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()
        self.managed: Counter[str] = Counter()
        self.excluded: Counter[str] = Counter()
        self.failed: list[tuple[Path, str]] = []
        self.files: set[str] = set()
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
            if self._first(path) and self._wanted(PurePath(path.name)):
                self.files.add(os.path.realpath(path))
                yield path

    def folder(self, root: Path) -> Iterator[Path]:
        """The photographs of a folder and of all below it, by their suffix."""
        if not self._first(root):
            return
        # Links come last, so that a photograph is found at its own place before it is found through a link.
        folders: list[Path] = [root]
        links: list[Path] = []
        photographs: list[Path] = []
        while folders or links:
            path = folders.pop() if folders else links.pop(0)
            if path is not root and path.is_symlink() and os.path.exists(path) and not self._first(path):
                continue
            if os.path.isdir(path):
                inside, linked = self._entries(root, path)
                folders += reversed([entry for entry in inside if os.path.isdir(entry) and self._first(entry)])
                links += linked
                photographs += [entry for entry in inside if self._is_photo(root, entry) and self._first(entry)]
            elif self._is_photo(root, path):
                photographs.append(path)
        for path in sorted(photographs):
            self.files.add(os.path.realpath(path))
            yield path

    def _entries(self, root: Path, folder: Path) -> tuple[list[Path], list[Path]]:
        """The entries of a folder that are searched, sorted; then those that are links."""
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries)
            # The names in a folder may be read where what bears them may not even be looked at.
            with suppress(FileNotFoundError):
                os.lstat(folder / names[0] if names else folder)
        except OSError as error:
            self.failed.append((folder, f"{folder} cannot be searched ({error.strerror})"))
            return [], []
        library = _like(folder.name, LIBRARIES)
        paths = []
        for name in names:
            path = folder / name
            if (_like(name, MANAGED) or (library and name.casefold() not in ORIGINALS)) and os.path.isdir(path):
                self.managed[name] += 1
            elif name.startswith(".") or (self._output is not None and os.path.realpath(path) == self._output):
                continue
            elif self._exclude and os.path.isdir(path) and self._exclude.fit(path.relative_to(root)):
                self.excluded["folder"] += 1
            else:
                paths.append(path)
        return [path for path in paths if not path.is_symlink()], [path for path in paths if path.is_symlink()]

    def _is_photo(self, root: Path, path: Path) -> bool:
        if os.path.isdir(path):
            return False
        suffix = path.suffix.lower()
        if suffix in SUFFIXES:
            wanted = self._wanted(path.relative_to(root))
            if (why := _no_file(path)) is not None:
                if wanted:
                    self.failed.append((path, why))
                return False
            return wanted
        if os.path.isfile(path):
            (self.unread if suffix in UNREAD else self.passed_over)[suffix] += 1
        return False

    def _wanted(self, place: PurePath) -> bool:
        if self._exclude.fit(place) or (self._include and not self._include.fit(place)):
            self.excluded["photograph"] += 1
            return False
        return True

    def _first(self, path: Path) -> bool:
        real = os.path.realpath(path)
        if real in self._seen:
            return False
        self._seen.add(real)
        return True


def expanded(inputs: Sequence[str | os.PathLike[str]]) -> list[tuple[Path, bool]]:
    """The inputs, with the files that fit a pattern in its place; and whether each came of a pattern.

    Shells of Windows hand over * and ? as they are typed. A name that exists is no pattern, and neither is [.

    Raises OptionError for an address of the web.
    """
    paths: list[tuple[Path, bool]] = []
    for name in inputs:
        text = os.fsdecode(name)
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
