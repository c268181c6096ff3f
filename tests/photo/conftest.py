"""What the tests of this room share: a small scene, colour for it, and an eye on what libraries print."""

import io

import numpy as np
import pytest
from PIL import Image

from tintype.color.render import render
from tintype.photo import Mark

MARK = Mark(software="tintype", version="1.2.3", model="tintype.v1")


@pytest.fixture(autouse=True)
def nothing_printed(capfd):
    """No test of this room may find a line of a codec library on standard error."""
    yield
    assert capfd.readouterr().err == ""


@pytest.fixture
def mark():
    return MARK


@pytest.fixture(scope="session")
def scene():
    """`scene(height, width)` -> sRGB floats [height, width, 3]: gradients, edges, texture, shadow and white."""

    def make(height=60, width=83):
        y, x = np.mgrid[0:height, 0:width] / max(height, width)
        noise = np.random.default_rng(7).random((height, width)) * 0.1
        red = 0.5 + 0.45 * np.sin(9 * x + 2 * y)
        green = np.clip(1.2 * y + noise, 0, 1)
        blue = np.where((x - 0.4) ** 2 + (y - 0.3) ** 2 < 0.04, 0.9, 0.15 + 0.5 * x)
        picture = np.clip(np.stack([red, green, blue], -1), 0, 1)
        picture[:4, :4], picture[-4:, -4:] = 0, 1
        return picture

    return make


@pytest.fixture(scope="session")
def coloured():
    """`coloured(photo)` -> strips of the photograph in colour, as the pipeline makes them."""

    def strips(photo, a=18.0, b=-12.0, rows=17, depth=None):
        for top in range(0, photo.height, rows):
            plane = photo.lightness(top, top + rows)
            ab = np.stack([np.full_like(plane, a), np.full_like(plane, b)])
            yield render(plane, ab, depth or photo.depth)

    return strips


@pytest.fixture(scope="session")
def encoded():
    """`encoded(pixels or Pillow image, format, **options)` -> bytes, made by Pillow."""

    def encode(picture, format, **options):
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        file = io.BytesIO()
        image.save(file, format, **options)
        return file.getvalue()

    return encode
