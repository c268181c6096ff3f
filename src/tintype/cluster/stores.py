"""Where photographs and results lie: a folder, or a store such as s3://, gs://, az:// or sftp://, through fsspec.

A file appears under its name only when it is whole: in a folder by `files.whole_file`; in an object store since a put
is all or nothing; over sftp since it is written under another name, and renamed over the old one.
"""

from __future__ import annotations

import os
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from tintype.cluster.addresses import Address, checked_address
from tintype.errors import StoreError, not_installed
from tintype.files import part_name, whole_file
from tintype.search import is_stored

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

Result = TypeVar("Result")

PAUSES = (1.0, 5.0)
"""Seconds before a store is asked again that did not answer."""


@dataclass(frozen=True)
class Entry:
    """A file of a store. place: its path from the store's address on, with /. size: in bytes. modified: when it was
    written, in nanoseconds since 1970; 0 where the store does not tell. stamp: another one when it was written again.
    """

    place: str
    size: int
    modified: int
    stamp: str


class Store(ABC):
    """A place for files, by its address. It may be used from several threads, and sent to other processes.

    What goes wrong is a StoreError, one sentence; in a folder, an OSError or UnwritableFile.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.renames = True
        """Whether a file can take the place of another one at once; False once that has failed."""
        self.leaves_parts = False
        """Whether a process that is killed leaves unfinished files, under names that `files.part_name` gives."""

    @abstractmethod
    def name(self, place: str) -> Path:
        """What users are told of a file."""

    @abstractmethod
    def path(self, place: str) -> Path | None:
        """Where a file lies on this computer; None where it does not."""

    @abstractmethod
    def files(self, below: str = "") -> Iterator[Entry]:
        """All files below a place, in as few requests as there can be; nothing where there is no such place."""

    @abstractmethod
    def read(self, place: str) -> bytes:
        """The bytes of a file."""

    @abstractmethod
    def write(self, data: bytes, place: str) -> None:
        """Make or replace a file, which is whole or not there."""

    @abstractmethod
    def fetch(self, place: str, path: Path) -> None:
        """Copy a file to this computer."""

    @abstractmethod
    def put(self, path: Path, place: str) -> None:
        """Copy a file from this computer; it is whole there, or not there."""

    @abstractmethod
    def remove(self, place: str) -> None:
        """Remove a file, if it is there."""


def store_of(address: str | os.PathLike[str]) -> Store:
    """The store of an address or of a folder. Raises OptionError for an address that can be none."""
    text = os.fsdecode(address)
    return Remote(checked_address(text)) if is_stored(text) else Folder(text)


class Folder(Store):
    """A folder that every node of the cluster sees under the same path."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._root = os.path.abspath(address)
        self.leaves_parts = True

    def name(self, place: str) -> Path:
        return Path(self.address, place)

    def path(self, place: str) -> Path:
        return Path(self._root, place)

    def files(self, below: str = "") -> Iterator[Entry]:
        top = self.path(below)
        for folder, _, names in os.walk(top):
            for name in names:
                path = Path(folder, name)
                with suppress(FileNotFoundError):  # It may have been renamed since.
                    status = path.stat()
                    place = path.relative_to(self._root).as_posix()
                    yield Entry(place, status.st_size, status.st_mtime_ns, str(status.st_mtime_ns))

    def read(self, place: str) -> bytes:
        return self.path(place).read_bytes()

    def write(self, data: bytes, place: str) -> None:
        path = self.path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(data)

    def fetch(self, place: str, path: Path) -> None:
        shutil.copyfile(self.path(place), path)

    def put(self, path: Path, place: str) -> None:
        target = self.path(place)
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "rb") as source, whole_file(target) as file:
            while block := source.read(1 << 20):
                file.write(block)

    def remove(self, place: str) -> None:
        self.path(place).unlink(missing_ok=True)


