"""The quantised ab plane of Colorful Image Colorization (Zhang, Isola, Efros 2016): bins, codes, priors, decoding.

A table of bins is an array [Q, 2] of a*b* centres. `published_bins` gives the 313 of the paper.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from tintype.color.arrays import Array, constant, namespace
from tintype.color.lab import rgb_to_lab


def _table(name: str) -> NDArray[np.float64]:
    with files("tintype.color").joinpath("tables", name).open("rb") as file:
        table: NDArray[np.float64] = np.load(file, allow_pickle=False).astype(np.float64)
    table.setflags(write=False)
    return table


@cache
def published_bins() -> NDArray[np.float64]:
    """The 313 bin centres, float64 [313, 2], CIE a*b*, sorted by (a*, b*), grid step 10."""
    return _table("pts_in_hull.npy")


@cache
def published_prior() -> NDArray[np.float64]:
    """The ImageNet prior over the 313 bins, float64 [313], sums to 1. It is smoothed already: do not do it again."""
    return _table("prior_probs.npy")


@cache
def siggraph17_bins() -> NDArray[np.float64]:
    """All 23 x 23 grid points that SIGGRAPH17's side head tells apart, float64 [529, 2], sorted by (a*, b*)."""
    line = np.arange(-110.0, 111.0, 10.0)
    table = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    table.setflags(write=False)
    return table


def soft_encode(ab: Array, bins: Array | None = None, neighbours: int = 5, sigma: float = 5.0) -> tuple[Array, Array]:
    """Soft code of colours: the nearest bins, weighted by a Gaussian of their distance (section 2.1 of the paper).

    Args:
        ab: [..., 2], CIE a*b*.
        bins: [Q, 2]; the published 313 when None.
        neighbours: K. The paper's text says 5, its released code takes 10; 1 gives the one-hot code.
        sigma: of the Gaussian, in a*b* units.
    Returns:
        indices [..., K], nearest first, and weights [..., K] that sum to 1.
    Raises:
        ValueError: K is not within 1..Q, or the last axis does not hold a*, b*.
    """
    xp = namespace(ab)
    if ab.shape[-1] != 2:
        raise ValueError(f"the last axis must hold a* and b*, but the shape is {tuple(ab.shape)}")
    centres = constant(published_bins() if bins is None else bins, ab)
    if not 1 <= neighbours <= len(centres):
        raise ValueError(f"neighbours must lie within 1..{len(centres)}, not {neighbours}")
    flat = ab.reshape(-1, 2)
    parts = [
        _nearest(flat[start : start + _PIXELS], centres, neighbours) for start in range(0, max(len(flat), 1), _PIXELS)
    ]
    near, nearest = (xp.concatenate(part) for part in zip(*parts, strict=True))
    weight = xp.exp((nearest[:, :1] - nearest) / (2 * sigma**2))
    weight = weight / weight.sum(axis=-1, keepdims=True)
    shape = (*ab.shape[:-1], neighbours)
    return near.reshape(shape), weight.reshape(shape)


_PIXELS = 1 << 14
"""How many pixels are measured against all bins at once: a photograph's at once would take gigabytes."""


def _nearest(flat: Array, centres: Array, neighbours: int) -> tuple[Array, Array]:
    """Index and squared distance of the nearest centres of each pixel, both [n, K], nearest first."""
    a, b = flat[:, :1] - centres[:, 0], flat[:, 1:] - centres[:, 1]
    distance = a * a + b * b
    if namespace(flat) is not np:
        nearest, near = namespace(flat).topk(distance, neighbours, dim=-1, largest=False)
        return near, nearest
    # argpartition first: sorting all Q distances of every pixel would cost ten times as much.
    near = np.argpartition(distance, neighbours - 1, axis=-1)[:, :neighbours]
    nearest = np.take_along_axis(distance, near, axis=-1)
    order = np.argsort(nearest, axis=-1, kind="stable")
    return np.take_along_axis(near, order, -1), np.take_along_axis(nearest, order, -1)


def decode(indices: Array, weights: Array, bins: Array | None = None) -> Array:
    """The colour of a soft code: the weighted mean of its bin centres. [..., K] and [..., K] to [..., 2], a*b*."""
    centres = constant(published_bins() if bins is None else bins, weights)
    return (centres[indices] * weights[..., None]).sum(axis=-2)


def nearest_bin(ab: Array, bins: Array | None = None) -> Array:
    """Index of the nearest bin, [..., 2] to [...]."""
    return soft_encode(ab, bins, neighbours=1)[0][..., 0]


