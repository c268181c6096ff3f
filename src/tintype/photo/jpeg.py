"""JPEG files: their segments, the quality that their tables tell, and other pictures that hide behind the first."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from tintype.photo.exif import BadTags, read_tags

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_ICC = b"ICC_PROFILE\0"
_MPF = b"MPF\0"
_LONGEST = 65533

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
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    pictures: list[tuple[int, int]] = field(default_factory=list)
    """Further pictures in the file (MPF): type code, place in the file."""


def read_segments(stream: BinaryIO, start: int = 0) -> Segments:
    """Reads the segments up to the pixels; stops without complaint where a file is broken."""
    found = Segments()
    stream.seek(start + 2)
    iptc = b""
    while True:
        marker = stream.read(2)
        if len(marker) < 2 or marker[0] != 0xFF or marker[1] in (0xDA, 0xD9):
            break
        code = marker[1]
        if code == 0xFF:
            stream.seek(-1, 1)
            continue
        if 0xD0 <= code <= 0xD8 or code == 0x01:
            continue
        size = int.from_bytes(stream.read(2), "big") - 2
        place = stream.tell()
        body = stream.read(max(size, 0))
        if code == 0xDB:
            _tables(body, found.tables)
        elif 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC) and len(body) >= 9:
            found.bits, height, width = struct.unpack(">BHH", body[:5])
            found.size = (width, height)
            found.lossless = code in (0xC3, 0xC7, 0xCB, 0xCF)
            found.components = list(body[8::3])
        elif code == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 12:
            unit, across, down = struct.unpack(">BHH", body[7:12])
            if unit in (1, 2) and across and down:
                inch = 2.54 if unit == 2 else 1.0
                found.dpi = (across * inch, down * inch)
        elif code == 0xE1 and body.startswith(_EXIF):
            found.exif = found.exif or body[len(_EXIF) :]
        elif code == 0xE1 and body.startswith(_XMP):
            found.xmp = found.xmp or body[len(_XMP) :]
        elif code == 0xED and body.startswith(_PHOTOSHOP):
            iptc += body[len(_PHOTOSHOP) :]
        elif code == 0xE2 and body.startswith(_MPF):
            found.pictures = _pictures(body[len(_MPF) :], place + len(_MPF))
    found.iptc = _iptc(iptc)
    return found


def quality(segments: Segments) -> int | None:
    """The lowest IJG quality (1..100) whose tables are nowhere coarser than the file's: exact for IJG tables."""
    if not segments.components or any(number not in segments.tables for number in segments.components):
        return None
    luma, *chroma = (segments.tables[number] for number in segments.components)
    for level in range(1, 101):
        fine = (quantisation(level) <= luma).all()
        # CMYK and RGB files have no chroma tables, but the first one again.
        fine = fine and all((quantisation(level, True) <= table).all() for table in chroma if table is not luma)
        if fine:
            return level
    return 100


def quantisation(level: int, chroma: bool = False) -> np.ndarray:
    """The IJG table of luma or chroma for a quality, int [64] in zigzag order."""
    scale = 5000 // level if level < 50 else 200 - 2 * level
    return np.clip(((_CHROMA if chroma else _LUMA) * scale + 50) // 100, 1, 255)[_ZIGZAG]


def opening(exif: bytes | None, xmp: bytes | None, iptc: bytes | None, icc: bytes | None, dpi) -> bytes:
    """The beginning of a file: start of image, JFIF, Exif, XMP, IPTC and ICC segments.

    What is longer than a segment may be is left out (an Exif block) or split (a profile).
    """
    across, down = (min(65535, max(1, round(value))) for value in dpi) if dpi else (1, 1)
    parts = [b"\xff\xd8", _segment(0xE0, b"JFIF\0\1\1" + struct.pack(">BHHBB", 1 if dpi else 0, across, down, 0, 0))]
    if exif and len(exif) + len(_EXIF) <= _LONGEST:
        parts.append(_segment(0xE1, _EXIF + exif))
    if xmp:
        parts.append(_segment(0xE1, _XMP + xmp))
    if iptc and len(iptc) < _LONGEST - 64:
        resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
        parts.append(_segment(0xED, _PHOTOSHOP + resource))
    if icc:
        step = _LONGEST - len(_ICC) - 2
        pieces = [icc[i : i + step] for i in range(0, len(icc), step)]
        for i, piece in enumerate(pieces, 1):
            parts.append(_segment(0xE2, _ICC + bytes([i, len(pieces)]) + piece))
    return b"".join(parts)


LONGEST_XMP = _LONGEST - len(_XMP)
"""The longest XMP packet that one segment holds."""


def is_gain_map(segments: Segments) -> bool:
    """Whether the XMP of a further picture says that it is a map of brightness, not a photograph."""
    return bool(segments.xmp and re.search(rb"hdrgm:|GainMap|DepthMap|apple:HDR", segments.xmp, re.IGNORECASE))


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


def _iptc(resources: bytes) -> bytes | None:
    """The IPTC record among Photoshop's image resources."""
    at = 0
    while resources[at : at + 4] == b"8BIM" and at + 12 <= len(resources):
        kind = int.from_bytes(resources[at + 4 : at + 6], "big")
        name = resources[at + 6] + 1
        data = at + 6 + name + name % 2
        size = int.from_bytes(resources[data : data + 4], "big")
        if kind == 0x0404:
            return resources[data + 4 : data + 4 + size] or None
        at = data + 4 + size + size % 2
    return None


def _pictures(block: bytes, place: int) -> list[tuple[int, int]]:
    """Type and place of the further pictures that an MPF index lists."""
    try:
        tags = read_tags(block)
    except BadTags:
        return []
    entries = tags.pages[0].get(0xB002) if tags.pages else None
    if entries is None:
        return []
    found = []
    for i in range(0, len(entries.data) - 15, 16):
        kind, _, offset = struct.unpack(tags.order + "III", entries.data[i : i + 12])
        if offset:
            found.append((kind & 0xFFFFFF, place + offset))
    return found
