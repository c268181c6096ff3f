"""A checkpoint becomes a file that the light column opens and that says what torch says."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from tintype import targets
from tintype.color.bins import annealed_mean, published_bins, published_prior, rebalancing_weights
from tintype.errors import ConfigError, ModelError
from tintype.models import load
from tintype.networks import families
from tintype.training import checkpoint, norms
from tintype.training.config import from_dict, to_dict
from tintype.training.export import Contract, check, export, read_card_file, round_weights

NARROW = {"context": 32, "decoder": [32, 32, 16, 16]}


def network():
    """A narrow flagship whose normalisation has seen something, and whose hint branch is not zero."""
    torch.manual_seed(3)
    values = {"name": "tintype.small", "family": "tintype", "data": {"folder": "none"}, "network": NARROW}
    config = from_dict({**values, "loss": {"cross_entropy": 1.0}})
    made = config.make_network(313)
    nn.init.normal_(made.hints.weight, std=1.0)
    made.train()
    for _ in range(4):
        made(torch.rand(2, 1, 64, 64) * 100, torch.zeros(2, 3, 64, 64))
    return config, made.eval()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    config, made = network()
    folder = tmp_path_factory.mktemp("run")
    checkpoint.save(folder / "best.pt", {"config": to_dict(config), "average": made.state_dict(), "step": 1})
    return folder, made


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.onnx"
    export(run[0], path, version="1", description="A narrow flagship.", licence="CC0-1.0", size=64, temperature=0.5)
    return path


def test_the_file_opens_and_agrees_with_the_checkpoint(run, exported):
    model = load(exported)
    assert (model.card.name, model.card.size, model.card.temperature) == ("tintype.small", 64, 0.5)
    lightness = np.linspace(5, 95, 96 * 64, dtype=np.float32).reshape(96, 64)
    hints = np.zeros((3, 96, 64), np.float32)
    hints[:, 20:30, 20:30] = np.array([40, -20, 1], np.float32)[:, None, None]
    with torch.inference_mode():
        logits = run[1](torch.from_numpy(lightness)[None, None], torch.from_numpy(hints)[None])
    for temperature in (0.3, 1.0):
        expected = annealed_mean(logits, temperature)[0].numpy()
        # float16 weights move the colours a little; the hints and the temperature must move them the same way.
        assert np.abs(model.predict(lightness, hints, temperature).ab - expected).mean() < 0.1
    assert np.abs(model.predict(lightness, None, 0.3).ab - model.predict(lightness, hints, 0.3).ab).max() > 0.5


def test_weights_are_stored_as_float16_and_computed_as_float32(exported):
    graph = onnx.load(exported).graph
    stored = {tensor.data_type for tensor in graph.initializer if np.prod(tensor.dims) >= 64}
    assert stored == {onnx.TensorProto.FLOAT16}
    assert {value.type.tensor_type.elem_type for value in [*graph.input, *graph.output]} == {onnx.TensorProto.FLOAT}
    assert not [node for node in graph.node if node.op_type == "BatchNormalization"]


def test_folding_changes_nothing_but_rounding_errors():
    _, made = network()
    folded = norms.fold(made)
    x, hints = torch.rand(1, 1, 64, 64) * 100, torch.zeros(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(made(x, hints), folded(x, hints), atol=1e-4)
    assert not [m for m in folded.modules() if isinstance(m, nn.BatchNorm2d)]


@pytest.mark.parametrize("backbone", ["mobilenetv2", "efficientnet_lite0", "efficientnet_lite2"])
def test_other_encoders_are_folded_too(backbone):
    torch.manual_seed(0)
    flagship = families.get("tintype")
    made = flagship.make(flagship.Config(backbone=backbone, decoder=(16, 16, 16, 16)), 313).eval()
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2)
    folded = norms.fold(made)
    x, hints = torch.rand(1, 1, 64, 64) * 100, torch.zeros(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(made(x, hints), folded(x, hints), atol=1e-4)
    assert not [m for m in folded.modules() if isinstance(m, nn.BatchNorm2d)]


def test_a_file_that_disagrees_is_refused(exported):
    _, made = network()
    made = norms.fold(made)
    round_weights(made)
    nn.init.normal_(made.head.weight)
    with pytest.raises(ModelError, match="away from torch"):
        check(Contract(made, targets.Bins(published_bins())).eval(), exported.read_bytes(), 32, 0.5)


def test_a_weight_beyond_float16_is_refused():
    _, made = network()
    with torch.no_grad():
        made.head.bias[3] = 1e6
    with pytest.raises(ModelError, match=r"head\.bias does not fit float16"):
        round_weights(made)


def test_errors_of_the_user(tmp_path, run):
    with pytest.raises(ConfigError, match="no such checkpoint"):
        export(tmp_path / "none.pt", tmp_path / "x.onnx")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(ConfigError, match="not a checkpoint"):
        export(tmp_path / "text.pt", tmp_path / "x.onnx")
    with pytest.raises(ConfigError, match="size"):
        export(run[0], tmp_path / "x.onnx", size=3)
    (tmp_path / "card.toml").write_text('verson = "1"')
    with pytest.raises(ConfigError, match="no verson"):
        read_card_file(tmp_path / "card.toml")
    assert not (tmp_path / "x.onnx").exists()
    with pytest.raises(ModelError, match="cannot be written"):
        export(run[0], run[0])


def test_rebalancing_can_be_taken_back_in_part(run, tmp_path):
    # With the published prior no photographs are needed to know the weights of the training.
    state = checkpoint.load(run[0] / "best.pt")
    state["config"]["loss"] |= {"prior": "published", "uniform": 0.5}
    checkpoint.save(tmp_path / "published.pt", state)
    lightness = np.full((64, 64), 60, np.float32)
    logits = {}
    for share in (1.0, 0.0):
        export(tmp_path / "published.pt", tmp_path / "x.onnx", rebalancing=share, size=64)
        logits[share] = load(tmp_path / "x.onnx").predict(lightness, logits=True).logits
    weights = rebalancing_weights(published_prior(), 0.5)
    taken = (logits[1.0] - logits[0.0]).mean(axis=(1, 2))
    assert np.abs(taken - np.log(weights)).max() < 0.01


def test_vividness_multiplies_the_chroma_and_leaves_the_distribution(run, tmp_path):
    lightness = np.linspace(20, 80, 64 * 64, dtype=np.float32).reshape(64, 64)
    ab, logits, hinted = [], [], []
    for factor in (1.0, 1.25):
        export(run[0], tmp_path / "x.onnx", vividness=factor, size=64)
        model = load(tmp_path / "x.onnx")
        ab.append(model.predict(lightness, None, 0.4).ab)
        logits.append(model.predict(lightness, logits=True).logits)
        # A hint is seen as what will be drawn out to its colour.
        hints = np.zeros((3, 64, 64), np.float32)
        hints[:, 8:24, 8:24] = np.array([30 * factor, -20 * factor, 1], np.float32)[:, None, None]
        hinted.append(model.predict(lightness, hints, logits=True).logits)
    assert np.array_equal(*logits)
    assert np.abs(ab[1] - 1.25 * ab[0]).max() < 0.1
    assert np.abs(ab[0]).max() > 1
    assert np.allclose(*hinted, atol=1e-3)
    assert not np.allclose(hinted[0], logits[0], atol=1e-2)
