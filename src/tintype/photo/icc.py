"""ICC profiles: lightness through a profile, and from sRGB into one.

Nearly all profiles of photographs are a matrix and three curves (or one curve, for gray); these are computed here, to
the precision of floats. Profiles made of tables (CMYK, scanners) go through libvips and Little CMS, whose own grid
costs up to 0.2 of L* in deep shadow.

Colours are relative to the media white and adapted from the D50 of the profile to D65 (Bradford), so that the L* of a
colour does not depend on the profile that holds it. Nothing is clipped to the gamut of sRGB on the way in.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from tintype.color.lab import (
    KAPPA,
    RGB_TO_XYZ,
    WHITE,
    lightness_to_luminance,
    luminance_to_lightness,
    srgb_decode,
)
from tintype.photo.scale import BLOCK, LIGHT, codes_of_light, codes_of_luminance, codes_of_weighted

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1.0, 0.8249])
_TO_D65 = np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ WHITE) / (_BRADFORD @ _D50)) @ _BRADFORD

_SAME = 0.002
"""A profile that moves no colour of sRGB by more than this (half an 8-bit code) is sRGB."""


_MUTED = np.array([[[78, 78, 78], [119, 119, 119], [185, 185, 185], [150, 115, 95], [100, 125, 150], [105, 125, 90]]])
_MUTED = (_MUTED * 257).astype(np.uint16)
"""Colours that every profile of a photograph holds: grays, skin, sky, leaves; sRGB codes [1, 6, 3]."""

_AGAIN = 0.03
"""How far they may come back from where they went: the grids of tables cost a little."""


@dataclass(frozen=True)
class Shaper:
    """A profile of curves, and a matrix if it is one of RGB.

    curves: linear light in [0, 1] of the 65536 device codes; float64 [1 or 3, 65536].
    matrix: linear RGB to XYZ (D50); None for gray.
    """

    curves: NDArray[np.float64]
    matrix: NDArray[np.float64] | None

    @property
    def weights(self) -> NDArray[np.float64]:
        """What red, green and blue add to the luminance (D65) of white."""
        row: NDArray[np.float64] = _TO_D65[1] @ self.matrix
        row /= row.sum()
        return row


def space(profile: bytes | None) -> str | None:
    """'RGB', 'GRAY', 'CMYK', ... : what a profile describes; None for none and for one that is broken."""
    if not profile or len(profile) < 132 or profile[36:40] != b"acsp":
        return None
    return profile[16:20].decode("latin-1").strip()


def luminance_of_lab(lab: np.ndarray) -> np.ndarray:
    """Relative luminance Y (D65), float32 [...], of CIE L*a*b* relative to D50, [..., 3]."""
    fy = (lab[..., 0] + 16) / 116
    luminance = np.zeros(fy.shape, np.float32)
    for f, weight in zip((fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200), _TO_D65[1] * _D50, strict=True):
        luminance += np.where(f > 6 / 29, f**3, (f - 16 / 116) * (116 / KAPPA)) * weight
    return luminance


@lru_cache(maxsize=8)
def usable(profile: bytes) -> bool:
    """Whether the lightness of colours can be had through the profile."""
    bands = {"GRAY": 1, "RGB": 3, "CMYK": 4}.get(space(profile) or "")
    if not bands:
        return False
    try:
        ends = np.full((1, 2, bands), [[0], [255]], np.uint8)
        dark, bright = _luminance(ends, profile)[0][:: -1 if bands == 4 else 1]
    except (pyvips.Error, UnicodeDecodeError):
        return False
    # What a cut or empty curve leaves is all black, or all white.
    return bool(dark < bright)


@lru_cache(maxsize=8)
def takes_colour(profile: bytes) -> bool:
    """Whether colours can be taken into a usable profile and come back.

    Many of a scanner have tables for the other way alone.
    """
    if space(profile) != "RGB":
        return False
    try:
        codes = from_srgb(_MUTED, profile, 16)
        image = pyvips.Image.new_from_array(codes).copy(interpretation="rgb16")
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        back = image.icc_transform("srgb", embedded=True, intent="relative", depth=16).numpy()
    except (pyvips.Error, UnicodeDecodeError, np.linalg.LinAlgError):
        return False
    # Some have tables for that way which do nothing, as the XYB profile of JPEG encoders.
    return bool(np.abs(back.astype(int) - _MUTED).max() <= _AGAIN * 65535)


@lru_cache(maxsize=8)
def is_srgb(profile: bytes) -> bool:
    """Whether a usable profile is sRGB in all but name."""
    if not takes_colour(profile):
        return False
    ramp = np.linspace(0, 65535, 9).astype(np.uint16)
    lattice = np.stack(np.meshgrid(ramp, ramp, ramp, indexing="ij"), axis=-1).reshape(27, 27, 3)
    moved = from_srgb(lattice, profile, 16)
    return bool(np.abs(moved.astype(int) - lattice).max() <= _SAME * 65535)


def gray_scale(profile: bytes, depth: int) -> np.ndarray:
    """L* of every gray code through a profile of gray, or of RGB with equal channels; float32 [2 ** depth]."""
    kind = np.uint8 if depth == 8 else np.uint16
    ramp = np.arange(2**depth, dtype=kind)[None, :, None]
    if space(profile) == "RGB":
        ramp = np.repeat(ramp, 3, axis=2)
    scale: NDArray[np.float32] = luminance_to_lightness(np.clip(_luminance(ramp, profile)[0], 0, 1)).astype(np.float32)
    return scale


def lightness_codes(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    """16-bit codes of L*: device colours uint8 or uint16 [rows, width, bands] -> uint16 [rows, width]."""
    if pixels.shape[2] == 3 and shaper(profile) is not None:
        return codes_of_weighted(pixels, _tables(profile, 8 * pixels.dtype.itemsize))
    return codes_of_luminance(_luminance(pixels, profile))


def from_srgb(strip: np.ndarray, profile: bytes, depth: int) -> np.ndarray:
    """sRGB codes [rows, width, 3] (uint8, uint16, or float32 in [0, 1]) to those of an RGB profile.

    depth: 8 for uint8, 16 for uint16 codes. What the profile cannot hold is clipped.
    """
    shape = shaper(profile)
    if shape is None:
        image = pyvips.Image.new_from_array(_light(strip) @ (RGB_TO_XYZ.T * 100).astype(np.float32))
        image = image.copy(interpretation="xyz")
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        exported: NDArray[Any] = image.icc_export(pcs="xyz", intent="relative", depth=depth).numpy()
        return exported
    matrix, tables = _inverse(profile, depth)
    pixels = strip.reshape(-1, 3)
    result = np.empty(pixels.shape, tables[0].dtype)
    for start in range(0, len(pixels), BLOCK):
        block = pixels[start : start + BLOCK]
        red, green, blue = (_light(block[:, channel]) for channel in range(3))
        # Written out: three by three is too small for the threads of a matrix library.
        for channel, (table, row) in enumerate(zip(tables, matrix, strict=True)):
            light = red * row[0]
            light += green * row[1]
            light += blue * row[2]
            light += 0.5
            np.clip(light, 0, LIGHT, out=light)
            result[start : start + BLOCK, channel] = table.take(light.astype(np.int64), mode="clip")
    return result.reshape(strip.shape)


@cache
def press() -> bytes:
    """A CMYK profile of usual inks on usual paper, for files that carry none: libvips' own, in the public domain."""
    return bytes(pyvips.Image.profile_load("cmyk"))


