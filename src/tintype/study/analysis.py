"""What the answers to a study say: how often each method fooled people, and how sure that is.

People differ and photographs differ, and each answer comes from one of both. Had other people seen other photographs,
both would have varied; so the answers of a person are not independent, nor are those to a photograph, and an interval
that takes them for coin tosses (the binomial one) is far too narrow.

The stated interval holds for other people and other photographs of the same kind. Its variance is that of sums over
people, plus that of sums over photographs, less that of single answers, which both contain (Cameron, Gelbach and Miller
2011, equation 2.11). From it follows how many independent answers would tell as much, and for so many Wilson's interval
(1927) is taken, with Student's t of as many degrees of freedom as there are people or photographs, whichever are fewer,
less one (Korn and Graubard 1998 do so for surveys). Beside it stands the crossed bootstrap: people and photographs are
both redrawn, an answer's weight being the product of both (Owen 2007; Owen and Eckles 2012), which are exponential as
in `evaluation.bootstrap`. It counts the chance of single answers more than once, so that it is too wide for many people
and, as all percentile intervals, too narrow for a handful.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np

from tintype.errors import StudyError
from tintype.study import attention
from tintype.study.design import Study

DRAWS = 2000
"""Of the bootstrap."""

ENOUGH = {"people": 5, "photographs": 5, "answers": 30}
"""Below any of these no share, difference or slope is stated: its interval would say nothing, or be wrong."""

BLOCK = 10
"""Trials of the test that learning is shown by."""

ATTENTIVE, EVERYONE, FULL_VISION, UNHURRIED = "attentive", "everyone", "full vision", "unhurried"
"""Groups of answers: without those of people that catch too few catch trials, which is the one that is stated; all; of
the first those of people who missed no plate of the colour-vision check; of the first those that took `attention.HASTE`
and more."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What was answered, in the order of participants and trials. Of people [p], of answers [n]."""

    digest: str
    """Of the study that was asked."""
    methods: np.ndarray
    """[p] what each person met, str."""
    finished: np.ndarray
    """[p] whether a person came to the end."""
    missed: np.ndarray
    """[p] plates of the colour-vision check that were not read; NaN where it was not made."""
    person: np.ndarray
    """[n] index into the people."""
    number: np.ndarray
    """[n] of the trial."""
    kind: np.ndarray
    """[n] practice, test or catch."""
    photograph: np.ndarray
    """[n] index into the study's."""
    method: np.ndarray
    """[n] whose colours were shown, str."""
    left: np.ndarray
    """[n] whether the left picture was taken for the machine's."""
    fooled: np.ndarray
    """[n] whether the photograph's own colours were taken for the machine's."""
    exposure: np.ndarray
    """[n] how long the pictures were seen, in seconds; NaN: not known."""
    refresh: np.ndarray
    """[n] frames a second; NaN: not known."""
    reaction: np.ndarray
    """[n] seconds from the end of the exposure to the answer; NaN: not known."""


@dataclass(frozen=True)
class Share:
    """A share of some answers, 0 to 1."""

    value: float
    answers: int
    people: int
    photographs: int
    error: float
    """Standard error over people and photographs; NaN where there is but one of either."""
    low: float
    high: float
    """The 95 % interval over people and photographs."""
    effective: float
    """Independent answers that would tell as much."""
    naive: tuple[float, float]
    """Wilson's interval (1927) as if all answers were independent."""
    redrawn: tuple[float, float] | None = None
    """The 95 % percentile interval of the crossed bootstrap, where it was made."""

    @property
    def lacking(self) -> str:
        """Why it is not stated, in the middle of a sentence; empty where it is."""
        return lacking(self.people, self.photographs, self.answers)


@dataclass(frozen=True)
class Estimate:
    """Anything else with its standard error and 95 % interval over people and photographs."""

    value: float
    error: float
    low: float
    high: float
    redrawn: tuple[float, float] | None = None
    lacking: str = ""
    """Why it is not stated, in the middle of a sentence; empty where it is."""


def lacking(people: int, photographs: int, answers: int) -> str:
    """What of ENOUGH is not there, such as `2 people of at least 5`; empty where nothing is missing."""
    found = {"people": people, "photographs": photographs, "answers": answers}
    one = {"people": "person", "photographs": "photograph", "answers": "answer"}
    return ", ".join(
        f"{count} {one[what] if count == 1 else what} of at least {ENOUGH[what]}"
        for what, count in found.items()
        if count < ENOUGH[what]
    )


@dataclass(frozen=True)
class Difference:
    """Of the rates of two methods, first - second."""

    first: str
    second: str
    found: Estimate


