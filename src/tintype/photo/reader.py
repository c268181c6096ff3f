"""Reading a photograph: whole, or refused in one sentence."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO

import numpy as np
import pyvips

from tintype.errors import PhotoError, UnreadablePhoto, UnsupportedPhoto
from tintype.photo import exif, icc, jpeg, png, scale, tiff, webp, xmp
from tintype.photo.kinds import HEAD, recognise
from tintype.photo.photo import Metadata, Photo, to_plane

MOST_PIXELS = 1_000_000_000
"""Pixels of the largest photograph that is read: a file of a few kilobytes can ask for far more."""

# Results are read once and written once, and a file may change between two reads of it: nothing is worth caching.
pyvips.cache_set_max(0)

_DEPTHS = {"uchar": 8, "ushort": 16, "float": 32}
_FAILURES = (pyvips.Error, UnicodeDecodeError)
"""What pyvips raises when libvips fails; the second when a broken file has made its way into the message."""
_KINDS = {8: np.uint8, 16: np.uint16, 32: np.float32}
_LEAST_DPI, _MOST_DPI = 0.01, 100_000
"""A resolution beyond is an error of the file, and has no place in some formats."""
_TURNS = {
    2: np.fliplr,
    3: lambda plane: np.rot90(plane, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda plane: np.rot90(plane, -1),
    7: lambda plane: np.rot90(plane, 2).T,
    8: np.rot90,
}
"""EXIF orientation -> what turns the stored pixels upright."""


def read(source: str | os.PathLike | bytes | BinaryIO, name: str | None = None) -> Photo:
    """Reads a photograph: JPEG, PNG, TIFF, WebP, AVIF or BMP, told by its content.

    Args:
        source: a path, the bytes of a file, or a binary stream.
        name: what errors call it; by default the path.
    Raises:
        UnreadablePhoto: missing, not permitted, empty, broken, cut short, or not a photograph.
        UnsupportedPhoto: a picture of a kind that is refused by name, or one of more than MOST_PIXELS.
    """
    name = name or name_of(source)
    try:
        if isinstance(source, str | os.PathLike):
            with open(source, "rb") as stream:
                if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                    return _read(stream, os.fsdecode(source), name)
                # A pipe gives its bytes once, and the reading takes several looks.
                data = stream.read()
        else:
            data = bytes(source) if isinstance(source, bytes | bytearray | memoryview) else source.read()
    except FileNotFoundError:
        raise UnreadablePhoto(f"{name} does not exist: check the path") from None
    except (OSError, ValueError) as error:
        # Windows says of a folder that it may not be read.
        if isinstance(error, IsADirectoryError) or (isinstance(source, str | os.PathLike) and os.path.isdir(source)):
            raise UnreadablePhoto(f"{name} is a folder, not a photograph") from None
        if isinstance(error, PermissionError):
            raise UnreadablePhoto(f"{name} may not be read: check its permissions") from None
        reason = getattr(error, "strerror", None) or error
        raise UnreadablePhoto(f"{name} cannot be read ({reason}): check the path and the disk") from None
    return _read(io.BytesIO(data), data, name)


def name_of(source) -> str:
    """What errors call a source: its path in printable letters, or what it is."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "the given bytes"
    if not isinstance(source, str | os.PathLike):
        source = getattr(source, "name", None)
        if not isinstance(source, str):
            return "the given stream"
    return os.fsdecode(source).encode("utf-8", "backslashreplace").decode()


def xmp_of(path: str | os.PathLike) -> bytes | None:
    """The XMP packet of a file, without decoding a pixel; None where there is none."""
    name = name_of(path)
    if not stat.S_ISREG(os.stat(path).st_mode):
        return None
    with open(path, "rb") as stream:
        kind = recognise(stream.read(HEAD), name)
        if kind == "jpeg":
            return jpeg.read_segments(stream).xmp
        if kind == "png":
            return png.read_chunks(stream).xmp
        if kind == "webp":
            return webp.read_chunks(stream).xmp
        if kind == "tiff":
            return tiff.find_page(stream, name).blob(exif.XMP)
        if kind == "avif":
            return _blob(_open(kind, os.fsdecode(path), name), "xmp-data")
    return None


def _read(stream: BinaryIO, source: str | bytes, name: str) -> Photo:
    kind = recognise(stream.read(HEAD), name)
    try:
        if kind == "bmp":
            from tintype.photo import pillow

            return pillow.read_bmp(stream, name)
        return _READERS[kind](stream, source, name)
    except _FAILURES as error:
        raise _broken(name, error) from None


