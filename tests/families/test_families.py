"""The registry, and what each family keeps to."""

import msgspec
import pytest
import torch

from tintype import families
from tintype.errors import ConfigError


def test_an_unknown_family_is_refused_with_the_names_there_are():
    with pytest.raises(ConfigError, match=r"family 'daguerre' is unknown; there are .*tintype"):
        families.get("daguerre")


@pytest.mark.parametrize("name", families.names())
def test_a_family_keeps_its_contract(name):
    family = families.get(name)
    assert issubclass(family.Config, msgspec.Struct)
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"no such knob": 1}, family.Config)
    torch.manual_seed(0)
    network = family.Network(family.Config()).eval()
    stride = network.stride
    with torch.no_grad():
        prediction = network(torch.rand(2, 1, 2 * stride, 3 * stride) * 100, torch.zeros(2, 3, 2 * stride, 3 * stride))
    assert (prediction.ab is None) != (prediction.logits is None)
    plane = prediction.logits if prediction.ab is None else prediction.ab
    assert plane.shape[0] == 2
    assert plane.shape[2:] == (2 * stride // 4, 3 * stride // 4)
    assert torch.isfinite(plane).all()
    # The same seed makes the same network, and its weights go through a state dict.
    torch.manual_seed(0)
    twin = family.Network(family.Config())
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), twin.parameters(), strict=True))
    parts = getattr(network, "encoder_parts", ())
    assert set(parts) <= {key.split(".")[0] for key, _ in network.named_parameters()}
