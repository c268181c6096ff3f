"""Writing the coloured photograph: strip by strip, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np
import pyvips
from numpy.typing import NDArray

from tintype.errors import UnwritableFile, UnwritablePhoto
from tintype.files import Destination, whole_file
from tintype.photo import encoder, exif, icc, tiff
from tintype.photo.photo import Photo
from tintype.photo.plan import Plan, output_format, plan_of
from tintype.photo.source import name_of
from tintype.photo.xmp import Mark
from tintype.threads import available_threads
from tintype.version import __version__

MARK = Mark(version=__version__)
"""The statement that a machine added the colour, by this release of tintype."""

_KINDS = {8: np.uint8, 16: np.uint16, 32: np.float32}


def write(
    photo: Photo,
    strips: Iterable[np.ndarray],
    target: str | os.PathLike[str] | BinaryIO,
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
    plan = plan_of(photo, format, quality, mark)
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


def _encode(plan: Plan, strips: Iterable[np.ndarray], file: Destination, name: str, threads: int) -> None:
    rows = _rows(plan, strips)
    photo = plan.photo
    if plan.format == "tiff":
        packed = photo.compression != "none"
        size = (photo.width, photo.height, plan.channels, plan.depth)
        tiff.write(file, rows, *size, _tiff_tags(plan), packed, threads)
        return
    try:
        encoder.encode(plan, rows, file, threads)
    except pyvips.Error as error:
        reason = next((line.strip() for line in str(error.detail).splitlines() if line.strip()), "no reason given")
        raise UnwritablePhoto(f"{name} could not be encoded as {plan.format} ({reason}): use png or tiff") from None


def _tiff_tags(plan: Plan) -> exif.Directory:
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


def _rows(plan: Plan, strips: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The strips as they go into the file: in its depth and profile, with alpha."""
    photo = plan.photo
    done = 0
    alpha = None if plan.channels < 4 or photo.alpha is None else _in_depth(photo.alpha, plan.depth)
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


def _in_depth(values: NDArray[Any], depth: int) -> NDArray[Any]:
    """Codes of another depth, rounded; a new array only when it is another depth."""
    kind = _KINDS[depth]
    if values.dtype == kind:
        return values
    if values.dtype == np.float32:
        codes: NDArray[Any] = (np.clip(values, 0, 1) * (2**depth - 1) + 0.5).astype(kind)
        return codes
    if depth == 32:
        return values / np.float32(np.iinfo(values.dtype).max)
    if depth == 16:
        return values.astype(np.uint16) * np.uint16(257)
    return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
