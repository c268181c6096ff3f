"""What the answers to a study say: how often each method fooled people, who learned, and how long they took."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tintype.study import attention
from tintype.study.collected import Answers, check_ours
from tintype.study.design import Study
from tintype.study.intervals import (
    DRAWS,
    Chosen,
    Estimate,
    Redrawn,
    Share,
    crossed_variance,
    estimate,
    lacking,
    middle,
    share,
)

BLOCK = 10
"""Trials of the test that learning is shown by."""

ATTENTIVE, EVERYONE, FULL_VISION, UNHURRIED = "attentive", "everyone", "full vision", "unhurried"
"""Groups of answers: without those of people that catch too few catch trials, which is the one that is stated; all; of
the first those of people who missed no plate of the colour-vision check; of the first those that took `attention.HASTE`
and more."""


@dataclass(frozen=True)
class Difference:
    """Of the rates of two methods, first - second."""

    first: str
    second: str
    estimate: Estimate


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
    check_ours(study, answers.digest)
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
    redrawn = Redrawn(people, len(study.photographs), draws, seed)
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


def _share(answers: Answers, yes: Chosen, which: Chosen) -> Share | None:
    if not which.any():
        return None
    return share(yes[which], answers.person[which], answers.photograph[which])


def _redrawn(answers: Answers, which: Chosen, redrawn: Redrawn) -> NDArray[np.float32]:
    """How often people were fooled in some answers, in each redrawing; [draws]."""
    return redrawn.share(answers.fooled[which], answers.person[which], answers.photograph[which])


def _rates(study: Study, answers: Answers, which: Chosen, redrawn: Redrawn) -> dict[str, Share]:
    rates = {}
    for method in study.methods:
        own = which & (answers.method == method)
        if (rate := _share(answers, answers.fooled, own)) is not None:
            rates[method] = replace(rate, redrawn=middle(_redrawn(answers, own, redrawn)))
    return rates


def _differences(answers: Answers, which: Chosen, rates: Mapping[str, Share], redrawn: Redrawn) -> Iterator[Difference]:
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
        variance, _ = crossed_variance(parts[both], answers.person[both], answers.photograph[both])
        difference = estimate(rates[first].value - rates[second].value, max(variance, least), freedom)
        draws = [_redrawn(answers, which & (answers.method == method), redrawn) for method in (first, second)]
        missing = next(
            (f"{method} has {rates[method].lacking}" for method in (first, second) if rates[method].lacking), ""
        )
        yield Difference(first, second, replace(difference, redrawn=middle(draws[0] - draws[1]), lacking=missing))


def _blocks(study: Study, answers: Answers, which: Chosen) -> Iterator[Block]:
    place = answers.number - study.practice
    for first in range(0, study.trials, BLOCK):
        last = min(first + BLOCK, study.trials)
        rate = _share(answers, answers.fooled, which & (place >= first) & (place < last))
        if rate is not None:
            yield Block(first + 1, last, rate)


def _slope(study: Study, answers: Answers, which: Chosen) -> Estimate | None:
    """By least squares over all answers, per ten trials."""
    if len(np.unique(answers.number[which])) < 3:
        return None
    across = (answers.number[which] - answers.number[which].mean()) / 10
    weight = across / (across**2).sum()
    fooled = answers.fooled[which]
    value = float(weight @ fooled)
    off = fooled - fooled.mean() - value * across
    variance, freedom = crossed_variance(weight * off, answers.person[which], answers.photograph[which])
    slope = estimate(value, max(variance, float(((weight * off) ** 2).sum())), freedom)
    missing = lacking(len(np.unique(answers.person[which])), len(np.unique(answers.photograph[which])), len(fooled))
    return replace(slope, lacking=missing)


def _reactions(answers: Answers, which: Chosen) -> Iterator[tuple[str, Quartiles]]:
    for name, chosen in (("right", which & ~answers.fooled), ("wrong", which & answers.fooled)):
        times = answers.reaction[chosen & ~np.isnan(answers.reaction)]
        if len(times):
            yield name, Quartiles(len(times), *(float(time) for time in np.percentile(times, [25, 50, 75])))


def _exposure(study: Study, answers: Answers, which: Chosen) -> Exposure | None:
    known = which & ~np.isnan(answers.exposure) & (answers.refresh > 0)
    if not known.any():
        return None
    seen, refresh = answers.exposure[known], answers.refresh[known]
    # Frames are whole: what is measured as one and a half is two.
    off = np.abs(seen - study.exposure) > 1.5 / refresh
    return Exposure(int(known.sum()), float(np.median(seen)), float(off.mean()), float(np.median(refresh)))


def _photographs(study: Study, answers: Answers, which: Chosen) -> list[Fooling]:
    fooling = []
    for method in study.methods:
        own = which & (answers.method == method)
        shown = np.bincount(answers.photograph[own], minlength=len(study.photographs))
        fooled = np.bincount(answers.photograph[own & answers.fooled], minlength=len(study.photographs))
        fooling += [Fooling(method, int(n), int(shown[n]), int(fooled[n])) for n in np.flatnonzero(shown)]
    return sorted(fooling, key=lambda fooling: -fooling.rate)
