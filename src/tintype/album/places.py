"""The places of results from run to run: a photograph keeps the one it has, whatever comes beside it later."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tintype.album.ledger import Ledger
from tintype.album.tasks import Task, alike, with_own_suffix


class Places:
    """Gives each task of a run the output that its photograph has already.

    Where a result lies depends on what else is planned: that of a.bmp is a.png, or a.bmp.png beside that of an a.png.
    So a plan of other photographs, when new ones have come or patterns leave some out, may give a photograph another
    place than it has, or give it that of another one.

    tasks: all that are planned, as far as they are known before.
    """

    def __init__(self, ledger: Ledger, tasks: Iterable[Task]) -> None:
        self._ledger = ledger
        self._taken = {alike(task.output) for task in tasks if task.output is not None}

    def kept(self, task: Task) -> Task:
        """The task, with the place that its photograph has; else with one that no other photograph has."""
        if task.output is None or task.refusal is not None:
            return task
        there = self._ledger.of(task)
        if there is not None and self._ledger.is_of(there, task):
            return task
        for record in self._ledger.named(task):
            place = self._ledger.folder / record.output
            if record.state == "done" and _differ_in_number(place, task) and self._is_free(place):
                return self._moved(task, place)
        if there is None or there.state != "done" or not os.path.exists(self._ledger.input_of(there)):
            self._taken.add(alike(task.output))
            return task
        own = task.output
        if not own.name.startswith(task.input.name):
            own = with_own_suffix(task.input, task.output)
        place, number = own, 1
        while not self._is_free(place) or self._ledger.of(replace(task, output=place)) is not None:
            number += 1
            place = own.with_stem(f"{own.stem}-{number}")
        return self._moved(task, place)

    def _is_free(self, place: Path) -> bool:
        return alike(place) not in self._taken

    def _moved(self, task: Task, place: Path) -> Task:
        self._taken.add(alike(place))
        return replace(task, output=place)


def _differ_in_number(place: Path, task: Task) -> bool:
    """Whether a place is that of a task but for what keeps results apart: a number, or the suffix of the photograph."""
    output = task.output
    assert output is not None
    return _family(place, task.input) == _family(output, task.input)


def _family(place: Path, photo: Path) -> tuple[str, str, str]:
    added = place.stem.removeprefix(photo.name if place.stem.startswith(photo.name) else photo.stem)
    return os.path.normpath(place.parent), re.sub(r"-\d+$", "", added), place.suffix
