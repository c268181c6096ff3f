"""Several runs of one protocol as one: their models on the same photographs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tintype.errors import DataError, OptionError
from tintype.evaluation.figures import Floats
from tintype.evaluation.protocol import TRUTH, Protocol, differences
from tintype.evaluation.results import Run


class Joined:
    """The models of several runs on the photographs that are chosen; the truth, beside them, is the first run's.

    A label that two runs have stands once where all that was measured is the same, as of the baselines; otherwise each
    has the name of its run before it.

    Args:
        only: take the photographs whose names begin so; none: all.
        purpose: what the runs are joined for, as errors say it.
    Raises:
        OptionError: there is no such photograph. DataError: the runs differ in more than their models.
    """

    def __init__(self, runs: Sequence[Run], only: Sequence[str] = (), purpose: str = "ranked together"):
        self.protocol = _shared(runs, only, purpose)
        self.photos = tuple(photograph.name for photograph in self.protocol.photographs)
        self.sizes = tuple(photograph.height * photograph.width for photograph in self.protocol.photographs)
        folders = [run.folder.resolve().name for run in runs]
        self.names = tuple(
            name if folders.count(name) == 1 else str(run.folder) for run, name in zip(runs, folders, strict=True)
        )
        """What the runs are called: their folders, with the path where two would be called the same."""
        self._rows = {run: [run.photos.index(photo) for photo in self.photos] for run in runs}
        apart: list[tuple[Run, str]] = []
        for run in runs:
            for label in run.models:
                if not any(label == other and self._same(label, run, there) for there, other in apart):
                    apart.append((run, label))
        labels = [label for _, label in apart]
        called = dict(zip(runs, self.names, strict=True))
        self._places = {TRUTH: (runs[0], TRUTH)}
        for run, label in apart:
            self._places[label if labels.count(label) == 1 else f"{called[run]}/{label}"] = (run, label)
        self.models = tuple(label for label in self._places if label != TRUTH)

    def _same(self, label: str, run: Run, other: Run) -> bool:
        """Whether two runs measured the same of a model, and so of the same predictions."""
        return all(
            np.array_equal(self._chosen(run, label, metric), self._chosen(other, label, metric), equal_nan=True)
            for metric in set(run.metrics(label)) & set(other.metrics(label))
        )

    def _chosen(self, run: Run, label: str, column: str) -> Floats:
        return run.values(label, column)[self._rows[run]]

    def own_label(self, model: str) -> str:
        """What a model is called in its own run."""
        return self._places[model][1]

    def settings(self, model: str) -> dict[str, object]:
        """What the protocol of its run says of a model's file and settings."""
        run, label = self._places[model]
        return dict(run.protocol.models.get(label, {}))

    def picture(self, model: str, photo: str) -> Path:
        """The file of a coloured photograph; of TRUTH, the photograph itself."""
        run, label = self._places[model]
        return run.picture(label, photo)

    def values(self, model: str, column: str) -> Floats:
        """As `Run.values`.

        Raises:
            DataError: it was not measured.
        """
        run, label = self._places[model]
        return self._chosen(run, label, column)


def _shared(runs: Sequence[Run], only: Sequence[str], purpose: str) -> Protocol:
    """The first run's protocol, which the others have too, with the photographs that are chosen."""
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
                f"{first.folder} and {run.folder} cannot be {purpose}, because their protocols differ in "
                f"{', '.join(apart)}: evaluate both in the same way"
            )
    return chosen[0]
