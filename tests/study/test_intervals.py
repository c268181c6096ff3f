"""Intervals over people and photographs, against simulated people whose rate is known, and published figures."""

import numpy as np
import pytest

from simulated_answers import SPREAD, fooled, odds
from tintype.study.intervals import share, student

PEOPLE, TRIALS, PHOTOGRAPHS = 40, 36, 200


def simulated(random: np.random.Generator, rate: float):
    """Answers of one study to one method: which are wrong, by whom, and to which photograph."""
    person = np.repeat(np.arange(PEOPLE), TRIALS)
    decks = [random.permutation(PHOTOGRAPHS) for _ in range(-(-len(person) // PHOTOGRAPHS))]
    photograph = np.concatenate(decks)[: len(person)]
    effects = random.normal(0, SPREAD, PEOPLE)[person], random.normal(0, SPREAD, PHOTOGRAPHS)[photograph]
    return fooled(random, odds(rate), *effects), person, photograph


def coverage(found, rate: float) -> float:
    return float(np.mean([low <= rate <= high for low, high in found]))


@pytest.mark.parametrize(("rate", "studies"), [(0.323, 1000), (0.08, 300)])
def test_the_stated_interval_covers_the_rate_of_the_population(rate, studies):
    random = np.random.default_rng(16)
    shares = [share(*simulated(random, rate)) for _ in range(studies)]
    assert 0.92 <= coverage([(found.low, found.high) for found in shares], rate) <= 0.98
    # Which the binomial interval, that most studies print, does not.
    assert coverage([found.naive for found in shares], rate) < 0.88
    # Its length is right too: the standard error is the spread of the rates from study to study.
    assert np.mean([found.error for found in shares]) == pytest.approx(np.std([s.value for s in shares]), rel=0.1)


def test_people_that_never_change_their_mind_are_worth_an_answer_each():
    person, photograph = np.divmod(np.arange(200), 20)
    found = share(person < 5, person, photograph)
    assert (found.value, found.answers, found.people, found.photographs) == (0.5, 200, 10, 20)
    assert 9 < found.effective < 10


def test_answers_that_hang_together_by_nothing_are_worth_what_they_are():
    random = np.random.default_rng(0)
    person, photograph = np.divmod(np.arange(4000), 40)
    found = share(random.random(4000) < 0.3, person, photograph)
    assert found.effective > 3000


@pytest.mark.parametrize(
    ("wrong", "answers", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_binomial_interval_is_that_of_newcombe_1998_table_1(wrong, answers, low, high):
    found = share(np.arange(answers) < wrong, np.arange(answers), np.arange(answers))
    assert found.naive == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("freedom", "quantile"), [(1, 12.706), (4, 2.776), (9, 2.262), (39, 2.0227), (100000, 1.960)])
def test_the_quantiles_of_student_are_those_of_tables(freedom, quantile):
    assert student(freedom) == pytest.approx(quantile, abs=5e-4)


def test_of_a_single_person_nothing_is_said_about_others():
    found = share(np.arange(10) < 3, np.zeros(10, int), np.arange(10))
    assert found.value == 0.3
    assert np.isnan([found.low, found.high, found.error, found.effective]).all()


@pytest.mark.parametrize("wrong", [0, 50])
def test_who_always_or_never_was_fooled_may_be_so_otherwise_next_time(wrong):
    person, photograph = np.divmod(np.arange(50), 10)
    found = share(np.arange(50) < wrong, person, photograph)
    assert 0 <= found.low < found.high <= 1
    assert 0.05 < found.high - found.low < 0.2
