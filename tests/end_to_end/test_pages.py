"""Pages of TIFF files and pictures of MPO, HEIC and AVIF files, from the command and from Python to the results."""

import io
import json

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import pyvips
from PIL import Image

from running import errors_of, tintype
from tintype import Colorizer, album, colorize
from tintype.errors import OptionError, UnsupportedPhoto
from tintype.photo import count_pages, read

PAGES = [np.full((40, 50), level, np.uint8) for level in (40, 120, 200)]
LIGHTNESS = [16.25, 50.43, 80.6]
"""CIE L* of sRGB gray 40, 120 and 200."""


def album_of(path, format=None, pages=PAGES):
    images = [Image.fromarray(page) for page in pages]
    images[0].save(path, format, save_all=True, append_images=images[1:])
    return path


def heic_of(path, pages=PAGES):
    file = pillow_heif.HeifFile()
    for page in pages:
        file.add_from_pillow(Image.fromarray(page))
    file.save(path, quality=-1)
    return path


def names(folder):
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if ".tintype" not in path.parts)


def level(path):
    return float(read(path).lightness().mean())


def avif_of(path, pages=PAGES):
    image = pyvips.Image.new_from_array(np.concatenate(pages)[..., None].repeat(3, 2)).copy()
    image.set_type(pyvips.GValue.gint_type, "page-height", len(pages[0]))
    image.heifsave(path, compression="av1", Q=95)
    return path


FILES = {"a.avif": avif_of, "a.tif": album_of, "a.mpo.jpg": lambda path: album_of(path, "MPO"), "a.heic": heic_of}


@pytest.mark.parametrize("name", FILES)
def test_every_page_is_a_photograph_that_can_be_chosen(tmp_path, name):
    path = FILES[name](tmp_path / name)
    assert count_pages(path) == count_pages(path.read_bytes()) == 3
    for number, expected in enumerate(LIGHTNESS, 1):
        assert read(path, page=number).lightness().mean() == pytest.approx(expected, abs=0.6)
    with pytest.raises(UnsupportedPhoto, match=r"3 (pages|photographs|pictures).*: choose with --pages .*page="):
        read(path)
    for number in (0, 4):
        with pytest.raises(UnsupportedPhoto, match=f"has 3 pages, and no page {number}: give a number from 1 to 3"):
            read(path, page=number)


def test_a_file_of_one_photograph_has_a_first_page(tmp_path, encoded_all):
    for path in encoded_all:
        assert count_pages(path) == 1
        assert read(path, page=1).lightness().mean() == pytest.approx(LIGHTNESS[1], abs=0.6)
        with pytest.raises(UnsupportedPhoto, match="has 1 page, and no page 2"):
            read(path, page=2)


@pytest.fixture
def encoded_all(tmp_path):
    paths = []
    for format in ("jpg", "png", "tif", "webp", "bmp", "gif", "jp2", "pgm", "avif"):
        Image.fromarray(PAGES[1]).save(tmp_path / f"one.{format}")
        paths.append(tmp_path / f"one.{format}")
    (tmp_path / "one.jxl").write_bytes(imagecodecs.jpegxl_encode(PAGES[1]))
    return [*paths, tmp_path / "one.jxl", heic_of(tmp_path / "one.heic", PAGES[1:2])]


