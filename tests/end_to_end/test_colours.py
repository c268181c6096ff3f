"""A file in colour is the same photograph to whoever reads it: what is prepared, measured, and shown in a study."""

import csv
import io
import shutil

import numpy as np
import pytest
import pyvips
from PIL import Image

from tintype.cli import main
from tintype.data.prepare import Settings, prepare
from tintype.data.shards import Photographs as Shards
from tintype.data.shards import shard_paths
from tintype.evaluation.photographs import Photographs
from tintype.photo import read_colour
from tintype.study.design import read_study
from written_evaluations import photograph

SIDE = 40
"""Squares so small that shards keep them without loss, and studies as they are."""


def stored(pixels: np.ndarray, kind: str, **options) -> bytes:
    memory = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(memory, kind, **options)
    return memory.getvalue()


def through(pixels: np.ndarray, profile: str) -> tuple[np.ndarray, bytes]:
    """sRGB pixels in the space of one of libvips' own profiles, and that profile."""
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    return image.icc_transform(profile, input_profile="srgb").numpy(), bytes(pyvips.Image.profile_load(profile))


def exif(**tags) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = tags.get("orientation", 1)
    if "space" in tags:
        block.get_ifd(0x8769)[0xA001] = tags["space"]
    return block


def written(pixels: dict[str, np.ndarray]) -> dict[str, bytes]:
    """A file of every kind, by name."""
    p3, p3_profile = through(pixels["p3.jpg"], "p3")
    ink, ink_profile = through(pixels["press.tif"], "cmyk")
    deep = pyvips.Image.new_from_array(pixels["deep.png"].astype(np.uint16) * 257 + 100)
    clear = np.dstack([pixels["clear.png"], np.full((SIDE, SIDE), 200, np.uint8)])
    return {
        "plain.jpg": stored(pixels["plain.jpg"], "jpeg"),
        "turned.jpg": stored(pixels["turned.jpg"], "jpeg", exif=exif(orientation=6)),
        "camera.jpg": stored(pixels["camera.jpg"], "jpeg", exif=exif(space=2)),
        "p3.jpg": stored(p3, "jpeg", icc_profile=p3_profile),
        "press.tif": stored(Image.fromarray(ink, "CMYK"), "tiff", icc_profile=ink_profile),
        "ink.jpg": stored(Image.fromarray(ink[::-1], "CMYK"), "jpeg"),
        "clear.png": stored(clear, "png"),
        "deep.png": deep.copy(interpretation="rgb16").pngsave_buffer(),
        "few.png": stored(Image.fromarray(pixels["few.png"]).quantize(32), "png"),
        "few.gif": stored(Image.fromarray(pixels["few.gif"]).quantize(32), "gif"),
        "plain.bmp": stored(pixels["plain.bmp"], "bmp"),
        "plain.webp": stored(pixels["plain.webp"], "webp"),
        "plain.ppm": stored(pixels["plain.ppm"], "ppm"),
    }


NAMES = (
    *("plain.jpg", "turned.jpg", "camera.jpg", "p3.jpg", "press.tif", "ink.jpg", "clear.png", "deep.png", "few.png"),
    *("few.gif", "plain.bmp", "plain.webp", "plain.ppm"),
)


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    folder = tmp_path_factory.mktemp("colours") / "album"
    for name, data in written({name: photograph(10 + i, SIDE) for i, name in enumerate(NAMES)}).items():
        (folder / name.replace(".", "-")).mkdir(parents=True)
        (folder / name.replace(".", "-") / name).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def pixels(album):
    return {path.name: read_colour(path) for path in album.rglob("*.*") if path.is_file()}


def test_it_is_measured(album, pixels):
    found = Photographs(album)
    assert len(found) == len(pixels) == len(NAMES)
    for index, name in enumerate(found.names):
        file = next(iter((album / name).parent.iterdir())).name
        np.testing.assert_array_equal(found[index], pixels[file])


def test_it_is_prepared(album, pixels, tmp_path):
    made = prepare([album], tmp_path / "set", Settings(size=SIDE, longest=SIDE, smallest=1, validation=0, test=0))
    assert made.dropped == {}
    shards = Shards(shard_paths(tmp_path / "set"))
    with (tmp_path / "set" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        sources = {f"train-0000/{row['file']}": row["source"].rpartition("/")[2] for row in csv.DictReader(file)}
    assert sorted(sources.values()) == sorted(NAMES)
    for index, member in enumerate(shards.names):
        np.testing.assert_array_equal(shards[index], pixels[sources[member]])


def test_it_is_shown_in_a_study(album, pixels, tmp_path):
    words = ["--size", str(SIDE), "--practice", "1", "--trials", "3", "-o", str(tmp_path / "study")]
    # The same files as predictions of themselves, which are read as photographs are.
    theirs = shutil.copytree(album, tmp_path / "theirs")
    assert main(["study", "make", "--photos", str(album), *words, str(theirs)]) == 0
    study = read_study(tmp_path / "study")
    assert len(study.photographs) == len(NAMES)
    for index, photo in enumerate(study.photographs):
        file = next(iter((album / photo.name).parent.iterdir())).name
        for method in ("truth", "theirs"):
            np.testing.assert_array_equal(np.asarray(Image.open(study.picture(index, method))), pixels[file])
