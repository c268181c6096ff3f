"""The residual U-Net."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from exported_networks import exported
from tintype.errors import ConfigError
from tintype.networks.encoders.squeezenet import SqueezeNet
from tintype.networks.families.resunet import Config, Network


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_the_output_stands_at_full_size(depth):
    made = Network(Config(width=2, depth=depth), 3)
    assert (made.stride, made.scale) == (2**depth, 1)
    height, width = 2 * made.stride, 3 * made.stride
    with torch.no_grad():
        assert made(torch.rand(2, 1, height, width) * 100).shape == (2, 3, height, width)


def test_a_small_one_fits_what_is_released():
    assert sum(value.numel() for value in Network(Config(width=16, depth=4), 2).parameters()) == 405_524


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


def test_the_link_carries_the_input_past_a_convolution():
    torch.manual_seed(0)
    made = Network(Config(width=4, depth=1), 2).eval()
    torch.nn.init.zeros_(made.downs[0].conv.weight)
    x = torch.randn(1, 1, 4, 4)
    with torch.no_grad():
        assert torch.allclose(made.downs[0](x), torch.nn.functional.leaky_relu(made.downs[0].link(x), 0.2))


def test_its_file_agrees_with_torch_at_any_size():
    torch.manual_seed(0)
    made = Network(Config(width=4, depth=3), 2)
    made(torch.rand(4, 1, 32, 32) * 100)  # the normalisation has seen something
    made.eval()
    lightness = torch.rand(2, 1, 24, 40) * 100
    with torch.no_grad():
        assert np.allclose(exported(made)(lightness), made(lightness), atol=1e-4)


@pytest.mark.parametrize("layer", ["features", "logits"])
def test_what_squeezenet_sees_joins_and_is_exported(tmp_path, layer):
    torch.manual_seed(0)
    path = tmp_path / "squeezenet.safetensors"
    # Weights that keep the scale of what goes through, as trained ones do.
    save_file({name: 2.8 * value for name, value in SqueezeNet().state_dict().items()}, path)
    made = Network(Config(width=4, depth=3, semantic=str(path), semantic_layer=layer), 2)
    made.load_pretrained()
    assert made.stride == 32
    made(torch.rand(4, 1, 32, 32) * 100)  # the normalisation has seen something
    made.eval()
    lightness = torch.rand(2, 1, 32, 96) * 100
    with torch.no_grad():
        output = made(lightness)
        assert np.allclose(exported(made)(lightness), output, atol=1e-4)
        made.semantic.join.weight[:, 16:] = 0
        assert not torch.allclose(made(lightness), output)


@pytest.mark.parametrize(("key", "value"), [("width", 0), ("depth", 0), ("depth", 9)])
def test_a_knob_that_cannot_work_is_refused_by_name(key, value):
    with pytest.raises(ConfigError, match=rf"network\.{key} must be .*, not {value}"):
        Network(Config(**{key: value}), 2)
