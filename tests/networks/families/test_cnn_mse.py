"""Five pairs of convolutions and three enlargements, for regression."""

import numpy as np
import pytest
import torch

from exported_networks import exported
from tintype.errors import ConfigError
from tintype.networks.families.cnn_mse import Config, Network


def test_as_many_parameters_as_were_counted():
    assert sum(value.numel() for value in Network(Config(), 2).parameters()) == 10_956_418


def test_a_small_one_learns_and_its_file_agrees_at_any_size():
    torch.manual_seed(0)
    made = Network(Config(width=4), 2)
    lightness = torch.rand(2, 1, 24, 40) * 100
    output = made(lightness)
    assert output.shape == (2, 2, 24, 40)
    output.square().mean().backward()
    assert all(torch.isfinite(value.grad).all() and value.grad.any() for value in made.parameters())
    made.eval()
    with torch.no_grad():
        assert np.allclose(exported(made)(lightness), made(lightness), atol=1e-4)


@pytest.mark.parametrize(("key", "value"), [("width", 0), ("spread", 0.0)])
def test_a_knob_that_cannot_work_is_refused_by_name(key, value):
    with pytest.raises(ConfigError, match=rf"network\.{key} is"):
        Network(Config(**{key: value}), 2)
