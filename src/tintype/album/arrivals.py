"""New scans: which files are complete, told by looking at their folders again and again.

There is no notice that a file is complete which every system and every network share gives. So a file counts as
complete when its size and its time have stayed the same for some seconds, and nothing shows that it is still written.
One that changes later is taken again, which makes a mistake harmless.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tintype.album.tasks import Choose, Plan, Task
from tintype.search import Search

SETTLE = 10.0
"""Seconds for which a file must stay the same. Windows and NFS tell of changes up to a few seconds late."""

EMPTY = 10
"""How many times as long an empty file is waited for: some programs make the file long before they fill it."""

EVERY = 2.0
"""Seconds between two looks at the folders, at least."""

COMPANIONS = (".part", ".partial", ".filepart", ".crdownload", ".download", ".aria2", ".tmp", ".lock")
"""What programs that copy or load files put behind the name of another file beside the one that they write."""

LOCAL = frozenset(
    ("bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fuseblk", "jfs", "ntfs3", "overlay", "ramfs",
     "reiserfs", "tmpfs", "vfat", "xfs", "zfs")
)  # fmt: skip
"""File systems of Linux that know of everyone who writes to a file. Network shares know only of this machine."""

State = tuple[int, int]
"""The size of a file in bytes, and when it was changed, in nanoseconds since 1970."""


class Arrivals:
    """Which files are complete, from what a folder holds at one time after another.

    settle: seconds for which size and time of a file must stay the same. since: of the files that are there at first,
    those changed earlier are never taken unless they change; seconds since 1970. older: how many these are.
    """

    def __init__(self, settle: float = SETTLE, since: float | None = None) -> None:
        self.settle = settle
        self.older = 0
        self._since = since
        self._begun = False
        self._seen: dict[Path, tuple[State, float]] = {}  # with the time of the first look at which it was so
        self._taken: dict[Path, State] = {}

    def look(self, files: Mapping[Path, State], now: float, unseen: Collection[Path] = ()) -> list[Path]:
        """The files that are complete and were not taken as they are now, in the order of `files`.

        now: seconds, of a clock that only goes forward. unseen: folders that could not be looked into; what was seen
        there before is not forgotten. What is gone elsewhere is, and counts as new when it comes back.
        """
        closed = frozenset(unseen)
        for known in (self._seen, self._taken):
            for path in [path for path in known if path not in files and closed.isdisjoint(path.parents)]:
                del known[path]
        complete = []
        for path, state in files.items():
            if not self._begun and self._since is not None and state[1] < self._since * 1e9:
                self._taken[path] = state
                self.older += 1
            if self._taken.get(path) == state:
                self._seen.pop(path, None)
                continue
            before, begin = self._seen.get(path, (None, now))
            if before != state:
                begin = now
            self._seen[path] = state, begin
            if now - begin >= self.settle * (1 if state[0] else EMPTY):
                complete.append(path)
        self._begun = True
        return complete

    def take(self, path: Path, state: State | None, now: float) -> bool:
        """Whether a complete file is still as it was at the last look: then it is taken, and else waited for again.

        state: as it is at this moment; None where it is gone, or is being written.
        """
        seen, _ = self._seen.pop(path)
        if state == seen:
            self._taken[path] = state
            return True
        self._seen[path] = state or seen, now
        return False

    @property
    def awaited(self) -> tuple[Path, ...]:
        """The files that were there at the last look and are not taken yet, as they are not complete."""
        return tuple(self._seen)


def arriving(
    plan: Callable[[Choose], Plan],
    arrivals: Arrivals,
    *,
    planned: Callable[[Plan], object],
    waiting: Callable[[tuple[Path, ...]], object],
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Task | None]:
    """The tasks of photographs as they become complete, for ever; None where there is nothing to do at the moment.

    plan: finds all photographs and plans those that the function it is given chooses. planned: is told of each plan
    with tasks. waiting: is told of the files that are not complete, when all others were given out and these are others
    than before.
    """
    results: set[str] = set()
    refused: set[tuple[Path, str]] = set()
    told: tuple[Path, ...] | None = None
    due = clock()

    def choose(search: Search) -> Collection[Path]:
        files = {
            path: state
            for path, real in search.files.items()
            if real not in results and (state := state_of(path)) is not None
        }
        return frozenset(arrivals.look(files, clock(), [path for path, _ in search.failed]))

    while True:
        if (begin := clock()) < due:
            yield None
            continue
        found = plan(choose)
        # Looking at many files takes its time on a network share, and must leave most of it to others.
        due = clock() + max(min(EVERY, arrivals.settle / 2), 4 * (clock() - begin))
        tasks = []
        now_refused = set()
        for task in found.tasks:
            if task.output is None and task.refusal is not None:
                now_refused.add((task.input, task.refusal))
                if (task.input, task.refusal) in refused:
                    continue
            tasks.append(task)
        refused = now_refused
        if tasks:
            planned(replace(found, tasks=tasks, older=arrivals.older))
        last: tuple[Path, bool] | None = None
        for task in tasks:
            if task.output is None:
                yield task
                continue
            # The pages of one file lie side by side.
            if last is None or last[0] != task.input:
                state = None if is_written(task.input) else state_of(task.input)
                last = task.input, arrivals.take(task.input, state, clock())
            if last[1]:
                results.add(os.path.realpath(task.output))
                yield task
        if arrivals.awaited != told:
            told = arrivals.awaited
            waiting(told)


def state_of(path: Path) -> State | None:
    """None for a file that is not there, or may not be looked at."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def is_written(path: Path) -> bool:
    """Whether something shows that a file is still being written: another one beside it, or a program that has it open.

    Who has it open is known for local files on Linux alone.
    """
    return any(os.path.lexists(f"{path}{ending}") for ending in COMPANIONS) or (_has_writer(path) and is_local(path))


def is_local(path: Path) -> bool:
    """Whether a file lies on a file system that is known to be this machine's own; Linux alone tells."""
    real = os.path.realpath(path)
    mounts = ((point, kind) for point, kind in _mounts() if os.path.commonpath((point, real)) == point)
    return max(mounts, key=lambda mount: len(mount[0]), default=("", ""))[1] in LOCAL


def _mounts() -> list[tuple[str, str]]:
    """Where file systems are mounted, and of which kind each is."""
    found = []
    with suppress(OSError), open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            before, _, after = line.partition(" - ")
            # Spaces and the like are written as numbers, in base 8.
            point = re.sub(r"\\([0-7]{3})", lambda letter: chr(int(letter[1], 8)), before.split()[4])
            found.append((point, after.split()[0]))
    return found


def _has_writer(path: Path) -> bool:
    """Whether a program has a file open for writing: then the system gives no lease to read it."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # Whoever reads it says why.
    try:
        # Who opens it for writing meanwhile waits for a moment, and we are told by a signal that does nothing.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False
