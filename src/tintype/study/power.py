"""How wide the interval of a study will be, before anybody is asked.

The model is that of the analysis. The log-odds of being fooled are the sum of a level, an effect of the person and one
of the photograph, both normal. The variance of the rate is then what people add, shared by their number, plus what
photographs add, shared by theirs, plus what is left of single answers, shared by theirs. From it the interval follows
as in `analysis.share`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tintype.errors import OptionError
from tintype.study.intervals import ENOUGH, student, wilson

MOST = 100_000
"""People at most that are thought of."""


@dataclass(frozen=True)
class Plan:
    """A study that is planned. Raises OptionError for settings that cannot be."""

    rate: float
    """Fooling rate of the whole population, 0 to 1."""
    trials: int
    """Trials of the test for each person, catch trials left out."""
    spread_people: float = 0.6
    """Standard deviation of people on the logit."""
    spread_photographs: float = 0.6

    def __post_init__(self) -> None:
        for holds, option, how in (
            (0 < self.rate < 1, "--rate", "between 0 and 100 percent"),
            (1 <= self.trials <= 10_000, "--trials", "from 1 to 10000"),
            (0 <= self.spread_people <= 5, "--spread-people", "from 0 to 5"),
            (0 <= self.spread_photographs <= 5, "--spread-photographs", "from 0 to 5"),
        ):
            if not holds:
                raise OptionError(f"{option} must be {how}")

    @cached_property
    def parts(self) -> tuple[float, float, float]:
        """The variance of an answer, 0 to 0.25, in parts: between people, between photographs, and the rest."""
        effect, weight = np.polynomial.hermite_e.hermegauss(41)
        weight = weight / weight.sum()
        people, photographs = effect[:, None] * self.spread_people, effect[None] * self.spread_photographs

        def chances(level: float) -> np.ndarray:
            return 1 / (1 + np.exp(-(level + people + photographs)))

        low, high = -30.0, 30.0
        for _ in range(60):
            level = (low + high) / 2
            mean = weight @ chances(level) @ weight
            low, high = (level, high) if mean < self.rate else (low, level)
        chance = chances(level)
        between = [float(weight @ (means - self.rate) ** 2) for means in (chance @ weight, weight @ chance)]
        return between[0], between[1], self.rate * (1 - self.rate) - sum(between)

    def interval(self, people: int, photographs: int) -> tuple[float, float]:
        """The 95 % interval to be expected, 0 to 1, where the rate comes out as `rate`.

        Raises:
            OptionError: too few people or photographs for any interval.
        """
        for option, count, least in (
            ("--people", people, ENOUGH["people"]),
            ("--photographs", photographs, max(ENOUGH["photographs"], self.trials)),
        ):
            if count < least:
                raise OptionError(f"{option} must be at least {least}, not {count}")
        answers = people * self.trials
        seen = min(photographs, answers)
        variance = self.parts[0] / people + self.parts[1] / seen + self.parts[2] / answers
        effective = self.rate * (1 - self.rate) / variance
        return wilson(self.rate, effective, student(min(people, seen) - 1))

    def width(self, people: int, photographs: int) -> float:
        """Of the interval, 0 to 1."""
        low, high = self.interval(people, photographs)
        return high - low


def people_for(plan: Plan, width: float, photographs: int) -> int | None:
    """The fewest people whose interval is at most so wide, 0 to 1; None where no number of them is enough.

    Raises:
        OptionError: a width that cannot be, or fewer photographs than a person sees.
    """
    if not 0 < width < 1:
        raise OptionError("--width must be between 0 and 100 points")
    low, high = ENOUGH["people"], MOST
    if plan.width(low, photographs) <= width:
        return low
    if plan.width(high, photographs) > width:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if plan.width(middle, photographs) <= width else (middle, high)
    return high