def count(ab: Array, bins: Array | None = None, neighbours: int = 5, sigma: float = 5.0) -> NDArray[np.float64]:
    """Soft histogram of colours, float64 [Q]: add these over a set, then divide by the sum once.

    Soft counting reaches bins that are the nearest to no colour of sRGB, which 52 of the 313 are.
    """
    table = published_bins() if bins is None else np.asarray(bins)
    index, weight = soft_encode(np.asarray(ab, np.float64), table, neighbours, sigma)
    # The weights are floats, and so are the counts.
    return np.bincount(index.reshape(-1), weight.reshape(-1), minlength=len(table)).astype(np.float64, copy=False)


def smooth(
    prior: NDArray[np.float64], sigma: float = 5.0, bins: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """A prior smoothed by a Gaussian in the ab plane (not over the bin index, which mixes unrelated hues).

    Args:
        prior: [Q], sums to 1.
        sigma: in a*b* units.
    Returns:
        float64 [Q], sums to 1.
    """
    table = published_bins() if bins is None else np.asarray(bins, np.float64)
    distance = ((table[:, None] - table[None]) ** 2).sum(axis=-1)
    kernel = np.exp(-distance / (2 * sigma**2))
    kernel /= kernel.sum(axis=0)
    smoothed: NDArray[np.float64] = kernel @ np.asarray(prior, np.float64)
    return smoothed


def rebalancing_weights(prior: NDArray[np.float64], uniform: float = 0.5) -> NDArray[np.float64]:
    """Class-rebalancing weights (equation 4): w = 1 / ((1 - l) p + l u), scaled so that sum(p w) = 1.

    Args:
        prior: p, [Q], not negative; u is uniform over the bins with p > 0.
        uniform: l in [0, 1]; 1 gives no rebalancing, 0 the inverse prior.
    Returns:
        float64 [Q]; a bin of prior 0 has weight 0.
    Raises:
        ValueError: the prior has no mass or a negative entry, or l is outside [0, 1].
    """
    p = np.asarray(prior, np.float64)
    if not (p.min() >= 0 and p.sum() > 0):
        raise ValueError("a prior must not be negative, and its sum must be above 0")
    if not 0 <= uniform <= 1:
        raise ValueError(f"the share of the uniform prior must lie in [0, 1], not {uniform}")
    p = p / p.sum()
    mixed = (1 - uniform) * p + uniform * (p > 0) / np.count_nonzero(p)
    weights: NDArray[np.float64] = np.divide(1.0, mixed, out=np.zeros_like(mixed), where=mixed > 0)
    weights /= (p * weights).sum()
    return weights


def annealed_mean(logits: Array, temperature: float, bins: Array | None = None, axis: int = 1) -> Array:
    """The annealed mean of a distribution over bins (equation 5): softmax(logits / T), then the expected colour.

    Args:
        logits: Q values along `axis`; log-probabilities give the same result.
        temperature: T in [0, 1]; 0 is the mode, 1 the mean. The paper takes 0.38.
    Returns:
        the shape of `logits` with 2 in place of Q: CIE a*b*.
    Raises:
        ValueError: T is negative, or Q is not the number of bins.
    """
    xp = namespace(logits)
    table = published_bins() if bins is None else bins
    if logits.shape[axis] != len(table):
        raise ValueError(f"{logits.shape[axis]} logits along axis {axis} do not fit {len(table)} bins")
    if temperature < 0:
        raise ValueError(f"a temperature cannot be negative: {temperature}")
    last = xp.moveaxis(logits, axis, -1)
    centres = constant(table, last)
    if temperature == 0:
        return xp.moveaxis(centres[xp.argmax(last, axis=-1)], -1, axis)
    scaled = (last - xp.amax(last, axis=-1, keepdims=True)) / temperature
    weight = xp.exp(scaled)
    return xp.moveaxis((weight @ centres) / weight.sum(axis=-1, keepdims=True), -1, axis)


def own_bins(ab: NDArray[np.floating], step: float = 10.0, share: float = 0.0) -> NDArray[np.float64]:
    """Bins for given colours: the points of a square grid that are nearest to more than `share` of them.

    Args:
        ab: [..., 2].
        step: of the grid, in a*b* units; the grid has a point at (0, 0).
    Returns:
        float64 [Q, 2], sorted by (a*, b*).
    """
    a, b = np.rint(np.asarray(ab).reshape(-1, 2) / step).astype(np.int64).T
    # Complex numbers sort by (a*, b*), many times faster than rows do.
    cells, counts = np.unique(a + 1j * b, return_counts=True)
    cells = cells[counts > share * counts.sum()]
    return np.stack([cells.real, cells.imag], axis=-1) * step


def srgb_bins(step: float = 10.0) -> NDArray[np.float64]:
    """The grid points nearest to some colour of sRGB, float64 [Q, 2]: 261 of them at step 10."""
    # Coarser codes miss corners of the gamut that only a few colours reach.
    codes = np.arange(0, 256, 3) / 255.0
    rgb = np.stack(np.meshgrid(codes, codes, codes, indexing="ij"), axis=-1)
    return own_bins(rgb_to_lab(rgb)[..., 1:], step)
