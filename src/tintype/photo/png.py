"""PNG files: the chunks around the pixels."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

from tintype.photo import iptc, jpeg
from tintype.photo.photo import Text
from tintype.photo.xmp import LONGEST as LONGEST_XMP

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_READ = (b"CgBI", b"IHDR", b"acTL", b"eXIf", b"iTXt", b"zTXt", b"tEXt", b"pHYs", b"cICP", b"sRGB", b"gAMA", b"cHRM")
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_XMP = "XML:com.adobe.xmp"
_RAW = "Raw profile type "

LONGEST = 16 << 20
"""Bytes of one chunk of metadata."""
LONGEST_TEXT = 1 << 20
"""Bytes of one text, unpacked, but for profiles and XMP, which may have LONGEST."""
MOST_BYTES = 32 << 20
"""Bytes of all texts of a file together, unpacked."""
MOST_CHUNKS, MOST_TEXTS = 10_000, 1000
"""Chunks of a file beside those of its pixels, and texts among them that are kept."""
_MOST_PIXEL_CHUNKS = 300_000

_LAYOUT = re.compile(r"(png|jpeg|tiff|exif|icc|gif|bmp|thumb):|.*orientation$", re.IGNORECASE)
"""Keywords that repeat what other chunks say, or tell how the pixels lay in another file: untrue of the result."""


@dataclass
class Chunks:
    """What the chunks of a PNG file say, except for the pixels.

    size: width, height; bits: of a sample; samples: of a pixel, as stored; interlaced: the pixels come in seven passes.
    texts: in the order of the file, without those that hold Exif, IPTC or XMP and those that tell of the layout.
    damaged: some of it could not be read, or was longer than is read. crowded: there are more chunks than MOST_CHUNKS,
    or more bytes of text than MOST_BYTES.
    """

    size: tuple[int, int] = (0, 0)
    bits: int = 8
    samples: int = 1
    frames: int = 1
    apple: bool = False
    """Packed for iPhones, in a way that only Apple's programs read."""
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    code_points: tuple[int, int] | None = None
    """Primaries and transfer function (cICP)."""
    srgb: bool = False
    gamma: float | None = None
    """Of the encoding: 0.45455 for a usual file."""
    primaries: tuple[float, ...] | None = None
    """x and y of white, red, green and blue."""
    texts: list[Text] = field(default_factory=list)
    damaged: bool = False
    crowded: bool = False
    _unpacked: int = 0


def read_chunks(stream: BinaryIO) -> Chunks:
    """Reads the chunks, stepping over the pixels; stops without complaint where a file is broken."""
    chunks = Chunks()
    profiles: dict[str, bytes] = {}
    stream.seek(len(SIGNATURE))
    others = 0
    for _ in range(_MOST_PIXEL_CHUNKS):
        head = stream.read(8)
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or kind == b"IEND":
            break
        others += kind != b"IDAT"
        if others > MOST_CHUNKS:
            chunks.crowded = True
            break
        if kind not in _READ or size > LONGEST:
            chunks.damaged |= size > LONGEST and kind in (b"eXIf", *_TEXTS)
            stream.seek(size + 4, 1)
            continue
        body = stream.read(size)
        if len(body) < size:
            break
        stream.seek(4, 1)
        if kind == b"CgBI":
            chunks.apple = True
        elif kind == b"IHDR" and size == 13:
            chunks.size = struct.unpack(">II", body[:8])
            chunks.bits = body[8]
            chunks.samples = {2: 3, 4: 2, 6: 4}.get(body[9], 1)
        elif kind == b"acTL" and size >= 8:
            chunks.frames = int.from_bytes(body[:4], "big")
        elif kind == b"eXIf":
            chunks.exif = chunks.exif or body.removeprefix(b"Exif\0\0")
        elif kind == b"pHYs" and size == 9:
            across, down, unit = struct.unpack(">IIB", body)
            if unit == 1 and across and down:
                chunks.dpi = (across * 0.0254, down * 0.0254)
        elif kind == b"cICP" and size == 4:
            chunks.code_points = (body[0], body[1])
        elif kind == b"sRGB":
            chunks.srgb = True
        elif kind == b"gAMA" and size == 4:
            chunks.gamma = int.from_bytes(body, "big") / 100_000
        elif kind == b"cHRM" and size == 32:
            chunks.primaries = tuple(number / 100_000 for number in struct.unpack(">8I", body))
        elif kind in _TEXTS:
            _read_text(kind, body, chunks, profiles)
    # The chunks that the standard gives them go before the profiles that programs wrote into texts before there were
    # such chunks.
    for name in ("exif", "app1"):
        profile = profiles.get(name, b"")
        if profile.startswith(jpeg.XMP):
            profiles.setdefault("xmp", profile.removeprefix(jpeg.XMP))
        else:
            chunks.exif = chunks.exif or profile.removeprefix(b"Exif\0\0") or None
    chunks.xmp = chunks.xmp or profiles.get("xmp")
    for name in ("iptc", "8bim"):
        profile = profiles.get(name, b"").removeprefix(jpeg.PHOTOSHOP)
        chunks.iptc = chunks.iptc or (iptc.record_of(profile) if profile.startswith(b"8BIM") else profile) or None
    return chunks


