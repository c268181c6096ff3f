"""Caffe's files of weights, read without Caffe: a message of protocol buffers, of which few fields matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Fields of the messages in a .caffemodel, as caffe.proto numbers them.
LAYER, OLD_LAYER = 100, 2
NAME, BLOBS = {LAYER: 1, OLD_LAYER: 4}, {LAYER: 7, OLD_LAYER: 6}
SHAPE, DIMENSIONS, SINGLE, DOUBLE = 7, 1, 5, 8
OLD_DIMENSIONS = (1, 2, 3, 4)


def read(path: Path) -> dict[str, NDArray[np.float32]]:
    """The blobs of each layer, as LAYER/0, LAYER/1 and so on.

    Raises:
        ValueError: it is no such file, or a part of one; in a few words.
    """
    found: dict[str, NDArray[np.float32]] = {}
    with path.open("rb") as file:
        content = memoryview(file.read())
    for number, layer in _fields(content):
        if number not in (LAYER, OLD_LAYER) or not isinstance(layer, memoryview):
            continue
        name, blobs = "", []
        for field, value in _fields(layer):
            if not isinstance(value, memoryview):
                continue
            if field == NAME[number]:
                name = bytes(value).decode("utf-8", "replace")
            elif field == BLOBS[number]:
                blobs.append(_blob(value))
        found |= {f"{name}/{place}": blob for place, blob in enumerate(blobs)}
    if not found:
        raise ValueError("it holds no layers")
    return found


def _blob(message: memoryview) -> NDArray[np.float32]:
    shape: list[int] = []
    old = dict.fromkeys(OLD_DIMENSIONS, 1)
    values: list[NDArray[np.float32]] = []
    for number, value in _fields(message):
        if isinstance(value, int):
            if number in old:
                old[number] = value
        elif number == SHAPE:
            for field, dimensions in _fields(value):
                if field == DIMENSIONS:
                    shape += [dimensions] if isinstance(dimensions, int) else _varints(dimensions)
        elif number in (SINGLE, DOUBLE):
            values.append(np.frombuffer(value, "<f8" if number == DOUBLE else "<f4").astype(np.float32))
    flat = np.concatenate(values) if values else np.zeros(0, np.float32)
    shape = shape or list(old.values())
    if np.prod(shape, dtype=np.int64) != flat.size:
        raise ValueError(f"a blob of {flat.size} numbers says that its shape is {shape}")
    return flat.reshape(shape)


def _fields(message: memoryview) -> list[tuple[int, int | memoryview]]:
    """(number, value) of each field of a protocol-buffers message; numbers of fixed width as their bytes."""
    found: list[tuple[int, int | memoryview]] = []
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, place = _varint(message, place)
            found.append((number, value))
            continue
        if kind not in (1, 2, 5):
            raise ValueError("its fields are of an unknown kind")
        size = {1: 8, 5: 4}.get(kind, 0)
        if kind == 2:
            size, place = _varint(message, place)
        if number == 0 or place + size > len(message):
            raise ValueError("its fields do not fit")
        found.append((number, message[place : place + size]))
        place += size
    return found


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number in it does not end")


def _varints(message: memoryview) -> list[int]:
    values, place = [], 0
    while place < len(message):
        value, place = _varint(message, place)
        values.append(value)
    return values
