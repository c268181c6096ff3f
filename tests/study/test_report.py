"""The page and the table of a study, against the answers that they are made from."""

import csv
import hashlib
import html
import re
import sqlite3
from base64 import b64encode
from contextlib import closing

import pytest

from simulated_answers import answer_all, write_answers
from tintype.cli import main
from tintype.study.answers import Answer
from written_studies import write_study

RATES = {"theirs": 0.2, "ours": 0.4}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "s"
    made = write_study(folder, photographs=40, practice=2, trials=20, catch=0.2, exposure=1.0, title="A & <b>")
    answer_all(folder / "answers.sqlite", made, RATES, people=40)
    assert main(["study", "report", str(folder)]) == 0
    return made


@pytest.fixture(scope="module")
def page(study) -> str:
    return (study.folder / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def figures(study) -> dict[tuple, tuple[str, ...]]:
    """Figure, group, method, against and photograph -> value, low, high."""
    with (study.folder / "report.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["figure", "group", "method", "against", "photograph", "value", "low", "high"]
    found = {tuple(row[:5]): tuple(row[5:]) for row in rows}
    assert len(found) == len(rows)
    return found


def words(page: str) -> str:
    """The text of a page, in one line."""
    return " ".join(html.unescape(re.sub("<style>.*?</style>|<[^>]*>", " ", page, flags=re.S)).split())


def test_the_table_has_the_rates_of_the_answers(study, figures):
    with closing(sqlite3.connect(study.folder / "answers.sqlite")) as file:
        counts = file.execute(
            "SELECT method, photograph, count(*), sum(1 - correct) FROM answers "
            "JOIN trials USING (participant, number) WHERE kind = 'test' GROUP BY method, photograph"
        ).fetchall()
    assert figures["excluded", "everyone", "", "", ""][0] == "0"
    for method in RATES:
        shown, fooled = (sum(row[place] for row in counts if row[0] == method) for place in (2, 3))
        value, low, high = map(float, figures["fooling_rate", "attentive", method, "", ""])
        assert value == pytest.approx(fooled / shown, abs=1e-6)
        assert 0 < low < RATES[method] < high < 1
        binomial = figures["fooling_rate_binomial", "attentive", method, "", ""]
        assert low < float(binomial[1]) < value < float(binomial[2]) < high
    for method, photograph, shown, fooled in counts:
        where = ("attentive", method, "", f"{photograph}.jpg")
        assert figures["shown", *where][0] == str(shown)
        assert figures["fooled", *where][0] == str(fooled)


def test_the_page_says_what_the_table_has(page, figures):
    text = words(page).replace("\N{MINUS SIGN}", "-")
    for method in RATES:
        value, low, high = (100 * float(end) for end in figures["fooling_rate", "attentive", method, "", ""])
        assert f"{method} {value:.1f} [{low:.1f}, {high:.1f}]" in text
    value, low, high = (100 * float(end) for end in figures["difference", "attentive", "theirs", "ours", ""])
    assert f"theirs ours {value:+.1f} [{low:+.1f}, {high:+.1f}]" in text
    assert "40 participants began, 40 came to the end; 640 answers count" in text
    assert "32.3 ± 2.2" in text
    assert "4 participants missed a plate" in text


def test_the_page_is_a_file_that_needs_nothing_else(page):
    assert "A &amp; &lt;b&gt;" in page
    assert "<b></h1>" not in page
    assert "<script" not in page
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    style = re.search("<style>(.*?)</style>", page, re.S)[1]
    assert f"'sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in html.unescape(page)


def test_the_photographs_that_fooled_most_and_least_are_shown_in_both_colourings(page, figures):
    for method in RATES:
        section = page[page.index(f"<h3>{method}</h3>") :]
        cases = re.findall(r'alt="(\d+\.jpg), its own colours">.*?<b>(\d+) of (\d+)</b>', section, re.S)[:12]
        assert len({name for name, *_ in cases}) == 12
        shares = [(int(fooled) + 1) / (int(shown) + 2) for _, fooled, shown in cases]
        assert shares[:6] == sorted(shares[:6], reverse=True)
        assert shares[6:] == sorted(shares[6:])
        assert shares[5] >= shares[11]
        for name, fooled, shown in cases:
            where = ("attentive", method, "", name)
            assert (figures["fooled", *where][0], figures["shown", *where][0]) == (fooled, shown)


def test_the_same_answers_give_the_same_page(study, page, tmp_path):
    assert main(["study", "report", str(study.folder), "-o", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_text("utf-8") == page
    assert (tmp_path / "page.csv").read_bytes() == (study.folder / "report.csv").read_bytes()


@pytest.fixture
def small(tmp_path):
    return write_study(tmp_path / "s", trials=8, photographs=20)


def report(study, *words) -> tuple[int, str]:
    code = main(["study", "report", str(study.folder), *words])
    path = study.folder / "report.html"
    return code, path.read_text("utf-8") if path.exists() else ""


def test_the_rule_of_exclusion_is_stated_with_both_figures(small):
    """Of eight people four do not look; the rates with them and without stand side by side."""

    def answer(person, trial):
        return Answer(trial.number, trial.machine_left == (person < 4))

    write_answers(small.folder / "answers.sqlite", small, answer, 8)
    code, page = report(small)
    assert code == 0
    text = words(page)
    assert "Whoever catches less than 50 % of the catch trials that they answered is excluded. That is 4 part" in text
    assert "24 answers count" in text
    assert "0.0 [0.0," in text
    assert "50.0 [" in text
    code, page = report(small, "--least-caught", "0")
    assert "That is nobody." in words(page)


@pytest.mark.parametrize("people", [0, 1])
def test_few_answers_make_a_page_too(small, people):
    """Of none no rate, and of one person no interval."""
    write_answers(small.folder / "answers.sqlite", small, lambda person, t: Answer(t.number, t.machine_left), people)
    code, page = report(small)
    assert code == 0
    assert ("No answer counts yet" in page) == (people == 0)
    assert "nan" not in words(page)


@pytest.mark.parametrize(
    ("spoil", "arguments", "code", "words"),
    [
        (lambda folder: (folder / "answers.sqlite").unlink(), (), 1, "nothing has been answered"),
        (lambda folder: next((folder / "pictures").iterdir()).write_bytes(b""), (), 1, "was changed after it was made"),
        (lambda folder: (folder / "study.json").unlink(), (), 1, "holds no study"),
        (lambda folder: None, ("-o", "page.pdf"), 2, "end it in .html"),
        (lambda folder: None, ("--least-caught", "1.5"), 2, "must be from 0 to 1"),
    ],
)
def test_what_cannot_be_reported_is_refused_in_one_sentence(small, capsys, spoil, arguments, code, words):
    write_answers(small.folder / "answers.sqlite", small, lambda person, t: Answer(t.number, True), 2)
    spoil(small.folder)
    assert report(small, *arguments) == (code, "")
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
