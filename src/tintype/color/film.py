"""How film turns a coloured world gray, and how prints age.

Film sums light over the spectrum with a sensitivity of its own; a digital colour picture holds three bands of that
spectrum, so that each response is modelled as three weights on linear red, green and blue. The weights of the films
are our round approximations of their published sensitivity classes (no emulsion is exactly one of them): panchromatic
film sees blue stronger than the eye does, orthochromatic film is blind to red, the plates before it to green as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tintype.color.arrays import Array, namespace
from tintype.color.lab import RGB_TO_XYZ, lab_to_rgb, luminance_to_lightness, split_rgb, srgb_decode

RESPONSES: dict[str, tuple[float, float, float]] = {
    "cie": (float(RGB_TO_XYZ[1, 0]), float(RGB_TO_XYZ[1, 1]), float(RGB_TO_XYZ[1, 2])),
    "panchromatic": (0.30, 0.40, 0.30),
    "orthochromatic": (0.03, 0.50, 0.47),
    "blue": (0.01, 0.09, 0.90),
}
"""Sensitivity to linear red, green, blue. `rec601` is not here: it weighs gamma-coded values (see `expose`)."""

FILTERS: dict[str, tuple[float, float, float]] = {
    "none": (1.0, 1.0, 1.0),
    "yellow": (1.0, 0.90, 0.25),
    "orange": (1.0, 0.55, 0.10),
    "red": (1.0, 0.12, 0.04),
    "green": (0.25, 1.0, 0.25),
    "blue": (0.10, 0.30, 1.0),
}
"""Transmission of a colour filter before the lens for linear red, green, blue."""


def expose(
    rgb: Array, response: str | Sequence[float] = "cie", filter: str | Sequence[float] = "none", axis: int = -1
) -> Array:
    """The gray that a film of the given response makes of a coloured picture.

    Args:
        rgb: sRGB code values in [0, 1], three channels along `axis`.
        response: a name of `RESPONSES`, "rec601" (0.299, 0.587, 0.114 on gamma-coded values, as most software
            converts), or three weights on linear light.
        filter: a name of `FILTERS` or three transmissions. Exposure is corrected, so that white stays white.
    Returns:
        CIE L* in [0, 100] of the gray picture; the channel axis is gone from the shape.
    Raises:
        ValueError: the name is unknown, no light is left, or `rgb` is not what `lab.rgb_to_lab` takes.
    """
    channels = split_rgb(rgb, axis)
    transmission = _named(filter, FILTERS, "filter")
    if isinstance(response, str) and response == "rec601":
        if any(t != 1 for t in transmission):
            raise ValueError("rec601 weights coded values, so it cannot have a filter: choose another response")
        luma = 0.299 * channels[0] + 0.587 * channels[1] + 0.114 * channels[2]
        return luminance_to_lightness(srgb_decode(luma))
    weights = [w * t for w, t in zip(_named(response, RESPONSES, "response"), transmission, strict=True)]
    total = sum(weights)
    if not total > 0:
        raise ValueError(f"film response {response!r} behind filter {filter!r} leaves no light")
    light = sum(w / total * srgb_decode(c) for w, c in zip(weights, channels, strict=True))
    return luminance_to_lightness(light)


def fade(lightness: Array, black: float = 15.0, white: float = 90.0, gamma: float = 1.0) -> Array:
    """A faded print: black lifts, white dulls, the middle shifts.

    Args:
        lightness: L* in [0, 100], any shape.
        black, white: the L* that 0 and 100 become.
        gamma: exponent on lightness; above 1 darkens the middle.
    Returns:
        L* between black and white, same shape.
    """
    xp = namespace(lightness)
    return black + (white - black) * xp.clip(lightness / 100, 0, 1) ** gamma


def grain(lightness: Array, strength: float, noise: Array) -> Array:
    """Film grain: noise that is strongest in the middle tones.

    Args:
        lightness: L* in [0, 100].
        strength: standard deviation in L* at L* = 50.
        noise: standard normal values, same shape; their correlation is the size of the grain (`grain_noise`).
    Returns:
        L* in [0, 100], same shape.
    """
    xp = namespace(lightness)
    middle = xp.clip(4 * (lightness / 100) * (1 - lightness / 100), 0.05, 1) ** 0.5
    return xp.clip(lightness + strength * middle * noise, 0, 100)


def grain_noise(shape: tuple[int, int], size: float, generator: np.random.Generator) -> NDArray[np.float32]:
    """Normal noise of unit variance whose clumps are about `size` pixels wide, float32 [h, w]."""
    noise = generator.standard_normal(shape).astype(np.float32)
    if size > 1:
        radius = int(np.ceil(1.5 * size))
        x = np.arange(-radius, radius + 1)
        kernel = np.exp(-(x**2) / (2 * (size / 2) ** 2))
        kernel /= np.sqrt((kernel**2).sum())
        for axis in (0, 1):
            padded = np.pad(noise, [(radius, radius) if i == axis else (0, 0) for i in (0, 1)], mode="wrap")
            noise = np.zeros_like(noise)
            for i, weight in enumerate(kernel):
                noise += np.float32(weight) * np.take(padded, np.arange(i, i + shape[axis]), axis=axis)
    return noise


def tone(lightness: Array, a: float = 6.0, b: float = 18.0, axis: int = -1) -> Array:
    """A toned print (sepia by default) of a gray picture, as sRGB in [0, 1] with a new channel axis.

    The tone is full in the middle and vanishes towards black and white, as a toned silver image does.
    Colour that sRGB cannot hold is clipped.
    """
    xp = namespace(lightness)
    share = xp.clip(4 * (lightness / 100) * (1 - lightness / 100), 0, 1)
    return xp.clip(lab_to_rgb(xp.stack([lightness, a * share, b * share], axis=axis), axis), 0, 1)


def _named(value: str | Sequence[float], table: dict[str, tuple[float, float, float]], what: str) -> Sequence[float]:
    if not isinstance(value, str):
        if len(value) != 3 or min(value) < 0:
            raise ValueError(f"a film {what} must be three weights that are not negative, not {value!r}")
        return value
    if value not in table:
        names = ", ".join([*table, "rec601"] if what == "response" else table)
        raise ValueError(f"film {what} {value!r} is unknown; there are {names}")
    return table[value]
