"""What a notebook shows of colours: whole, small, and made of the guide alone."""

import base64
import io
import re
import tracemalloc
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from tintype import Colorizer
from tintype.notebook import BYTES, slider
from tintype.photo import Photo, from_array


@pytest.fixture
def colours(tiny):
    y, x = np.mgrid[:400, :600] / 600
    return Colorizer(tiny, threads=1).look(from_array((60 + 90 * y + 60 * np.sin(9 * x) ** 2).astype(np.uint8)))


def pictures(page: str) -> dict[str, np.ndarray]:
    """The pictures of a page by their words."""
    found = {}

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            words = dict(attrs)
            if tag == "img":
                data = base64.b64decode(words["src"].removeprefix("data:image/jpeg;base64,"))
                found[words["alt"]] = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    Reader().feed(page)
    return found


def test_it_holds_the_photograph_in_gray_and_in_colour_and_asks_the_network_for_nothing(colours):
    page = colours._repr_html_()
    colour, gray = pictures(page).values()
    size = colour.shape[:2]
    painted = np.concatenate(list(colours.paint(size=size, depth=8)))
    assert np.abs(colour.astype(int) - painted).mean() < 2
    assert np.ptp(gray.astype(int), axis=2).max() <= 2
    assert not re.search(r"(src|href)=\"(?!data:)|url\(|<script", page)


def test_a_large_photograph_is_not_gone_through(colours):
    plane = np.broadcast_to(np.float32(50), (10_000, 10_000))
    large = replace(colours, photo=Photo("large.tif", 10_000, 10_000, "tiff", 8, plane), size=plane.shape)
    tracemalloc.start()
    try:
        page = large._repr_html_()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 20_000_000
    assert max(pictures(page)["large.tif in colour"].shape) <= max(colours.guide.shape)


def test_names_are_escaped_and_folders_left_out(colours):
    name = """/home/me/<b onload="alert(1)">'&.jpg"""
    page = replace(colours, photo=replace(colours.photo, name=name))._repr_html_()
    assert set(pictures(page)) == {f"{name.removeprefix('/home/me/')} in {what}" for what in ("colour", "gray")}
    assert "<b " not in page
    assert "/home" not in page


def test_even_noise_stays_within_the_bytes():
    noise = np.random.default_rng(1)

    def paint(blend: float, size: tuple[int, int]) -> np.ndarray:
        return noise.integers(0, 256, (*size, 3), np.uint8)

    assert len(slider(paint, (1000, 1000), "noise.png")) <= BYTES
