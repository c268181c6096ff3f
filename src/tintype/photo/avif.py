"""AVIF and HEIF files: what their boxes say of the colours, which libvips does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

_LARGEST = 1 << 20  # bytes of the boxes around the pixels; larger ones are not metadata
_MOST = 1000


def code_points(stream: BinaryIO) -> tuple[int, int] | None:
    """Primaries and transfer function (nclx) of the colours; None where none are named, or several."""
    length = stream.seek(0, 2)
    at = 0
    for _ in range(_MOST):
        stream.seek(at)
        head = stream.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:], "big")
        if head[4:8] == b"meta" and size <= _LARGEST:
            stream.seek(at)
            return _named(stream.read(size or _LARGEST))
        if size < 8 or at + size >= length:
            return None
        at += size
    return None


def _named(meta: bytes) -> tuple[int, int] | None:
    points = set()
    for properties in _inside(_first(_first(meta[12:], b"iprp")[8:], b"ipco")[8:]):
        if properties[4:12] == b"colrnclx" and len(properties) >= 16:
            points.add((int.from_bytes(properties[12:14], "big"), int.from_bytes(properties[14:16], "big")))
    return points.pop() if len(points) == 1 else None


def _first(data: bytes, kind: bytes) -> bytes:
    return next((box for box in _inside(data) if box[4:8] == kind), b"")


def _inside(data: bytes) -> Iterator[bytes]:
    at = 0
    for _ in range(_MOST):
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8 or at + size > len(data):
            return
        yield data[at : at + size]
        at += size
