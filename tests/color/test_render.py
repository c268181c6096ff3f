import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab

from tintype.color.enlarge import Enlarger
from tintype.color.lab import lab_to_rgb, lightness, rgb_to_lab
from tintype.color.render import BLOCK, STRIP, render, render_strips

TOP = {8: 255, 16: 65535, 32: 1}


def wild(spread, shape=(300, 400), seed=0):
    """Lightness and colour of which sRGB holds the less, the larger `spread` is."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 100, shape).astype(np.float32), rng.normal(0, spread, (2, *shape)).astype(np.float32)


@pytest.mark.parametrize(("depth", "codes"), [(8, 256), (16, 65536)])
def test_without_colour_every_gray_code_comes_back(depth, codes):
    gray = np.arange(codes).reshape(16, -1)
    light = lightness(np.stack([gray / TOP[depth]] * 3, axis=-1)).astype(np.float32)
    rgb = render(light, np.zeros((2, *gray.shape), np.float32), depth)
    assert (rgb == gray[..., None]).all()


@pytest.mark.parametrize("spread", [10, 50, 1000])
@pytest.mark.parametrize(("depth", "mean", "worst"), [(8, 0.15, 0.6), (16, 0.01, 0.02), (32, 0.01, 0.02)])
def test_lightness_stays_whatever_the_colour(spread, depth, mean, worst):
    light, ab = wild(spread)
    seen = rgb2lab(render(light, ab, depth) / np.float64(TOP[depth]))[..., 0]
    assert np.abs(seen - light).mean() <= mean
    assert np.abs(seen - light).max() <= worst


@pytest.mark.parametrize(("depth", "step"), [(8, 0.5 / 255), (16, 0.5 / 65535), (32, 0)])
def test_colours_that_srgb_holds_are_those_of_lab_to_rgb(depth, step):
    lab = rgb_to_lab(np.random.default_rng(1).uniform(0.02, 0.98, (200, 300, 3)))
    planes = np.moveaxis(lab, -1, 0).astype(np.float32)
    rgb = render(planes[0], planes[1:], depth)
    assert rgb.shape == (200, 300, 3)
    # Half a step for rounding; 5e-6 is what float32 and, at 8 bits, 1e-4 what the table of the curve leave.
    rest = 1e-4 if depth == 8 else 5e-6
    assert np.abs(rgb / np.float64(TOP[depth]) - lab_to_rgb(lab)).max() <= step + rest


@settings(max_examples=20)
@given(st.sampled_from([8, 16, 32]), st.lists(st.integers(0, 40), max_size=5), st.integers(1, 1500))
def test_the_pixels_do_not_depend_on_the_cuts(depth, cuts, width):
    light, ab = wild(50, (40, width), seed=width)
    edges = sorted({0, 40, *cuts})
    strips = [render(light[i:j], ab[:, i:j], depth) for i, j in pairwise(edges)]
    assert np.array_equal(np.concatenate(strips), render(light, ab, depth))


def test_what_does_not_belong_together_is_refused():
    light, ab = wild(10, (4, 5))
    with pytest.raises(ValueError, match="8, 16 or 32"):
        render(light, ab, 12)
    with pytest.raises(ValueError, match=r"ab of shape \(2, 4, 5\)"):
        render(light, ab[:, 1:], 8)


def whole(light):
    return slice(0, light.shape[0]), slice(0, light.shape[1])


WIDTH = 1000
HEIGHT = 3 * STRIP // WIDTH + 17


@pytest.fixture(scope="module")
def photograph():
    """Lightness of a photograph of several strips and an Enlarger for it."""
    light, _ = wild(0, (HEIGHT, WIDTH))
    rng = np.random.default_rng(7)
    ab = rng.normal(0, 40, (2, 20, 24)).astype(np.float32)
    return light, Enlarger(ab, rng.uniform(0, 100, (160, 192)).astype(np.float32), light.shape)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("depth", [8, 16])
def test_strips_make_the_whole_in_order_for_any_thread_count(photograph, threads, depth):
    light, enlarger = photograph
    strips = list(render_strips(lambda i, j: light[i:j], enlarger, whole(light), depth, threads=threads))
    assert len(strips) > 3
    assert len(strips[0]) * WIDTH > BLOCK
    assert np.array_equal(np.concatenate(strips), render(light, enlarger.rows(0, HEIGHT), depth))


@pytest.mark.parametrize("part", [(slice(0, 1), slice(0, 1)), (slice(100, 700), slice(333, 1000))])
def test_a_part_has_the_pixels_of_the_whole(photograph, part):
    light, enlarger = photograph
    strips = list(render_strips(lambda i, j: light[i:j, part[1]], enlarger, part, overlay=ramp))
    ab = enlarger.rows(0, HEIGHT)
    ramp(0, 0, ab)
    assert np.array_equal(np.concatenate(strips), render(light, ab)[part])


def ramp(top, left, ab):
    """Colours that differ from place to place."""
    ab[0] += np.arange(top, top + ab.shape[1], dtype=np.float32)[:, None] / 50
    ab[1] += np.arange(left, left + ab.shape[2], dtype=np.float32) / 50


def test_vividness_multiplies_and_blend_mixes_with_gray(photograph):
    light, enlarger = photograph
    ab = enlarger.rows(0, HEIGHT)

    def rendered(**options):
        return np.concatenate(list(render_strips(lambda i, j: light[i:j], enlarger, whole(light), **options)))

    assert np.array_equal(rendered(vividness=0.5), render(light, ab * np.float32(0.5)))
    assert np.array_equal(rendered(vividness=2.0, blend=0.25), render(light, ab * np.float32(0.5)))
    gray = rendered(blend=0.0, vividness=3.0)
    assert np.array_equal(gray, render(light, ab * 0))
    assert np.ptp(gray, axis=-1).max() == 0


@pytest.mark.parametrize(("threads", "held"), [(1, 1), (2, 3)])
def test_only_a_few_strips_are_in_memory(photograph, threads, held):
    light, enlarger = photograph
    asked = []

    def rows(top, bottom):
        assert threading.current_thread() is threading.main_thread()
        asked.append(top)
        return light[top:bottom]

    strips = render_strips(rows, enlarger, whole(light), threads=threads)
    next(strips)
    assert len(asked) == held
    strips.close()
    assert len(asked) == held


def test_a_failing_source_ends_the_strips(photograph):
    light, enlarger = photograph

    def rows(top, bottom):
        if top:
            raise OSError("the disk is gone")
        return light[top:bottom]

    with pytest.raises(OSError, match="the disk is gone"):
        list(render_strips(rows, enlarger, whole(light), threads=2))
