"""From an opened picture to its colours: upright, in sRGB through its profile, on white."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from tintype.photo import icc
from tintype.photo.decode import (
    TURNS,
    Reading,
    applied,
    as_image,
    checked_floats,
    profile_of,
    samples_of,
)
from tintype.photo.photo import Metadata

Share = Callable[[int, int], float]
"""Takes (width, height) of an upright photograph, gives the share of both that is wanted; in (0, 1]."""


def in_colour(share: Share | None = None) -> Reading[NDArray[np.uint8]]:
    """The reading of a photograph's pixels in colour, uint8 [h, w, 3].

    Args:
        share: what the photograph is reduced to, by a Lanczos filter on the codes of the file; None: its own size.
    """
    if share is None:
        return Reading(_pixels, in_colour=True)

    def shrink(width: int, height: int) -> int:
        if not (width and height):
            return 1
        # A decoder's own shrinking is rough: the last halving is left to the filter.
        wanted = share(width, height)
        return next(times for times in (8, 4, 2, 1) if times == 1 or times * wanted <= 0.5)

    return Reading(partial(_pixels, share=share), in_colour=True, shrink=shrink)


def _pixels(
    name: str,
    kind: str,
    image: pyvips.Image,
    metadata: Metadata,
    orientation: int = 1,
    *,
    space: bytes | None = None,
    inverted: bool = False,
    stored: tuple[int, int] | None = None,
    share: Share | None = None,
    **facts: Any,
) -> NDArray[np.uint8]:
    """What `as_photo` takes, as sRGB on white; uint8 [h, w, 3].

    stored: (width, height) of the stored picture, where the decoder has reduced it.
    """
    bands = samples_of(image, name)[1]
    profile = applied(profile_of(image) or space, bands)
    if share is not None:
        image = _reduced(image, stored or (image.width, image.height), orientation, share)
    codes = image.numpy().reshape(image.height, image.width, -1)
    colour, alpha = codes[..., :bands], codes[..., bands:]
    if colour.dtype == np.float32:
        colour = checked_floats(1 - colour if inverted else colour, name)
    rgb = _srgb(colour, profile)
    if alpha.size or rgb.dtype != np.uint8:
        shown = _light(rgb)
        if alpha.size:
            shown = 1 - np.clip(_light(alpha), 0, 1) * (1 - shown)
        rgb = (shown * 255 + 0.5).astype(np.uint8)
    if rgb.shape[2] == 1:
        rgb = np.repeat(rgb, 3, axis=2)
    return np.ascontiguousarray(TURNS[orientation](rgb)) if orientation in TURNS else rgb


def _reduced(image: pyvips.Image, stored: tuple[int, int], orientation: int, share: Share) -> pyvips.Image:
    """The stored picture at the share of its size that is wanted of the upright one."""
    part = share(*(stored[::-1] if orientation >= 5 else stored))
    width, height = (max(1, round(side * part)) for side in stored)
    if (width, height) == (image.width, image.height):
        return image
    across, down = width / image.width, height / image.height
    if not image.hasalpha():
        return image.resize(across, vscale=down)
    # What is transparent has no colour to mix in.
    mixed = image.premultiply().resize(across, vscale=down).unpremultiply()
    return (mixed if image.format == "float" else mixed.rint()).cast(image.format)


def _srgb(codes: NDArray[Any], profile: bytes | None) -> NDArray[Any]:
    """Codes of gray, RGB or CMYK [h, w, 1, 3 or 4] as sRGB codes of the same type, [h, w, 1 or 3]."""
    ink = codes.shape[2] == 4
    if ink and profile is None:
        if not codes[..., 3].any():
            # Programs that know nothing of inks make CMYK without black of RGB, and no press prints so.
            return np.iinfo(codes.dtype).max - codes[..., :3]
        profile = icc.press()
    if profile is None:
        return codes
    if codes.shape[2] == 1 and icc.space(profile) == "RGB":
        codes = np.repeat(codes, 3, axis=2)
    image = as_image(codes, profile, ink)
    depth = 8 * codes.dtype.itemsize
    rgb: NDArray[Any] = image.icc_transform("srgb", embedded=True, intent="relative", depth=depth).numpy()
    return rgb


def _light(codes: NDArray[Any]) -> NDArray[np.float32]:
    """Codes as shares of white, in [0, 1]."""
    if codes.dtype == np.float32:
        return codes
    light: NDArray[np.float32] = np.divide(codes, np.float32(np.iinfo(codes.dtype).max), dtype=np.float32)
    return light
