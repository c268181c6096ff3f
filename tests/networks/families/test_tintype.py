"""The flagship."""

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import batch_norm, conv2d

from tintype.errors import ConfigError
from tintype.networks.encoders.efficientnet_lite import LiteFeatures
from tintype.networks.encoders.imagenet import DEVIATION, GRAY_DEVIATION, GRAY_MEAN, MEAN
from tintype.networks.encoders.mobilenetv2 import MobileNetV2
from tintype.networks.families.tintype import Config, Network

SMALL = {"context": 16, "decoder": (16, 16, 16, 16)}


def network(**knobs):
    torch.manual_seed(0)
    return Network(Config(**{**SMALL, **knobs}), 313)


def encoder_weights(seed=1):
    """Weights with torchvision's names and shapes, as its ResNet-18 has them, to layer4."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, value in network().state_dict().items():
        if name.split(".")[0] in Network.encoder_parts and not name.endswith("num_batches_tracked"):
            shape = (64, 3, 7, 7) if name == "conv1.weight" else value.shape
            weights[name] = torch.rand(shape, generator=generator).half()
    weights["layer4.0.conv1.weight"] = torch.rand(4, generator=generator).half()  # more than is taken
    return weights


def test_it_is_small_enough():
    parameters = sum(value.numel() for value in Network(Config(), 313).parameters())
    assert parameters < 12e6
    # Two bytes each: the file must stay under 24 MB.
    assert 2 * parameters < 23e6


def test_logits_at_a_quarter_of_any_size_that_the_stride_divides():
    made = network().eval()
    with torch.no_grad():
        for height, width in ((32, 32), (64, 96), (160, 32)):
            prediction = made(torch.full((1, 1, height, width), 50.0), torch.zeros(1, 3, height, width))
            assert prediction.shape == (1, 313, height // 4, width // 4)


def test_hints_do_nothing_at_first_and_work_nearby_once_learned():
    made = network().eval()
    lightness = torch.rand(1, 1, 256, 256, generator=torch.Generator().manual_seed(2)) * 100
    none, given = torch.zeros(1, 3, 256, 256), torch.zeros(1, 3, 256, 256)
    given[:, :, 16:24, 16:24] = torch.tensor([40.0, -30.0, 1.0])[:, None, None]
    with torch.no_grad():
        assert torch.equal(made(lightness, none), made(lightness, given))
        made.hints.weight.normal_(generator=torch.Generator().manual_seed(3))
        difference = (made(lightness, given) - made(lightness, none)).abs().mean(dim=1)[0]
    near, far = difference[:12, :12].mean(), difference[32:, 32:].mean()
    assert near > 0
    assert near > 5 * far


def test_a_step_of_training_wakes_the_hints():
    made = network()
    optimizer = torch.optim.SGD(made.parameters(), lr=0.1)
    hints = torch.zeros(2, 3, 64, 64)
    hints[:, :, 8:16, 8:16] = 20.0
    logits = made(torch.rand(2, 1, 64, 64) * 100, hints)
    logits[:, 7].mean().neg().backward()
    optimizer.step()
    made.eval()
    with torch.no_grad():
        lightness = torch.rand(1, 1, 64, 64) * 100
        assert not torch.equal(made(lightness, hints[:1]), made(lightness, hints[:1] * 0))


def test_the_encoder_is_taken_from_a_file(tmp_path):
    path = tmp_path / "resnet18.safetensors"
    weights = encoder_weights()
    save_file(weights, path)
    made, fresh = network(encoder=str(path)), network()
    # A network is made without reading a file; a run that starts afresh asks for it.
    assert torch.equal(made.layer1[0].conv1.weight, fresh.layer1[0].conv1.weight)
    made.load_pretrained()
    for name in ("layer1.0.conv1.weight", "layer3.0.downsample.1.running_var", "bn1.bias"):
        assert torch.equal(made.state_dict()[name], weights[name].float())
    assert torch.equal(made.layer4[0].conv1.weight, fresh.layer4[0].conv1.weight)
    assert torch.equal(made.head.weight, fresh.head.weight)


def test_the_first_kernels_see_gray_as_they_saw_it_in_three_channels(tmp_path):
    path = tmp_path / "resnet18.safetensors"
    weights = encoder_weights()
    save_file(weights, path)
    made = network(encoder=str(path))
    made.load_pretrained()
    gray = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(4))
    mean, deviation = (torch.tensor(x).view(1, 3, 1, 1) for x in (MEAN, DEVIATION))
    theirs = torch.conv2d((gray - mean) / deviation, weights["conv1.weight"].float(), stride=2)
    ours = torch.conv2d((gray - GRAY_MEAN) / GRAY_DEVIATION, made.conv1.weight, stride=2)
    # Equal but for a constant of each kernel, which the normalisation that follows absorbs in training.
    difference = (ours - theirs).flatten(2)
    assert torch.allclose(difference, difference[:, :, :1].expand_as(difference), atol=1e-3)


def test_a_file_that_is_not_the_encoder_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    with pytest.raises(ConfigError, match=r"none\.safetensors: the encoder's weights cannot be read"):
        network(encoder=str(tmp_path / "none.safetensors")).load_pretrained()
    path.write_bytes(b"these are no weights at all")
    with pytest.raises(ConfigError, match="the encoder's weights cannot be read"):
        network(encoder=str(path)).load_pretrained()
    weights = encoder_weights()
    del weights["layer2.1.bn2.weight"]
    save_file(weights, path)
    with pytest.raises(ConfigError, match=r"not ResNet-18 in torchvision's names: layer2\.1\.bn2\.weight must be"):
        network(encoder=str(path)).load_pretrained()
    save_file({**encoder_weights(), "conv1.weight": torch.zeros(64, 1, 7, 7)}, path)
    with pytest.raises(ConfigError, match=r"conv1\.weight must be \(64, 3, 7, 7\), but is of shape \(64, 1, 7, 7\)"):
        network(encoder=str(path)).load_pretrained()


def mobile(**knobs):
    torch.manual_seed(0)
    return Network(Config(backbone="mobilenetv2", **{"decoder": (96, 64, 48, 32), **knobs}), 313)


def test_the_small_one_is_small_enough_and_takes_the_same_inputs():
    made = mobile().eval()
    assert 2 * sum(value.numel() for value in made.parameters()) < 3e6
    with torch.no_grad():
        for height, width in ((32, 32), (64, 96)):
            prediction = made(torch.full((1, 1, height, width), 50.0), torch.zeros(1, 3, height, width))
            assert prediction.shape == (1, 313, height // 4, width // 4)
        given = torch.zeros(1, 3, 64, 64)
        given[:, :, 16:24, 16:24] = 20.0
        made.hints.weight.normal_()
        lightness = torch.rand(1, 1, 64, 64) * 100
        assert not torch.equal(made(lightness, given), made(lightness, given * 0))


def test_the_small_one_takes_its_encoder_from_the_published_network(tmp_path):
    published = MobileNetV2()
    generator = torch.Generator().manual_seed(1)
    for value in published.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=generator) / 8)
    save_file(
        {n: v for n, v in published.state_dict().items() if n not in ("mean", "deviation")},
        tmp_path / "mobile.safetensors",
    )
    made = mobile(encoder=str(tmp_path / "mobile.safetensors")).eval()
    made.load_pretrained()
    # Padding moves the two apart by a pixel where the stride is 2: the stem alone is compared, on what has no edges.
    lightness = torch.full((1, 1, 32, 32), 60.0)
    x = (lightness / 100 - GRAY_MEAN) / GRAY_DEVIATION
    stem = made.mobile.conv_stem(x)[..., 4, 4]
    # What the mean of the three channels is in place of each one's own, BatchNorm absorbs.
    grays = (torch.full((1, 3, 32, 32), 0.6) - GRAY_MEAN) / torch.tensor(DEVIATION).view(1, 3, 1, 1)
    assert torch.allclose(stem, published.conv_stem(grays)[..., 4, 4], rtol=1e-3, atol=1e-3)
    assert torch.equal(made.mobile.blocks[5][1].conv_dw.weight, published.blocks[5][1].conv_dw.weight)


def test_a_file_of_another_encoder_is_refused(tmp_path):
    save_file(encoder_weights(), tmp_path / "resnet18.safetensors")
    with pytest.raises(ConfigError, match=r"MobileNetV2 1\.0 in timm"):
        mobile(encoder=str(tmp_path / "resnet18.safetensors")).load_pretrained()
    with pytest.raises(ConfigError, match=r"not EfficientNet-Lite2: _conv_stem\.weight must be \(32, 3, 3, 3\)"):
        lite(2, encoder=str(tmp_path / "resnet18.safetensors")).load_pretrained()


def lite(size, **knobs):
    torch.manual_seed(0)
    return Network(Config(backbone=f"efficientnet_lite{size}", **knobs), 313)


@pytest.mark.parametrize(("size", "published"), [(0, 4_652_008), (2, 6_092_072)])
def test_efficientnet_lite_has_as_many_weights_as_published(size, published):
    """The published networks without head (a 1x1 convolution to 1280 channels with its norm) and classifier."""
    features = LiteFeatures(size)
    head = features.channels[-1] * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    two_colours = 2 * features._conv_stem.weight.numel()
    assert sum(value.numel() for value in features.parameters()) + two_colours + head == published


def test_efficientnet_lite_takes_its_weights_and_answers_at_a_quarter(tmp_path):
    made = lite(2).eval()
    generator = torch.Generator().manual_seed(1)
    weights = {
        name: torch.rand(value.shape, generator=generator) / 8
        for name, value in made.lite.state_dict().items()
        if value.is_floating_point()
    }
    weights["_conv_stem.weight"] = torch.rand(32, 3, 3, 3, generator=generator)
    save_file(weights, tmp_path / "lite2.safetensors")
    made = lite(2, encoder=str(tmp_path / "lite2.safetensors")).eval()
    made.load_pretrained()
    # Away from the edges the stem of gray gives what that of three equal channels gives.
    gray = 0.6
    ours = made.lite._bn0(made.lite._conv_stem(torch.full((1, 1, 32, 32), (gray - GRAY_MEAN) / GRAY_DEVIATION)))
    x = torch.full((1, 3, 32, 32), (255 * gray - 127) / 128)
    names = ("running_mean", "running_var", "weight", "bias")
    theirs = batch_norm(
        conv2d(x, weights["_conv_stem.weight"], stride=2), *(weights[f"_bn0.{n}"] for n in names), eps=1e-3
    )
    assert torch.allclose(ours[0, :, 4, 4], theirs[0, :, 4, 4], rtol=1e-4, atol=1e-4)
    assert torch.equal(made.lite._blocks[20]._project_conv.weight, weights["_blocks.20._project_conv.weight"])
    with torch.no_grad():
        for height, width in ((32, 32), (64, 96)):
            prediction = made(torch.full((1, 1, height, width), 50.0), torch.zeros(1, 3, height, width))
            assert prediction.shape == (1, 313, height // 4, width // 4)
    assert 2 * sum(value.numel() for value in made.parameters()) < 23e6
