"""Who guesses is found: the least number of caught catch trials, against the binomial distribution of scipy."""

import numpy as np
import pytest

from tintype.study.attention import LEAST, PASS, attentive, catches, needed, tail


@pytest.mark.parametrize("chance", [0.5, 0.87])
def test_the_tail_is_that_of_the_binomial_distribution(chance):
    stats = pytest.importorskip("scipy.stats")
    for asked in (0, 1, 4, 8, 13, 40):
        for least in range(asked + 1):
            assert tail(least, asked, chance) == pytest.approx(stats.binom.sf(least - 1, asked, chance))


@pytest.mark.parametrize("asked", [*range(LEAST, 30), 50, 100])
def test_a_guesser_passes_with_five_percent_at_most_and_no_more_is_asked_than_that_takes(asked):
    assert tail(needed(asked), asked) <= PASS < tail(needed(asked) - 1, asked)


def test_of_too_few_catch_trials_all_must_be_caught():
    assert LEAST == 5
    assert [needed(asked) for asked in range(LEAST)] == [0, 1, 2, 3, 4]


def test_the_figures_of_the_documentation():
    """asked, needed, a guesser passes, somebody who catches 87 % or 95 % passes; percent."""
    table = [(8, 7, 3.5, 72.1, 94.3), (13, 10, 4.6, 92.2, 99.7), (20, 15, 2.1, 96.3, 100.0)]
    for asked, least, *shares in table:
        assert needed(asked) == least
        assert [100 * tail(least, asked, chance) for chance in (0.5, 0.87, 0.95)] == pytest.approx(shares, abs=0.05)
    assert 100 * tail(2, 4) == pytest.approx(68.75)  # four catch trials and half of them, as it was before


def test_by_default_there_are_eight_and_never_more_than_a_quarter():
    assert [catches(trials) for trials in (1, 10, 20, 32, 40, 80, 200)] == [0, 2, 5, 8, 8, 8, 20]


def test_simulated_guessers_are_excluded():
    random = np.random.default_rng(0)
    asked = np.full(20_000, 8)
    passed = attentive(random.binomial(8, 0.5, 20_000), asked).mean()
    assert passed == pytest.approx(0.035, abs=0.005)
    assert attentive(np.array([4, 3]), np.array([8, 8]), 0.5).tolist() == [True, False]
    assert attentive(np.array([0]), np.array([0])).tolist() == [True]
