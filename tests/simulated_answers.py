"""People who are fooled at a rate that is known, by methods that have no pictures."""

from collections.abc import Mapping

import numpy as np

from tintype.study.answers import Answer, Store
from tintype.study.design import Study, method_of, plan

SPREAD = 0.6
"""Standard deviation of people, and of photographs, on the logit."""


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


def answer_all(store: Store, study: Study, rates: Mapping[str, float], people: int, seed: int = 0) -> None:
    """Let people go through a study: each catches 87 in 100 catch trials, and every tenth misses a plate."""
    random = np.random.default_rng(seed)
    effects = random.normal(0, SPREAD, people), random.normal(0, SPREAD, len(study.photographs))
    levels = {method: odds(rate) for method, rate in rates.items()}
    for person in range(people):
        method = method_of(study, person)
        trials = plan(study, person, method)
        code = store.begin(lambda number, found=(method, trials): found)
        store.look(code, 4, 3 if person % 10 == 9 else 4)
        for trial in trials:
            if trial.kind == "catch":
                wrong = random.random() >= 0.87
            else:
                wrong = bool(
                    fooled(random, levels[trial.method], effects[0][person], effects[1][[trial.photograph]])[0]
                )
            seconds = random.lognormal(0.2 if wrong else 0, 0.5)
            exposure = study.exposure + random.choice([-1, 0, 0, 0, 2], p=[0.1, 0.3, 0.3, 0.25, 0.05]) / 60
            store.answer(
                code,
                Answer(trial.number, trial.machine_left != wrong, 1000 * exposure, 60.0, 1000 * seconds, "keyboard"),
            )
