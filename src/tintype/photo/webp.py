"""WebP files: the chunks around the pixels."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

_PROFILE, _ALPHA, _EXIF, _XMP = 0x20, 0x10, 0x08, 0x04
MOST_CHUNKS, _LONGEST = 10_000, 16 << 20


@dataclass
class Chunks:
    """What the chunks of a WebP file say, except for the pixels."""

    size: tuple[int, int] = (0, 0)
    """Width, height."""
    frames: int = 0
    """Of an animation; one with a single frame is a photograph."""
    lossless: bool = False
    whole: bool = True
    """The file is as long as its header says."""
    exif: bytes | None = None
    xmp: bytes | None = None
    damaged: bool = False
    """Some of the metadata was longer than is read."""
    crowded: bool = False
    """There are more chunks than MOST_CHUNKS."""


def read_chunks(stream: BinaryIO) -> Chunks:
    """Reads the chunks, stepping over the pixels."""
    chunks = Chunks()
    stream.seek(0, 2)
    length = stream.tell()
    stream.seek(4)
    end = int.from_bytes(stream.read(4), "little") + 8
    chunks.whole = length >= end
    at = 12
    for _ in range(MOST_CHUNKS):
        if at + 8 > min(end, length):
            return chunks
        stream.seek(at)
        head = stream.read(8)
        kind, size = head[:4], int.from_bytes(head[4:], "little")
        if kind == b"VP8X":
            canvas = stream.read(10)[4:]
            chunks.size = (1 + int.from_bytes(canvas[:3], "little"), 1 + int.from_bytes(canvas[3:], "little"))
        elif kind == b"ANMF":
            chunks.frames += 1
            chunks.lossless = stream.read(20)[16:] == b"VP8L"
        elif kind == b"VP8L":
            chunks.lossless = True
            bits = int.from_bytes(stream.read(5)[1:], "little")
            chunks.size = (1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
        elif kind == b"VP8 ":
            sides = stream.read(10)[6:]
            chunks.size = (int.from_bytes(sides[:2], "little") & 0x3FFF, int.from_bytes(sides[2:], "little") & 0x3FFF)
        elif kind in (b"EXIF", b"XMP ") and size > _LONGEST:
            chunks.damaged = True
        elif kind == b"EXIF":
            chunks.exif = chunks.exif or stream.read(size).removeprefix(b"Exif\0\0")
        elif kind == b"XMP ":
            chunks.xmp = chunks.xmp or stream.read(size)
        at += 8 + size + size % 2
    chunks.crowded = True
    return chunks


def assemble(
    data: bytes,
    width: int,
    height: int,
    exif: bytes | None,
    xmp: bytes | None,
    icc: bytes | None,
    has_alpha: bool,
) -> bytes:
    """A file of bare pixels (as the encoder gives it) with profile, Exif and XMP."""
    pixels = []
    at = 12
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind in (b"VP8 ", b"VP8L", b"ALPH"):
            pixels.append(data[at : at + 8 + size + size % 2])
        at += 8 + size + size % 2
    flags = _PROFILE * bool(icc) | _ALPHA * has_alpha | _EXIF * bool(exif) | _XMP * bool(xmp)
    canvas = bytes([flags, 0, 0, 0]) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    parts = [_chunk(b"VP8X", canvas), _chunk(b"ICCP", icc), *pixels, _chunk(b"EXIF", exif), _chunk(b"XMP ", xmp)]
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _chunk(kind: bytes, body: bytes | None) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2) if body else b""
