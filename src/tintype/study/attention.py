"""Who looks and who guesses: how many catch trials somebody must catch to count.

In a catch trial one picture has the colours of another photograph, which whoever looks sees at once, nearly always.
Somebody who guesses catches half of them by chance. The least number to be caught is chosen so that a guesser reaches
it with a probability of at most PASS.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

PASS = 0.05
"""A guesser counts as somebody who looks with at most this probability."""

ENOUGH = 8
"""Catch trials that a study has by default, where a quarter of its trials are so many."""

LEAST = next(n for n in range(1, 99) if 0.5**n <= PASS)
"""With fewer catch trials, a guesser catches all of them too often: 0.5^4 is 6 %."""

HASTE = 0.3
"""Seconds after the pictures are gone within which nobody answers what they have seen only then."""


def tail(least: int, asked: int, chance: float = 0.5) -> float:
    """The probability to catch `least` or more of `asked` catch trials, each with probability `chance`."""
    return sum(math.comb(asked, n) * chance**n * (1 - chance) ** (asked - n) for n in range(max(least, 0), asked + 1))


def needed(asked: int) -> int:
    """How many of `asked` catch trials must be caught; all of them where LEAST are not reached."""
    return next((n for n in range(asked + 1) if tail(n, asked) <= PASS), asked)


def catches(trials: int) -> int:
    """Catch trials among so many, by default: a tenth, at least ENOUGH, and never more than a quarter."""
    return min(max(ENOUGH, round(trials / 10)), trials // 4)


def attentive(caught: NDArray[np.int_], asked: NDArray[np.int_], least: float | None = None) -> NDArray[np.bool_]:
    """Who counts as attentive.

    Args:
        caught, asked: int [n], catch trials of each person.
        least: the share of those asked that must be caught; None: `needed`.
    Returns:
        bool [n]; True where nothing was asked.
    """
    if least is not None:
        return caught >= least * asked
    table = np.array([needed(n) for n in range(int(asked.max(initial=0)) + 1)])
    enough: NDArray[np.bool_] = caught >= table[asked]
    return enough
