"""Whole files: what appears under its name is complete and on the disk; what a killed process left goes."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import socket
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from tintype.errors import UnwritableFile, printable

OLD = 86_400
"""Seconds after which an unfinished file of another machine, or of an unknown process, is no longer in work."""

FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""What the system says where no more fits on a disk, or into what its user may take of it."""

_PART = re.compile(r"\.tintype-(?:([0-9a-f]{8}-\d+-\d+)-)?[0-9a-f]{16}\.part")
_NO_SYNC = {getattr(errno, name, errno.EINVAL) for name in ("EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS")}
_HEAD = 4096

_swept: set[str] = set()
_folders: list[OutputFolder] = []
_lock = threading.RLock()


class OutputFolder:
    """A folder of results, as long as this process writes there: a context manager.

        with OutputFolder("coloured", print): ...

    What is made in the folder and below it gets the rights of the folder that it lies in, not those of the umask: its
    permissions and its group, folders also the set-gid and the sticky bit; files are never executable. Nothing is more
    open than its folder: where the group may not be given, the group that it has gets what others get, and in a folder
    in which everybody may write but delete only what is his own (/tmp), only the owner may change a file. Windows gives
    files the rights of their folders itself.

    notice: is told once, in a sentence, of each thing that the file system cannot do.
    """

    def __init__(self, path: str | os.PathLike[str], notice: Callable[[str], object]) -> None:
        self.path = os.path.abspath(path)
        self.name = printable(os.fsdecode(path))
        self._notice = notice
        self._told: set[str] = set()

    def __enter__(self) -> OutputFolder:
        _folders.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _folders.remove(self)

    def lacks(self, what: str) -> None:
        """The file system of the folder cannot do one of LACKS."""
        with _lock:
            if what in self._told:
                return
            self._told.add(what)
        self._notice(f"{self.name} lies on a file system that {LACKS[what]}")


LACKS = {
    "rename": "cannot rename files: each result is linked or copied to its name, and is whole all the same",
    "sync": "cannot put files on the disk at once (no fsync): the last results may be lost if the power fails",
    "times": "keeps no dates of files: results have the date on which they were made",
    "locks": "has no locks: the file .tintype/at-work stands for one, and goes when the run ends",
    "rights": "keeps no permissions: results have those that it gives to all files",
}
"""What a file system may be unable to do, such as that of a network share, and what follows from it."""


def output_folder(path: str | os.PathLike[str]) -> OutputFolder | None:
    """The folder of results in which a file or folder lies, or that it is; None for all others."""
    place = os.path.abspath(path)
    for folder in reversed(_folders):
        if place == folder.path or place.startswith(os.path.join(folder.path, "")):
            return folder
    return None


