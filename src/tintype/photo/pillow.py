"""Photographs that come through Pillow: its images, and BMP and GIF files."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np
import pyvips
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile

from tintype.errors import UnreadablePhoto, UnsupportedPhoto
from tintype.photo import exif, iptc, jpeg, png, spaces
from tintype.photo.decode import (
    Read,
    Reading,
    as_image,
    as_photo,
    check_size,
    exif_tags,
    metadata_of,
    orientation_of,
    reason_of,
)
from tintype.photo.photo import Metadata, Photo, Text

_INTERPRETATIONS = {"1": "b-w", "L": "b-w", "LA": "b-w", "CMYK": "cmyk", "I;16": "grey16", "F": "b-w"}

_FAILURES = (OSError, ValueError, SyntaxError, LookupError, TypeError, OverflowError, struct.error)
"""What Pillow raises at broken files."""


def read_bmp(stream: BinaryIO, name: str, reading: Reading[Read]) -> Read:
    """A photograph from a BMP file.

    Raises:
        UnreadablePhoto: broken or cut short. UnsupportedPhoto: too large, or packed in an unusual way.
    """
    pixels = _fields(stream, name)
    if pixels is not None:
        return reading.develop(name, "bmp", as_image(pixels), Metadata())
    stream.seek(0)
    try:
        # Not by Image.open, which has a limit of its own.
        image = BmpImageFile(stream)
    except _FAILURES as error:
        if str(error).startswith("Unsupported BMP"):
            raise UnsupportedPhoto(
                f"{name} is a BMP of a kind that tintype does not read ({reason_of(error)}): save it with 8 or 24 bits"
            ) from None
        raise _broken(name, error) from None
    check_size(*image.size, name)
    return _developed(image, name, "bmp", reading)


def read_gif(stream: BinaryIO, name: str, reading: Reading[Read]) -> Read:
    """A photograph from a GIF file.

    Raises:
        UnreadablePhoto: broken or cut short. UnsupportedPhoto: an animation, or too large.
    """
    length = stream.seek(0, 2)
    stream.seek(0)
    try:
        image = GifImageFile(stream)
        check_size(*image.size, name, 8, length)
        if image.is_animated:
            raise UnsupportedPhoto(
                f"{name} is an animation (GIF), which tintype does not read: export the frames first"
            )
    except Image.DecompressionBombError:
        raise UnsupportedPhoto(
            f"{name} says that it has more pixels than Pillow reads of a GIF file: make it smaller first"
        ) from None
    except _FAILURES as error:
        raise _broken(name, error) from None
    comment = image.info.get("comment")
    comment = comment.decode("utf-8", "replace").strip("\0 ") if isinstance(comment, bytes) else ""
    return _developed(image, name, "gif", reading, [Text("Comment", comment)] if comment else [])


def _fields(stream: BinaryIO, name: str) -> np.ndarray | None:
    """Pixels [height, width, 3 or 4] of a BMP file whose channels are fields of bits; None for another one.

    Pillow knows only some of the fields that occur.
    """
    stream.seek(0)
    head = stream.read(14 + 124)
    if len(head) < 54 or int.from_bytes(head[14:18], "little") < 40:
        return None
    start, size, width, height, depth, packing = struct.unpack("<10xII ii 2x HI", head[:34])
    if packing not in (3, 6) or depth not in (16, 32) or len(head) < 66:
        return None
    # Behind the smallest head, the masks follow it; in larger ones they are part of it. They lie at one place.
    masks = struct.unpack("<4I", head[54:70].ljust(16, b"\0"))
    if packing == 3 and size < 56:
        masks = (*masks[:3], 0)
    height, from_top = abs(height), height < 0
    if width < 1 or not height or not all(masks[:3]) or max(masks) >> depth:
        raise _broken(name, ValueError("its header is not valid"))
    check_size(width, height, name)
    row = -(-width * depth // 32) * 4
    stream.seek(start)
    data = stream.read(row * height)
    if len(data) < row * height:
        raise _broken(name, ValueError(f"it lacks {row * height - len(data)} bytes of pixels"))
    words = np.frombuffer(data, f"<u{depth // 8}").reshape(height, -1)[:, :width]
    shifts = [(mask & -mask).bit_length() - 1 if mask else 0 for mask in masks]
    tops = [mask >> shift for mask, shift in zip(masks, shifts, strict=True)]
    kind = np.uint16 if max(tops) > 255 else np.uint8
    white = np.iinfo(kind).max
    channels = 4 if masks[3] else 3
    pixels = np.empty((height, width, channels), kind)
    for i in range(channels):
        codes = (words & words.dtype.type(masks[i])) >> words.dtype.type(shifts[i])
        pixels[..., i] = np.round(codes * (white / tops[i]))
    if channels == 4 and not pixels[..., 3].any():
        # A mask of transparency that nobody has filled in.
        pixels = pixels[..., :3]
    return pixels if from_top else pixels[::-1]


def to_photo(image: Image.Image, name: str = "the image") -> Photo:
    """A photograph from a Pillow image of any mode, turned upright, with the profile and metadata of its `info`.

    Raises:
        UnreadablePhoto: no pixels, or broken. UnsupportedPhoto: several frames, or 32-bit whole numbers.
    """
    return _developed(image, name, "array", Reading(as_photo))


def _developed(image: Image.Image, name: str, kind: str, reading: Reading[Read], texts: Iterable[Text] = ()) -> Read:
    if _frames(image) > 1:
        raise UnsupportedPhoto(f"{name} has {getattr(image, 'n_frames', 1)} frames: give a copy of one of them")
    if not image.width or not image.height:
        raise UnreadablePhoto(f"{name} has no pixels: its size is {image.width} x {image.height}")
    try:
        image.load()  # Pillow turns a TIFF upright here, and takes its orientation away.
    except _FAILURES as error:
        raise _broken(name, error) from None
    info = image.info
    bits = 1 if image.mode == "1" else None
    try:
        exif_of_image = image.getexif()
        tags = exif_tags(exif_of_image.tobytes().removeprefix(b"Exif\0\0")) if exif_of_image else None
    except _FAILURES:
        tags = exif.Tags("<", False, [{}], damaged=frozenset({exif.EXIF}))
    texts = [*texts] or _texts(image)
    image = _plain(image, name)
    pixels = np.asarray(image)
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    vips = pyvips.Image.new_from_array(np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("="))))
    vips = vips.copy(interpretation=_INTERPRETATIONS.get(image.mode, "srgb"))
    if info.get("icc_profile"):
        vips.set_type(pyvips.GValue.blob_type, "icc-profile-data", info["icc_profile"])
    packet = info.get("xmp")
    dpi = info.get("dpi")
    dpi = (float(dpi[0]), float(dpi[1])) if dpi and dpi[0] > 0 and dpi[1] > 0 else None
    packet = packet.encode() if isinstance(packet, str) else packet
    record = info.get("photoshop", {}).get(0x0404) if isinstance(info.get("photoshop"), dict) else None
    metadata = metadata_of(tags, packet, record, dpi, texts=texts)
    space = None if "srgb" in info else spaces.of_png(info.get("gamma"), info.get("chromaticity"))
    return reading.develop(name, kind, vips, metadata, orientation=orientation_of(tags), bits=bits, space=space)


def _texts(image: Image.Image) -> list[Text]:
    """The text chunks of an image that was a PNG file, the comment of one that was a JPEG file."""
    if image.format == "PNG":
        return [
            Text(str(keyword), str(letters), getattr(letters, "lang", None) or "")
            for keyword, letters in getattr(image, "text", {}).items()
            if png.is_caption(str(keyword))
        ]
    comment = image.info.get("comment")
    return [Text("Comment", iptc.decoded(comment))] if isinstance(comment, bytes) and image.format == "JPEG" else []


def _frames(image: Image.Image) -> int:
    """How many photographs an image holds: the frames, but for the previews and maps of a camera's MPO."""
    try:
        count = getattr(image, "n_frames", 1)
    except _FAILURES:
        # Where a next one should be there is nothing: the first is what there is.
        image.seek(0)
        return 1
    if count > 1 and image.format == "MPO" and (stream := getattr(image, "_fp", None) or getattr(image, "fp", None)):
        at = stream.tell()
        count = len(jpeg.photographs(stream))
        stream.seek(at)
    return count


