"""What the file of a result will hold: its format, its depth and what it keeps of the photograph's metadata."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tintype.errors import UnwritablePhoto
from tintype.photo import captions, exif, icc, jpeg, spaces, xmp
from tintype.photo.kinds import SUFFIXES
from tintype.photo.photo import Photo
from tintype.photo.source import name_of
from tintype.photo.xmp import Mark

QUALITY = 95
"""Quality of lossy results whose input tells none."""

WRITABLE = ("jpeg", "png", "tiff", "webp", "avif")
"""The formats that are written. BMP has no place for the mark."""

_DEPTHS = {"jpeg": (8,), "webp": (8,), "png": (8, 16), "avif": (8, 16), "tiff": (8, 16, 32)}
_LARGEST = {"jpeg": 65500, "webp": 16383, "avif": 16384}


def output_format(photo: Photo, target: object = None, format: str | None = None) -> str:
    """The format of a result: as asked, or as the target's suffix says, or that of the photograph.

    Where the photograph's own format cannot hold the result (BMP, an array), it is PNG; for floats, TIFF.

    Raises:
        UnwritablePhoto: a format that is not written.
    """
    if format is None and isinstance(target, str | os.PathLike):
        suffix = Path(target).suffix.lower()
        format = SUFFIXES.get(suffix)
        if format is None and suffix:
            raise UnwritablePhoto(
                f"{name_of(target)} names no format that is written: end it in .jpg, .png, .tif, .webp or .avif"
            )
    if format is None:
        format = photo.format if photo.format in WRITABLE else "tiff" if photo.depth == 32 else "png"
    format = {"jpg": "jpeg", "tif": "tiff"}.get(format.lower(), format.lower())
    if format not in WRITABLE:
        why = "BMP cannot say that colour was added by machine" if format == "bmp" else f"{format} is not written"
        raise UnwritablePhoto(f"{photo.name} cannot become {format}: {why}; use {', '.join(WRITABLE)}")
    return format


@dataclass(frozen=True)
class Plan:
    """What the file of a result will hold.

    depth: bits of a sample. channels: 3, or 4 with alpha. quality: 1 to 100, of a lossy format.
    """

    photo: Photo
    format: str
    depth: int
    channels: int
    quality: int
    lossless: bool
    exif: exif.Tags | None
    xmp: bytes | None
    extension: bytes | None
    """What of the packet does not fit in a segment of a JPEG file."""
    captions: captions.Captions
    profile: bytes | None
    """The profile that the pixels are taken into."""
    tag: bytes | None
    """The profile that the file carries."""
    lost: tuple[str, ...] = ()
    """What the result cannot keep, a sentence for each thing."""


def plan_of(photo: Photo, format: str, quality: int | None, mark: Mark | None) -> Plan:
    """What the coloured photograph keeps in a format.

    Raises:
        UnwritablePhoto: a quality out of range, more pixels than the format holds, or transparency that it cannot keep.
    """
    if quality is not None and not 1 <= quality <= 100:
        raise UnwritablePhoto(f"quality {quality} is out of range for {photo.name}: give 1 to 100")
    largest = _LARGEST.get(format)
    if largest and max(photo.width, photo.height) > largest:
        raise UnwritablePhoto(
            f"{photo.name} has {photo.width} x {photo.height} pixels, and {format} holds {largest} a side: "
            "use png or tiff"
        )
    depth = photo.depth if photo.depth in _DEPTHS[format] else _DEPTHS[format][-1]
    has_alpha = photo.alpha is not None
    if photo.alpha is not None and format == "jpeg":
        if photo.alpha.min() < (1 if photo.depth == 32 else 2**photo.depth - 1):
            raise UnwritablePhoto(
                f"{photo.name} is partly transparent, and jpeg cannot keep that: use png, tiff or webp"
            )
        has_alpha = False
    texts = captions.carried(photo.metadata, format)
    packet = texts.xmp if mark is None else xmp.marked(texts.xmp, mark)
    tags, dropped = _exif(photo, format)
    lost = list(texts.lost)
    if dropped:
        lost.append(f"its largest Exif tags ({captions.listed(dropped)})")
    profile = photo.profile
    if format == "jpeg" and profile and len(profile) > jpeg.LONGEST_PROFILE:
        lost.append("its colour profile, which is too long: it is in sRGB")
        profile = None
    extension = None
    if format == "jpeg" and packet:
        packet, extension = xmp.divided(packet, jpeg.LONGEST_XMP)
        if packet is None:
            lost.append("its XMP packet, which is too long")
            packet = None if mark is None else xmp.marked(None, mark)
    return Plan(
        photo=photo,
        format=format,
        depth=depth,
        channels=4 if has_alpha else 3,
        quality=quality or photo.quality or QUALITY,
        lossless=quality is None and photo.quality is None and photo.compression != "lossy",
        exif=tags,
        xmp=packet,
        extension=extension,
        captions=texts,
        profile=None if profile is None or icc.is_srgb(profile) else profile,
        tag=profile or (icc.srgb() if photo.tagged else None),
        lost=(f"{photo.name}: {format} cannot keep {' and '.join(lost)}",) if lost else (),
    )


def _exif(photo: Photo, format: str) -> tuple[exif.Tags | None, list[str]]:
    """The Exif of the result, true again for the new pixels, and the names of the tags that are too large for it."""
    tags = exif.read_tags(photo.metadata.exif) if photo.metadata.exif else exif.Tags("<", False, [{}])
    order, first = tags.order, dict(tags.pages[0])
    for tag, size in ((exif.WIDTH, photo.width), (exif.HEIGHT, photo.height)):
        if tag in first:
            first[tag] = exif.whole(exif.LONG, size, order=order)
    inner = first.get(exif.EXIF)
    if isinstance(inner, dict):
        inner = dict(inner)
        for tag, size in ((exif.PIXEL_X, photo.width), (exif.PIXEL_Y, photo.height)):
            if tag in inner:
                inner[tag] = exif.whole(exif.LONG, size, order=order)
        if exif.COLOR_SPACE in inner and photo.profile is None:
            inner[exif.COLOR_SPACE] = exif.whole(exif.SHORT, 1, order=order)
            if spaces.is_optional_file(inner):
                # The photograph was in Adobe RGB by these tags, and its result is in sRGB.
                inner[exif.INTEROPERABILITY] = {1: exif.Value(exif.ASCII, 4, b"R98\0")}
                for directory, tag in ((first, 301), (first, 318), (first, 319), (inner, 42240)):
                    directory.pop(tag, None)
        first[exif.EXIF] = inner
    # JPEG, PNG and TIFF have a place of their own for the resolution; the others have Exif alone.
    if photo.metadata.dpi and (first or format in ("webp", "avif")):
        across, down = photo.metadata.dpi
        first[exif.X_RESOLUTION] = exif.fraction(across, order)
        first[exif.Y_RESOLUTION] = exif.fraction(down, order)
        first[exif.RESOLUTION_UNIT] = exif.whole(exif.SHORT, 2, order=order)
    # libvips makes of a longer block of AVIF an empty one.
    dropped = exif.shortened(first, jpeg.LONGEST_EXIF) if format in ("jpeg", "avif") else []
    return exif.Tags(order, False, [first]) if first else None, dropped
