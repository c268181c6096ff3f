"""What published files hold, and how a file is recognised."""

import pytest
import torch

from published_weights import layout
from tintype.errors import ConfigError
from tintype.networks.published import ddcolor, deoldify
from tintype.networks.published.layouts import LAYOUTS, recognise


@pytest.mark.parametrize(
    ("name", "published"),
    [
        # The head that makes a*b* of the classes is a weight of the file, and not in the published count.
        ("eccv16.port", 32_235_385 + 2 * 313),
        ("siggraph17.port", 34_187_027),
        ("deoldify.artistic", 63.6e6),
        ("ddcolor.tiny", 55.0e6),
        ("ddcolor.large", 227.9e6),
    ],
)
def test_as_many_parameters_as_were_published(name, published):
    tolerance = 0 if isinstance(published, int) else 0.05e6
    assert abs(layout(name).parameters - published) <= tolerance


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("deoldify.artistic", 255_144_681),
        ("deoldify.wide", 874_066_230),
        ("ddcolor.tiny", 220_393_145),
        ("ddcolor.large", 911_950_059),
    ],
)
def test_the_published_files_are_as_large_as_the_tables_say(name, published):
    """Torch adds names and a few bytes for each weight."""
    numbers = 4 * sum(torch.Size(shape).numel() for shape in layout(name).shapes.values())
    assert 0 < published - numbers < 0.0015 * published


@pytest.mark.parametrize("known", LAYOUTS, ids=lambda known: known.name)
def test_a_file_is_recognised_whatever_else_it_holds(known):
    assert recognise({**known.shapes, "mean": (1, 3, 1, 1)}, "file.pth") is known


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("deoldify.artistic", lambda: deoldify.Network(deoldify.Config())),
        ("ddcolor.tiny", lambda: ddcolor.Network(ddcolor.Config())),
        ("ddcolor.large", lambda: ddcolor.Network(ddcolor.Config((3, 3, 27, 3), (192, 384, 768, 1536)))),
        ("deoldify.wide", lambda: deoldify.Network(deoldify.Config((3, 4, 23, 3), True, 64, 2.0))),
    ],
)
def test_the_networks_have_the_weights_of_the_tables(name, network):
    with torch.device("meta"):
        ours = {
            weight: tuple(value.shape)
            for weight, value in network().state_dict().items()
            if not weight.endswith("num_batches_tracked")
        }
    shapes = layout(name).shapes
    folded = {}
    for weight, shape in shapes.items():
        if weight.endswith("_orig"):
            folded[weight.removesuffix("_orig")] = shape
        elif weight.endswith("weight_v") and weight.replace("weight_v", "weight_g") in shapes:
            folded[weight.removesuffix("_v")] = shape
        elif not weight.endswith(("weight_u", "weight_v", "weight_g")):
            folded[weight] = shape
    assert ours == folded


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda shapes: shapes | {"model8.6.weight": (529, 256, 1, 1)},
            r"is like ECCV16 .*, but model8\.6\.weight is of shape \(529, 256, 1, 1\), not \(313, 256, 1, 1\)",
        ),
        (
            lambda shapes: {name: shape for name, shape in shapes.items() if name != "model3.4.bias"},
            r"is like ECCV16 .*, but model3\.4\.bias is missing, not \(256,\)",
        ),
        (
            lambda shapes: {"layer1.0.conv1.weight": (64, 64, 3, 3)},
            r"file\.pth: holds a ResNet, which is an encoder and no colorizer, .* these are eccv16\.port,",
        ),
        (
            lambda shapes: {"stem.weight": (8, 3, 3, 3), "stem.bias": (8,)},
            r"holds 2 weights, of which the first is stem\.weight of shape \(8, 3, 3, 3\), and no network that is",
        ),
    ],
)
def test_what_is_none_of_them_is_told_in_a_sentence(change, sentence):
    with pytest.raises(ConfigError, match=sentence):
        recognise(change(dict(layout("eccv16.port").shapes)), "file.pth")
