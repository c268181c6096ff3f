"""Which pages of a TIFF file are one photograph, and which make an album."""

import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from tintype.errors import UnsupportedPhoto
from tintype.photo import origin_of, read, size_of


@pytest.fixture
def pages(tmp_path):
    """`pages([(pixels, options), ...])` -> the path of a TIFF file with these pages."""

    def make(pictures, name="a.tif"):
        with tifffile.TiffWriter(tmp_path / name) as file:
            for pixels, options in pictures:
                photometric = "rgb" if pixels.ndim == 3 else "minisblack"
                file.write(pixels, **{"photometric": photometric, "metadata": None, "contiguous": False} | options)
        return tmp_path / name

    return make


@pytest.fixture
def photograph(scene):
    def make(kind=np.uint8, height=240, width=332):
        return (scene(height, width) * np.iinfo(kind).max).astype(kind)

    return make


def halved(pixels, times=1, kernel=Image.Resampling.BOX):
    size = [max(1, side >> times) for side in pixels.shape[1::-1]]
    return np.asarray(Image.fromarray(pixels).resize(size, kernel))


def refused(path):
    with pytest.raises(UnsupportedPhoto) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_mask_is_no_page(pages, photograph, kind):
    pixels = photograph(kind)
    mask = pixels[..., 0] > np.iinfo(kind).max // 9
    plain = read(pages([(pixels, {})], "plain.tif"))
    one_bit = pages([(pixels, {}), (mask, {"photometric": "mask"})])
    gray = pages([(pixels, {}), (mask.astype(np.uint8) * 255, {"subfiletype": 1})], "gray.tif")
    data = gray.read_bytes()
    gray.write_bytes(data.replace(struct.pack("<HHII", 254, 4, 1, 1), struct.pack("<HHII", 254, 4, 1, 4)))
    for path in (one_bit, gray):
        photo = read(path)
        assert (photo.plane == plain.plane).all()
        assert photo.notes == ()


@pytest.mark.parametrize("tagged", [False, True])
@pytest.mark.parametrize("smallest_first", [False, True])
def test_a_pyramid_is_one_photograph_tagged_or_not(pages, photograph, tagged, smallest_first):
    # As ImageMagick's ptif: writes it: halved again and again.
    pixels = photograph()
    levels = [(halved(pixels, i) if i else pixels, {"subfiletype": int(tagged and i > 0)}) for i in range(6)]
    photo = read(pages(levels[::-1] if smallest_first else levels))
    assert (photo.plane == read(pages([(pixels, {})], "plain.tif")).plane).all()


@pytest.mark.parametrize("kernel", [Image.Resampling.NEAREST, Image.Resampling.LANCZOS])
def test_a_small_copy_of_any_size_is_no_page(pages, photograph, kernel):
    pixels = photograph()
    small = np.asarray(Image.fromarray(pixels).resize((116, 84), kernel))
    assert read(pages([(pixels, {}), (small, {})])).width == 332
    gray = np.asarray(Image.fromarray(small).convert("L"))
    assert read(pages([(pixels, {}), (gray, {})])).width == 332


def test_copies_of_the_first_are_one_photograph(pages, photograph):
    pixels = photograph(np.uint16)
    assert read(pages([(pixels, {}), (pixels, {"compression": "zlib"}), (pixels, {})])).notes == ()


def test_another_photograph_makes_an_album_whatever_its_size(pages, photograph):
    pixels = photograph()
    other = np.ascontiguousarray(photograph()[::-1, ::-1])
    noisy = pixels.copy()
    noisy[5, 5] ^= 1
    for second in (other, halved(other), noisy, pixels[:100, :100], halved(pixels)[:, :100]):
        assert "2 pages" in refused(pages([(pixels, {}), (second, {})]))
    assert "3 pages" in refused(pages([(pixels, {}), (halved(pixels), {}), (other, {})]))


def test_text_pages_of_two_sizes_are_an_album(pages):
    rng = np.random.default_rng(0)
    sheets = [
        np.where(rng.random((40, 30)) < 0.06, 0, 255).astype(np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(2)
    ]
    assert "2 pages" in refused(pages([(sheets[0], {}), (halved(sheets[1]), {})]))


def test_the_infrared_plane_of_a_scanner_is_no_page_and_is_named(pages, photograph):
    pixels = photograph(np.uint16)
    infrared = np.full(pixels.shape[:2], 40000, np.uint16)
    plain = read(pages([(pixels, {})], "plain.tif"))
    for deep, options in ((True, {}), (False, {"description": "Infrared channel"})):
        both = [pixels, infrared] if deep else [(pixels >> 8).astype(np.uint8), (infrared >> 8).astype(np.uint8)]
        photo = read(pages([(both[0], {}), (both[1], options)]))
        assert np.abs(photo.lightness() - plain.lightness()).max() < 1
        assert photo.notes == (f"{photo.name} was read without its infrared plane",)
        # With a preview beside it, as some scanners write.
        preview = halved((both[0] >> (8 if deep else 0)).astype(np.uint8))
        assert read(pages([(both[0], {}), (both[1], options), (preview, {})])).notes


def test_a_gray_page_after_one_in_colour_is_a_page(pages, photograph):
    # A document scanner that chooses for each sheet.
    pixels = photograph()
    assert "2 pages" in refused(pages([(pixels, {}), (pixels[::-1, :, 1], {})]))
    assert "2 pages" in refused(pages([(photograph(np.uint16), {}), (photograph(np.uint16)[:100, :100, 1], {})]))
    gray = photograph(np.uint16)[..., 1]
    assert "2 pages" in refused(pages([(gray, {}), (gray[::-1], {})]))


def test_a_broken_second_page_is_a_page(pages, photograph):
    pixels = photograph()
    path = pages([(pixels, {}), (halved(pixels), {"compression": "zlib"})])
    with tifffile.TiffFile(path) as file:
        at = file.pages[1].dataoffsets[0]
    data = bytearray(path.read_bytes())
    data[at + 20 : at + 60] = bytes(40)
    path.write_bytes(data)
    assert "2 pages" in refused(path)


def test_all_pages_of_a_file_have_its_origin_until_it_is_changed(pages, photograph):
    origins = set()
    for last in (230, 231):
        path = pages([(photograph(height=height), {}) for height in (200, 260, last)])
        with open(path, "rb") as stream:
            origin = origin_of(stream)
        assert [read(path, page=number).origin for number in (1, 2, 3)] == [origin] * 3
        origins.add(origin)
    assert len(origins) == 2


def test_the_largest_page_tells_how_much_memory_any_may_take(pages, photograph):
    path = pages([(photograph(height=height), {}) for height in (200, 260, 230)])
    assert (size_of(path), size_of(path, largest=True)) == ((200, 332), (260, 332))
