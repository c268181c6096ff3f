"""Boxes, in which JPEG 2000 and JPEG XL files keep code streams and metadata."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_MOST = 10_000


@dataclass(frozen=True)
class Box:
    """kind: four letters; body: what is in it."""

    kind: bytes
    body: bytes


def boxes(data: bytes) -> Iterator[Box]:
    """The boxes that follow each other from the beginning; ends without complaint where one is broken."""
    at = 0
    for _ in range(_MOST):
        size, kind, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = len(data) - at
        if len(kind) < 4 or size < head:
            return
        # A code stream may be cut short, and says so itself.
        yield Box(kind, data[at + head : at + size])
        at += size
