"""JPEG: the quality that a file's tables tell, and the lightness that a colour file keeps."""

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image

from tintype.color.lab import lightness, rgb_to_lab
from tintype.color.render import render
from tintype.photo import from_array, jpeg, jpeg_quality, read, write


def tables(data):
    return Image.open(io.BytesIO(data)).quantization


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_the_quality_of_ijg_tables_is_found_exactly(encoded, mode):
    image = Image.new(mode, (16, 16))
    for quality in range(1, 101):
        found = read(encoded(image, "JPEG", quality=quality)).quality
        # Neighbouring qualities share a table at the very coarse end.
        assert found == quality or tables(encoded(image, "JPEG", quality=found)) == tables(
            encoded(image, "JPEG", quality=quality)
        )


def test_foreign_tables_get_the_lowest_quality_that_is_nowhere_coarser(scene, encoded, coloured):
    random = np.random.default_rng(0)
    for _ in range(5):
        table = random.integers(2, 60, 64).tolist()
        data = encoded((scene()[..., 1] * 255).astype(np.uint8), "JPEG", qtables=[table])
        photo = read(data)
        stream = io.BytesIO()
        write(photo, coloured(photo), stream)
        assert (np.array(tables(stream.getvalue())[0]) <= np.array(tables(data)[0])).all()
        coarser = tables(encoded(Image.new("L", (8, 8)), "JPEG", quality=photo.quality - 1))[0]
        assert (np.array(coarser) > np.array(tables(data)[0])).any()


@pytest.mark.parametrize("quality", [30, 75, 90, 95, 98, 100])
def test_output_is_444_and_never_coarser_than_the_input(scene, encoded, coloured, quality):
    data = encoded((scene() * 255).astype(np.uint8), "JPEG", quality=quality, subsampling=2)
    photo = read(data)
    stream = io.BytesIO()
    write(photo, coloured(photo), stream)
    image = Image.open(io.BytesIO(stream.getvalue()))
    assert [(h, v) for _, h, v, _ in image.layer] == [(1, 1)] * 3
    for ours, theirs in zip(image.quantization.values(), tables(data).values(), strict=True):
        assert (np.array(ours) <= np.array(theirs)).all()
    asked = io.BytesIO()
    write(photo, coloured(photo), asked, quality=80)
    assert tables(asked.getvalue()) == tables(encoded(Image.new("RGB", (8, 8)), "JPEG", quality=jpeg_quality(80)))


@pytest.mark.parametrize("quality", [60, 75, 85, 90, 92, 95])
def test_lightness_is_kept_as_well_as_by_a_gray_file_of_the_same_quality(encoded, quality):
    ours, theirs = [], []
    for picture in (skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea()):
        lab = rgb_to_lab(picture / 255)
        photo = from_array((np.clip(lab[..., 0] * 2.55, 0, 255)).astype(np.uint8))
        original = photo.lightness()
        gray = np.asarray(Image.open(io.BytesIO(encoded(photo.plane, "JPEG", quality=quality)))) / 255
        theirs.append(np.abs(lightness(np.repeat(gray[..., None], 3, -1)) - original).mean())
        stream = io.BytesIO()
        colour = render(original, np.moveaxis(lab[..., 1:], -1, 0).astype(np.float32), 8)
        write(photo, [colour], stream, format="jpeg", quality=quality)
        result = np.asarray(Image.open(io.BytesIO(stream.getvalue()))) / 255
        ours.append(np.abs(lightness(result) - original).mean())
    assert np.mean(ours) <= 1.15 * np.mean(theirs)


@pytest.mark.parametrize("quality", [30, 60, 85])
@pytest.mark.parametrize("orientation", [2, 3, 4, 6, 7, 8])
def test_a_turned_photograph_keeps_its_lightness_as_well_as_an_upright_one(
    scene, encoded, coloured, orientation, quality
):
    grain = np.random.default_rng(0).normal(0, 12, (299, 397))
    pixels = np.clip(scene(299, 397)[..., 0] * 200 + 25 + grain, 0, 255).astype(np.uint8)

    def lost(orientation):
        exif = Image.Exif()
        exif[274] = orientation
        photo = read(encoded(pixels, "JPEG", quality=quality, exif=exif))
        result = io.BytesIO()
        write(photo, coloured(photo), result)
        return np.abs(read(result.getvalue()).lightness() - photo.lightness()).mean()

    assert lost(orientation) < 1.1 * lost(1) + 0.1


def test_turning_along_the_blocks_needs_no_higher_quality(encoded):
    for orientation, sizes in ((6, [(397, 296)]), (8, [(400, 299)]), (5, [(397, 299)]), (3, [(400, 296)])):
        exif = Image.Exif()
        exif[274] = orientation
        for width, height in sizes:
            assert read(encoded(Image.new("L", (width, height), 99), "JPEG", quality=70, exif=exif)).quality == 70
    assert jpeg.turned_quality(None, 6, (397, 299)) is None
