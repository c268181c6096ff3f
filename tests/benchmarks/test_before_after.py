"""README's picture: from example photographs that the release's sheet calls right, and small enough to load."""

import re
from pathlib import Path

from PIL import Image

from benchmarks import before_after

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "img" / "before-after.jpg"

SHEET = {
    "dust-bowl-house": "getty-lange-house",
    "count-basie": "gottlieb-basie",
    "milwaukee-1936": "fsa-8b28648",
    "coleman-hawkins": "gottlieb-hawkins",
}
"""What docs/experiments.md calls them."""


def test_photographs_are_examples_without_a_fault():
    names = [name for row in before_after.ROWS for name in row]
    assert sorted(names) == sorted(SHEET)
    page = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    for name in names:
        assert (ROOT / "examples" / "photographs" / f"{name}.jpg").is_file()
        (verdict,) = re.findall(rf"^\| {SHEET[name]} \|(.*)\|.*\|.*\|$", page, re.MULTILINE)
        assert "right" in verdict
        assert "wrong" not in verdict


def test_picture_is_small():
    assert PICTURE.stat().st_size <= before_after.LARGEST
    with Image.open(PICTURE) as picture:
        assert picture.width == before_after.WIDTH


def test_rows_have_one_width_and_one_height():
    gray, colour = Image.new("L", (300, 200), 80), Image.new("RGB", (300, 200), (90, 70, 60))
    tall = Image.new("L", (150, 200), 80)
    row = before_after.row([(gray, colour), (tall, tall)], 500)
    assert sum(tile.width for tile in row) + 3 * before_after.GAP == 500
    (height,) = {tile.picture.height for tile in row}
    assert abs(height - (500 - 3 * before_after.GAP) / 4.5) < 1
    assert row[1].picture.getpixel((50, 30)) == (90, 70, 60)