def srgb() -> bytes:
    """The sRGB profile that marks a result into whose own profile no colour can be taken."""
    return bytes(pyvips.Image.profile_load("srgb"))


@lru_cache(maxsize=8)
def shaper(profile: bytes) -> Shaper | None:
    """The curves and matrix of a profile of gray or RGB; None for one of tables, or a broken one."""
    tags = {}
    count = int.from_bytes(profile[128:132], "big")
    for i in range(min(count, 100)):
        entry = profile[132 + 12 * i : 144 + 12 * i]
        start, size = int.from_bytes(entry[4:8], "big"), int.from_bytes(entry[8:12], "big")
        tags[entry[:4]] = profile[start : start + size]
    if any(tag.startswith(b"A2B") for tag in tags):
        return None
    try:
        if space(profile) == "GRAY":
            curve = _curve(tags[b"kTRC"])
            if profile[20:24] == b"Lab ":
                # Of such a profile the curve gives L*, not light.
                curve = lightness_to_luminance(100 * curve)
            return Shaper(curve[None], None)
        curves = np.stack([_curve(tags[letter + b"TRC"]) for letter in (b"r", b"g", b"b")])
        columns = [struct.unpack(">3i", tags[letter + b"XYZ"][8:20]) for letter in (b"r", b"g", b"b")]
    except (KeyError, ValueError, ArithmeticError, struct.error, IndexError):
        return None
    matrix = np.array(columns).T / 65536
    return Shaper(curves, matrix) if matrix.any() else None