def _broken(name: str, error: Exception) -> UnreadablePhoto:
    return UnreadablePhoto(f"{name} is broken or cut short ({reason_of(error)}): get a whole copy of it")


def _plain(image: Image.Image, name: str) -> Image.Image:
    """The image in a mode whose samples are those of the photograph."""
    mode = image.mode
    if mode in ("1", "L", "LA", "RGB", "RGBA", "CMYK", "F", "I;16"):
        see_through = mode in ("1", "L", "RGB") and "transparency" in image.info
        return image.convert("RGBA" if mode == "RGB" else "LA") if see_through else image
    if mode in ("I;16B", "I;16L", "I;16N"):
        return Image.fromarray(np.asarray(image).astype(np.uint16))
    if mode == "I":
        # Pillow keeps 16-bit gray in 32-bit numbers in places.
        values = np.asarray(image)
        if values.min() >= 0 and values.max() <= 65535:
            return Image.fromarray(values.astype(np.uint16))
        raise UnsupportedPhoto(f"{name} holds 32-bit whole numbers: convert it to 8 or 16 bits first")
    if mode in ("P", "PA"):
        return image.convert("RGBA" if mode == "PA" or "transparency" in image.info else "RGB")
    return image.convert({"La": "LA", "RGBa": "RGBA"}.get(mode, "RGB"))
