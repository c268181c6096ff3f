"""One run at a time in a folder of results."""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

from tintype.errors import FolderInUse
from tintype.files import OLD, inherit, is_dead, make_folder, output_folder, this_process

FOLDER = ".tintype"
"""Where in a folder of results the run keeps what is its own."""

_HELD = {errno.EAGAIN, errno.EACCES, errno.EDEADLK, getattr(errno, "EWOULDBLOCK", errno.EAGAIN)}
_TRIES, _PAUSE = 10, 0.1  # Whoever only asks holds the lock for a moment.
_FAR = 1 << 30  # On Windows what is locked cannot be read; this lies behind the end of the file.


class Lock:
    """The right to write results into a folder, held by one run at a time; goes with the process, however it ends.

        with Lock(folder): ...

    The file OUT/.tintype/lock is locked, and says who is at work. Where the file system knows no locks, the file
    OUT/.tintype/at-work stands for one: as long as the process that it names is alive, or, of another machine, for a
    day.

    Raises FolderInUse, one sentence that says who is at work, and OSError where nothing can be written there.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._lock = self.folder / FOLDER / "lock"
        self._sign = self.folder / FOLDER / "at-work"
        self._descriptor: int | None = None
        self._signed = False

    def __enter__(self) -> Lock:
        make_folder(self._lock.parent)
        who = f"{this_process()}\nprocess {os.getpid()}\n{datetime.now():%Y-%m-%d %H:%M}\n".encode()
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            inherit(self._lock)
            for left in reversed(range(_TRIES)):
                try:
                    _take(descriptor)
                    break
                except OSError as error:
                    if error.errno not in _HELD:
                        self._put_up(who)
                        break
                    if not left:
                        raise self._refusal(self._lock) from None
                time.sleep(_PAUSE)
            with suppress(OSError):  # A full disk is no reason not to work.
                os.truncate(self._lock, 0)
                os.write(descriptor, who)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._signed:
            with suppress(OSError):
                self._sign.unlink()
        if self._descriptor is not None:
            os.close(self._descriptor)

    def is_held(self) -> bool:
        """Whether a run is at work there; False where that cannot be told."""
        if self._sign.exists():
            return not self._is_left()
        try:
            descriptor = os.open(self._lock, os.O_RDWR)
        except OSError:
            return False
        try:
            _take(descriptor)
        except OSError as error:
            return error.errno in _HELD
        finally:
            os.close(descriptor)
        return False

    def _put_up(self, who: bytes) -> None:
        """Take the place of a lock by a file that no two processes can make."""
        for _ in range(2):
            try:
                descriptor = os.open(self._sign, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                if not self._is_left():
                    raise self._refusal(self._sign) from None
                with suppress(FileNotFoundError):
                    self._sign.unlink()
            else:
                os.write(descriptor, who)
                os.close(descriptor)
                self._signed = True
                inherit(self._sign)
                if (place := output_folder(self.folder)) is not None:
                    place.lacks("locks")
                return
        raise self._refusal(self._sign)

    def _is_left(self) -> bool:
        """Whether the process that put up the sign is dead, or, of another machine, was not heard of for a day."""
        try:
            process = self._sign.read_text(encoding="utf-8").split("\n")[0]
            if (dead := is_dead(process)) is not None:
                return dead
            # A run that lives writes into its ledger, which lies beside the sign.
            with os.scandir(self._sign.parent) as entries:
                return time.time() - max(entry.stat().st_mtime for entry in entries) > OLD
        except (OSError, ValueError):
            return False

    def _refusal(self, path: Path) -> FolderInUse:
        who = "another run"
        with suppress(OSError, ValueError):
            process, number, since = path.read_text(encoding="utf-8").split("\n")[:3]
            where = " on another machine" if is_dead(process) is None else ""
            who = f"another run ({number}{where}, since {since})"
        return FolderInUse(f"{self.folder} is in work by {who}: wait until it ends, or give another folder with -o")


def _take(descriptor: int) -> None:
    """Lock an open file, or raise OSError at once."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
