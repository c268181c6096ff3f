"""Photo: strips and thumbnails of lightness."""

import threading
from dataclasses import fields

import numpy as np
import pytest
from PIL import Image

from tintype.photo import Photo, from_array, read


def plane(height, width):
    return np.random.default_rng(height).random((height, width)).astype(np.float32)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_strips_are_the_rows_of_the_whole(kind):
    photo = from_array((plane(50, 30) * (1 if kind == np.float32 else np.iinfo(kind).max)).astype(kind))
    whole = photo.lightness()
    assert whole.shape == (50, 30)
    assert whole.dtype == np.float32
    assert (np.concatenate([photo.lightness(top, top + 7) for top in range(0, 50, 7)]) == whole).all()
    whole[:] = 0
    assert photo.lightness().any()


def test_a_thumbnail_of_whole_cells_is_their_mean():
    photo = from_array(plane(60, 80))
    expected = photo.lightness().reshape(12, 5, 20, 4).mean((1, 3))
    assert np.abs(photo.thumbnail(20, 12) - expected).max() < 1e-4


@pytest.mark.parametrize("size", [(37, 23), (300, 200), (640, 23), (37, 480), (641, 481)])
def test_a_thumbnail_of_any_size_keeps_the_mean_and_every_pixel_counts_by_its_area(size):
    width, height = size
    photo = from_array(plane(481, 641))
    thumbnail = photo.thumbnail(width, height)
    assert thumbnail.shape == (height, width)

    def cover(pixels, cells):
        edges = np.linspace(0, pixels, cells + 1)
        low = np.maximum(edges[:-1, None], np.arange(pixels))
        high = np.minimum(edges[1:, None], np.arange(1, pixels + 1))
        return np.maximum(high - low, 0) / (pixels / cells)

    expected = cover(481, height) @ photo.lightness().astype(np.float64) @ cover(641, width).T
    assert np.abs(thumbnail - expected).max() < 1e-2
    assert thumbnail.mean() == pytest.approx(photo.lightness().mean(), abs=1e-3)


def test_a_thumbnail_larger_than_the_photograph_is_interpolated():
    ramp = np.repeat(np.linspace(0, 1, 16, dtype=np.float32)[None], 8, 0)
    photo = from_array(ramp)
    large = photo.thumbnail(64, 32)
    assert large.shape == (32, 64)
    assert (np.diff(large[0]) >= 0).all()
    assert large.max() <= 100
    assert from_array(np.full((1, 1), 0.5, np.float32)).thumbnail(5, 4).std() < 1e-4
    assert photo.thumbnail(16, 8) == pytest.approx(photo.lightness())


def test_a_thumbnail_of_no_area():
    with pytest.raises(ValueError, match="0 x 5"):
        from_array(plane(4, 4)).thumbnail(0, 5)


@pytest.mark.parametrize("what", ["1 bit", "halftone", "threshold", "threshold as JPEG"])
def test_what_has_no_grays_is_named(encoded, what):
    y, x = np.mgrid[0:400, 0:600]
    picture = Image.fromarray((127 + 90 * np.sin(x / 60) * np.cos(y / 40)).astype(np.uint8))
    if what in ("1 bit", "halftone"):
        # Dots that are drawn, white or black, in place of grays.
        data = encoded(picture.convert("1") if what == "1 bit" else picture.convert("1").convert("L"), "PNG")
    else:
        hard = picture.point(lambda value: 255 * (value > 127))
        data = encoded(hard, "PNG") if what == "threshold" else encoded(hard, "JPEG", quality=85)
    (note,) = read(data, "p").notes
    assert note == "p holds hardly anything but black and white, which take no colour: scan it in shades of gray"
    assert read(encoded(picture, "PNG")).notes == ()
    # What was reduced from dots to grays is a photograph again.
    assert read(encoded(picture.convert("1").convert("L").reduce(4), "PNG")).notes == ()


