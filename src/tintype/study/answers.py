"""The answers to a study, in one SQLite file. Whoever is told that an answer was taken can rely on it: by then it is on
disk, so that a server that is killed loses none."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from tintype.errors import StudyError
from tintype.study.design import Trial

SCHEMA = """
CREATE TABLE IF NOT EXISTS study (digest TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS server (next INTEGER NOT NULL, secret BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS participants (
    id INTEGER PRIMARY KEY, code TEXT UNIQUE NOT NULL, method TEXT NOT NULL, seen TEXT,
    begun REAL NOT NULL, finished REAL, recruited TEXT
);
CREATE TABLE IF NOT EXISTS trials (
    participant INTEGER NOT NULL REFERENCES participants ON DELETE CASCADE,
    number INTEGER NOT NULL, kind TEXT NOT NULL, photograph INTEGER NOT NULL, method TEXT NOT NULL,
    machine_left INTEGER NOT NULL, served REAL,
    PRIMARY KEY (participant, number)
);
CREATE TABLE IF NOT EXISTS answers (
    participant INTEGER NOT NULL, number INTEGER NOT NULL, chosen_left INTEGER NOT NULL, correct INTEGER NOT NULL,
    exposure_ms REAL, refresh_hz REAL, reaction_ms REAL, input TEXT NOT NULL, answered REAL NOT NULL,
    PRIMARY KEY (participant, number),
    FOREIGN KEY (participant, number) REFERENCES trials ON DELETE CASCADE
);
"""
"""Times are seconds since 1970. `chosen_left` is which picture the person says has machine-made colour, `recruited` the
code by which a recruitment site knows a participant, `served` when both pictures of a trial had been sent.
`server.next` is the number of the next participant: it only grows, so that nobody gets the trials of somebody whose
data were deleted; `secret` signs the cookies."""

LATER = {"participants": "recruited TEXT", "trials": "served REAL"}
"""Columns that files of the first version lack."""

INPUTS = ("keyboard", "mouse", "touch")

PATIENCE = 10
"""Seconds that a reader or writer waits for another program that has the file."""

TRIAL = ("participant", "number", "kind", "photograph", "method", "machine_left")
"""What is written of a trial when a participant begins."""

Row = tuple[Any, ...]

Ask = Callable[..., list[Row]]
"""SQL and its values -> the rows."""

T = TypeVar("T")


class NotNow(StudyError):
    """An answer to another trial than the one that comes next."""


class Unknown(StudyError):
    """No participant has this code."""


class Taken(StudyError):
    """Somebody has begun with this code of a recruitment site already."""


@dataclass(frozen=True)
class Progress:
    """How far a participant is."""

    participant: int
    """From 0, in the order in which they began."""
    looked: bool
    """Whether the plates of the colour-vision check were answered."""
    answered: int
    """Trials so far, which is the number of the one that comes next."""
    trials: int

    @property
    def finished(self) -> bool:
        return self.answered == self.trials


@dataclass(frozen=True)
class Answer:
    """What a participant said of a trial, and how the page came by it."""

    number: int
    chosen_left: bool
    exposure_ms: float | None = None
    """Between the frames that showed and hid the pictures."""
    refresh_hz: float | None = None
    """Frames in a second, by the median of their distances."""
    reaction_ms: float | None = None
    """From the frame that hid the pictures."""
    input: str = INPUTS[0]
    """One of INPUTS."""


@dataclass(frozen=True)
class Score:
    """Test trials, without practice and catch trials, of one participant or of all."""

    people: int
    answers: int
    fooled: int
    """Answers that took the photograph's own colours for the machine's."""


class Store:
    """The answers in a file, for any number of threads."""

    def __init__(self, path: str | os.PathLike[str], digest: str):
        """Open the file, or make it.

        Args:
            digest: of the study.
        Raises:
            StudyError: the file holds something else, or the answers to another study, or cannot be written.
        """
        self.path = Path(path)
        try:
            # Nobody else on the machine need read the codes.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._writer, self._reader = self._connection(), self._connection()
            self._writing, self._reading = threading.Lock(), threading.Lock()
            self._jobs: deque[_Job] = deque()
            self._writer.executescript(SCHEMA)
            asked, self.secret = self._write(lambda ask: _prepare(ask, digest))
        except (OSError, sqlite3.Error) as error:
            raise StudyError(
                f"{self.path} cannot hold answers ({error}): check what it is, its permissions and the disk"
            ) from None
        if asked != [(digest,)]:
            raise StudyError(
                f"{self.path} holds the answers to another study, or this one was changed: put back the study that "
                "they belong to, or move them away"
            )

    def close(self) -> None:
        self._reader.close()
        self._writer.close()

    # ---- a participant

    def begin(self, plan: Callable[[int], tuple[str, Sequence[Trial]]], recruited: str | None = None) -> str:
        """Take in a participant; returns the code by which alone they are known here.

        Args:
            plan: from the participant's number to their method and trials.
            recruited: the code by which a recruitment site knows them.
        Raises:
            Taken: somebody has begun with that code already.
        """
        code = secrets.token_urlsafe(16)

        def write(ask: Ask) -> str:
            if recruited is not None and ask("SELECT 1 FROM participants WHERE recruited = ?", (recruited,)):
                raise Taken("Somebody has begun with this participant code already")
            [(participant,)] = ask("UPDATE server SET next = next + 1 RETURNING next - 1")
            method, trials = plan(participant)
            row = (participant, code, method, time.time(), recruited)
            ask("INSERT INTO participants (id, code, method, begun, recruited) VALUES (?, ?, ?, ?, ?)", row)
            for t in trials:
                values = (participant, t.number, t.kind, t.photograph, t.method, t.machine_left)
                ask(f"INSERT INTO trials ({', '.join(TRIAL)}) VALUES (?, ?, ?, ?, ?, ?)", values)
            return code

        return self._write(write)

    def progress(self, code: str) -> Progress:
        """Raises Unknown."""
        return _progress(self._read, code)

    def look(self, code: str, shown: int, right: int) -> None:
        """Keep how many plates of the colour-vision check were shown, and how many read; the first time counts.

        Raises Unknown.
        """
        seen = json.dumps({"shown": shown, "right": right})

        def write(ask: Ask) -> None:
            who = _progress(ask, code).participant
            ask("UPDATE participants SET seen = ? WHERE id = ? AND seen IS NULL", (seen, who))

        self._write(write)

    def trial(self, participant: int, number: int) -> Trial:
        """A trial of theirs, which must exist."""
        [(kind, photograph, method, left)] = self._read(
            "SELECT kind, photograph, method, machine_left FROM trials WHERE participant = ? AND number = ?",
            (participant, number),
        )
        return Trial(number, kind, photograph, method, bool(left))

    def serve(self, participant: int, number: int) -> None:
        """Keep that both pictures of a trial have been sent; the first time counts."""
        what = (time.time(), participant, number)
        sql = "UPDATE trials SET served = ? WHERE participant = ? AND number = ? AND served IS NULL"
        self._write(lambda ask: ask(sql, what))

    def served(self, participant: int, number: int) -> bool:
        """Whether both pictures of a trial have been sent; the trial must exist."""
        sql = "SELECT served IS NOT NULL FROM trials WHERE participant = ? AND number = ?"
        [(served,)] = self._read(sql, (participant, number))
        return bool(served)

    def recruited(self, code: str) -> str | None:
        """The code by which a recruitment site knows a participant, if one sent them. Raises Unknown."""
        participant = self.progress(code).participant
        [(recruited,)] = self._read("SELECT recruited FROM participants WHERE id = ?", (participant,))
        return None if recruited is None else str(recruited)

    def answer(self, code: str, answer: Answer, exposure: float | None = None) -> bool:
        """Keep an answer, on disk when this returns; to a trial that was answered before, the first one stands.

        Args:
            exposure: seconds that must have passed since both pictures were sent, and since the answer before this one;
                None: an answer to pictures that were not sent is taken, too.
        Returns:
            Whether the answer that stands is right.
        Raises:
            Unknown. NotNow: another trial comes next, or its pictures cannot have been seen yet.
        """

        def write(ask: Ask) -> bool:
            progress = _progress(ask, code)
            trial = (progress.participant, answer.number)
            if 0 <= answer.number < progress.answered:
                [(correct,)] = ask("SELECT correct FROM answers WHERE participant = ? AND number = ?", trial)
                return bool(correct)
            if progress.finished:
                raise NotNow("All trials are answered already")
            if answer.number != progress.answered:
                raise NotNow(f"Trial {answer.number + 1} cannot be answered now: {progress.answered + 1} comes next")
            sql = "SELECT machine_left, served FROM trials WHERE participant = ? AND number = ?"
            [(left, served)] = ask(sql, trial)
            correct, now = answer.chosen_left == bool(left), time.time()
            if exposure is not None:
                sql = "SELECT max(answered) FROM answers WHERE participant = ?"
                [(before,)] = ask(sql, (progress.participant,))
                # Not less than none: clocks are put back at times.
                if served is None or 0 <= now - max(served, before or 0) < exposure:
                    raise NotNow(f"The pictures of trial {answer.number + 1} cannot have been seen yet")
            measured = (answer.exposure_ms, answer.refresh_hz, answer.reaction_ms)
            row = (*trial, answer.chosen_left, correct, *measured, answer.input, now)
            ask("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            if answer.number + 1 == progress.trials:
                ask("UPDATE participants SET finished = ? WHERE id = ?", (now, progress.participant))
            return correct

        return self._write(write)

    def export(self, code: str, verdicts: bool = False) -> dict[str, Any]:
        """All that is kept of a participant.

        Args:
            verdicts: whether to tell which answers were right before all are given, too.
        Raises:
            Unknown.
        """
        participant = self.progress(code).participant
        [(seen, begun, finished, recruited)] = self._read(
            "SELECT seen, begun, finished, recruited FROM participants WHERE id = ?", (participant,)
        )
        keys = ("number", "chosen_left", "correct", "exposure_ms", "refresh_hz", "reaction_ms", "input", "answered")
        rows = self._read(
            f"SELECT {', '.join(keys)} FROM answers WHERE participant = ? ORDER BY number", (participant,)
        )
        answers = [dict(zip(keys, row, strict=True)) for row in rows]
        for answer in answers:
            answer["chosen_left"] = bool(answer["chosen_left"])
            answer["correct"] = bool(answer["correct"])
            if finished is None and not verdicts:
                del answer["correct"]
        return {
            "code": code,
            "colour_vision": None if seen is None else json.loads(seen),
            "begun": begun,
            "finished": finished,
            "participant_code": recruited,
            "answers": answers,
        }

    def delete(self, code: str) -> None:
        """Remove a participant with all that is kept of them, for good.

        Raises Unknown.
        """
        self._write(lambda ask: ask("DELETE FROM participants WHERE id = ?", (_progress(ask, code).participant,)))
        # The log of what was written still has it, until it is folded into the file.
        with self._writing, suppress(sqlite3.OperationalError):
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # ---- all of them

    def score(self, code: str | None = None) -> Score:
        """Of one participant, or of all."""
        [counts] = self._read(
            "SELECT count(DISTINCT participant), count(*), coalesce(sum(1 - correct), 0) "
            "FROM answers JOIN trials USING (participant, number) JOIN participants p ON p.id = participant "
            "WHERE kind = 'test' AND (? IS NULL OR p.code = ?)",
            (code, code),
        )
        return Score(*counts)

    def counts(self) -> dict[str, int]:
        """Participants that began and that finished, and answers to each kind of trial."""
        [(began, finished)] = self._read("SELECT count(*), count(finished) FROM participants")
        kinds = self._read("SELECT kind, count(*) FROM answers JOIN trials USING (participant, number) GROUP BY kind")
        return {"began": began, "finished": finished, "practice": 0, "test": 0, "catch": 0} | dict(kinds)

    # ---- the file

    def _connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        # A connection of its own: it need not wait for the disk, as a writer does.
        with self._reading:
            return self._reader.execute(sql, values).fetchall()

    def _write(self, work: Callable[[Ask], T]) -> T:
        """Do `work` as a whole or not at all, on disk when this returns what it returns, or raises what it raises.

        A disk takes as long for one change as for many: what comes while it is busy is then done together.
        """
        job = _Job(work)
        self._jobs.append(job)
        with self._writing:
            if not job.done:
                jobs = [self._jobs.popleft() for _ in range(len(self._jobs))]
                try:
                    self._together(jobs)
                except sqlite3.Error as error:
                    for one in jobs:
                        one.error = error
                    if self._writer.in_transaction:
                        self._writer.execute("ROLLBACK")
                for one in jobs:
                    one.done = True
        if job.error is not None:
            raise job.error
        return cast(T, job.result)

    def _together(self, jobs: Sequence[_Job]) -> None:
        ask = self._writer.execute
        ask("BEGIN IMMEDIATE")
        for job in jobs:
            ask("SAVEPOINT job")
            try:
                job.result = job.work(lambda sql, values=(): ask(sql, values).fetchall())
            except Exception as error:
                job.error = error
                ask("ROLLBACK TO job")
            ask("RELEASE job")
        ask("COMMIT")


@dataclass(eq=False)
class _Job:
    """A change that waits for its turn."""

    work: Callable[[Ask], Any]
    result: Any = None
    error: Exception | None = None
    done: bool = False


def _prepare(ask: Ask, digest: str) -> tuple[list[Row], bytes]:
    """Bring a file to this version; the rows of `study`, and what cookies are signed with."""
    for table, column in LATER.items():
        if column.split()[0] not in [row[1] for row in ask(f"PRAGMA table_info({table})")]:
            ask(f"ALTER TABLE {table} ADD COLUMN {column}")
    if not ask("SELECT next FROM server"):
        [(number,)] = ask("SELECT coalesce(max(id), -1) + 1 FROM participants")
        ask("INSERT INTO server VALUES (?, ?)", (number, secrets.token_bytes(32)))
    [(secret,)] = ask("SELECT secret FROM server")
    digests = ask("SELECT digest FROM study")
    return digests or ask("INSERT INTO study VALUES (?, ?) RETURNING digest", (digest, time.time())), secret


def _progress(ask: Ask, code: str) -> Progress:
    rows = ask(
        "SELECT id, seen IS NOT NULL, (SELECT count(*) FROM answers WHERE participant = id), "
        "(SELECT count(*) FROM trials WHERE participant = id) FROM participants WHERE code = ?",
        (code,),
    )
    if not rows:
        raise Unknown("Nothing is kept under this code: check it, or begin again")
    [(participant, looked, answered, trials)] = rows
    return Progress(participant, bool(looked), answered, trials)