def inherit(path: str | os.PathLike[str]) -> None:
    """Give a file or folder below an `OutputFolder` the rights of the folder that it lies in; leave all others alone.

    Of a folder itself that is an `OutputFolder` the rights stay as they are.
    """
    folder = output_folder(path)
    if folder is None or os.name == "nt" or os.path.abspath(path) == folder.path:
        return
    try:
        own, above = os.lstat(path), os.stat(os.path.dirname(path) or ".")
        mode = stat.S_IMODE(above.st_mode) & ~stat.S_ISUID
        if not stat.S_ISDIR(own.st_mode):
            mode &= 0o644 if mode & stat.S_ISVTX else 0o666
        if own.st_gid != above.st_gid:
            try:
                os.chown(path, -1, above.st_gid)
            except OSError:
                mode = mode & ~0o2070 | (mode & 0o007) << 3
        if stat.S_IMODE(own.st_mode) != mode:
            os.chmod(path, mode)
    except FileNotFoundError:
        pass  # Whoever needs it says so.
    except OSError:
        folder.lacks("rights")


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder, if it is not there, and those above it; below an `OutputFolder` with its rights.

    Raises OSError where that is not possible.
    """
    if os.path.isdir(path):
        return
    above = os.path.dirname(os.fspath(path).rstrip(os.sep))
    if above:
        make_folder(above)
    # No other thread puts anything into it before it has its rights.
    with _lock:
        try:
            os.mkdir(path)
        except FileExistsError:
            if not os.path.isdir(path):
                raise
        else:
            inherit(path)


class Destination:
    """A binary file that is open for writing, and whose failures are `UnwritableFile`.

    name: what errors call it.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.file, self.name = file, name

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Writes all of `data`, and returns how many bytes that were."""
        rest = data
        try:
            # A raw stream may take a part of what it is given; some streams do not say how much they took.
            while (taken := self.file.write(rest)) is not None and taken < len(rest):
                rest = rest[taken:]
        except OSError as error:
            raise _refusal(self.name, error) from error
        return len(data)

    def flush(self) -> None:
        try:
            self.file.flush()
        except OSError as error:
            raise _refusal(self.name, error) from error

    def seek(self, offset: int) -> None:
        try:
            self.file.seek(offset)
        except OSError as error:
            raise _refusal(self.name, error) from error

    def settle(self) -> bool:
        """Waits until everything is on the disk; False where the file system does not do that."""
        self.flush()
        try:
            return _sync(self.file.fileno())
        except OSError as error:
            raise _refusal(self.name, error) from error


@contextmanager
def whole_file(target: str | os.PathLike[str], *, lasting: bool = True) -> Iterator[Destination]:
    """A file that appears under its name only when it is complete and on the disk.

    What was there before is replaced. When anything fails, nothing is left behind and what was there stays. In an
    `OutputFolder` it has the rights of its folder, and that folder is told what its file system cannot do.
    lasting: False does not wait for the disk, for what can be made again: a power cut may leave it empty.

    Raises:
        UnwritableFile: the folder or the disk does not take it. What the `with` block raises is passed on.
    """
    path = os.fsdecode(target)
    name = printable(path)
    if os.path.exists(path) and not os.path.isfile(path):
        # A file that is renamed over a device would take its place.
        what = "a folder" if os.path.isdir(path) else "a pipe or a device"
        raise UnwritableFile(f"{name} is {what}: give the name of a file", reason=f"it is {what}")
    folder = os.path.dirname(path)
    sweep_once(folder)
    part = os.path.join(folder, part_name())
    try:
        file = open(part, "xb")  # noqa: SIM115 - closed below, where a failure to close must not hide another
    except (OSError, ValueError) as error:
        raise _refusal(name, error) from None
    try:
        place = output_folder(part)
        destination = Destination(file, name)
        yield destination
        if lasting:
            synced = destination.settle()
        else:
            destination.flush()
            synced = True
        try:
            file.close()  # A network share may say only now that the disk is full.
            inherit(part)
            renamed = _put_in_place(part, path)
            if lasting:
                _sync_folder(folder)
            if place is not None:
                for what, done in (("sync", synced), ("rename", renamed)):
                    if not done:
                        place.lacks(what)
        except (OSError, ValueError) as error:
            raise _refusal(name, error) from None
    except BaseException:
        # Closing may try once more to write what the disk has refused.
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            os.unlink(part)
        raise


@contextmanager
def whole_folder(target: str | os.PathLike[str]) -> Iterator[Path]:
    """A new folder that appears under its name only when all its files are complete and on the disk.

    The block receives the folder under its temporary name, beside the target. The folders above are made. When
    anything fails, nothing is left behind. An empty folder under the name is replaced.

    Raises:
        UnwritableFile: something is there already, or the disk does not take it. What the `with` block raises is
            passed on.
    """
    path = Path(target)
    name = printable(path)
    part = path.parent / part_name()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep_once(path.parent)
        part.mkdir()
    except (OSError, ValueError) as error:
        raise _refusal(name, error) from None
    try:
        yield part
        try:
            for folder, _, names in os.walk(part):
                for inside in names:
                    with open(os.path.join(folder, inside), "r+b") as file:
                        _sync(file.fileno())
                _sync_folder(folder)
            with suppress(FileNotFoundError):
                path.rmdir()
            part.rename(path)
            _sync_folder(path.parent)
        except OSError as error:
            raise _refusal(name, error) from None
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def is_unfinished(path: str | os.PathLike[str]) -> bool:
    """Whether a file is empty, or is one whose beginning is still to be written (see `_copy`).

    Raises OSError when it cannot be read.
    """
    with open(path, "rb") as stream:
        return not stream.read(16).strip(b"\0")


def tells_case_apart(folder: str | os.PathLike[str]) -> bool:
    """Whether names that differ in case alone are those of two files in a folder; False where that cannot be told."""
    path = os.path.join(os.fsdecode(folder), part_name())
    try:
        with open(path, "xb"):
            pass
    except OSError:
        return False
    try:
        return not os.path.exists(os.path.join(os.path.dirname(path), os.path.basename(path).swapcase()))
    finally:
        with suppress(OSError):
            os.unlink(path)


def sweep(folder: str | os.PathLike[str]) -> int:
    """Remove the unfinished files and folders of dead processes from a folder, and return how many there were.

    Those of living processes stay. Those of other machines, and of processes of which nothing is known, are removed
    when nothing was written to them for OLD seconds.
    """
    count = 0
    with suppress(OSError), os.scandir(os.fspath(folder) or ".") as entries:
        for entry in entries:
            if _PART.fullmatch(entry.name):
                with suppress(OSError):
                    if is_left(entry.name, _changed(entry)):
                        if entry.is_dir(follow_symlinks=False):
                            shutil.rmtree(entry.path)
                        else:
                            os.unlink(entry.path)
                        count += 1
    return count


def sweep_below(folder: str | os.PathLike[str]) -> int:
    """`sweep` a folder and all below it, links not followed; returns how many unfinished files there were."""
    return sum(sweep(place) for place, _, _ in os.walk(folder))


def sweep_once(folder: str | os.PathLike[str]) -> None:
    """`sweep` a folder, unless this process has done so."""
    place = os.path.abspath(folder)
    if place not in _swept:
        _swept.add(place)
        sweep(folder)


def this_process() -> str:
    """HOST-NUMBER-START: which process of which machine this is, without saying the name of the machine."""
    return f"{_host()}-{os.getpid()}-{_start(os.getpid()) or 0}"


def is_dead(process: str) -> bool | None:
    """Whether the process that called itself so has ended; None where this machine cannot know.

    process: what `this_process` gave it.
    """
    host, number, start = process.split("-")
    if host != _host():
        return None
    if not _is_alive(int(number)):
        return True
    # The number may have gone to another process since.
    now = _start(int(number))
    return now is not None and int(start) not in (0, now)


def part_name() -> str:
    """A name that nobody can guess, and that says which process of which machine writes there."""
    return f".tintype-{this_process()}-{secrets.token_hex(8)}.part"


def is_left(name: str, changed: float) -> bool:
    """Whether a file has the name of an unfinished one, and nobody works on it any more.

    changed: when something was last written to it, in seconds since 1970.
    """
    part = _PART.fullmatch(name)
    return part is not None and (time.time() - changed > OLD or (part[1] is not None and is_dead(part[1]) is True))


def scratch_folder() -> Path:
    """A new folder for the temporary files of this process, in the system's folder for them.

    What killed processes left there is removed.
    """
    top = tempfile.gettempdir()
    sweep(top)
    folder = Path(top, part_name())
    folder.mkdir(mode=0o700)
    return folder


def _changed(entry: os.DirEntry[str]) -> float:
    """When something was last written to a file, or to a folder or what is in it; seconds since 1970."""
    paths = [entry.path]
    if entry.is_dir(follow_symlinks=False):
        paths += [os.path.join(folder, name) for folder, _, names in os.walk(entry.path) for name in names]
    return max(os.lstat(path).st_mtime for path in paths)


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


def _sync(descriptor: int) -> bool:
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network shares and user-space file systems have no such thing, and keep what they are given all the same.
        if error.errno not in _NO_SYNC:
            raise
        return False
    return True


def _sync_folder(folder: str | os.PathLike[str]) -> None:
    """Puts the names in a folder on the disk, where the system lets a folder be opened."""
    try:
        descriptor = os.open(folder or ".", os.O_RDONLY)
    except OSError:
        return  # On Windows, and where the folder may be written but not read.
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _put_in_place(part: str, target: str) -> bool:
    """Give a complete file its name; on a file system that cannot rename, by a link or by a copy: False then."""
    for wait in (0.05, 0.1, 0.2, 0.4, None):
        try:
            os.replace(part, target)
            return True
        except OSError as error:
            refused = error
            # On Windows another program, such as one that looks for viruses, may have the file open for a moment.
            if os.name != "nt" or not isinstance(error, PermissionError) or wait is None:
                break
            time.sleep(wait)
    if refused.errno in (errno.ENAMETOOLONG, errno.EROFS, errno.ENOENT, *FULL):
        raise refused
    try:
        with suppress(FileNotFoundError):
            os.unlink(target)
            with suppress(OSError):  # Some shares rename files, but put none in the place of another.
                os.rename(part, target)
                return True
        try:
            os.link(part, target)
        except OSError:
            _copy(part, target)
            inherit(target)
    except OSError as error:
        raise (error if error.errno in FULL else refused) from None
    with suppress(OSError):
        os.unlink(part)
    return False


def _copy(part: str, target: str) -> None:
    """A copy whose beginning is written last: one that is cut short begins with zeros, and is no file of any kind."""
    try:
        with open(part, "rb") as source, open(target, "xb") as file:
            head = source.read(_HEAD)
            file.write(bytes(len(head)))
            while block := source.read(1 << 20):
                file.write(block)
            file.flush()
            _sync(file.fileno())
            file.seek(0)
            file.write(head)
            file.flush()
            _sync(file.fileno())
    except BaseException:
        with suppress(OSError):
            os.unlink(target)
        raise


def _refusal(name: str, error: OSError | ValueError) -> UnwritableFile:
    """Why a file cannot be written, and what to do."""
    number = getattr(error, "errno", None)
    reason = getattr(error, "strerror", None) or str(error)
    if number == errno.EPIPE:
        message = f"{name} cannot be written: nobody reads it any more"
    elif number == errno.ENAMETOOLONG:
        message = f"{name} is too long a name here: give a shorter one"
    elif number in (*FULL, errno.EFBIG):
        message = f"{name} cannot be written ({reason}): free some space on the disk"
    else:
        message = f"{name} cannot be written ({reason}): check the folder and its permissions"
    return UnwritableFile(message, reason=reason, number=number)
