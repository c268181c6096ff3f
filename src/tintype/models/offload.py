"""A network on another device than the CPU: compared with the CPU before it is used, and helped out by it later."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence

import numpy as np

from tintype.errors import TintypeWarning
from tintype.models.batches import Batches, Feed, Results, together
from tintype.models.runtime import Failure, OutOfMemory, Session

TRIAL = 300.0
"""Seconds that a trial run may take: some devices translate a network when they first see a shape."""

APART = 0.1
"""Difference in a* or b* from the CPU above which a device is refused. One 8-bit code of red is 0.34, of green 0.59, in
the median over sRGB."""


class Offload:
    """A network on a device, in batches of what several threads ask at the same time.

    What the device fails on is computed on the CPU, and a TintypeWarning says so once.

    Args:
        session: the network on the device.
        cpu: the same network on the CPU.
        pixels: of what the network sees in one run; 0: one photograph at a time.
        trials: two pictures on which both are compared. Together, too: networks that do not keep the pictures of a
            batch apart get no batches.

    Raises Failure where the device does not work, or gives other colours than the CPU.
    """

    def __init__(self, session: Session, cpu: Session, pixels: int, trials: Sequence[Feed]) -> None:
        self._cpu = cpu
        self._told: set[bool] = set()
        self._lock = threading.Lock()
        self.device = session.device
        right = [cpu.run(["ab"], feed)[0] for feed in trials]
        for feed, colours in zip(trials, right, strict=True):
            if fault := _fault(session, feed, colours):
                raise Failure(fault)
        if pixels and _fault(session, together(trials), np.concatenate(right)):
            pixels = 0
        self._batches = Batches(session, pixels)

    @property
    def pixels(self) -> int:
        """Of what the network sees in one run; 0: one photograph at a time."""
        return self._batches.pixels

    def run(self, outputs: Sequence[str], feed: Feed, watch: Callable[[], object] | None = None) -> Results:
        """The outputs for one picture; see `Batches.run`. Raises Failure where the CPU fails, too."""
        try:
            results = self._batches.run(outputs, feed, watch)
            if all(np.isfinite(part).all() for part in results):
                return results
            failure = Failure("it gives values that are not numbers")
        except Failure as error:
            failure = error
        results = self._cpu.run(outputs, feed, watch=watch)
        self._tell(failure)
        return results

    def _tell(self, failure: Failure) -> None:
        short = isinstance(failure, OutOfMemory)
        with self._lock:
            if short in self._told:
                return
            self._told.add(short)
        why = "has too little memory for some photographs" if short else f"fails on some photographs ({failure})"
        warnings.warn(f"The device {self.device} {why}; these are coloured on the CPU", TintypeWarning, stacklevel=4)


def _fault(session: Session, feed: Feed, right: np.ndarray) -> str | None:
    """What is wrong with the colours of a session, in a few words."""
    try:
        ab = session.run(["ab"], feed, TRIAL)[0]
    except Failure as error:
        return str(error)
    # Written so that what is no number is wrong.
    if ab.shape == right.shape and np.abs(ab - right).max() <= APART:
        return None
    return "it gives other colours than the CPU"
