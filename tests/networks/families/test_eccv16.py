"""The network of Colorful Image Colorization, what others made of it, and its published weights."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from benchmarks.peers import ECCV16
from exported_networks import exported
from tintype.errors import ConfigError
from tintype.networks.families.eccv16 import Config, Network

SIMPLIFIED = {"depth": (2,) * 8, "widths": (1, 2, 4, 6.5, 6.5, 6.5, 6.5, 4)}

# Inside and outside of each convolution of the authors' PyTorch port, block by block; block 8 starts with its
# transposed convolution and ends with the 1x1 head.
PORT = (
    ((1, 64), (64, 64)),
    ((64, 128), (128, 128)),
    ((128, 256), (256, 256), (256, 256)),
    ((256, 512), (512, 512), (512, 512)),
    ((512, 512), (512, 512), (512, 512)),
    ((512, 512), (512, 512), (512, 512)),
    ((512, 512), (512, 512), (512, 512)),
    ((512, 256), (256, 256), (256, 256), (256, 313)),
)


def published_table():
    """The names and shapes of the published file, in its order."""
    table = {}
    for number, convs in enumerate(PORT, start=1):
        for place, (inside, outside) in enumerate(convs):
            name = f"model{number}.{2 * place}"
            kernel = (1, 1) if outside == 313 else (3, 3)
            table[f"{name}.weight"] = (512, 256, 4, 4) if name == "model8.0" else (outside, inside, *kernel)
            table[f"{name}.bias"] = (outside,)
        if number < 8:
            for part in ("weight", "bias", "running_mean", "running_var"):
                table[f"model{number}.{2 * len(convs)}.{part}"] = (convs[-1][1],)
            table[f"model{number}.{2 * len(convs)}.num_batches_tracked"] = ()
    return table | {"model_out.weight": (2, 313, 1, 1)}


def published_weights():
    generator = torch.Generator().manual_seed(1)
    return {name: torch.rand(shape, generator=generator) / 20 for name, shape in published_table().items()}


def hollow_weights():
    """Of the published names and shapes, one stored number each."""
    return {name: torch.zeros(()).expand(shape) for name, shape in published_table().items()}


@pytest.fixture(scope="module")
def published():
    return Network(Config(), 313)


@pytest.mark.parametrize(
    ("knobs", "channels", "count"),
    [
        ({}, 313, 32_235_385),
        ({}, 2, 32_155_458),
        ({"upsampling": "nearest"}, 313, 30_727_801),
        (SIMPLIFIED, 313, 15_387_513),
    ],
)
def test_as_many_parameters_as_were_published(knobs, channels, count):
    assert sum(value.numel() for value in Network(Config(**knobs), channels).parameters()) == count


@pytest.mark.parametrize("upsampling", ["transposed", "nearest"])
@pytest.mark.parametrize("scale", [1, 2, 4, 8])
def test_the_output_stands_at_its_scale(scale, upsampling):
    made = Network(Config(width=4, scale=scale, upsampling=upsampling), 5)
    assert (made.scale, made.stride) == (scale, 8)
    with torch.no_grad():
        assert made(torch.rand(2, 1, 24, 40) * 100).shape == (2, 5, 24 // scale, 40 // scale)


@pytest.mark.parametrize("knobs", [{}, SIMPLIFIED, {"dropout": 0.3, "affine": False, "scale": 8}])
def test_a_small_one_learns(knobs):
    torch.manual_seed(0)
    made = Network(Config(width=4, **knobs), 5)
    made(torch.rand(2, 1, 40, 40) * 100).square().mean().backward()
    assert all(torch.isfinite(value.grad).all() and value.grad.any() for value in made.parameters())


@pytest.mark.parametrize("knobs", [{}, {"upsampling": "nearest", "scale": 2}, {"dropout": 0.3, "scale": 8}])
def test_its_file_agrees_with_torch_at_any_size(knobs):
    torch.manual_seed(0)
    made = Network(Config(width=4, **knobs), 5)
    made(torch.rand(4, 1, 32, 32) * 100)  # the normalisation has seen something
    made.eval()
    lightness = torch.rand(2, 1, 24, 40) * 100
    with torch.no_grad():
        assert np.allclose(exported(made)(lightness), made(lightness), atol=1e-4)


def test_the_published_file_gives_the_published_network(tmp_path):
    weights = published_weights()
    torch.save(weights, tmp_path / "port.pth")
    made = Network(Config(published=str(tmp_path / "port.pth")), 313)
    made.load_pretrained()
    peer = ECCV16()
    ordered = [value for name, value in weights.items() if name != "model_out.weight"]
    peer.load_state_dict(dict(zip(peer.state_dict(), ordered, strict=True)))
    lightness = torch.rand(1, 1, 40, 24, generator=torch.Generator().manual_seed(2)) * 100
    with torch.no_grad():
        theirs, ours = peer.eval()(lightness), made.eval()(lightness)
    assert theirs.std() > 0
    assert torch.allclose(ours, theirs, rtol=1e-4)


@pytest.mark.parametrize("form", ["old.pth", "half.safetensors"])
def test_other_forms_of_the_published_file(published, tmp_path, form):
    weights = hollow_weights() | {"model8.6.bias": torch.arange(313.0)}
    if form == "old.pth":
        torch.save(weights, tmp_path / form, _use_new_zipfile_serialization=False)
    else:
        # Without the count of batches, which older files lack.
        kept = {k: v.half().contiguous() for k, v in weights.items() if not k.endswith("num_batches_tracked")}
        save_file(kept, tmp_path / form)
    published.config = Config(published=str(tmp_path / form))
    published.load_pretrained()
    assert torch.equal(published.model8[6].bias, torch.arange(313.0))


@pytest.mark.parametrize("name", [n for n in published_table() if "num_batches" not in n and "model_out" not in n])
def test_a_wrong_key_or_shape_is_refused_by_name(published, tmp_path, name):
    path = tmp_path / "port.pth"
    published.config = Config(published=str(path))
    before = published.model8[6].bias.clone()
    weights = hollow_weights()
    shape = ", ".join(str(side) for side in weights[name].shape)
    value = weights.pop(name)
    torch.save(weights, path)
    with pytest.raises(ConfigError, match=rf"port\.pth: {name} is absent, and \({shape},?\) in this network"):
        published.load_pretrained()
    torch.save(weights | {name: value[:1]}, path)
    with pytest.raises(ConfigError, match=rf"{name} is \(1,.*, and \({shape},?\) in this network"):
        published.load_pretrained()
    torch.save(weights | {name: value, name + "_": value}, path)
    with pytest.raises(ConfigError, match=rf"{name}_ is \({shape},?\), and absent in this network"):
        published.load_pretrained()
    assert torch.equal(published.model8[6].bias, before)


def test_a_file_that_is_none_is_refused(tmp_path):
    def load(path):
        Network(Config(width=1, published=str(path)), 313).load_pretrained()

    Network(Config(width=1), 313).load_pretrained()  # none named: nothing to do
    with pytest.raises(ConfigError, match=r"none\.pth: the published weights cannot be read .*network\.published"):
        load(tmp_path / "none.pth")
    for name in ("text.pth", "text.safetensors"):
        (tmp_path / name).write_text("these are no weights at all")
        with pytest.raises(ConfigError, match=rf"{name}: broken, or not a file of weights"):
            load(tmp_path / name)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ConfigError, match="not a table of weights"):
        load(tmp_path / "list.pth")
    torch.save(hollow_weights(), tmp_path / "port.pth")
    with pytest.raises(ConfigError, match=r"and \(1,\) in this network; network\.published fits only the published"):
        load(tmp_path / "port.pth")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("width", 0),
        ("widths", (1, 2, 4, 8, 8, 8, 8, 0)),
        ("depth", (2, 2, 3, 3, 0, 3, 3, 3)),
        ("depth", (2, 2, 3, 3, 3, 3, 3, -1)),
        ("scale", 3),
        ("upsampling", "bilinear"),
        ("dropout", 1.0),
        ("spread", 0.0),
    ],
)
def test_a_knob_that_cannot_work_is_refused_by_name(key, value):
    with pytest.raises(ConfigError, match=rf"network\.{key} is"):
        Network(Config(**{key: value}), 313)


def test_block_8_needs_a_convolution_for_each_enlargement():
    with pytest.raises(ConfigError, match=r"network\.depth is 2 in block 8; network\.scale 1 needs"):
        Network(Config(depth=(2,) * 8, scale=1), 313)
