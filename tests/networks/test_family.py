"""What all families have from their base."""

import copy

import pytest
import torch
from torch import nn

from tintype.networks import family


class Small(family.Network):
    """An encoder of all that moves in training: weights, statistics, dropout, a bare parameter."""

    encoder_parts = ("stem", "gain")

    def __init__(self):
        super().__init__(family.Config(), 2)
        self.gain = nn.Parameter(torch.ones(()))
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, 1, 1), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3, 1, 1), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Conv2d(4, 2, 1)

    def forward(self, lightness, hints):
        return self.head(self.body(self.gain * self.stem(lightness)))


def moved(network, parent, steps=3):
    """The entries of the state of a network that some steps of training change."""
    before = copy.deepcopy(network.state_dict())
    optimizer = torch.optim.AdamW(network.parameters(), 0.1, weight_decay=0.1)
    for _ in range(steps):
        parent.train()
        optimizer.zero_grad()
        network(torch.rand(4, 1, 8, 8), torch.zeros(4, 3, 8, 8)).square().mean().backward()
        optimizer.step()
    return {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Small()


def test_all_of_a_network_moves_in_training(network):
    assert moved(network, network) == set(network.state_dict())


@pytest.mark.parametrize("copied", [False, True])
def test_a_frozen_encoder_stays_as_it_is_with_its_statistics_whatever_its_parent_does(network, copied):
    network.freeze_encoder()
    network = copy.deepcopy(network) if copied else network
    parent = nn.ModuleDict({"network": network})
    parent.eval()
    expected = {name for name in network.state_dict() if not name.startswith(("stem", "gain"))}
    assert moved(network, parent) == expected
    # It does not draw either what it drops.
    lightness = torch.rand(1, 1, 8, 8)
    assert torch.equal(network.train().stem(lightness), network.eval().stem(lightness))


def test_frozen_norms_keep_weights_and_statistics(network):
    network.freeze_norms()
    norms = {name for name in network.state_dict() if name.startswith(("stem.1", "body.1"))}
    assert moved(network, network) == set(network.state_dict()) - norms
    assert network.stem[2].training


def test_by_default_a_family_has_nothing_that_others_have(network):
    assert (network.stride, network.scale, network.takes_hints, network.side_bins) == (1, 1, False, None)
    assert network.pretrained_parts == ()
    assert family.Config().files() == {}
    state = copy.deepcopy(network.state_dict())
    network.load_pretrained()
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
