"""Colour photographs as a viewer shows them: the profile, the way up, what is transparent, and what is refused."""

import io
import struct
import zlib

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image, ImageCms

from tintype.color.lab import lightness
from tintype.errors import PhotoError, UnreadablePhoto, UnsupportedPhoto
from tintype.photo import read, read_colour
from written_evaluations import photograph

P3 = bytes(pyvips.Image.profile_load("p3"))
PRESS = bytes(pyvips.Image.profile_load("cmyk"))

ADOBE_TO_XYZ = [[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]]
"""Of linear light, D65: Adobe RGB (1998) Color Image Encoding, version 2005-05, section 4.3.5.3."""
XYZ_TO_SRGB = [
    [3.2406255, -1.537208, -0.4986286],
    [-0.9689307, 1.8757561, 0.0415175],
    [0.0557101, -0.2040211, 1.0569959],
]
"""IEC 61966-2-1."""


def adobe_shown(codes: np.ndarray) -> np.ndarray:
    """uint8 codes of Adobe RGB in sRGB, by the two standards alone."""
    light = (codes / 255) ** (563 / 256) @ np.array(ADOBE_TO_XYZ).T @ np.array(XYZ_TO_SRGB).T
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def lcms(image: Image.Image, profile: bytes) -> np.ndarray:
    """An image in sRGB by Little CMS, by way of Pillow."""
    source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return np.asarray(ImageCms.profileToProfile(image, source, target, intent, outputMode="RGB"), float)


def encoded(pixels: np.ndarray | Image.Image, kind: str = "png", **options) -> bytes:
    memory = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(memory, kind, **options)
    return memory.getvalue()


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff", "webp", "ppm"])
def test_pixels_that_are_kept_come_back(kind):
    options = {"lossless": True} if kind == "webp" else {}
    np.testing.assert_array_equal(read_colour(encoded(photograph(0), kind, **options)), photograph(0))


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_a_jpeg_is_what_libjpeg_gives(subsampling):
    data = encoded(photograph(0, 64), "jpeg", subsampling=subsampling)
    np.testing.assert_array_equal(read_colour(data), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp"])
@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_270),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_90),
    ],
)
def test_it_is_upright(kind, orientation, turn):
    pixels = photograph(0)[:24]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"jpeg": {"quality": 95}, "webp": {"lossless": True}}.get(kind, {})
    stored = encoded(pixels, kind, exif=exif, **options)
    flat = np.asarray(Image.open(io.BytesIO(encoded(pixels, kind, **options))).convert("RGB"))
    np.testing.assert_array_equal(read_colour(stored), np.asarray(Image.fromarray(flat).transpose(turn)))


def test_display_p3_is_what_little_cms_makes_of_it():
    pixels = photograph(1)
    found = read_colour(encoded(pixels, icc_profile=P3)).astype(int)
    assert np.abs(found - lcms(Image.fromarray(pixels), P3)).max() <= 2
    assert np.abs(found - pixels).max() > 10


def test_adobe_rgb_that_only_the_camera_tells_of_is_what_the_standards_make_of_it():
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 2
    pixels = photograph(1)
    found = read_colour(encoded(pixels, "jpeg", exif=exif))
    stored = np.asarray(Image.open(io.BytesIO(encoded(pixels, "jpeg"))))
    assert np.abs(found - adobe_shown(stored)).max() <= 1.5
    assert np.abs(found.astype(int) - stored).max() > 10


def test_gamma_of_a_png_is_obeyed():
    """A file with gAMA of 1: linear light."""
    data = encoded(np.full((16, 16, 3), (55, 128, 200), np.uint8))
    gamma = struct.pack(">I", 100_000)
    crc = zlib.crc32(b"gAMA" + gamma)
    at = data.index(b"IDAT") - 4
    data = data[:at] + struct.pack(">I", 4) + b"gAMA" + gamma + struct.pack(">I", crc) + data[at:]
    light = np.array([55, 128, 200]) / 255
    np.testing.assert_allclose(read_colour(data)[3, 3], 255 * (1.055 * light ** (1 / 2.4) - 0.055), atol=1.01)


