"""Colour spaces that a file names by numbers instead of a profile, as profiles.

PNG has gAMA, cHRM and cICP, AVIF and HEIF have nclx, and cameras set to Adobe RGB say so in Exif alone (DCF). Each
becomes a small ICC profile, so that everything after the reading knows profiles only.
"""

from __future__ import annotations

import struct
from functools import lru_cache

import numpy as np

from tintype.errors import UnsupportedPhoto
from tintype.photo import exif

_D65 = (0.3127, 0.3290)
_SRGB = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_ADOBE = (*_D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
_PRIMARIES = {  # ITU-T H.273: x and y of white, red, green and blue
    1: _SRGB,
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    7: (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    9: (*_D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    12: (*_D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
# The curves of television (1, 6, 14, 15) are shown as that of sRGB by browsers and by everything else.
_CURVES = {1: "srgb", 4: 2.2, 5: 2.8, 6: "srgb", 8: 1.0, 13: "srgb", 14: "srgb", 15: "srgb"}
_HDR = {16: "PQ", 18: "HLG"}
_NEAR_GAMMA, _NEAR_PRIMARIES = 0.05, 0.01
"""What differs from sRGB by less was meant to be sRGB, as in libpng."""

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1.0, 0.8249])


def of_code_points(primaries: int, transfer: int, name: str) -> bytes | None:
    """The profile that code points of ITU-T H.273 (cICP, nclx) mean; None for unspecified and unknown ones.

    Raises:
        UnsupportedPhoto: high dynamic range, whose lightness depends on the screen.
    """
    if transfer in _HDR:
        raise UnsupportedPhoto(
            f"{name} holds high dynamic range ({_HDR[transfer]}), which tintype does not read: export it for ordinary "
            "screens (SDR) first"
        )
    space, curve = _PRIMARIES.get(primaries), _CURVES.get(transfer)
    return _profile(space, curve) if space and curve else None


def of_png(gamma: float | None, primaries: tuple[float, ...] | None) -> bytes | None:
    """The profile that the chunks gAMA and cHRM of a PNG mean; None where that is sRGB or makes no sense.

    Args:
        gamma: of the encoding, 0.45455 for a usual file; None without gAMA, and then cHRM means nothing either.
        primaries: x and y of white, red, green and blue.
    """
    if gamma is None or not 0.1 <= gamma <= 3:
        return None
    usual = primaries is None or max(abs(a - b) for a, b in zip(primaries, _SRGB, strict=True)) < _NEAR_PRIMARIES
    if usual and abs(gamma * 2.2 - 1) < _NEAR_GAMMA:
        return None
    return _profile(_SRGB if usual else primaries, 1 / gamma)


def of_exif(tags: exif.Tags | None) -> bytes | None:
    """The profile of a camera's file that says in Exif alone that it is in Adobe RGB."""
    inner = tags.pages[0].get(exif.EXIF) if tags and tags.pages else None
    if tags is None or not isinstance(inner, dict):
        return None
    space = exif.number(inner, exif.COLOR_SPACE, tags.order)
    # 2 stands in no standard, but some cameras write it.
    return _profile(_ADOBE, 563 / 256) if space == 2 or (space == 65535 and is_optional_file(inner)) else None


def is_optional_file(inner: exif.Directory) -> bool:
    """Whether the Exif directory has the index R03, a 'DCF option file', which is in Adobe RGB."""
    index = inner.get(exif.INTEROPERABILITY)
    index = index.get(1) if isinstance(index, dict) else None
    return isinstance(index, exif.Value) and index.data.startswith(b"R03")


@lru_cache(maxsize=8)
def _profile(primaries: tuple[float, ...], curve: float | str) -> bytes | None:
    """A matrix profile; None for primaries that span no colours."""
    white, *corners = ([x / y, 1.0, (1 - x - y) / y] if y > 0 else None for x, y in _pairs(primaries))
    if white is None or None in corners:
        return None
    try:
        matrix = np.array(corners).T
        matrix = matrix * np.linalg.solve(matrix, white)
        cones = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    except (np.linalg.LinAlgError, ZeroDivisionError):
        return None
    matrix = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ matrix
    if not np.abs(matrix).max() < 1000:
        return None
    tags = {}
    for letter, column in zip((b"r", b"g", b"b"), matrix.T, strict=True):
        tags[letter + b"XYZ"] = _xyz(column)
        tags[letter + b"TRC"] = _curve(curve)
    table, data = struct.pack(">I", len(tags)), b""
    for tag, body in tags.items():
        table += tag + struct.pack(">II", 132 + 12 * len(tags) + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = struct.pack(">I4xI4s4s4s12x4s", 128 + len(table) + len(data), 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    return head + bytes(28) + _xyz(_D50)[8:] + bytes(48) + table + data


def _pairs(numbers: tuple[float, ...]) -> list[tuple[float, float]]:
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(float(value) * 65536) for value in values))


def _curve(curve: float | str) -> bytes:
    """The tag of a tone curve: 'srgb', or an exponent."""
    numbers, kind = (
        ((2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045), 3) if curve == "srgb" else ((float(curve),), 0)
    )
    body = struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + body
