"""Ten convolutions at full size."""

import numpy as np
import pytest
import torch

from exported_networks import exported
from tintype.errors import ConfigError
from tintype.networks.families.cnn10 import Config, Network


@pytest.mark.parametrize(("channels", "count"), [(2, 7_782_210), (3, 7_782_787)])
def test_as_many_parameters_as_were_counted(channels, count):
    assert sum(value.numel() for value in Network(Config(), channels).parameters()) == count


@pytest.mark.parametrize("knobs", [{}, {"widths": (1, 2, 1, 0.5)}])
def test_a_small_one_learns_and_its_file_agrees_at_any_size(knobs):
    torch.manual_seed(0)
    made = Network(Config(width=4, **knobs), 3)
    lightness = torch.rand(2, 1, 13, 21) * 100
    output = made(lightness)
    assert output.shape == (2, 3, 13, 21)
    output.square().mean().backward()
    assert all(torch.isfinite(value.grad).all() and value.grad.any() for value in made.parameters())
    made.eval()
    with torch.no_grad():
        assert np.allclose(exported(made)(lightness), made(lightness), atol=1e-4)


@pytest.mark.parametrize(("key", "value"), [("width", 0), ("widths", ()), ("widths", (1, 0.01)), ("spread", 0.0)])
def test_a_knob_that_cannot_work_is_refused_by_name(key, value):
    with pytest.raises(ConfigError, match=rf"network\.{key} is"):
        Network(Config(**{key: value}), 3)