def test_a_negative_is_inverted_in_lightness_after_its_profile(encoded):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    for data in (encoded(pixels, "PNG", icc_profile=profile), encoded(pixels[..., 0], "PNG")):
        plain, turned = read(data), read(data, negative=True)
        assert np.abs(turned.lightness() - (100 - plain.lightness())).max() < 1e-4
        assert np.abs(turned.thumbnail(7, 5) - (100 - plain.thumbnail(7, 5))).max() < 1e-3
        assert turned.inverted().lightness() == pytest.approx(plain.lightness(), abs=1e-4)
    floats = from_array(np.linspace(0, 1, 200, dtype=np.float32).reshape(10, 20))
    assert np.abs(floats.inverted().lightness() - (100 - floats.lightness())).max() < 1e-4


def test_a_faded_photograph_gets_its_contrast_back_whatever_its_border(encoded):
    from PIL import ImageCms

    faded = np.random.default_rng(0).permutation(np.linspace(0.3, 0.75, 60000)).reshape(200, 300)
    framed = np.full((250, 360), 0.97)
    framed[25:225, 30:330] = faded
    mounted = from_array((framed * 65535).astype(np.uint16)).stretched().lightness()
    photo = from_array((faded * 65535).astype(np.uint16))
    stretched = photo.stretched().lightness()
    assert np.percentile(stretched[25:-25, 38:-38], (0.5, 99.5)) == pytest.approx((8, 92), abs=0.1)
    # The frame is looked past, stays the lightest, and changes nothing of the photograph but its levels.
    assert mounted[0, 0] > mounted[25:225, 30:330].max()
    assert np.abs(mounted[25:225, 30:330] - stretched).max() < 1
    # 16 bits stay smooth, and no two shades become one or change places.
    assert np.diff(np.unique(stretched)).max() < 0.1
    order = np.argsort(faded, axis=None)
    assert (np.diff(stretched.ravel()[order]) >= 0).all()
    assert len(np.unique(stretched)) == len(np.unique(photo.plane))
    # The same as floats, and as a file after its profile.
    floats = from_array(faded.astype(np.float32)).stretched()
    assert np.abs(floats.lightness() - stretched).max() < 0.05
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded((faded * 255).astype(np.uint8), "PNG", icc_profile=profile)
    assert np.abs(read(data, faded=True).lightness() - stretched).max() < 2
    negative = read(encoded(255 - (faded * 255).astype(np.uint8), "PNG"), negative=True, faded=True)
    assert np.percentile(negative.lightness()[25:-25, 38:-38], (0.5, 99.5)) == pytest.approx((8, 92), abs=1.5)


def test_full_contrast_is_left_alone_and_little_contrast_is_raised_within_bounds():
    full = from_array(np.random.default_rng(0).integers(0, 256, (200, 300), np.uint8))
    assert full.stretched() is full
    # What is transparent does not count: here it is black.
    holed = np.full((100, 100, 2), 255, np.uint8)
    holed[..., 0] = np.linspace(90, 160, 100)
    holed[40:60, :, :] = 0
    assert from_array(holed).stretched().lightness()[0].min() < 20
    fog = from_array(np.tile(np.linspace(0.6, 0.62, 300), (200, 1)))
    gain = np.ptp(fog.stretched().lightness()) / np.ptp(fog.lightness())
    assert 2 < gain <= 3.01
    flat = from_array(np.full((50, 60), 128, np.uint8))
    assert np.array_equal(flat.stretched().lightness(), flat.lightness())


class Watched(Photo):
    """A photograph that remembers which threads asked for its lightness."""

    def lightness(self, *rows):
        self.__dict__.setdefault("asked", set()).add(threading.get_ident())
        return super().lightness(*rows)


def test_a_thumbnail_takes_as_many_threads_as_it_is_given():
    pixels = np.random.default_rng(0).integers(0, 256, (3000, 2000), np.uint8)
    photo = from_array(pixels)
    alone, together = (Watched(**{field.name: getattr(photo, field.name) for field in fields(photo)}) for _ in range(2))
    first, second = alone.thumbnail(300, 450, threads=1), together.thumbnail(300, 450, threads=2)
    assert np.array_equal(first, second)
    assert alone.asked == {threading.get_ident()}
    assert threading.get_ident() not in together.asked
