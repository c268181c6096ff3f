"""Sound photographs of every kind that tintype reads, and names that files may have."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image

Gray = NDArray[np.uint8]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "photographs"


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    encode: from a picture, uint8 [h, w], to the bytes of its file. share: of a thousand files, about. pages: how many
    photographs are in it.
    """

    suffix: str
    encode: Callable[[Gray], bytes]
    share: float
    pages: int = 1


def picture(random: np.random.Generator, least: int = 64, most: int = 200) -> Gray:
    """A part of an example at some size, with grain of its own, so that no two files are equal; uint8 [h, w]."""
    source = _examples()[random.integers(len(_examples()))]
    width, height = (int(side) for side in random.integers(least, most + 1, 2))
    scale = random.uniform(0.5, 1.0)
    high, wide = source.shape
    part_high, part_wide = int(high * scale), int(wide * scale)
    top, left = random.integers(high - part_high + 1), random.integers(wide - part_wide + 1)
    part = Image.fromarray(source[top : top + part_high, left : left + part_wide]).resize((width, height))
    grain = random.integers(-3, 4, (height, width))
    return np.clip(np.asarray(part).astype(np.int16) + grain, 0, 255).astype(np.uint8)


@cache
def _examples() -> tuple[Gray, ...]:
    files = sorted(path for path in EXAMPLES.iterdir() if path.suffix.lower() in (".jpg", ".png"))
    found = []
    for path in files:
        with Image.open(path) as image:
            image.thumbnail((1600, 1600))
            found.append(np.asarray(image.convert("L")))
    return tuple(found)


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    """The bytes that Pillow makes of an image."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def jpeg(gray: Gray, **options: object) -> bytes:
    return saved(Image.fromarray(gray), "JPEG", **({"quality": 85} | options))


def toned(gray: Gray) -> Image.Image:
    """The picture in the brown of an old print."""
    level = gray[..., None] / 255.0
    return Image.fromarray((255 * level ** np.array([0.8, 1.0, 1.3])).astype(np.uint8))


def turned(gray: Gray) -> bytes:
    """A JPEG file whose Exif says that it lies on its side."""
    exif = Image.Exif()
    exif[274], exif[271], exif[306] = 6, "Scanner", "1931:05:06 12:00:00"
    return jpeg(gray, exif=exif.tobytes())


def album(gray: Gray, count: int = 3) -> bytes:
    """A TIFF file of several photographs."""
    pages = [Image.fromarray(np.roll(gray, 7 * number, 1) // (number + 1)) for number in range(count)]
    return saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])


def _vips(suffix: str, change: Callable[[pyvips.Image], pyvips.Image] = lambda image: image, **options: object):
    def encode(gray: Gray) -> bytes:
        return change(pyvips.Image.new_from_array(gray)).write_to_buffer(suffix, **options)

    return encode


def _deep(image: pyvips.Image) -> pyvips.Image:
    return (image * 257).cast("ushort").copy(interpretation="grey16")


def _rgb(image: pyvips.Image) -> pyvips.Image:
    return image.bandjoin([image, image]).copy(interpretation="srgb")


def _deep_rgb(image: pyvips.Image) -> pyvips.Image:
    return _rgb(image).colourspace("rgb16")


def _ink(gray: Gray) -> bytes:
    return saved(Image.fromarray(gray).convert("RGB").convert("CMYK"), "JPEG", quality=85)


def _lined(gray: Gray) -> Image.Image:
    return Image.fromarray(gray).convert("1")


KINDS = {
    "JPEG": Kind(".jpg", jpeg, 330),
    "JPEG, .JPG": Kind(".JPG", jpeg, 50),
    "JPEG, .jpeg": Kind(".jpeg", jpeg, 30),
    "JPEG, .jfif": Kind(".jfif", jpeg, 5),
    "JPEG, progressive": Kind(".jpg", lambda gray: jpeg(gray, progressive=True), 40),
    "JPEG, toned": Kind(".jpg", lambda gray: saved(toned(gray), "JPEG", quality=90), 60),
    "JPEG, on its side": Kind(".jpg", turned, 30),
    "JPEG, in inks": Kind(".jpg", _ink, 10),
    "TIFF": Kind(".tif", _vips(".tif"), 60),
    "TIFF, 16 bit": Kind(".tif", _vips(".tif", _deep), 60),
    "TIFF, 16 bit, three channels": Kind(
        ".tiff", _vips(".tif", _deep_rgb, compression="lzw", predictor="horizontal"), 20
    ),
    "TIFF, deflate": Kind(".TIF", _vips(".tif", compression="deflate"), 20),
    "TIFF, tiles": Kind(".tif", _vips(".tif", _rgb, tile=True, tile_width=64, tile_height=64), 10),
    "TIFF, above 4 GB": Kind(".tif", _vips(".tif", bigtiff=True), 10),
    "TIFF, with smaller copies": Kind(".tif", _vips(".tif", tile=True, pyramid=True, tile_width=64, tile_height=64), 5),
    "TIFF, floats": Kind(".tif", _vips(".tif", lambda image: (image / 255).cast("float")), 5),
    "TIFF, CIE L*a*b*": Kind(".tif", _vips(".tif", lambda image: _rgb(image).colourspace("lab")), 5),
    "TIFF, one bit": Kind(".tif", lambda gray: saved(_lined(gray), "TIFF", compression="group4"), 5),
    "TIFF, three pages": Kind(".tif", album, 10, pages=3),
    "PNG": Kind(".png", _vips(".png"), 70),
    "PNG, 16 bit": Kind(".png", _vips(".png", _deep), 20),
    "PNG, interlaced": Kind(".png", _vips(".png", _rgb, interlace=True), 10),
    "PNG, palette": Kind(".png", lambda gray: saved(Image.fromarray(gray).convert("P"), "PNG"), 10),
    "PNG, transparent": Kind(".png", lambda gray: saved(Image.merge("LA", [Image.fromarray(gray)] * 2), "PNG"), 10),
    "PNG, one bit": Kind(".png", lambda gray: saved(_lined(gray), "PNG"), 5),
    "WebP": Kind(".webp", _vips(".webp", _rgb), 30),
    "WebP, without loss": Kind(".webp", _vips(".webp", _rgb, lossless=True), 10),
    "AVIF": Kind(".avif", lambda gray: saved(Image.fromarray(gray), "AVIF", speed=10), 10),
    "BMP": Kind(".bmp", lambda gray: saved(Image.fromarray(gray), "BMP"), 20),
    "GIF": Kind(".gif", lambda gray: saved(Image.fromarray(gray), "GIF"), 20),
    "PGM": Kind(".pgm", lambda gray: saved(Image.fromarray(gray), "PPM"), 10),
    "JPEG 2000": Kind(".jp2", lambda gray: saved(Image.fromarray(gray), "JPEG2000"), 10),
}
"""What the files are called in reports, and how they are made."""


NAMES = (
    "two words {}",
    "  spaces around {} ",
    'it\'s "quoted" {}',
    "new\nline {}",
    "tab\tand \x1b[31mred {}",
    "caf\udce9 of 1931 {}",  # Latin-1: no UTF-8
    "\udcff\udcfe\udc80 {}",
    "Gro\u00dfmutter \u00e9t\u00e9 {}",
    "Gro\u00dfmutter e\u0301te\u0301 {}",
    "\u5199\u771f {}",
    "\U0001f4f7 {}",
    "\u202eright to left {}",
    "-o {}",
    "--overwrite {}",
    "$(exit 3) `false`; {}",
    "100 % & <b>{}",
    "a*b?[c] {}",
    "back\\slash {}",
    "{}.p2",
    "{}.tar.gz",
    "con {}",
    "{} is the same",
)
"""Names that are allowed and odd, {}: a number."""

FOLDERS = (
    "1931",
    "1932/box 1",
    "1932/box 2",
    'it\'s a "folder"',
    "new\nline",
    "scans.jpg",
    "caf\udce9",
    "deep/" * 12 + "er",
    "UPPER",
    "upper",
    "w" * 200 + "/" + "x" * 200,
)
"""Folders for them."""


def name_of(number: int, suffix: str, random: np.random.Generator, odd: float = 0.3) -> str:
    """A name that no other number has; `odd`: the share of those that are odd."""
    chance = random.random()
    if chance >= odd:
        return f"scan{number:05}{suffix}"
    if chance < odd / 20:
        # As long as names may be.
        return f"{number:05}{'n' * (250 - len(suffix))}{suffix}"
    return f"{NAMES[random.integers(len(NAMES))].format(f'{number:05}')}{suffix}"
