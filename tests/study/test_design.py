"""What participants are shown, and studies that were changed."""

import json
from collections import Counter

import numpy as np
import pytest

from tintype.errors import StudyError
from tintype.study.design import MIXED, RANDOM, method_of, plan, read_study
from written_studies import write_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study") / "s", photographs=17, practice=3, trials=10, catch=0.2)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "s"
    return write_study(folder, photographs=30, practice=5, trials=21, catch=0.1, assignment="mixed")


def plans(study, people: int):
    return [plan(study, person, method_of(study, person)) for person in range(people)]


def test_a_participant_is_always_shown_the_same_and_another_one_something_else(study):
    first, again = plans(study, 6), plans(study, 6)
    assert first == again
    assert len({tuple(trials) for trials in first}) == 6


def test_practice_comes_first_and_the_test_has_its_share_of_catch_trials_at_random_places(study):
    places = Counter()
    for trials in plans(study, 40):
        assert [trial.number for trial in trials] == list(range(13))
        assert [trial.kind for trial in trials[:3]] == ["practice"] * 3
        assert Counter(trial.kind for trial in trials[3:]) == {"test": 8, "catch": 2}
        assert {trial.method for trial in trials if trial.kind == "catch"} == {RANDOM}
        places.update(trial.number for trial in trials if trial.kind == "catch")
    assert set(places) == set(range(3, 13))


def test_the_machine_is_on_the_left_in_half_of_the_practice_and_of_the_test(study):
    for trials in plans(study, 20):
        assert sum(trial.machine_left for trial in trials[:3]) in (1, 2)
        assert sum(trial.machine_left for trial in trials[3:]) == 5


def test_sides_photographs_and_kinds_tell_nothing_of_each_other(study):
    trials = [trial for trials in plans(study, 120) for trial in trials if trial.kind != "practice"]
    left = np.array([trial.machine_left for trial in trials])
    for other in ([trial.number for trial in trials], [trial.kind == "catch" for trial in trials]):
        assert abs(np.corrcoef(left, other)[0, 1]) < 0.09  # 1200 trials: three standard errors


@pytest.mark.parametrize("people", [1, 2, 7, 16, 51])
def test_no_photograph_is_shown_twice_and_all_are_shown_equally_often(study, people):
    for method in study.methods:
        shown = Counter(dict.fromkeys(range(17), 0))
        for trials in plans(study, 2 * people):
            assert len({trial.photograph for trial in trials}) == len(trials)
            if any(trial.method == method for trial in trials):
                shown.update(trial.photograph for trial in trials)
        assert sum(shown.values()) == 13 * people
        assert max(shown.values()) - min(shown.values()) <= 1


def test_neighbours_see_the_same_photographs_by_different_methods(study):
    for person in range(0, 12, 2):
        both = [plan(study, person + place, method_of(study, person + place)) for place in (0, 1)]
        assert {method_of(study, person + place) for place in (0, 1)} == set(study.methods)
        assert len({frozenset(trial.photograph for trial in trials) for trials in both}) == 1


def test_who_comes_first_does_not_always_meet_the_same_method(study):
    assert {method_of(study, person) for person in range(0, 40, 2)} == set(study.methods)


def test_mixed_methods_are_balanced_within_each_participant(mixed):
    for person, trials in enumerate(plans(mixed, 10)):
        assert method_of(mixed, person) == MIXED
        tests = Counter(trial.method for trial in trials if trial.kind == "test")
        assert sorted(tests.values()) == [9, 10]
        assert sorted(Counter(trial.method for trial in trials if trial.kind == "practice").values()) == [2, 3]


def test_another_seed_is_another_study(tmp_path):
    one, other = (write_study(tmp_path / str(seed), seed=seed) for seed in (1, 2))
    assert plans(one, 4) != plans(other, 4)


def test_a_study_is_read_as_it_was_written(study):
    found = read_study(study.folder, check=True)
    assert found == study
    assert found.picture(3, "ours").read_bytes() != found.picture(3, "truth").read_bytes()


def test_a_study_of_the_first_format_is_read(tmp_path):
    study = write_study(tmp_path / "s", format=1)
    assert read_study(study.folder, check=True) == study
    assert (study.consent, study.completion, study.texts) == ("", "", {})


def spoil_title(folder):
    said = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps(said | {"exposure": 2.0}))


def spoil_picture(folder):
    path = min((folder / "pictures").iterdir())
    path.write_bytes(path.read_bytes()[:-1] + b"x")


@pytest.mark.parametrize("spoil", [spoil_title, spoil_picture])
def test_a_study_that_was_changed_is_refused(tmp_path, spoil):
    write_study(tmp_path / "s")
    spoil(tmp_path / "s")
    with pytest.raises(StudyError, match="was changed after it was made"):
        read_study(tmp_path / "s", check=True)


def test_a_study_that_lacks_a_picture_is_refused_by_its_name(tmp_path):
    study = write_study(tmp_path / "s")
    study.picture(0, "truth").unlink()
    with pytest.raises(StudyError, match=study.photographs[0].pictures["truth"]):
        read_study(study.folder, check=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "contains no study"),
        ("{", "is broken"),
        ("[]", "is broken"),
        ('{"format": 2, "title": "x"}', "is broken"),
        ('{"format": 9}', "has format 9"),
    ],
)
def test_what_is_no_study_is_refused_in_one_sentence(tmp_path, text, words):
    if text is not None:
        (tmp_path / "study.json").write_text(text)
    with pytest.raises(StudyError, match=words) as error:
        read_study(tmp_path)
    assert "\n" not in str(error.value)
