"""SqueezeNet, and what families take of it."""

import pytest
import skimage
import torch
from safetensors.torch import save_file

from tintype.color.lab import gray
from tintype.networks.encoders.squeezenet import Semantic, SqueezeNet


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


def test_the_real_squeezenet_knows_a_cat_in_gray(shared):
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
    assert not any(module.training for module in semantic.train().network.modules())
