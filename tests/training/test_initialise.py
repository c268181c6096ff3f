"""Data-dependent initialisation: what the layers of small networks give on the data that they were started from."""

import copy

import pytest
import torch
from torch import nn

from tintype.training.batches import Batch
from tintype.training.initialise import data_dependent


class Network(nn.Module):
    """All that the families are made of: strides, dilation, groups, norms, dropout, transposed layers, a side head."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, 2, 1)
        self.hints = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.second = nn.Sequential(nn.Conv2d(8, 12, 3, 1, 2, 2), nn.ReLU(), nn.Dropout(0.5), nn.BatchNorm2d(12))
        self.grouped = nn.Conv2d(12, 12, 3, 1, 1, groups=4)
        self.up = nn.ConvTranspose2d(12, 6, 4, 2, 1)
        self.groups_up = nn.ConvTranspose2d(6, 4, 3, 1, 1, groups=2)
        self.side = nn.Conv2d(12, 5, 1)
        self.head = nn.Conv2d(4, 2, 1)
        nn.init.zeros_(self.hints.weight)

    def forward(self, lightness, hints):
        x = self.bn(torch.relu(self.first(lightness / 100) + self.hints(hints)))
        x = torch.relu(self.grouped(self.second(x)))
        side = self.side(x)
        return self.head(torch.relu(self.groups_up(torch.relu(self.up(x))))), side


@pytest.fixture
def batches():
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(8, 1, 36, 36, generator=generator)
    lightness = 100 * nn.functional.avg_pool2d(noise, 5, 1)
    hints = torch.rand(8, 3, 32, 32, generator=generator)
    return Batch(lightness, hints, hints[:, :2]).split(2)


def make():
    torch.manual_seed(1)
    return Network().train()


def outputs(network, batches):
    """Per channel (mean, deviation) of each convolution, in training but for dropout."""
    network = copy.deepcopy(network)
    network.second[2].eval()
    seen = {}

    def note(name):
        return lambda module, inputs, output: seen.update({name: torch.std_mean(output, dim=(0, 2, 3), correction=0)})

    for name, module in network.named_modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            module.register_forward_hook(note(name))
    with torch.no_grad():
        network(*(torch.cat([getattr(batch, key) for batch in batches]) for key in ("lightness", "hints")))
    return {name: (mean, deviation) for name, (deviation, mean) in seen.items()}


@pytest.mark.parametrize("kmeans", [False, True])
def test_every_layer_gives_mean_0_and_deviation_1(batches, kmeans):
    network = make()
    data_dependent(network, batches, kmeans)
    seen = outputs(network, batches)
    for name in ("first", "second.0", "grouped", "up", "groups_up"):
        mean, deviation = seen[name]
        assert mean.abs().max() < 1e-3, name
        assert (deviation - 1).abs().max() < 1e-3, name


@pytest.mark.parametrize("kmeans", [False, True])
def test_last_layers_stay_near_their_prior(batches, kmeans):
    network = make()
    prior = {name: getattr(network, name).bias.detach().clone() for name in ("head", "side")}
    data_dependent(network, batches, kmeans)
    seen = outputs(network, batches)
    for name in ("head", "side"):
        mean, deviation = seen[name]
        assert torch.allclose(mean, prior[name], atol=1e-3), name
        assert torch.allclose(deviation, torch.full_like(deviation, 0.1), atol=1e-3), name


@pytest.mark.parametrize("kmeans", [False, True])
def test_kernels_of_zeros_stay_and_the_mode_of_the_network_too(batches, kmeans):
    network = make()
    network.bn.eval()
    data_dependent(network, batches, kmeans)
    assert not network.hints.weight.any()
    assert [name for name, module in network.named_modules() if not module.training] == ["bn"]
    assert network.bn.running_mean.abs().max() == 0
    assert network.second[3].momentum == 0.1


def test_a_layer_without_bias_is_only_scaled_and_its_norm_takes_the_mean(batches):
    network = make()
    network.second[0] = nn.Conv2d(8, 12, 3, 1, 2, 2, bias=False)
    data_dependent(network, batches)
    seen = outputs(network, batches)
    assert (seen["second.0"][1] - 1).abs().max() < 1e-3
    assert seen["grouped"][0].abs().max() < 1e-3


def test_norms_know_the_data_when_they_are_not_trained(batches):
    network = make()
    data_dependent(network, batches)
    seen = outputs(network.eval(), batches)
    # The running variance is the unbiased one, of 8 x 16 x 16 values.
    assert (seen["groups_up"][1] - 1).abs().max() < 2e-3


def test_pretrained_parts_stay_as_they_are(batches):
    network = make()
    network.second[0].weight.requires_grad_(False)
    before = copy.deepcopy(network.state_dict())
    data_dependent(network, batches, kmeans=True, skip=("first", "bn"))
    after = network.state_dict()
    for name in before:
        if name.startswith(("first", "bn", "second.0")) and not name.endswith("num_batches_tracked"):
            assert torch.equal(before[name], after[name]), name
    assert (outputs(network, batches)["grouped"][1] - 1).abs().max() < 1e-3
    data_dependent(network, batches)
    assert not torch.equal(before["first.weight"], network.first.weight)


def test_the_seed_decides_and_torchs_generator_goes_on(batches):
    networks = [make() for _ in range(3)]
    state = torch.get_rng_state()
    for network, seed in zip(networks, (0, 0, 1), strict=True):
        data_dependent(network, batches, kmeans=True, seed=seed)
    assert torch.equal(state, torch.get_rng_state())
    first, second, third = (network.state_dict() for network in networks)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["first.weight"], third["first.weight"])


def test_kmeans_finds_the_patches_that_a_set_is_made_of():
    # Photographs of two kinds of stripes, each in two phases: there are four patches of 2x2.
    row = torch.tensor([0.0, 100.0]).repeat(8)
    upright = row.expand(16, 16)
    lightness = torch.stack([upright, upright.T]).repeat(4, 1, 1)[:, None]
    batch = Batch(lightness, lightness, lightness)

    class Stripes(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 2, 2)
            self.head = nn.Conv2d(4, 1, 1)

        def forward(self, lightness, hints):
            return self.head(torch.relu(self.conv(lightness)))

    network = Stripes()
    data_dependent(network, [batch], kmeans=True, seed=0)
    kernels = network.conv.weight.detach().flatten(1)
    patches = torch.tensor([[-1.0, 1, -1, 1], [1, -1, 1, -1], [-1, -1, 1, 1], [1, 1, -1, -1]]) / 2
    likeness = nn.functional.normalize(kernels - kernels.mean(dim=1, keepdim=True)) @ patches.T
    assert likeness.max(dim=1).values.tolist() == pytest.approx([1, 1, 1, 1], abs=0.05)
    assert sorted(likeness.argmax(dim=1).tolist()) == [0, 1, 2, 3]
