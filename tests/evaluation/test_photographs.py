"""Which photographs are measured on, and the squares that are cut out of them."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tintype.errors import DataError, UnsupportedPhoto
from tintype.evaluation.photographs import SMALLEST, Photographs, square
from written_evaluations import photograph


def encoded(pixels: np.ndarray, kind: str = "png", **options) -> bytes:
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, kind, **options)
    return memory.getvalue()


def write(path: Path, number: int = 0, **options) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = photograph(number)
    Image.fromarray(pixels).save(path, **options)
    return pixels


# Which ones


def test_a_folder_in_the_order_of_names_with_all_below(tmp_path):
    last = write(tmp_path / "sea" / "b.PNG", 1)
    first = write(tmp_path / "a.v2.png", 2)
    write(tmp_path / "run" / "truth" / "a.png")
    (tmp_path / "notes.txt").write_text("no photograph")
    found = Photographs(tmp_path, leave_out=[tmp_path / "run"])
    assert found.names == ["a.v2", "sea/b"]
    assert found.source == tmp_path.name
    np.testing.assert_array_equal(found[0], first)
    np.testing.assert_array_equal(found[1], last)
    assert Photographs(tmp_path, limit=1).names == ["a.v2"]


def test_a_tar_in_its_own_order(tmp_path):
    pixels = [photograph(number) for number in range(2)]
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        for name, photo in zip(("x/b.png", "a.png"), pixels, strict=True):
            member = tarfile.TarInfo(name)
            member.size = len(encoded(photo))
            archive.addfile(member, io.BytesIO(encoded(photo)))
        archive.addfile(tarfile.TarInfo("manifest.csv"))
    found = Photographs(tmp_path / "set.tar")
    assert found.names == ["x/b", "a"]
    np.testing.assert_array_equal(found[1], pixels[1])


def test_two_of_one_name_are_refused(tmp_path):
    for name in ("a.png", "b.jpg", "B.webp", "b.tif"):
        write(tmp_path / name)
    with pytest.raises(DataError, match=r"called b .2 photographs "):
        Photographs(tmp_path)


@pytest.mark.parametrize("name", ["nothing", "empty", "notes.txt"])
def test_where_none_are_is_said(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no archive")
    with pytest.raises(DataError, match=name):
        Photographs(tmp_path / name)


def test_one_that_is_too_small_is_named(tmp_path):
    Image.new("RGB", (40, SMALLEST - 1)).save(tmp_path / "strip.png")
    with pytest.raises(UnsupportedPhoto, match=r"strip\.png has 40 x 15"):
        Photographs(tmp_path)[0]
    assert Photographs(tmp_path, side=32)[0].shape == (32, 32, 3)


# Squares


def test_the_centre_is_resized():
    wide = np.zeros((40, 60, 3), np.uint8)
    wide[:, 10:50] = photograph(0, 40)
    expected = Image.fromarray(photograph(0, 40)).resize((20, 20), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(square(wide, 20), np.asarray(expected))


def test_a_square_of_that_side_stays():
    photo = photograph(0, 32)
    assert square(photo, 32) is photo
