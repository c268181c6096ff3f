"""A full disk: the run stands still until there is room again, and what was in work is done once more."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from tintype.album.events import Event, Resumed, Waiting
from tintype.errors import DiskFull, UnwritableFile
from tintype.files import FULL

EVERY = 5.0
"""Seconds between two looks at the free space."""

TRY = 60.0
"""Seconds after which the work is tried again, whatever the free space: quotas, and some shares, do not show in it."""

STEP = 1 << 18
"""Bytes by which the free space must have grown, before the work is tried again earlier."""

T = TypeVar("T")


class Space:
    """Does work that writes results, and where the disk is full waits until there is room.

    tell: is told when the waiting begins, once however many threads wait, and when it is over. patience: seconds after
    which the waiting ends with DiskFull; None: never.
    """

    def __init__(
        self,
        tell: Callable[[Event], object],
        *,
        patience: float | None = None,
    ) -> None:
        self._tell = tell
        self._patience = patience
        self._change = threading.Condition()
        self._full = False
        self._ended = False

    def end(self) -> None:
        """Let no thread wait any longer: the run ends."""
        with self._change:
            self._ended = True
            self._change.notify_all()

    def hold(self, folder: str | os.PathLike[str], work: Callable[[], T]) -> T:
        """What `work` gives, which writes into a folder; called again where it raised that the disk is full.

        One thread tries whether there is room, and the others wait for it.

        Raises DiskFull, KeyboardInterrupt where the run ends, and what `work` raises otherwise.
        """
        while True:
            with self._change:
                while self._full:
                    self._pause()
            try:
                return work()
            except Exception as error:
                if (number := full(error)) is None:
                    raise
            with self._change:
                others_wait = self._full
                self._full = True
            if not others_wait:
                return self._try(Path(folder), work, number)

    def _try(self, folder: Path, work: Callable[[], T], number: int) -> T:
        begin = time.monotonic()
        room = free_space(folder)
        self._tell(Waiting(f"{_state_of(folder, room, number)}: the run waits for room, and goes on by itself"))
        while True:
            self._wait(folder, room, number, begin)
            try:
                done = work()
            except Exception as error:
                if full(error) is not None:
                    room = free_space(folder)
                    continue
                self._go_on()
                raise
            self._go_on()
            return done

    def _wait(self, folder: Path, room: Room | None, number: int, begin: float) -> None:
        """Until there is more room than there was, or it is time to try all the same."""
        tried = looked = time.monotonic()
        while (now := time.monotonic()) - tried < TRY:
            if self._patience is not None and now - begin >= self._patience:
                raise DiskFull(
                    f"{_state_of(folder, free_space(folder), number)}, and nobody made room for {_words(now - begin)}: "
                    "free some space, and repeat the command, which goes on from here"
                )
            with self._change:
                self._pause()
            if now - looked >= EVERY:
                looked = now
                if room is None or (found := free_space(folder)) is None:
                    continue
                if found.bytes >= room.bytes + STEP or (room.files == 0 and found.files != 0):
                    return

    def _pause(self) -> None:
        if self._ended:
            raise KeyboardInterrupt
        self._change.wait(min(0.5, EVERY))

    def _go_on(self) -> None:
        with self._change:
            self._full = False
            self._change.notify_all()
        self._tell(Resumed())


class Room(NamedTuple):
    """How much a disk still takes: bytes, and files; None where it does not count them."""

    bytes: int
    files: int | None


def free_space(folder: Path) -> Room | None:
    """What the disk takes on which a folder lies, or is to lie; None where it does not say."""
    while not os.path.isdir(folder) and folder != folder.parent:
        folder = folder.parent
    try:
        if sys.platform == "win32":
            return Room(shutil.disk_usage(folder).free, None)
        found = os.statvfs(folder)
    except OSError:
        return None
    # Where nothing is counted, all is 0.
    return Room(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None) if found.f_blocks else None


def full(error: BaseException) -> int | None:
    """The number by which the system said that a disk is full, or a quota used up; None for other errors."""
    cause: BaseException | None = error
    while cause is not None:
        number = cause.number if isinstance(cause, UnwritableFile) else getattr(cause, "errno", None)
        if number in FULL:
            return int(number)
        cause = cause.__cause__
    return None


def _state_of(folder: Path, room: Room | None, number: int) -> str:
    left = "" if room is None else f" ({_size(room.bytes)} free)"
    if room is not None and room.files == 0:
        return f"The disk of {folder} takes no more files{left}"
    if number != errno.ENOSPC:
        return f"The quota of {folder} is used up{left}"
    return f"The disk of {folder} is full{left}"


def _size(count: int) -> str:
    """Bytes in the unit that suits them."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"


def _words(seconds: float) -> str:
    for unit, factor in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * factor:
            return f"{seconds / factor:.0f} {unit}"
    return f"{seconds:.0f} seconds"