@dataclass(frozen=True)
class Block:
    """Some trials in a row; first and last are counted from 1 in the test."""

    first: int
    last: int
    rate: Share


@dataclass(frozen=True)
class Quartiles:
    """Of times, in seconds."""

    count: int
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Exposure:
    """How long pictures were really seen."""

    known: int
    """Trials of the test in which the page measured it."""
    median: float
    """Seconds."""
    off: float
    """Share that differs from what the study asks by more than a frame."""
    refresh: float
    """Median of frames a second."""


@dataclass(frozen=True)
class Fooling:
    """How often a photograph fooled people in the colours of a method."""

    method: str
    photograph: int
    shown: int
    fooled: int

    @property
    def rate(self) -> float:
        """Shrunk to a half as if by one answer of each kind, so that one lucky answer is no record (Laplace)."""
        return (self.fooled + 1) / (self.shown + 2)


@dataclass(frozen=True)
class Analysis:
    """All that the report says. What nobody has answered is missing, or None."""

    begun: int
    finished: int
    """People that came to the end. The others' answers count too."""
    excluded: int
    """People that caught too few of the catch trials that they answered."""
    unjudged: int
    """People that count though they answered fewer than `attention.LEAST` catch trials."""
    missed: int
    """People that missed a plate of the colour-vision check."""
    least_caught: float | None
    """The share that had to be caught; None: `attention.needed`."""
    answers: Mapping[str, int]
    """Practice, test, catch -> how many."""
    rates: Mapping[str, Mapping[str, Share]]
    """Group -> method -> share of the test trials in which it fooled people."""
    differences: tuple[Difference, ...]
    caught: Share | None
    """Catch trials of everyone that were caught."""
    left: Share | None
    """Test trials in which the left picture was chosen. This and all below is of the attentive."""
    blocks: tuple[Block, ...]
    slope: Estimate | None
    """How much the rate rises over ten trials."""
    reactions: Mapping[str, Quartiles]
    """right, wrong -> times."""
    hasty: tuple[int, int]
    """Test answers that took less than `attention.HASTE`, and those whose time is known."""
    exposure: Exposure | None
    photographs: tuple[Fooling, ...]
    """Those that fooled most first."""


def read_answers(path: str | os.PathLike) -> Answers:
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
            missed=np.array([_missed(said) for said in seen], float),
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


def read_rows(study: Study, path: str | os.PathLike, columns: Iterable[str]) -> list[tuple]:
    """Some columns of all answers in a file, in the order of participants and trials.

    Raises:
        StudyError: there is none, or it is something else, or these are answers to another study.
    """
    columns = list(columns)
    with _opened(path) as connection:
        _ours(study, connection.execute("SELECT digest FROM study").fetchall()[0][0])
        known = {row[1] for row in connection.execute("PRAGMA table_info(participants)")}
        # Files of the first version do not know it.
        columns = ["NULL" if column == "recruited" and column not in known else column for column in columns]
        return connection.execute(
            f"SELECT {', '.join(columns)} FROM answers JOIN trials USING (participant, number) "
            "JOIN participants ON participants.id = participant ORDER BY participant, number"
        ).fetchall()


@contextmanager
def _opened(path: str | os.PathLike) -> Iterator[sqlite3.Connection]:
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


def _ours(study: Study, digest: str) -> None:
    if digest != study.digest:
        raise StudyError(
            f"The answers are not to the study in {study.folder}, or it was changed after it began: put back its files"
        )


def _missed(said: str | None) -> float:
    if said is None:
        return math.nan
    found = json.loads(said)
    return found["shown"] - found["right"]


