"""Models of one or more runs, ranked by each metric; the differences between them, and which of these are real.

A difference is paired: both models on the same redrawings of the photographs. To look at many pairs and to take the
largest difference for real would be wrong in more than one case of twenty. So all pairs of models are judged together,
by the largest studentised difference among them (Westfall and Young 1993, single-step max-T): where no model differs
from any other, one case of twenty has a pair that is called real. That takes into account how the models go together,
which Holm's correction does not; and Holm's needs 17 400 redrawings to call any of 435 pairs real, those of 30 models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations

import numpy as np

from tintype.errors import DataError, OptionError
from tintype.evaluation.bootstrap import Resampled, interval
from tintype.evaluation.figures import METRICS, Floats
from tintype.evaluation.joined import Joined
from tintype.evaluation.protocol import TRUTH, Protocol
from tintype.evaluation.results import Run

RANKED = tuple(name for name, metric in METRICS.items() if metric.ranked)
"""Metrics that can be ranked by: not FID, which depends on how many different photographs there are, and not squared
errors, whose roots are."""

LEVEL = 0.05
"""How often at most a pair among all of a metric is called real when there is no difference."""

FEW = 30
"""Photographs below which the intervals are clearly too narrow."""


@dataclass(frozen=True)
class Place:
    """A model's figure, with its 95 % interval."""

    model: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """By how much the first model is better than the second, in the unit of the metric; below 0 it is worse."""

    first: str
    second: str
    better_by: float
    low: float
    high: float
    """The 95 % interval of this pair."""
    p: float
    """How often the largest difference of all pairs would be as large, in its standard errors, if there were none."""
    real: bool


@dataclass(frozen=True)
class Ranking:
    """The models by one metric."""

    metric: str
    places: tuple[Place, ...]
    """Best first."""
    truth: Place | None
    """The photographs' own figure, where the best is what is nearest to it."""
    pairs: tuple[Difference, ...]
    """Of all models, the better placed first."""
    without: tuple[str, ...]
    """Models that have no such figure."""

    def difference(self, model: str, other: str) -> Difference:
        """By how much a model is better than another."""
        for pair in self.pairs:
            if (pair.first, pair.second) == (model, other):
                return pair
            if (pair.first, pair.second) == (other, model):
                return replace(
                    pair, first=model, second=other, better_by=-pair.better_by, low=-pair.high, high=-pair.low
                )
        raise KeyError((model, other))


@dataclass(frozen=True)
class Comparison:
    """Models of some runs by some metrics."""

    runs: tuple[str, ...]
    protocol: Protocol
    """Of the first run, with the photographs that were chosen."""
    only: tuple[str, ...]
    """What the names of the chosen photographs begin with; empty: all were."""
    rankings: tuple[Ranking, ...]

    def to_json(self) -> dict[str, object]:
        """For `json.dumps`; what is infinite is None."""
        content = {"runs": self.runs, "photographs": len(self.protocol.photographs), "only": self.only}
        content |= {name: getattr(self.protocol, name) for name in ("source", "side", "crop", "gray")}
        content["rankings"] = [{"better": METRICS[r.metric].better} | asdict(r) for r in self.rankings]
        return {name: _finite(value) for name, value in content.items()}


def compare(runs: Sequence[Run], metrics: Sequence[str], only: Sequence[str] = ()) -> Comparison:
    """Rank the models of runs that share one protocol; see `Joined`.

    Args:
        metrics: some of RANKED.
        only: take the photographs whose names begin so.
    Raises:
        OptionError: there is no such metric, or no photograph of that name. DataError: the runs must not be ranked
        together, or a metric was not measured.
    """
    for metric in metrics:
        if metric not in RANKED:
            raise OptionError(f"No metric {metric} to rank by: choose from {', '.join(RANKED)}")
    joined = Joined(runs, only)
    figures = Resampled(joined)
    return Comparison(
        runs=joined.names,
        protocol=joined.protocol,
        only=tuple(only),
        rankings=tuple(rank(figures, metric, joined.models) for metric in metrics),
    )


def rank(figures: Resampled, metric: str, models: Sequence[str]) -> Ranking:
    """Models by one metric.

    Raises:
        DataError: it was not measured of any of them.
    """
    measured: dict[str, Floats] = {}
    for model in models:
        try:
            figure = figures.figure(metric, model)
        except DataError:
            continue
        if not np.isnan(figure[0]):
            measured[model] = figure
    if not measured:
        raise DataError(f"{metric} was not measured for any model here: evaluate with what it needs, or leave it out")
    record = METRICS[metric]
    truth = figures.figure(metric, TRUTH) if record.better == "truth" else None

    def loss(model: str) -> Floats:
        return record.loss(measured[model], 0.0 if truth is None else truth)

    def better_by(first: str, second: str) -> Floats:
        """[1 + samples]"""
        if record.better in ("zero", "truth"):
            return loss(second) - loss(first)
        ours, theirs = (first, second) if record.better == "more" else (second, first)
        return figures.difference(metric, ours, theirs)

    order = sorted(measured, key=lambda model: float(loss(model)[0]))
    pairs = list(combinations(order, 2))
    apart = np.array([better_by(*pair) for pair in pairs]).reshape(len(pairs), len(figures.weights))
    return Ranking(
        metric=metric,
        places=tuple(_place(model, measured[model]) for model in order),
        truth=None if truth is None else _place(TRUTH, truth),
        pairs=tuple(_difference(pair, values, p) for pair, values, p in zip(pairs, apart, chances(apart), strict=True)),
        without=tuple(model for model in models if model not in measured),
    )


def chances(differences: Floats) -> Floats:
    """How often the largest of some differences would be as large as each, if there were none; [pairs].

    Args:
        differences: on the set and on redrawings of it, [pairs, 1 + samples]; what does not vary is told nothing of, 1.
    """
    centre, drawn = differences[:, :1], differences[:, 1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = drawn.std(axis=1, keepdims=True)
        usable = (np.isfinite(spread) & (spread > 1e-9 * np.abs(centre)))[:, 0]
        largest = (np.abs(drawn - centre) / spread)[usable].max(axis=0, initial=0)
        errors = np.abs(centre / spread)
    beyond = (largest >= np.where(usable[:, None], errors, 0)).sum(axis=1)
    share: Floats = (1 + beyond) / differences.shape[1]
    return share


def _place(model: str, figure: Floats) -> Place:
    return Place(model, float(figure[0]), *interval(figure))


def _difference(pair: tuple[str, str], values: Floats, p: float) -> Difference:
    low, high = interval(values)
    return Difference(*pair, float(values[0]), low, high, float(p), bool(p <= LEVEL and not low <= 0 <= high))


def _finite(values: object) -> object:
    """The same with None for what JSON has no number for."""
    if isinstance(values, dict):
        return {key: _finite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and not np.isfinite(values) else values
