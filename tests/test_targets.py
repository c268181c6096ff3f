"""Targets: what networks are trained against becomes a*b* again, against colours that other libraries computed."""

import colorsys
import math

import numpy as np
import pytest
import skimage.color
import torch
from torch import nn

from exported_networks import exported
from tintype import targets
from tintype.color import lab
from tintype.color.bins import published_bins, soft_encode
from tintype.targets import Config

CODES = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) / 255
"""Colours of sRGB, its corners and grays among them."""


def plane(rows):
    """[k, c] to [1, c, k, 1]."""
    return torch.tensor(np.asarray(rows).T[None, :, :, None], dtype=torch.float32)


@pytest.fixture(scope="module")
def ab():
    return plane(skimage.color.rgb2lab(CODES)[:, 1:])


def gray(value):
    """What the network sees: L*, or the L* of a gray whose code is max(R, G, B)."""
    codes = np.repeat(CODES.max(axis=1, keepdims=True), 3, axis=1) if value else CODES
    return plane(skimage.color.rgb2lab(codes)[:, :1])


def test_the_plane_of_hue_and_saturation_is_that_of_hsv():
    hsv = np.array([colorsys.rgb_to_hsv(*rgb) for rgb in CODES])
    angle = 2 * math.pi * hsv[:, 0]
    expected = hsv[:, 1] * np.stack([np.cos(angle), np.sin(angle)])
    assert np.abs(targets.hue_plane(plane(CODES))[0, :, :, 0].numpy() - expected).max() < 1e-6


def test_hue_and_saturation_at_a_value_are_the_colour_of_hsv():
    generator = np.random.default_rng(0)
    hsv = generator.uniform(size=(500, 3))
    rgb = np.array([colorsys.hsv_to_rgb(*row) for row in hsv])
    angle = 2 * math.pi * hsv[:, 0]
    raw = plane(np.stack([hsv[:, 1] * np.cos(angle), hsv[:, 1] * np.sin(angle)], axis=-1))
    lightness = plane(skimage.color.rgb2lab(np.repeat(hsv[:, 2:], 3, axis=1))[:, :1])
    found = targets.Hue(value=True).ab(raw, lightness, 1.0)[0, :, :, 0].numpy().T
    assert np.abs(found - skimage.color.rgb2lab(rgb)[:, 1:]).max() < 0.01


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("kind", ["hue", "rgb"])
def test_the_truth_becomes_the_true_colours_again(ab, kind, value):
    target = targets.make(Config(kind=kind), value=value)
    truth = target.truth(gray(value), ab)
    raw = torch.logit(truth, 1e-6) if kind == "rgb" else truth
    found = target.ab(raw, gray(value), 1.0)
    assert float((found - ab).norm(dim=1).mean()) < 0.01
    # Where the lightness leads to V in a few steps only, very dark colours end a little beside it.
    both = (torch.cat([gray(False), colours], dim=1) for colours in (found, ab))
    ours, theirs = (255 * lab.lab_to_rgb(planes, axis=1).clamp(0, 1) for planes in both)
    assert float((ours - theirs).abs().max()) < 1


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("kind", ["hue", "rgb"])
def test_the_truth_is_that_of_the_photograph_whatever_its_gray(ab, kind, value):
    truth = targets.make(Config(kind=kind), value=value).truth(gray(value), ab)
    expected = plane(CODES) if kind == "rgb" else targets.hue_plane(plane(CODES))
    # The hue of what is nearly black hangs on the last digits.
    bright = torch.tensor(CODES.max(axis=1) > 0.1)
    assert float((truth - expected)[0, :, bright].abs().max()) < 2e-3


def test_the_lightness_of_a_finer_plane_is_averaged(ab):
    fine = gray(False).repeat_interleave(4, dim=2).expand(-1, -1, -1, 4)
    target = targets.Rgb()
    assert torch.allclose(target.truth(fine, ab), target.truth(gray(False), ab), atol=1e-4)


