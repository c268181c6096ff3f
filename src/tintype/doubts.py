"""The places of a photograph whose colours a model doubts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tintype.distribution import Distribution
from tintype.hints import Hint
from tintype.parts import Parts


@dataclass(frozen=True)
class Doubt:
    """A place whose colours a model doubts."""

    x: float
    """Its middle in pixels of the upright photograph at full size, from the left edge, as that of a hint."""
    y: float
    """From the upper edge."""
    radius: float
    """Of a disc that lies inside, in pixels at full size."""
    deviation: float
    """The root of the expected squared distance from the mean colour, in a*b* units, as far as sRGB holds these colours
    at the lightness of the place."""


def doubtful(found: Distribution, hints: Sequence[Hint] = ()) -> list[Doubt]:
    """One place in each thing that no hint lies on, most doubtful first; slivers have none."""
    parts = Parts.of(found)
    done = set[int]().union(*(parts.thing(part) for part in parts.under(hints)))
    result = []
    for part in np.argsort(-parts.deviations, kind="stable").tolist():
        if part not in done and (discs := parts.discs(part, 1)):
            result.append(Doubt(*discs[0], float(parts.deviations[part])))
            done |= parts.thing(part)
    return result
