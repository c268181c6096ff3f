"""From an opened picture to a photograph: its pixels to one plane of lightness, upright, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
import pyvips
from numpy.typing import NDArray

from tintype.color.lab import lightness, luminance_to_lightness, srgb_decode
from tintype.errors import TooManyPixels, UnreadablePhoto, UnsupportedPhoto, printable
from tintype.photo import exif, icc, scale, tiff, xmp
from tintype.photo.iptc import LONGEST as LONGEST_IPTC
from tintype.photo.photo import Metadata, Photo, Text
from tintype.photo.source import CONCURRENCY
from tintype.photo.toning import Samples

Read = TypeVar("Read")

MOST_PIXELS = 1_000_000_000
"""Pixels of the largest photograph that is read: a file of a few kilobytes can ask for far more."""

NEUTRAL = 50.0
"""CIE L* of the gray in the place of pixels that a file has lost."""
LONGEST_SIDE = 1_000_000
"""Pixels of the longest row or column."""

_SMALL, _PACKED = 64 << 20, 1032
# Some decoders fill the memory with the whole picture before they find that its file ends. No photograph is packed
# more densely than zlib packs zeros, and what takes less than 64 MB need not be asked.

# pyvips hands the warnings of libvips to Python, from the threads of libvips. When Python collects its garbage there,
# and with it a picture that the same thread works on, the process is aborted.
pyvips._remove_log_handler()

# Results are read once and written once, and a file may change between two reads of it: nothing is worth caching.
pyvips.cache_set_max(0)

Codes = NDArray[Any]
"""Samples of pixels, uint8, uint16 or float32, as a file has them."""

_DEPTHS = {"uchar": 8, "ushort": 16, "float": 32}
_KINDS: dict[int, type[np.generic]] = {8: np.uint8, 16: np.uint16, 32: np.float32}
_LEAST_DPI, _MOST_DPI = 0.01, 100_000
"""A resolution beyond is an error of the file, and has no place in some formats."""
TURNS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: np.fliplr,
    3: lambda plane: np.rot90(plane, 2),
    4: np.flipud,
    5: lambda plane: plane.swapaxes(0, 1),
    6: lambda plane: np.rot90(plane, -1),
    7: lambda plane: np.rot90(plane, 2).swapaxes(0, 1),
    8: np.rot90,
}
"""EXIF orientation -> what turns the stored pixels upright."""


@dataclass(frozen=True)
class Reading(Generic[Read]):
    """What becomes of a picture that the reader of a format has opened: a photograph, or its pixels in colour.

    Attributes:
        develop: makes it of what `as_photo` takes.
        in_colour: what has no colours that can be read is refused.
        shrink: by how much a decoder of JPEG may reduce a stored picture of (width, height): 1, 2, 4 or 8 times.
    """

    develop: Callable[..., Read]
    in_colour: bool = False
    shrink: Callable[[int, int], int] = lambda width, height: 1

    def named(self, kind: str) -> Reading[Read]:
        """The same for a format that is read by way of another one."""
        return replace(self, develop=lambda name, _, *picture, **facts: self.develop(name, kind, *picture, **facts))


_most = ContextVar("most", default=MOST_PIXELS)


@contextmanager
def at_most(pixels: int) -> Iterator[None]:
    """Read no photograph of more pixels in this block, and in this thread: it is refused before it is decoded."""
    before = _most.set(min(pixels, MOST_PIXELS))
    try:
        yield
    finally:
        _most.reset(before)


def check_size(width: int, height: int, name: str, bits: int = 8, stored: int | None = None) -> None:
    """Whether a picture is small enough to be decoded, by what the header of its file says.

    Args:
        bits: of a pixel, all samples together. stored: the bytes of the file.
    Raises:
        TooManyPixels: more than MOST_PIXELS, or what `at_most` allows. UnsupportedPhoto: a side beyond LONGEST_SIDE.
        UnreadablePhoto: more pixels than a file of that many bytes can hold.
    """
    claim = f"{name} says that it has {width} x {height} pixels, and"
    most = _most.get()
    if width * height > most:
        raise TooManyPixels(f"{claim} more than {most / 1e6:g} megapixels are not read: make it smaller first")
    if max(width, height) > LONGEST_SIDE:
        raise UnsupportedPhoto(
            f"{claim} more than {LONGEST_SIDE} in a row or column are not read: cut it in pieces first"
        )
    if stored is not None and width * height * bits // 8 > max(_SMALL, _PACKED * stored):
        raise UnreadablePhoto(f"{claim} is a file of only {stored} bytes: get a whole copy of it")


def as_photo(
    name: str,
    kind: str,
    image: pyvips.Image,
    metadata: Metadata,
    orientation: int = 1,
    bits: int | None = None,
    inverted: bool = False,
    space: bytes | None = None,
    lost_from: int | None = None,
    rows: int | None = None,
    notes: tuple[str, ...] = (),
    **facts: Any,
) -> Photo:
    """Decodes an opened file from top to bottom into one plane, and turns it upright.

    space: the profile of the colour space that the file names by numbers, for when it has no usable profile. The result
        is sRGB then.
    lost_from: the stored row from which on the pixels are not those of the photograph, but neutral gray.
    rows: how many stored rows are the photograph's; those below are decoded, and left out.
    """
    depth, bands = samples_of(image, name)
    profile = profile_of(image)
    tagged = blob(image, "icc-profile-data") is not None
    if tagged and profile is None:
        notes = (*notes, f"{name}: its colour profile cannot be used, and was left behind")
    if profile is None and space is not None and icc.usable(space) and not icc.is_srgb(space):
        tagged = True
    through = applied(profile or space, bands)
    plane, table, alpha, samples, printed = _decode(image, bands, depth, through, inverted, name, rows or image.height)
    if bits is not None and bits <= 8 and depth == 16:
        # CIELAB of 8 bits is held in 16, as all colours are; the result has the depth of the file.
        depth, alpha = 8, None if alpha is None else (alpha >> 8).astype(np.uint8)
    if printed:
        notes = (*notes, f"{name} is CMYK without a profile, and its lightness is that of a usual printing press")
    if bands == 1 and depth == 16 and 0 < (brightest := int(plane.max())) < 4096:
        notes = (
            *notes,
            f"{name} is nearly black: the highest of its 16-bit values is {brightest}; if they were meant to fill "
            "fewer bits, stretch them first",
        )
    missing = None
    if lost_from is not None and lost_from < len(plane):
        plane = plane.copy() if not plane.flags.writeable else plane
        plane[lost_from:] = NEUTRAL if table is None else np.abs(table - NEUTRAL).argmin()
        if alpha is not None:
            alpha[lost_from:] = 1 if depth == 32 else 2**depth - 1
        missing = _turned(lost_from, plane.shape, orientation)
    if orientation in (5, 6, 7, 8) and metadata.dpi:
        metadata = replace(metadata, dpi=metadata.dpi[::-1])
    if orientation in TURNS:
        plane = _copied(TURNS[orientation](plane))
        alpha = None if alpha is None else _copied(TURNS[orientation](alpha))
    height, width = plane.shape
    return Photo(
        name=name,
        width=width,
        height=height,
        format=kind,
        depth=depth,
        plane=plane,
        scale=table,
        bits=bits or depth,
        alpha=alpha,
        profile=profile if profile and icc.takes_colour(profile) and depth != 32 and bands != 4 else None,
        tagged=tagged,
        missing=missing,
        samples=samples,
        metadata=metadata,
        notes=(*notes, *(f"{name}: {note}" for note in metadata.notes)),
        **facts,
    )


def samples_of(image: pyvips.Image, name: str) -> tuple[int, int]:
    """Bits of a sample (8, 16, or 32 for floats) and channels that are colour (1, 3 or 4) of an opened picture.

    Raises:
        UnsupportedPhoto: samples or channels that are not read.
    """
    if image.format not in _DEPTHS:
        raise UnsupportedPhoto(f"{name} holds {image.format} samples: convert it to 8 or 16 bits first")
    depth = _DEPTHS[image.format]
    bands = 4 if image.interpretation == "cmyk" else 1 if image.bands < 3 else 3
    if image.bands - bands not in (0, 1):
        raise UnsupportedPhoto(f"{name} has {image.bands} channels: convert it to gray, RGB or CMYK first")
    if bands == 4 and depth == 32:
        raise UnsupportedPhoto(f"{name} holds CMYK in floats: convert it to 8 or 16 bits first")
    return depth, bands


def profile_of(image: pyvips.Image) -> bytes | None:
    """The profile of an opened picture; None for none, and for one through which no colour can be had."""
    profile = blob(image, "icc-profile-data")
    return profile if profile is not None and icc.usable(profile) else None


def applied(profile: bytes | None, bands: int) -> bytes | None:
    """The profile that pixels of `bands` channels of colour go through; None where they are sRGB, or plain inks."""
    fits = profile is not None and icc.space(profile) in {1: ("GRAY", "RGB"), 3: ("RGB",), 4: ("CMYK",)}[bands]
    return profile if fits and icc.usable(profile) and not icc.is_srgb(profile) else None


def _turned(first: int, shape: tuple[int, int], orientation: int) -> tuple[slice, slice]:
    """Where the stored rows from `first` on lie in the upright photograph: its rows and columns."""
    height, width = shape
    start, end = (0, height - first) if orientation in (3, 4, 6, 7) else (first, height)
    rows, columns = slice(start, end), slice(0, width)
    return (columns, rows) if orientation >= 5 else (rows, columns)


def _copied(turned: Codes) -> Codes:
    """A turned view as an array of its own, copied in columns that a cache holds: six times as fast as at once."""
    result = np.empty(turned.shape, turned.dtype)
    for left in range(0, turned.shape[1], 64):
        result[:, left : left + 64] = turned[:, left : left + 64]
    return result


def _decode(
    image: pyvips.Image,
    bands: int,
    depth: int,
    profile: bytes | None,
    inverted: bool,
    name: str,
    height: int,
) -> tuple[Codes, NDArray[np.float32] | None, Codes | None, Samples | None, bool]:
    """Plane, scale, alpha and samples of the first `height` stored rows, of whose channels the first `bands` are
    colour; and whether they were taken for those of a printing press.

    The plane and alpha are [height, width]; see `Photo` for the plane and its scale.
    """
    kind, table, rows_of = _way_to_lightness(bands, depth, profile, inverted, name)
    if bands == image.bands == 1 and depth != 32:
        plane = np.frombuffer(image.write_to_memory(), kind)
        return plane.reshape(image.height, image.width)[:height], table, None, None, False
    plane = np.empty((height, image.width), kind)
    alpha = np.empty(plane.shape, _KINDS[depth]) if image.bands > bands else None
    samples = Samples(*plane.shape) if bands > 1 else None
    # Programs that know nothing of inks make CMYK without black of RGB, and no press prints so: these go back as they
    # came. Whether there is black is known at the end.
    plain = np.empty(plane.shape, np.uint16) if bands == 4 and profile is None else None
    black = False

    def take(top: int, strip: Codes) -> None:
        nonlocal black
        if not len(strip := strip[: max(0, height - top)]):
            return
        rows = slice(top, top + len(strip))
        plane[rows] = rows_of(strip[..., :bands])
        if plain is not None and not black:
            plain[rows] = scale.lightness_codes(np.iinfo(strip.dtype).max - strip[..., :3])
            black = bool(strip[..., 3].any())
        if samples is not None:
            samples.take(top, strip[..., :bands])
        if alpha is not None:
            alpha[rows] = strip[..., -1]

    _strips(image, _KINDS[depth], take)
    if plain is not None and not black:
        plane = plain
    return plane, table, alpha, samples, black


def _way_to_lightness(
    bands: int, depth: int, profile: bytes | None, inverted: bool, name: str
) -> tuple[type[np.generic], NDArray[np.float32] | None, Callable[[Codes], Codes]]:
    """The type of the plane, its scale, and what makes rows of it from a strip of gray, RGB or CMYK.

    The strip is [rows, width, bands], the rows are [rows, width].
    """
    if depth == 32:
        return np.float32, None, lambda strip: to_plane(1 - strip if inverted else strip, name)[0]
    if bands == 1:
        table = scale.gray_scale(depth) if profile is None else icc.gray_scale(profile, depth)
        return _KINDS[depth], table, lambda strip: strip[..., 0]
    if profile is not None:
        return np.uint16, scale.lightness_scale(), lambda strip: icc.lightness_codes(strip, profile)
    if bands == 4:
        return np.uint16, scale.lightness_scale(), lambda strip: icc.lightness_codes(strip, icc.press())
    return np.uint16, scale.lightness_scale(), scale.lightness_codes


def _strips(image: pyvips.Image, kind: type[np.generic], take: Callable[[int, Codes], None]) -> None:
    """Decodes from top to bottom in one go, and gives `take` each strip [rows, width, bands] with its first row."""
    row = image.width * image.bands * np.dtype(kind).itemsize
    block = max(1, scale.BLOCK // image.width)
    if image.get_typeof(CONCURRENCY) and image.get(CONCURRENCY) == 1:
        # A region is computed in the thread that asks for it.
        region = pyvips.Region.new(image)
        for top in range(0, image.height, block):
            rows = min(block, image.height - top)
            strip = np.frombuffer(region.fetch(0, top, image.width, rows), kind)
            take(top, strip.reshape(rows, image.width, image.bands))
        return
    waiting = bytearray()
    done = 0
    failed: list[BaseException] = []

    def write(data: bytes) -> int:
        nonlocal done
        # An exception cannot pass through libvips: it is kept, and the decoding stopped.
        try:
            waiting.extend(data)
            rows = len(waiting) // row
            if rows >= block or done + rows == image.height:
                strip = np.frombuffer(bytes(waiting[: rows * row]), kind).reshape(rows, image.width, image.bands)
                del waiting[: rows * row]
                take(done, strip)
                done += rows
        except BaseException as error:
            failed.append(error)
            return -1
        return len(data)

    target = pyvips.TargetCustom()
    target.on_write(write)
    try:
        image.rawsave_target(target, keep="none")
    finally:
        if failed:
            raise failed[0]


def to_plane(color: Codes, name: str) -> tuple[Codes, NDArray[np.float32] | None]:
    """Plane and scale of sRGB-encoded pixels [rows, width, 1 or 3], uint8, uint16 or float32."""
    if color.dtype == np.float32:
        color = checked_floats(color, name)
        if color.shape[2] == 1:
            return luminance_to_lightness(srgb_decode(color[..., 0])), None
        return lightness(color).astype(np.float32, copy=False), None
    if color.shape[2] == 1:
        return np.ascontiguousarray(color[..., 0]), scale.gray_scale(8 * color.dtype.itemsize)
    return scale.lightness_codes(color), scale.lightness_scale()


def checked_floats(values: Codes, name: str) -> Codes:
    """Values in [0, 1] of any shape, from such that may lie a little beyond.

    Raises:
        UnreadablePhoto: they have another range.
    """
    low, high = float(values.min()), float(values.max())
    # A resampled photograph may overshoot a little; another range is another scale, and guessing it would change the
    # lightness. `not (...)` refuses NaN too.
    if not (low >= -0.1 and high <= 1.1):
        raise UnreadablePhoto(f"{name} holds values from {low:.4g} to {high:.4g}: bring floats to the range 0 to 1")
    clipped: Codes = np.clip(values, 0, 1)
    return clipped


def as_image(pixels: Codes, profile: bytes | None = None, ink: bool = False) -> pyvips.Image:
    """A picture for `as_photo` from pixels: gray, RGB or (ink) CMYK, its alpha last.

    Args:
        pixels: [height, width, channels], uint8, uint16 or float32; profile: an ICC profile of them.
    """
    deep = pixels.dtype == np.uint16
    space = "cmyk" if ink else ("grey16" if deep else "b-w") if pixels.shape[2] < 3 else "rgb16" if deep else "srgb"
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels)).copy(interpretation=space)
    if profile:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image


def reason_of(error: Exception) -> str:
    """What a library said, in printable letters on one line."""
    return printable(" ".join(str(error).split())) or "it cannot be decoded"


def blob(image: pyvips.Image, field: str) -> bytes | None:
    return bytes(image.get(field)) if image.get_typeof(field) else None


def exif_tags(block: bytes | None) -> exif.Tags | None:
    """The tags of an Exif block, without the directory of its thumbnail; None for none.

    A broken one is left behind: it has no tags, and is damaged.
    """
    if not block:
        return None
    try:
        tags = exif.read_tags(block, most=1)
    except exif.BadTags:
        return exif.Tags("<", False, [{}], damaged=frozenset({exif.EXIF}))
    return tags if tags.pages else None


def orientation_of(tags: exif.Tags | None) -> int:
    return int(exif.number(tags.pages[0], exif.ORIENTATION, tags.order, 1)) if tags else 1


def metadata_of(
    tags: exif.Tags | None,
    packet: bytes | None,
    iptc: bytes | None,
    dpi: tuple[float, float] | None,
    orientation: int | None = None,
    texts: Iterable[Text] = (),
    damaged: bool = False,
) -> Metadata:
    """Metadata of the upright photograph. Only the first directory is kept: the second is a gray thumbnail.

    dpi: what the format's own place for the resolution says. damaged: the reader of the format has left something out.
    """
    block = None
    notes = []
    if tags is not None:
        first = dict(tags.pages[0])
        for tag in (exif.XMP, exif.IPTC):
            first.pop(tag, None)
        in_tags = tiff.Page(0, first, tags.order).dpi()
        if dpi is None or (in_tags and _is_default(dpi) and not _is_default(in_tags)):
            dpi = in_tags
        if exif.ORIENTATION in first:
            orientation = 1
            first[exif.ORIENTATION] = exif.whole(exif.SHORT, 1, order=tags.order)
        block = exif.block(first, tags.order) if first else None
        if tags.damaged:
            notes.append("part of its Exif tags is damaged and was left behind")
    if dpi and not all(_LEAST_DPI <= value <= _MOST_DPI for value in dpi):
        dpi = None
    if packet:
        # A copy of the orientation tag, which is obeyed by some; where there is no tag, nobody turned anything.
        packet = xmp.checked(packet, upright=bool(orientation))
        if packet is None:
            notes.append("its XMP packet is broken or too large to be read, and was left behind")
    if iptc and len(iptc) > LONGEST_IPTC:
        iptc, damaged = None, True
    if damaged:
        notes.append("some of its metadata is damaged or too large to be read, and was left behind")
    return Metadata(exif=block, xmp=packet or None, iptc=iptc or None, dpi=dpi, texts=tuple(texts), notes=tuple(notes))


def _is_default(dpi: tuple[float, float]) -> bool:
    """Whether a resolution is what programs write that know of none."""
    return all(round(value) in (72, 96) for value in dpi)