def test_srgb_by_name_changes_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(read_colour(encoded(photograph(1), icc_profile=profile)), photograph(1))


def test_what_is_transparent_is_white():
    pixels = np.dstack([photograph(0), np.full((32, 32), 255, np.uint8)])
    pixels[:, :16, 3] = 0
    pixels[:, 16:20, 3] = 51
    found = read_colour(encoded(pixels))
    assert (found[:, :16] == 255).all()
    np.testing.assert_allclose(found[:, 16:20], 255 - 0.2 * (255.0 - pixels[:, 16:20, :3]), atol=0.51)
    np.testing.assert_array_equal(found[:, 20:], pixels[:, 20:, :3])


def test_gray_and_palette_and_sixteen_bits_and_floats():
    plane = photograph(0)[..., 0]
    np.testing.assert_array_equal(read_colour(encoded(plane)), np.repeat(plane[..., None], 3, axis=2))
    few = Image.fromarray(photograph(0)).quantize(16)
    for kind in ("png", "gif", "bmp"):
        np.testing.assert_array_equal(read_colour(encoded(few, kind)), np.asarray(few.convert("RGB")))
    deep = photograph(0).astype(np.uint16) * 257
    for offset in (0, -100, 100):
        codes = np.clip(deep.astype(int) + offset, 0, 65535).astype(np.uint16)
        image = pyvips.Image.new_from_array(codes).copy(interpretation="rgb16")
        np.testing.assert_array_equal(read_colour(image.pngsave_buffer()), photograph(0))
    memory = io.BytesIO()
    tifffile.imwrite(memory, photograph(0).astype(np.float32) / 255, photometric="rgb")
    np.testing.assert_array_equal(read_colour(memory.getvalue()), photograph(0))


