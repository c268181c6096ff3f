"""TIFF pixels that are packed by what libtiff does not unpack here: unpacked by other libraries, and packed anew."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyvips

from tintype.errors import UnreadablePhoto, UnsupportedPhoto
from tintype.photo import exif, formats, heads
from tintype.photo.decode import check_size

if TYPE_CHECKING:
    from tintype.photo.tiff import Page

_NAMES = {"jpeg2000": "JPEG 2000", "lzma": "LZMA", "zstd": "Zstandard", "webp": "WebP", "jpegxl": "JPEG XL"}
_PICTURES = ("jpeg2000", "webp", "jpegxl")
"""Strips and tiles that are pictures of their own."""
_YCBCR_JPEG_2000 = 33003
_FAILURES = (RuntimeError, ValueError, lzma.LZMAError, EOFError, MemoryError)


def deflated(page: Page, data: bytes, name: str) -> tuple[Page, bytes]:
    """The same page in a file of its own, its strips or tiles packed with deflate.

    Args:
        data: the whole file.
    Raises:
        UnsupportedPhoto: a library is not installed, or the pixels lie in an unusual way. UnreadablePhoto: broken.
    """
    tiled = 324 in page.tags
    places, sizes = (324, 325) if tiled else (273, 279)
    wide, rows = (page.number(322), page.number(323)) if tiled else (page.width, page.number(278, page.height))
    rows = rows if tiled else min(rows, page.height)
    planes = page.samples if page.number(284, 1) == 2 else 1
    if not (wide and rows and page.bits in (8, 16, 32)) or page.number(259) == _YCBCR_JPEG_2000:
        raise UnsupportedPhoto(
            f"{name} is a TIFF file compressed with {_NAMES[page.compression]} in an unusual way, which tintype does "
            "not read: save it with deflate or LZW"
        )
    check_size(page.width + wide, page.height + rows, name)
    samples = page.samples // planes
    unpack = _unpacker(page, name)
    full = wide * rows * samples * page.bits // 8
    down = -(-page.height // rows)
    at = 16 if page.big else 8
    body, starts, counts = bytearray(), [], []
    chunks = zip(map(int, page.numbers(places)), map(int, page.numbers(sizes)), strict=False)
    for i, (start, count) in enumerate(chunks):
        lines = rows if tiled else min(rows, page.height - i % down * rows)
        try:
            strip = unpack(data[start : start + count], full, (lines, wide, samples))
        except _FAILURES as error:
            raise UnreadablePhoto(f"{name} is broken or cut short ({error}): get a whole copy of it") from None
        if len(strip) < full // rows * lines:
            raise UnreadablePhoto(f"{name} is broken or cut short (a strip lacks pixels): get a whole copy of it")
        packed = zlib.compress(strip[: full // rows * lines], 1)
        starts.append(at + len(body))
        counts.append(len(packed))
        body += packed
    offset = exif.LONG8 if page.big else exif.LONG
    tags = dict(page.tags) | {
        259: exif.whole(exif.SHORT, 8, order=page.order),
        places: exif.whole(offset, *starts, order=page.order),
        sizes: exif.whole(offset, *counts, order=page.order),
    }
    if page.compression in _PICTURES and page.photometric == 6:
        # The codec has made RGB of them.
        tags[262] = exif.whole(exif.SHORT, 2, order=page.order)
    body += bytes(-(at + len(body)) % 16)
    first = at + len(body)
    mark, version = (b"II", b"MM")[page.order == ">"], 43 if page.big else 42
    head = mark + struct.pack(
        page.order + ("HHHQ" if page.big else "HI"), version, *((8, 0) if page.big else ()), first
    )
    layout = {tag: value for tag, value in tags.items() if tag in exif.STRUCTURE or tag in (exif.ICC, 318)}
    file = head + bytes(body) + exif.build(layout, first, page.order, page.big)
    return replace(page, index=0, tags=tags), file


def _size(kind: str, strip: bytes) -> tuple[int, int]:
    """Height and width of a strip or tile that is a picture, by its head. Raises ValueError where that is broken."""
    if kind == "webp":
        try:
            image = pyvips.Image.webpload_buffer(strip)
        except (pyvips.Error, UnicodeDecodeError) as error:
            raise ValueError("a strip is no WebP picture") from error
        return image.height, image.width
    if (size := heads.size(strip)) is None:
        raise ValueError("a strip is no picture")
    return size


def _unpacker(page: Page, name: str) -> Callable[[bytes, int, tuple[int, int, int]], bytes]:
    """What unpacks a strip, given how many bytes it fills and its rows, columns and samples."""
    kind = page.compression
    if kind == "lzma":
        return lambda strip, full, shape: lzma.LZMADecompressor().decompress(strip, full)
    codecs = formats.imagecodecs(name, f"a TIFF file compressed with {_NAMES[kind]}")
    if kind == "zstd":
        return lambda strip, full, shape: codecs.zstd_decode(strip, out=full)
    decode = {"jpeg2000": codecs.jpeg2k_decode, "webp": codecs.webp_decode, "jpegxl": codecs.jpegxl_decode}[kind]

    def picture(strip: bytes, full: int, shape: tuple[int, int, int]) -> bytes:
        lines, wide, samples = shape
        height, width = _size(kind, strip)
        if width != wide or not lines <= height <= page.height + lines:
            # Not to be unpacked: a few bytes may ask for gigabytes.
            raise ValueError(f"a strip holds {width} x {height} pixels")
        pixels = decode(strip)
        pixels = pixels.reshape(*pixels.shape[:2], -1)
        if pixels.dtype.itemsize * 8 != page.bits or pixels.shape[1:] != (wide, samples) or len(pixels) < lines:
            raise ValueError(f"a strip holds {pixels.shape[1]} x {len(pixels)} pixels of another kind")
        return np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder(page.order))).tobytes()

    return picture