def analyse(
    study: Study, answers: Answers, *, draws: int = DRAWS, seed: int = 0, least_caught: float | None = None
) -> Analysis:
    """Figures of all that was answered so far.

    Args:
        draws, seed: of the bootstrap.
        least_caught: who catches a smaller share of the catch trials that they answered is excluded; None: who catches
            fewer than `attention.needed`.
    Raises:
        StudyError: these are answers to another study.
    """
    _ours(study, answers.digest)
    people = len(answers.methods)
    test, catch = answers.kind == "test", answers.kind == "catch"
    asked = np.bincount(answers.person[catch], minlength=people)
    caught = np.bincount(answers.person[catch & ~answers.fooled], minlength=people)
    attentive = attention.attentive(caught, asked, least_caught)
    stated = test & attentive[answers.person]
    hasty = answers.reaction < attention.HASTE
    groups = {
        ATTENTIVE: stated,
        EVERYONE: test,
        FULL_VISION: stated & ~(answers.missed > 0)[answers.person],
        UNHURRIED: stated & ~hasty,
    }
    redrawn = _Redrawn(people, len(study.photographs), draws, seed)
    rates = {group: _rates(study, answers, which, redrawn) for group, which in groups.items()}
    return Analysis(
        begun=people,
        finished=int(answers.finished.sum()),
        excluded=int((~attentive).sum()),
        unjudged=int((attentive & (asked < attention.LEAST)).sum()),
        missed=int((answers.missed > 0).sum()),
        least_caught=least_caught,
        answers={kind: int((answers.kind == kind).sum()) for kind in ("practice", "test", "catch")},
        rates=rates,
        differences=tuple(_differences(answers, stated, rates[ATTENTIVE], redrawn)),
        caught=_share(answers, ~answers.fooled, catch),
        left=_share(answers, answers.left, stated),
        blocks=tuple(_blocks(study, answers, stated)),
        slope=_slope(study, answers, stated),
        reactions=dict(_reactions(answers, stated)),
        hasty=(int((stated & hasty).sum()), int((stated & ~np.isnan(answers.reaction)).sum())),
        exposure=_exposure(study, answers, stated),
        photographs=tuple(_photographs(study, answers, stated)),
    )


def share(said: np.ndarray, person: np.ndarray, photograph: np.ndarray) -> Share:
    """The share of some answers that say yes, with its interval over people and photographs.

    Args:
        said: bool [n], n > 0. person, photograph: int [n], whose answers, and of what.
    """
    count, value = len(said), float(np.mean(said))
    variance, freedom = _variance((said - value) / count, person, photograph)
    # Answers that hang together tell less than independent ones, never more.
    least = value * (1 - value) / count
    effective = count * least / max(variance, least) if least else float(count)
    error = math.sqrt(max(variance, least))
    low, high = wilson(value, effective, student(freedom))
    if not freedom:
        error = effective = math.nan
    found = (len(np.unique(person)), len(np.unique(photograph)))
    return Share(value, count, *found, error, low, high, effective, wilson(value, count, student(math.inf)))


@cache
def student(freedom: float) -> float:
    """The 97.5 % quantile of Student's t; NaN for no degree of freedom."""
    if freedom == 0:
        return math.nan
    if freedom > 1e4:
        return 1.959964
    # With t = sqrt(freedom) tan(angle) the density is a power of the cosine.
    angle = np.linspace(0, math.pi / 2, 20001)
    density = np.cos(angle) ** (freedom - 1)
    below = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return float(math.sqrt(freedom) * np.tan(np.interp(0.95, below / below[-1], angle)))


def wilson(value: float, count: float, t: float) -> tuple[float, float]:
    """Wilson's interval (1927) of a share of `count` independent answers."""
    middle, room = value + t * t / (2 * count), t * math.sqrt(value * (1 - value) / count + (t / (2 * count)) ** 2)
    low, high = ((middle + sign * room) / (1 + t * t / count) for sign in (-1, 1))
    # Rounding must not put an end beyond 0 or 1; NaN stays.
    return max(low, 0.0), min(high, 1.0)


def _variance(parts: np.ndarray, person: np.ndarray, photograph: np.ndarray) -> tuple[float, int]:
    """Of the sum of `parts` [n] over other people and photographs, and its degrees of freedom; those are 0 where there
    is but one person or photograph, of which nothing can be learned."""
    found, fewest = -float((parts**2).sum()), math.inf
    for place in (person, photograph):
        _, group = np.unique(place, return_inverse=True)
        sums = np.bincount(group, parts)
        fewest = min(fewest, len(sums))
        found += float((sums**2).sum()) * len(sums) / max(len(sums) - 1, 1)
    return found, fewest - 1


class _Redrawn:
    """Redrawings of people and photographs, the same for all methods, so that differences are of the same draws."""

    def __init__(self, people: int, photographs: int, draws: int, seed: int):
        random = np.random.default_rng(seed)
        self.people = random.exponential(size=(draws, people)).astype(np.float32)
        self.photographs = random.exponential(size=(draws, photographs)).astype(np.float32)

    def rate(self, answers: Answers, which: np.ndarray) -> np.ndarray:
        """How often people were fooled in the answers `which`, bool [n]; [draws]."""
        sums = []
        for chosen in (which & answers.fooled, which):
            table = np.zeros((self.people.shape[1], self.photographs.shape[1]), np.float32)
            np.add.at(table, (answers.person[chosen], answers.photograph[chosen]), 1)
            sums.append(((self.people @ table) * self.photographs).sum(axis=1))
        return sums[0] / sums[1]


