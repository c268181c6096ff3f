"""Rows of pixels to the bytes of a JPEG, PNG, WebP or AVIF file: the pixels by libvips, the metadata by tintype."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import pyvips

from tintype.files import Destination
from tintype.photo import exif, jpeg, png, tiff, webp
from tintype.photo.plan import Plan
from tintype.photo.source import CONCURRENCY

_AVIF_THREADS = 4
_AHEAD = 4
"""Strips that may wait for the encoder."""

_AT_ONCE = 50_000_000
"""Bytes of pixels that are handed to the encoder of JPEG as a whole where one thread does all the work: on their way in
strips they are copied five times, which takes as long as the encoding."""


def encode(plan: Plan, rows: Iterable[np.ndarray], file: Destination, threads: int) -> None:
    """Encodes strips as they come.

    Args:
        rows: [n, width, channels] in the depth of the plan, top to bottom.
        threads: with one, the rows and the encoder take turns. AVIF always takes four. The bytes are the same.
    Raises:
        pyvips.Error: libvips cannot encode them.
    """
    photo = plan.photo
    opening = tiff.opening(photo.width, photo.height, plan.channels, plan.depth)
    pixels = photo.width * photo.height * plan.channels * plan.depth // 8
    if plan.format == "jpeg" and threads == 1 and pixels <= _AT_ONCE:
        _encode_at_once(plan, rows, file)
        return
    feed = _Feed(opening, pixels, _AHEAD if threads > 1 else 0)
    sink = _Sink(plan, file, feed)
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


def _encode_at_once(plan: Plan, rows: Iterable[np.ndarray], file: Destination) -> None:
    photo = plan.photo
    pixels = np.empty((photo.height, photo.width, 3), np.uint8)
    top = 0
    for strip in rows:
        pixels[top : top + len(strip)] = strip
        top += len(strip)
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.gint_type, CONCURRENCY, 1)
    data = memoryview(image.jpegsave_buffer(Q=jpeg_quality(plan.quality), subsample_mode="off", keep="none"))
    file.write(_opening_of_jpeg(plan))
    file.write(data[_start_of_jpeg(data) :])


def _run(plan: Plan, feed: _Feed, sink: _Sink) -> None:
    try:
        source = pyvips.SourceCustom()
        source.on_read(feed.read)
        source.on_seek(feed.seek)
        image = pyvips.Image.tiffload_source(source, access="sequential", fail_on="error")
        if not feed.ahead:
            image.set_type(pyvips.GValue.gint_type, CONCURRENCY, 1)
        target = pyvips.TargetCustom()
        target.on_write(sink.write)
        _save(plan, image, target)
    except BaseException as error:
        feed.error = error
    finally:
        feed.abandon()


def _save(plan: Plan, image: pyvips.Image, target: pyvips.TargetCustom) -> None:
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


def jpeg_quality(quality: int) -> int:
    """The IJG quality that a colour JPEG needs to keep lightness as well as a gray one of `quality` does.

    In fine quantisation the rounding of three channels to 8 bits outweighs the tables, so colour needs finer ones.
    """
    return min(100, quality + max(0, (quality - 86) // 4))


class _Feed:
    """Rows on their way to libvips: an uncompressed TIFF file that is made while it is read.

    libvips asks from its own thread; it reads the beginning here and there, and the pixels once, from top to bottom.

    pixels: how many bytes of them will be put. ahead: so many strips may wait. With 0, who puts them and the encoder
    take turns: `put` returns when the next strip is asked for, and the encoder waits until that is there.
    """

    def __init__(self, opening: bytes, pixels: int, ahead: int) -> None:
        self.ahead = ahead
        self.size = len(opening) + pixels
        self.opening = opening
        self.position = 0
        self.chunks: list[bytes] = []
        self.start = len(opening)  # where in the file the first of the chunks begins
        self.closed = False
        self.abandoned = False
        self.to_come = pixels
        self.hungry = False  # whether libvips waits for pixels
        self.resting = False  # whether it is the turn of who puts them
        self.error: BaseException | None = None
        self.change = threading.Condition()

    def put(self, chunk: bytes) -> bool:
        """Waits for room, then takes the next bytes; False when nobody reads any more."""
        with self.change:
            self._wait_until(lambda: len(self.chunks) < max(1, self.ahead))
            self.chunks.append(chunk)
            self.to_come -= len(chunk)
            self.hungry = self.resting = False
            self.change.notify_all()
            if not self.ahead and self.to_come > 0:
                self._wait_until(lambda: self.hungry)
                self.resting = True
            return not self.abandoned

    def rest(self) -> None:
        """Waits while it is not the turn of the encoder."""
        with self.change:
            self._wait_until(lambda: not self.resting)

    def _wait_until(self, ready: Callable[[], bool]) -> None:
        # The timeout lets an interrupt through on systems where waiting for ever does not.
        while not ready() and not self.abandoned:
            self.change.wait(0.2)

    def close(self) -> None:
        with self.change:
            self.closed, self.resting = True, False
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
                    self.hungry = True
                    self.change.notify_all()
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

    def __init__(self, plan: Plan, file: Destination, feed: _Feed) -> None:
        self.plan, self.file, self.feed = plan, file, feed
        self.error: BaseException | None = None
        self.waiting: bytearray | None = bytearray() if plan.format != "avif" else None

    def write(self, data: bytes) -> int:
        data = bytes(data)
        self.feed.rest()
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
        if data is None:
            return
        dpi = plan.photo.metadata.dpi
        if plan.format == "jpeg" and len(data) >= 20:
            skip, opening = _start_of_jpeg(data), _opening_of_jpeg(plan)
        elif plan.format == "png" and (pixels := png.pixels_at(data)) is not None:
            skip, header = pixels, bytes(data[8:33])
            opening = png.opening(header, _exif_block(plan), plan.xmp, plan.tag, dpi, plan.captions.texts)
        else:
            return
        self.file.write(opening)
        self.file.write(data[skip:])
        self.waiting = None


def _start_of_jpeg(data: bytes | bytearray | memoryview) -> int:
    """Where in what libvips has encoded its start of image ends, and its own JFIF segment where it writes one."""
    return 20 if data[2:4] == b"\xff\xe0" else 2


def _opening_of_jpeg(plan: Plan) -> bytes:
    texts = plan.captions
    return jpeg.opening(
        _exif_block(plan),
        plan.xmp,
        plan.extension,
        texts.iptc,
        plan.tag,
        plan.photo.metadata.dpi,
        texts.comments,
    )


def _exif_block(plan: Plan) -> bytes | None:
    return None if plan.exif is None else exif.block(plan.exif.pages[0], plan.exif.order)
