"""The private folder in which uploads and results lie while the server runs."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tintype.errors import OptionError
from tintype.server.problems import Full

NAME = "tintype-serve"

SERVERS = 100
"""Servers at most that have folders in one place."""

LOCK = "in-use"
"""The file that a server holds locked as long as it uses its folder."""

RESERVE = 256 << 20
"""Bytes of the disk that are left to others."""


class Folder:
    """A folder of files that only this user can read, with a bound on what they take together.

    Args:
        path: where it lies; it exists, and is private.
        most: bytes that its files may take together.
    """

    def __init__(self, path: Path, most: int) -> None:
        self.path, self.most = path, most
        self.taken = 0
        """Bytes."""
        self._lock = threading.Lock()

    def file(self) -> File:
        """A new, empty file with a name that nobody can guess."""
        return File(self, self.path / secrets.token_hex(16))

    def take(self, count: int) -> None:
        """Set bytes aside. Raises Full, a refusal, where there is no room for so many."""
        with self._lock:
            free = shutil.disk_usage(self.path).free
            if self.taken + count > self.most or count + RESERVE > free:
                raise Full("The server has no room for more photographs: delete some, or try again later", 60)
            self.taken += count

    def give_back(self, count: int) -> None:
        with self._lock:
            self.taken -= count


class File:
    """A file in a private folder."""

    def __init__(self, folder: Folder, path: Path) -> None:
        self.folder, self.path = folder, path
        self.size = 0
        """Bytes."""
        self._stream: BinaryIO | None = open(path, "xb", buffering=0, opener=_private)  # noqa: SIM115 - closed below

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Add to its end. Raises Full where the folder has no room for it, OSError where the disk has none."""
        assert self._stream is not None
        count = len(data)
        self.folder.take(count)
        self.size += count
        rest = memoryview(data)
        while len(rest):
            rest = rest[self._stream.write(rest) :]
        return count

    def flush(self) -> None:
        """Nothing waits to be written."""

    def close(self) -> None:
        """Nothing more will be written."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def remove(self) -> None:
        """Away with it; a second time does nothing."""
        self.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        self.folder.give_back(self.size)
        self.size = 0


@contextmanager
def private_folder(place: str | os.PathLike[str] | None, most: int) -> Iterator[Folder]:
    """A folder of our own in a place, emptied before and after; those that killed servers left are emptied, too.

    In the block it is also where Python puts temporary files, so that no photograph lies anywhere else.

    Args:
        place: None: the system's folder for temporary files.
        most: bytes that its files may take together.
    Raises:
        OptionError: the place cannot be written to.
    """
    place = Path(tempfile.gettempdir() if place is None else place)
    own: tuple[Path, int] | None = None
    try:
        place.mkdir(parents=True, exist_ok=True)
        for number in range(1, SERVERS + 1):
            path = place / f"{NAME}-{_user()}-{number}"
            if own is None or path.exists():
                held = _held(path)
                if held is None:
                    continue
                _empty(path)
                if own is None:
                    own = path, held
                else:
                    _give_up(path, held)
    except OSError as error:
        raise OptionError(f"--folder {place} cannot be used ({error.strerror}): name another folder") from None
    if own is None:
        raise OptionError(f"--folder {place} has {SERVERS} folders of servers in use: name another folder")
    before = tempfile.tempdir
    tempfile.tempdir = str(own[0])
    try:
        yield Folder(own[0], most)
    finally:
        tempfile.tempdir = before
        _empty(own[0])
        _give_up(*own)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "user"


def _held(path: Path) -> int | None:
    """Make a folder ours as long as a file in it is open: its descriptor; None where it is somebody else's."""
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or (hasattr(os, "getuid") and status.st_uid != os.getuid()):
        return None  # Anybody may make a file of this name in a place that is open to all.
    path.chmod(0o700)
    descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        _lock(descriptor)
        # Whoever held it may have removed it just now.
        if os.path.samestat(os.fstat(descriptor), os.stat(path / LOCK)):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _lock(descriptor: int) -> None:
    """Lock a file for this process, or raise OSError where another one holds it. It is free when the process ends."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _empty(path: Path) -> None:
    with suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            if entry.name == LOCK:
                continue
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)


def _give_up(path: Path, descriptor: int) -> None:
    """Remove an empty folder that was ours, unless another server has taken it meanwhile."""
    if os.name == "nt":  # where an open file cannot be removed
        os.close(descriptor)
        descriptor = -1
    with suppress(OSError):
        os.unlink(path / LOCK)
        path.rmdir()
    if descriptor >= 0:
        os.close(descriptor)
