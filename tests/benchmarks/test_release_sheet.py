"""The sheet of a release: its list, what is coloured and compared, and what is written."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from benchmarks import release_sheet

ROWS = release_sheet.listed()


def test_list_has_48_photographs_of_clear_licence_with_something_to_judge():
    assert len({row["name"] for row in ROWS}) == len({row["path"] for row in ROWS}) == len(ROWS) == 48
    assert set(Counter(row["kind"] for row in ROWS)) == {"historic", "plate", "colour"}
    sources = Path("docs/img/SOURCES.md").read_text(encoding="utf-8")
    for row in ROWS:
        assert row["licence"].startswith(
            "no known restrictions" if row["kind"] == "plate" else ("public domain", "CC0")
        )
        assert row["source"]
        assert {"cast", "blotch"} <= set(row["judged"].split()) <= {"skin", "sky", "grass", "wood", "cast", "blotch"}
        assert row["name"].removeprefix("plate-") in sources


def test_gray_of_a_colour_photograph_has_its_lightness():
    row = next(row for row in ROWS if row["name"] == "astronaut")
    gray, truth = release_sheet.pair(row, Path())
    lightness = rgb2lab(truth)[..., 0]
    assert gray.shape == truth.shape[:2] == (512, 512)
    np.testing.assert_allclose(rgb2lab(np.repeat(gray[..., None], 3, axis=2))[..., 0], lightness, atol=0.5)


@pytest.fixture
def folder(tmp_path):
    """A data folder of two photographs and their list, NAME.csv."""
    (tmp_path / "historic").mkdir()
    Image.fromarray(np.full((60, 90), 119, np.uint8)).save(tmp_path / "historic" / "wall.png")
    Image.fromarray(np.full((60, 90, 3), (139, 90, 43), np.uint8)).save(tmp_path / "door.png")
    with (tmp_path / "list.csv").open("w", newline="") as file:
        written = csv.DictWriter(file, ROWS[0])
        written.writeheader()
        for name, kind, path in (("wall", "historic", "historic/wall.png"), ("door", "colour", "door.png")):
            written.writerow(dict.fromkeys(ROWS[0], "") | {"name": name, "kind": kind, "path": path})
    return tmp_path


def draw(folder, model, output, *more):
    words = ["--models", model, "--data", folder, "--list", folder / "list.csv", "-o", output, "--height", 60, *more]
    release_sheet.main([str(word) for word in words])


def test_each_photograph_beside_its_colours_and_the_truth(folder, tiny):
    draw(folder, tiny, folder / "sheet.png", "--width", 380, "--only", "door")
    with Image.open(folder / "sheet.png") as page:
        gray, coloured, true = (page.getpixel((6 + 45 + 90 * place, 30)) for place in range(3))
    assert gray[0] == gray[1] == gray[2]
    assert true == (139, 90, 43)
    # The model gives a* = 0.2 L* + 10 and b* = 20 - 0.4 L*.
    lightness, a, b = rgb2lab(np.array(coloured, np.uint8))
    assert (a, b) == pytest.approx((0.2 * lightness + 10, 20 - 0.4 * lightness), abs=1.5)


def test_pages_share_the_photographs_out(folder, tiny):
    draw(folder, tiny, folder / "sheet.png", "--pages", 2, "--width", 200)
    # Gray, coloured and true, each 90 x 60, with margins of 6 and a caption of 16.
    for number in (1, 2):
        with Image.open(folder / f"sheet-{number}.png") as page:
            assert page.size == (3 * 90 + 2 * 6, 60 + 16 + 2 * 6)


def test_jpeg_stays_within_its_bytes(tmp_path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8))
    release_sheet.save(noise, tmp_path / "noise.jpg", largest=30_000)
    assert 0 < (tmp_path / "noise.jpg").stat().st_size <= 30_000
    with Image.open(tmp_path / "noise.jpg") as written:
        assert written.size == noise.size


def test_unknown_name_is_refused(folder, tiny, capsys):
    with pytest.raises(SystemExit):
        draw(folder, tiny, folder / "sheet.png", "--only", "wall,window")
    assert "not in the list: window" in capsys.readouterr().err