def _curve(tag: bytes) -> NDArray[np.float64]:
    """Linear light of the 65536 device codes, from a `curv` or `para` tag."""
    x = np.arange(65536) / 65535
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return x
        if count == 1:
            gamma: float = struct.unpack_from(">H", tag, 12)[0] / 256
            return x**gamma
        points = np.frombuffer(tag, ">u2", count, offset=12) / 65535
        return np.interp(x, np.linspace(0, 1, count), points).astype(np.float64, copy=False)
    if tag[:4] != b"para":
        raise ValueError("not a curve")
    kind = int.from_bytes(tag[8:10], "big")
    length = (1, 3, 4, 5, 7)[kind]
    numbers = [value / 65536 for value in struct.unpack(f">{length}i", tag[12 : 12 + 4 * length])]
    g, a, b, c, d, e, f = numbers + [0.0] * (7 - length)
    if kind == 0:
        a, d = 1.0, -1.0
    elif kind in (1, 2):
        # Below -b/a the curve is a constant, which is c in the second of the two.
        d, e, f, c = -b / a, c, c, 0.0
    with np.errstate(all="raise", under="ignore"):
        power = np.clip(a * x + b, 0, None) ** g + e
    curve: NDArray[np.float64] = np.clip(np.where(x >= d, power, c * x + f), 0, 1)
    return curve


@lru_cache(maxsize=8)
def _tables(profile: bytes, depth: int) -> list[np.ndarray]:
    shape = shaper(profile)
    assert shape is not None
    curves = shape.curves if depth == 16 else shape.curves[:, ::257]
    return codes_of_light(curves, shape.weights)


@lru_cache(maxsize=4)
def _inverse(profile: bytes, depth: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Linear sRGB to linear device light in steps of 1 / LIGHT; device codes of those steps, by channel."""
    shape = shaper(profile)
    assert shape is not None
    assert shape.matrix is not None
    matrix = np.linalg.inv(_TO_D65 @ shape.matrix) @ RGB_TO_XYZ
    # The tags of a profile are rounded; gray must stay gray all the same.
    matrix /= matrix.sum(axis=1, keepdims=True)
    steps = np.arange(LIGHT + 1) / LIGHT
    top = 2**depth - 1
    tables: list[NDArray[Any]] = []
    for i, curve in enumerate(shape.curves):
        if i and (curve == shape.curves[0]).all():
            tables.append(tables[0])
            continue
        codes = np.interp(steps, np.maximum.accumulate(curve), np.arange(65536) / 65535)
        tables.append((codes * top + 0.5).astype(np.uint8 if depth == 8 else np.uint16))
    return (matrix * LIGHT).astype(np.float32), tables


def _luminance(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    """Relative luminance Y (D65), float [rows, width], of device colours [rows, width, bands]."""
    shape = shaper(profile)
    if shape is not None:
        codes = pixels.astype(np.uint16) * np.uint16(257 if pixels.dtype == np.uint8 else 1)
        light = np.stack([curve[codes[..., i]] for i, curve in enumerate(shape.curves)], axis=-1)
        return light[..., 0] if shape.matrix is None else light @ shape.weights
    names = {1: ("b-w", "grey16"), 3: ("srgb", "rgb16"), 4: ("cmyk", "cmyk")}
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    image = image.copy(interpretation=names[pixels.shape[2]][pixels.dtype.itemsize - 1])
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    lab = image.icc_import(pcs="lab", intent="relative", embedded=True).numpy()
    return luminance_of_lab(lab)


def _light(codes: NDArray[Any]) -> NDArray[np.float32]:
    """Linear light, float32, of sRGB codes of any shape."""
    if codes.dtype.kind == "f":
        light: NDArray[np.float32] = srgb_decode(codes)
        return light
    return _linear(8 * codes.dtype.itemsize).take(codes, mode="clip")


@cache
def _linear(depth: int) -> NDArray[np.float32]:
    """Linear light of every sRGB code, [2 ** depth]."""
    top = 2**depth - 1
    light: NDArray[np.float32] = srgb_decode(np.arange(top + 1) / top).astype(np.float32)
    return light
