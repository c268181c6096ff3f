"""What is said of the answers of simulated people, whose habits are known."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from simulated_answers import CAUGHT, answer_all, write_answers
from tintype.errors import StudyError
from tintype.study.analysis import (
    ATTENTIVE,
    EVERYONE,
    FULL_VISION,
    UNHURRIED,
    analyse,
)
from tintype.study.answers import Answer
from tintype.study.collected import Answers, read_answers
from tintype.study.design import Trial
from written_studies import write_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "s"
    return write_study(folder, photographs=40, practice=2, trials=24, catch=1 / 3, exposure=1.0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "answers.sqlite"


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
    assert pair.estimate.low < -0.2 < pair.estimate.high < 0
    assert pair.estimate.redrawn[0] < pair.estimate.value < pair.estimate.redrawn[1]
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
    assert all(pair.estimate.lacking for pair in found.differences)


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
