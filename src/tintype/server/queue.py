"""Who is served next: so many works at a time, quick ones first, in turns between clients."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TypeVar

from tintype.server.problems import Full, Gone, Stopping

Result = TypeVar("Result")

Watch = Callable[[], None]
"""Called by a work now and then; raises where nobody waits for it any more."""

WAITING = 512
"""Works at most that wait."""

OF_A_CLIENT = 128
"""Of these, of one client."""


class Ended(BaseException):
    """Raised in a work for which nobody waits any more. Not an Exception, so that no work takes it for a failure."""


@dataclass(eq=False)
class _Work:
    do: Callable[[Watch], object]
    client: str
    quick: bool
    turn: str | None
    future: asyncio.Future[None]
    ended: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        if self.ended.is_set():
            raise Ended


class Queue:
    """Does works in threads, `jobs` at a time, called from one event loop.

    Quick works go before long ones, which leave one thread free for quick ones where there are several. Among equals
    clients take turns, and of one client the first comes first. Works of the same `turn` are done one at a time.
    """

    def __init__(self, jobs: int, waiting: int = WAITING, of_a_client: int = OF_A_CLIENT) -> None:
        self.jobs, self.most, self.most_of_a_client = jobs, waiting, of_a_client
        self.stopping = self.ended = False
        # Clients in the order in which they are served next.
        self._waiting: tuple[dict[str, deque[_Work]], ...] = ({}, {})
        self._running: set[_Work] = set()
        self._taken: SimpleQueue[tuple[_Work, asyncio.AbstractEventLoop] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    async def do(
        self,
        work: Callable[[Watch], Result],
        client: str,
        *,
        quick: bool,
        turn: str | None = None,
        left: Callable[[], Awaitable[object]] | None = None,
    ) -> Result:
        """What a work returns, once it was its turn and is done; what it raises is raised here.

        Args:
            work: called in a thread, with what it calls now and then, and which ends it when nobody waits for it.
            client: who asks, for turns.
            left: returns when the client has left. The work is given up then.
        Raises:
            Full: too many works wait. Gone: the client has left. Stopping: the server ends.
        """
        if self.stopping:
            raise Stopping
        loop = asyncio.get_running_loop()
        results: list[Result] = []
        item = _Work(lambda watch: results.append(work(watch)), client, quick, turn, loop.create_future())
        self._check_room(client)
        lines = self._waiting[0 if quick else 1]
        lines.setdefault(client, deque()).append(item)
        self._next()
        leaving = None if left is None else asyncio.ensure_future(left())
        try:
            await asyncio.wait({item.future} | ({leaving} if leaving else set()), return_when=asyncio.FIRST_COMPLETED)
            if not item.future.done():
                if leaving is not None:
                    leaving.result()  # It may have failed, as of a request that brings too much.
                raise Gone
            item.future.result()
            return results[0]
        finally:
            if leaving is not None:
                leaving.cancel()
            if not item.future.done():
                item.ended.set()
                item.future.cancel()
                self._forget(item)

    def stop(self) -> None:
        """Refuse what comes and what waits; what runs goes on."""
        self.stopping = True
        for lines in self._waiting:
            for line in lines.values():
                for item in line:
                    _refuse(item)
            lines.clear()

    def end(self) -> None:
        """Give up what runs, too."""
        self.stop()
        self.ended = True
        for item in self._running:
            item.ended.set()
            _refuse(item)

    def join(self, patience: float) -> None:
        """Wait for the threads to end, so many seconds at most. Call `end` before."""
        for _ in self._threads:
            self._taken.put(None)
        until = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._threads.clear()

    def _check_room(self, client: str) -> None:
        waiting = sum(len(line) for lines in self._waiting for line in lines.values())
        own = sum(len(lines[client]) for lines in self._waiting if client in lines)
        if waiting >= self.most or own >= self.most_of_a_client:
            raise Full("The server has too much to do just now: try again in a moment", 2 + waiting / (2 * self.jobs))

    def _forget(self, item: _Work) -> None:
        for lines in self._waiting:
            line = lines.get(item.client)
            if line is not None and item in line:
                line.remove(item)
                if not line:
                    del lines[item.client]

    def _next(self) -> None:
        """Begin works while there are threads for them."""
        while len(self._running) < self.jobs and (item := self._chosen()) is not None:
            self._running.add(item)
            if len(self._threads) < len(self._running):
                thread = threading.Thread(
                    target=_work, args=(self._taken, self._done), name="tintype-work", daemon=True
                )
                thread.start()
                self._threads.append(thread)
            self._taken.put((item, asyncio.get_running_loop()))

    def _chosen(self) -> _Work | None:
        """The work whose turn it is, taken out of its line."""
        busy = {item.turn for item in self._running if item.turn is not None}
        for lines in self._waiting:
            if lines is self._waiting[1] and self._long() >= max(1, self.jobs - 1):
                continue
            for client, line in lines.items():
                for item in line:
                    if item.turn is None or item.turn not in busy:
                        line.remove(item)
                        del lines[client]
                        if line:
                            lines[client] = line  # last: the others come first now
                        return item
        return None

    def _long(self) -> int:
        return sum(not item.quick for item in self._running)

    def _done(self, item: _Work, error: BaseException | None) -> None:
        self._running.discard(item)
        if not item.future.done():
            if error is None:
                item.future.set_result(None)
            else:
                item.future.set_exception(Stopping() if isinstance(error, Ended) else error)
        self._next()


def _refuse(item: _Work) -> None:
    if not item.future.done():
        item.future.set_exception(Stopping())


def _work(
    taken: SimpleQueue[tuple[_Work, asyncio.AbstractEventLoop] | None],
    done: Callable[[_Work, BaseException | None], None],
) -> None:
    """The life of a thread."""
    while (task := taken.get()) is not None:
        item, loop = task
        error: BaseException | None = None
        try:
            item.watch()
            item.do(item.watch)
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(done, item, error)
        except RuntimeError:
            return  # The loop has ended, and nobody waits.
        del task, item, error  # and with them the photograph
