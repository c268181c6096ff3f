"""PNG files: the chunks around the pixels."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP = b"XML:com.adobe.xmp"
_READ = (b"CgBI", b"IHDR", b"acTL", b"eXIf", b"iTXt", b"pHYs", b"cICP", b"sRGB", b"gAMA", b"cHRM")
_LARGEST = 64 << 20  # bytes of one chunk of metadata, unpacked; larger ones are not metadata


@dataclass
class Chunks:
    """What the chunks of a PNG file say, except for the pixels."""

    bits: int = 8
    frames: int = 1
    apple: bool = False
    """Packed for iPhones, in a way that only Apple's programs read."""
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    code_points: tuple[int, int] | None = None
    """Primaries and transfer function (cICP)."""
    srgb: bool = False
    gamma: float | None = None
    """Of the encoding: 0.45455 for a usual file."""
    primaries: tuple[float, ...] | None = None
    """x and y of white, red, green and blue."""


def read_chunks(stream: BinaryIO) -> Chunks:
    """Reads the chunks, stepping over the pixels; stops without complaint where a file is broken."""
    found = Chunks()
    stream.seek(len(SIGNATURE))
    while True:
        head = stream.read(8)
        if len(head) < 8:
            return found
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"IEND":
            return found
        if kind not in _READ or size > _LARGEST:
            stream.seek(size + 4, 1)
            continue
        body = stream.read(size)
        if len(body) < size:
            return found
        stream.seek(4, 1)
        if kind == b"CgBI":
            found.apple = True
        elif kind == b"IHDR" and size == 13:
            found.bits = body[8]
        elif kind == b"acTL" and size >= 8:
            found.frames = int.from_bytes(body[:4], "big")
        elif kind == b"eXIf":
            found.exif = body.removeprefix(b"Exif\0\0")
        elif kind == b"iTXt" and body.startswith(_XMP + b"\0"):
            found.xmp = _text(body)
        elif kind == b"pHYs" and size == 9:
            across, down, unit = struct.unpack(">IIB", body)
            if unit == 1 and across and down:
                found.dpi = (across * 0.0254, down * 0.0254)
        elif kind == b"cICP" and size == 4:
            found.code_points = (body[0], body[1])
        elif kind == b"sRGB":
            found.srgb = True
        elif kind == b"gAMA" and size == 4:
            found.gamma = int.from_bytes(body, "big") / 100_000
        elif kind == b"cHRM" and size == 32:
            found.primaries = tuple(number / 100_000 for number in struct.unpack(">8I", body))


def opening(header: bytes, exif: bytes | None, xmp: bytes | None, icc: bytes | None, dpi) -> bytes:
    """The beginning of a file: signature, the header chunk `header`, profile, resolution, Exif, XMP."""
    parts = [SIGNATURE, header]
    if icc:
        parts.append(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    if dpi:
        parts.append(_chunk(b"pHYs", struct.pack(">IIB", *(round(value / 0.0254) for value in dpi), 1)))
    if exif:
        parts.append(_chunk(b"eXIf", exif))
    if xmp:
        parts.append(_chunk(b"iTXt", _XMP + b"\0\0\0\0\0" + xmp))
    return b"".join(parts)


def pixels_at(data: bytes) -> int | None:
    """Where the first chunk of pixels begins in the beginning of a file; None when it has not come yet."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        if data[at + 4 : at + 8] == b"IDAT":
            return at
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return None


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def _text(body: bytes) -> bytes | None:
    rest = body[len(_XMP) + 1 :]
    packed, rest = rest[:1] == b"\1", rest[2:]
    # Language and translated keyword stand before the text.
    text = rest.split(b"\0", 2)[-1]
    if not packed:
        return text
    try:
        unpacker = zlib.decompressobj()
        return unpacker.decompress(text, _LARGEST)
    except zlib.error:
        return None
