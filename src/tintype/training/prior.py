"""How often colours occur in the photographs that a run trains on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tintype.color.bins import count, published_bins
from tintype.color.lab import rgb_to_lab
from tintype.data.shards import describe
from tintype.training.batches import AnyPhotographs
from tintype.training.config import ALL_TO_TRAIN, Config


def own_colours(photographs: AnyPhotographs, sample: int = 3000) -> Iterator[NDArray[np.float64]]:
    """a*b* of a thinned sample of photographs, float64 [pixels, 2] of each."""
    for i in range(0, len(photographs), max(1, len(photographs) // sample)):
        pixels = np.asarray(photographs[i])[2::8, 2::8].reshape(-1, 3) / 255
        yield rgb_to_lab(pixels)[:, 1:]


def own_prior(
    photographs: AnyPhotographs, bins: NDArray[np.float64] | None = None, sample: int = 3000
) -> NDArray[np.float64]:
    """The prior of a set over bins, soft-counted on a thinned sample of its photographs; float64 [Q], sum 1."""
    table = published_bins() if bins is None else bins
    counts = np.zeros(len(table))
    for ab in own_colours(photographs, sample):
        counts += count(ab, table)
    counts /= counts.sum()
    return counts


def prior_of(
    config: Config, photographs: AnyPhotographs, bins: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """The prior of the photographs to train on: the prepared set's, where all of it is trained on and the bins are the
    published ones, else their own.
    """
    data = config.data
    whole = data.train == ALL_TO_TRAIN and data.limit is None and not data.sources
    description = describe(data.folder) if whole else None
    if description and (bins is None or np.array_equal(bins, published_bins())):
        return np.array(description["prior"])
    return own_prior(photographs, bins)
