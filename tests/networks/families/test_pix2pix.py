"""The generator of pix2pix."""

import numpy as np
import pytest
import torch

from exported_networks import exported
from tintype.errors import ConfigError
from tintype.networks.families.pix2pix import Config, Network


def test_as_many_parameters_as_were_published():
    # Published for pictures of three channels; ours reads one.
    assert sum(value.numel() for value in Network(Config(), 3).parameters()) == 54_413_955 - 2 * 64 * 16


def test_a_small_one_fits_what_is_released():
    assert sum(value.numel() for value in Network(Config(width=10, depth=5), 2).parameters()) == 407_782


@pytest.mark.parametrize("depth", [2, 4, 6])
def test_the_output_stands_at_full_size(depth):
    made = Network(Config(width=2, depth=depth), 3)
    assert (made.stride, made.scale) == (2**depth, 1)
    height, width = 2 * made.stride, 3 * made.stride
    with torch.no_grad():
        assert made(torch.rand(2, 1, height, width) * 100).shape == (2, 3, height, width)


def test_a_single_picture_of_one_stride_can_be_trained_on():
    made = Network(Config(width=2, depth=4), 2)
    assert torch.isfinite(made(torch.rand(1, 1, 16, 16) * 100)).all()


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
        assert all(value.grad.any() for value in made.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_dropout_is_noise_in_training_alone():
    torch.manual_seed(0)
    lightness = torch.rand(1, 1, 32, 32) * 100
    made, silent = Network(Config(width=4, depth=4), 2), Network(Config(width=4, depth=4, dropout=0.0), 2)
    with torch.no_grad():
        assert not torch.equal(made(lightness), made(lightness))
        assert torch.equal(silent(lightness), silent(lightness))
        made.eval()
        assert torch.equal(made(lightness), made(lightness))


def test_its_file_agrees_with_torch_at_any_size():
    torch.manual_seed(0)
    made = Network(Config(width=4, depth=3), 2)
    made(torch.rand(4, 1, 32, 32) * 100)  # the normalisation has seen something
    made.eval()
    lightness = torch.rand(2, 1, 24, 40) * 100
    with torch.no_grad():
        assert np.allclose(exported(made)(lightness), made(lightness), atol=1e-4)


@pytest.mark.parametrize(("key", "value"), [("width", 0), ("depth", 1), ("depth", 9), ("dropout", 1.0)])
def test_a_knob_that_cannot_work_is_refused_by_name(key, value):
    with pytest.raises(ConfigError, match=rf"network\.{key} must be .*, not {value}"):
        Network(Config(**{key: value}), 2)
