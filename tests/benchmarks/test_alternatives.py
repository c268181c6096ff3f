"""The figures and the sheet of alternatives, and the picture in the docs."""

from pathlib import Path

from PIL import Image

from benchmarks import alternatives

ROOT = Path(__file__).parents[2]


def test_it_prints_the_figures_of_a_photograph_and_draws_its_alternatives(tmp_path, capsys):
    with Image.open(ROOT / "examples" / "photographs" / "coleman-hawkins.jpg") as photograph:
        photograph.convert("L").resize((300, 310)).save(tmp_path / "player.png")
    sheet = tmp_path / "sheet.jpg"
    alternatives.main([str(tmp_path / "player.png"), "--count", "2", "--rounds", "1", "--sheet", str(sheet)])
    row = capsys.readouterr().out.splitlines()[-1].strip("| ").split(" | ")
    assert row[:2] == ["player", "2"]
    assert float(row[4]) >= 8
    assert float(row[5]) < float(row[4])
    with Image.open(sheet) as drawn:
        assert alternatives.WIDTH - 3 <= drawn.width <= alternatives.WIDTH


def test_picture_of_the_docs_is_small():
    assert (ROOT / "docs" / "img" / "alternatives.jpg").stat().st_size < 300_000