def _read_jpeg(stream: BinaryIO, source, name: str) -> Photo:
    segments = jpeg.read_segments(stream)
    if segments.lossless or segments.bits not in (0, 8):
        what = "a lossless JPEG" if segments.lossless else f"a JPEG of {segments.bits} bits"
        raise UnsupportedPhoto(f"{name} is {what}, which tintype does not read: convert it to PNG or TIFF first")
    check_size(*segments.size, name)
    others = [jpeg.read_segments(stream, place) for kind, place in segments.pictures if kind >> 16 != 1]
    # Previews, gain maps and depth maps belong to the photograph; another picture of its size is another photograph.
    photographs = [other for other in others if other.size == segments.size and not jpeg.is_gain_map(other)]
    if photographs:
        raise UnsupportedPhoto(
            f"{name} holds {len(photographs) + 1} photographs (MPO): save each as a file of its own first"
        )
    tags = exif_tags(segments.exif)
    image = _open("jpeg", source, name)
    return as_photo(
        name,
        "jpeg",
        image,
        orientation=orientation_of(tags),
        quality=jpeg.quality(segments),
        metadata=metadata_of(tags, segments.xmp, segments.iptc, segments.dpi),
    )


def _read_png(stream: BinaryIO, source, name: str) -> Photo:
    chunks = png.read_chunks(stream)
    if chunks.frames > 1:
        raise UnsupportedPhoto(f"{name} is an animation (APNG), which tintype does not read: export the frames first")
    tags = exif_tags(chunks.exif)
    return as_photo(
        name,
        "png",
        _open("png", source, name),
        orientation=orientation_of(tags),
        bits=chunks.bits,
        metadata=metadata_of(tags, chunks.xmp, None, chunks.dpi),
    )


def _read_webp(stream: BinaryIO, source, name: str) -> Photo:
    chunks = webp.read_chunks(stream)
    if chunks.animated:
        raise UnsupportedPhoto(f"{name} is an animation (WebP), which tintype does not read: export the frames first")
    if not chunks.whole:
        raise UnreadablePhoto(f"{name} is cut short: get a whole copy of it")
    tags = exif_tags(chunks.exif)
    return as_photo(
        name,
        "webp",
        _open("webp", source, name),
        orientation=orientation_of(tags),
        compression="lossless" if chunks.lossless else "lossy",
        metadata=metadata_of(tags, chunks.xmp, None, None),
    )


def _read_avif(stream: BinaryIO, source, name: str) -> Photo:
    image = _open("heif", source, name)
    if image.get_typeof("n-pages") and image.get("n-pages") > 1:
        raise UnsupportedPhoto(
            f"{name} is an AVIF file of {image.get('n-pages')} pictures: save each as a file of its own first"
        )
    tags = exif_tags((_blob(image, "exif-data") or b"").removeprefix(b"Exif\0\0"))
    bits = image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 8
    if bits > 8:
        # libvips shifts the codes up; white has to be white.
        image = (image * (65535 / ((2**bits - 1) << (16 - bits)))).rint().cast("ushort")
    # The file's own boxes turn the picture, and the decoder has done so already.
    return as_photo(
        name,
        "avif",
        image,
        bits=bits,
        compression="lossy",
        metadata=metadata_of(tags, _blob(image, "xmp-data"), None, None),
    )


def _read_tiff(stream: BinaryIO, source, name: str) -> Photo:
    page = tiff.find_page(stream, name)
    check_size(page.number(exif.WIDTH), page.number(exif.HEIGHT), name)
    if page.number(262) in (8, 9, 10):
        raise UnsupportedPhoto(f"{name} is a TIFF file in CIELAB, which tintype does not read: convert it to RGB first")
    bits, samples = page.number(258, 1), page.number(339, 1)
    if bits not in {1: (1, 2, 4, 8, 16), 3: (16, 32)}.get(samples, ()):
        what = {1: "whole numbers", 2: "signed whole numbers", 3: "floats"}.get(samples, "samples")
        raise UnsupportedPhoto(
            f"{name} holds {bits}-bit {what}, which tintype does not read: convert it to 8 or 16 bits, or to 32-bit "
            "floats from 0 to 1"
        )
    tags = exif.Tags(page.order, False, [page.description()])
    # The size is checked above, and a strip may be as large as the whole photograph.
    image = _open("tiff", source, name, page=page.index, unlimited=True)
    return as_photo(
        name,
        "tiff",
        image,
        orientation=page.number(exif.ORIENTATION, 1),
        bits=bits,
        compression=page.compression,
        inverted=page.min_is_white and image.format == "float",
        metadata=metadata_of(
            tags, page.blob(exif.XMP), page.blob(exif.IPTC), page.dpi(), page.number(exif.ORIENTATION)
        ),
    )


