import base64
import csv
import hashlib
import json
import re
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tintype.cli import main
from tintype.errors import DataError
from tintype.evaluation import report
from written_evaluations import write_evaluation


class Reader(HTMLParser):
    """The tables of a page, as rows of text, the cells that the first one marks, and the headings."""

    def __init__(self, text: str):
        super().__init__()
        self.tables, self.headings, self.marked = [], [], []
        self._cell = self._heading = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self._cell = ""
            if len(self.tables) == 1 and dict(attributes).get("class") == "best":
                self.marked.append((self.tables[-1][-1][0], len(self.tables[-1][-1])))
        elif tag in ("h1", "h2", "h3"):
            self._heading = ""

    def handle_data(self, data):
        if self._cell is not None:
            self._cell += data
        if self._heading is not None:
            self._heading += data

    def handle_endtag(self, tag):
        if tag in ("th", "td"):
            self.tables[-1][-1].append(" ".join(self._cell.split()))
            self._cell = None
        elif tag in ("h1", "h2", "h3"):
            self.headings.append((tag, self._heading))
            self._heading = None


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return write_evaluation(tmp_path_factory.mktemp("evaluation") / "run")


@pytest.fixture(scope="module")
def page(run) -> str:
    report.write([run], run.parent / "report.html")
    return (run.parent / "report.html").read_text("utf-8")


def made(folders, tmp_path, **settings) -> str:
    report.write(folders, tmp_path / "report.html", **settings)
    return (tmp_path / "report.html").read_text("utf-8")


def drawn(page: str) -> list[str]:
    """The photographs of the sample, in their order."""
    return re.findall(r'<h3 class="photo">(.*?)</h3>', page)


def test_the_figures_are_those_of_the_run(run, page):
    main, *_ = Reader(page).tables
    with (run / "metrics.csv").open(encoding="utf-8") as file:
        said = {
            (row["model"], row["metric"]): float(row["value"])
            for row in csv.DictReader(file)
            if row["photo"] == "(set)"
        }
    assert [row[0] for row in main[1:]] == ["truth", "gray", "prior-mean", "random", "pale", "vivid"]
    psnr, ciede, auc = (1 + ["psnr", "ciede2000", "auc"].index(name) for name in ("psnr", "ciede2000", "auc"))
    for model, *cells in main[2:]:
        for column, metric in ((psnr, "psnr"), (ciede, "ciede2000"), (auc, "auc")):
            value, low, high = re.fullmatch(r"([\d.]+) \[([\d.]+), ([\d.]+)\]", cells[column - 1]).groups()
            assert float(value) == pytest.approx(said[model, metric], abs=0.0051)
            assert float(low) < float(value) < float(high)


def test_the_best_model_is_marked_and_no_baseline(page):
    marked = Reader(page).marked
    assert ("vivid", 2) in marked  # CIEDE2000
    assert {model for model, _ in marked} <= {"pale", "vivid"}


def test_what_equals_the_truth_is_the_best(tmp_path):
    run = write_evaluation(tmp_path / "run")
    with np.load(run / "measured" / "pale.npz") as file:
        arrays = dict(file)
    np.savez(run / "measured" / "pale.npz", **arrays | {"psnr": np.full(4, np.inf)})
    found = Reader(made([run], tmp_path))
    assert found.tables[0][-2][:2] == ["pale", "∞"]
    assert ("pale", 1) in found.marked
    assert ("vivid", 1) not in found.marked


def test_a_single_model_is_the_best_of_nobody(tmp_path):
    run = write_evaluation(tmp_path / "run", {"pale": 0.5})
    assert Reader(made([run], tmp_path)).marked == []


def test_each_picture_is_in_the_page_once(page):
    held = re.findall(r'<image id="(p\d+)" width="\d+" height="\d+" href="(data:image/jpeg;base64,[^"]+)"', page)
    shown = re.findall(r'<use href="#(p\d+)"/>', page)
    assert len({data for _, data in held}) == len(held) == 4 * 4  # gray, two models and the truth of four photographs
    assert set(shown) == {name for name, _ in held}
    assert len(shown) > len(held)


def test_it_asks_the_network_for_nothing_and_allows_nothing(page):
    links = re.findall(r'(?:href|src|srcset|action)="([^"]*)"', page)
    assert all(link.startswith(("#", "data:")) for link in links)
    assert "url(" not in page
    assert "@import" not in page
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none';")
    for tag in ("style", "script"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.S)[1]
        assert f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'" in policy
    assert not re.search(r'\sstyle="|\son\w+="', page)  # which the policy would leave without effect


def test_the_same_run_gives_the_same_page(run, page, tmp_path):
    assert made([run], tmp_path) == page


def test_names_are_text_and_never_markup(tmp_path):
    label, photo = '<b onclick="x">&', '"><script>alert(1)<'
    run = write_evaluation(tmp_path / "run", {label: 0.5}, (photo, "two"))
    page = made([run], tmp_path)
    assert label not in page
    assert photo not in page
    assert page.count("<script>") == 1
    assert [row[0] for row in Reader(page).tables[0]][-1] == label


