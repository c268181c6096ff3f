"""Local hints: what is counted as the object, what a hint is said to change, and the list of photographs."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import hints_local
from tintype import Colorizer
from tintype.hints import draw_hints

LIST = json.loads(hints_local.CASES.read_text(encoding="utf-8"))

SQUARE = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]


def test_band_along_outline_is_neither_object_nor_rest():
    inside, outside = hints_local.areas(SQUARE, (200, 400))
    # The square is 200 x 100 pixels, the band 0.02 * 200 = 4 wide, half of it on each side.
    assert inside.sum() == pytest.approx(196 * 96, rel=0.02)
    assert outside.sum() == pytest.approx(200 * 400 - 204 * 104, rel=0.01)
    assert not (inside & outside).any()
    assert inside[100, 200]
    assert outside[10, 10]
    assert not (inside | outside)[50, 200]


def test_hint_changes_the_object_that_it_lies_on_and_no_more(tiny):
    # This model adds a hint's a*, b* to the pixels under it and has no other way to use it.
    colorize = Colorizer(tiny)
    gray = np.full((128, 128), 200, np.uint8)
    gray[32:96, 32:96] = 80
    case = {"outline": SQUARE, "hint": [0.5, 0.5, "#8b5a2b"]}
    without = colorize(gray)
    _, row = hints_local.differences(colorize, gray, without, case, scale=6)
    assert row["hint"] == pytest.approx(row["target"], rel=0.1)
    assert row["object"] == pytest.approx(row["target"], rel=0.1)
    assert row["rest"] < 1
    # What the list calls the object is what counts: here, half of it is of another lightness.
    gray[32:96, 32:70] = 200
    case["hint"][0] = 0.7
    _, row = hints_local.differences(colorize, gray, colorize(gray), case)
    assert row["hint"] > 10
    assert row["object"] < 2


def test_further_clicks_lie_far_from_the_first_with_their_whole_disc_on_the_object():
    case = {"outline": SQUARE, "hint": [0.3, 0.3, "#8b5a2b"]}
    first, second, third = hints_local.clicks(case, (200, 400), 3)
    assert (first.x, first.y) == (120, 60)
    inside, _ = hints_local.areas(SQUARE, (200, 400))
    for hint in (second, third):
        y, x = np.nonzero(draw_hints([hint], (200, 400), (200, 400))[2])
        assert inside[y, x].all()
    # The square is 200 to 100 pixels: its lower right corner is farthest, then what is as far from both, on its top.
    assert (second.x, second.y) == pytest.approx((293, 143), abs=4)
    ways = [np.hypot(third.x - other.x, third.y - other.y) for other in (first, second)]
    assert ways[0] == pytest.approx(ways[1], abs=3)
    assert third.y == pytest.approx(57, abs=4)
    assert (
        len(
            hints_local.clicks(
                {**case, "outline": [[0.29, 0.25], [0.31, 0.25], [0.31, 0.75], [0.29, 0.75]]}, (200, 400), 2
            )
        )
        == 2
    )


def test_thirty_photographs_of_known_source_with_hint_on_object():
    assert len({case["photograph"] for case in LIST}) == len(LIST) == 30
    sources = Path("docs/img/SOURCES.md").read_text(encoding="utf-8")
    for case in LIST:
        name = case["photograph"]
        row = next(line for line in sources.splitlines() if line.startswith(f"| {name} |"))
        assert re.search("public domain|PD", row, re.IGNORECASE), name
        inside, _ = hints_local.areas(case["outline"], (400, 400))
        x, y, color = case["hint"]
        assert inside[int(400 * y), int(400 * x)], name
        assert re.fullmatch("#[0-9a-f]{6}", color)


def test_table_and_sheet(tiny, tmp_path, capsys):
    folder = tmp_path / "historic" / "bw"
    folder.mkdir(parents=True)
    Image.fromarray(np.full((90, 120), 119, np.uint8)).save(folder / "wall.jpg")
    cases = tmp_path / "cases.json"
    cases.write_text(
        json.dumps([{"photograph": "wall", "object": "brick", "hint": [0.5, 0.5, "#8b5a2b"], "outline": SQUARE}])
    )
    drawn = tmp_path / "sheet.jpg"
    words = [
        "--model",
        tiny,
        "--data",
        tmp_path,
        "--cases",
        cases,
        "--radii",
        "1,40",
        "--clicks",
        "2",
        "--height",
        "60",
        "--sheet",
        drawn,
    ]
    hints_local.main([str(word) for word in words])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| wall | brick | ")
    assert [line.split(" | ")[0] for line in lines[-2:]] == ["| x 1", "| x 40"]
    with Image.open(drawn) as picture:
        assert picture.size[1] > 60
