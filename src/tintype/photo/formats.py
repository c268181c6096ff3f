"""Formats that the extra `formats` reads: HEIC by pillow-heif, JPEG XL and deep JPEG 2000 by imagecodecs.

Neither is imported before a file asks for it.
"""

from __future__ import annotations

import io
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tintype.errors import PhotoError, UnreadablePhoto, UnsupportedPhoto, install_line
from tintype.photo import avif, spaces
from tintype.photo.decode import Read, Reading, as_image, check_size, exif_tags, metadata_of, reason_of
from tintype.photo.pages import no_such_page, several

if TYPE_CHECKING:
    from pillow_heif import HeifFile

_FAILURES = (OSError, ValueError, RuntimeError, EOFError, SyntaxError, LookupError)
"""What pillow-heif raises at broken files."""


def imagecodecs(name: str, what: str) -> ModuleType:
    """The package of that name. Raises UnsupportedPhoto where it is not installed; what: what needs it."""
    try:
        import imagecodecs
    except ImportError:
        raise _missing(name, what) from None
    return imagecodecs


def read_heic(data: bytes, name: str, reading: Reading[Read], page: int | None = None) -> Read:
    """A photograph from a HEIC file.

    Raises:
        UnreadablePhoto: broken or cut short.
        UnsupportedPhoto: pillow-heif is not installed; several pictures and no page.
    """
    file = _opened(data, name)
    if page is None and len(file) > 1:
        raise UnsupportedPhoto(several(name, f"is a HEIC file of {len(file)} pictures"))
    if page is not None and not 0 < page <= len(file):
        raise UnsupportedPhoto(no_such_page(name, page, len(file)))
    try:
        picture = file[file.primary_index if page is None else page - 1]
        width, height = picture.size
        check_size(width, height, name, 24, len(data))
        pixels: NDArray[Any] = np.asarray(picture)
    except _FAILURES as error:
        raise _broken(name, error) from None
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    info: dict[str, Any] = picture.info
    bits = info.get("bit_depth") or 8
    if pixels.dtype == np.uint16:
        # The codes are shifted up; white has to be white.
        pixels = np.round(pixels * (65535 / ((2**bits - 1) << (16 - bits)))).astype(np.uint16)
    named = avif.code_points(io.BytesIO(data))
    tags = exif_tags((info.get("exif") or b"").removeprefix(b"Exif\0\0"))
    # The file's own boxes turn the picture, and the decoder has done so already.
    return reading.develop(
        name,
        "heic",
        as_image(pixels, info.get("icc_profile")),
        bits=bits,
        space=spaces.of_code_points(*named, name) if named else None,
        metadata=metadata_of(tags, info.get("xmp"), None, None),
    )


def count_heic(data: bytes, name: str) -> int:
    """How many pictures a HEIC file holds. Raises what `read_heic` raises."""
    return len(_opened(data, name))


def _opened(data: bytes, name: str) -> HeifFile:
    try:
        import pillow_heif
    except ImportError:
        raise _missing(name, "a HEIC photograph") from None
    try:
        return pillow_heif.open_heif(data, convert_hdr_to_8bit=False, bgr_mode=False)
    except _FAILURES as error:
        raise _broken(name, error) from None


def _broken(name: str, error: Exception) -> PhotoError:
    if "nsupported" in str(error):
        return UnsupportedPhoto(
            f"{name} is a HEIF picture of a kind that tintype does not read ({reason_of(error)}): convert it to PNG or "
            "JPEG first"
        )
    return UnreadablePhoto(f"{name} is broken or cut short ({reason_of(error)}): get a whole copy of it")


def _missing(name: str, what: str) -> UnsupportedPhoto:
    return UnsupportedPhoto(
        f"{name} is {what}, which tintype reads with an extra: in the folder of tintype, run {install_line('formats')}"
    )
