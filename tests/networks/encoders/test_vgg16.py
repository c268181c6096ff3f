"""VGG16, as far as losses look."""

import pytest
import torch
from safetensors.torch import save_file

from tintype.errors import ConfigError
from tintype.networks.encoders.imagenet import DEVIATION, MEAN
from tintype.networks.encoders.vgg16 import VGG16

VGG16_SHAPES = {
    0: (64, 3),
    2: (64, 64),
    5: (128, 64),
    7: (128, 128),
    10: (256, 128),
    12: (256, 256),
    14: (256, 256),
}
"""Number of each convolution in torchvision's list of VGG16's layers, and its channels."""


def vgg16_weights(seed=0):
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for number, (outside, inside) in VGG16_SHAPES.items():
        scale = (2 / (9 * inside)) ** 0.5
        weights[f"{number}.weight"] = (torch.randn(outside, inside, 3, 3, generator=generator) * scale).half()
        weights[f"{number}.bias"] = (torch.randn(outside, generator=generator) * 0.1).half()
    return weights


@pytest.mark.parametrize("prefix", ["", "features."])
def test_vgg16_gives_the_three_maps_of_its_layers(tmp_path, prefix):
    weights, path = vgg16_weights(), tmp_path / "vgg16.safetensors"
    save_file({prefix + name: value for name, value in weights.items()}, path)
    rgb = torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(1))
    maps = VGG16(str(path))(rgb)
    assert [tuple(x.shape) for x in maps] == [(2, 64, 16, 24), (2, 128, 8, 12), (2, 256, 4, 6)]
    x = (rgb - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(DEVIATION).view(1, 3, 1, 1)
    for number in VGG16_SHAPES:
        if number in (5, 10):
            x = torch.max_pool2d(x, 2)
        x = torch.relu(torch.conv2d(x, weights[f"{number}.weight"].float(), weights[f"{number}.bias"].float(), 1, 1))
        if number in (2, 7, 14):
            assert torch.allclose(maps.pop(0), x, atol=1e-4)


def test_vgg16_does_not_learn_and_lets_gradients_through(tmp_path):
    path = tmp_path / "vgg16.safetensors"
    save_file(vgg16_weights(), path)
    network = VGG16(str(path))
    rgb = torch.rand(1, 3, 8, 8, requires_grad=True)
    network(rgb)[-1].sum().backward()
    assert rgb.grad.abs().sum() > 0
    assert not any(value.requires_grad for value in network.parameters())


def test_the_real_vgg16_sees_more_change_in_an_edge_than_in_a_tint(shared):
    network = VGG16(shared("vgg16_keras_to_relu3_3"))
    gray = torch.full((1, 3, 32, 32), 0.5)
    edge, tint = gray.clone(), gray.clone()
    edge[..., 16:] += 0.1
    tint += 0.05
    at = [x[..., 2:-2, 2:-2] for x in (network(picture)[2] for picture in (gray, edge, tint))]
    assert (at[1] - at[0]).square().mean() > 3 * (at[2] - at[0]).square().mean()


def test_a_file_that_is_not_the_network_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    with pytest.raises(ConfigError, match=r"none\.safetensors: the encoder's weights cannot be read"):
        VGG16(str(tmp_path / "none.safetensors"))
    path.write_bytes(b"these are no weights at all")
    with pytest.raises(ConfigError, match="the encoder's weights cannot be read"):
        VGG16(str(path))
    weights = vgg16_weights()
    del weights["7.bias"]
    save_file(weights, path)
    with pytest.raises(ConfigError, match=r"not VGG16 in torchvision's names: 7\.bias must be .*, but is missing"):
        VGG16(str(path))
    save_file({**vgg16_weights(), "0.weight": torch.zeros(64, 1, 3, 3)}, path)
    with pytest.raises(ConfigError, match=r"0\.weight must be \(64, 3, 3, 3\), but is of shape \(64, 1, 3, 3\)"):
        VGG16(str(path))