_READERS = {"jpeg": _read_jpeg, "png": _read_png, "tiff": _read_tiff, "webp": _read_webp, "avif": _read_avif}


def _open(kind: str, source: str | bytes, name: str, **options) -> pyvips.Image:
    loader = {"avif": "heif"}.get(kind, kind) + "load"
    if isinstance(source, str):
        try:
            source.encode("utf-8")
        except UnicodeEncodeError:
            # libvips takes names in UTF-8 only.
            with open(source, "rb") as stream:
                source = stream.read()
    if isinstance(source, bytes):
        loader += "_buffer"
    options |= {"access": "sequential", "fail_on": "error"}
    try:
        image = pyvips.Operation.call(loader, source, **options)
    except _FAILURES as error:
        raise _broken(name, error) from None
    check_size(image.width, image.height, name)
    return image


def _broken(name: str, error: pyvips.Error | UnicodeDecodeError) -> UnreadablePhoto:
    if isinstance(error, UnicodeDecodeError):
        # pyvips stumbled over the message itself, and has left it where the next failure would find it.
        pyvips.vips_lib.vips_error_clear()
        detail = error.object.decode("utf-8", "replace")
    else:
        detail = str(error.detail)
    # The last line is that of the decoder; those before it may be the complaints of what it stands on.
    reason = next((line.strip() for line in detail.splitlines()[::-1] if line.strip()), "it cannot be decoded")
    reason = "".join(letter if letter.isprintable() else "?" for letter in reason)
    return UnreadablePhoto(f"{name} is broken or cut short ({reason}): get a whole copy of it")


def check_size(width: int, height: int, name: str) -> None:
    if width * height > MOST_PIXELS:
        raise UnsupportedPhoto(
            f"{name} says that it has {width} x {height} pixels, and more than {MOST_PIXELS // 10**6} megapixels are "
            "not read: make it smaller first"
        )


def as_photo(
    name: str,
    kind: str,
    image: pyvips.Image,
    metadata: Metadata,
    orientation: int = 1,
    bits: int | None = None,
    inverted: bool = False,
    **facts,
) -> Photo:
    """Decodes an opened file from top to bottom into one plane, and turns it upright."""
    if image.format not in _DEPTHS:
        raise UnsupportedPhoto(f"{name} holds {image.format} samples: convert it to 8 or 16 bits first")
    depth = _DEPTHS[image.format]
    bands = 4 if image.interpretation == "cmyk" else 1 if image.bands < 3 else 3
    if image.bands - bands not in (0, 1):
        raise UnsupportedPhoto(f"{name} has {image.bands} channels: convert it to gray, RGB or CMYK first")
    if bands == 4 and depth == 32:
        raise UnsupportedPhoto(f"{name} holds CMYK in floats: convert it to 8 or 16 bits first")
    profile = _blob(image, "icc-profile-data")
    tagged = profile is not None
    if profile is not None and not icc.usable(profile):
        profile = None
    plane, table, alpha = _decode(image, bands, depth, profile, inverted, name)
    if orientation in (5, 6, 7, 8) and metadata.dpi:
        metadata = replace(metadata, dpi=metadata.dpi[::-1])
    if orientation in _TURNS:
        plane = _copied(_TURNS[orientation](plane))
        alpha = None if alpha is None else _copied(_TURNS[orientation](alpha))
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
        metadata=metadata,
        **facts,
    )


def _copied(turned: np.ndarray) -> np.ndarray:
    """A turned view as an array of its own, copied in columns that a cache holds: six times as fast as at once."""
    result = np.empty(turned.shape, turned.dtype)
    for left in range(0, turned.shape[1], 64):
        result[:, left : left + 64] = turned[:, left : left + 64]
    return result