def test_gray_through_a_profile():
    """Dot gain and other curves of gray: of gamma 1, half the light is code 188."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, 256) + bytes(2)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags = struct.pack(">I4sII4sII", 2, b"kTRC", 156, len(curve), b"wtpt", 156 + len(curve), len(white))
    head = struct.pack(
        ">I4sI4s4s4s12x4s", 156 + len(curve) + len(white), b"", 0x02100000, b"mntr", b"GRAY", b"XYZ ", b"acsp"
    )
    head += bytes(28) + struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    found = read_colour(encoded(np.full((16, 16), 128, np.uint8), icc_profile=head + tags + curve + white))
    assert np.abs(found.astype(int) - 188).max() <= 1
    assert found.shape == (16, 16, 3)


def test_inks_with_and_without_a_profile():
    ink = np.zeros((32, 32, 4), np.uint8)
    ink[..., 0], ink[..., 1], ink[:16, :, 3] = 200, 40, 128
    image = Image.fromarray(ink, "CMYK")
    shown = lcms(image, PRESS)
    assert np.abs(read_colour(encoded(image, "tiff", icc_profile=PRESS)) - shown).max() <= 3
    # Without a profile: the usual press.
    assert np.abs(read_colour(encoded(image, "tiff")) - shown).max() <= 3
    # What has no black comes of a program that knows nothing of presses.
    ink[..., 3] = 0
    plain = read_colour(encoded(Image.fromarray(ink, "CMYK"), "tiff"))
    assert (plain == (55, 215, 255)).all()


MADE = {
    "jpeg": lambda pixels: encoded(pixels, "jpeg"),
    "P3": lambda pixels: encoded(pixels, icc_profile=P3),
    "press": lambda pixels: encoded(Image.fromarray(np.dstack([255 - pixels, pixels[..., 0] // 8]), "CMYK"), "tiff"),
    "gif": lambda pixels: encoded(Image.fromarray(pixels).quantize(64), "gif"),
    "avif": lambda pixels: encoded(pixels, "avif"),
    "jpeg2000": lambda pixels: encoded(pixels, "jpeg2000"),
}


@pytest.mark.parametrize("kind", MADE)
def test_its_lightness_is_the_one_that_is_coloured(kind):
    """A model that is given the photograph itself sees the gray that it is measured on."""
    # Muted, so that sRGB holds all of it.
    data = MADE[kind]((photograph(2) // 3 + 80).astype(np.uint8))
    own = read(data).lightness()
    assert np.abs(lightness(read_colour(data) / np.float32(255)) - own).mean() < 0.3


def share(short):
    return lambda width, height: min(1, short / min(width, height))


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_share_of_it(kind, orientation):
    pixels = np.asarray(Image.fromarray(photograph(3, 64)).resize((900, 600), Image.Resampling.BICUBIC))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(pixels, kind, exif=exif)
    whole, small = read_colour(data), read_colour(data, share=share(50))
    assert small.shape == ((50, 75, 3) if orientation == 1 else (75, 50, 3))
    expected = Image.fromarray(whole).resize(small.shape[1::-1], Image.Resampling.LANCZOS)
    assert np.abs(small - np.asarray(expected, float)).mean() < 1
    # Never enlarged.
    np.testing.assert_array_equal(read_colour(data, share=share(5000)), whole)


@pytest.mark.parametrize(("kind", "shrink"), [("jpeg", "[shrink=4]"), ("png", "")])
def test_a_share_is_what_libvips_makes_a_thumbnail_of(kind, shrink):
    """Data sets that were made before must find their duplicates again."""
    pixels = np.asarray(Image.fromarray(photograph(3, 64)).resize((900, 600), Image.Resampling.BICUBIC))
    data = encoded(pixels, kind)
    thumbnail = pyvips.Image.new_from_buffer(data, shrink).thumbnail_image(108, height=72, size="force")
    np.testing.assert_array_equal(read_colour(data, share=share(72)), thumbnail.numpy())


def test_a_share_is_asked_of_the_upright_photograph_before_it_is_decoded():
    exif = Image.Exif()
    exif[0x0112] = 8
    asked = []

    def refuse(width, height):
        asked.append((width, height))
        raise KeyError("tiny")

    data = encoded(photograph(0)[:20], "jpeg", exif=exif)
    with pytest.raises(KeyError, match="tiny"):
        read_colour(data, share=refuse)
    assert asked == [(20, 32)]


def test_what_is_transparent_gives_no_colour_to_its_neighbours():
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[::2] = (200, 40, 40, 255)
    small = read_colour(encoded(pixels), share=share(16))
    assert np.abs(small.astype(int) - (228, 148, 148)).max() <= 2


def test_what_read_refuses_is_refused_in_the_same_words():
    whole = encoded(photograph(0), "jpeg")
    frames = io.BytesIO()
    Image.fromarray(photograph(0)).save(
        frames, "webp", save_all=True, append_images=[Image.fromarray(photograph(1))], lossless=True
    )
    pages = io.BytesIO()
    tifffile.imwrite(pages, np.stack([photograph(0), photograph(1)]), photometric="rgb")
    for data in (b"", b"Where are the pictures?", frames.getvalue(), pages.getvalue(), b"%PDF-1.7"):
        refused = []
        for reader in (read, read_colour):
            with pytest.raises(PhotoError) as error:
                reader(data, "b/c.jpg")
            refused.append((type(error.value), str(error.value)))
        assert refused[0] == refused[1]
        assert refused[0][1].startswith("b/c.jpg ")
    # What a decoder said is left out: of files that are read side by side it may be said of another one.
    with pytest.raises(UnreadablePhoto, match=r"^half\.jpg is broken or cut short: get a whole copy of it$"):
        read_colour(whole[: len(whole) // 2], "half.jpg")
    np.testing.assert_array_equal(read_colour(pages.getvalue(), page=2), photograph(1))


def test_a_damaged_photograph_is_not_taken_for_a_small_one():
    pixels = np.random.default_rng(0).integers(0, 256, (600, 400, 3), np.uint8)
    data = encoded(pixels, "jpeg")
    with pytest.raises(UnreadablePhoto):
        read_colour(data[: len(data) * 9 // 10], share=share(40))


def test_cielab_is_refused_where_colours_are_wanted():
    memory = io.BytesIO()
    Image.fromarray(photograph(0)).convert("LAB").save(memory, "tiff")
    assert read(memory.getvalue()).width == 32
    with pytest.raises(UnsupportedPhoto, match=r"^a\.tif holds CIELAB, .*: convert it to RGB first$"):
        read_colour(memory.getvalue(), "a.tif")