def test_ab_is_divided_by_its_scale_and_bounded_by_a_tanh(ab):
    raw = torch.tensor([0.3, -7.0]).view(1, 2, 1, 1)
    free, bound = targets.make(Config(kind="ab", scale=128.0)), targets.make(Config(kind="ab", bounded=True))
    assert free.ab(raw, None, 1.0).flatten().tolist() == pytest.approx([38.4, -896.0])
    assert bound.ab(raw, None, 1.0).flatten().tolist() == pytest.approx([110 * math.tanh(0.3), -110], abs=1e-3)
    for target in (free, bound):
        truth = target.truth(None, ab)
        assert truth.abs().max() < 1
        assert torch.allclose(target.ab(torch.atanh(truth) if target.bounded else truth, None, 1.0), ab, atol=1e-3)


def test_a_distribution_becomes_its_annealed_mean(ab):
    table = published_bins()
    target = targets.make(Config(), table)
    assert target.channels == 313
    index, weight = soft_encode(ab[0, :, :, 0].numpy().T, table)
    code = np.full((len(index), 313), 1e-30)
    np.put_along_axis(code, index, weight, axis=1)
    found = target.ab(plane(np.log(code)), None, 1.0)
    assert float((found - ab).norm(dim=1).mean()) < 0.25  # what a code of five neighbours loses
    # Regression compares the mean at unit scale.
    assert torch.allclose(target.values(plane(np.log(code)), 1.0), found / 110)
    assert torch.allclose(target.truth(None, ab), ab / 110)


def test_the_tables_of_bins():
    assert targets.table(Config(kind="ab")) is None
    assert len(targets.table(Config())) == 313
    assert len(targets.table(Config(bins="siggraph17"))) == 23 * 23
    assert len(targets.table(Config(bins="srgb"))) == 261
    colours = np.array([[0.0, 0.0], [3.0, -3.0], [14.0, 41.0], [14.0, 41.0]])
    own = targets.table(Config(bins="own"), lambda: colours)
    assert own.tolist() == [[0, 0], [10, 40]]
    assert targets.table(Config(bins="own", step=4.0, share=0.3), lambda: colours).tolist() == [[16, 40]]


@pytest.mark.parametrize("bins", ["own", "siggraph17"])
def test_any_table_decodes_to_its_centres(ab, bins):
    table = targets.table(Config(bins=bins), lambda: ab[0, :, :, 0].numpy().T)
    target = targets.make(Config(bins=bins), table)
    assert target.channels == len(table)
    one_hot = plane(1000 * np.eye(len(table)))
    assert torch.equal(target.ab(one_hot, None, 0.5), plane(table))


KINDS = {
    "ab": Config(kind="ab"),
    "bounded ab": Config(kind="ab", bounded=True),
    "bins": Config(),
    "rgb": Config(kind="rgb"),
    "hue": Config(kind="hue"),
    "bounded hue": Config(kind="hue", bounded=True),
    "hue of value": Config(kind="hue"),
}


def made(kind):
    return targets.make(KINDS[kind], targets.table(KINDS[kind]), value=kind.endswith("value"))


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_a_gradient_from_anywhere(kind):
    target = made(kind)
    lightness = torch.tensor([0.0, 1.0, 50.0, 99.0, 100.0]).view(5, 1, 1, 1)
    for size in (0.0, 1e-6, 0.5, 30.0):
        raw = torch.full((5, target.channels, 1, 1), size, requires_grad=True)
        found = target.ab(raw, lightness, 0.4)
        found.square().sum().backward()
        assert torch.isfinite(found).all()
        assert torch.isfinite(raw.grad).all()


# Of a distribution a released file takes the mean in its own way; the tests of all methods compare that one.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "bins"])
def test_the_run_time_library_gives_the_same_colours(kind):
    class Network(nn.Module):
        stride = 8

        def __init__(self):
            super().__init__()
            self.target = made(kind)
            self.conv = nn.Conv2d(1, self.target.channels, 5, 4, 2)
            nn.init.normal_(self.conv.weight, std=0.02)

        def forward(self, lightness, hints):
            return self.target.ab(self.conv(lightness), lightness, 0.5)

    torch.manual_seed(0)
    network = Network().eval()
    lightness = torch.rand(2, 1, 24, 40) * 100
    with torch.inference_mode():
        expected = network(lightness, None).numpy()
    assert expected.shape == (2, 2, 6, 10)
    assert np.abs(exported(network)(lightness) - expected).max() < 0.01