def is_caption(keyword: str) -> bool:
    """Whether a text is kept as such: not those that hold Exif, IPTC or XMP, or tell how pixels lay in a file."""
    return bool(keyword) and keyword != _XMP and not keyword.startswith(_RAW) and not _LAYOUT.match(keyword)


def opening(
    header: bytes,
    exif: bytes | None,
    xmp: bytes | None,
    icc: bytes | None,
    dpi: tuple[float, float] | None,
    texts: Iterable[Text] = (),
) -> bytes:
    """The beginning of a file: signature, the header chunk `header`, profile, resolution, Exif, XMP, texts."""
    parts = [SIGNATURE, header]
    if icc:
        parts.append(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    if dpi:
        parts.append(_chunk(b"pHYs", struct.pack(">IIB", *(round(value / 0.0254) for value in dpi), 1)))
    if exif:
        parts.append(_chunk(b"eXIf", exif))
    if xmp:
        parts.append(_chunk(b"iTXt", _XMP.encode() + b"\0\0\0\0\0" + xmp))
    parts += [_written(text) for text in texts]
    return b"".join(parts)


def pixels_at(data: bytes | bytearray) -> int | None:
    """Where the first chunk of pixels begins in the beginning of a file; None when it has not come yet."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        if data[at + 4 : at + 8] == b"IDAT":
            return at
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return None


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def _read_text(kind: bytes, body: bytes, chunks: Chunks, profiles: dict[str, bytes]) -> None:
    """Takes a text chunk into `chunks` or, when it holds a profile, into `profiles`."""
    word, _, rest = body.partition(b"\0")
    keyword = word.decode("latin-1").strip()
    language, packed = "", False
    if kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:]
        # Language and translated keyword stand before the text.
        tag, _, rest = rest.partition(b"\0")
        language = tag.decode("latin-1")
        rest = rest.partition(b"\0")[2]
    elif kind == b"zTXt":
        packed, rest = True, rest[1:]
    is_profile = keyword == _XMP or keyword.startswith(_RAW)
    longest = LONGEST_XMP if keyword == _XMP else LONGEST if is_profile else LONGEST_TEXT
    longest = min(longest, MOST_BYTES - chunks._unpacked)
    if longest <= 0:
        chunks.crowded = True
        return
    if len(chunks.texts) + len(profiles) >= MOST_TEXTS:
        chunks.damaged = True
        return
    text, size = _unpacked(rest, longest) if packed else (rest, len(rest))
    chunks._unpacked += size
    if text is None or size > longest:
        chunks.damaged = True
    elif keyword == _XMP:
        chunks.xmp = chunks.xmp or text
    elif is_profile:
        profile = _raw_profile(text)
        chunks.damaged |= profile is None
        if profile:
            profiles.setdefault(keyword.removeprefix(_RAW).strip().lower(), profile)
    elif text and is_caption(keyword):
        # Latin-1 by the standard, but for iTXt; many programs write UTF-8 everywhere.
        try:
            letters = text.decode("utf-8")
        except UnicodeDecodeError:
            letters = text.decode("latin-1")
        chunks.texts.append(Text(keyword[:79], letters, language))


def _unpacked(data: bytes, longest: int) -> tuple[bytes | None, int]:
    """Unpacked bytes and how many of them there are; None for broken ones and for more than `longest`."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data, longest)
    except zlib.error:
        return None, 0
    return text if unpacker.eof else None, len(text)


def _raw_profile(text: bytes) -> bytes | None:
    r"""The bytes of a profile that is written as '\nNAME\nLENGTH\nHEX...'; None for a broken one."""
    parts = re.match(rb"\s*[^\n]*\n\s*(\d{1,9})\s*\n", text[:200])
    if parts is None:
        return None
    try:
        data = bytes.fromhex(text[parts.end() :].decode("ascii"))
    except ValueError:
        return None
    return data[: int(parts[1])] if len(data) >= int(parts[1]) else None


def _written(text: Text) -> bytes:
    letters = text.letters.replace("\0", "")
    keyword = text.keyword.replace("\0", "").encode("latin-1", "replace")[:79] or b"Comment"
    try:
        if not text.language:
            return _chunk(b"tEXt", keyword + b"\0" + letters.encode("latin-1"))
    except UnicodeEncodeError:
        pass
    language = text.language.encode("ascii", "ignore").replace(b"\0", b"")
    return _chunk(b"iTXt", keyword + b"\0\0\0" + language + b"\0\0" + letters.encode("utf-8", "replace"))
