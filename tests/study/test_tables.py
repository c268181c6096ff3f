"""What was answered as CSV, for spreadsheets that take some cells for programs."""

import csv
import json

import pytest

from running import errors_of, tintype
from simulated_answers import write_answers
from tintype.study.answers import Answer
from tintype.study.design import digest, read_study
from tintype.study.tables import cell
from written_studies import write_study

NAMES = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "a\x1b[31m", 'b"c', "d,e", "ok"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Some of whose photographs and one method are named by somebody who means us ill."""
    study = write_study(tmp_path_factory.mktemp("study") / "s")
    path = study.folder / "study.json"
    said = json.loads(path.read_text())
    names = [*NAMES, *(str(n) for n in range(len(study.photographs) - len(NAMES)))]
    for name, photograph in zip(names, said["photographs"], strict=True):
        photograph["name"] = name
        photograph["pictures"]["=cmd|x"] = photograph["pictures"].pop("theirs")
    said["methods"] = ["=cmd|x", "ours"]
    pictures = sorted(name for photograph in said["photographs"] for name in photograph["pictures"].values())
    said["digest"] = digest(said, (study.folder / "pictures" / f"{name}.png" for name in pictures))
    path.write_text(json.dumps(said))
    return read_study(study.folder, check=True)


def answered(person, trial):
    return Answer(trial.number, person % 2 == 0, 1001.5, 60.0, 250.0 if trial.number == 3 else None, "mouse")


def test_every_answer_is_a_row(study):
    write_answers(study.folder / "answers.sqlite", study, answered, 7)
    tintype("study", "answers", str(study.folder), check=0)
    with (study.folder / "answers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7 * 6
    assert [int(row["participant"]) for row in rows] == [person for person in range(7) for _ in range(6)]
    assert {row["fast"] for row in rows if row["trial"] == "3"} == {"1"}
    assert {row["fast"] for row in rows if row["trial"] != "3"} == {""}
    assert {row["exposure_ms"] for row in rows} == {"1001.5"}
    for row in rows:
        assert (row["chosen_left"] == row["machine_left"]) == (row["correct"] == "1")
        assert row["plates_shown"] == "4"
        assert row["method"] in ("random", "ours", "'=cmd|x")


def test_no_cell_is_a_formula(study):
    write_answers(study.folder / "quiz.sqlite", study, answered, 40)
    tintype("study", "answers", str(study.folder), "--quiz", check=0)
    write_answers(study.folder / "answers2.sqlite", study, answered, 40)
    (study.folder / "answers2.sqlite").replace(study.folder / "answers.sqlite")
    tintype("study", "report", str(study.folder), "--least-caught", "0", check=0)
    seen = set()
    for name in ("quiz.csv", "report.csv"):
        with (study.folder / name).open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                for value in row:
                    seen.add(value)
                    assert value.isprintable()
                    number = value.replace("-", "", 1).replace(".", "", 1).replace("e-", "", 1).isdigit()
                    assert number or not value.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert {"'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\\t=1", "a\\x1b[31m", 'b"c', "d,e", "ok", "'=cmd|x"} <= seen
    page = (study.folder / "report.html").read_text("utf-8")
    assert "\x1b" not in page


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a", "a"),
        ("", ""),
        ("=a", "'=a"),
        ("+49", "'+49"),
        ("-x", "'-x"),
        ("@x", "'@x"),
        ("\rx", "'\\rx"),
        ("ä\u202e", "ä\\u202e"),
    ],
)  # fmt: skip
def test_a_cell(text, written):
    assert cell(text) == written


def test_answers_to_another_study_are_refused(study, tmp_path):
    other = write_study(tmp_path / "other", seed=9)
    [line] = errors_of(tintype("study", "answers", str(other.folder), check=1))
    assert "nothing has been answered" in line
    write_answers(other.folder / "quiz.sqlite", study, answered, 1)
    [line] = errors_of(tintype("study", "answers", str(other.folder), "--quiz", check=1))
    assert "not to the study in" in line
