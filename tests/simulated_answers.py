"""People who are fooled at a rate that is known, by methods that have no pictures."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from itertools import takewhile
from pathlib import Path

import numpy as np

from tintype.study.answers import TRIAL, Answer, Store
from tintype.study.design import Study, Trial, method_of, plan

SPREAD = 0.6
"""Standard deviation of people, and of photographs, on the logit."""


CAUGHT = 0.97
"""Share of the catch trials that somebody who looks catches."""


def odds(rate: float, spread: float = SPREAD) -> float:
    """The logit at which the mean over all people and photographs of the population is `rate`.

    The sum of both effects is normal, so the mean is an integral over one normal variable.
    """
    effect, weight = np.polynomial.hermite_e.hermegauss(61)
    low, high = -12.0, 12.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = weight @ (1 / (1 + np.exp(-(middle + np.sqrt(2) * spread * effect)))) / weight.sum()
        low, high = (middle, high) if mean < rate else (low, middle)
    return low


def fooled(random: np.random.Generator, odds: float | np.ndarray, people: np.ndarray, photographs: np.ndarray):
    """Which answers are wrong; the logits are the sum of `odds` and the effects of people and photographs."""
    return random.random(people.shape) < 1 / (1 + np.exp(-(odds + people + photographs)))


def answer_all(path: Path, study: Study, rates: Mapping[str, float], people: int, seed: int = 0) -> None:
    """Let people go through a study: each catches CAUGHT of the catch trials, and every tenth misses a plate."""
    random = np.random.default_rng(seed)
    effects = random.normal(0, SPREAD, people), random.normal(0, SPREAD, len(study.photographs))
    levels = {method: odds(rate) for method, rate in rates.items()}

    def answer(person: int, trial: Trial) -> Answer:
        if trial.kind == "catch":
            wrong = random.random() >= CAUGHT
        else:
            wrong = fooled(random, levels[trial.method], effects[0][[person]], effects[1][[trial.photograph]])[0]
        seconds = random.lognormal(0.2 if wrong else 0, 0.5)
        exposure = study.exposure + random.choice([-1, 0, 1, 2], p=[0.1, 0.6, 0.25, 0.05]) / 60
        return Answer(trial.number, trial.machine_left != wrong, 1000 * exposure, 60.0, 1000 * seconds)

    write_answers(path, study, answer, people)


def write_answers(path: Path, study: Study, answer: Callable[[int, Trial], Answer | None], people: int) -> None:
    """A file as the server leaves it, written at once; a participant leaves at the first trial that has no answer."""
    Store(path, study.digest).close()
    with closing(sqlite3.connect(path)) as file, file:
        for person in range(people):
            method = method_of(study, person)
            trials = plan(study, person, method)
            said = list(takewhile(lambda found: found is not None, (answer(person, trial) for trial in trials)))
            plates = json.dumps({"shown": 4, "right": 3 if person % 10 == 9 else 4})
            finished = 2.0 if len(said) == len(trials) else None
            file.execute(
                "INSERT INTO participants (id, code, method, seen, begun, finished) VALUES (?, ?, ?, ?, 1.0, ?)",
                (person, f"code {person}", method, plates, finished),
            )
            file.executemany(
                f"INSERT INTO trials ({', '.join(TRIAL)}) VALUES (?, ?, ?, ?, ?, ?)",
                [(person, t.number, t.kind, t.photograph, t.method, t.machine_left) for t in trials],
            )
            file.executemany(
                "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1.5)",
                [
                    (person, a.number, bool(a.chosen_left), bool(a.chosen_left == t.machine_left),
                     a.exposure_ms, a.refresh_hz, a.reaction_ms, a.input)
                    for a, t in zip(said, trials, strict=False)
                ],
            )  # fmt: skip
