"""sRGB to CIE L*a*b* and back: D65, 2 degree observer, sRGB primaries.

The equations are those of IEC 61966-2-1 (sRGB) and CIE 15 (Lab). The white point is the image of RGB (1, 1, 1)
under the same matrix, so that gray has a* = b* = 0 to the last bit that floats hold.
"""

from __future__ import annotations

import numpy as np

from tintype.color.arrays import Array, integer_codes, namespace

RGB_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
XYZ_TO_RGB = np.linalg.inv(RGB_TO_XYZ)
WHITE = RGB_TO_XYZ.sum(axis=1)

EPSILON = (6 / 29) ** 3
KAPPA = (29 / 3) ** 3


def srgb_decode(encoded: Array) -> Array:
    """sRGB code values in [0, 1] to linear light in [0, 1]; any shape."""
    xp = namespace(encoded)
    # The power sees no value below the knee, so that its gradient stays finite.
    power = ((xp.clip(encoded, 0.04045, None) + 0.055) / 1.055) ** 2.4
    return xp.where(encoded <= 0.04045, encoded / 12.92, power)


def srgb_encode(linear: Array) -> Array:
    """Linear light in [0, 1] to sRGB code values in [0, 1]; any shape."""
    xp = namespace(linear)
    power = 1.055 * xp.clip(linear, 0.0031308, None) ** (1 / 2.4) - 0.055
    return xp.where(linear <= 0.0031308, linear * 12.92, power)


def luminance_to_lightness(luminance: Array) -> Array:
    """Relative luminance Y in [0, 1] to CIE L* in [0, 100]; any shape."""
    xp = namespace(luminance)
    root = 116 * xp.clip(luminance, EPSILON, None) ** (1 / 3) - 16
    return xp.where(luminance <= EPSILON, luminance * KAPPA, root)


def lightness_to_luminance(lightness: Array) -> Array:
    """CIE L* in [0, 100] to relative luminance Y in [0, 1]; any shape."""
    xp = namespace(lightness)
    return xp.where(lightness <= 8, lightness / KAPPA, ((lightness + 16) / 116) ** 3)


def rgb_to_lab(rgb: Array, axis: int = -1) -> Array:
    """sRGB to CIELAB.

    Args:
        rgb: code values in [0, 1], three channels along `axis`.
    Returns:
        L* in [0, 100], a* and b* unclamped (a* in [-86.2, 98.3], b* in [-107.9, 94.5] for sRGB); same shape.
    Raises:
        ValueError: `rgb` holds whole numbers or values far outside [0, 1], such as 0..255.
    """
    xp = namespace(rgb)
    red, green, blue = (srgb_decode(channel) for channel in split_rgb(rgb, axis))
    f = []
    for row, white in zip(RGB_TO_XYZ, WHITE, strict=True):
        t = (float(row[0]) * red + float(row[1]) * green + float(row[2]) * blue) / float(white)
        root = xp.clip(t, EPSILON, None) ** (1 / 3)
        f.append(xp.where(t <= EPSILON, t * (KAPPA / 116) + 16 / 116, root))
    return xp.stack([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])], axis=axis)


def lab_to_rgb(lab: Array, axis: int = -1) -> Array:
    """CIELAB to sRGB code values, not clipped: what RGB cannot hold comes back below 0 or above 1.

    Args:
        lab: L* in [0, 100], a*, b*, three channels along `axis`.
    Returns:
        code values; same shape. Negative light is encoded linearly.
    """
    xp = namespace(lab)
    lightness, a, b = _channels(lab, axis)
    fy = (lightness + 16) / 116
    xyz = []
    for f, white in zip((fy + a / 500, fy, fy - b / 200), WHITE, strict=True):
        xyz.append(xp.where(f > 6 / 29, f**3, (f - 16 / 116) * (116 / KAPPA)) * float(white))
    linear = [sum(float(m) * t for m, t in zip(row, xyz, strict=True)) for row in XYZ_TO_RGB]
    return xp.stack([srgb_encode(channel) for channel in linear], axis=axis)


def lightness(rgb: Array, axis: int = -1) -> Array:
    """CIE L* in [0, 100] of sRGB code values in [0, 1]; the channel axis is gone from the shape.

    Raises:
        ValueError: as `rgb_to_lab`.
    """
    red, green, blue = (srgb_decode(channel) for channel in split_rgb(rgb, axis))
    row = RGB_TO_XYZ[1]
    light = (float(row[0]) * red + float(row[1]) * green + float(row[2]) * blue) / float(WHITE[1])
    return luminance_to_lightness(light)


def gray(lightness: Array) -> Array:
    """The sRGB gray in [0, 1] that has CIE L* `lightness`; any shape."""
    return srgb_encode(lightness_to_luminance(lightness))


def split_rgb(rgb: Array, axis: int = -1) -> list[Array]:
    """The three channels of sRGB code values in [0, 1].

    Raises:
        ValueError: not three channels, whole numbers, or values far outside [0, 1], such as 0..255.
    """
    if integer_codes(rgb):
        raise ValueError(f"sRGB values in [0, 1] are needed, not whole numbers ({rgb.dtype}): divide by 255 or 65535")
    channels = _channels(rgb, axis)
    if 0 in rgb.shape:
        return channels
    values = rgb if namespace(rgb) is np else rgb.detach()
    low, high = float(values.min()), float(values.max())
    # `not (...)` so that NaN is refused too.
    if not (low >= -0.5 and high <= 1.5):
        raise ValueError(f"sRGB values must lie in [0, 1], but these lie in [{low:.4g}, {high:.4g}]")
    return channels


def _channels(values: Array, axis: int) -> list[Array]:
    if values.shape[axis] != 3:
        raise ValueError(f"axis {axis} must hold three channels, but the shape is {tuple(values.shape)}")
    return list(namespace(values).moveaxis(values, axis, 0))
