"""A colour photograph is told from a gray one that is toned, cast, stained, noisy or stamped."""

import io

import numpy as np
import pytest
from PIL import Image

from tintype.photo import from_array, read


def scene(height=300, width=400):
    """Lightness 0..1 of something like a picture: soft shapes, texture and an edge."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = 0.5 + 0.25 * np.sin(4 * x + 2) * np.cos(3 * y) + 0.15 * (x + y > 0.3) + rng.normal(0, 0.03, x.shape)
    return np.clip(light, 0.02, 0.98)


def picture(red, green, blue):
    return (np.clip(np.stack([red, green, blue], -1), 0, 1) * 255 + 0.5).astype(np.uint8)


def gray():
    return picture(*[scene()] * 3)


def sepia():
    light = scene()
    return picture(light**0.8, light * 0.92, light**1.25 * 0.78)


def split_toned():
    light = scene()
    return picture(light + 0.05 * (light - 0.5), light, light * 0.9 + 0.1 * (1 - light))


def yellowed_edges():
    light = scene()
    y, x = np.mgrid[-1 : 1 : light.shape[0] * 1j, -1 : 1 : light.shape[1] * 1j]
    stain = np.clip((x**2 + y**2) / 2, 0, 1)
    return picture(light * (1 - 0.02 * stain), light * (1 - 0.12 * stain), light * (1 - 0.35 * stain))


def stamped():
    pixels = sepia()
    pixels[30:90, 40:120] = (0.4 * pixels[30:90, 40:120] + 0.6 * np.array([170, 20, 40])).astype(np.uint8)
    return pixels


def noisy_scan():
    noise = np.random.default_rng(4).normal(0, 8, (300, 400, 3))
    return np.clip(sepia() + noise, 0, 255).astype(np.uint8)


def colour_chart_at_the_edge():
    pixels = gray()
    chart = np.array([[180, 40, 40], [40, 160, 60], [40, 60, 180], [220, 200, 40], [180, 60, 170], [60, 180, 190]])
    pixels[:15] = np.repeat(chart, 67, axis=0)[None, :400]
    return pixels


def in_colour():
    """A blue sky over a green meadow, with something red in it."""
    light = scene()
    pixels = picture(light * 0.75, light * 0.85, light)
    pixels[160:] = picture(light * 0.7, light * 0.9, light * 0.5)[160:]
    pixels[120:220, 150:200] = picture(light, light * 0.4, light * 0.4)[120:220, 150:200]
    return pixels


MONOCHROME = [gray, sepia, split_toned, yellowed_edges, stamped, noisy_scan, colour_chart_at_the_edge]


@pytest.mark.parametrize("make", MONOCHROME, ids=lambda make: make.__name__)
def test_a_gray_photograph_is_known_however_it_is_tinted(make):
    assert not from_array(make()).in_colour
    # As it comes from a camera or a scanner: JPEG keeps colour in blocks of half the size.
    stream = io.BytesIO()
    Image.fromarray(make()).save(stream, "jpeg", quality=60)
    assert not read(stream.getvalue()).in_colour


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff", "webp", "bmp"])
def test_a_colour_photograph_is_known_in_every_format(format):
    stream = io.BytesIO()
    Image.fromarray(in_colour()).save(stream, format)
    assert read(stream.getvalue()).in_colour


def test_it_does_not_depend_on_size_depth_or_cast():
    pixels = in_colour()
    assert from_array(pixels.astype(np.uint16) * 257).in_colour
    assert from_array(pixels.astype(np.float32) / 255).in_colour
    assert from_array(np.asarray(Image.fromarray(pixels).resize((90, 60)))).in_colour
    assert from_array(np.asarray(Image.fromarray(pixels).resize((2000, 1500)))).in_colour
    assert from_array((pixels * [1, 0.9, 0.7]).astype(np.uint8)).in_colour
    assert not from_array(gray()[..., 0]).in_colour
    assert not from_array(np.full((1, 1, 3), 80, np.uint8)).in_colour
    assert not from_array(np.zeros((2, 5000, 3), np.uint8)).in_colour


def test_inks_are_looked_at_too(tmp_path):
    Image.fromarray(in_colour()).convert("CMYK").save(tmp_path / "a.tif")
    Image.fromarray(gray()).convert("CMYK").save(tmp_path / "b.tif")
    assert read(tmp_path / "a.tif").in_colour
    assert not read(tmp_path / "b.tif").in_colour
