"""`tintype compare`: tables for the eye and for Markdown, JSON for programs, and what it refuses."""

import json

import pytest

from tintype.cli.compare import compare
from tintype.errors import DataError, OptionError, UnwritableFile
from written_evaluations import write_evaluation


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_evaluation(tmp_path_factory.mktemp("evaluation") / "run", {"pale": 0.5, "or|other": 0.9})


def rows(printed: str) -> list[list[str]]:
    """The cells of the Markdown tables, without their heads."""
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] != "model" and set(row[0]) != {"-"}]


def test_each_metric_has_a_table_with_the_best_first(run, capsys):
    assert compare(run) == 0
    printed = capsys.readouterr().out
    assert "4 photographs of painted; centre square, 32 pixels; gray: CIE L*" in printed
    assert "4 photographs are few" in printed
    for line in ("psnr in dB: more is better", "colorfulness: best is the truth's", "dcf: best is 0"):
        assert line in printed
    table = rows(printed)
    assert len(table) == 4 * 5
    best, second = table[:2]
    assert best[0] == "or&#124;other"
    assert best[2:] == ["", ""]
    assert second[2].startswith("-")
    assert second[3] in ("real", "not told apart")


def test_all_are_held_against_one(run, capsys):
    compare(run, metrics=("psnr",), against="gray", only=("beach", "market", "street"))
    printed = capsys.readouterr().out
    assert "3 photographs of painted that begin with beach or market or street" in printed
    assert "+ is better than gray" in printed
    table = {row[0]: row[2] for row in rows(printed)}
    assert table["gray"] == ""
    assert table["pale"].startswith("+")


def test_all_pairs_are_written_for_programs(run, tmp_path, capsys):
    compare(run, metrics=("ciede2000",), json=tmp_path / "pairs.json")
    values = json.loads((tmp_path / "pairs.json").read_bytes())
    (ranking,) = values["rankings"]
    assert (values["runs"], values["photographs"], ranking["better"]) == (["run"], 4, "less")
    assert len(ranking["pairs"]) == 5 * 4 / 2
    shown = rows(capsys.readouterr().out)
    assert [place["model"].replace("|", "&#124;") for place in ranking["places"]] == [row[0] for row in shown]
    with pytest.raises(UnwritableFile):
        compare(run, json=tmp_path)


def test_on_a_terminal_it_is_a_table_without_markdown(run, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    compare(run, metrics=("psnr",))
    printed = capsys.readouterr().out
    assert "or|other" in printed
    assert "---" not in printed
    compare(run, metrics=("psnr",), markdown=True)
    assert "|---|" in capsys.readouterr().out


def test_what_cannot_be_compared_is_said(run, tmp_path):
    with pytest.raises(OptionError, match="Name a run"):
        compare()
    with pytest.raises(DataError, match="is not a run"):
        compare(run, tmp_path)
    with pytest.raises(OptionError, match="no model vivid to compare against: choose from gray, "):
        compare(run, against="vivid")
    with pytest.raises(OptionError, match="No metric colour to rank by: choose from psnr, "):
        compare(run, metrics=("psnr", "colour"))