def test_a_fair_sample_is_drawn_by_the_seed(run, tmp_path):
    first = drawn(made([run], tmp_path, photographs=2, seed=1))
    assert len(first) == 2
    assert drawn(made([run], tmp_path, photographs=2, seed=2)) != first


def test_without_photographs_of_the_sample_the_best_and_worst_stay(run, tmp_path):
    page = made([run], tmp_path, photographs=0)
    assert drawn(page) == []
    assert ("h2", "Best and worst") in Reader(page).headings


def test_the_best_are_those_that_gain_most_over_gray(run, page):
    files = {model: np.load(run / "measured" / f"{model}.npz") for model in ("gray", "pale")}
    gain = files["gray"]["ciede2000"] - files["pale"]["ciede2000"]
    named = re.search(r"<b>best, 1</b>: (\S+), gain \+([\d.]+)<", page)
    assert named[1] == files["gray"]["photos"][gain.argmax()]
    assert float(named[2]) == pytest.approx(gain.max(), abs=0.051)


def test_headings_are_in_order(page):
    levels = [int(tag[1]) for tag, _ in Reader(page).headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_only_a_model_with_a_distribution_has_a_diagram_of_reliability(page, tmp_path):
    section = re.search(r'<section id="reliability">(.*?)</section>', page, re.S)[1]
    assert re.findall(r"<h3>(.*?)</h3>", section) == ["vivid"]
    run = write_evaluation(tmp_path / "run", {"pale": 0.5})
    assert 'id="reliability"' not in made([run], tmp_path)


def test_one_photograph_has_no_intervals(tmp_path):
    run = write_evaluation(tmp_path / "run", photos=("one",))
    page = made([run], tmp_path)
    assert "no interval can be given" in page
    assert not any("[" in cell for table in Reader(page).tables for row in table for cell in row)


def test_a_run_without_areas_lacks_their_columns_alone(tmp_path):
    run = write_evaluation(tmp_path / "run", areas=False)
    page = made([run], tmp_path)
    heads = Reader(page).tables[0][0]
    assert any(head.startswith("PSNR") for head in heads)
    assert not any(head.startswith("auc") for head in heads)


def test_models_of_several_runs_stand_together(run, tmp_path):
    other = write_evaluation(tmp_path / "other", {"bright": 0.9})
    models = [row[0] for row in Reader(made([run, other], tmp_path)).tables[0][1:]]
    assert models == ["truth", "gray", "prior-mean", "random", "pale", "vivid", "bright"]


def test_the_size_of_a_model_is_shown(tmp_path):
    run = write_evaluation(tmp_path / "run", {"small": 0.5})
    protocol = json.loads((run / "protocol.json").read_text())
    models = {"small": {"file": "small.onnx", "bytes": 1_234_567}}
    (run / "protocol.json").write_text(json.dumps(protocol | {"models": models}))
    costs = next(table for table in Reader(made([run], tmp_path)).tables if table[0][-1] == "file, MB")
    assert costs[1][-1] == "1.23"


def test_two_models_of_one_label_have_the_names_of_their_runs_and_the_same_stands_once(run, tmp_path):
    other = write_evaluation(tmp_path / "other", {"pale": 0.4, "vivid": 1.3})
    models = [row[0] for row in Reader(made([run, other], tmp_path)).tables[0][1:]]
    assert models[4:] == ["run/pale", "vivid", "other/pale"]


def test_runs_of_different_protocols_are_refused_by_the_field(run, tmp_path):
    other = write_evaluation(tmp_path / "other", gray="blue")
    with pytest.raises(DataError, match=r"cannot be shown on one page.* gray \(CIE L\* and blue\)"):
        made([run, other], tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_a_lost_picture_is_named(tmp_path):
    run = write_evaluation(tmp_path / "run")
    (run / "predictions" / "pale" / "beach.png").unlink()
    with pytest.raises(DataError, match=r"pale/beach\.png cannot be read \(No such file or directory\)"):
        made([run], tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["report", "-o", "p.html"], 2, "Name at least one run"),
        (["report", "nothing", "-o", "p.html"], 1, "nothing is not a run"),
        (["report", "RUN", "-o", "p.pdf"], 2, "p.pdf is not the name of a page: use a name that ends in .html"),
        (["report", "RUN", "-o", "missing/p.html"], 1, "missing/p.html cannot be written"),
        (["report", "RUN", "-o", "p.html", "--photographs", "-1"], 2, "must be 0 or more, not -1"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(arguments, code, said, run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([str(run) if word == "RUN" else word for word in arguments]) == code
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_jinja2_one_sentence_says_what_to_install(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert main(["report", str(run), "-o", str(tmp_path / "p.html")]) == 1
    assert 'pip install ".[report]"' in capsys.readouterr().err


def test_the_command_writes_the_page(run, page, tmp_path, capsys):
    assert main(["report", str(run), "-o", str(tmp_path / "p.html")]) == 0
    assert (tmp_path / "p.html").read_text("utf-8") == page
    assert capsys.readouterr().out.strip() == str(tmp_path / "p.html")
