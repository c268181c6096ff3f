"""JPEG XL: what the head of the code stream and the boxes around it say; the pixels come from imagecodecs."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from tintype.errors import UnreadablePhoto, UnsupportedPhoto
from tintype.photo import formats, spaces
from tintype.photo.boxes import Box, boxes
from tintype.photo.decode import Read, Reading, as_image, check_size, exif_tags, metadata_of, reason_of

_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_MOST_UNPACKED = 64 << 20
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_ALPHA = 0
_PRIMARIES = {1: 1, 9: 9, 11: 12}
"""Primaries of JPEG XL -> those of ITU-T H.273. Transfer functions have the same numbers in both."""


@dataclass(frozen=True)
class Head:
    """What the code stream says of itself.

    alpha: which of the extra channels is the transparency; extras: how many there are. primaries, transfer: code points
    of ITU-T H.273, None where the colours are named otherwise. profile: the file holds an ICC profile.
    """

    width: int
    height: int
    bits: int = 8
    floats: bool = False
    animated: bool = False
    extras: int = 0
    alpha: int | None = None
    gray: bool = False
    profile: bool = False
    primaries: int | None = 1
    transfer: int | None = 13


def jpeg_of(data: bytes, name: str) -> bytes | None:
    """The JPEG file that a JPEG XL file was made of without loss, byte for byte; None for another one.

    Raises:
        UnsupportedPhoto: imagecodecs is not installed. UnreadablePhoto: the file is broken.
    """
    if not data.startswith(_CONTAINER) or not any(box.kind == b"jbrd" for box in boxes(data)):
        return None
    codecs = formats.imagecodecs(name, "a JPEG XL picture")
    try:
        return bytes(codecs.jpegxl_decode_jpeg(data))
    except (RuntimeError, ValueError) as error:
        raise _broken(name, error) from None


def read(data: bytes, name: str, reading: Reading[Read]) -> Read:
    """A photograph from a JPEG XL file.

    Raises:
        UnsupportedPhoto: imagecodecs is not installed; an animation; colours or samples that are not read.
        UnreadablePhoto: broken or cut short.
    """
    codecs = formats.imagecodecs(name, "a JPEG XL picture")
    container = list(boxes(data)) if data.startswith(_CONTAINER) else []
    try:
        head = head_of(stream_of(data))
    except (IndexError, ValueError) as error:
        raise _broken(name, error) from None
    check_size(head.width, head.height, name, head.bits, len(data))
    if head.animated:
        raise UnsupportedPhoto(
            f"{name} is an animation (JPEG XL), which tintype does not read: export the frames first"
        )
    if head.profile or head.primaries is None or head.transfer is None:
        raise UnsupportedPhoto(
            f"{name} is a JPEG XL picture with a colour profile of its own, which tintype does not read: convert it to "
            "TIFF or PNG first"
        )
    try:
        pixels = codecs.jpegxl_decode(data)
    except (RuntimeError, ValueError) as error:
        raise _broken(name, error) from None
    # Gray has one code point of primaries as any other.
    space = spaces.of_code_points(head.primaries, head.transfer, name)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    colours = 1 if head.gray else 3
    if pixels.shape[2] not in (colours, colours + head.extras, colours + 1):
        raise UnsupportedPhoto(f"{name} has {pixels.shape[2]} channels: convert it to gray or RGB first")
    keep = list(range(colours))
    if head.alpha is not None and pixels.shape[2] > colours:
        keep.append(colours + (head.alpha if pixels.shape[2] == colours + head.extras else 0))
    pixels = pixels[..., keep]
    if not head.floats and head.bits not in (8, 16) and pixels.dtype.kind == "u":
        # libjxl gives the codes of 10 and 12 bits as they are, in 16.
        top = np.iinfo(pixels.dtype).max
        if pixels.max(initial=0) < 2**head.bits:
            pixels = np.round(pixels * (top / (2**head.bits - 1))).astype(pixels.dtype)
    tags = exif_tags(_box(container, b"Exif", codecs)[4:])
    # The code stream turns the picture, and the decoder has done so already.
    return reading.develop(
        name,
        "jpegxl",
        as_image(pixels),
        bits=head.bits,
        space=space,
        metadata=metadata_of(tags, _box(container, b"xml ", codecs) or None, None, None),
    )


def stream_of(data: bytes) -> bytes:
    """The code stream of a file, which may come in parts."""
    if not data.startswith(_CONTAINER):
        return data
    streams = (box for box in boxes(data) if box.kind in (b"jxlc", b"jxlp"))
    return b"".join(box.body[4 * (box.kind == b"jxlp") :] for box in streams)


def head_of(stream: bytes) -> Head:
    """Reads the head of a code stream (ISO/IEC 18181-1).

    Raises:
        ValueError: not a code stream. IndexError: it ends too early.
    """
    if stream[:2] != b"\xff\x0a":
        raise ValueError("no code stream")
    bits = _Bits(stream[2:4096])
    height, width = _size(bits)
    if bits.take(1):
        return Head(width, height)
    turn, animated = 0, False
    extended = bits.take(1)
    if extended:
        turn = bits.take(3)
        if bits.take(1):
            _size(bits)
        if bits.take(1):
            _preview(bits)
        animated = bool(bits.take(1))
        if animated:
            return Head(width, height, animated=True)
    depth, floats = _depth(bits)
    bits.take(1)
    extras = bits.choose((0, 0), (0, 1), (4, 2), (12, 1))
    alpha = None
    for i in range(extras):
        if _extra(bits) == _ALPHA and alpha is None:
            alpha = i
    bits.take(1)
    gray, profile, primaries, transfer = _colours(bits)
    if turn >= 4:
        width, height = height, width
    return Head(width, height, depth, floats, animated, extras, alpha, gray, profile, primaries, transfer)


class _Bits:
    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    def take(self, count: int) -> int:
        """A number of so many bits, the lowest first."""
        value = 0
        for i in range(count):
            value |= (self._data[self._at >> 3] >> (self._at & 7) & 1) << i
            self._at += 1
        return value

    def choose(self, *kinds: tuple[int, int]) -> int:
        """One of four kinds of number, each of so many bits and with something added."""
        count, base = kinds[self.take(2)]
        return self.take(count) + base

    def enum(self) -> int:
        return self.choose((0, 0), (0, 1), (4, 2), (6, 18))


def _size(bits: _Bits) -> tuple[int, int]:
    """Height and width."""
    small = bits.take(1)
    lengths = ((9, 1), (13, 1), (18, 1), (30, 1))
    height = (bits.take(5) + 1) * 8 if small else bits.choose(*lengths)
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio]
        return height, height * across // down
    return height, (bits.take(5) + 1) * 8 if small else bits.choose(*lengths)


def _preview(bits: _Bits) -> None:
    """Passes over the size of a preview."""
    eighths = bits.take(1)
    lengths = ((0, 16), (0, 32), (5, 1), (9, 33)) if eighths else ((6, 1), (8, 65), (10, 321), (12, 1345))
    bits.choose(*lengths)
    if not bits.take(3):
        bits.choose(*lengths)


def _depth(bits: _Bits) -> tuple[int, bool]:
    """Bits of a sample, and whether it is a float."""
    if bits.take(1):
        depth = bits.choose((0, 32), (0, 16), (0, 24), (6, 1))
        bits.take(4)
        return depth, True
    return bits.choose((0, 8), (0, 10), (0, 12), (6, 1)), False


def _extra(bits: _Bits) -> int:
    """The type of an extra channel."""
    if bits.take(1):
        return _ALPHA
    kind = bits.enum()
    _depth(bits)
    bits.choose((0, 0), (0, 3), (0, 4), (3, 1))
    for _ in range(bits.choose((0, 0), (4, 0), (5, 16), (10, 48))):
        bits.take(8)
    if kind == _ALPHA:
        bits.take(1)
    elif kind == 2:
        bits.take(64)
    elif kind == 5:
        bits.choose((0, 1), (2, 0), (4, 3), (8, 19))
    return kind


def _colours(bits: _Bits) -> tuple[bool, bool, int | None, int | None]:
    """Whether it is gray, whether there is a profile, and the code points of primaries and transfer function."""
    if bits.take(1):
        return False, False, 1, 13
    profile = bool(bits.take(1))
    space = bits.enum()
    gray = space == 1
    if profile or space > 1:
        return gray, True, None, None
    white = bits.enum()
    if white == 2:
        return gray, False, None, None
    primaries = 1
    if not gray:
        primaries = bits.enum()
        if primaries == 2:
            return gray, False, None, None
    if bits.take(1):
        return gray, False, None, None
    transfer = bits.enum()
    usual = white == 1 and primaries in _PRIMARIES and transfer in (1, 8, 13, 16, 18)
    return gray, False, _PRIMARIES[primaries] if usual else None, transfer if usual else None


def _box(container: list[Box], kind: bytes, codecs: ModuleType) -> bytes:
    """The body of a box of metadata, which may be packed with Brotli; empty for none and for a broken one."""
    for box in container:
        if box.kind == kind:
            return box.body
        if box.kind == b"brob" and box.body[:4] == kind:
            try:
                return bytes(codecs.brotli_decode(box.body[4:], out=_MOST_UNPACKED))
            except (RuntimeError, ValueError):
                return b""
    return b""


def _broken(name: str, error: Exception) -> UnreadablePhoto:
    return UnreadablePhoto(f"{name} is broken or cut short ({reason_of(error)}): get a whole copy of it")