class Remote(Store):
    """A store that fsspec reaches. The keys to it are those that its own programs use, on each node."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.scheme = urlsplit(address).scheme
        self.leaves_parts = self.scheme == "sftp"
        self._system: AbstractFileSystem | None = None

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_system": None}  # A connection stays in its process.

    def name(self, place: str) -> Path:
        return Address(f"{self.address}/{place}" if place else self.address)

    def path(self, place: str) -> None:
        return None

    def files(self, below: str = "") -> Iterator[Entry]:
        def find(system: AbstractFileSystem) -> dict[str, dict[str, object]]:
            try:
                return system.find(self._inside(below), detail=True) or {}
            except FileNotFoundError:
                return {}

        root = self._inside("")
        for path, details in self._asked(find, below, "searched").items():
            if details.get("type") == "link":
                details = self._asked(methodcaller("info", path), below, "searched")
            place = path.rstrip("/").removeprefix(root.rstrip("/")).lstrip("/")
            yield _entry(place, details)

    def entry(self, place: str = "") -> Entry | None:
        """A single file; None where there is no file of this name."""

        def look(system: AbstractFileSystem) -> dict[str, object] | None:
            try:
                details = system.info(self._inside(place))
            except FileNotFoundError:
                return None
            return details if details.get("type") != "directory" else None

        details = self._asked(look, place, "searched")
        return None if details is None else _entry(place, details)

    def read(self, place: str) -> bytes:
        return bytes(self._asked(lambda system: system.cat_file(self._inside(place)), place, "read"))

    def write(self, data: bytes, place: str) -> None:
        self._settled(lambda system, path: system.pipe_file(path, data), place)

    def fetch(self, place: str, path: Path) -> None:
        self._asked(lambda system: system.get_file(self._inside(place), str(path)), place, "read")

    def put(self, path: Path, place: str) -> None:
        path.stat()  # If it is not there, that is no fault of the store.
        self._settled(lambda system, target: system.put_file(str(path), target), place)

    def remove(self, place: str) -> None:
        def rm(system: AbstractFileSystem) -> None:
            with suppress(FileNotFoundError):
                system.rm_file(self._inside(place))

        self._asked(rm, place, "removed")

    def _settled(self, put: Callable[[AbstractFileSystem, str], object], place: str) -> None:
        """Write a file so that it is whole, or not there."""
        target = self._inside(place)
        if self.scheme != "sftp":
            self._asked(lambda system: put(system, target), place, "written")
            return
        part = f"{target.rpartition('/')[0]}/{part_name()}"

        def write(system: AbstractFileSystem) -> None:
            try:
                put(system, part)
                self.renames = _renamed(system, part, target) and self.renames
            except BaseException:
                with suppress(Exception):
                    system.rm_file(part)
                raise

        self._asked(write, place, "written")

    def _inside(self, place: str) -> str:
        """What the file system calls a place."""
        parts = urlsplit(self.address)
        root = parts.path if self.scheme == "sftp" else f"{parts.netloc}{parts.path}"
        return f"{root.rstrip('/')}/{place}" if place else root or "/"

    def _asked(self, ask: Callable[[AbstractFileSystem], Result], place: str, done: str) -> Result:
        """Ask the store, and again where it does not answer; what it refuses is one sentence."""
        name = self.name(place)
        for pause in (*PAUSES, None):
            try:
                return ask(self._connected())
            except StoreError:
                raise
            except FileNotFoundError:
                raise StoreError(f"{name} does not exist: check the address") from None
            except PermissionError as error:
                raise StoreError(f"{name} may not be {done} ({_told(error)}): check the keys to the store") from None
            except Exception as error:  # Each store's library has errors of its own.
                if pause is None or _is_final(error):
                    raise StoreError(
                        f"{name} cannot be {done} ({_told(error)}): check the address, the keys to the store and the "
                        "network"
                    ) from None
            time.sleep(pause)
            self._system = None
        raise AssertionError  # The last pause is none.

    def _connected(self) -> AbstractFileSystem:
        if self._system is None:
            self._system = _system_of(self.address)
        return self._system


def _system_of(address: str) -> AbstractFileSystem:
    parts = urlsplit(address)
    options: dict[str, object] = {"skip_instance_cache": True}
    try:
        if parts.scheme == "sftp":
            from sshfs import SSHFileSystem

            # Without known_hosts it would trust any computer that answers.
            options |= {"known_hosts": (), "host": parts.hostname}
            options |= {"port": parts.port} if parts.port else {}
            options |= {"username": parts.username} if parts.username else {}
            system: AbstractFileSystem = SSHFileSystem(**options)
            return system
        import fsspec

        return fsspec.filesystem(parts.scheme, use_listings_cache=False, **options)
    except ImportError as error:
        raise not_installed(f"A store such as {parts.scheme}://", error.name, "cluster") from None


def _renamed(system: AbstractFileSystem, part: str, target: str) -> bool:
    """Give a file of an sftp server its name; returns whether what was there before was replaced at once."""
    from asyncssh.sftp import SFTPOpUnsupported
    from fsspec.asyn import sync

    async def at_once() -> None:
        async with system._pool.get() as channel:
            await channel.posix_rename(part, target)

    async def after_another() -> None:
        async with system._pool.get() as channel:
            if await channel.exists(target):
                await channel.remove(target)
            await channel.rename(part, target)

    try:
        sync(system.loop, at_once)
        return True
    except SFTPOpUnsupported:
        sync(system.loop, after_another)
        return False


def _entry(place: str, details: dict[str, object]) -> Entry:
    times = (details.get(name) for name in ("LastModified", "last_modified", "mtime", "updated"))
    written = next((time for time in times if time), None)
    modified = 0
    if isinstance(written, str):
        with suppress(ValueError):
            written = datetime.fromisoformat(written)
    if isinstance(written, datetime):
        modified = int(written.timestamp() * 1e6) * 1000
    elif isinstance(written, (int, float)):
        modified = int(written * 1e9)
    tag = details.get("ETag") or details.get("etag") or modified
    size = details.get("size")
    return Entry(place, size if isinstance(size, int) else 0, modified, str(tag).strip('"'))


def _told(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__


def _is_final(error: BaseException) -> bool:
    """Whether a store will say the same if it is asked again."""
    kind = type(error).__name__
    return isinstance(error, (ValueError, TypeError, IsADirectoryError)) or any(
        word in kind for word in ("Credential", "Auth", "Permission", "HostKey", "Key", "NoSuch", "NotFound")
    )
