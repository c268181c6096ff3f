"""Photographs that come through Pillow: its images, and BMP files, which libvips does not read."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
import pyvips
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile

from tintype.errors import UnreadablePhoto, UnsupportedPhoto
from tintype.photo.decode import as_photo, check_size, exif_tags, metadata_of, orientation_of
from tintype.photo.photo import Photo

_INTERPRETATIONS = {"1": "b-w", "L": "b-w", "LA": "b-w", "CMYK": "cmyk", "I;16": "grey16", "F": "b-w"}


def read_bmp(stream: BinaryIO, name: str) -> Photo:
    """A photograph from a BMP file.

    Raises:
        UnreadablePhoto: broken or cut short. UnsupportedPhoto: too large.
    """
    stream.seek(0)
    try:
        # Not by Image.open, which has a limit of its own.
        image = BmpImageFile(stream)
    except (OSError, ValueError, SyntaxError) as error:
        raise _broken(name, error) from None
    check_size(*image.size, name)
    return to_photo(image, name, "bmp")


def to_photo(image: Image.Image, name: str = "the image", kind: str = "array") -> Photo:
    """A photograph from a Pillow image of any mode, turned upright, with the profile and metadata of its `info`.

    Raises:
        UnreadablePhoto: no pixels, or broken. UnsupportedPhoto: several frames, or 32-bit whole numbers.
    """
    if getattr(image, "n_frames", 1) > 1:
        raise UnsupportedPhoto(f"{name} has {image.n_frames} frames: give one of them")
    if not image.width or not image.height:
        raise UnreadablePhoto(f"{name} has no pixels: its size is {image.width} x {image.height}")
    try:
        image.load()  # Pillow turns a TIFF upright here, and takes its orientation away.
    except (OSError, ValueError, SyntaxError) as error:
        raise _broken(name, error) from None
    info = image.info
    bits = 1 if image.mode == "1" else None
    tags = exif_tags(image.getexif().tobytes().removeprefix(b"Exif\0\0"))
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
    metadata = metadata_of(tags, packet, None, dpi)
    return as_photo(name, kind, vips, metadata, orientation=orientation_of(tags), bits=bits)


def _broken(name: str, error: Exception) -> UnreadablePhoto:
    return UnreadablePhoto(f"{name} is broken or cut short ({error}): get a whole copy of it")


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
