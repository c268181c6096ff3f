"""Writing the coloured photograph: strip by strip, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyvips

from tintype.errors import UnwritableFile, UnwritablePhoto
from tintype.files import Destination, whole_file
from tintype.photo import captions, exif, icc, jpeg, png, spaces, tiff, webp, xmp
from tintype.photo.kinds import SUFFIXES
from tintype.photo.photo import Photo
from tintype.photo.source import name_of
from tintype.photo.xmp import Mark
from tintype.threads import available_threads
from tintype.version import __version__

QUALITY = 95
"""Quality of lossy results whose input tells none."""

WRITABLE = ("jpeg", "png", "tiff", "webp", "avif")
"""The formats that are written. BMP has no place for the mark."""

_AVIF_THREADS = 4
_DEPTHS = {"jpeg": (8,), "webp": (8,), "png": (8, 16), "avif": (8, 16), "tiff": (8, 16, 32)}
_LARGEST = {"jpeg": 65500, "webp": 16383, "avif": 16384}
_KINDS = {8: np.uint8, 16: np.uint16, 32: np.float32}


def output_format(photo: Photo, target=None, format: str | None = None) -> str:
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


MARK = Mark(version=__version__)


def write(
    photo: Photo,
    strips: Iterable[np.ndarray],
    target: str | os.PathLike | BinaryIO,
    *,
    format: str | None = None,
    quality: int | None = None,
    mark: Mark | None = MARK,
    threads: int | None = None,
) -> tuple[str, ...]:
    """Writes the coloured photograph with the alpha, profile and metadata of `photo`.

    Args:
        strips: sRGB-encoded [rows, width, 3], top to bottom; uint8, uint16 or float32 in [0, 1]. Iterated in the
            caller's thread, never held whole.
        target: a path, written under a temporary name in the same folder and renamed when it is complete; or a
            binary stream, which receives the complete file.
        format: one of WRITABLE; by default what the target's suffix says, or the photograph's own.
        quality: 1..100 for lossy formats; by default that of the photograph, or QUALITY. See `jpeg_quality`.
        mark: the statement that a machine added the colour; None for none. By default it names this release of tintype.
        threads: processors to use; None: all that this process may use. The result does not depend on it.
    Returns:
        What the result could not keep of the photograph, a sentence for each thing.
    Raises:
        UnwritablePhoto: the folder, the disk or the format does not take the result.
        ValueError: the strips do not add up to the photograph.
    What the strips raise is passed on; nothing is left behind then.
    """
    format = output_format(photo, target, format)
    plan = _plan(photo, format, quality, mark)
    threads = threads or available_threads()
    name = name_of(target)
    try:
        if isinstance(target, str | os.PathLike):
            with whole_file(target) as file:
                _encode(plan, strips, file, name, threads)
        else:
            # An encoder may go back in the file, which a pipe cannot; and a stream must not receive half a file.
            with tempfile.TemporaryFile(buffering=0) as part:
                file = Destination(part, name)
                _encode(plan, strips, file, name, threads)
                file.seek(0)
                shutil.copyfileobj(part, Destination(target, name))
    except UnwritableFile as error:
        message = str(error)
        if error.number == errno.ENAMETOOLONG:
            message = f"{name} is too long a name here: give -o FOLDER, where results keep their photographs' names"
        raise UnwritablePhoto(message) from error
    return plan.lost


def jpeg_quality(quality: int) -> int:
    """The IJG quality that a colour JPEG needs to keep lightness as well as a gray one of `quality` does.

    In fine quantisation the rounding of three channels to 8 bits outweighs the tables, so colour needs finer ones.
    """
    return min(100, quality + max(0, (quality - 86) // 4))


@dataclass(frozen=True)
class _Plan:
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


def _plan(photo: Photo, format: str, quality: int | None, mark: Mark | None) -> _Plan:
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
    if has_alpha and format == "jpeg":
        if photo.alpha.min() < (1 if photo.depth == 32 else 2**photo.depth - 1):
            raise UnwritablePhoto(
                f"{photo.name} is partly transparent, and jpeg cannot keep that: use png, tiff or webp"
            )
        has_alpha = False
    said = captions.carried(photo.metadata, format)
    packet = said.xmp if mark is None else xmp.marked(said.xmp, mark)
    tags, dropped = _exif(photo, format)
    lost = list(said.lost)
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
    return _Plan(
        photo=photo,
        format=format,
        depth=depth,
        channels=4 if has_alpha else 3,
        quality=quality or photo.quality or QUALITY,
        lossless=quality is None and photo.quality is None and photo.compression != "lossy",
        exif=tags,
        xmp=packet,
        extension=extension,
        captions=said,
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


def _encode(plan: _Plan, strips: Iterable[np.ndarray], file: Destination, name: str, threads: int) -> None:
    rows = _rows(plan, strips)
    photo = plan.photo
    if plan.format == "tiff":
        packed = photo.compression != "none"
        size = (photo.width, photo.height, plan.channels, plan.depth)
        tiff.write(file, rows, *size, _tiff_tags(plan), packed, threads)
        return
    try:
        _encode_with_vips(plan, rows, file)
    except pyvips.Error as error:
        reason = next((line.strip() for line in str(error.detail).splitlines() if line.strip()), "no reason given")
        raise UnwritablePhoto(f"{name} could not be encoded as {plan.format} ({reason}): use png or tiff") from None


def _tiff_tags(plan: _Plan) -> exif.Directory:
    tags: exif.Directory = {}
    if plan.exif is not None:
        first = {tag: value for tag, value in plan.exif.pages[0].items() if tag not in exif.STRUCTURE}
        tags = exif.reordered(first, plan.exif.order, "<")
    if plan.photo.metadata.dpi:
        across, down = plan.photo.metadata.dpi
        tags[exif.X_RESOLUTION], tags[exif.Y_RESOLUTION] = exif.fraction(across), exif.fraction(down)
        tags[exif.RESOLUTION_UNIT] = exif.whole(exif.SHORT, 2)
    for tag, kind, data in (
        (exif.XMP, exif.BYTE, plan.xmp),
        (exif.IPTC, exif.UNDEFINED, plan.captions.iptc),
        (exif.ICC, exif.UNDEFINED, plan.tag),
    ):
        if data:
            tags[tag] = exif.Value(kind, len(data), data)
    return tags


def _rows(plan: _Plan, strips: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The strips as they go into the file: in its depth and profile, with alpha."""
    photo = plan.photo
    done = 0
    alpha = _in_depth(photo.alpha, plan.depth) if plan.channels == 4 else None
    for strip in strips:
        if strip.ndim != 3 or strip.shape[1:] != (photo.width, 3) or done + len(strip) > photo.height:
            raise ValueError(
                f"a strip of shape {strip.shape} at row {done} does not fit a photograph of "
                f"{photo.width} x {photo.height}"
            )
        if plan.profile is not None:
            strip = icc.from_srgb(strip, plan.profile, plan.depth)
        else:
            strip = _in_depth(strip, plan.depth)
        if alpha is not None:
            strip = np.concatenate([strip, alpha[done : done + len(strip), :, None]], axis=2)
        done += len(strip)
        yield strip
    if done != photo.height:
        raise ValueError(f"the strips hold {done} rows, and the photograph has {photo.height}")


