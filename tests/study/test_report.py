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
from tintype.study import attention
from tintype.study.answers import Answer
from written_studies import write_study

RATES = {"theirs": 0.2, "ours": 0.4}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "s"
    made = write_study(folder, photographs=40, practice=2, trials=24, catch=1 / 3, exposure=1.0, title="A & <b>")
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
        attentive = (
            "SELECT participant FROM answers JOIN trials USING (participant, number) "
            f"WHERE kind = 'catch' GROUP BY participant HAVING sum(correct) >= {attention.needed(8)}"
        )
        counts = file.execute(
            "SELECT method, photograph, count(*), sum(1 - correct) FROM answers "
            "JOIN trials USING (participant, number) WHERE kind = 'test' "
            f"AND participant IN ({attentive}) GROUP BY method, photograph"
        ).fetchall()
        people = len(file.execute(attentive).fetchall())
    assert figures["excluded", "everyone", "", "", ""][0] == str(40 - people)
    assert people >= 36
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
    assert "40 participants began, 40 came to the end; " in text
    assert "32.3 ± 2.2" in text
    assert "4 participants missed a plate" in text


def test_the_page_says_how_the_truth_was_made_and_what_models_know(study, page, tmp_path):
    text = words(page)
    assert "truth the photograph as it is" in text
    assert text.count("Whether it learned from the photographs shown is not known.") == len(study.methods)
    known = {
        "theirs": {"hashes": 27_000, "photographs": 63_866, "alike": ["1.jpg", "a<b>.jpg"]},
        "ours": {"hashes": 30, "photographs": 30, "alike": []},
    }
    made = write_study(tmp_path / "s", truth_grid=64, known=known, format=3)
    answer_all(made.folder / "answers.sqlite", made, RATES, people=2)
    assert main(["study", "report", str(made.folder)]) == 0
    text = words((made.folder / "report.html").read_text("utf-8"))
    assert "averaged to 64 × 64 places and enlarged as a machine's are" in text
    assert "It learned from 63,866 photographs; 2 of those shown look like one of the 27,000 whose hashes" in text
    assert "are known (1.jpg, a<b>.jpg)." in text
    assert (
        "It learned from 30 photographs; none of those shown looks like one of the 30 whose hashes are known." in text
    )


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
    return write_study(tmp_path / "s", trials=20, photographs=24)


def report(study, *words) -> tuple[int, str]:
    code = main(["study", "report", str(study.folder), *words])
    path = study.folder / "report.html"
    return code, path.read_text("utf-8") if path.exists() else ""


def test_the_rule_of_exclusion_is_stated_with_both_figures(small):
    """Of 24 people 12 do not look; the rates with them and without stand side by side."""

    def answer(person, trial):
        return Answer(trial.number, trial.machine_left == (person % 4 < 2))

    write_answers(small.folder / "answers.sqlite", small, answer, 24)
    code, page = report(small)
    assert code == 0
    text = words(page)
    assert (
        "Whoever caught fewer than 5 of 5 is excluded: somebody who guesses catches so many with a probability" in text
    )
    assert "of 3.1 %. Of those who left earlier, fewer are asked for in the same way. That is 12 participants." in text
    assert "180 answers count" in text
    assert "0.0 [0.0," in text
    assert "50.0 [" in text
    code, page = report(small, "--least-caught", "0.5")
    assert "Whoever caught less than 50 % of the catch trials that they answered is excluded. That is 12" in words(page)
    code, page = report(small, "--least-caught", "0")
    assert "That is nobody." in words(page)


def numbers(path: str) -> list[tuple[float, float]]:
    """The points of an SVG path of absolute M, H, V and L."""
    points, at = [], (0.0, 0.0)
    for letter, words in re.findall("([MHVL])([^A-Za-z]*)", path):
        given = [float(word) for word in words.split()]
        at = {"H": lambda a, g: (g[0], a[1]), "V": lambda a, g: (a[0], g[0])}.get(letter, lambda a, g: tuple(g))(
            at, given
        )
        points.append(at)
    return points


@pytest.mark.parametrize("rate", [0.05, 0.4, 0.75, 1.0])
def test_no_chart_cuts_what_it_shows(small, rate):
    """Neither the axis of the rates, nor that over the test; the bars are as long as the figures say."""
    answer_all(small.folder / "answers.sqlite", small, dict.fromkeys(RATES, min(rate, 0.999)), people=14)
    code, page = report(small, "--least-caught", "0")
    assert code == 0
    charts = re.findall('<svg class="chart".*?</svg>', page, re.S)
    assert len(charts) == 2
    for chart, wide, high in zip(charts, (310, 270), (84, 190), strict=True):
        drawn = re.findall('<path class="(?:interval|naive|line|dot large)" d="([^"]*)"', chart)
        assert len(drawn) >= 4
        for x, y in (point for path in drawn for point in numbers(path)):
            assert 0 <= x <= wide
            assert 0 <= y <= high
    ticks = [int(tick) for tick in re.findall(r'y="99">(\d+)<', charts[0])]
    assert ticks[0] == 0
    assert ticks[-1] <= 100


def test_of_one_finisher_counts_are_shown_and_why_there_is_no_rate(small):
    write_answers(
        small.folder / "answers.sqlite",
        small,
        lambda person, t: Answer(t.number, t.machine_left != (t.number % 3 == 0)),
        1,
    )
    code, page = report(small, "--least-caught", "0")
    assert code == 0
    text = words(page)
    assert re.search(r"(ours|theirs): 1 person of at least 5, 15 answers of at least 30\.", text)
    assert re.search(r"\d of 15 answers", text)
    assert "Not stated: 1 person of at least 5" in text
    assert not re.search(r"\[[\d.]+, [\d.]+\]", text)
    assert "<svg" not in page
    figures = (small.folder / "report.csv").read_text()
    assert not re.search("^(fooling_rate|fooling_rate_binomial|rise_in_ten_trials|left_chosen),", figures, re.M)
    assert re.search("^fooling_rate_answers,attentive,\\w+,,,15,,$", figures, re.M)


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
        (lambda folder: (folder / "study.json").unlink(), (), 1, "contains no study"),
        (lambda folder: None, ("-o", "page.pdf"), 2, "use a name that ends in .html"),
        (lambda folder: None, ("--least-caught", "1.5"), 2, "must be a share from 0 to 1"),
    ],
)
def test_what_cannot_be_reported_is_refused_in_one_sentence(small, capsys, spoil, arguments, code, words):
    write_answers(small.folder / "answers.sqlite", small, lambda person, t: Answer(t.number, True), 2)
    spoil(small.folder)
    assert report(small, *arguments) == (code, "")
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
