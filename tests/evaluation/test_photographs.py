"""Colour photographs as a viewer shows them: the profile, the way up, what is transparent; and which ones there are."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from tintype.color.lab import lightness
from tintype.errors import DataError, UnreadablePhoto, UnsupportedPhoto
from tintype.evaluation.photographs import SMALLEST, Photographs, decode, square
from tintype.photo import read
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


# As a viewer shows it


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff", "webp"])
def test_pixels_that_are_kept_come_back(kind):
    options = {"lossless": True} if kind == "webp" else {}
    np.testing.assert_array_equal(decode(encoded(photograph(0), kind, **options), "a"), photograph(0))


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp"])
@pytest.mark.parametrize(("orientation", "turn"), [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_270)])
def test_it_is_upright(kind, orientation, turn):
    pixels = photograph(0)[:24]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"jpeg": {"quality": 95}, "webp": {"lossless": True}}.get(kind, {})
    stored = encoded(pixels, kind, exif=exif, **options)
    flat = np.asarray(Image.open(io.BytesIO(encoded(pixels, kind, **options))).convert("RGB"))
    np.testing.assert_array_equal(decode(stored, "a"), np.asarray(Image.fromarray(flat).transpose(turn)))


def test_a_profile_is_obeyed(tmp_path):
    """Against Little CMS, by way of Pillow."""
    profile = bytes(pyvips.Image.profile_load("p3"))
    pixels = photograph(1)
    stored = encoded(pixels, icc_profile=profile)
    p3 = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    expected = ImageCms.profileToProfile(Image.fromarray(pixels), p3, ImageCms.createProfile("sRGB"), intent)
    found = decode(stored, "a").astype(int)
    assert np.abs(found - np.asarray(expected)).max() <= 2
    assert np.abs(found - pixels).max() > 10


def test_its_own_profile_changes_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(decode(encoded(photograph(1), icc_profile=profile), "a"), photograph(1))


def test_what_is_transparent_is_white():
    pixels = np.dstack([photograph(0), np.full((32, 32), 255, np.uint8)])
    pixels[:, :16, 3] = 0
    pixels[:, 16:20, 3] = 51
    found = decode(encoded(pixels), "a")
    assert (found[:, :16] == 255).all()
    np.testing.assert_allclose(found[:, 16:20], 255 - 0.2 * (255.0 - pixels[:, 16:20, :3]), atol=0.51)
    np.testing.assert_array_equal(found[:, 20:], pixels[:, 20:, :3])


def test_gray_and_palette_and_sixteen_bits():
    plane = photograph(0)[..., 0]
    np.testing.assert_array_equal(decode(encoded(plane), "a"), np.repeat(plane[..., None], 3, axis=2))
    few = Image.fromarray(photograph(0)).quantize(16)
    memory = io.BytesIO()
    few.save(memory, "png")
    np.testing.assert_array_equal(decode(memory.getvalue(), "a"), np.asarray(few.convert("RGB")))
    deep = pyvips.Image.new_from_array(photograph(0).astype(np.uint16) * 257).copy(interpretation="rgb16")
    np.testing.assert_array_equal(decode(deep.pngsave_buffer(), "a"), photograph(0))


def test_ink_without_a_profile_is_light_through_paper():
    ink = np.zeros((32, 32, 4), np.uint8)
    ink[..., 0], ink[:16, :, 3] = 255, 128
    memory = io.BytesIO()
    Image.fromarray(ink, "CMYK").save(memory, "tiff")
    found = decode(memory.getvalue(), "a")
    assert found[20, 0].tolist() == [0, 255, 255]
    assert found[0, 0].tolist() == [0, 127, 127]


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_it_has_the_lightness_that_is_coloured(kind):
    """A model that is given the photograph itself sees the gray that it is measured on."""
    stored = encoded(photograph(2), kind, icc_profile=bytes(pyvips.Image.profile_load("p3")))
    own = read(stored).lightness(0, 32)
    assert np.abs(lightness(decode(stored, "a") / np.float32(255)) - own).mean() < 0.3


def test_what_cannot_be_read_is_named():
    whole = encoded(photograph(0), "jpeg")
    with pytest.raises(UnreadablePhoto, match=r"b/half\.jpg is broken or cut short"):
        decode(whole[: len(whole) // 2], "b/half.jpg")
    with pytest.raises(UnreadablePhoto, match="text file"):
        decode(b"Where are the pictures?", "letter.jpg")
    frames = io.BytesIO()
    Image.fromarray(photograph(0)).save(
        frames, "webp", save_all=True, append_images=[Image.fromarray(photograph(1))], lossless=True
    )
    with pytest.raises(UnsupportedPhoto, match="2 pictures"):
        decode(frames.getvalue(), "moving.webp")
