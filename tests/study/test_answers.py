"""Answers on disk: each once, in order, and gone when they shall be."""

import json
import sqlite3
import threading
from contextlib import suppress

import pytest

from tintype.errors import StudyError
from tintype.study.answers import Answer, NotNow, Score, Store, Taken, Unknown
from tintype.study.design import Trial

TRIALS = [
    Trial(number, kind, number, "random" if kind == "catch" else "ours", number % 2 == 0)
    for number, kind in enumerate(["practice", "test", "catch", "test"])
]


def planned(participant: int):
    return "ours", TRIALS


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "answers.sqlite", "d" * 64)
    yield store
    store.close()


def rows(store, sql: str) -> list[tuple]:
    """What another program reads while the server runs."""
    with sqlite3.connect(store.path) as other:
        return other.execute(sql).fetchall()


def test_an_answer_is_in_the_file_with_all_that_was_measured(store):
    code = store.begin(planned)
    assert store.answer(code, Answer(0, True, 1000.5, 60.0, 812.0, "touch")) is True
    assert store.answer(code, Answer(1, True)) is False
    found = rows(store, "SELECT number, chosen_left, correct, exposure_ms, refresh_hz, reaction_ms, input FROM answers")
    assert found == [(0, 1, 1, 1000.5, 60.0, 812.0, "touch"), (1, 1, 0, None, None, None, "keyboard")]


def test_participants_count_from_0_and_have_what_was_planned_for_them(store):
    asked = []
    codes = [store.begin(lambda number: (asked.append(number), planned(number))[1]) for _ in range(3)]
    assert asked == [0, 1, 2]
    assert [store.progress(code).participant for code in codes] == [0, 1, 2]
    assert [store.trial(2, number) for number in range(4)] == TRIALS
    assert len({*codes}) == 3
    assert min(map(len, codes)) >= 22  # 128 bits, which nobody guesses


def test_the_first_answer_to_a_trial_stands(store):
    code = store.begin(planned)
    assert store.answer(code, Answer(0, False)) is False
    assert store.answer(code, Answer(0, True)) is False
    assert rows(store, "SELECT chosen_left FROM answers") == [(0,)]


@pytest.mark.parametrize("number", [1, 3, 4, 10**30, -1])
def test_only_the_trial_that_comes_next_is_answered(number, store):
    code = store.begin(planned)
    with pytest.raises(NotNow, match="1 comes next"):
        store.answer(code, Answer(number, True))
    assert rows(store, "SELECT * FROM answers") == []


def test_after_the_last_trial_nothing_is_answered(store):
    code = store.begin(planned)
    for number in range(4):
        assert not store.progress(code).finished
        store.answer(code, Answer(number, True))
    assert store.progress(code).finished
    assert rows(store, "SELECT finished > begun FROM participants") == [(1,)]
    with pytest.raises(NotNow):
        store.answer(code, Answer(4, True))


def test_the_score_counts_neither_practice_nor_catch_trials(store):
    first, second = store.begin(planned), store.begin(planned)
    for number in range(4):
        store.answer(first, Answer(number, True))  # wrong in 1 and 3, the two test trials
    for number in range(2):
        store.answer(second, Answer(number, False))  # right in 1
    assert store.score(first) == Score(people=1, answers=2, fooled=2)
    assert store.score() == Score(people=2, answers=3, fooled=2)
    assert store.counts() == {"began": 2, "finished": 1, "practice": 2, "test": 3, "catch": 1}


def test_the_first_look_at_the_plates_counts(store):
    code = store.begin(planned)
    assert not store.progress(code).looked
    store.look(code, 4, 3)
    store.look(code, 4, 4)
    assert store.progress(code).looked
    assert [json.loads(seen) for (seen,) in rows(store, "SELECT seen FROM participants")] == [{"shown": 4, "right": 3}]


def test_an_export_has_all_that_is_kept_and_tells_nothing_too_early(store):
    code = store.begin(planned)
    store.look(code, 4, 3)
    store.answer(code, Answer(0, True, 1000.0, 60.0, 700.0, "mouse"))
    kept = store.export(code)
    assert kept["colour_vision"] == {"shown": 4, "right": 3}
    [answer] = kept["answers"]
    assert (answer["number"], answer["chosen_left"], answer["reaction_ms"], answer["input"]) == (
        0,
        True,
        700.0,
        "mouse",
    )
    assert "correct" not in answer
    assert store.export(code, verdicts=True)["answers"][0]["correct"] is True
    for number in range(1, 4):
        store.answer(code, Answer(number, True))
    assert [answer["correct"] for answer in store.export(code)["answers"]] == [True, False, True, False]


def test_what_is_deleted_is_in_no_file_any_more(store):
    code, other = store.begin(planned), store.begin(planned)
    for who in (code, other):
        store.answer(who, Answer(0, True))
    store.delete(code)
    with pytest.raises(Unknown):
        store.progress(code)
    assert rows(store, "SELECT participant FROM answers") == [(1,)]
    assert len(rows(store, "SELECT * FROM trials")) == 4
    kept = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert code.encode() not in kept
    assert other.encode() in kept


@pytest.mark.parametrize("ask", ["progress", "export", "delete", "look", "answer"])
def test_a_code_that_nobody_has(ask, store):
    values = {"look": (4, 4), "answer": (Answer(0, True),)}.get(ask, ())
    with pytest.raises(Unknown, match="check it"):
        getattr(store, ask)("nobody", *values)


