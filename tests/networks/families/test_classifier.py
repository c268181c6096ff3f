"""Seven pairs of convolutions and three enlargements, for classification."""

import numpy as np
import pytest
import torch

from exported_networks import exported
from tintype.errors import ConfigError
from tintype.networks.families.classifier import Config, Network


@pytest.mark.parametrize("scale", [1, 4])
def test_as_many_parameters_as_were_counted(scale):
    assert sum(value.numel() for value in Network(Config(scale=scale), 313).parameters()) == 17_748_601


@pytest.mark.parametrize("knobs", [{}, {"scale": 2}, {"scale": 4}, {"scale": 8}])
def test_a_small_one_learns_and_its_file_agrees_at_any_size(knobs):
    torch.manual_seed(0)
    made = Network(Config(width=4, **knobs), 5)
    lightness = torch.rand(2, 1, 24, 40) * 100
    output = made(lightness)
    assert made.scale == knobs.get("scale", 1)
    assert output.shape == (2, 5, 24 // made.scale, 40 // made.scale)
    assert output.min() < 0 < output.max()  # nothing keeps the logits above 0
    output.square().mean().backward()
    assert all(torch.isfinite(value.grad).all() and value.grad.any() for value in made.parameters())
    made.eval()
    with torch.no_grad():
        assert np.allclose(exported(made)(lightness), made(lightness), atol=1e-4)


@pytest.mark.parametrize(("key", "value"), [("width", 0), ("scale", 3), ("spread", 0.0)])
def test_a_knob_that_cannot_work_is_refused_by_name(key, value):
    with pytest.raises(ConfigError, match=rf"network\.{key} is"):
        Network(Config(**{key: value}), 5)