def _middle(draws: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def _share(answers: Answers, said: np.ndarray, which: np.ndarray) -> Share | None:
    if not which.any():
        return None
    return share(said[which], answers.person[which], answers.photograph[which])


def _rates(study: Study, answers: Answers, which: np.ndarray, redrawn: _Redrawn) -> dict[str, Share]:
    found = {}
    for method in study.methods:
        own = which & (answers.method == method)
        if (rate := _share(answers, answers.fooled, own)) is not None:
            found[method] = replace(rate, redrawn=_middle(redrawn.rate(answers, own)))
    return found


def _differences(
    answers: Answers, which: np.ndarray, rates: Mapping[str, Share], redrawn: _Redrawn
) -> Iterator[Difference]:
    for first, second in combinations(rates, 2):
        parts, least, freedom = np.zeros(len(which)), 0.0, math.inf
        for sign, method in ((1, first), (-1, second)):
            own, rate = which & (answers.method == method), rates[method]
            parts[own] = sign * (answers.fooled[own] - rate.value) / rate.answers
            # Of methods that always fool, or never, the answers do not vary; other answers might.
            near = (rate.value * rate.answers + 1) / (rate.answers + 2)
            least += near * (1 - near) / rate.answers
            freedom = min(freedom, rate.people - 1, rate.photographs - 1)
        both = which & ((answers.method == first) | (answers.method == second))
        variance, _ = _variance(parts[both], answers.person[both], answers.photograph[both])
        found = _estimate(rates[first].value - rates[second].value, max(variance, least), freedom)
        draws = [redrawn.rate(answers, which & (answers.method == method)) for method in (first, second)]
        missing = next(
            (f"{method} has {rates[method].lacking}" for method in (first, second) if rates[method].lacking), ""
        )
        yield Difference(first, second, replace(found, redrawn=_middle(draws[0] - draws[1]), lacking=missing))


def _estimate(value: float, variance: float, freedom: float) -> Estimate:
    error = math.sqrt(variance) if freedom else math.nan
    room = student(freedom) * error
    return Estimate(value, error, value - room, value + room)


def _blocks(study: Study, answers: Answers, which: np.ndarray) -> Iterator[Block]:
    place = answers.number - study.practice
    for first in range(0, study.trials, BLOCK):
        last = min(first + BLOCK, study.trials)
        rate = _share(answers, answers.fooled, which & (place >= first) & (place < last))
        if rate is not None:
            yield Block(first + 1, last, rate)


def _slope(study: Study, answers: Answers, which: np.ndarray) -> Estimate | None:
    """By least squares over all answers, per ten trials."""
    if len(np.unique(answers.number[which])) < 3:
        return None
    across = (answers.number[which] - answers.number[which].mean()) / 10
    weight = across / (across**2).sum()
    fooled = answers.fooled[which]
    value = float(weight @ fooled)
    off = fooled - fooled.mean() - value * across
    variance, freedom = _variance(weight * off, answers.person[which], answers.photograph[which])
    found = _estimate(value, max(variance, float(((weight * off) ** 2).sum())), freedom)
    missing = lacking(len(np.unique(answers.person[which])), len(np.unique(answers.photograph[which])), len(fooled))
    return replace(found, lacking=missing)


def _reactions(answers: Answers, which: np.ndarray) -> Iterator[tuple[str, Quartiles]]:
    for name, chosen in (("right", which & ~answers.fooled), ("wrong", which & answers.fooled)):
        times = answers.reaction[chosen & ~np.isnan(answers.reaction)]
        if len(times):
            yield name, Quartiles(len(times), *(float(time) for time in np.percentile(times, [25, 50, 75])))


def _exposure(study: Study, answers: Answers, which: np.ndarray) -> Exposure | None:
    known = which & ~np.isnan(answers.exposure) & (answers.refresh > 0)
    if not known.any():
        return None
    seen, refresh = answers.exposure[known], answers.refresh[known]
    # Frames are whole: what is measured as one and a half is two.
    off = np.abs(seen - study.exposure) > 1.5 / refresh
    return Exposure(int(known.sum()), float(np.median(seen)), float(off.mean()), float(np.median(refresh)))


def _photographs(study: Study, answers: Answers, which: np.ndarray) -> list[Fooling]:
    found = []
    for method in study.methods:
        own = which & (answers.method == method)
        shown = np.bincount(answers.photograph[own], minlength=len(study.photographs))
        fooled = np.bincount(answers.photograph[own & answers.fooled], minlength=len(study.photographs))
        found += [Fooling(method, int(n), int(shown[n]), int(fooled[n])) for n in np.flatnonzero(shown)]
    return sorted(found, key=lambda fooling: -fooling.rate)
