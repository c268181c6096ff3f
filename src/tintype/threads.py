"""The processors of this process, and work that is done ahead of whoever uses its results."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_threads() -> int:
    """Processors that this process may really use: not the machine's, where a container or a user holds some back."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        count = min(count, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):
        pass  # Not in a container that limits processor time, or not a system that has them.
    return count


def ahead(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int,
    *,
    waiting: int = 1,
    beside: bool = False,
) -> Iterator[Result]:
    """What `work` makes of each item, in the order of the items, done ahead by threads.

    What `work` or `items` raises is raised here, in the place of its result. After that, and when the iterator is
    closed or dropped, no further item is begun, and those in work are waited for.

    Args:
        items: taken in the caller's thread, one after another.
        threads: so many items are worked on at once. A single thread is the caller's own, and works when it is asked.
        waiting: so many more items are taken at most, which wait for a thread or are done.
        beside: the caller works at the same time, so that a single thread, too, is one besides its own.
    """
    if threads == 1 and not beside:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        results: deque[Future[Result]] = deque()
        for item in items:
            results.append(pool.submit(work, item))
            if len(results) >= threads + waiting:
                yield results.popleft().result()
        while results:
            yield results.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def apart(
    items: Callable[[], Generator[Item, None, None]], room: int, left: threading.Event | None = None
) -> Generator[Item, None, None]:
    """The items that a generator gives, made in a thread of their own ahead of whoever uses them.

    What the generator raises is raised here, after the items before it. When this one is closed or dropped, that one is
    closed in its thread as soon as it gives its next item, and is waited for.

    Args:
        items: makes the generator. room: so many items wait at most; while there is no room, no more are made.
        left: is set as soon as nobody needs an item any more, so that what is in work can end early.
    """
    waiting: queue.Queue[tuple[Item, ...] | BaseException | None] = queue.Queue(room)
    left = threading.Event() if left is None else left

    def put(what: tuple[Item, ...] | BaseException | None) -> bool:
        while not left.is_set():
            try:
                waiting.put(what, timeout=_LOOK)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        try:
            with closing(items()) as made:
                for item in made:
                    if not put((item,)):
                        return
        except BaseException as error:
            put(error)
        else:
            put(None)

    maker = threading.Thread(target=make, name="apart", daemon=True)
    maker.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item[0]
    finally:
        left.set()
        maker.join()


_LOOK = 0.1
"""Seconds after which a thread that waits for room looks whether it is still needed."""
