"""MATLAB files of version 5; only matrices of numbers are read.

MathWorks, MAT-File Format, chapter 1: a header of 128 bytes, then elements, each a tag (type, bytes) and its data.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 2**26
"""Bytes of an unpacked element at most."""

_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}


def read_matrices(encoded: bytes) -> dict[str, NDArray[Any]]:
    """The matrices of a file by name; what is no real matrix of numbers is passed over.

    Raises:
        ValueError: it is not such a file, or is broken.
    """
    order = {b"IM": "<", b"MI": ">"}.get(encoded[126:128])
    if order is None:
        raise ValueError("not a MATLAB file of version 5")
    try:
        matrices = {}
        for kind, content in _elements(encoded[128:], order):
            if kind == _COMPRESSED:
                unpacked = zlib.decompressobj().decompress(content, LARGEST)
                ((kind, content),) = _elements(unpacked, order)
            if kind == _MATRIX:
                name, matrix = _matrix(content, order)
                if matrix is not None:
                    matrices[name] = matrix
        return matrices
    except (struct.error, zlib.error, ValueError, IndexError) as error:
        raise ValueError(f"a broken MATLAB file ({error})") from error


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Type and data of each element."""
    place = 0
    while place < len(content):
        kind, size = struct.unpack_from(order + "II", content, place)
        if kind >> 16:  # the short form: four bytes of data at most, in the tag itself
            yield kind & 0xFFFF, content[place + 4 : place + 4 + (kind >> 16)]
            place += 8
            continue
        if place + 8 + size > len(content):
            raise ValueError("it is cut short")
        yield kind, content[place + 8 : place + 8 + size]
        place += 8 + size
        if kind != _COMPRESSED:
            place += -size % 8


def _matrix(content: bytes, order: str) -> tuple[str, NDArray[Any] | None]:
    """Name and values, which a file keeps column by column."""
    parts = list(_elements(content, order))
    (_, flags), (_, sides), (_, name) = parts[:3]
    real = 6 <= flags[0 if order == "<" else 3] <= 15 and not flags[1 if order == "<" else 2] & 8
    if not real or len(parts) != 4 or parts[3][0] not in _NUMBERS:
        return name.decode("latin-1"), None
    kind, values = parts[3]
    shape = np.frombuffer(sides, order + "i4")
    return name.decode("latin-1"), np.frombuffer(values, order + _NUMBERS[kind]).reshape(shape, order="F")
