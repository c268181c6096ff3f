"""What is damaged in a file, and what only troubles a decoder.

Decoders complain of harmless things (a missing end marker, bytes between segments, unknown tags) and of lost pixels
in one breath, and libvips tells their messages of several photographs at once. So the decision rests on the bytes:
what is known to be harmless is mended in a copy of the few bytes it takes, and whatever a decoder still complains of
is damage. docs/files.md has the table.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
import pyvips

from tintype.photo import exif
from tintype.photo.source import Mend, Source
from tintype.photo.tiff import Page, chunks, grid

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""The next marker in the pixels of a JPEG file: neither a stuffed 0xFF, nor a fill byte, nor a restart marker."""

_MOST_MARKERS, _MOST_PATCHES = 10_000, 100
"""No photograph has more; a file that is made to be searched for ever may."""

_BLANK, _KEPT, _CUT = 64, 4, 2
"""How many zeros in a row are looked at; how many of them are let alone by the first mend; cut by the second."""

_TALLEST = 65400
"""Rows of a JPEG file that may be called a few more: libjpeg takes 65500."""

_STRIP = 8
"""Rows that are asked of a decoder at a time to find where damage begins: what libvips itself reads at a time."""

_MIRRORED = bytes(int(f"{code:08b}"[::-1], 2) for code in range(256))
"""A byte -> the same with its bits the other way round, as some TIFF files have them."""

_FAILURES = (pyvips.Error, UnicodeDecodeError)


@dataclass
class _Scans:
    """The scans of a JPEG file: how many, and which bits of which coefficients they have brought."""

    progressive: bool = False
    components: int = 0
    count: int = 0
    left: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, names: bytes, first: int, last: int, low: int) -> None:
        self.count += 1
        for name in names:
            for k in range(first, min(last, 63) + 1):
                self.left[name, k] = low

    @property
    def complete(self) -> bool:
        """Whether every coefficient of every component has come to its last bit."""
        if not self.progressive:
            return True
        return len(self.left) == 64 * self.components and not any(self.left.values())


def mend_jpeg(data: bytes) -> Mend | None:
    """What makes a JPEG file with harmless faults one without any; None where there is nothing to mend.

    Harmless are: bytes between segments, an unknown revision of JFIF or transform of Adobe, wrong parameters of a
    sequential scan, a height that is told behind the first scan (DNL, as scanners with a feeder write it), fill bytes
    before the end marker of a progressive file, and a missing end marker after all rows. A decoder then decides
    whether the rows are all there.
    """
    patches: dict[int, bytes] = {}
    height = None
    scans = _Scans()
    at, end = 2, len(data)
    for _ in range(_MOST_MARKERS):
        start = at
        at = data.find(b"\xff", at)
        while at >= 0 and data[at + 1 : at + 2] == b"\0":
            at = data.find(b"\xff", at + 2)
        if at < 0:
            at = end
        if start < at < end:
            patches[start] = b"\xff" * (at - start)
            if len(patches) > _MOST_PATCHES:
                return None
        while at < end and data[at] == 0xFF:
            at += 1
        if at >= end:
            return _ended(data, patches, scans)
        code = data[at]
        at += 1
        if code == 0xD9:
            return Mend(patches) if patches else None
        if code == 0x01 or 0xD0 <= code <= 0xD8:
            continue
        size = int.from_bytes(data[at : at + 2], "big")
        body = data[at + 2 : at + size]
        if code == 0xE0 and body.startswith(b"JFIF\0") and len(body) > 5 and body[5] != 1:
            patches[at + 7] = b"\1"
        elif code == 0xEE and body.startswith(b"Adobe") and len(body) > 11 and body[11] > 2:
            # What decoders take an unknown one for.
            patches[at + 13] = b"\2" if scans.components == 4 else b"\1"
        elif code in (0xC0, 0xC1, 0xC2) and len(body) > 5:
            scans.progressive, scans.components = code == 0xC2, body[5]
            height = at + 3
        elif code == 0xDC and height is not None and len(body) == 2 and any(body):
            patches[height] = body
        at += max(2, size)
        if code != 0xDA or len(body) < 6:
            continue
        first, last, bits = body[-3:]
        if scans.progressive:
            scans.add(body[1:-3:2], first, last, bits & 15)
        elif (first, last, bits) != (0, 63, 0):
            patches[at - 3] = b"\0\x3f\0"
        marker = _MARKER.search(data, at)
        if marker is None:
            return _ended(data, patches, scans)
        at = marker.start()
        if scans.progressive and data[at + 1] == 0xD9:
            padding = at - len(data[start:at].rstrip(data[at - 1 : at])) - start
            if padding >= 4:
                patches[at - padding] = b"\xff" * padding
    return None