def _in_depth(values: np.ndarray, depth: int) -> np.ndarray:
    """Codes of another depth, rounded; a new array only when it is another depth."""
    kind = _KINDS[depth]
    if values.dtype == kind:
        return values
    if values.dtype == np.float32:
        return (np.clip(values, 0, 1) * (2**depth - 1) + 0.5).astype(kind)
    if depth == 32:
        return values / np.float32(np.iinfo(values.dtype).max)
    if depth == 16:
        return values.astype(np.uint16) * np.uint16(257)
    return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def _encode_with_vips(plan: _Plan, rows: Iterable[np.ndarray], file: Destination) -> None:
    photo = plan.photo
    opening = tiff.opening(photo.width, photo.height, plan.channels, plan.depth)
    feed = _Feed(opening, photo.width * photo.height * plan.channels * plan.depth // 8)
    sink = _Sink(plan, file)
    # A thread of its own, so that rendering and encoding go side by side and an interrupt is heard at once.
    encoder = threading.Thread(target=_run, args=(plan, feed, sink), name="tintype-encoder", daemon=True)
    encoder.start()
    try:
        for strip in rows:
            if not feed.put(strip.astype(strip.dtype.newbyteorder("<"), copy=False).tobytes()):
                break
        feed.close()
        encoder.join()
    except BaseException:
        feed.abandon()
        encoder.join()
        raise
    for error in (sink.error, feed.error):
        if error is not None:
            raise error
    sink.close()


def _run(plan: _Plan, feed: _Feed, sink: _Sink) -> None:
    try:
        source = pyvips.SourceCustom()
        source.on_read(feed.read)
        source.on_seek(feed.seek)
        image = pyvips.Image.tiffload_source(source, access="sequential", fail_on="error")
        target = pyvips.TargetCustom()
        target.on_write(sink.write)
        _save(plan, image, target)
    except BaseException as error:
        feed.error = error
    finally:
        feed.abandon()


def _save(plan: _Plan, image: pyvips.Image, target: pyvips.TargetCustom) -> None:
    quality = plan.quality
    if plan.format == "jpeg":
        image.jpegsave_target(target, Q=jpeg_quality(quality), subsample_mode="off", keep="none")
    elif plan.format == "png":
        # On photographs one filter packs as well as the choice among all, in half the time.
        image.pngsave_target(target, compression=4, filter="up", keep="none")
    elif plan.format == "webp":
        if plan.lossless:
            image.webpsave_target(target, lossless=True, exact=True, effort=2, keep="none")
        else:
            image.webpsave_target(target, Q=quality, smart_subsample=True, keep="none")
    else:
        image = image.copy()
        blobs = {"exif-data": plan.exif and b"Exif\0\0" + exif.block(plan.exif.pages[0], plan.exif.order)}
        blobs |= {"xmp-data": plan.xmp, "icc-profile-data": plan.tag}
        for field, blob in blobs.items():
            if blob:
                image.set_type(pyvips.GValue.blob_type, field, blob)
        if plan.photo.metadata.dpi:
            across, down = plan.photo.metadata.dpi
            image = image.copy(xres=across / 25.4, yres=down / 25.4)
        # Ten bits are what most readers of AVIF take beyond eight.
        bits = 8 if plan.depth == 8 else 12 if plan.photo.bits == 12 else 10
        keep = ["exif" * bool(plan.exif), "xmp" * bool(plan.xmp), "icc" * bool(plan.tag)]
        with _fixed_threads():
            image.heifsave_target(
                target,
                compression="av1",
                Q=quality,
                bitdepth=bits,
                subsample_mode="off",
                effort=2,
                keep=":".join(filter(None, keep)) or "none",
            )


_one_avif = threading.Lock()


@contextmanager
def _fixed_threads() -> Iterator[None]:
    """AVIF alone comes out in other bytes for another number of threads, so it always gets the same number."""
    library = pyvips.vips_lib
    with _one_avif:
        before = library.vips_concurrency_get()
        library.vips_concurrency_set(_AVIF_THREADS)
        try:
            yield
        finally:
            library.vips_concurrency_set(before)


class _Feed:
    """Rows on their way to libvips: an uncompressed TIFF file that is made while it is read.

    libvips asks from its own thread; it reads the beginning here and there, and the pixels once, from top to bottom.
    """

    _AHEAD = 4

    def __init__(self, opening: bytes, pixels: int):
        self.size = len(opening) + pixels
        self.opening = opening
        self.position = 0
        self.chunks: list[bytes] = []
        self.start = len(opening)  # where in the file the first of the chunks begins
        self.closed = False
        self.abandoned = False
        self.error: BaseException | None = None
        self.change = threading.Condition()

    def put(self, chunk: bytes) -> bool:
        """Waits for room, then takes the next bytes; False when nobody reads any more."""
        with self.change:
            # The timeout lets an interrupt through on systems where waiting for ever does not.
            while len(self.chunks) >= self._AHEAD and not self.abandoned:
                self.change.wait(0.2)
            self.chunks.append(chunk)
            self.change.notify_all()
            return not self.abandoned

    def close(self) -> None:
        with self.change:
            self.closed = True
            self.change.notify_all()

    def abandon(self) -> None:
        with self.change:
            self.abandoned = self.closed = True
            self.change.notify_all()

    def seek(self, offset: int, whence: int) -> int:
        self.position = offset + (0, self.position, self.size)[whence]
        return self.position

    def read(self, size: int) -> bytes:
        if self.position < len(self.opening):
            data = self.opening[self.position : self.position + size]
            self.position += len(data)
            return data
        parts = []
        with self.change:
            while size > 0 and self.position < self.size:
                while not self.chunks and not self.closed:
                    self.change.wait(0.2)
                if self.abandoned or not self.chunks:
                    break
                at = self.position - self.start
                chunk = self.chunks[0]
                if at >= len(chunk):
                    self.start += len(chunk)
                    del self.chunks[0]
                    self.change.notify_all()
                    continue
                parts.append(chunk[at : at + size])
                self.position += len(parts[-1])
                size -= len(parts[-1])
        return b"".join(parts)


class _Sink:
    """Bytes on their way from the encoder to the file, with the beginning replaced by our own.

    libvips rewrites Exif in its own way and invents a resolution where there is none, so it writes bare pixels, and
    the metadata are put before them here.
    """

    def __init__(self, plan: _Plan, file: Destination):
        self.plan, self.file = plan, file
        self.error: BaseException | None = None
        self.waiting: bytearray | None = bytearray() if plan.format != "avif" else None

    def write(self, data) -> int:
        data = bytes(data)
        try:
            if self.waiting is None:
                self.file.write(data)
            else:
                self.waiting += data
                self._begin()
        except BaseException as error:
            # An exception cannot pass through libvips: it is kept, and the encoding stopped.
            self.error = error
            return -1
        return len(data)

    def close(self) -> None:
        """Writes what could only be written at the end."""
        if self.waiting:
            plan, photo = self.plan, self.plan.photo
            block = _exif_block(plan)
            self.file.write(
                webp.assemble(
                    bytes(self.waiting), photo.width, photo.height, block, plan.xmp, plan.tag, plan.channels == 4
                )
            )

    def _begin(self) -> None:
        plan, data = self.plan, self.waiting
        dpi = plan.photo.metadata.dpi
        if plan.format == "jpeg" and len(data) >= 20:
            # Start of image, and libvips' own JFIF segment where it writes one.
            skip = 20 if data[2:4] == b"\xff\xe0" else 2
            said = plan.captions
            opening = jpeg.opening(_exif_block(plan), plan.xmp, plan.extension, said.iptc, plan.tag, dpi, said.comments)
        elif plan.format == "png" and (skip := png.pixels_at(data)) is not None:
            header = bytes(data[8:33])
            opening = png.opening(header, _exif_block(plan), plan.xmp, plan.tag, dpi, plan.captions.texts)
        else:
            return
        self.file.write(opening)
        self.file.write(data[skip:])
        self.waiting = None


def _exif_block(plan: _Plan) -> bytes | None:
    return None if plan.exif is None else exif.block(plan.exif.pages[0], plan.exif.order)
