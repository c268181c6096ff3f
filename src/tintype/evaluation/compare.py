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
from typing import Any

import numpy as np

from tintype.errors import DataError, OptionError
from tintype.evaluation.bootstrap import Resampled, interval
from tintype.evaluation.protocol import Protocol, differences
from tintype.evaluation.report import METRICS
from tintype.evaluation.results import TRUTH, Run

RANKED = tuple(metric for metric in METRICS if metric != "fid")
"""Metrics that can be ranked by. FID depends on how many different photographs there are: redrawing raises it."""

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

    def to_json(self) -> dict[str, Any]:
        """For `json.dumps`; what is infinite is None."""
        found = {"runs": self.runs, "photographs": len(self.protocol.photographs), "only": self.only}
        found |= {name: getattr(self.protocol, name) for name in ("source", "side", "crop", "gray")}
        found["rankings"] = [{"better": METRICS[r.metric].better} | asdict(r) for r in self.rankings]
        return _finite(found)


def compare(runs: Sequence[Run], metrics: Sequence[str], only: Sequence[str] = ()) -> Comparison:
    """Rank the models of runs that share one protocol.

    A label that two runs have stands once where all that was measured is the same, as of the baselines; otherwise each
    has the name of its run before it.

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
    joined = _Joined(runs, only)
    figures = Resampled(joined)
    return Comparison(
        runs=tuple(joined.names.values()),
        protocol=joined.protocol,
        only=tuple(only),
        rankings=tuple(rank(figures, metric, joined.models) for metric in metrics),
    )


def rank(figures: Resampled, metric: str, models: Sequence[str]) -> Ranking:
    """Models by one metric.

    Raises:
        DataError: it was not measured of any of them.
    """
    found = {}
    for model in models:
        try:
            figure = figures.figure(metric, model)
        except DataError:
            continue
        if not np.isnan(figure[0]):
            found[model] = figure
    if not found:
        raise DataError(f"{metric} was not measured for any model here: evaluate with what it needs, or leave it out")
    truth = METRICS[metric].better == "truth"
    # Colourfulness that is nearest to the truth's is that of the smallest |dCF|.
    gap = metric.replace("colorfulness", "dcf") if truth else metric

    def better_by(first: str, second: str) -> np.ndarray:
        """[1 + samples]"""
        if truth or METRICS[metric].better == "zero":
            return np.abs(figures.figure(gap, second)) - np.abs(figures.figure(gap, first))
        ours, theirs = (first, second) if METRICS[metric].better == "more" else (second, first)
        return figures.difference(metric, ours, theirs)

    def cost(model: str) -> float:
        value = float(figures.figure(gap, model)[0])
        return {"more": -value, "less": value}.get(METRICS[metric].better, abs(value))

    order = sorted(found, key=cost)
    pairs = list(combinations(order, 2))
    apart = np.array([better_by(*pair) for pair in pairs]).reshape(len(pairs), len(figures.weights))
    return Ranking(
        metric=metric,
        places=tuple(_place(model, found[model]) for model in order),
        truth=_place(TRUTH, figures.figure(metric, TRUTH)) if truth else None,
        pairs=tuple(_difference(pair, values, p) for pair, values, p in zip(pairs, apart, chances(apart), strict=True)),
        without=tuple(model for model in models if model not in found),
    )


def chances(differences: np.ndarray) -> np.ndarray:
    """How often the largest of some differences would be as large as each, if there were none; [pairs].

    Args:
        differences: on the set and on redrawings of it, [pairs, 1 + samples]; what does not vary is told nothing of, 1.
    """
    centre, drawn = differences[:, :1], differences[:, 1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = drawn.std(axis=1, keepdims=True)
        usable = (np.isfinite(spread) & (spread > 1e-9 * np.abs(centre)))[:, 0]
        largest = (np.abs(drawn - centre) / spread)[usable].max(axis=0, initial=0)
        found = np.abs(centre / spread)
    beyond = (largest >= np.where(usable[:, None], found, 0)).sum(axis=1)
    return (1 + beyond) / differences.shape[1]


def _place(model: str, figure: np.ndarray) -> Place:
    return Place(model, float(figure[0]), *interval(figure))


def _difference(pair: tuple[str, str], values: np.ndarray, p: float) -> Difference:
    low, high = interval(values)
    return Difference(*pair, float(values[0]), low, high, float(p), bool(p <= LEVEL and not low <= 0 <= high))


class _Joined:
    """The models of several runs on the photographs that are chosen, with what `Resampled` asks of a run."""

    def __init__(self, runs: Sequence[Run], only: Sequence[str]):
        self.protocol = _shared(runs, only)
        self.photos = tuple(photograph.name for photograph in self.protocol.photographs)
        self.names = _names(runs)
        self._rows = {run: [run.photos.index(photo) for photo in self.photos] for run in runs}
        self._places = {TRUTH: (runs[0], TRUTH)}
        for label in dict.fromkeys(label for run in runs for label in run.models):
            apart: list[Run] = []
            for run in runs:
                if label in run.models and not any(self._same(label, run, other) for other in apart):
                    apart.append(run)
            for run in apart:
                name = label if len(apart) == 1 else f"{self.names[run]}/{label}"
                self._places[name] = (run, label)
        self.models = tuple(label for label in self._places if label != TRUTH)

    def _same(self, label: str, run: Run, other: Run) -> bool:
        """Whether two runs measured the same of a model, and so of the same predictions."""
        return all(
            np.array_equal(*(own.values(label, metric)[self._rows[own]] for own in (run, other)), equal_nan=True)
            for metric in set(run.metrics(label)) & set(other.metrics(label))
        )

    def values(self, model: str, metric: str) -> np.ndarray:
        run, label = self._places[model]
        return run.values(label, metric)[self._rows[run]]

    def areas(self, model: str) -> np.ndarray:
        run, label = self._places[model]
        return run.areas(label)[self._rows[run]]

    @property
    def pixels(self) -> np.ndarray:
        run, _ = self._places[TRUTH]
        return run.pixels[self._rows[run]]


def _shared(runs: Sequence[Run], only: Sequence[str]) -> Protocol:
    """The first run's protocol, which the others have too, with the photographs that are chosen.

    Raises:
        OptionError: there is no such photograph. DataError: the runs differ in more than their models.
    """
    first = runs[0]
    for start in only:
        if not any(photo.startswith(start) for photo in first.photos):
            called = ", ".join(first.photos[:3])
            raise OptionError(
                f"No photograph of {first.folder} has a name that begins with {start}: they are called {called} ..."
            )
    chosen = [
        replace(
            run.protocol,
            photographs=tuple(p for p in run.protocol.photographs if not only or p.name.startswith(tuple(only))),
        )
        for run in runs
    ]
    for run, protocol in zip(runs[1:], chosen[1:], strict=True):
        names = [{photograph.name for photograph in part.photographs} for part in (chosen[0], protocol)]
        if not names[0] & names[1]:
            raise DataError(
                f"{first.folder} and {run.folder} have no photograph in common: evaluate both on the same photographs"
            )
        if apart := differences(chosen[0], protocol):
            raise DataError(
                f"{first.folder} and {run.folder} cannot be ranked together, because their protocols differ in "
                f"{', '.join(apart)}: evaluate both in the same way"
            )
    return chosen[0]


def _names(runs: Sequence[Run]) -> dict[Run, str]:
    """What the runs are called: their folders, with the path where two would be called the same."""
    names = [run.folder.resolve().name for run in runs]
    return {run: name if names.count(name) == 1 else str(run.folder) for run, name in zip(runs, names, strict=True)}


def _finite(values: Any) -> Any:
    """The same with None for what JSON has no number for."""
    if isinstance(values, dict):
        return {key: _finite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and not np.isfinite(values) else values
