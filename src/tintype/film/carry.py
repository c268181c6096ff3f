"""Steady colour: what a network says of some frames of a shot, carried along the motion to all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tintype.film.keys import Given
from tintype.hints import Hint
from tintype.models import Prediction

Plane = NDArray[np.float32]

Look = Callable[[int, tuple[Hint, ...] | None], Prediction]
"""look(index in the passage, its hints or None): what the network says of this frame."""

NOTHING: Mapping[int, Given] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Carried:
    """What the next passage of the same shot needs to know."""

    ab: NDArray[np.float16]

    def to_bytes(self) -> bytes:
        """These bytes hold it all, the same for the same state."""
        return np.array(self.ab.shape, "<i4").tobytes() + self.ab.tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> Carried:
        """What `to_bytes` wrote."""
        shape = np.frombuffer(content[:12], "<i4")
        return cls(np.frombuffer(content[12:], np.float16).reshape(shape))


def carry(
    seen: Sequence[Plane],
    look: Look,
    before: Carried | None = None,
    given: Mapping[int, Given] = NOTHING,
    every: int | None = None,
) -> tuple[Sequence[Plane], Carried]:
    """The colours of the frames of one passage.

    Args:
        seen: float32 [h, w], CIE L* of each frame at the network's size. It is indexed, one frame at a time.
        look: called for some frames, in order of their numbers.
        before: the state after the previous passage of the same shot.
        given: what a user gives, by index in the passage.
        every: a keyframe each so many frames; None: where the motion asks for one.
    Returns:
        float32 [2, h / 2, w / 2], CIE a*b* of each frame, as a sequence, and the state after the passage.
    """
    result: list[Plane] = []
    for index in range(len(seen)):
        hints = given[index].hints if index in given else ()
        ab = look(index, hints or None).ab
        result.append(ab.repeat(2, 1).repeat(2, 2))
    return result, Carried(result[-1].astype(np.float16))
