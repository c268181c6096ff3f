"""TIFF samples that libvips cannot read, or would take for something else: YCbCr, CIELAB, odd depths, tiles in planes.

libtiff unpacks the pixels of all of them. So the file gets a second directory, which calls the same strips or tiles
what libvips reads without a thought: gray or colour samples of 8, 16 or 32 bits, or just bytes.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from tintype.color.lab import srgb_encode
from tintype.errors import UnreadablePhoto, UnsupportedPhoto
from tintype.photo import exif, icc
from tintype.photo.decode import as_image, check_size
from tintype.photo.exif import Directory

if TYPE_CHECKING:
    from tintype.photo.tiff import Page

_WIDTH, _HEIGHT, _BITS, _PACKING, _PHOTOMETRIC, _CHANNELS, _PLANAR = 256, 257, 258, 259, 262, 277, 284
_STRIP_HEIGHT, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _EXTRA, _KIND = 278, 317, 322, 323, 338, 339
_STARTS, _SIZES = 273, 279
_PLACES = ((_STARTS, _SIZES), (324, 325))
_KEPT = (_PACKING, 266, 292, 293, _PREDICTOR, 347)
"""Tags of the page that hold for its strips, whatever they are called."""
_CMYK, _YCBCR, _CIELAB, _ICCLAB = 5, 6, 8, 9
_SUBSAMPLING, _COEFFICIENTS, _REFERENCE = 530, 529, 532
_BLOCK = 1 << 20
"""Samples that are unpacked at a time."""


def reads(page: Page) -> bool:
    """Whether a page is read here, and not by libvips as it is."""
    jpeg = page.compression == "jpeg"
    odd = _is_odd(page) or ink_is_inverted(page) or (_in_planes(page) and _tiled(page))
    return is_lab(page) or odd or (page.photometric == _YCBCR and not jpeg)


def is_lab(page: Page) -> bool:
    """Whether the samples are CIELAB."""
    return page.photometric in (_CIELAB, _ICCLAB)


def open_page(page: Page, data: bytes, name: str) -> pyvips.Image:
    """The picture of a page: gray, RGB or CMYK of 8 or 16 bits (or 32-bit floats), its alpha last.

    CIELAB becomes 16-bit gray of the same lightness.

    Args:
        data: the whole file.
    Raises:
        UnsupportedPhoto: a layout that is not read. UnreadablePhoto: one that contradicts itself.
        pyvips.Error: the pixels are broken.
    """
    if not (page.width and page.height):
        raise UnreadablePhoto(f"{name} is a broken TIFF file (it has no pixels): get a whole copy of it")
    if _tiled(page):
        wide, tall = page.number(_TILE_WIDTH), page.number(_TILE_HEIGHT)
        if not (wide and tall):
            raise UnreadablePhoto(f"{name} is a broken TIFF file (tiles without a size): get a whole copy of it")
        check_size(page.width + wide, page.height + tall, name)
    try:
        return _read(page, data, name)
    except (ValueError, LookupError, ZeroDivisionError, OverflowError, struct.error) as error:
        raise UnreadablePhoto(f"{name} is a broken TIFF file ({error}): get a whole copy of it") from None


def _read(page: Page, data: bytes, name: str) -> pyvips.Image:
    if page.photometric == _YCBCR and page.compression != "jpeg":
        return as_image(_rgb_of_ycbcr(page, data, name), page.blob(exif.ICC))
    codes = _codes(page, data, name)
    if is_lab(page):
        colour = _gray_of_lab(codes[..., : page.colours], page.photometric)
    else:
        colour = codes[..., : page.colours]
        if page.photometric == 0 or ink_is_inverted(page):
            colour = (1 if codes.dtype.kind == "f" else np.iinfo(codes.dtype).max) - colour
    if page.alpha is not None:
        alpha = codes[..., page.alpha, None]
        colour = np.concatenate([colour, alpha if alpha.dtype == colour.dtype else _scaled(alpha, 8, np.uint16)], -1)
    profile = None if is_lab(page) else page.blob(exif.ICC)
    return as_image(colour, profile, page.photometric == _CMYK)


def ink_is_inverted(page: Page) -> bool:
    """Whether 0 is full ink (DotRange)."""
    dots = page.numbers(336)
    return page.photometric == _CMYK and len(dots) > 1 and dots[0] > dots[1]


def _is_odd(page: Page) -> bool:
    """Whether the samples are not of one of the depths that libvips takes."""
    if page.bits == 32:
        return page.number(_KIND, 1) != 3
    return page.bits not in (8, 16) and not (page.samples == 1 and page.bits in (1, 2, 4))


def _in_planes(page: Page) -> bool:
    return page.number(_PLANAR, 1) == 2 and page.samples > 1


def _tiled(page: Page) -> bool:
    return 324 in page.tags


def _codes(page: Page, data: bytes, name: str) -> np.ndarray:
    """The samples as they are stored, [height, width, samples]: uint8, uint16 or float32; odd depths scaled to them."""
    if _in_planes(page):
        return np.concatenate([_codes(plane, data, name) for plane in _planes(page)], axis=2)
    bits, count = page.bits, page.samples
    if bits in (8, 16, 32):
        wide = page.number(_TILE_WIDTH) if _tiled(page) else page.width
        codes = _placed(_load(data, page, wide, _rows(page), page.height, bits, count), page)
        return _scaled(codes, 32, np.uint16) if codes.dtype == np.uint32 else codes
    _without_predictor(page, name)
    wide = page.number(_TILE_WIDTH) if _tiled(page) else page.width
    packed = _load(data, page, -(-wide * count * bits // 8), _rows(page), page.height, 8, 1)[..., 0]
    codes = np.empty((len(packed), wide * count), np.uint8 if bits < 8 else np.uint16)
    weights = (1 << np.arange(bits)[::-1]).astype(np.uint16)
    step = max(1, _BLOCK // (wide * count))
    for top in range(0, len(codes), step):
        loose = np.unpackbits(packed[top : top + step], axis=1)[:, : wide * count * bits]
        codes[top : top + step] = _scaled(loose.reshape(-1, wide * count, bits) @ weights, bits, codes.dtype.type)
    return _placed(codes.reshape(len(codes), wide, count), page)


def _planes(page: Page) -> list[Page]:
    """The channels of a page in planes, each as a page of its own."""
    places, sizes = _PLACES[_tiled(page)]
    starts, lengths = page.numbers(places), page.numbers(sizes)
    step = len(starts) // page.samples
    planes = []
    for i in range(page.samples):
        tags = dict(page.tags)
        for tag in (_CHANNELS, _PLANAR, _PHOTOMETRIC):
            tags[tag] = exif.whole(exif.SHORT, 1, order=page.order)
        tags.pop(_EXTRA, None)
        tags[places] = exif.whole(exif.LONG8, *starts[i * step : i * step + step], order=page.order)
        tags[sizes] = exif.whole(exif.LONG8, *lengths[i * step : i * step + step], order=page.order)
        planes.append(replace(page, tags=tags))
    return planes


def _without_predictor(page: Page, name: str) -> None:
    if page.number(_PREDICTOR, 1) != 1:
        raise UnsupportedPhoto(
            f"{name} is a TIFF file of {page.bits}-bit samples packed by their differences, which tintype does not "
            "read: convert it to 8 or 16 bits first"
        )


def _rgb_of_ycbcr(page: Page, data: bytes, name: str) -> np.ndarray:
    """sRGB uint8 [height, width, 3] of YCbCr, by the file's own coefficients and reference black and white."""
    across, down = (page.numbers(_SUBSAMPLING) or (2, 2))[:2]
    if page.bits != 8 or page.samples != 3 or across not in (1, 2, 4) or down not in (1, 2, 4):
        raise UnsupportedPhoto(
            f"{name} is a TIFF file of YCbCr in {page.samples} channels of {page.bits} bits, which tintype does not "
            "read: convert it to RGB first"
        )
    if across == down == 1:
        luma, blue, red = np.moveaxis(_codes(page, data, name), 2, 0)
    else:
        if _in_planes(page):
            raise UnsupportedPhoto(
                f"{name} is a TIFF file of YCbCr in planes, which tintype does not read: convert it to RGB first"
            )
        _without_predictor(page, name)
        luma, blue, red = _units(page, data, across, down)
    weights = page.numbers(_COEFFICIENTS)
    if len(weights) != 3 or not all(weights):
        weights = (0.299, 0.587, 0.114)
    levels = page.numbers(_REFERENCE)
    if len(levels) != 6 or any(levels[i] == levels[i + 1] for i in (0, 2, 4)):
        levels = (0, 255, 128, 255, 128, 255)
    rgb = np.empty((page.height, page.width, 3), np.uint8)
    step = max(1, _BLOCK // page.width)
    for top in range(0, page.height, step):
        rows = slice(top, top + step)
        y = (luma[rows] - np.float32(levels[0])) * np.float32(255 / (levels[1] - levels[0]))
        cb = (blue[rows] - np.float32(levels[2])) * np.float32(127 / (levels[3] - levels[2]))
        cr = (red[rows] - np.float32(levels[4])) * np.float32(127 / (levels[5] - levels[4]))
        r = y + np.float32(2 - 2 * weights[0]) * cr
        b = y + np.float32(2 - 2 * weights[2]) * cb
        g = (y - np.float32(weights[0]) * r - np.float32(weights[2]) * b) / np.float32(weights[1])
        rgb[rows] = np.clip(np.stack([r, g, b], axis=-1) + 0.5, 0, 255)
    return rgb


def _units(page: Page, data: bytes, across: int, down: int) -> list[np.ndarray]:
    """Luma, blue and red difference at full size, of data units: `down` rows of `across` lumas, then the two others."""
    unit = across * down + 2
    wide = -(-(page.number(_TILE_WIDTH) if _tiled(page) else page.width) // across)
    units = _load(data, page, wide * unit, _rows(page, down), -(-page.height // down), 8, 1).reshape(-1, wide, unit)
    units = _placed(units, page, across, down)
    high, wide, _ = units.shape
    luma = units[..., :-2].reshape(high, wide, down, across).swapaxes(1, 2).reshape(high * down, wide * across)
    planes = [luma, *(units[..., i].repeat(down, 0).repeat(across, 1) for i in (-2, -1))]
    return [plane[: page.height, : page.width] for plane in planes]


def _gray_of_lab(codes: np.ndarray, photometric: int) -> np.ndarray:
    """16-bit sRGB gray [height, width, 1] with the lightness of CIELAB codes (D50, as profiles and editors have it)."""
    deep, floats = codes.dtype == np.uint16, codes.dtype.kind == "f"
    # Floats are L*, a* and b* themselves. 16 bits in the manner of the first ICC profiles: 0xFF00 is white, and the
    # neutral is in the middle.
    white = 100 if floats else 65280 if deep and photometric == _ICCLAB else np.iinfo(codes.dtype).max
    gray = np.empty((*codes.shape[:2], 1), np.uint16)
    step = max(1, _BLOCK // codes.shape[1])
    for top in range(0, len(codes), step):
        part = codes[top : top + step]
        if floats:
            ab = part[..., 1:]
        elif photometric == _ICCLAB:
            ab = part[..., 1:].astype(np.float32) / (256 if deep else 1) - 128
        else:
            ab = part[..., 1:].view(np.int16 if deep else np.int8).astype(np.float32) / (256 if deep else 1)
        lab = np.concatenate([part[..., :1].astype(np.float32) * np.float32(100 / white), ab], axis=-1)
        light = np.clip(icc.luminance_of_lab(lab), 0, 1)
        gray[top : top + step, :, 0] = srgb_encode(light) * 65535 + 0.5
    return gray


def _scaled(values: NDArray[Any], bits: int, kind: type[np.unsignedinteger[Any]]) -> NDArray[Any]:
    """Codes of another depth, rounded: 0 stays 0 and white stays white."""
    top = np.iinfo(kind).max
    codes: NDArray[Any] = (values * (top / (2**bits - 1)) + 0.5).astype(kind)
    return codes


def _rows(page: Page, down: int = 1) -> int:
    """Rows of a strip or tile, when `down` of them are called one."""
    rows = page.number(_TILE_HEIGHT) if _tiled(page) else min(page.number(_STRIP_HEIGHT, page.height), page.height)
    return -(-rows // down)


def _load(data: bytes, page: Page, width: int, rows: int, height: int, bits: int, samples: int) -> np.ndarray:
    """All strips or tiles one below the other: [height, width, samples], uint8, uint16, uint32 or float32.

    width, rows, bits, samples: what a strip or tile is called, its bytes being what they are. height: that of the
    picture, in the same rows.
    """
    places, sizes = _PLACES[_tiled(page)]
    starts = page.numbers(places)
    # The last tile is as high as the others, the last strip is not.
    height = rows * len(starts) if _tiled(page) else height
    tags = {tag: value for tag, value in page.tags.items() if tag in _KEPT}
    tags |= {_STARTS: page.tags[places], _SIZES: page.tags[sizes]}
    values = {_WIDTH: width, _HEIGHT: height, _STRIP_HEIGHT: rows, _PHOTOMETRIC: 1, _CHANNELS: samples, _PLANAR: 1}
    tags |= {tag: exif.whole(exif.LONG, value, order=page.order) for tag, value in values.items()}
    kind = 3 if page.number(_KIND, 1) == 3 else 1
    for tag, items in {_BITS: [bits] * samples, _KIND: [kind] * samples, _EXTRA: [0] * (samples - 1)}.items():
        if items:
            tags[tag] = exif.whole(exif.SHORT, *items, order=page.order)
    image = pyvips.Image.tiffload_buffer(
        _relabelled(data, tags, page), access="sequential", fail_on="error", unlimited=True
    )
    blocks: NDArray[Any] = image.numpy().reshape(height, width, samples)
    return blocks


def _placed(blocks: np.ndarray, page: Page, across: int = 1, down: int = 1) -> np.ndarray:
    """The picture [height, width, ...] of strips or tiles that lie one below the other; in units of pixels."""
    width, height = -(-page.width // across), -(-page.height // down)
    if _tiled(page):
        wide, rows = blocks.shape[1], _rows(page, down)
        count = -(-width // wide)
        blocks = blocks[: -(-height // rows) * count * rows].reshape(-1, count, rows, *blocks.shape[1:])
        blocks = blocks.swapaxes(1, 2).reshape(-1, count * wide, blocks.shape[-1])
    return blocks[:height, :width]


def _relabelled(data: bytes, tags: Directory, page: Page) -> bytes:
    """The same file with another first directory, at its end."""
    at = -(-len(data) // 16) * 16
    first = struct.pack(page.order + ("Q" if page.big else "I"), at)
    head = data[:8] + first if page.big else data[:4] + first
    return head + data[len(head) :].ljust(at - len(head), b"\0") + exif.build(tags, at, page.order, page.big)
