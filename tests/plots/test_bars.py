import csv

import numpy as np
import pytest

from tintype.errors import DataError, OptionError
from tintype.evaluation.results import SET, read_run
from tintype.plots import bars
from written_evaluations import write_evaluation
from written_runs import write_run


def write_table(path, rows, columns=bars.COLUMNS):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


@pytest.fixture
def table(tmp_path):
    """Two models on three photographs; `ours` is better by 1, 2 and 3."""
    rows = [("ours", f"p{i}", "psnr", 20 + 10 * i + i + 1) for i in range(3)]
    rows += [("gray", f"p{i}", "psnr", 20 + 10 * i) for i in range(3)]
    return bars.read_table(write_table(tmp_path / "table.csv", rows))


def test_bars_of_runs_are_those_of_the_last_validation(tmp_path):
    drawn = bars.of_runs([write_run(tmp_path / "a"), write_run(tmp_path / "b", offset=1)])
    assert drawn == {
        "loss": [bars.Bar("a", 1.5), bars.Bar("b", 2.5)],
        "chroma": [bars.Bar("a", 12.0), bars.Bar("b", 12.0)],
    }


def test_bars_of_a_table_are_means_with_intervals(table):
    (ours, gray) = bars.of_table(table)["psnr"]
    assert (ours.model, ours.value, ours.photographs) == ("ours", pytest.approx(32), 3)
    assert gray.value == pytest.approx(30)
    assert 20 <= gray.low < 30 < gray.high <= 40


def test_differences_are_taken_photograph_by_photograph(table):
    (ours,) = bars.of_table(table, against="gray")["psnr"]
    # Unpaired, the photographs' own spread of 10 dB would hide the difference.
    assert ours.value == pytest.approx(2)
    assert 1 <= ours.low < 2 < ours.high <= 3


def test_the_row_of_the_set_is_no_photograph(tmp_path):
    """The table of an evaluation has a row for the set: two photographs are two, and their interval is their own."""
    rows = [("ours", "one", "psnr", 20), ("ours", "two", "psnr", 30), ("gray", "one", "psnr", 18)]
    rows += [("gray", "two", "psnr", 26), ("ours", SET, "psnr", 25), ("gray", SET, "psnr", 22)]
    table = bars.read_table(write_table(tmp_path / "metrics.csv", rows))
    (ours, _) = bars.of_table(table)["psnr"]
    assert (ours.value, ours.photographs) == (25, 2)
    assert (ours.low, ours.high) == pytest.approx((20.25, 29.75), abs=0.1)
    # Of two photographs the share of one is drawn uniformly from 0 to 1.
    (apart,) = bars.of_table(table, "gray")["psnr"]
    assert (apart.value, apart.photographs) == (3, 2)
    assert (apart.low, apart.high) == pytest.approx((2.05, 3.95), abs=0.02)


def test_what_only_the_set_has_is_drawn_without_an_interval(tmp_path):
    rows = [("ours", SET, "auc_balanced", 70.5), ("gray", SET, "auc_balanced", 67.25)]
    table = bars.read_table(write_table(tmp_path / "metrics.csv", rows))
    assert bars.of_table(table) == {"auc_balanced": [bars.Bar("ours", 70.5), bars.Bar("gray", 67.25)]}
    assert bars.of_table(table, "gray") == {"auc_balanced": [bars.Bar("ours", 3.25)]}
    panel = bars.draw(bars.of_table(table)).axes[0]
    assert panel.get_title("left") == "auc_balanced, %"
    assert [patch.get_width() for patch in panel.patches] == [70.5, 67.25]


def test_the_table_of_an_evaluation_has_its_photographs_and_no_more(tmp_path):
    run = write_evaluation(tmp_path / "run")
    drawn = bars.of_table(bars.read_table(run / "metrics.csv"))
    figures = read_run(run).figures("pale")
    for metric in ("psnr", "auc", "colorfulness"):
        (pale,) = (bar for bar in drawn[metric] if bar.model == "pale")
        assert pale.value == pytest.approx(figures[metric], rel=1e-4)
        assert pale.photographs == (None if metric == "auc" else 4)


def test_the_interval_is_that_of_the_normal_law_for_many_photographs():
    values = np.random.default_rng(1).normal(5, 2, 2000)
    (bar,) = bars.of_table({"psnr": {"ours": {str(number): value for number, value in enumerate(values)}}})["psnr"]
    error = values.std(ddof=1) / np.sqrt(len(values))
    np.testing.assert_allclose([bar.low, bar.high], values.mean() + 1.96 * error * np.array([-1, 1]), atol=0.15 * error)


def test_what_is_drawn_is_what_was_measured(table):
    panel = bars.draw(bars.of_table(table)).axes[0]
    assert [patch.get_width() for patch in panel.patches] == pytest.approx([32, 30])
    assert [label.get_text() for label in panel.get_yticklabels()] == ["ours", "gray"]
    assert panel.get_xlim()[0] == 0
    assert {"32.00", "30.00"} <= {text.get_text() for text in panel.texts}


def test_points_need_no_zero_and_undecided_differences_are_gray(table):
    assert bars.draw(bars.of_table(table), points=True).axes[0].get_xlim()[0] > 10
    table["psnr"]["other"] = {"p0": 19.0, "p1": 31.0, "p2": 40.0}
    ours, other = bars.draw(bars.of_table(table, "gray"), against="gray").axes[0].patches
    assert ours.get_facecolor()[:3] != other.get_facecolor()[:3]
    assert len(set(other.get_facecolor()[:3])) == 1


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        ([], bars.COLUMNS, "no lines"),
        ([("a", "p", 1)], ("model", "photo", "value"), "no column metric"),
        ([("a", "p", "psnr", "much")], bars.COLUMNS, "line 2: 'much'"),
        ([("a", "p", "psnr", 1)] * 2, bars.COLUMNS, "line 3: psnr of a on p occurs twice"),
    ],
)
def test_a_table_that_cannot_be_used_is_said(tmp_path, rows, columns, words):
    with pytest.raises(DataError, match=words):
        bars.read_table(write_table(tmp_path / "table.csv", rows, columns))


def test_wrong_wishes_are_named(tmp_path, table):
    with pytest.raises(OptionError, match="no model theirs in the table; there are ours, gray"):
        bars.of_table(table, "theirs")
    with pytest.raises(OptionError, match="metric named ssim; choose from psnr"):
        bars.draw(bars.of_table(table), ["ssim"])
    table["psnr"]["other"] = {"elsewhere": 1.0}
    with pytest.raises(DataError, match="no photograph in common"):
        bars.of_table(table, "gray")
    with pytest.raises(DataError, match="cannot be read"):
        bars.read_table(tmp_path / "none.csv")
