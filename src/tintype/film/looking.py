"""The colours of a film's frames, found ahead of those who paint them: shots, passages, looks, what is carried."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import overload

import cv2
import numpy as np
from numpy.typing import NDArray

from tintype.colorizer import Colorizer
from tintype.film.carry import Carried, carry
from tintype.film.cuts import Cuts
from tintype.film.guide import Guide
from tintype.film.passages import PASSAGE, Passage, Scouted, passages
from tintype.hints import Hint, draw_hints
from tintype.models import Prediction
from tintype.threads import ahead, apart

Plane = NDArray[np.float32]

# The flow that OpenCV finds depends on its number of threads, and several threads work side by side here.
cv2.setNumThreads(1)

ROOM = 1
"""Passages whose colours are found and wait to be painted."""


@dataclass(frozen=True)
class Coloured:
    """A passage whose colours are found."""

    first: int
    """The number of its first frame."""
    ab: Sequence[Plane]
    """float32 [2, h', w'] of each frame, CIE a*b*."""
    begins: bool
    """Whether a shot begins with it."""
    after: Carried
    """What the next passage of the shot needs."""

    @property
    def stop(self) -> int:
        """The number of the frame behind its last."""
        return self.first + len(self.ab)


def scout(frames: Iterable[tuple[int, Plane]], first: int) -> Iterator[Scouted]:
    """Frames, and which of them begin a shot.

    frames: number and CIE L* float32 [h, w] of frames that follow each other. first: the number of the first one that
    is wanted; those before it only tell whether it begins a shot.
    """
    cuts = Cuts()
    waiting: deque[tuple[int, Plane]] = deque()
    starts: set[int] = set()
    count = taken = 0

    def known(settled: int) -> Iterator[Scouted]:
        nonlocal taken
        while waiting and taken < settled:
            index, seen = waiting.popleft()
            begins = taken in starts
            starts.discard(taken)
            taken += 1
            if index >= first:
                yield Scouted(index, seen, begins)

    for index, seen in frames:
        waiting.append((index, seen))
        count += 1
        starts.update(cuts.push(seen))
        yield from known(cuts.settled)
    starts.update(cuts.finish())
    yield from known(count)


@dataclass
class Looker:
    """Finds the colours of passages, by a model and what a user gives.

    size: (height, width) of the whole frames, to which the places of hints belong.
    """

    colorizer: Colorizer
    size: tuple[int, int]
    guide: Guide = field(default_factory=Guide)
    every: int | None = None
    """The network looks at each so many frames; None: where the motion asks for it."""
    longest: int = PASSAGE
    _left: threading.Event = field(default_factory=threading.Event)

    def coloured(
        self, frames: Callable[[], Iterator[tuple[int, Plane]]], first: int, before: Carried | None
    ) -> Generator[Coloured, None, None]:
        """The colours of frames, passage by passage, found in other threads while the caller paints.

        Args:
            frames: gives number and CIE L* [h, w] of the frames, at network size; called in another thread.
            first: the number of the first frame that is wanted; others before it only tell whether it begins a shot.
            before: what was carried out of the passage before it.
        """
        self._left = threading.Event()
        return apart(lambda: self._ahead(frames, first, before), ROOM, self._left)

    def _ahead(
        self, frames: Callable[[], Iterator[tuple[int, Plane]]], first: int, before: Carried | None
    ) -> Generator[Coloured, None, None]:
        start: Future[Carried] | None = None
        if before is not None:
            start = Future()
            start.set_result(before)
        # One passage of a shot waits for what comes out of the one before it; shots do not wait for each other.
        workers = self.colorizer.threads // 2 + 1
        yield from ahead(self._work, self._tasks(frames, first, start), workers, beside=True)

    def _tasks(
        self, frames: Callable[[], Iterator[tuple[int, Plane]]], first: int, before: Future[Carried] | None
    ) -> Iterator[tuple[Passage, Future[Carried] | None, Future[Carried]]]:
        scouted = scout(frames(), first)
        for passage in passages(scouted, sorted(self.guide.given), self.longest):
            after: Future[Carried] = Future()
            yield passage, None if passage.begins else before, after
            before = after

    def _work(self, task: tuple[Passage, Future[Carried] | None, Future[Carried]]) -> Coloured:
        passage, before, after = task
        try:
            state = None if before is None else before.result()
            ab, carried = self.carry(passage, state)
        except BaseException as error:
            after.set_exception(error)
            raise
        after.set_result(carried)
        return Coloured(passage.first, ab, passage.begins, carried)

    def carry(self, passage: Passage, before: Carried | None) -> tuple[Sequence[Plane], Carried]:
        """The colours of the frames of one passage, and what the next one of the shot needs."""
        colorizer, seen = self.colorizer, _Watched(passage.seen, self._watch)
        logits = colorizer.model.card.bins is not None

        def look(index: int, hints: tuple[Hint, ...] | None) -> Prediction:
            lightness = seen[index]
            drawn = draw_hints(hints, self.size, (lightness.shape[0], lightness.shape[1])) if hints else None
            return colorizer.model.predict(lightness, drawn, colorizer.temperature, logits=logits, watch=self._watch)

        return carry(seen, look, before, self.guide.within(passage.first, passage.stop), self.every)

    def _watch(self) -> None:
        if self._left.is_set():
            raise _Left


class _Left(Exception):
    """Nobody needs the colours any more."""


class _Watched(Sequence[Plane]):
    """Frames that can be taken as long as somebody needs their colours."""

    def __init__(self, frames: Sequence[Plane], watch: Callable[[], object]) -> None:
        self._frames, self._watch = frames, watch

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, index: int) -> Plane: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Plane]: ...
    def __getitem__(self, index: int | slice) -> Plane | Sequence[Plane]:
        self._watch()
        return self._frames[index]
