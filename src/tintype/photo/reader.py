"""Reading a photograph: whole, or refused in one sentence."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyvips
from numpy.typing import NDArray

from tintype.errors import PhotoError, UnreadablePhoto, UnsupportedPhoto
from tintype.photo import avif, damage, exif, jpeg, png, samples, spaces, tiff, webp, xmp
from tintype.photo.colour import Share, in_colour
from tintype.photo.decode import (
    Read,
    Reading,
    as_photo,
    blob,
    check_size,
    exif_tags,
    metadata_of,
    orientation_of,
    to_plane,
)
from tintype.photo.kinds import HEAD, recognise
from tintype.photo.loader import FAILURES, OR_SALVAGE, Damaged, as_it_is, broken, load, open_image
from tintype.photo.origin import origin_of
from tintype.photo.pages import no_such_page, several
from tintype.photo.photo import Photo, Text
from tintype.photo.source import Given, Source, name_of, unopened
from tintype.photo.toning import Samples
from tintype.threads import available_threads

if TYPE_CHECKING:
    from PIL.Image import Image


def read(
    source: Given,
    name: str | None = None,
    *,
    page: int | None = None,
    salvage: bool = False,
    negative: bool = False,
    faded: bool = False,
    threads: int | None = None,
) -> Photo:
    """Reads a photograph of one of FORMATS, told by its content.

    Args:
        source: a path, the bytes of a file, or a binary stream.
        name: what errors call it; by default the path.
        page: which photograph of a file that holds several (TIFF, MPO, HEIC, AVIF), from 1 on; None: such a file is
            refused.
        salvage: read a damaged or cut JPEG, PNG or TIFF file all the same. Rows that are not there become neutral
            gray (`Photo.missing`), and the notes say which ones.
        negative: it is the scan of a negative: dark becomes light.
        faded: it has faded: its contrast is raised, as `Photo.stretched` does.
        threads: processors to use; None: all that this process may use. The result does not depend on it.
    Raises:
        UnreadablePhoto: missing, not permitted, empty, broken, cut short, or not a photograph.
        UnsupportedPhoto: a picture of a kind that is refused by name, or one of more than MOST_PIXELS.
    """
    name = name or name_of(source)
    with _opened(source, name, threads) as opened:
        try:
            photo = _read(opened, name, Reading(as_photo), salvage, page)
            photo = replace(photo, origin=origin_of(opened.stream()) if page is None else opened.origin())
        except Damaged as error:
            remedy = f", {OR_SALVAGE}" if error.salvageable and not salvage else ""
            raise UnreadablePhoto(f"{error}{remedy}") from None
        except OSError as error:
            raise unopened(source, name, error) from None
    if photo.is_line_art:
        note = f"{name} holds hardly anything but black and white, which take no colour: scan it in shades of gray"
        photo = replace(photo, notes=(*photo.notes, note))
    photo = photo.inverted() if negative else photo
    return photo.stretched() if faded else photo


def read_colour(
    source: Given,
    name: str | None = None,
    *,
    page: int | None = None,
    share: Share | None = None,
) -> NDArray[np.uint8]:
    """Reads a colour photograph as a viewer shows it: upright, in sRGB through its profile, on white.

    What is read, and what is refused, is the same as in `read`; the lightness of the colours is what `read` finds.
    Inks without a profile are those of a usual printing press. Colours that sRGB cannot hold are clipped to it.

    Args:
        source, name, page: as for `read`.
        share: makes the photograph smaller: takes its (width, height), upright, and gives the share of both that is
            wanted, in (0, 1]. Reduced by a Lanczos filter; a JPEG file is not decoded at full size then.
    Returns:
        uint8 [h, w, 3], sRGB.
    Raises:
        UnreadablePhoto, UnsupportedPhoto: as `read`; UnsupportedPhoto also for CIELAB. What `share` raises.
    """
    name = name or name_of(source)
    with _opened(source, name) as opened:
        try:
            return _read(opened, name, in_colour(share), page=page)
        except Damaged as error:
            raise UnreadablePhoto(error.plain) from None
        except OSError as error:
            raise unopened(source, name, error) from None


def from_array(array: NDArray[np.generic] | Image, name: str = "the array") -> Photo:
    """A photograph from pixels.

    Args:
        array: uint8, uint16, bool or float in [0, 1], sRGB-encoded; [height, width], or [height, width, 1 .. 4] for
            gray, gray and alpha, RGB, RGB and alpha. Or a Pillow image.
    Raises:
        UnsupportedPhoto: another shape or type. UnreadablePhoto: no pixels, or floats outside [0, 1].
    """
    if not isinstance(array, np.ndarray) and hasattr(array, "getbands"):
        # Pillow takes its time to be imported, and few need it.
        from tintype.photo.pillow import to_photo

        return to_photo(array)
    array = np.asarray(array)
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    if array.dtype.kind == "f":
        array = array.astype(np.float32, copy=False)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or not 1 <= array.shape[2] <= 4:
        raise UnsupportedPhoto(
            f"{name} has the shape {array.shape}, which is not that of a photograph: give [height, width] or "
            "[height, width, channels] with one to four channels"
        )
    if array.dtype not in (np.uint8, np.uint16, np.float32):
        raise UnsupportedPhoto(f"{name} holds {array.dtype} values: give uint8, uint16, or floats in [0, 1]")
    if not array.size:
        raise UnreadablePhoto(f"{name} has no pixels: its shape is {array.shape}")
    height, width, channels = array.shape
    depth = 8 * array.dtype.itemsize
    color = array[..., : channels - 1 + channels % 2]
    plane, scale = to_plane(color, name)
    samples = None
    if channels > 2:
        samples = Samples(height, width)
        samples.take(0, color)
    return Photo(
        name=name,
        width=width,
        height=height,
        format="array",
        depth=depth,
        bits=depth,
        plane=plane,
        scale=scale,
        samples=samples,
        alpha=None if channels % 2 else np.ascontiguousarray(array[..., -1]),
    )


def size_of(path: str | os.PathLike[str], *, largest: bool = False) -> tuple[int, int] | None:
    """(height, width) of a photograph as it is stored, by the header of its file; None where that does not tell.

    largest: of a TIFF file that holds several, the one with the most pixels, in place of the first.

    Raises:
        OSError: the file cannot be opened.
    """
    name = name_of(path)
    with Source(path, name, in_memory=0) as source:
        if largest:
            with suppress(PhotoError):
                stream = source.stream()
                if recognise(stream.read(HEAD), name) == "tiff":
                    return tiff.largest(stream, name)
        if size := source.size():
            return size
        from tintype.photo import heads

        return heads.size(source.stream().read(heads.LENGTH))


def xmp_of(path: str | os.PathLike[str]) -> bytes | None:
    """The XMP packet of a file, without decoding a pixel; None where there is none."""
    name = name_of(path)
    if not stat.S_ISREG(os.stat(path).st_mode):
        return None
    with Source(path, name, in_memory=0) as source:
        stream = source.stream()
        kind = recognise(stream.read(HEAD), name)
        if kind == "jpeg":
            return jpeg.read_segments(stream).xmp
        if kind == "png":
            return png.read_chunks(stream).xmp
        if kind == "webp":
            return webp.read_chunks(stream).xmp
        if kind == "tiff":
            return tiff.first_xmp(stream, name)
        if kind == "avif":
            return blob(open_image(kind, source, name), "xmp-data")
    return None


def count_pages(source: Given) -> int:
    """How many photographs a file holds; 1 where that cannot be told, as of a broken one.

    Raises:
        OSError: the file cannot be read.
    """
    name = name_of(source)
    with Source(source, name, in_memory=0) as opened, suppress(PhotoError, *FAILURES):
        stream = opened.stream()
        kind = recognise(stream.read(HEAD), name)
        if kind == "tiff":
            return tiff.count_pages(stream, name)
        if kind == "jpeg":
            return len(jpeg.photographs(stream))
        if kind == "avif":
            return _pictures(open_image("avif", opened, name))
        if kind == "heic":
            from tintype.photo import formats

            return formats.count_heic(opened.read(), name)
    return 1


def _opened(source: Given, name: str, threads: int | None = None) -> Source:
    try:
        return Source(source, name, threads=threads or available_threads())
    except (OSError, ValueError) as error:
        raise unopened(source, name, error) from None


def _read(source: Source, name: str, reading: Reading[Read], salvage: bool = False, page: int | None = None) -> Read:
    stream = source.stream()
    try:
        kind = recognise(stream.read(HEAD), name)
        if kind in _PAGED:
            read: Read = _PAGED[kind](stream, source, name, reading, salvage, page)
        elif page is not None and page != 1:
            raise UnsupportedPhoto(no_such_page(name, page, 1))
        else:
            read = _READERS[kind](stream, source, name, reading, salvage)
    except (PhotoError, *FAILURES) as error:
        # What looks broken may only have been written meanwhile.
        source.check()
        if isinstance(error, PhotoError):
            raise
        raise broken(name, error) from None
    source.check()
    return read


def _length(stream: BinaryIO) -> int:
    return stream.seek(0, os.SEEK_END)


def _read_jpeg(
    stream: BinaryIO, source: Source, name: str, reading: Reading[Read], salvage: bool = False, page: int | None = None
) -> Read:
    places = jpeg.photographs(stream)
    if page is None and len(places) > 1:
        raise UnsupportedPhoto(several(name, f"holds {len(places)} photographs (MPO)"))
    if page is not None and not 0 < page <= len(places):
        raise UnsupportedPhoto(no_such_page(name, page, len(places)))
    if page is not None and page > 1:
        with source.within(source.read()[places[page - 1] :]) as behind:
            return _read_jpeg(behind.stream(), behind, name, reading, salvage, page=1)
    segments = jpeg.read_segments(stream)
    if segments.lossless or segments.bits not in (0, 8):
        what = "a lossless JPEG" if segments.lossless else f"a JPEG of {segments.bits} bits"
        raise UnsupportedPhoto(f"{name} is {what}, which tintype does not read: convert it to PNG or TIFF first")
    check_size(*segments.size, name, 8 * len(segments.components), _length(stream))
    tags = exif_tags(segments.exif)
    turned = orientation_of(tags) >= 5
    shrink = reading.shrink(*(segments.size[::-1] if turned else segments.size))
    reduced: dict[str, Any] = {"stored": segments.size} if shrink > 1 else {}
    return load(
        "jpeg",
        source,
        name,
        reading,
        salvage,
        strict="warning",
        options={"shrink": shrink} if shrink > 1 else {},
        mend=lambda: damage.mend_jpeg(source.read()),
        blank=lambda: damage.blank_jpeg(source.read()),
        longer=lambda mended: damage.longer_jpeg(source.read(), mended),
        lost_from=lambda image, whole: max(whole, damage.flat_from(image)),
        orientation=orientation_of(tags),
        space=spaces.of_exif(tags),
        quality=jpeg.turned_quality(jpeg.quality(segments), orientation_of(tags), segments.size),
        metadata=metadata_of(
            tags,
            jpeg.packet(segments),
            segments.iptc,
            segments.dpi,
            texts=[Text("Comment", comment) for comment in jpeg.comments(segments)],
            damaged=segments.damaged,
        ),
        **reduced,
    )


def _read_png(stream: BinaryIO, source: Source, name: str, reading: Reading[Read], salvage: bool) -> Read:
    chunks = png.read_chunks(stream)
    if chunks.apple:
        raise UnsupportedPhoto(
            f"{name} is a PNG of Apple's own kind (CgBI), which tintype does not read: export an ordinary PNG"
        )
    if chunks.frames > 1:
        raise UnsupportedPhoto(f"{name} is an animation (APNG), which tintype does not read: export the frames first")
    if chunks.crowded:
        raise UnreadablePhoto(
            f"{name} holds more than {png.MOST_CHUNKS} chunks or {png.MOST_BYTES >> 20} MB of text: save it again "
            "without its metadata"
        )
    check_size(*chunks.size, name, chunks.bits * chunks.samples, _length(stream))
    tags = exif_tags(chunks.exif)
    space = spaces.of_code_points(*chunks.code_points, name) if chunks.code_points else None
    # By the standard, code points go before a profile, and a profile before gAMA.
    prepared = _without_profile if space is not None else as_it_is
    if space is None and not chunks.srgb:
        space = spaces.of_png(chunks.gamma, chunks.primaries)
    return load(
        "png",
        source,
        name,
        reading,
        salvage,
        prepared=prepared,
        orientation=orientation_of(tags),
        bits=chunks.bits,
        space=space,
        metadata=metadata_of(tags, chunks.xmp, chunks.iptc, chunks.dpi, texts=chunks.texts, damaged=chunks.damaged),
    )


def _read_webp(stream: BinaryIO, source: Source, name: str, reading: Reading[Read], salvage: bool) -> Read:
    chunks = webp.read_chunks(stream)
    if chunks.frames > 1:
        raise UnsupportedPhoto(f"{name} is an animation (WebP), which tintype does not read: export the frames first")
    if not chunks.whole:
        raise UnreadablePhoto(f"{name} is cut short: get a whole copy of it")
    if chunks.crowded:
        raise UnreadablePhoto(f"{name} holds more than {webp.MOST_CHUNKS} chunks: save it again without its metadata")
    check_size(*chunks.size, name, 32, _length(stream))
    tags = exif_tags(chunks.exif)
    return reading.develop(
        name,
        "webp",
        open_image("webp", source, name),
        orientation=orientation_of(tags),
        compression="lossless" if chunks.lossless else "lossy",
        metadata=metadata_of(tags, chunks.xmp, None, None, damaged=chunks.damaged),
    )


def _pictures(image: pyvips.Image) -> int:
    return image.get("n-pages") if image.get_typeof("n-pages") else 1


def _read_avif(
    stream: BinaryIO, source: Source, name: str, reading: Reading[Read], salvage: bool, page: int | None
) -> Read:
    named = avif.code_points(stream)
    space = spaces.of_code_points(*named, name) if named else None
    image = open_image("avif", source, name)
    count = _pictures(image)
    if page is None and count > 1:
        raise UnsupportedPhoto(several(name, f"is an AVIF file of {count} pictures"))
    if page is not None:
        if not 0 < page <= count:
            raise UnsupportedPhoto(no_such_page(name, page, count))
        image = open_image("avif", source, name, page=page - 1)
    tags = exif_tags((blob(image, "exif-data") or b"").removeprefix(b"Exif\0\0"))
    bits = image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 8
    if bits > 8:
        # libvips shifts the codes up; white has to be white.
        image = (image * (65535 / ((2**bits - 1) << (16 - bits)))).rint().cast("ushort")
    # The file's own boxes turn the picture, and the decoder has done so already.
    return reading.develop(
        name,
        "avif",
        image,
        bits=bits,
        space=space,
        compression="lossy",
        metadata=metadata_of(tags, blob(image, "xmp-data"), None, None),
    )


def _read_tiff(
    stream: BinaryIO,
    source: Source,
    name: str,
    reading: Reading[Read],
    salvage: bool = False,
    number: int | None = None,
) -> Read:
    page = tiff.find_page(stream, name, salvage, number)
    check_size(page.width, page.height, name, page.bits * page.samples, _length(stream))
    packed = page.compression
    if page.repacked:
        from tintype.photo import repack

        page, data = repack.deflated(page, source.read(), name)
        source = source.within(data)
        stream = source.stream()
    tags = exif.Tags(page.order, False, [page.description()])
    bad = damage.damaged_row(page, source)
    missing = tiff.missing_row(page, stream.seek(0, os.SEEK_END))
    own = samples.reads(page)
    if bad is not None and (own or not salvage):
        raise Damaged(name, "broken (a strip or tile of its pixels is damaged)", salvageable=not own)
    facts: dict[str, Any] = {
        "orientation": page.number(exif.ORIENTATION, 1),
        "bits": page.bits,
        "compression": packed,
        "notes": tuple(f"{name} was read without {what}" for what in page.left_out),
        "metadata": metadata_of(
            tags, page.blob(exif.XMP), page.blob(exif.IPTC), page.dpi(), page.number(exif.ORIENTATION)
        ),
    }
    if own:
        if reading.in_colour and samples.is_lab(page):
            raise UnsupportedPhoto(f"{name} holds CIELAB, whose colours tintype does not read: convert it to RGB first")
        return reading.develop(name, "tiff", samples.open_page(page, source.read(), name), **facts)
    return load(
        "tiff",
        source,
        name,
        reading,
        salvage,
        # libvips takes damaged tiles for black ones unless it may not be warned; of strips it tells.
        strict="warning" if 324 in page.tags else "error",
        mend=lambda: damage.mend_tiff(page, source),
        damaged_from=bad,
        lost_from=lambda image, whole: image.height if missing is None else missing,
        prepared=lambda image: _without_extras(image, page),
        # The size is checked above, and a strip may be as large as the whole photograph.
        options={"page": page.index, "unlimited": True},
        inverted=page.photometric == 0 and page.number(339, 1) == 3,
        **facts,
    )


def _without_extras(image: pyvips.Image, page: tiff.Page) -> pyvips.Image:
    """The channels that are colour, and the one of transparency last."""
    if image.bands <= page.colours + (page.alpha is not None) or page.photometric == 3:
        return image
    colour = image.extract_band(0, n=page.colours)
    if page.alpha is not None:
        colour = colour.bandjoin(image.extract_band(page.alpha))
    return colour.copy(interpretation=image.interpretation)


def _without_profile(image: pyvips.Image) -> pyvips.Image:
    if image.get_typeof("icc-profile-data"):
        image = image.copy()
        image.remove("icc-profile-data")
    return image


def _read_bmp(stream: BinaryIO, source: Source, name: str, reading: Reading[Read], salvage: bool) -> Read:
    from tintype.photo.pillow import read_bmp

    return read_bmp(stream, name, reading)


def _read_gif(stream: BinaryIO, source: Source, name: str, reading: Reading[Read], salvage: bool) -> Read:
    from tintype.photo.pillow import read_gif

    return read_gif(stream, name, reading)


def _read_jpeg2000(stream: BinaryIO, source: Source, name: str, reading: Reading[Read], salvage: bool) -> Read:
    from tintype.photo import jp2

    return jp2.read(source.read(), name, reading)


def _read_jpegxl(stream: BinaryIO, source: Source, name: str, reading: Reading[Read], salvage: bool) -> Read:
    from tintype.photo import jxl

    data = source.read()
    original = jxl.jpeg_of(data, name)
    if original is None:
        return jxl.read(data, name, reading)
    with source.within(original) as inner:
        return _read_jpeg(inner.stream(), inner, name, reading.named("jpegxl"))


def _read_heic(
    stream: BinaryIO, source: Source, name: str, reading: Reading[Read], salvage: bool, page: int | None
) -> Read:
    from tintype.photo import formats

    return formats.read_heic(source.read(), name, reading, page)


def _read_pnm(stream: BinaryIO, source: Source, name: str, reading: Reading[Read], salvage: bool) -> Read:
    from tintype.photo import pnm

    return pnm.read(source.read(), name, reading)


def _read_psd(stream: BinaryIO, source: Source, name: str, reading: Reading[Read], salvage: bool) -> Read:
    from tintype.photo import psd

    with source.within(psd.as_tiff(source.read(), name)) as inner:
        return _read_tiff(inner.stream(), inner, name, reading.named("psd"))


_READERS: dict[str, Callable[..., Any]] = {
    "png": _read_png,
    "webp": _read_webp,
    "bmp": _read_bmp,
    "gif": _read_gif,
    "jpeg2000": _read_jpeg2000,
}
_READERS |= {"jpegxl": _read_jpegxl, "pnm": _read_pnm, "psd": _read_psd}
_PAGED: dict[str, Callable[..., Any]] = {"jpeg": _read_jpeg, "tiff": _read_tiff, "avif": _read_avif, "heic": _read_heic}
"""Those that may hold several photographs."""


def is_marked(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a result of tintype, by the mark in its XMP; False for what is not a photograph.

    Only the file's headers are read.
    """
    return mark_of(path) is not None


def mark_of(path: str | os.PathLike[str]) -> xmp.Mark | None:
    """What a result of tintype says of how it was made; None for every other file.

    Only the file's headers are read.
    """
    try:
        return xmp.read_mark(xmp_of(path))
    except (OSError, ValueError, PhotoError, *FAILURES):
        return None
