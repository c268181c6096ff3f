"""The U-Net on ResNet-18."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from exported_networks import exported
from tintype.errors import ConfigError
from tintype.networks.encoders.squeezenet import SqueezeNet
from tintype.networks.families.unet import Config, Network


def encoder_weights(network):
    """A file's worth of ResNet-18 to layer3, as torchvision names it."""
    generator = torch.Generator().manual_seed(1)
    weights = {}
    for name, value in network.state_dict().items():
        if name.split(".")[0] in Network.encoder_parts and not name.endswith("num_batches_tracked"):
            shape = (64, 3, 7, 7) if name == "conv1.weight" else value.shape
            weights[name] = torch.rand(shape, generator=generator).half()
    return weights


def test_its_encoder_is_that_of_torchvision():
    made = Network(Config(), 2)
    parts = [value for name, value in made.named_parameters() if name.split(".")[0] in Network.encoder_parts]
    # torchvision's 11 689 512, less layer4, the classifier, and two of the three channels that conv1 sees.
    layer4 = 256 * 512 * 9 + 3 * 512 * 512 * 9 + 256 * 512 + 5 * 2 * 512
    assert sum(value.numel() for value in parts) == 11_689_512 - layer4 - 513_000 - 2 * 64 * 49


def test_a_small_one_fits_what_is_released():
    assert sum(value.numel() for value in Network(Config(width=18), 2).parameters()) == 393_122


@pytest.mark.parametrize("decoder", [(4, 2, 1, 0.5), (1, 1, 1, 1)])
def test_the_output_stands_at_full_size(decoder):
    made = Network(Config(width=4, decoder=decoder), 3)
    assert (made.stride, made.scale) == (16, 1)
    with torch.no_grad():
        assert made(torch.rand(2, 1, 32, 48) * 100).shape == (2, 3, 32, 48)


def test_the_encoder_is_taken_from_a_file(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "resnet18.safetensors"
    made = Network(Config(encoder=str(path)), 2)
    fresh = {name: value.clone() for name, value in made.state_dict().items()}
    weights = encoder_weights(made)
    save_file(weights, path)
    made.load_pretrained()
    for name in ("layer1.0.conv1.weight", "layer3.0.downsample.1.running_var", "bn1.bias"):
        assert torch.equal(made.state_dict()[name], weights[name].float())
    for name in ("ups.0.conv1.weight", "head.weight"):
        assert torch.equal(made.state_dict()[name], fresh[name])
    del weights["layer3.1.bn2.bias"]
    save_file(weights, path)
    with pytest.raises(ConfigError, match=r"not ResNet-18 .*: layer3\.1\.bn2\.bias must be \(256,\), but is missing"):
        made.load_pretrained()


def test_it_learns():
    torch.manual_seed(0)
    made = Network(Config(width=4), 2)
    lightness = torch.rand(4, 1, 4, 4).repeat_interleave(8, dim=2).repeat_interleave(8, dim=3) * 100
    truth = ((lightness - 50) / 50).repeat(1, 2, 1, 1)
    optimizer = torch.optim.Adam(made.parameters(), lr=5e-3)
    losses = []
    for _ in range(30):
        loss = (made(lightness) - truth).square().mean()
        optimizer.zero_grad()
        loss.backward()
        assert all(value.grad.any() for value in made.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("layer", ["features", "logits"])
def test_what_squeezenet_sees_joins_and_is_exported(tmp_path, layer):
    torch.manual_seed(0)
    path = tmp_path / "squeezenet.safetensors"
    # Weights that keep the scale of what goes through, as trained ones do.
    save_file({name: 2.8 * value for name, value in SqueezeNet().state_dict().items()}, path)
    made = Network(Config(width=4, semantic=str(path), semantic_layer=layer), 2)
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


def test_its_file_agrees_with_torch_at_any_size():
    torch.manual_seed(0)
    made = Network(Config(width=4), 2)
    made(torch.rand(4, 1, 32, 32) * 100)  # the normalisation has seen something
    made.eval()
    lightness = torch.rand(2, 1, 48, 80) * 100
    with torch.no_grad():
        assert np.allclose(exported(made)(lightness), made(lightness), atol=1e-4)


@pytest.mark.parametrize(
    ("knobs", "match"),
    [
        ({"width": 0}, r"network\.width must be at least 1"),
        ({"width": 8, "encoder": "resnet18.safetensors"}, r"network\.encoder has a width of 64"),
        ({"width": 4, "decoder": (4, 2, 1, 0.1)}, r"each number of network\.decoder"),
    ],
)
def test_a_knob_that_cannot_work_is_refused_by_name(knobs, match):
    with pytest.raises(ConfigError, match=match):
        Network(Config(**knobs), 2)