def test_answers_that_come_at_once_are_all_kept(store):
    codes = [store.begin(planned) for _ in range(6)]

    def play(code):
        for number in range(4):
            store.answer(code, Answer(number, True))
            store.answer(code, Answer(number, False))
            with suppress(NotNow):  # in the same moment as what others answer
                store.answer(code, Answer(number + 2, False))

    threads = [threading.Thread(target=play, args=(code,)) for code in codes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(store, "SELECT count(*), sum(chosen_left) FROM answers") == [(24, 24)]


def test_the_file_goes_on_where_it_was(store, tmp_path):
    code = store.begin(planned)
    store.answer(code, Answer(0, True))
    again = Store(tmp_path / "answers.sqlite", "d" * 64)
    assert again.progress(code).answered == 1
    again.close()


def test_answers_to_another_study_are_refused(store, tmp_path):
    with pytest.raises(StudyError, match="another study") as error:
        Store(tmp_path / "answers.sqlite", "e" * 64)
    assert "\n" not in str(error.value)


def test_what_is_no_file_of_answers_is_refused(tmp_path):
    (tmp_path / "answers.sqlite").write_bytes(b"something else" * 100)
    with pytest.raises(StudyError, match="cannot hold answers"):
        Store(tmp_path / "answers.sqlite", "d" * 64)
    with pytest.raises(StudyError, match="cannot hold answers"):
        Store(tmp_path / "none" / "answers.sqlite", "d" * 64)


def test_a_number_is_never_given_again(store, tmp_path):
    """Not even that of the last participant, nor after the file was closed."""
    asked = []

    def plan(number):
        asked.append(number)
        return planned(number)

    for _ in range(3):
        store.delete(store.begin(plan))
    again = Store(tmp_path / "answers.sqlite", "d" * 64)
    again.delete(again.begin(plan))
    again.begin(plan)
    again.close()
    assert asked == [0, 1, 2, 3, 4]


def test_an_answer_needs_both_pictures_and_their_time(store):
    code = store.begin(planned)
    with pytest.raises(NotNow, match="cannot have been seen"):
        store.answer(code, Answer(0, True), exposure=0.0)
    assert not store.served(0, 0)
    store.serve(0, 0)
    assert store.served(0, 0)
    with pytest.raises(NotNow, match="cannot have been seen"):
        store.answer(code, Answer(0, True), exposure=3600.0)
    assert store.answer(code, Answer(0, True), exposure=0.0) is True
    assert store.answer(code, Answer(0, True), exposure=3600.0) is True  # it is kept already
    store.serve(0, 1)
    # Of what was sent long ago the time begins with the answer before.
    with sqlite3.connect(store.path) as other:
        other.execute("UPDATE trials SET served = 0")
    with pytest.raises(NotNow):
        store.answer(code, Answer(1, True), exposure=3600.0)
    with sqlite3.connect(store.path) as other:
        other.execute("UPDATE trials SET served = served + 1e12")  # by a clock that was put back since
    assert store.answer(code, Answer(1, True), exposure=3600.0) is False


FIRST = """
CREATE TABLE study (digest TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE participants (
    id INTEGER PRIMARY KEY, code TEXT UNIQUE NOT NULL, method TEXT NOT NULL, seen TEXT,
    begun REAL NOT NULL, finished REAL
);
CREATE TABLE trials (
    participant INTEGER NOT NULL REFERENCES participants ON DELETE CASCADE,
    number INTEGER NOT NULL, kind TEXT NOT NULL, photograph INTEGER NOT NULL, method TEXT NOT NULL,
    machine_left INTEGER NOT NULL,
    PRIMARY KEY (participant, number)
);
CREATE TABLE answers (
    participant INTEGER NOT NULL, number INTEGER NOT NULL, chosen_left INTEGER NOT NULL, correct INTEGER NOT NULL,
    exposure_ms REAL, refresh_hz REAL, reaction_ms REAL, input TEXT NOT NULL, answered REAL NOT NULL,
    PRIMARY KEY (participant, number),
    FOREIGN KEY (participant, number) REFERENCES trials ON DELETE CASCADE
);
INSERT INTO study VALUES ('dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 1.0);
INSERT INTO participants VALUES (6, 'old', 'ours', NULL, 1.0, NULL);
INSERT INTO trials VALUES (6, 0, 'practice', 0, 'ours', 1), (6, 1, 'test', 1, 'ours', 0);
INSERT INTO answers VALUES (6, 0, 1, 1, 1000, 60, 700, 'mouse', 2.0);
"""
"""A file of the first version, in which somebody is in the middle."""


def test_a_file_of_the_first_version_goes_on(tmp_path):
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as file:
        file.executescript(FIRST)
    store = Store(path, "d" * 64)
    assert store.progress("old").answered == 1
    store.serve(6, 1)
    assert store.answer("old", Answer(1, False), exposure=0.0) is True
    code = store.begin(planned, "site-1")
    assert store.progress(code).participant == 7
    assert store.recruited(code) == "site-1"
    assert store.recruited("old") is None
    store.close()


def test_a_code_of_a_site_begins_once(store):
    code = store.begin(planned, "site-1")
    store.begin(planned, "site-2")
    store.begin(planned)
    store.begin(planned)
    with pytest.raises(Taken):
        store.begin(planned, "site-1")
    assert store.export(code)["participant_code"] == "site-1"
    store.delete(code)
    assert b"site-1" not in b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert store.begin(planned, "site-1") != code