def _decode(image, bands: int, depth: int, profile: bytes | None, inverted: bool, name: str):
    """Plane, scale and alpha of the stored pixels, whose first `bands` are colour."""
    kind, table, rows_of = _way_to_lightness(bands, depth, profile, inverted, name)
    if bands == image.bands == 1 and depth != 32:
        plane = np.frombuffer(image.write_to_memory(), kind)
        return plane.reshape(image.height, image.width), table, None
    plane = np.empty((image.height, image.width), kind)
    alpha = np.empty(plane.shape, _KINDS[depth]) if image.bands > bands else None

    def take(top: int, strip: np.ndarray) -> None:
        rows = slice(top, top + len(strip))
        plane[rows] = rows_of(strip[..., :bands])
        if alpha is not None:
            alpha[rows] = strip[..., -1]

    _strips(image, _KINDS[depth], take)
    return plane, table, alpha


def _way_to_lightness(bands: int, depth: int, profile: bytes | None, inverted: bool, name: str):
    """The type of the plane, its scale, and what makes rows of it from a strip of gray, RGB or CMYK."""
    if depth == 32:
        return np.float32, None, lambda strip: to_plane(1 - strip if inverted else strip, name)[0]
    space = icc.space(profile)
    if space not in {1: ("GRAY", "RGB"), 3: ("RGB",), 4: ("CMYK",)}[bands] or icc.is_srgb(profile):
        profile = None
    if bands == 1:
        table = scale.gray_scale(depth) if profile is None else icc.gray_scale(profile, depth)
        return _KINDS[depth], table, lambda strip: strip[..., 0]
    if profile is not None:
        return np.uint16, scale.lightness_scale(), lambda strip: icc.lightness_codes(strip, profile)
    if bands == 4:
        return np.uint16, scale.lightness_scale(), lambda strip: scale.lightness_codes(_from_ink(strip))
    return np.uint16, scale.lightness_scale(), scale.lightness_codes


def _from_ink(cmyk: np.ndarray) -> np.ndarray:
    """sRGB uint16 codes of CMYK without a profile, as browsers and most viewers show it."""
    paper = 1 - cmyk.astype(np.float32) / np.iinfo(cmyk.dtype).max
    return (paper[..., :3] * paper[..., 3:] * 65535 + 0.5).astype(np.uint16)


def _strips(image: pyvips.Image, kind, take: Callable[[int, np.ndarray], None]) -> None:
    """Decodes from top to bottom in one go, and gives `take` each strip with its first row."""
    row = image.width * image.bands * np.dtype(kind).itemsize
    block = max(1, scale.BLOCK // image.width)
    waiting = bytearray()
    done = 0
    failed: list[BaseException] = []

    def write(data) -> int:
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


def _blob(image: pyvips.Image, field: str) -> bytes | None:
    return bytes(image.get(field)) if image.get_typeof(field) else None


def exif_tags(block: bytes | None) -> exif.Tags | None:
    """The tags of an Exif block; None for none and for a broken one, which is left behind."""
    if not block:
        return None
    try:
        tags = exif.read_tags(block)
    except exif.BadTags:
        return None
    return tags if tags.pages else None


def orientation_of(tags: exif.Tags | None) -> int:
    return int(exif.number(tags.pages[0], exif.ORIENTATION, tags.order, 1)) if tags else 1


def metadata_of(tags, packet, iptc, dpi, orientation: int | None = None) -> Metadata:
    """Metadata of the upright photograph. Only the first directory is kept: the second is a gray thumbnail."""
    block = None
    if tags is not None:
        first = dict(tags.pages[0])
        for tag in (exif.XMP, exif.IPTC):
            first.pop(tag, None)
        if dpi is None:
            dpi = tiff.Page(0, first, tags.order).dpi()
        if exif.ORIENTATION in first:
            orientation = 1
            first[exif.ORIENTATION] = exif.whole(exif.SHORT, 1, order=tags.order)
        block = exif.block(first, tags.order) if first else None
    if dpi and not all(_LEAST_DPI <= value <= _MOST_DPI for value in dpi):
        dpi = None
    if packet and orientation:
        # A copy of the orientation tag, which is obeyed by some; where there is no tag, nobody turned anything.
        packet = xmp.upright(packet)
    return Metadata(exif=block, xmp=packet or None, iptc=iptc or None, dpi=dpi)


def is_marked(path: str | os.PathLike) -> bool:
    """Whether a file is a result of tintype, by the mark in its XMP; False for what is not a photograph.

    Only the file's headers are read.
    """
    try:
        return xmp.has_mark(xmp_of(path))
    except (OSError, ValueError, PhotoError):
        return False
