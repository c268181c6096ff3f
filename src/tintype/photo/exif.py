"""Tags: the directories of TIFF and Exif, read from and written to bytes.

An Exif block is a small TIFF file without pixels, so one reader and one builder serve the Exif of every format and
the TIFF files themselves (classic and BigTIFF, both byte orders).
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

import numpy as np

DESCRIPTION, MAKE, SOFTWARE, XMP, IPTC, ICC = 270, 271, 305, 700, 33723, 34675
WIDTH, HEIGHT, ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 256, 257, 274, 282, 283, 296
EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
COLOR_SPACE, PIXEL_X, PIXEL_Y = 40961, 40962, 40963

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 1, 2, 3, 4, 5, 7, 16
_UNIT = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 1, 7: 1, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_SIZE = _UNIT | {5: 8, 10: 8}
_LETTER = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_CHILDREN = (EXIF, GPS, INTEROPERABILITY)

MOST_ENTRIES = 100_000
"""Entries of all directories of a file together."""
LONGEST = 16 << 20
"""Bytes of one tag."""
MOST_BYTES = 64 << 20
"""Bytes of all tags and directories of a file together."""
_SHARED = 1 << 16
# Directories and values lie beside each other, so together they are no longer than the file, but for a few small values
# that some writers let several tags share. A file of which more is claimed was made to fill the memory.

STRUCTURE = frozenset(
    {254, 255, *range(256, 260), 262, 263, 264, 265, 266, 273, 274, *range(277, 285), *range(288, 294), 296, 297, 301}
    | {*range(317, 326), 330, *range(332, 348), *range(512, 522), *range(529, 533), 559, XMP, IPTC, ICC, 34377, 37724}
)
"""Tags that say how the pixels of a TIFF lie in the file; never carried to another file."""


@dataclass(frozen=True)
class Value:
    """One tag's value: its TIFF type, its number of items and its bytes in the order of its directory."""

    kind: int
    count: int
    data: bytes


Directory: TypeAlias = "dict[int, Value | Directory]"
"""Tag -> value, or a directory for Exif, GPS and interoperability."""


class BadTags(ValueError):
    """The directories cannot be followed."""


@dataclass
class Tags:
    """The directories of one file.

    order: '<' or '>'; big: BigTIFF; pages: the chain of main directories, the first one first.
    broken: what is wrong with the place where the chain goes on after the last of the pages; empty for a chain that
        ends as it should. damaged: the tags, or directories inside the pages, that were left out because they cannot be
        read, or because they claim more bytes than is read.
    """

    order: str
    big: bool
    pages: list[Directory]
    broken: str = ""
    damaged: frozenset[int] = frozenset()


def read_tags(stream: BinaryIO | bytes, most: int = 10_000) -> Tags:
    """Follows the chain of directories of a TIFF file or an Exif block, as far as it can be followed.

    Not more is read than MOST_ENTRIES, LONGEST, MOST_BYTES and the length of the file allow; the rest is left out.

    Args:
        most: how many directories of the chain are read.
    Raises:
        BadTags: not a TIFF structure, or one whose first directory cannot be read.
    """
    stream = io.BytesIO(stream) if isinstance(stream, bytes) else stream
    reader = _Reader(stream)
    pages: list[Directory] = []
    seen: set[int] = set()
    broken = ""
    offset = reader.first
    while offset and len(pages) < most:
        try:
            if offset in seen:
                raise BadTags("the directories form a loop")
            seen.add(offset)
            page, offset = reader.directory(offset)
            # An Exif block may be empty; a picture is not.
            if not page and most > 1:
                raise BadTags("a directory without tags")
        except BadTags as error:
            if not pages:
                raise
            broken = str(error)
            break
        pages.append(page)
    return Tags(reader.order, reader.big, pages, broken, frozenset(reader.damaged))


class _Reader:
    def __init__(self, stream: BinaryIO):
        self.stream = stream
        self.length = stream.seek(0, io.SEEK_END)
        self.entries = MOST_ENTRIES
        self.bytes = min(MOST_BYTES, self.length + _SHARED)
        self.damaged: set[int] = set()
        head = self._at(0, 8)
        self.order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        version = self._number(head[2:4]) if self.order else 0
        if version not in (42, 43):
            raise BadTags("no TIFF header")
        self.big = version == 43
        self.first = self._number(self._at(8, 8) if self.big else head[4:])

    def directory(self, offset: int, level: int = 0) -> tuple[Directory, int]:
        """The directory at `offset`, and where the next one is; `level` of sub-directories deep."""
        counter, entry, word = (8, 20, 8) if self.big else (2, 12, 4)
        count = self._number(self._at(offset, counter))
        if count > 4096:
            raise BadTags("a directory of impossible length")
        self.entries -= count
        if self.entries < 0 or not self._affordable(count * entry):
            raise BadTags("the directories are larger than the file")
        table = self._at(offset + counter, count * entry)
        tags: Directory = {}
        for i in range(0, len(table), entry):
            tag, kind = (self._number(table[i + j : i + j + 2]) for j in (0, 2))
            number = self._number(table[i + 4 : i + 4 + word])
            place = table[i + 4 + word : i + entry]
            size = _SIZE.get(kind, 0) * number
            if not size:
                continue
            if tag in _CHILDREN and kind in (4, 13, 16, 18) and number == 1:
                # A broken sub-directory costs its own tags, not the photograph; Exif nests them two deep.
                try:
                    if level < 2:
                        tags[tag] = self.directory(self._number(place[: _SIZE[kind]]), level + 1)[0]
                except BadTags:
                    self.damaged.add(tag)
                continue
            start = self._number(place)
            if size > word and (size > LONGEST or start + size > self.length or not self._affordable(size)):
                self.damaged.add(tag)
                continue
            tags[tag] = Value(kind, number, place[:size] if size <= word else self._at(start, size))
        if level:
            return tags, 0
        # Some writers leave out the link to the next directory when there is none.
        self.stream.seek(offset + counter + len(table))
        link = self.stream.read(word)
        return tags, self._number(link) if len(link) == word else 0

    def _affordable(self, size: int) -> bool:
        if size > self.bytes:
            return False
        self.bytes -= size
        return True

    def _at(self, offset: int, size: int) -> bytes:
        if offset + size > self.length:
            raise BadTags("a directory lies beyond the end of the file")
        self.stream.seek(offset)
        return self.stream.read(size)

    def _number(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self.order == "<" else "big")


