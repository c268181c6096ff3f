"""Photographs that several threads show a network at the same time, seen in one run."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tintype.models.runtime import TICK, Failure, OutOfMemory, Session

WAIT = 0.004
"""Seconds that the first of a batch waits for others."""

Feed = Mapping[str, NDArray[np.float32]]
Results = list[NDArray[Any]]


@dataclass(eq=False)
class _Call:
    outputs: tuple[str, ...]
    feed: Feed
    since: float = field(default_factory=time.monotonic)
    done: threading.Event = field(default_factory=threading.Event)
    results: Results | None = None
    error: BaseException | None = None
    given_up: bool = False

    @property
    def kind(self) -> object:
        """What two calls must have in common to be served by one run: outputs, shapes, and all that is no picture."""
        return self.outputs, [(name, part.shape if part.ndim else part.item()) for name, part in self.feed.items()]

    @property
    def pixels(self) -> int:
        height, width = self.feed["lightness"].shape[2:]
        return int(height) * int(width)


class Batches:
    """Runs of a session that serve several callers at once, one run after another.

    The first that calls waits WAIT seconds at most for others with the same shapes and temperature; who calls during a
    run is served by the next. A batch that fails is run again in halves, down to the one that it fails on.

    Args:
        session: takes any number of pictures in a run.
        pixels: of lightness in one run; a larger picture has one of its own. Halved where memory is wanting.
    """

    def __init__(self, session: Session, pixels: int) -> None:
        self._session = session
        self.pixels = pixels
        self._waiting: deque[_Call] = deque()
        self._change = threading.Condition()
        self._served = False

    def run(self, outputs: Sequence[str], feed: Feed, watch: Callable[[], object] | None = None) -> Results:
        """The outputs for one picture [1, ...] of each input; an input without axes counts for all pictures of a run.

        watch: called a few times a second; what it raises ends the wait, and a run on which nobody else waits.

        Raises Failure, and what a signal or `watch` raises.
        """
        call = _Call(tuple(outputs), feed)
        with self._change:
            self._waiting.append(call)
            self._change.notify_all()
            if not self._served:
                # It ends when there is nothing left to do, so that a model that is dropped leaves no thread.
                threading.Thread(target=self._serve, name="batches", daemon=True).start()
                self._served = True
        try:
            while not call.done.wait(TICK):
                if watch is not None:
                    watch()
        except BaseException:
            call.given_up = True
            raise
        if call.error is not None:
            raise call.error
        assert call.results is not None
        return call.results

    def _serve(self) -> None:
        while batch := self._next():
            self._answer(batch)

    def _next(self) -> list[_Call]:
        """The next batch, in the order of arrival; empty when nobody waits any more."""
        with self._change:
            while True:
                while self._waiting and self._waiting[0].given_up:
                    self._waiting.popleft()
                if not self._waiting:
                    self._served = False
                    return []
                first = self._waiting[0]
                batch = [call for call in self._waiting if not call.given_up and call.kind == first.kind]
                batch = batch[: max(1, self.pixels // first.pixels)]
                left = first.since + WAIT - time.monotonic()
                if left <= 0 or (len(batch) + 1) * first.pixels > self.pixels:
                    self._waiting = deque(call for call in self._waiting if call not in batch)
                    return batch
                self._change.wait(left)

    def _answer(self, batch: list[_Call]) -> None:
        """Run a batch, and give each caller its part of the results, or its own error."""
        try:
            results = self._results(batch)
        except Failure as error:
            if len(batch) == 1:
                batch[0].error = error
                batch[0].done.set()
                return
            half = len(batch) // 2
            if isinstance(error, OutOfMemory):
                self.pixels = min(self.pixels, half * batch[0].pixels)
            self._answer(batch[:half])
            self._answer(batch[half:])
        except BaseException as error:
            for call in batch:
                call.error = error
                call.done.set()
        else:
            for index, call in enumerate(batch):
                call.results = [part[index : index + 1] for part in results]
                call.done.set()

    def _results(self, batch: list[_Call]) -> Results:
        def watch() -> None:
            if all(call.given_up for call in batch):
                raise _GivenUp

        results = self._session.run(batch[0].outputs, together([call.feed for call in batch]), watch=watch)
        if any(len(part) != len(batch) for part in results):
            raise Failure("it gives another number of pictures than it takes")
        return results


def together(feeds: Sequence[Feed]) -> Feed:
    """Inputs for one picture each as inputs for all; those without axes are the first's."""
    if len(feeds) == 1:
        return feeds[0]
    return {
        name: np.concatenate([feed[name] for feed in feeds]) if part.ndim else part for name, part in feeds[0].items()
    }


class _GivenUp(Exception):
    """Nobody waits for the results of a run any more."""
