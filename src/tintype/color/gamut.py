"""What sRGB can hold: chroma that it cannot is shrunk, lightness and hue stay.

Putting the source lightness under a predicted ab is not enough: where R, G or B leaves [0, 1], clipping moves
the lightness by several units. Here the colour walks towards the gray of its own lightness until sRGB holds it.
"""

from __future__ import annotations

import numpy as np

from tintype.color.arrays import Array, integer_codes, namespace
from tintype.color.lab import WHITE, XYZ_TO_RGB

TOLERANCE = 2e-6
"""How far linear R, G, B may lie beyond [0, 1] and count as held: what float32 leaves, under 2 % of an 8-bit and
2 of a 16-bit step."""

KNEE = 6 / 29
"""The value of f(X/Xn) under which the CIE curve is a straight line."""

BLOCK = 1 << 13
"""Colours fitted at a time: few enough that every step finds them in the cache of the processor."""

_STEPS = 40

# Linear sRGB from X/Xn, Y/Yn, Z/Zn. Every row sums to one, so that R = Y + p (X - Y) + q (Z - Y): two products
# fewer, and a gray stays a gray to the last bit.
FROM_X, _, FROM_Z = (tuple(map(float, column)) for column in (XYZ_TO_RGB * WHITE).T)


def fit_chroma(lab: Array, axis: int = -1) -> Array:
    """CIE L*a*b* with as much of each colour's chroma as sRGB holds; lightness and hue are unchanged.

    Args:
        lab: floats, L* in [0, 100], a*, b* of any size, three channels along `axis`; numpy or torch.
    Returns:
        same kind and shape. Colours that sRGB holds come back bit for bit, the others on its boundary. In torch
        the gradient is that of a constant factor on a* and b*.
    Raises:
        ValueError: not three channels, or whole numbers.
    """
    xp = namespace(lab)
    if lab.shape[axis] != 3:
        raise ValueError(f"axis {axis} must hold three channels, but the shape is {tuple(lab.shape)}")
    if integer_codes(lab):
        raise ValueError(f"CIE L*a*b* in floats is needed, not whole numbers ({lab.dtype})")
    fixed = lab if xp is np else lab.detach()
    lightness, a, b = xp.moveaxis(fixed, axis, 0)
    outside = overflow(lightness, a, b) > TOLERANCE
    if not outside.any():
        return lab
    scale = xp.ones_like(fixed)
    xp.moveaxis(scale, axis, 0)[1:, outside] = reach(lightness[outside], a[outside], b[outside])
    return lab * scale


def linear_rgb(lightness: Array, a: Array, b: Array) -> tuple[Array, Array, Array]:
    """Linear R, G, B, not clipped, of CIE L*, a*, b*; gray (a = b = 0) gives three equal values."""
    fy = (lightness + 16) / 116
    x, y, z = _cube(fy + a / 500), _cube(fy), _cube(fy - b / 200)
    x, z = x - y, z - y
    red, green, blue = (y + x * p + z * q for p, q in zip(FROM_X, FROM_Z, strict=True))
    return red, green, blue


def overflow(lightness: Array, a: Array, b: Array) -> Array:
    """How far the worst of linear R, G, B lies beyond [0, 1]; at most 0 where sRGB holds the colour."""
    red, green, blue = linear_rgb(lightness, a, b)
    xp = namespace(red)
    most = xp.maximum(xp.maximum(red, green), blue)
    least = xp.minimum(xp.minimum(red, green), blue)
    return xp.maximum(most - 1, -least)


def reach(lightness: Array, a: Array, b: Array, tolerance: float = TOLERANCE) -> Array:
    """The part of the chroma, in [0, 1], that sRGB holds, for colours outside the gamut; shape [n].

    False position between the gray (inside) and the colour (outside), after Anderson and Björck (1973). A colour
    ends when it is within `tolerance` (linear light) of the boundary, whatever its neighbours do: the result does
    not depend on how a photograph is cut into strips.
    """
    if namespace(lightness) is np and len(lightness) > BLOCK:
        parts = [slice(start, start + BLOCK) for start in range(0, len(lightness), BLOCK)]
        return np.concatenate([_reach(lightness[part], a[part], b[part], tolerance) for part in parts])
    return _reach(lightness, a, b, tolerance)


def _reach(lightness: Array, a: Array, b: Array, tolerance: float) -> Array:
    xp = namespace(lightness)
    fy = (lightness + 16) / 116
    y, dx, dz = _cube(fy), a / 500, b / -200

    def beyond(part: Array) -> Array:
        """`overflow` of that part of the chroma."""
        x, z = _cube(fy + dx * part) - y, _cube(fy + dz * part) - y
        red, green, blue = (x * p + z * q for p, q in zip(FROM_X, FROM_Z, strict=True))
        most = xp.maximum(xp.maximum(red, green), blue)
        least = xp.minimum(xp.minimum(red, green), blue)
        return xp.maximum(most + (y - 1), -y - least)

    held = xp.zeros_like(y)
    still = None  # which of `held` are worked on: None for all
    # The bracket: its end that stays, and the newest point.
    old, new = xp.zeros_like(y), xp.ones_like(y)
    old_value, new_value = xp.clip(xp.maximum(y - 1, -y), None, 0), beyond(new)
    for _ in range(_STEPS):
        point = new - new_value * ((new - old) / (new_value - old_value))
        value = beyond(point)
        far = abs(value) > tolerance
        if still is None:
            held = point
        else:
            held[still] = point
        (at,) = xp.where(far)
        if len(at) == 0:
            return held
        # An end that stays for a second time counts for less, so that the next point falls nearer to it.
        share = 1 - value / new_value
        less = old_value * xp.where(share > 0, share, 0.5)
        crossed = (value > 0) != (new_value > 0)
        old, old_value = xp.where(crossed, new, old), xp.where(crossed, new_value, less)
        new, new_value = point, value
        if len(at) < len(point):
            still = at if still is None else still[at]
            state = (fy, y, dx, dz, old, old_value, new, new_value)
            fy, y, dx, dz, old, old_value, new, new_value = (part[at] for part in state)
    held[still] = xp.minimum(old, new)
    return held


def _cube(f: Array) -> Array:
    """X/Xn from f(X/Xn): the cube, and under the knee its tangent."""
    over = namespace(f).clip(f, KNEE, None)
    return over * over * over + (3 * KNEE**2) * (f - over)
