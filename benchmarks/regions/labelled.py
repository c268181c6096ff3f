"""What a collection of labelled photographs is, wherever its labels come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tintype.evaluation.photographs import square

KINDS = {"sky": 1, "grass": 2, "water": 3, "skin": 4, "car": 5, "wall": 6}
"""Kinds of region -> their label."""

NONE = 0
"""The label of pixels that are of no kind, or of none that is known."""

Membership = Literal["trained", "alike", "validation", "unseen"]
"""Whether our models learned from a photograph, from one that looks the same, were chosen on it, or never met it."""


class Labelled(NamedTuple):
    """A photograph and what is where in it."""

    name: str
    rgb: NDArray[np.uint8]
    """sRGB [h, w, 3]."""
    labels: NDArray[np.uint8]
    """[h, w], values of KINDS, or NONE."""


@dataclass(frozen=True)
class Entry:
    """A photograph that is read when it is asked for."""

    name: str
    membership: Membership
    read: Callable[[], tuple[NDArray[np.uint8], NDArray[np.uint8]]]
    """Its pixels and labels, as `Labelled` has them."""


class Regions:
    """Labelled photographs, read one by one: iterate over it, or ask for `regions[i]`.

    Args:
        side: photographs and labels are cut to the centre square of this side in pixels, as
            `tintype.evaluation.photographs.square` cuts those of an evaluation; None: as they are.
    """

    def __init__(self, entries: Sequence[Entry], side: int | None = 256):
        self._entries, self.side = tuple(entries), side

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Labelled:
        """Raises: OSError, DataError: its files cannot be read."""
        entry = self._entries[index]
        rgb, labels = entry.read()
        if self.side is not None:
            rgb, labels = square(rgb, self.side), square_of(labels, self.side)
        return Labelled(entry.name, rgb, labels)

    def __iter__(self) -> Iterator[Labelled]:
        return (self[index] for index in range(len(self)))

    @property
    def names(self) -> list[str]:
        return [entry.name for entry in self._entries]

    @property
    def membership(self) -> dict[str, Membership]:
        """Name -> what our models know of the photograph."""
        return {entry.name: entry.membership for entry in self._entries}

    def only(self, membership: Membership) -> Regions:
        """Those of which our models know so much."""
        return Regions([entry for entry in self._entries if entry.membership == membership], self.side)

    def __str__(self) -> str:
        counts = Counter(self.membership.values())
        return f"{len(self)} photographs ({', '.join(f'{count} {word}' for word, count in sorted(counts.items()))})"


def square_of(labels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The centre square of labels [h, w], each pixel that of the nearest."""
    height, width = labels.shape
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    centre = Image.fromarray(labels[top : top + short, left : left + short])
    return np.asarray(centre.resize((side, side), Image.Resampling.NEAREST))