def test_a_preview_and_a_pyramid_are_not_pages(tmp_path):
    scene = np.random.default_rng(0).integers(0, 256, (30, 40), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    small = np.asarray(Image.fromarray(scene).resize((160, 120), Image.Resampling.BOX))
    for pages in ([scene, small], [small, scene]):
        path = album_of(tmp_path / "p.tif", pages=pages)
        assert count_pages(path) == 1
        assert read(path, page=1).width == 320
    assert count_pages(album_of(tmp_path / "m.jpg", "MPO", [scene, small])) == 1


def test_all_pages_each_with_a_name_of_its_own(tmp_path, tiny):
    album_of(tmp_path / "a.tif")
    Image.fromarray(PAGES[1]).save(tmp_path / "b.png")
    done = tintype("colorize", tmp_path, "--pages", "all", "--json", model=tiny, check=0)
    results = ["a.color.tif", "a.p2.color.tif", "a.p3.color.tif", "b.color.png"]
    assert names(tmp_path) == sorted([*results, "a.tif", "b.png"])
    for name, expected in zip(results, [*LIGHTNESS, LIGHTNESS[1]], strict=True):
        assert level(tmp_path / name) == pytest.approx(expected, abs=0.3)
    lines = [json.loads(line) for line in done.stdout.splitlines()][:-1]
    assert {(line["output"].rsplit("/", 1)[-1], line["page"]) for line in lines} == set(
        zip(results, [1, 2, 3, None], strict=True)
    )


def test_a_run_over_pages_goes_on_where_it_stopped(tmp_path, tiny):
    album_of(tmp_path / "a.tif")
    tintype("colorize", tmp_path / "a.tif", "--pages", "2", model=tiny, check=0)
    assert names(tmp_path) == ["a.p2.color.tif", "a.tif"]
    done = tintype("colorize", tmp_path, "--pages", "all", model=tiny, check=0)
    assert "2 coloured" in errors_of(done)[-1]
    assert "1 skipped as done already" in errors_of(done)[-1]
    done = tintype("colorize", tmp_path, "--pages", "all", model=tiny, check=0)
    assert "3 skipped as done already" in errors_of(done)[-1]
    # Results that have lost their mark are results by their names.
    Image.open(tmp_path / "a.p2.color.tif").save(tmp_path / "a.p2.color.tif")
    done = tintype("colorize", tmp_path, "--pages", "all", "--overwrite", model=tiny, check=0)
    assert len(names(tmp_path)) == 4


def test_another_page_under_the_same_name_is_made_again(tmp_path, tiny):
    album_of(tmp_path / "a.tif")
    for page in (2, 3):
        tintype("colorize", tmp_path / "a.tif", "--pages", str(page), "-o", tmp_path / "out.tif", model=tiny, check=0)
        assert level(tmp_path / "out.tif") == pytest.approx(LIGHTNESS[page - 1], abs=0.3)


def test_pages_in_a_folder_and_collisions(tmp_path, tiny):
    (tmp_path / "in").mkdir()
    album_of(tmp_path / "in/a.tif")
    Image.fromarray(PAGES[0]).save(tmp_path / "in/a.p2.tif")
    tintype("colorize", tmp_path / "in", "-o", tmp_path / "out", "--pages", "1,2", model=tiny, check=1)
    found = names(tmp_path / "out")
    assert len(found) == 3
    assert sorted(round(level(tmp_path / "out" / name)) for name in found) == [16, 16, 51]
    tasks = album.plan([tmp_path / "in"], tmp_path / "out", pages="all").tasks
    assert len({task.output for task in tasks}) == len(tasks) == 4


def test_first_takes_the_first_of_every_file(tmp_path, tiny):
    album_of(tmp_path / "a.tif")
    heic_of(tmp_path / "b.heic")
    Image.fromarray(PAGES[2]).save(tmp_path / "c.gif")
    tintype("colorize", tmp_path, "--pages", "first", model=tiny, check=0)
    assert level(tmp_path / "a.color.tif") == pytest.approx(LIGHTNESS[0], abs=0.3)
    assert level(tmp_path / "b.color.png") == pytest.approx(LIGHTNESS[0], abs=0.6)
    assert level(tmp_path / "c.color.png") == pytest.approx(LIGHTNESS[2], abs=0.3)


def test_what_pages_cannot_mean(tmp_path, tiny):
    path = album_of(tmp_path / "a.tif")
    for text in ("0", "-1", "some", ",", "1-3", "9" * 5000, "²"):
        done = tintype("colorize", path, f"--pages={text}", model=tiny, check=2)
        assert "--pages takes all, first, or numbers" in errors_of(done)[-1]
    done = tintype("colorize", path, "--pages", "all", "-o", tmp_path / "b.tif", model=tiny, check=2)
    assert "is one file, and 3 pages are to be coloured: name a folder" in errors_of(done)[-1]
    done = tintype("colorize", path, "--pages", "7", model=tiny, check=1)
    assert "has 3 pages, and no page 7" in errors_of(done)[0]
    done = tintype("colorize", path, model=tiny, check=1)
    assert "choose with --pages" in errors_of(done)[0]
    done = tintype("colorize", "-", "--pages", "1,2", model=tiny, check=2, input=path.read_bytes())
    assert "for one photograph" in errors_of(done)[-1]


def test_a_page_of_standard_input(tmp_path, tiny):
    path = album_of(tmp_path / "a.tif")
    done = tintype("colorize", "-", "--pages", "3", model=tiny, check=0, input=path.read_bytes())
    assert read(done.stdout).lightness().mean() == pytest.approx(LIGHTNESS[2], abs=0.3)


def test_pages_in_python(tmp_path, tiny):
    path = album_of(tmp_path / "a.tif")
    colour = Colorizer(tiny)
    assert colour(path, page=2) == tmp_path / "a.p2.color.tif"
    assert colorize(path, page=1, model=tiny) == tmp_path / "a.color.tif"
    assert read(colour(path.read_bytes(), page=3)).lightness().mean() == pytest.approx(LIGHTNESS[2], abs=0.3)
    buffer = io.BytesIO()
    colour.file(path, buffer, page=2)
    assert read(buffer.getvalue()).lightness().mean() == pytest.approx(LIGHTNESS[1], abs=0.3)
    for page in (0, True, 1.5, "2"):
        with pytest.raises(OptionError, match="The page must be a whole number of at least 1"):
            colour(path, page=page)
    with pytest.raises(OptionError, match="A page can be chosen only of an image file"):
        colour(PAGES[0], page=1)


def test_a_folder_of_nothing_but_what_needs_an_extra_or_is_raw_ends_with_1(tmp_path, tiny, monkeypatch):
    heic_of(tmp_path / "a.heic", PAGES[:1])
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    done = tintype("colorize", tmp_path, model=tiny, check=1)
    assert "a.heic is a HEIC photograph, which tintype reads with an extra" in errors_of(done)[0]
    assert 'pip install ".[formats]"' in errors_of(done)[0]
    assert "passed over" not in errors_of(done)[-1]
    (tmp_path / "a.heic").rename(tmp_path / "a.nef")
    done = tintype("colorize", tmp_path, model=tiny, check=1)
    assert "1 .nef" in errors_of(done)[-1]
    assert "no photographs" not in errors_of(done)[-1]


def test_the_mpo_of_a_camera_is_the_same_through_pillow(tmp_path):
    scene = np.random.default_rng(0).integers(0, 256, (30, 40), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    small = np.asarray(Image.fromarray(scene).resize((80, 60)))
    path = album_of(tmp_path / "camera.jpg", "MPO", [scene, small])
    from tintype.photo import from_array

    with Image.open(path) as image:
        assert image.format == "MPO"
        photo = from_array(image)
    assert np.abs(photo.lightness() - read(path).lightness()).mean() < 0.5
    with Image.open(album_of(tmp_path / "two.jpg", "MPO")) as image, pytest.raises(UnsupportedPhoto, match="3 frames"):
        from_array(image)
