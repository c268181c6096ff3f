"""How sure a share of answers is, over other people and other photographs.

People differ and photographs differ, and each answer comes from one of both. Had other people seen other photographs,
both would have varied; so the answers of a person are not independent, nor are those to a photograph, and an interval
that takes them for coin tosses (the binomial one) is far too narrow.

The stated interval holds for other people and other photographs of the same kind. Its variance is that of sums over
people, plus that of sums over photographs, less that of single answers, which both contain (Cameron, Gelbach and Miller
2011, equation 2.11). From it follows how many independent answers would tell as much, and for so many Wilson's interval
(1927) is taken, with Student's t of as many degrees of freedom as there are people or photographs, whichever are fewer,
less one (Korn and Graubard 1998 do so for surveys). Beside it stands the crossed bootstrap: people and photographs are
both redrawn, an answer's weight being the product of both (Owen 2007; Owen and Eckles 2012), which are exponential as
in `evaluation.bootstrap`. It counts the chance of single answers more than once, so that it is too wide for many people
and, as all percentile intervals, too narrow for a handful.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
"""Of the bootstrap."""

ENOUGH = {"people": 5, "photographs": 5, "answers": 30}
"""Below any of these no share, difference or slope is stated: its interval would say nothing, or be wrong."""

Chosen = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int_]


@dataclass(frozen=True)
class Share:
    """A share of some answers, 0 to 1."""

    value: float
    answers: int
    people: int
    photographs: int
    error: float
    """Standard error over people and photographs; NaN where there is but one of either."""
    low: float
    high: float
    """The 95 % interval over people and photographs."""
    effective: float
    """Independent answers that would tell as much."""
    naive: tuple[float, float]
    """Wilson's interval (1927) as if all answers were independent."""
    redrawn: tuple[float, float] | None = None
    """The 95 % percentile interval of the crossed bootstrap, where it was made."""

    @property
    def lacking(self) -> str:
        """Why it is not stated, in the middle of a sentence; empty where it is."""
        return lacking(self.people, self.photographs, self.answers)


@dataclass(frozen=True)
class Estimate:
    """Anything else with its standard error and 95 % interval over people and photographs."""

    value: float
    error: float
    low: float
    high: float
    redrawn: tuple[float, float] | None = None
    lacking: str = ""
    """Why it is not stated, in the middle of a sentence; empty where it is."""


def lacking(people: int, photographs: int, answers: int) -> str:
    """What of ENOUGH is not there, such as `2 people of at least 5`; empty where nothing is missing."""
    counts = {"people": people, "photographs": photographs, "answers": answers}
    one = {"people": "person", "photographs": "photograph", "answers": "answer"}
    return ", ".join(
        f"{count} {one[what] if count == 1 else what} of at least {ENOUGH[what]}"
        for what, count in counts.items()
        if count < ENOUGH[what]
    )


def share(yes: Chosen, person: Indices, photograph: Indices) -> Share:
    """The share of some answers that say yes, with its interval over people and photographs.

    Args:
        yes: bool [n], n > 0. person, photograph: int [n], whose answers, and of what.
    """
    count, value = len(yes), float(np.mean(yes))
    variance, freedom = crossed_variance((yes - value) / count, person, photograph)
    # Answers that hang together tell less than independent ones, never more.
    least = value * (1 - value) / count
    effective = count * least / max(variance, least) if least else float(count)
    error = math.sqrt(max(variance, least))
    low, high = wilson(value, effective, student(freedom))
    if not freedom:
        error = effective = math.nan
    people, photographs = len(np.unique(person)), len(np.unique(photograph))
    return Share(
        value, count, people, photographs, error, low, high, effective, wilson(value, count, student(math.inf))
    )


@cache
def student(freedom: float) -> float:
    """The 97.5 % quantile of Student's t; NaN for no degree of freedom."""
    if freedom == 0:
        return math.nan
    if freedom > 1e4:
        return 1.959964
    # With t = sqrt(freedom) tan(angle) the density is a power of the cosine.
    angle = np.linspace(0, math.pi / 2, 20001)
    density = np.cos(angle) ** (freedom - 1)
    below = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return float(math.sqrt(freedom) * np.tan(np.interp(0.95, below / below[-1], angle)))


def wilson(value: float, count: float, t: float) -> tuple[float, float]:
    """Wilson's interval (1927) of a share of `count` independent answers."""
    middle, room = value + t * t / (2 * count), t * math.sqrt(value * (1 - value) / count + (t / (2 * count)) ** 2)
    low, high = ((middle + sign * room) / (1 + t * t / count) for sign in (-1, 1))
    # Rounding must not put an end beyond 0 or 1; NaN stays.
    return max(low, 0.0), min(high, 1.0)


def crossed_variance(parts: Floats, person: Indices, photograph: Indices) -> tuple[float, int]:
    """Of the sum of `parts` [n] over other people and photographs, and its degrees of freedom; those are 0 where there
    is but one person or photograph, of which nothing can be learned."""
    variance, fewest = -float((parts**2).sum()), len(parts)
    for place in (person, photograph):
        _, group = np.unique(place, return_inverse=True)
        sums = np.bincount(group, parts)
        fewest = min(fewest, len(sums))
        variance += float((sums**2).sum()) * len(sums) / max(len(sums) - 1, 1)
    return variance, fewest - 1


def estimate(value: float, variance: float, freedom: float) -> Estimate:
    """A figure with its interval, from its variance and the degrees of freedom of that; NaN where those are 0."""
    error = math.sqrt(variance) if freedom else math.nan
    room = student(freedom) * error
    return Estimate(value, error, value - room, value + room)


class Redrawn:
    """Redrawings of people and photographs, the same for all methods, so that differences are of the same draws."""

    def __init__(self, people: int, photographs: int, draws: int, seed: int):
        random = np.random.default_rng(seed)
        self.people = random.exponential(size=(draws, people)).astype(np.float32)
        self.photographs = random.exponential(size=(draws, photographs)).astype(np.float32)

    def share(self, yes: Chosen, person: Indices, photograph: Indices) -> NDArray[np.float32]:
        """The share of some answers that say yes in each redrawing, [draws]; the answers as in `share`."""
        return self._sums(person[yes], photograph[yes]) / self._sums(person, photograph)

    def _sums(self, person: Indices, photograph: Indices) -> NDArray[np.float32]:
        """The weight of some answers together in each redrawing, [draws]."""
        table = np.zeros((self.people.shape[1], self.photographs.shape[1]), np.float32)
        np.add.at(table, (person, photograph), 1)
        weights: NDArray[np.float32] = ((self.people @ table) * self.photographs).sum(axis=1)
        return weights


def middle(draws: Floats) -> tuple[float, float]:
    """The 95 % percentile interval of redrawn figures [draws]."""
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)
