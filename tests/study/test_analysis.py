"""What is said of answers, against simulated people whose rate is known, and against published intervals."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from simulated_answers import CAUGHT, SPREAD, answer_all, fooled, odds, write_answers
from tintype.errors import StudyError
from tintype.study.analysis import (
    ATTENTIVE,
    EVERYONE,
    FULL_VISION,
    UNHURRIED,
    Answers,
    analyse,
    read_answers,
    share,
    student,
)
from tintype.study.answers import Answer
from tintype.study.design import Trial
from written_studies import write_study

PEOPLE, TRIALS, PHOTOGRAPHS = 40, 36, 200


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "s"
    return write_study(folder, photographs=40, practice=2, trials=24, catch=1 / 3, exposure=1.0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "answers.sqlite"


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


def test_a_study_goes_through_the_file_and_its_rates_come_out(study, path):
    answer_all(path, study, {"theirs": 0.2, "ours": 0.4}, people=60)
    found = analyse(study, read_answers(path), draws=300)
    with closing(sqlite3.connect(path)) as file:
        counts = file.execute(
            "SELECT method, count(*), 1 - avg(correct), count(DISTINCT participant) FROM answers "
            "JOIN trials USING (participant, number) WHERE kind = 'test' GROUP BY method"
        ).fetchall()
    for method, answers, rate, people in counts:
        said = found.rates[EVERYONE][method]
        assert (said.answers, said.people, said.photographs) == (answers, people, 40)
        assert said.value == pytest.approx(rate)
        assert said.redrawn[0] < said.naive[0] < said.value < said.naive[1] < said.redrawn[1]
        assert said.low < {"theirs": 0.2, "ours": 0.4}[method] < said.high
    assert (found.begun, found.finished, found.missed) == (60, 60, 6)
    assert found.answers == {"practice": 120, "test": 960, "catch": 480}
    assert found.rates[FULL_VISION]["ours"].people < found.rates[ATTENTIVE]["ours"].people
    (pair,) = found.differences
    assert (pair.first, pair.second) == ("theirs", "ours")
    assert pair.found.low < -0.2 < pair.found.high < 0
    assert pair.found.redrawn[0] < pair.found.value < pair.found.redrawn[1]
    assert found.caught.low < CAUGHT < found.caught.high
    assert found.left.low < 0.5 < found.left.high
    assert [(block.first, block.last) for block in found.blocks] == [(1, 10), (11, 20), (21, 24)]
    assert found.reactions["right"].median < found.reactions["wrong"].median
    assert found.exposure.off == pytest.approx(0.05, abs=0.03)
    assert found.exposure.refresh == 60
    shown = {method: sum(one.shown for one in found.photographs if one.method == method) for method in study.methods}
    assert shown == {method: rate.answers for method, rate in found.rates[ATTENTIVE].items()}
    assert found.photographs[0].rate >= found.photographs[-1].rate


def right(person: int, trial: Trial) -> Answer:
    return Answer(trial.number, trial.machine_left)


def wrong(person: int, trial: Trial) -> Answer:
    return Answer(trial.number, not trial.machine_left)


def test_who_does_not_look_is_excluded_and_the_figure_with_them_is_told(study, path):
    write_answers(path, study, lambda person, trial: (wrong if person < 2 else right)(person, trial), 8)
    found = analyse(study, read_answers(path), draws=10)
    assert found.excluded == 2
    for method in study.methods:
        assert found.rates[ATTENTIVE][method].value == 0
        assert found.rates[EVERYONE][method].value == 0.25
    assert analyse(study, read_answers(path), draws=10, least_caught=0).excluded == 0


def test_answers_of_those_who_left_count(study, path):
    write_answers(
        path, study, lambda person, trial: right(person, trial) if trial.number < (26, 9, 1)[person] else None, 3
    )
    found = analyse(study, read_answers(path), draws=10)
    assert (found.begun, found.finished, found.excluded) == (3, 1, 0)
    assert found.answers["practice"] == 5
    assert found.answers["test"] + found.answers["catch"] == 24 + 7
    assert found.exposure is None
    assert found.reactions == {}


def test_a_liking_for_one_side_is_seen(study, path):
    write_answers(path, study, lambda person, trial: Answer(trial.number, True), 4)
    found = analyse(study, read_answers(path), draws=10, least_caught=0)
    assert found.left.value == 1
    assert found.left.low > 0.8


def test_learning_is_seen(study):
    """People that are fooled in the first half of the test, and never in the second."""
    person, number = (place.ravel() for place in np.mgrid[0:10, 2:22])
    many = len(person)
    answers = Answers(
        digest=study.digest, methods=np.full(10, "ours"), finished=np.full(10, True), missed=np.full(10, np.nan),
        person=person, number=number, kind=np.full(many, "test"), photograph=(person + number) % 40,
        method=np.full(many, "ours"), left=number % 2 == 0, fooled=number < 12,
        **dict.fromkeys(("exposure", "refresh", "reaction"), np.full(many, np.nan)),
    )  # fmt: skip
    found = analyse(study, answers, draws=10)
    assert [block.rate.value for block in found.blocks] == [1, 0]
    # Least squares through a step of 1 in the middle of 20: 1.5 times the step over the length, nearly.
    assert found.slope.value == pytest.approx(-0.752, abs=0.001)
    assert found.slope.high < 0


def test_answers_that_come_too_fast_are_counted_and_the_rate_without_them_is_told(study, path):
    def answer(person, trial):
        """Every third answer comes at once, and is wrong."""
        fast = trial.number % 3 == 0 and trial.kind == "test"
        return Answer(trial.number, trial.machine_left != fast, reaction_ms=200.0 if fast else 900.0)

    write_answers(path, study, answer, 12)
    found = analyse(study, read_answers(path), draws=10)
    assert found.hasty[1] == 12 * 16
    assert 30 < found.hasty[0] < 90
    for method in study.methods:
        assert found.rates[ATTENTIVE][method].value > 0.1
        assert found.rates[UNHURRIED][method].value == 0


def test_of_two_people_no_figure_is_stated(study, path):
    answer_all(path, study, dict.fromkeys(study.methods, 0.4), people=2)
    found = analyse(study, read_answers(path), draws=10)
    for rate in found.rates[EVERYONE].values():
        assert "1 person of at least 5" in rate.lacking
    assert "2 people of at least 5" in found.left.lacking
    assert "2 people of at least 5" in found.slope.lacking
    assert all(pair.found.lacking for pair in found.differences)


def test_of_fourteen_answers_no_learning_is_stated(study, path):
    """By seven people, so that it is the number of the answers that is too small."""

    def answer(person, trial):
        return Answer(trial.number, trial.machine_left) if trial.number < 4 else None

    write_answers(path, study, answer, 9)
    found = analyse(study, read_answers(path), draws=10, least_caught=0)
    assert found.left.people >= 5
    assert found.left.answers < 30
    assert f"{found.left.answers} answers of at least 30" in found.left.lacking
    assert found.slope is None or "answers of at least 30" in found.slope.lacking


def test_before_the_first_answer_nothing_is_said(study, path):
    write_answers(path, study, right, 0)
    found = analyse(study, read_answers(path))
    assert (found.begun, found.left, found.slope, found.photographs) == (0, None, None, ())
    assert found.rates == {ATTENTIVE: {}, EVERYONE: {}, FULL_VISION: {}, UNHURRIED: {}}


def test_answers_to_another_study_are_refused(study, path, tmp_path):
    write_answers(path, study, right, 1)
    other = write_study(tmp_path / "other", seed=99)
    with pytest.raises(StudyError, match="not to the study in"):
        analyse(other, read_answers(path))


@pytest.mark.parametrize(("content", "words"), [(None, "nothing has been answered"), (b"text" * 99, "does not hold")])
def test_what_holds_no_answers_is_refused(tmp_path, content, words):
    path = tmp_path / "answers.sqlite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StudyError, match=words):
        read_answers(path)
