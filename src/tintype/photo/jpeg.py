"""JPEG files: their segments, the quality that their tables tell, and other pictures that hide behind the first."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tintype.photo import iptc, xmp
from tintype.photo.exif import BadTags, Value, read_tags

_EXIF = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
PHOTOSHOP = b"Photoshop 3.0\0"
_ICC = b"ICC_PROFILE\0"
_MPF = b"MPF\0"
_LONGEST = 65533
MOST_SEGMENTS, _MOST_FILL = 10_000, 1 << 20
_MOST_PICTURES = 16
_MARKER = re.compile(rb"\xff([^\x00\xff])")
_MOST_COMMENTS = 100

# ITU-T T.81 Annex K, row by row.
_LUMA = np.array(
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
        14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ]
)  # fmt: skip
_CHROMA = np.full(64, 99)
_CHROMA[[0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 24, 25]] = [17, 18, 24, 47, 18, 21, 26, 66, 24, 26, 56, 47, 66]
# Along the diagonals, to and fro.
_ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2 else i % 8)))


@dataclass
class Segments:
    """What the segments before the pixels of a JPEG file say; blobs are without their identifiers."""

    tables: dict[int, np.ndarray] = field(default_factory=dict)
    """Quantisation tables by number, int [64] in zigzag order."""
    size: tuple[int, int] = (0, 0)
    """Width, height as stored."""
    bits: int = 8
    lossless: bool = False
    components: list[int] = field(default_factory=list)
    """The number of the table that each component uses."""
    exif: bytes | None = None
    xmp: bytes | None = None
    extension: bytes | None = None
    """The part of the packet that did not fit in its segment."""
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    comments: list[bytes] = field(default_factory=list)
    damaged: bool = False
    """Some of the metadata could not be read, or was longer than is read."""
    pictures: list[tuple[int, int]] = field(default_factory=list)
    """Further pictures in the file (MPF): type code, place in the file."""


def read_segments(stream: BinaryIO, start: int = 0, most: int = MOST_SEGMENTS) -> Segments:
    """Reads the segments up to the pixels, but not more than `most`; stops without complaint where a file is broken."""
    segments = Segments()
    stream.seek(start + 2)
    resources: list[bytes] = []
    extensions: dict[tuple[str, int], dict[int, bytes]] = {}
    for _ in range(most):
        code = _next_marker(stream)
        if code in (None, 0xDA, 0xD9):
            break
        if 0xD0 <= code <= 0xD8 or code == 0x01:
            continue
        size = int.from_bytes(stream.read(2), "big") - 2
        place = stream.tell()
        body = stream.read(max(size, 0))
        if code == 0xDB:
            _tables(body, segments.tables)
        elif 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC) and len(body) >= 9:
            segments.bits, height, width = struct.unpack(">BHH", body[:5])
            segments.size = (width, height)
            segments.lossless = code in (0xC3, 0xC7, 0xCB, 0xCF)
            segments.components = list(body[8::3][:4])
        elif code == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 12:
            unit, across, down = struct.unpack(">BHH", body[7:12])
            if unit in (1, 2) and across and down:
                inch = 2.54 if unit == 2 else 1.0
                segments.dpi = (across * inch, down * inch)
        elif code == 0xE1 and body.startswith(_EXIF):
            segments.exif = segments.exif or body[len(_EXIF) :]
        elif code == 0xE1 and body.startswith(XMP):
            segments.xmp = segments.xmp or body[len(XMP) :]
        elif code == 0xE1 and body.startswith(_EXTENSION):
            _extend(body[len(_EXTENSION) :], extensions)
        elif code == 0xED and body.startswith(PHOTOSHOP):
            resources.append(body[len(PHOTOSHOP) :])
        elif code == 0xE2 and body.startswith(_MPF):
            segments.pictures = _pictures(body[len(_MPF) :], place + len(_MPF))
        elif code == 0xFE and body.strip(b"\0 ") and len(segments.comments) < _MOST_COMMENTS:
            segments.comments.append(body)
    segments.iptc = iptc.record_of(b"".join(resources[:256]))
    _take_extension(segments, extensions)
    return segments


def _next_marker(stream: BinaryIO) -> int | None:
    """The code of the next marker; None where there is none. As decoders do, it passes over bytes between segments."""
    before = b""
    for _ in range(0, _MOST_FILL, 4096):
        piece = stream.read(4096)
        marker = _MARKER.search(before + piece)
        if marker is not None:
            stream.seek(marker.end() - len(before) - len(piece), 1)
            return marker[1][0]
        if not piece:
            break
        before = piece[-1:]
    return None


def _extend(body: bytes, extensions: dict[tuple[str, int], dict[int, bytes]]) -> None:
    """Takes a piece of an extension of XMP: its name, the length of the whole, the place of the piece, the piece."""
    length, place = (int.from_bytes(body[at : at + 4], "big") for at in (32, 36))
    key = (body[:32].decode("latin-1").upper(), length)
    if len(body) > 40 and length <= xmp.LONGEST and (key in extensions or len(extensions) < 4):
        extensions.setdefault(key, {})[place] = body[40:]


def _take_extension(segments: Segments, extensions: dict[tuple[str, int], dict[int, bytes]]) -> None:
    name = xmp.extension_of(segments.xmp or b"")
    if name is None:
        return
    for (other, length), pieces in extensions.items():
        if other == name.upper() and sum(map(len, pieces.values())) == length:
            whole = b"".join(pieces[place] for place in sorted(pieces))
            ends = (place + len(pieces[place]) for place in sorted(pieces))
            if [*sorted(pieces)[1:], length] == list(ends):
                segments.extension = whole
    segments.damaged |= segments.extension is None


def comments(segments: Segments) -> list[str]:
    """The comments as texts."""
    return [iptc.decoded(comment) for comment in segments.comments]


def packet(segments: Segments) -> bytes | None:
    """The whole XMP packet; without an extension that is broken."""
    if segments.xmp and xmp.extension_of(segments.xmp):
        return xmp.joined(segments.xmp, segments.extension) or segments.xmp
    return segments.xmp


def quality(segments: Segments) -> int | None:
    """The lowest IJG quality (1..100) whose tables are nowhere coarser than the file's: exact for IJG tables."""
    if not segments.components or any(number not in segments.tables for number in segments.components):
        return None
    luma, *chroma = (segments.tables[number] for number in segments.components)
    fine = (_all_levels() <= luma).all(axis=1)
    # CMYK and RGB files have no chroma tables, but the first one again.
    for table in chroma:
        if table is not luma:
            fine &= (_all_levels(True) <= table).all(axis=1)
    return int(fine.argmax()) + 1 if fine.any() else 100


