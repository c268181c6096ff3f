"""The generator of 4x4 convolutions."""

import numpy as np
import pytest
import torch
from torch import nn

from exported_networks import exported
from tintype.errors import ConfigError
from tintype.networks.families.dcgan import Config, Network


def test_as_many_parameters_as_were_published():
    assert sum(value.numel() for value in Network(Config(), 2).parameters()) == 41_826_690


def test_a_small_one_fits_what_is_released():
    assert sum(value.numel() for value in Network(Config(width=7, depth=5), 2).parameters()) == 350_940


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_the_output_stands_at_full_size(depth):
    made = Network(Config(width=2, depth=depth), 3)
    assert (made.stride, made.scale) == (2**depth, 1)
    height, width = 2 * made.stride, 3 * made.stride
    with torch.no_grad():
        assert made(torch.rand(2, 1, height, width) * 100).shape == (2, 3, height, width)


def test_an_even_kernel_looks_further_to_the_right_and_downwards():
    made = Network(Config(width=1, depth=1), 2).eval()
    conv = made.first.conv
    nn.init.zeros_(conv.bias)
    nn.init.ones_(conv.weight)
    point = torch.zeros(1, 1, 8, 8)
    point[0, 0, 4, 4] = 1
    with torch.no_grad():
        rows, columns = made.first(point)[0, 0].nonzero().unbind(1)
    # The pixels that see the point are those up to two left and above of it, and one right and below.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 5, 2, 5)


def test_it_learns():
    torch.manual_seed(0)
    made = Network(Config(width=4, depth=3), 2)
    lightness = torch.rand(4, 1, 4, 4).repeat_interleave(8, dim=2).repeat_interleave(8, dim=3) * 100
    target = ((lightness - 50) / 50).repeat(1, 2, 1, 1)
    optimizer = torch.optim.Adam(made.parameters(), lr=5e-3)
    losses = []
    for _ in range(30):
        loss = (made(lightness) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        # A bias before a norm has none: its gradient is what rounding leaves.
        assert all(value.grad.any() for value in made.parameters() if value.ndim > 1)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_its_file_agrees_with_torch_at_any_size():
    torch.manual_seed(0)
    made = Network(Config(width=4, depth=3), 2)
    made(torch.rand(4, 1, 32, 32) * 100)  # the normalisation has seen something
    made.eval()
    lightness = torch.rand(2, 1, 24, 40) * 100
    with torch.no_grad():
        assert np.allclose(exported(made)(lightness), made(lightness), atol=1e-4)


@pytest.mark.parametrize(("key", "value"), [("width", 0), ("depth", 0), ("depth", 9)])
def test_a_knob_that_cannot_work_is_refused_by_name(key, value):
    with pytest.raises(ConfigError, match=rf"network\.{key} must be .*, not {value}"):
        Network(Config(**{key: value}), 2)
