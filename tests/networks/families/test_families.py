"""The registry, and what each family keeps to."""

import msgspec
import pytest
import torch

from tintype.errors import ConfigError
from tintype.networks import families


def test_an_unknown_family_is_refused_with_the_names_there_are():
    with pytest.raises(ConfigError, match=r"family 'daguerre' is unknown; there are .*tintype"):
        families.get("daguerre")


@pytest.mark.parametrize("name", families.names())
def test_a_family_keeps_its_contract(name):
    family = families.get(name)
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"no such knob": 1}, family.Config)
    torch.manual_seed(0)
    network = family.make(family.Config(), 5).eval()
    stride, scale = network.stride, network.scale
    height, width = (-(-minimum // stride) * stride for minimum in (64, 96))
    with torch.no_grad():
        output = network(torch.rand(2, 1, height, width) * 100, torch.zeros(2, 3, height, width))
    if network.side_bins is not None:
        output, side = output
        assert side.shape[:2] == (2, len(network.side_bins))
        assert torch.isfinite(side).all()
    assert output.shape == (2, 5, height // scale, width // scale)
    assert torch.isfinite(output).all()
    # The same seed makes the same network, and its weights go through a state dict.
    torch.manual_seed(0)
    twin = family.make(family.Config(), 5)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), twin.parameters(), strict=True))
    assert set(network.encoder_parts) <= {key.split(".")[0] for key, _ in network.named_parameters()}
