"""JPEG 2000, as files of boxes (JP2, JPX) and as bare code streams.

Pillow reads 8 bits, and 16 where there is one channel. It would cut colour of 16 bits down to 8, so that takes
imagecodecs.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np

from tintype.errors import UnreadablePhoto, UnsupportedPhoto
from tintype.photo import formats
from tintype.photo.boxes import Box, boxes
from tintype.photo.decode import Read, Reading, as_image, check_size, exif_tags, metadata_of, orientation_of

_EXIF = b"JpgTiffExif->JP2"
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_SRGB, _GRAY, _SYCC, _CMYK = 16, 17, 18, 12
_OTHER_SPACES = {14: "CIELAB", 0: "bilevel colours", 15: "bilevel colours", 20: "e-sRGB", 21: "ROMM RGB", 24: "e-sYCC"}

_FAILURES: tuple[type[Exception], ...] = (OSError, ValueError, SyntaxError, RuntimeError, TypeError, LookupError)
_FAILURES += (OverflowError, MemoryError, struct.error)
"""What Pillow and imagecodecs raise at broken files."""


@dataclass(frozen=True)
class _Stream:
    """What a code stream says: sizes, and of each component its bits, whether it is signed, and its steps."""

    width: int
    height: int
    components: tuple[tuple[int, bool, int, int], ...]


def read(data: bytes, name: str, reading: Reading[Read]) -> Read:
    """A photograph from a JPEG 2000 file.

    Raises:
        UnreadablePhoto: broken or cut short.
        UnsupportedPhoto: colours or samples that are not read; colour of more than 8 bits without imagecodecs.
    """
    outer = [] if data.startswith(b"\xff\x4f") else list(boxes(data))
    stream = _stream(data, outer, name)
    check_size(stream.width, stream.height, name, 8 * len(stream.components), len(data))
    header = list(boxes(next((box.body for box in outer if box.kind == b"jp2h"), b"")))
    space, profile = _space(header)
    if space in _OTHER_SPACES:
        raise UnsupportedPhoto(
            f"{name} is a JPEG 2000 picture in {_OTHER_SPACES[space]}, which tintype does not read: convert it to RGB "
            "first"
        )
    bits = max(depth for depth, *_ in stream.components)
    uneven = len({component[2:] for component in stream.components}) > 1
    if bits > 16 or any(signed for _, signed, *_ in stream.components) or len({c[0] for c in stream.components}) > 1:
        raise UnsupportedPhoto(
            f"{name} is a JPEG 2000 picture of {bits}-bit samples of an unusual kind, which tintype does not read: "
            "convert it to TIFF or PNG of 8 or 16 bits first"
        )
    count = len(stream.components)
    deep = bits > 8 and count > 1
    if deep and (space == _SYCC or uneven or any(box.kind == b"pclr" for box in header)):
        raise UnsupportedPhoto(
            f"{name} is a JPEG 2000 picture in YCbCr or a palette of {bits} bits, which tintype does not read: convert "
            "it to TIFF or PNG first"
        )
    pixels, dpi = _pixels(data, deep, name)
    # A palette makes three channels of one.
    count = pixels.shape[2]
    colours = 4 if space == _CMYK else 1 if count < 3 else 3
    if count < colours or count > 4 + (space == _CMYK):
        raise UnsupportedPhoto(f"{name} has {count} channels: convert it to gray, RGB or CMYK first")
    alpha = _alpha(header, colours, count)
    pixels = pixels[..., [*range(colours), *([] if alpha is None else [alpha])]]
    top = np.iinfo(pixels.dtype).max
    # Pillow shifts the codes up, imagecodecs leaves them as they are.
    white = 2**bits - 1 if deep else (2**bits - 1) << (8 * pixels.dtype.itemsize - bits)
    if white != top:
        pixels = np.round(pixels * (top / white)).clip(0, top).astype(pixels.dtype)
    tags = exif_tags(_uuid(outer, _EXIF).removeprefix(b"Exif\0\0"))
    return reading.develop(
        name,
        "jpeg2000",
        as_image(pixels, profile, ink=space == _CMYK),
        orientation=orientation_of(tags),
        bits=bits,
        metadata=metadata_of(tags, _uuid(outer, _XMP) or None, _uuid(outer, _IPTC) or None, dpi),
    )


def _stream(data: bytes, outer: list[Box], name: str) -> _Stream:
    code = data if not outer else next((box.body for box in outer if box.kind == b"jp2c"), b"")
    try:
        if code[:4] != b"\xff\x4f\xff\x51":
            raise ValueError("no code stream")
        right, bottom, left, top, *_, count = struct.unpack(">8IH", code[8:42])
        components = tuple(
            ((depth & 127) + 1, bool(depth & 128), across, down)
            for depth, across, down in struct.iter_unpack("BBB", code[42 : 42 + 3 * count])
        )
        if not components or right <= left or bottom <= top:
            raise ValueError("no pixels")
    except (struct.error, ValueError) as error:
        raise UnreadablePhoto(f"{name} is broken or cut short ({error}): get a whole copy of it") from None
    return _Stream(right - left, bottom - top, components)


def _space(header: list[Box]) -> tuple[int | None, bytes | None]:
    """The number of the colour space, and the profile; the first of what the file offers, as the standard wants."""
    for box in header:
        if box.kind == b"colr" and len(box.body) > 6:
            if box.body[0] == 1:
                return int.from_bytes(box.body[3:7], "big"), None
            if box.body[0] in (2, 3):
                return None, box.body[3:]
    return None, None


def _alpha(header: list[Box], colours: int, count: int) -> int | None:
    """Which channel is the transparency: as the file says, else the one that is over."""
    if count == colours:
        return None
    definition = next((box.body for box in header if box.kind == b"cdef"), None)
    if definition is None:
        return colours
    entries = struct.iter_unpack(">3H", definition[2 : 2 + len(definition[2:]) // 6 * 6])
    return next((channel for channel, kind, _ in entries if kind in (1, 2) and colours <= channel < count), None)


def _pixels(data: bytes, deep: bool, name: str) -> tuple[np.ndarray, tuple[float, float] | None]:
    """The channels [height, width, channels], uint8 or uint16, and the resolution."""
    from PIL.Image import Image
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

    codecs = formats.imagecodecs(name, "a JPEG 2000 picture in colour of more than 8 bits") if deep else None
    try:
        image: Image = Jpeg2KImageFile(io.BytesIO(data))
        dpi = image.info.get("dpi")
        if codecs is not None:
            pixels = codecs.jpeg2k_decode(data)
        else:
            image.load()
            if image.mode in ("P", "PA"):
                image = image.convert("RGBA" if image.mode == "PA" else "RGB")
            elif image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK") and not image.mode.startswith("I;16"):
                image = image.convert("RGB")
            pixels = np.asarray(image)
    except _FAILURES as error:
        raise UnreadablePhoto(f"{name} is broken or cut short ({error}): get a whole copy of it") from None
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UnsupportedPhoto(f"{name} holds {pixels.dtype} samples: convert it to 8 or 16 bits first")
    return pixels.reshape(*pixels.shape[:2], -1), dpi if dpi and min(dpi) > 0 else None


def _uuid(outer: list[Box], number: bytes) -> bytes:
    return next((box.body[16:] for box in outer if box.kind == b"uuid" and box.body[:16] == number), b"")
