"""Curves over damages, drawn from a small table."""

import pytest

from tintype.errors import DataError, OptionError
from tintype.plots import figure, robustness

KEPT = {("film", "cie"): 100, ("film", "blue"): 70, ("noise", "5"): 90, ("noise", "20"): 30, ("jpeg", "5"): 40}


@pytest.fixture
def run(tmp_path):
    lines = [",".join(robustness.COLUMNS)]
    for (kind, level), kept in KEPT.items():
        for model, share in (("ours", kept), ("theirs", kept / 2), ("prior-mean", 100)):
            lines.append(f"{kind},{level},{model},gain_kept,{share}")
            lines.append(f"{kind},{level},{model},gain_kept_low,{share - 4}")
            lines.append(f"{kind},{level},{model},gain_kept_high,{share + 3}")
        lines += [f"{kind},{level},truth,colorfulness,44", f"{kind},{level},ours,colorfulness,30"]
    (tmp_path / "robustness.csv").write_text("\n".join(lines))
    return tmp_path


def panels(page):
    return {panel.get_title(loc="left"): panel for panel in page.axes if panel.get_visible()}


def test_a_panel_per_kind_has_a_line_per_model_from_no_damage_to_the_greatest(run):
    drawn = panels(robustness.draw(robustness.read_table(run), "gain_kept"))
    assert list(drawn) == ["film", "noise: sigma in codes", "JPEG: quality"]
    noise = drawn["noise: sigma in codes"]
    assert [tick.get_text() for tick in noise.get_xticklabels()] == ["none", "5", "20"]
    curves = [list(line.get_ydata()) for line in noise.lines if len(line.get_ydata()) == 3]
    assert curves == [[100, 90, 30], [50, 45, 15]]
    assert [tick.get_text() for tick in drawn["film"].get_xticklabels()] == ["cie", "blue"]
    assert len(noise.collections) == 2, "a band for each model's intervals"


def test_another_metric_is_drawn_beside_the_true_level(run):
    page = robustness.draw(robustness.read_table(run), "colorfulness")
    levels = [list(line.get_ydata()) for line in panels(page)["film"].lines if line.get_linestyle() == "--"]
    assert [44, 44] in levels
    assert "the true colours" in {text.get_text() for text in page.legends[0].get_texts()}


def test_the_same_table_gives_the_same_picture(run, tmp_path):
    for name in ("a.png", "b.png"):
        figure.save(
            robustness.draw(robustness.read_table(run / "robustness.csv"), "gain_kept", ["theirs"]), tmp_path / name
        )
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_what_is_not_there_is_said(run, tmp_path):
    table = robustness.read_table(run)
    with pytest.raises(OptionError, match="it has gain_kept, colorfulness"):
        robustness.draw(table, "auc")
    with pytest.raises(OptionError, match="no gain_kept of nobody"):
        robustness.draw(table, "gain_kept", ["nobody"])
    (tmp_path / "other.csv").write_text("model,photo\na,b\n")
    with pytest.raises(DataError, match="not a table of tintype robustness"):
        robustness.read_table(tmp_path / "other.csv")
    with pytest.raises(DataError, match="cannot be read"):
        robustness.read_table(tmp_path / "none.csv")
