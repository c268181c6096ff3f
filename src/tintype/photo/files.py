"""Whole files: what appears under its name is complete and on the disk; what a killed process left goes."""

from __future__ import annotations

import errno
import os
import re
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from tintype.errors import UnwritablePhoto
from tintype.photo.source import name_of

OLD = 86_400
"""Seconds after which an unfinished file of another machine, or of an unknown process, is no longer in work."""

_PART = re.compile(r"\.tintype-(?:([0-9a-f]{8})-(\d+)-(\d+)-)?[0-9a-f]{16}\.part")
_NO_SYNC = {getattr(errno, name, errno.EINVAL) for name in ("EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS")}
_HEAD = 4096

_swept: set[str] = set()


class Destination:
    """A binary file whose failures are sentences."""

    def __init__(self, file: BinaryIO, name: str):
        self.file, self.name = file, name

    def write(self, data) -> None:
        try:
            # A raw stream may take a part of what it is given; some streams do not say how much they took.
            while (taken := self.file.write(data)) is not None and taken < len(data):
                data = data[taken:]
        except OSError as error:
            raise UnwritablePhoto(refusal(self.name, error)) from error

    def seek(self, offset: int) -> None:
        try:
            self.file.seek(offset)
        except OSError as error:
            raise UnwritablePhoto(refusal(self.name, error)) from error

    def settle(self) -> None:
        """Waits until everything is on the disk."""
        try:
            self.file.flush()
            _sync(self.file)
        except OSError as error:
            raise UnwritablePhoto(refusal(self.name, error)) from error


@contextmanager
def whole_file(target: str | os.PathLike) -> Iterator[Destination]:
    """A file that appears under its name only when it is complete and on the disk."""
    name = name_of(target)
    target = os.fsdecode(target)
    if os.path.exists(target) and not os.path.isfile(target):
        # A file that is renamed over a device would take its place.
        what = "a folder" if os.path.isdir(target) else "a pipe or a device"
        raise UnwritablePhoto(f"{name} is {what}: give the name of a file")
    folder = os.path.dirname(target)
    sweep_once(folder)
    part = os.path.join(
        folder, f".tintype-{_host()}-{os.getpid()}-{_start(os.getpid()) or 0}-{secrets.token_hex(8)}.part"
    )
    try:
        file = open(part, "xb")  # noqa: SIM115 - closed below, where a failure to close must not hide another
    except (OSError, ValueError) as error:
        raise UnwritablePhoto(refusal(name, error)) from None
    try:
        destination = Destination(file, name)
        yield destination
        destination.settle()
        file.close()
        try:
            _put_in_place(part, target)
        except OSError as error:
            raise UnwritablePhoto(refusal(name, error)) from None
    except BaseException:
        # Closing may try once more to write what the disk has refused.
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            os.unlink(part)
        raise


def is_unfinished(path: str | os.PathLike) -> bool:
    """Whether a file is empty, or is one whose beginning is still to be written (see `_copy`).

    Raises OSError when it cannot be read.
    """
    with open(path, "rb") as stream:
        return not stream.read(16).strip(b"\0")


def sweep(folder: str | os.PathLike) -> int:
    """Remove the unfinished files of processes that are dead from a folder, and return how many there were.

    Those of living processes stay. Those of other machines, and of processes of which nothing is known, are removed
    when nothing was written to them for OLD seconds.
    """
    count = 0
    with suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            if (found := _PART.fullmatch(entry.name)) is not None:
                with suppress(OSError):
                    if _is_left(found, entry.stat().st_mtime):
                        os.unlink(entry.path)
                        count += 1
    return count


def sweep_once(folder: str | os.PathLike) -> None:
    """`sweep` a folder, unless this process has done so."""
    place = os.path.abspath(folder)
    if place not in _swept:
        _swept.add(place)
        sweep(folder)


def _is_left(found: re.Match, changed: float) -> bool:
    host, process, start = found.groups()
    if host != _host() or time.time() - changed > OLD:
        return time.time() - changed > OLD
    if not _is_alive(int(process)):
        return True
    # The number may have gone to another process since.
    now = _start(int(process))
    return now is not None and int(start) not in (0, now)


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":
        import ctypes

        # 0x1000: only to ask for its exit code, which is 259 as long as it runs.
        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, process)
        if not handle:
            return ctypes.windll.kernel32.GetLastError() == 5  # There is one, of another user.
        code = ctypes.c_ulong()
        ctypes.windll.kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
        ctypes.windll.kernel32.CloseHandle(handle)
        return code.value == 259
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # There is one, of another user.
    return True


def _start(process: int) -> int | None:
    """When a process began, in ticks since the system did; None where the system does not tell."""
    try:
        # The second field is the name of the program, in brackets, and may hold anything.
        return int(Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


@cache
def _host() -> str:
    """Eight letters for this machine, and within it for the processes that see each other by number."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return blake2b(f"{socket.gethostname()} {space}".encode(), digest_size=4).hexdigest()


def _sync(file: BinaryIO) -> None:
    try:
        os.fsync(file.fileno())
    except OSError as error:
        # Some network shares and user-space file systems have no such thing, and keep what they are given all the same.
        if error.errno not in _NO_SYNC:
            raise


def _put_in_place(part: str, target: str) -> None:
    """Give a complete file its name; on a file system that cannot rename, by a link or by a copy."""
    for wait in (0.05, 0.1, 0.2, 0.4, None):
        try:
            return os.replace(part, target)
        except OSError as error:
            refused = error
            # On Windows another program, such as one that looks for viruses, may have the file open for a moment.
            if os.name != "nt" or not isinstance(error, PermissionError) or wait is None:
                break
            time.sleep(wait)
    if refused.errno in (errno.ENAMETOOLONG, errno.ENOSPC, getattr(errno, "EDQUOT", None), errno.EROFS, errno.ENOENT):
        raise refused
    try:
        with suppress(FileNotFoundError):
            os.unlink(target)
        try:
            os.link(part, target)
        except OSError:
            _copy(part, target)
    except OSError:
        raise refused from None
    with suppress(OSError):
        os.unlink(part)


def _copy(part: str, target: str) -> None:
    """A copy whose beginning is written last: one that is cut short begins with zeros, and is no file of any kind."""
    try:
        with open(part, "rb") as source, open(target, "xb") as file:
            head = source.read(_HEAD)
            file.write(bytes(len(head)))
            while block := source.read(1 << 20):
                file.write(block)
            file.flush()
            _sync(file)
            file.seek(0)
            file.write(head)
            file.flush()
            _sync(file)
    except BaseException:
        with suppress(OSError):
            os.unlink(target)
        raise


def refusal(name: str, error: OSError | ValueError) -> str:
    """Why a file cannot be written, and what to do."""
    number = getattr(error, "errno", None)
    if number == errno.EPIPE:
        return f"{name} cannot be written: nobody reads it any more"
    if number == errno.ENAMETOOLONG:
        return f"{name} is too long a name here: give -o FOLDER, where results keep the names of their photographs"
    full = number in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
    remedy = "free some space on the disk" if full else "check the folder and its permissions"
    return f"{name} cannot be written ({getattr(error, 'strerror', None) or error}): {remedy}"
