"""ICC profiles: lightness through a profile, and from sRGB into one."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
import pyvips

from tintype.color.lab import RGB_TO_XYZ, luminance_to_lightness, rgb_to_lab, srgb_decode, srgb_encode
from tintype.photo.scale import codes_of_luminance

_SAME = 0.25
"""A profile whose colours are never further than this (CIE 1976 dE) from those of sRGB is sRGB."""


def space(profile: bytes | None) -> str | None:
    """'RGB', 'GRAY', 'CMYK', ... : what a profile describes; None for none and for one that is broken."""
    if not profile or len(profile) < 132 or profile[36:40] != b"acsp":
        return None
    return profile[16:20].decode("latin-1").strip()


@lru_cache(maxsize=8)
def usable(profile: bytes) -> bool:
    """Whether colours can be taken through the profile, both ways if it is one of RGB."""
    bands = {"GRAY": 1, "RGB": 3, "CMYK": 4}.get(space(profile) or "")
    if not bands:
        return False
    try:
        luminance(np.zeros((1, 1, bands), np.uint8), profile)
        if bands == 3:
            from_srgb(np.zeros((1, 1, 3), np.uint8), profile, 8)
    except pyvips.Error:
        return False
    return True


@lru_cache(maxsize=8)
def is_srgb(profile: bytes) -> bool:
    """Whether a usable RGB profile is sRGB in all but name."""
    ramp = np.linspace(0, 65535, 9).astype(np.uint16)
    lattice = np.stack(np.meshgrid(ramp, ramp, ramp, indexing="ij"), axis=-1).reshape(27, 27, 3)
    xyz = _xyz(lattice, profile)
    measured = srgb_encode(xyz @ np.linalg.inv(RGB_TO_XYZ).T)
    distance = rgb_to_lab(np.clip(measured, -0.4, 1.4)) - rgb_to_lab(lattice / 65535)
    return bool(np.linalg.norm(distance, axis=-1).max() < _SAME)


def luminance(pixels: np.ndarray, profile: bytes | None) -> np.ndarray:
    """Relative luminance Y (D65), float32 [rows, width], of device colours [rows, width, bands].

    The profile's D50 colours are adapted to D65 (Bradford), relative colorimetric, and not clipped to any gamut.
    Without a profile, CMYK is taken through the generic one of libvips.
    """
    return _xyz(pixels, profile)[..., 1]


def gray_scale(profile: bytes, depth: int) -> np.ndarray:
    """L* of every gray code through a profile of gray, or of RGB with equal channels; float32 [2 ** depth]."""
    kind = np.uint8 if depth == 8 else np.uint16
    ramp = np.arange(2**depth, dtype=kind)[None, :, None]
    if space(profile) == "RGB":
        ramp = np.repeat(ramp, 3, axis=2)
    light = luminance(ramp, profile)[0]
    return luminance_to_lightness(np.clip(light, 0, 1)).astype(np.float32)


def lightness_codes(pixels: np.ndarray, profile: bytes | None) -> np.ndarray:
    """16-bit codes of L*, uint16 [rows, width], of device colours [rows, width, bands] through a profile."""
    return codes_of_luminance(luminance(pixels, profile))


def from_srgb(strip: np.ndarray, profile: bytes, depth: int) -> np.ndarray:
    """sRGB codes (uint8 or uint16 [rows, width, 3]) to those of an RGB profile, relative colorimetric.

    depth: 8 for uint8, 16 for uint16 codes.
    """
    linear = _linear(8 * strip.dtype.itemsize)[strip]
    image = pyvips.Image.new_from_array(linear @ (RGB_TO_XYZ.T * 100).astype(np.float32)).copy(interpretation="xyz")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image.icc_export(pcs="xyz", intent="relative", depth=depth).numpy()


def srgb() -> bytes:
    """The sRGB profile that marks a result whose own profile was one of gray or CMYK."""
    return bytes(pyvips.Image.profile_load("srgb"))


def _xyz(pixels: np.ndarray, profile: bytes | None) -> np.ndarray:
    image = _image(pixels)
    if profile is None:
        moved = image.icc_import(pcs="xyz", intent="relative", input_profile="cmyk")
    else:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        moved = image.icc_import(pcs="xyz", intent="relative", embedded=True)
    return moved.numpy() / np.float32(100)


def _image(pixels: np.ndarray) -> pyvips.Image:
    names = {1: ("b-w", "grey16"), 3: ("srgb", "rgb16"), 4: ("cmyk", "cmyk")}
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    return image.copy(interpretation=names[pixels.shape[2]][pixels.dtype.itemsize - 1])


@cache
def _linear(depth: int) -> np.ndarray:
    top = 2**depth - 1
    return srgb_decode(np.arange(top + 1) / top).astype(np.float32)
