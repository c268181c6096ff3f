"""Pretrained encoders."""

from pathlib import Path

import pytest
import skimage
import torch
from safetensors.torch import save_file

from tintype.color.lab import gray
from tintype.errors import ConfigError
from tintype.networks.encoders import IMAGENET_DEVIATION, IMAGENET_MEAN, VGG16, Semantic, SqueezeNet

SHARED = Path(__file__).parents[3] / "shared" / "data" / "weights"


def shared(name):
    """A file of pretrained weights that only the workshop has."""
    path = SHARED / f"{name}_fp16.safetensors"
    if not path.is_file():
        pytest.skip(f"{path} is not here: the pretrained weights are not part of the repository")
    return str(path)


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
    x = (rgb - torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)) / torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1)
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


def test_the_real_vgg16_sees_more_change_in_an_edge_than_in_a_tint():
    network = VGG16(shared("vgg16_keras_to_relu3_3"))
    gray = torch.full((1, 3, 32, 32), 0.5)
    edge, tint = gray.clone(), gray.clone()
    edge[..., 16:] += 0.1
    tint += 0.05
    at = [x[..., 2:-2, 2:-2] for x in (network(picture)[2] for picture in (gray, edge, tint))]
    assert (at[1] - at[0]).square().mean() > 3 * (at[2] - at[0]).square().mean()


def test_squeezenet_has_the_published_size_and_takes_a_file(tmp_path):
    torch.manual_seed(0)
    network, other = SqueezeNet(), SqueezeNet()
    assert sum(value.numel() for value in network.parameters()) == 1_248_424
    path = tmp_path / "squeezenet.safetensors"
    save_file({name: value.half() for name, value in other.state_dict().items()}, path)
    network.load(str(path))
    rgb = torch.rand(1, 3, 64, 96)
    for ours, theirs in zip(network(rgb), other(rgb), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-3)
    # The last map of the published network at its published size.
    features, logits = network(torch.rand(1, 3, 224, 224))
    assert features.shape == (1, 512, 13, 13)
    assert logits.shape == (1, 1000, 1, 1)


def test_the_real_squeezenet_knows_a_cat_in_gray():
    network = SqueezeNet()
    network.load(shared("squeezenet10_deepcompression"))
    cat = torch.tensor(skimage.data.chelsea()[:, 75:375]).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        for rgb in (cat, cat.mean(dim=1, keepdim=True).repeat(1, 3, 1, 1)):
            best = network(rgb)[1].flatten().topk(5).indices
            assert set(best.tolist()) & {281, 282, 283, 284, 285}


@pytest.mark.parametrize(("layer", "channels"), [("features", 512), ("logits", 1000)])
def test_semantic_joins_what_squeezenet_sees_of_the_gray_picture(layer, channels):
    torch.manual_seed(0)
    semantic = Semantic(3, layer)
    inner, lightness = torch.rand(1, 3, 4, 4), torch.rand(1, 1, 64, 64) * 100
    seen = []
    semantic.join.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    semantic(inner, lightness).sum().backward()
    assert seen[0].shape == (1, 3 + channels, 4, 4)
    assert torch.equal(seen[0][:, :3], inner)
    features, logits = semantic.network(gray(lightness).repeat(1, 3, 1, 1))
    mean = (features if layer == "features" else logits).mean(dim=(2, 3))
    ratio = seen[0][:, 3:].mean(dim=(2, 3)) / mean
    assert torch.allclose(ratio[mean > 1e-3], ratio[mean > 1e-3][:1], atol=0.02)
    assert semantic.join.weight.grad.any()
    assert not any(value.requires_grad for value in semantic.network.parameters())


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
