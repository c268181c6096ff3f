"""What sRGB can hold: chroma that it cannot is shrunk, lightness and hue stay.

Putting the source lightness under a predicted ab is not enough: where R, G or B leaves [0, 1], clipping moves the
lightness by several units. Here the colour walks towards the gray of its own lightness until sRGB holds it.
"""

import sys

import numpy as np

STEPS = 12
"""Bracketing steps; the chroma found is then within 1e-6 of the boundary, from inside."""

TOLERANCE = 2e-6
"""How far linear R, G, B may lie beyond [0, 1] and count as held: a hundredth of a 16-bit step at black."""

DELTA = 6 / 29

# Linear sRGB from X/Xn, Y/Yn, Z/Zn (D65 as the sum of the sRGB primaries). Each row sums to one, so that with the
# differences X - Y and Z - Y in place of X and Z a gray stays a gray to the last bit.
TO_LINEAR = (
    # X - Y,               Z - Y
    (3.0803990906794643, -0.5430159131093713),
    (-0.9212233588602767, 0.0452558573525563),
    (0.0528739389703645, 1.1511030199186123),
)


def fit_chroma(lab, axis=-1):
    """CIE L*a*b* -> the same lightness and hue with as much of the chroma as sRGB holds.

    lab: numpy or torch, floating point, the three planes along `axis`, L* 0..100.
    Returns the same shape and kind. Colours inside the gamut come back bit for bit; the others land on its boundary,
    never outside. In torch gradients pass as through a constant factor on ab.
    """
    if lab.shape[axis] != 3:
        raise ValueError(f"axis {axis} of a Lab array must have length 3, not shape {tuple(lab.shape)}")
    xp = sys.modules["torch"] if type(lab).__module__.startswith("torch") else np
    fixed = lab.detach() if xp is not np else lab
    lightness, a, b = xp.moveaxis(fixed, axis, 0)
    outside = overflow(lightness, a, b, xp) > TOLERANCE
    if not outside.any():
        return lab
    scale = xp.ones_like(fixed)
    planes = xp.moveaxis(scale, axis, 0)  # a view
    planes[1:, outside] = reach(lightness[outside], a[outside], b[outside], xp)
    return lab * scale


def overflow(lightness, a, b, xp=np):
    """How far the worst of linear R, G, B lies beyond [0, 1]; at most 0 inside the gamut."""
    fy = (lightness + 16) / 116
    x, y, z = _decode(fy + a / 500, xp), _decode(fy, xp), _decode(fy - b / 200, xp)
    x, z = x - y, z - y
    red, green, blue = (y + x * p + z * q for p, q in TO_LINEAR)
    most = xp.maximum(xp.maximum(red, green), blue) - 1
    least = xp.minimum(xp.minimum(red, green), blue)
    return xp.maximum(most, -least)


def reach(lightness, a, b, xp=np):
    """The part of the chroma, 0..1, that sRGB holds, for colours outside the gamut; same shape as `lightness`.

    Illinois variant of the false position on the way from gray (inside) to the colour (outside): every step keeps
    the bracket, the inner end is returned.
    """
    inner, outer = xp.zeros_like(lightness), xp.ones_like(lightness)
    low, high = overflow(lightness, a * 0, b * 0, xp), overflow(lightness, a, b, xp)
    kept = xp.zeros_like(lightness)  # -1: the inner end moved last, 1: the outer end
    for _ in range(STEPS):
        middle = inner + (outer - inner) * xp.clip(low / (low - high), 0.0, 1.0)
        value = overflow(lightness, a * middle, b * middle, xp)
        inside = value <= 0
        # An end that stays put twice has its value halved, so that the next step falls on its side.
        low = xp.where(inside, value, xp.where(kept == 1, low * 0.5, low))
        high = xp.where(inside, xp.where(kept == -1, high * 0.5, high), value)
        inner, outer = xp.where(inside, middle, inner), xp.where(inside, outer, middle)
        kept = xp.where(inside, -xp.ones_like(low), xp.ones_like(low))
    return inner


def _decode(f, xp):
    """The inverse of the CIE L*a*b* cube-root curve, with its straight toe."""
    toe = xp.clip(f, None, DELTA)
    knee = xp.clip(f, DELTA, None)
    return knee * knee * knee + (3 * DELTA**2) * (toe - DELTA)