def longer_jpeg(data: bytes, mended: Mend | None) -> Mend | None:
    """A mend that lets a JPEG file claim one more row of blocks than it has; None where that would tell nothing.

    libvips asks for warnings before it reads rows, never after the last ones. Where each row of blocks is read by
    itself, damage in the last one stays unseen, unless there seems to be another one to read.
    """
    at = 2
    for _ in range(_MOST_MARKERS):
        at = data.find(b"\xff", at)
        code = data[at + 1] if 0 <= at < len(data) - 1 else 0xDA
        if code in (0xDA, 0xD9):
            return None
        if code in (0xC0, 0xC1):
            break
        # Fill bytes, markers without a body, and segments.
        at += 1 if code == 0xFF else 2 if code in (0, 1) or 0xD0 <= code <= 0xD8 else 2 + max(2, _number(data, at + 2))
    body = data[at + 4 : at + 2 + _number(data, at + 2)]
    known = mended.patches.get(at + 5) if mended else None
    height = int.from_bytes(known or body[1:3], "big")
    if len(body) < 6 or any(factors & 15 != 1 for factors in body[7::3]) or not 0 < height <= _TALLEST:
        return None
    taller = {at + 5: (-(-height // 8) * 8 + 1).to_bytes(2, "big")}
    return Mend({**(mended.patches if mended else {}), **taller}, mended.tail if mended else b"")


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _ended(data: bytes, patches: dict[int, bytes], scans: _Scans) -> Mend | None:
    if not scans.complete:
        return Mend(patches) if patches else None
    tail = b"\xd9" if data.endswith(b"\xff") else b"\xff\xd9"
    return Mend(patches, tail, "it has no end marker, but all of its rows are there")


def blank_jpeg(data: bytes) -> tuple[Mend, Mend, str] | None:
    """Two mends that tell what zeros among a JPEG file's pixels are, and what they are if they are damage.

    None where there are none to speak of. A copy that was broken off often has the size of the whole file, and zeros in
    place of the rest, which a decoder takes for pixels. The first mend ends the pixels before the zeros: what decodes
    with it has only padding there. The second cuts their end off alone: what decodes with it, but not with the first,
    has more zeros than its pixels take. Neither decodes where they are pixels, as they are in a file with an even
    bottom and tables of its own.

    In place of a part in the middle, zeros are damage as well, which some decoders pass over; the second mend lets them
    be.
    """
    if bytes(_BLANK) not in data:
        return None
    mend = mend_jpeg(data) or Mend({})
    # With an end marker, the zeros stand before it; without one, at the end of the file.
    end = len(data) if mend.tail else data.find(bytes(_BLANK) + b"\xff\xd9") + _BLANK
    # A few of them may be the last bits of the pixels.
    at = len(data[:end].rstrip(b"\0")) + _KEPT
    if end - at >= _BLANK - _KEPT:
        tail = mend.tail and b"\xff\xd9"
        first, second = (
            Mend({**mend.patches, place: b"\xff" * (end - place)}, tail, mend.note) for place in (at, end - _CUT)
        )
        return first, second, "cut short (its last rows are filled with zeros)"
    if (hole := _hole(data)) is not None:
        at = hole + _KEPT
        ended = b"\xff" * (_BLANK - _KEPT - 1) + b"\xd9"
        return (
            Mend({**mend.patches, at: ended}, mend.tail, mend.note),
            mend,
            "damaged (a part of it is filled with zeros)",
        )
    return None


def _hole(data: bytes) -> int | None:
    """Where zeros begin that cannot be pixels, in a sequential scan of a JPEG file; None for nowhere.

    The shortest code of a table is made of zeros alone. Where it ends a block, zeros may be an even part; where it is a
    coefficient, they would be blocks of nothing but these.
    """
    at, shortest, progressive = 2, dict[int, int](), False
    for _ in range(_MOST_MARKERS):
        at = data.find(b"\xff", at)
        if not 0 <= at < len(data) - 3:
            return None
        code = data[at + 1]
        if code in (0, 1, 0xFF) or 0xD0 <= code <= 0xD8:
            at += 1 if code == 0xFF else 2
            continue
        if code == 0xD9:
            return None
        body = data[at + 4 : at + 2 + _number(data, at + 2)]
        at += 2 + max(2, _number(data, at + 2))
        if code in (0xC0, 0xC1, 0xC2):
            progressive = code == 0xC2
        elif code == 0xC4:
            while len(body) > 17:
                if body[0] >> 4 == 1:
                    shortest[body[0] & 15] = body[17]
                body = body[17 + sum(body[1:17]) :]
        elif code == 0xDA and not progressive:
            marker = _MARKER.search(data, at)
            hole = data.find(bytes(_BLANK), at, marker.start() if marker else len(data))
            if hole >= 0 and any(shortest.get(tables & 15) for tables in body[2:-3:2]):
                return hole
    return None


def mend_tiff(page: Page, source: Source) -> Mend:
    """A directory of nothing but what says how the pixels lie: decoders warn of many others."""
    described = (exif.XMP, exif.IPTC, exif.ORIENTATION, exif.X_RESOLUTION, exif.Y_RESOLUTION, exif.RESOLUTION_UNIT)
    tags = {tag: value for tag, value in page.tags.items() if tag in exif.STRUCTURE and tag not in described}
    stream = source.stream()
    head = stream.read(8)
    big = head[2:4] in (b"+\0", b"\0+")
    length = stream.seek(0, 2)
    padding = -length % 16
    where = (length + padding).to_bytes(8 if big else 4, "little" if page.order == "<" else "big")
    return Mend({8 if big else 4: where}, bytes(padding) + exif.build(tags, length + padding, page.order, big))


def damaged_row(page: Page, source: Source) -> int | None:
    """The first row of a TIFF page in a damaged strip or tile, as far as libvips does not tell; None for none.

    libvips does not look at the checksums of deflated pixels, and passes over what the decoder of JPEG says.
    """
    packed = page.number(259, 1)
    if packed == 7:
        tables = page.blob(347) or b""

        def broken(chunk: bytes) -> bool:
            return _bad_jpeg(tables[:-2] + chunk[2:] if tables else chunk)

    elif packed in (8, 32946):
        mirrored = page.number(266, 1) == 2

        def broken(chunk: bytes) -> bool:
            return _bad_deflate(chunk.translate(_MIRRORED) if mirrored else chunk)

    else:
        return None
    rows, across, down = grid(page)
    stream = source.stream()
    first = None
    for number, (start, size) in enumerate(chunks(page)):
        stream.seek(start)
        if broken(stream.read(size)):
            # Planes follow each other: each begins at the top again.
            row = number % (across * down) // across * rows
            first = row if first is None else min(first, row)
    return first


def _bad_deflate(chunk: bytes) -> bool:
    unpacker = zlib.decompressobj()
    try:
        while chunk and not unpacker.eof:
            unpacker.decompress(chunk, 1 << 20)
            chunk = unpacker.unconsumed_tail
    except zlib.error:
        return True
    return not unpacker.eof


def _bad_jpeg(data: bytes) -> bool:
    def decodes(data: bytes) -> bool:
        try:
            pyvips.Image.jpegload_buffer(data, access="sequential", fail_on="warning").avg()
        except _FAILURES:
            pyvips.vips_lib.vips_error_clear()
            return False
        return True

    def mended(mend: Mend) -> bytes:
        return mend.applied(BytesIO(data)).read()

    if not decodes(data):
        mend = mend_jpeg(data)
        if mend is None or not decodes(mended(mend)):
            return True
    blank = blank_jpeg(data)
    return blank is not None and not decodes(mended(blank[0])) and decodes(mended(blank[1]))


def whole_rows(image: pyvips.Image) -> int:
    """How many rows a strict decoder gives before it finds damage."""
    region = pyvips.Region.new(image)
    done = 0
    try:
        while done < image.height:
            rows = min(_STRIP, image.height - done)
            region.fetch(0, done, image.width, rows)
            done += rows
    except _FAILURES:
        pyvips.vips_lib.vips_error_clear()
    return done


def flat_from(image: pyvips.Image) -> int:
    """The first of the rows at the bottom that are all of one colour, as a decoder fills those that it has not got."""
    region = pyvips.Region.new(image)
    height: int = image.height
    first, color = height, None
    for top in range(0, image.height, _STRIP):
        rows = min(_STRIP, image.height - top)
        data = np.frombuffer(region.fetch(0, top, image.width, rows), np.uint8)
        for row, pixels in enumerate(data.reshape(rows, image.width, -1), top):
            flat = (pixels == pixels[0]).all()
            if not flat or color is None or (pixels[0] != color).any():
                first = row if flat else height
                color = pixels[0].copy() if flat else None
    return first