def numbers(value: Value | Directory | None, order: str) -> tuple[Any, ...]:
    """The items of a numeric tag, fractions as floats; 0 for what is no finite number; () for a tag that has none."""
    if not isinstance(value, Value):
        return ()
    if value.kind in (5, 10):
        letter = "I" if value.kind == 5 else "i"
        items = struct.unpack(f"{order}{2 * value.count}{letter}", value.data)
        return tuple(a / b if b else 0.0 for a, b in zip(items[::2], items[1::2], strict=True))
    kind = _LETTER.get(value.kind)
    items = struct.unpack(f"{order}{value.count}{kind}", value.data) if kind else ()
    return tuple(item if math.isfinite(item) else 0.0 for item in items) if value.kind in (11, 12) else items


def number(tags: Mapping[int, Value | Directory], tag: int, order: str, default: float = 0) -> float:
    """The first item of a numeric tag."""
    value = tags.get(tag)
    if isinstance(value, Value):
        value = Value(value.kind, 1, value.data[: _SIZE[value.kind]])
    return next(iter(numbers(value, order)), default)


def whole(kind: int, *items: int, order: str = "<") -> Value:
    """A tag value of whole numbers."""
    return Value(kind, len(items), struct.pack(f"{order}{len(items)}{_LETTER[kind]}", *items))


def fraction(value: float, order: str = "<") -> Value:
    """A positive rational, to a ten-thousandth."""
    whole_number = round(value)
    pair = (whole_number, 1) if abs(value - whole_number) < 1e-6 else (round(value * 10000), 10000)
    return Value(RATIONAL, 1, struct.pack(f"{order}2I", *pair))


def reordered(tags: Directory, source: str, target: str) -> Directory:
    """The same tags with their bytes in another order; what is opaque (maker notes) stays as it is."""
    if source == target:
        return tags
    swapped: Directory = {}
    for tag, value in tags.items():
        if isinstance(value, dict):
            swapped[tag] = reordered(value, source, target)
            continue
        unit = _UNIT[value.kind]
        data = value.data
        if unit > 1:
            data = np.frombuffer(data, f"u{unit}").byteswap().tobytes()
        swapped[tag] = Value(value.kind, value.count, data)
    return swapped


def build(tags: Directory, offset: int, order: str = "<", big: bool = False) -> bytes:
    """A directory with its values and sub-directories, laid out to stand at `offset` of the file."""
    counter, entry, word = (8, 20, 8) if big else (2, 12, 4)
    letters = {8: "Q", 4: "I", 2: "H"}
    table = bytearray(struct.pack(order + letters[counter], len(tags)))
    after = bytearray()
    start = offset + counter + len(tags) * entry + word

    def put(data: bytes) -> int:
        after.extend(b"\0" * (-(start + len(after)) % 16))
        place = start + len(after)
        after.extend(data)
        return place

    for tag in sorted(tags):
        value = tags[tag]
        if isinstance(value, dict):
            after.extend(b"\0" * (-(start + len(after)) % 16))
            place = start + len(after)
            after.extend(build(value, place, order, big))
            value = whole(LONG, place, order=order)
        data = value.data
        if len(data) > word:
            data = struct.pack(order + letters[word], put(data))
        table += struct.pack(f"{order}HH{letters[word]}", tag, value.kind, value.count) + data.ljust(word, b"\0")
    return bytes(table) + bytes(word) + bytes(after)


def shortened(tags: Directory, longest: int) -> list[str]:
    """Takes the largest tags out of a directory until its block has at most `longest` bytes; returns their names."""
    names = []
    while (excess := len(block(tags)) - longest) > 0:
        sized = [
            (len(value.data), tag, where)
            for where in _directories(tags)
            for tag, value in where.items()
            if isinstance(value, Value)
        ]
        if not sized:
            break
        for size, tag, where in sorted(sized, key=lambda one: one[:2], reverse=True):
            if excess <= 0:
                break
            del where[tag]
            names.append(_name_of(tag))
            excess -= size + 12
    return names


def _name_of(tag: int) -> str:
    # Pillow takes its time to be imported, and few need it.
    from PIL.ExifTags import TAGS

    return TAGS.get(tag, f"tag {tag}")


def _directories(tags: Directory) -> Iterator[Directory]:
    yield tags
    for value in tags.values():
        if isinstance(value, dict):
            yield from _directories(value)


def block(tags: Directory, order: str = "<") -> bytes:
    """An Exif block, beginning with its TIFF header."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return head + build(tags, 8, order)
