"""Ways of colouring as a report shows them: the truth, the baselines and the models of some runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tintype.errors import DataError
from tintype.evaluation.bootstrap import Resampled
from tintype.evaluation.figures import METRICS, Floats
from tintype.evaluation.joined import Joined
from tintype.evaluation.protocol import BASELINES, TRUTH


@dataclass(frozen=True, eq=False)
class Way:
    """A model of one of the runs, a baseline, or the truth."""

    label: str
    joined: Joined
    resampled: Resampled

    @property
    def settings(self) -> Mapping[str, object]:
        """What the protocol says of its file and settings."""
        return self.joined.settings(self.label)

    @property
    def own_label(self) -> str:
        """What it is called in its run."""
        return self.joined.own_label(self.label)

    @property
    def true(self) -> bool:
        """Whether it is the truth."""
        return self.own_label == TRUTH

    @property
    def knows(self) -> bool:
        """Whether it is neither a baseline nor the truth."""
        return self.own_label not in (TRUTH, *BASELINES)

    def has(self, column: str) -> bool:
        """Whether `values` has a column."""
        try:
            self.values(column)
        except DataError:
            return False
        return True

    def values(self, column: str) -> Floats:
        """What was measured of each photograph, [n, ...].

        Raises:
            DataError: it was not measured.
        """
        return self.joined.values(self.label, column)

    def figure(self, metric: str) -> Floats | None:
        """A metric of the set and of its redrawings, [1 + samples]; None: it was not measured or is not defined."""
        if self.true and not METRICS[metric].truth:
            return None
        try:
            figure = self.resampled.figure(metric, self.label)
        except DataError:
            return None
        return None if np.isnan(figure[0]) else figure

    def picture(self, photo: str) -> Path:
        """The file of a coloured photograph."""
        return self.joined.picture(self.label, photo)


def ways_of(joined: Joined) -> list[Way]:
    """The truth, the baselines, and the models."""
    resampled = Resampled(joined)
    baselines = [label for label in joined.models if joined.own_label(label) in BASELINES]
    models = [label for label in joined.models if label not in baselines]
    return [Way(label, joined, resampled) for label in (TRUTH, *baselines, *models)]


def pictured(ways: Iterable[Way]) -> list[Way]:
    """Gray, the models and the truth: what photographs are shown of, the truth last."""
    ways = list(ways)
    return [way for way in ways if way.own_label == "gray" or way.knows] + [way for way in ways if way.true]


def truth_of(ways: Sequence[Way]) -> Way:
    """The truth among some ways."""
    return next(way for way in ways if way.true)
