"""The answers to a study that were collected, read out of its file while a server may be writing it."""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tintype.errors import StudyError
from tintype.study.design import Study


@dataclass(frozen=True, eq=False)
class Answers:
    """What was answered, in the order of participants and trials. Of people [p], of answers [n]."""

    digest: str
    """Of the study that was asked."""
    methods: NDArray[np.str_]
    """[p] what each person met, str."""
    finished: NDArray[np.bool_]
    """[p] whether a person came to the end."""
    missed: NDArray[np.float64]
    """[p] plates of the colour-vision check that were not read; NaN where it was not made."""
    person: NDArray[np.int_]
    """[n] index into the people."""
    number: NDArray[np.int_]
    """[n] of the trial."""
    kind: NDArray[np.str_]
    """[n] practice, test or catch."""
    photograph: NDArray[np.int_]
    """[n] index into the study's."""
    method: NDArray[np.str_]
    """[n] whose colours were shown, str."""
    left: NDArray[np.bool_]
    """[n] whether the left picture was taken for the machine's."""
    fooled: NDArray[np.bool_]
    """[n] whether the photograph's own colours were taken for the machine's."""
    exposure: NDArray[np.float64]
    """[n] how long the pictures were seen, in seconds; NaN: not known."""
    refresh: NDArray[np.float64]
    """[n] frames a second; NaN: not known."""
    reaction: NDArray[np.float64]
    """[n] seconds from the end of the exposure to the answer; NaN: not known."""


def read_answers(path: str | os.PathLike[str]) -> Answers:
    """The answers in a file, which a server may be writing at the same time.

    Raises:
        StudyError: there is none, or it is something else.
    """
    with _opened(path) as connection:
        digests = connection.execute("SELECT digest FROM study").fetchall()
        people = connection.execute("SELECT id, method, seen, finished FROM participants ORDER BY id").fetchall()
        rows = connection.execute(
            "SELECT participant, number, kind, photograph, method, chosen_left, correct, exposure_ms, refresh_hz, "
            "reaction_ms FROM answers JOIN trials USING (participant, number) ORDER BY participant, number"
        ).fetchall()
        identities, methods, seen, finished = zip(*people, strict=True) if people else ((),) * 4
        columns = list(zip(*rows, strict=True)) if rows else [()] * 10
        return Answers(
            digest=digests[0][0],
            methods=np.array(methods, str),
            finished=np.array([at is not None for at in finished], bool),
            missed=np.array([_missed(plates) for plates in seen], float),
            person=np.searchsorted(np.array(identities, int), np.array(columns[0], int)),
            number=np.array(columns[1], int),
            kind=np.array(columns[2], str),
            photograph=np.array(columns[3], int),
            method=np.array(columns[4], str),
            left=np.array(columns[5], bool),
            fooled=~np.array(columns[6], bool),
            exposure=np.array(columns[7], float) / 1000,
            refresh=np.array(columns[8], float),
            reaction=np.array(columns[9], float) / 1000,
        )


def read_rows(study: Study, path: str | os.PathLike[str], columns: Iterable[str]) -> list[tuple[Any, ...]]:
    """Some columns of all answers in a file, in the order of participants and trials.

    Raises:
        StudyError: there is none, or it is something else, or these are answers to another study.
    """
    columns = list(columns)
    with _opened(path) as connection:
        check_ours(study, connection.execute("SELECT digest FROM study").fetchall()[0][0])
        known = {row[1] for row in connection.execute("PRAGMA table_info(participants)")}
        # Files of the first version do not know it.
        columns = ["NULL" if column == "recruited" and column not in known else column for column in columns]
        return connection.execute(
            f"SELECT {', '.join(columns)} FROM answers JOIN trials USING (participant, number) "
            "JOIN participants ON participants.id = participant ORDER BY participant, number"
        ).fetchall()


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[sqlite3.Connection]:
    """A file of answers as of one moment; StudyError for what is none."""
    path = Path(path)
    if not path.is_file():
        raise StudyError(f"{path} is not there: nothing has been answered; tintype study serve takes answers")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("BEGIN")
            yield connection
    except (sqlite3.Error, ValueError, TypeError, LookupError) as error:
        raise StudyError(f"{path} does not hold the answers to a study ({error})") from None


def check_ours(study: Study, digest: str) -> None:
    """Raises StudyError for answers to another study; digest: of the one that was asked."""
    if digest != study.digest:
        raise StudyError(
            f"The answers are not to the study in {study.folder}, or it was changed after it began: put back its files"
        )


def _missed(kept: str | None) -> float:
    """How many of the plates that were shown were not read, of the JSON in the file; NaN for none."""
    if kept is None:
        return math.nan
    plates = json.loads(kept)
    return float(plates["shown"] - plates["right"])
