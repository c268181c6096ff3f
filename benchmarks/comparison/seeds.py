"""The same methods trained again with another seed, and their figures over all seeds that there are.

The folder of a comparison holds one folder for each seed: ROOT/seed-K with runs/NAME (what `tintype train` wrote),
models/NAME.onnx (what `export` made of it) and figures (what `measure` made of that).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.comparison.bootstrap import Resampled, over_seeds
from benchmarks.comparison.measure import BASELINES
from tintype.errors import DataError
from tintype.evaluation import bootstrap
from tintype.evaluation.bootstrap import interval
from tintype.evaluation.protocol import TRUTH
from tintype.plots.curves import Log, read_log

ROOT = Path("runs/comparison")
RUNS, MODELS, FIGURES = "runs", "models", "figures"
ENOUGH = 3
"""Seeds without which nothing is decided."""


def folders(root: Path) -> dict[int, Path]:
    """The folders of the seeds of a comparison, by their numbers.

    Raises:
        DataError: it has none.
    """
    found = {}
    for path in root.glob("seed-*"):
        number = path.name.removeprefix("seed-")
        if number.isdigit() and path.is_dir():
            found[int(number)] = path
    if not found:
        raise DataError(f"{root} has no folder seed-1: run `python -m benchmarks.comparison train -o {root}` first")
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Seed:
    """All methods trained with one seed."""

    number: int
    figures: Resampled
    logs: dict[str, Log]
    """Those of the methods whose runs are there."""

    def methods(self) -> list[str]:
        """The ways that are models at their own temperature."""
        return [label for label in self.figures.ways if label not in (TRUTH, *BASELINES) and " T=" not in label]

    def holds(self, labels: Collection[str]) -> bool:
        return all(label in self.figures.ways for label in labels)


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval, over photographs and, where there is more than one, over seeds."""

    value: float
    low: float
    high: float
    seeds: int
    by_seed: tuple[float, ...]
    """Its value with each seed."""

    @classmethod
    def of(cls, figures: Sequence[np.ndarray]) -> Figure:
        """That of each seed's [1 + samples]."""
        figure = over_seeds(figures)
        low, high = interval(figure)
        return cls(float(figure[0]), low, high, len(figures), tuple(float(each[0]) for each in figures))

    @property
    def side(self) -> int:
        """+1 or -1: on which side of 0 the whole interval lies; 0: it holds 0."""
        return int(self.low > 0) - int(self.high < 0)

    def text(self, form: Callable[[float], str]) -> str:
        return f"{form(self.value)} [{form(self.low)}, {form(self.high)}]"


class Comparison:
    """What was measured of all seeds.

    Raises:
        DataError: nothing was.
    """

    def __init__(self, seeds: Sequence[Seed]):
        if not seeds:
            raise DataError("nothing was measured yet: run `python -m benchmarks.comparison measure` first")
        self.seeds = tuple(seeds)

    @property
    def labels(self) -> list[str]:
        """All ways of colouring that at least one seed has, in the order of the first."""
        return list(dict.fromkeys(label for seed in self.seeds for label in seed.figures.ways))

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(label for seed in self.seeds for label in seed.methods()))

    def holding(self, labels: Collection[str]) -> list[Seed]:
        """The seeds that have all these ways of colouring."""
        return [seed for seed in self.seeds if seed.holds(labels)]

    def figure(self, metric: str, label: str) -> Figure:
        return Figure.of([seed.figures.figure(metric, label) for seed in self.holding([label])])

    def difference(self, metric: str, first: str, second: str) -> Figure:
        """First - second, over the seeds that have both."""
        return Figure.of([seed.figures.difference(metric, first, second) for seed in self.holding([first, second])])


def read(root: Path, samples: int = bootstrap.SAMPLES) -> Comparison:
    """What was measured in the folder of a comparison.

    Raises:
        DataError: nothing was, or the seeds were not measured on the same photographs.
    """
    seeds = []
    for number, folder in folders(root).items():
        if not any((folder / FIGURES).glob("*.npz")):
            continue
        figures = Resampled(folder / FIGURES, samples)
        seed = Seed(number, figures, {})
        seeds.append(Seed(number, figures, logs(folder / RUNS, seed.methods())))
        if list(seeds[0].figures.measured.photos) != list(figures.measured.photos):
            raise DataError(f"{folder} was measured on other photographs than {root}/seed-{seeds[0].number}")
    return Comparison(seeds)


def logs(runs: Path, labels: Sequence[str]) -> dict[str, Log]:
    """The logs of those methods whose runs are there."""
    return {label: read_log(runs / label) for label in labels if (runs / label / "log.jsonl").is_file()}
