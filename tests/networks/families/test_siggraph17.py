"""The network of user-guided colorization, and its published weights."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from benchmarks.peers import SIGGRAPH17
from exported_networks import exported
from tintype.errors import ConfigError
from tintype.networks.families.siggraph17 import Config, Network

# Place, kernel, inside and outside of each convolution of the authors' PyTorch port, and the place of the norm.
PORT = {
    "model1": [(0, 3, 4, 64), (2, 3, 64, 64), 4],
    "model2": [(0, 3, 64, 128), (2, 3, 128, 128), 4],
    "model3": [(0, 3, 128, 256), (2, 3, 256, 256), (4, 3, 256, 256), 6],
    "model4": [(0, 3, 256, 512), (2, 3, 512, 512), (4, 3, 512, 512), 6],
    "model5": [(0, 3, 512, 512), (2, 3, 512, 512), (4, 3, 512, 512), 6],
    "model6": [(0, 3, 512, 512), (2, 3, 512, 512), (4, 3, 512, 512), 6],
    "model7": [(0, 3, 512, 512), (2, 3, 512, 512), (4, 3, 512, 512), 6],
    "model8up": [(0, 4, 512, 256)],
    "model3short8": [(0, 3, 256, 256)],
    "model8": [(1, 3, 256, 256), (3, 3, 256, 256), 5],
    "model9up": [(0, 4, 256, 128)],
    "model2short9": [(0, 3, 128, 128)],
    "model9": [(1, 3, 128, 128), 3],
    "model10up": [(0, 4, 128, 128)],
    "model1short10": [(0, 3, 64, 128)],
    "model10": [(1, 3, 128, 128)],
    "model_class": [(0, 1, 256, 529)],
    "model_out": [(0, 1, 128, 2)],
}


def published_table():
    """The names and shapes of the published file."""
    table = {}
    for block, places in PORT.items():
        for place in places:
            if isinstance(place, int):
                for part in ("weight", "bias", "running_mean", "running_var"):
                    table[f"{block}.{place}.{part}"] = table[f"{block}.{place - 2}.bias"]
                table[f"{block}.{place}.num_batches_tracked"] = ()
                continue
            number, kernel, inside, outside = place
            channels = (inside, outside) if kernel == 4 else (outside, inside)
            table[f"{block}.{number}.weight"] = (*channels, kernel, kernel)
            table[f"{block}.{number}.bias"] = (outside,)
    return table


def published_weights():
    """Of the published names and shapes, each with a number of its own, stored once."""
    return {name: torch.tensor(float(i)).expand(shape) for i, (name, shape) in enumerate(published_table().items())}


@pytest.fixture(scope="module")
def published():
    return Network(Config(), 2)


def picture(n, height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hints = torch.zeros(n, 3, height, width)
    hints[:, :, 8:12, 8:14] = torch.tensor([40.0, -30.0, 1.0])[:, None, None]
    return torch.rand(n, 1, height, width, generator=generator) * 100, hints


def test_as_many_parameters_as_were_published(published):
    assert sum(value.numel() for value in published.parameters()) == 34_187_027


def test_a_small_one_fits_what_is_released():
    assert sum(value.numel() for value in Network(Config(width=6), 2).parameters()) == 313_983


def test_it_computes_what_a_rebuild_from_the_paper_computes():
    torch.manual_seed(0)
    made, peer = Network(Config(), 2).eval(), SIGGRAPH17().eval()
    # Both have their blocks in the same order.
    made.load_state_dict(dict(zip(made.state_dict(), peer.state_dict().values(), strict=True)))
    lightness, hints = picture(1, 24, 32)
    with torch.no_grad():
        main, _ = made(lightness, hints)
        assert torch.allclose(torch.tanh(main) * 110, peer(lightness, hints), atol=1e-3)


def test_the_published_file_fits_key_by_key(published, tmp_path):
    weights = published_weights()
    assert published.state_dict().keys() == weights.keys()
    torch.save(weights, tmp_path / "port.pth")
    published.config = Config(published=str(tmp_path / "port.pth"))
    published.load_pretrained()
    for name, value in published.state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.equal(value, weights[name]), name


def test_a_file_that_is_not_the_network_is_refused(published, tmp_path):
    def refused(weights, match):
        path = tmp_path / "port.pth"
        torch.save(weights, path)
        published.config = Config(published=str(path))
        with pytest.raises(ConfigError, match=match):
            published.load_pretrained()

    weights = published_weights()
    short = weights.pop("model3short8.0.weight")
    refused(weights, r"not SIGGRAPH17 .*: model3short8\.0\.weight must be \(256, 256, 3, 3\), but is missing")
    refused(weights | {"model3short8.0.weight": short[:1]}, r"but is of shape \(1, 256, 3, 3\)")
    refused([1, 2], r"port\.pth: the published weights cannot be read")
    published.config = Config(published=str(tmp_path / "none.pth"))
    with pytest.raises(ConfigError, match=r"none\.pth: the published weights cannot be read"):
        published.load_pretrained()
    save_file({"model1.0.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    published.config = Config(published=str(tmp_path / "other.safetensors"))
    with pytest.raises(ConfigError, match="not SIGGRAPH17"):
        published.load_pretrained()


def test_published_weights_go_with_the_published_network():
    with pytest.raises(ConfigError, match=r"not of width 8 with 2; set network\.width"):
        Network(Config(published="port.pth", width=8), 2)
    with pytest.raises(ConfigError, match=r"not of width 64 with 313; set network\.width and target\.kind"):
        Network(Config(published="port.pth"), 313)
    with pytest.raises(ConfigError, match=r"network\.width must be at least 1"):
        Network(Config(width=0), 2)


def test_the_output_stands_at_full_size_and_the_classes_at_a_quarter():
    made = Network(Config(width=2), 3)
    assert (made.stride, made.scale, made.takes_hints) == (8, 1, True)
    with torch.no_grad():
        main, side = made(*picture(2, 24, 40))
    assert main.shape == (2, 3, 24, 40)
    assert side.shape == (2, 529, 6, 10)


@pytest.mark.parametrize("centre", [0.0, 0.5])
def test_the_mask_is_taken_from_its_centre(centre):
    torch.manual_seed(0)
    made = Network(Config(width=2, mask_centre=centre), 2).eval()
    lightness, hints = picture(1, 16, 16)
    given = torch.cat([(lightness - 50) / 100, hints[:, :2] / 110, hints[:, 2:] - centre], dim=1)
    seen = []
    made.model1.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        made(lightness, hints)
    assert torch.equal(seen[0], given)


@pytest.mark.parametrize("detached", ["", "main", "side"])
def test_the_detached_output_does_not_shape_the_body(detached):
    torch.manual_seed(0)
    for number, name in enumerate(("main", "side")):
        made = Network(Config(width=2, detached=detached), 2)
        made(*picture(2, 16, 16))[number].square().mean().backward()
        assert (made.model1[0].weight.grad is None) == (detached == name)
        head = made.model_out if name == "main" else made.model_class
        assert head[0].weight.grad.any()


def test_it_learns():
    torch.manual_seed(0)
    made = Network(Config(width=4), 2)
    lightness = torch.rand(4, 1, 4, 4).repeat_interleave(4, dim=2).repeat_interleave(4, dim=3) * 100
    hints = torch.zeros(4, 3, 16, 16)
    truth = ((lightness - 50) / 50).repeat(1, 2, 1, 1)
    optimizer = torch.optim.Adam(made.parameters(), lr=1e-2)
    losses = []
    for _ in range(40):
        main, side = made(lightness, hints)
        loss = (main - truth).square().mean() - side.log_softmax(dim=1)[:, 7].mean() / 10
        optimizer.zero_grad()
        loss.backward()
        assert all(value.grad is not None for value in made.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


class _Output(nn.Module):
    """One of the two outputs, with hints that follow from the lightness."""

    stride = 8

    def __init__(self, network, number):
        super().__init__()
        self.network, self.number = network, number

    def forward(self, lightness, hints=None):
        given = torch.cat([lightness - 50, 50 - lightness, (lightness > 50).float()], dim=1)
        return self.network(lightness, given)[self.number]


@pytest.mark.parametrize("number", [0, 1])
def test_its_file_agrees_with_torch_at_any_size(number):
    torch.manual_seed(0)
    made = Network(Config(width=4), 2)
    made(*picture(4, 32, 32))  # the normalisation has seen something
    output = _Output(made, number).eval()
    lightness = torch.rand(2, 1, 24, 40) * 100
    with torch.no_grad():
        assert np.allclose(exported(output)(lightness), output(lightness), atol=1e-4)