def turned_quality(level: int | None, orientation: int, size: tuple[int, int]) -> int | None:
    """The quality at which the upright photograph keeps its lightness as well as one that was not turned.

    Turning moves the blocks of 8 x 8 pixels when they are counted from an edge that cuts one: each block of the result
    then holds parts of several, and the same tables would lose 1 to 2 of L* at low qualities, five times as much.

    Args:
        level: the quality of the file. orientation: that of Exif. size: width and height as stored.
    """
    width, height = size
    across, down = orientation in (2, 3, 7, 8), orientation in (3, 4, 6, 7)
    if level is None or not ((across and width % 8) or (down and height % 8)):
        return level
    return 100 - (100 - level) // 12


def quantisation(level: int, chroma: bool = False) -> NDArray[np.int64]:
    """The IJG table of luma or chroma for a quality, int [64] in zigzag order."""
    scale = 5000 // level if level < 50 else 200 - 2 * level
    table: NDArray[np.int64] = np.clip(((_CHROMA if chroma else _LUMA) * scale + 50) // 100, 1, 255)[_ZIGZAG]
    return table


@cache
def _all_levels(chroma: bool = False) -> NDArray[np.int64]:
    """The tables of every quality from 1 on, int [100, 64]."""
    return np.stack([quantisation(level, chroma) for level in range(1, 101)])


def opening(
    exif: bytes | None,
    main: bytes | None,
    extension: bytes | None,
    record: bytes | None,
    icc: bytes | None,
    dpi: tuple[float, float] | None,
    comments: Iterable[str] = (),
) -> bytes:
    """The beginning of a file: start of image, JFIF, Exif, XMP, IPTC and ICC segments, comments.

    What is longer than a segment may be is split, but Exif and the main packet of XMP may not be longer than
    LONGEST_EXIF and LONGEST_XMP.
    """
    across, down = (min(65535, max(1, round(value))) for value in dpi) if dpi else (1, 1)
    parts = [b"\xff\xd8", _segment(0xE0, b"JFIF\0\1\1" + struct.pack(">BHHBB", 1 if dpi else 0, across, down, 0, 0))]
    if exif:
        parts.append(_segment(0xE1, _EXIF + exif))
    if main:
        parts.append(_segment(0xE1, XMP + main))
    if extension:
        head = _EXTENSION + xmp.name_of(extension).encode() + len(extension).to_bytes(4, "big")
        for at, piece in _pieces(extension, _LONGEST - len(head) - 4):
            parts.append(_segment(0xE1, head + at.to_bytes(4, "big") + piece))
    if record:
        for _, piece in _pieces(iptc.resources_of(record), _LONGEST - len(PHOTOSHOP)):
            parts.append(_segment(0xED, PHOTOSHOP + piece))
    if icc:
        pieces = list(_pieces(icc, _LONGEST - len(_ICC) - 2))
        for i, (_, piece) in enumerate(pieces, 1):
            parts.append(_segment(0xE2, _ICC + bytes([i, len(pieces)]) + piece))
    for comment in comments:
        for _, piece in _pieces(comment.encode("utf-8", "replace"), _LONGEST):
            parts.append(_segment(0xFE, piece))
    return b"".join(parts)


LONGEST_EXIF = _LONGEST - len(_EXIF)
"""The longest Exif block: it has to fit in one segment."""
LONGEST_XMP = _LONGEST - len(XMP)
"""The longest XMP packet that one segment holds; what is longer goes into an extension."""


LONGEST_PROFILE = 255 * (_LONGEST - len(_ICC) - 2)
"""The longest profile: its pieces are numbered by one byte."""


def _pieces(data: bytes, longest: int) -> Iterator[tuple[int, bytes]]:
    for at in range(0, len(data), longest):
        yield at, data[at : at + longest]


def is_gain_map(segments: Segments) -> bool:
    """Whether the XMP of a further picture says that it is a map of brightness, not a photograph."""
    return bool(segments.xmp and re.search(rb"hdrgm:|GainMap|DepthMap|apple:HDR", segments.xmp, re.IGNORECASE))


def photographs(stream: BinaryIO) -> list[int]:
    """Where the photographs of a JPEG file begin: the first one, and others of its size (MPO).

    Previews, gain maps and depth maps belong to the photograph; another picture of its size is another photograph.
    """
    first = read_segments(stream)
    others = [(place, read_segments(stream, place, most=1000)) for kind, place in first.pictures if kind >> 16 != 1]
    places = [place for place, other in others if other.size == first.size and not is_gain_map(other)]
    # A photograph that says that it has a map, which may be as large: the map need not say so again.
    return [0, *places[is_gain_map(first) :]]


def _segment(code: int, body: bytes) -> bytes:
    return bytes([0xFF, code]) + (len(body) + 2).to_bytes(2, "big") + body


def _tables(body: bytes, tables: dict[int, np.ndarray]) -> None:
    while body:
        wide, number = body[0] >> 4, body[0] & 15
        size = 128 if wide else 64
        if len(body) < 1 + size:
            return
        tables[number] = np.frombuffer(body[1 : 1 + size], ">u2" if wide else np.uint8).astype(int)
        body = body[1 + size :]


def _pictures(block: bytes, place: int) -> list[tuple[int, int]]:
    """Type and place of the further pictures that an MPF index lists."""
    try:
        tags = read_tags(block, most=1)
    except BadTags:
        return []
    entries = tags.pages[0].get(0xB002) if tags.pages else None
    if not isinstance(entries, Value):
        return []
    pictures = []
    for i in range(0, min(16 * _MOST_PICTURES, len(entries.data) - 15), 16):
        kind, _, offset = struct.unpack(tags.order + "III", entries.data[i : i + 12])
        if offset:
            pictures.append((kind & 0xFFFFFF, place + offset))
    return pictures
