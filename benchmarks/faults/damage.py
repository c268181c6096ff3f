"""Files that are broken, each in a way of its own, and what is to be said of them."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image

from benchmarks.faults.scans import Gray, album, jpeg, saved


@dataclass(frozen=True)
class Damage:
    """A way to be broken.

    put: writes it at a path, from a picture, uint8 [h, w]; returns what is to be said of which path, where that is not
    the same path. said: an expression that fits the sentence by which it is refused; None: it is coloured all the
    same. note: an expression that fits what is said of it then; none: nothing is.
    """

    suffix: str
    put: Callable[[Path, Gray], Mapping[Path, str | None] | None]
    said: str | None
    note: str = ""


def _bytes(suffix: str, make: Callable[[Gray], bytes], said: str | None, note: str = "") -> Damage:
    def put(path: Path, gray: Gray) -> None:
        path.write_bytes(make(gray))

    return Damage(suffix, put, said, note)


def _png(gray: Gray) -> bytes:
    return saved(Image.fromarray(gray), "PNG")


def _tiff(gray: Gray, **options: object) -> bytes:
    return saved(Image.fromarray(gray), "TIFF", **options)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _segment(code: int, body: bytes) -> bytes:
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


def _cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def _zeros(data: bytes, start: float, end: float) -> bytes:
    first, last = int(len(data) * start), int(len(data) * end)
    return data[:first] + bytes(last - first) + data[last:]


def _patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _frame(data: bytes) -> int:
    """Where the height of a baseline JPEG stands; its width and the number of its components follow."""
    return data.index(b"\xff\xc0") + 5


def _directory(data: bytes) -> int:
    """Where the first directory of a TIFF file begins."""
    return int.from_bytes(data[4:8], "little")


def _entry(data: bytes, tag: int) -> int:
    """Where the value of a tag stands in the first directory of a TIFF file."""
    start = _directory(data)
    for number in range(int.from_bytes(data[start : start + 2], "little")):
        at = start + 2 + 12 * number
        if int.from_bytes(data[at : at + 2], "little") == tag:
            return at + 8
    raise KeyError(tag)


def _looped(data: bytes) -> bytes:
    """A TIFF file whose first directory is followed by itself."""
    start = _directory(data)
    count = int.from_bytes(data[start : start + 2], "little")
    return _patched(data, start + 2 + 12 * count, struct.pack("<I", start))


def _second_page_cut(gray: Gray) -> bytes:
    """A TIFF file of two pages; the rows of the second lie behind the end of the file."""
    data = album(gray, 2)
    start = _directory(data)
    following = start + 2 + 12 * int.from_bytes(data[start : start + 2], "little")
    second = int.from_bytes(data[following : following + 4], "little")
    moved = data[:4] + struct.pack("<I", second) + data[8:]
    return _patched(data, _entry(moved, 273), struct.pack("<I", 1 << 30))


def _wrong_crc(gray: Gray) -> bytes:
    data = _png(gray)
    at = data.index(b"IDAT")
    end = at + 4 + int.from_bytes(data[at - 4 : at], "big")
    return _patched(data, end, bytes(byte ^ 0xFF for byte in data[end : end + 4]))


@cache
def _bomb() -> bytes:
    """A PNG file of 200 KB that says it has 992 megapixels, and unpacks to 200 MB."""
    packer = zlib.compressobj(9)
    rows = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(200)), packer.flush()])
    header = struct.pack(">IIBBBBB", 31_000, 32_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _raw(gray: Gray) -> bytes:
    """What begins as a raw file of a Canon camera does."""
    return b"II*\0\x10\0\0\0CR\2\0" + _tiff(gray)[12:]


def _animation(gray: Gray) -> bytes:
    frames = [Image.fromarray(np.roll(gray, 5 * number, 1)) for number in range(4)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)


def _film(gray: Gray) -> bytes:
    frames = [Image.fromarray(np.roll(gray, 5 * number, 1)) for number in range(3)]
    return saved(frames[0], "AVIF", save_all=True, append_images=frames[1:], speed=10)


def _multispectral(gray: Gray) -> bytes:
    image = pyvips.Image.new_from_array(gray)
    return image.bandjoin([image] * 6).copy(interpretation="multiband").write_to_buffer(".tif")


def _mute(path: Path, gray: Gray) -> None:
    """A file that nobody may read, not even its owner; a superuser may."""
    path.write_bytes(jpeg(gray))
    path.chmod(0)


def _closed(mode: int) -> Callable[[Path, Gray], None]:
    """A folder with a photograph in it that lacks a permission; a superuser needs none."""

    def put(path: Path, gray: Gray) -> None:
        path.mkdir()
        (path / "inside.jpg").write_bytes(jpeg(gray))
        path.chmod(mode)

    return put


def _circle(path: Path, gray: Gray) -> dict[Path, str | None]:
    del gray
    other = path.with_name(f"again {path.name}")
    other.symlink_to(path.name)
    path.symlink_to(other.name)
    said = "is a link that cannot be followed"
    return {path: said, other: said}


def _folder(path: Path, gray: Gray) -> dict[Path, str | None]:
    """A folder that is called as a photograph is, with a link to itself in it."""
    path.mkdir()
    (path / "again").symlink_to(".")
    (path / "inside.jpg").write_bytes(jpeg(gray))
    return {path / "inside.jpg": None}


def _pipe(path: Path, gray: Gray) -> None:
    del gray
    os.mkfifo(path)


def _link(path: Path, gray: Gray) -> None:
    del gray
    path.symlink_to("gone/away.jpg")


DAMAGES = {
    "empty": _bytes(".jpg", lambda gray: b"", "is empty"),
    "zeros alone, as after a crash": _bytes(".tif", lambda gray: bytes(5000), "is not a photograph that"),
    "JPEG cut in its header": _bytes(".jpg", lambda gray: jpeg(gray)[:100], "is broken or cut short"),
    "JPEG cut in the middle": _bytes(".jpg", lambda gray: _cut(jpeg(gray), 0.6), "is broken or cut short"),
    "JPEG cut before its end": _bytes(".jpg", lambda gray: jpeg(gray)[:-40], "is broken or cut short"),
    "JPEG without its last two bytes": _bytes(".jpg", lambda gray: jpeg(gray)[:-2], None, "has no end marker"),
    "JPEG with zeros in the middle": _bytes(
        ".jpg", lambda gray: _zeros(jpeg(gray), 0.5, 0.8), "is broken or cut short|is damaged"
    ),
    "JPEG of no width": _bytes(
        ".jpg", lambda gray: _patched(jpeg(gray), _frame(jpeg(gray)) + 2, b"\0\0"), "is broken or cut short"
    ),
    "JPEG of 65 500 x 65 500 pixels": _bytes(
        ".jpg", lambda gray: _patched(jpeg(gray), _frame(jpeg(gray)), b"\xff\xdc\xff\xdc"), "more than 1000 megapixels"
    ),
    "JPEG of seven components": _bytes(
        ".jpg", lambda gray: _patched(jpeg(gray), _frame(jpeg(gray)) + 4, b"\7"), "is broken or cut short"
    ),
    "JPEG whose Exif is none": _bytes(
        ".jpg",
        lambda gray: jpeg(gray)[:2] + _segment(0xE1, b"Exif\0\0II*\0" + b"\xff" * 99) + jpeg(gray)[2:],
        None,
        "part of its Exif tags is damaged",
    ),
    "JPEG whose profile is none": _bytes(
        ".jpg",
        lambda gray: jpeg(gray)[:2] + _segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(200)) + jpeg(gray)[2:],
        None,
        "profile",
    ),
    "TIFF cut in the middle": _bytes(".tif", lambda gray: _cut(_tiff(gray), 0.6), "is cut short"),
    "TIFF cut in its header": _bytes(".tif", lambda gray: _tiff(gray)[:7], "is a broken TIFF file"),
    "TIFF whose directory follows itself": _bytes(".tif", lambda gray: _looped(_tiff(gray)), None, "form a loop"),
    "TIFF with unknown packing": _bytes(
        ".tif",
        lambda gray: _patched(_tiff(gray), _entry(_tiff(gray), 259), struct.pack("<H", 60_000)),
        "compressed with an unknown method",
    ),
    "TIFF of 4 000 000 000 rows": _bytes(
        ".tif",
        lambda gray: _patched(_tiff(gray), _entry(_tiff(gray), 257), struct.pack("<I", 4_000_000_000)),
        "more than 1000 megapixels",
    ),
    "TIFF of seven channels": _bytes(".tif", _multispectral, None, "neither colour nor transparency"),
    "PNG with a wrong checksum": _bytes(".png", _wrong_crc, "is broken or cut short"),
    "PNG cut in the middle": _bytes(".png", lambda gray: _cut(_png(gray), 0.5), "is broken or cut short"),
    "PNG of 992 megapixels in 200 KB": _bytes(".png", lambda gray: _bomb(), "is a file of only"),
    "PNG whose profile is none": _bytes(
        ".png",
        lambda gray: _png(gray)[:33] + _chunk(b"iCCP", b"a\0\0" + zlib.compress(b"none" * 99)) + _png(gray)[33:],
        None,
    ),
    "WebP cut in the middle": _bytes(
        ".webp", lambda gray: _cut(saved(Image.fromarray(gray), "WEBP"), 0.5), "is cut short"
    ),
    "AVIF cut in the middle": _bytes(
        ".avif", lambda gray: _cut(saved(Image.fromarray(gray), "AVIF", speed=10), 0.7), "is broken or cut short"
    ),
    "BMP cut in the middle": _bytes(
        ".bmp", lambda gray: _cut(saved(Image.fromarray(gray), "BMP"), 0.5), "is broken or cut short"
    ),
    "GIF cut in the middle": _bytes(
        ".gif", lambda gray: _cut(saved(Image.fromarray(gray), "GIF"), 0.5), "is broken or cut short"
    ),
    "JPEG 2000 cut in the middle": _bytes(
        ".jp2", lambda gray: _cut(saved(Image.fromarray(gray), "JPEG2000"), 0.5), "is broken or cut short"
    ),
    "PGM cut in the middle": _bytes(
        ".pgm", lambda gray: _cut(saved(Image.fromarray(gray), "PPM"), 0.5), "is broken or cut short"
    ),
    "animated GIF": _bytes(".gif", _animation, "is an animation"),
    "animated AVIF": _bytes(".avif", _film, "is an animation"),
    "PNG that is called .jpg": _bytes(".jpg", _png, None),
    "text that is called .jpg": _bytes(".jpg", lambda gray: b"Scanned on 6 May 1931.\n" * 20, "is a text file"),
    "web page that is called .jpg": _bytes(
        ".jpg", lambda gray: b"<!DOCTYPE html><html><body>404</body></html>", "is a web page"
    ),
    "PDF that is called .tif": _bytes(".tif", lambda gray: b"%PDF-1.7\n" + bytes(3000), "is a PDF document"),
    "raw file that is called .tif": _bytes(".tif", _raw, "is a camera raw file"),
    "noise that is called .jpg": _bytes(
        ".jpg", lambda gray: np.random.default_rng(gray[0]).bytes(5000), "is not a photograph that"
    ),
    "folder that is called .jpg": Damage(".jpg", _folder, None),
    "link to nowhere": Damage(".jpg", _link, "is a link to a file that is not there"),
    "links in a circle": Damage(".jpg", _circle, ""),
    "pipe that is called .jpg": Damage(".jpg", _pipe, "is a pipe or a device"),
}
"""What the damages are called in reports, and how they are made."""

FORBIDDEN = {
    "file that may not be read": Damage(".jpg", _mute, "cannot be read: check its permissions"),
    "folder that may not be read": Damage("", _closed(0o300), "cannot be searched"),
    "folder that may not be entered": Damage("", _closed(0o600), "cannot be searched"),
}
"""What is none to a superuser."""
