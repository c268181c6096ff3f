"""Files of several pictures: which pages of a TIFF file are one photograph, and what is said of albums.

Copies of a photograph, smaller ones and the infrared plane of a scanner belong to it, and many writers do not tag them.
Sizes alone prove nothing (an album may hold prints of two sizes), so the pixels decide.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyvips
from numpy.typing import NDArray

from tintype.photo import exif

if TYPE_CHECKING:
    from tintype.photo.tiff import Page

_SIDE = 48
"""Pixels of a side at which a picture and its reduced copy are compared."""
_ALIKE = 0.3
"""Difference of two pictures, as a share of their contrast, below which one is a copy of the other."""
_MOST = 40
"""Pages that may be one photograph: a pyramid of more has less than a pixel."""
_SMALL, _PACKED = 64 << 20, 1032
"""Bytes of pixels that are compared in any case; how many of them a byte of the file may stand for in larger pages."""
_PAGE_NAME = 285


def several(name: str, what: str) -> str:
    """The refusal of a file of several photographs; what: of how many."""
    return f"{name} {what}: choose with --pages of tintype colorize (in Python page=)"


def no_such_page(name: str, page: int, count: int) -> str:
    """The refusal of a page that a file does not have."""
    return f"{name} has {count} page{'s' * (count > 1)}, and no page {page}: give a number from 1 to {count}"


def photograph_of(pages: list[Page], stream: BinaryIO) -> tuple[Page, tuple[str, ...]] | None:
    """The page that all others belong to, and what was left out of the others; None for an album.

    pages: at least one, none of which is tagged as a mask or a reduced copy; stream: the file, of which nothing is read
    unless the sizes of the pages fit.
    """
    main = max(pages, key=lambda page: page.width * page.height)
    if len(pages) > _MOST or not all(page.width and page.height for page in pages):
        return None
    stored = main.width * main.height * main.bits * main.samples // 8
    if stored > max(_SMALL, _PACKED * stream.seek(0, os.SEEK_END)):
        return None
    infrared = [page for page in pages if page is not main and _is_infrared(page, main)]
    copies = [page for page in pages if page is not main and page not in infrared[:1]]
    if not all(_is_smaller(page, main) for page in copies):
        return None
    stream.seek(0)
    data = stream.read() if copies else b""
    if not all(_same_picture(page, main, data) for page in copies):
        return None
    return main, ("its infrared plane",) if infrared else ()


def _is_infrared(page: Page, main: Page) -> bool:
    """Whether a page is what a scanner saw in infrared beside the colours of the main one.

    A document scanner that chooses between colour and gray for each sheet makes such a pair too, but of 8 bits.
    """
    if main.number(262) != 2 or page.number(262, 1) not in (0, 1) or page.number(277, 1) != 1:
        return False
    if (page.width, page.height) != (main.width, main.height) or page.number(258, 1) != main.number(258, 1):
        return False
    texts = [page.blob(tag) or b"" for tag in (_PAGE_NAME, exif.DESCRIPTION)]
    named = any(re.search(rb"infra-?red|\bIR\b", text, re.IGNORECASE) for text in texts)
    return named or page.number(258, 1) == 16


def _is_smaller(page: Page, main: Page) -> bool:
    """Whether a page has the shape of the main one, to the rounding of its sides, at the same size or a smaller one."""
    scale = page.height / main.height
    return scale <= 1 and abs(main.width * scale - page.width) <= 1 + scale


def _same_picture(page: Page, main: Page, data: bytes) -> bool:
    try:
        if (page.width, page.height) == (main.width, main.height):
            # Two exposures of one scene differ little, and are two photographs: a copy is equal.
            first, second = (_opened(data, one) for one in (page, main))
            return bool(first.bands == second.bands and (first != second).max() == 0)
        width, height = min(_SIDE, page.width), min(_SIDE, page.height)
        small, large = (_reduced(data, one, width, height) for one in (page, main))
    except (pyvips.Error, UnicodeDecodeError):
        pyvips.vips_lib.vips_error_clear()
        return False
    contrast = np.abs(large - large.mean()).mean()
    return bool(np.abs(small - large).mean() <= _ALIKE * contrast + 1 / 255)


def _opened(data: bytes, page: Page) -> pyvips.Image:
    options = {"page": page.index, "access": "sequential", "fail_on": "error", "unlimited": True}
    return pyvips.Image.tiffload_buffer(data, **options)


def _reduced(data: bytes, page: Page, width: int, height: int) -> NDArray[np.float64]:
    """Brightness at a small size, from 0 to 1; float [height, width]."""
    small = _opened(data, page).thumbnail_image(width, height=height, size="force").numpy().reshape(height, width, -1)
    top = np.iinfo(small.dtype).max if small.dtype.kind in "iu" else 1
    # The weights of Rec. 601, by which programs make gray copies.
    weights = (0.299, 0.587, 0.114) if small.shape[2] in (3, 4) else (1,)
    brightness: NDArray[np.float64] = small[..., : len(weights)] @ weights / top
    return brightness
