"""Norms folded for a release come out again: a run can start from a released file as from a checkpoint."""

import numpy as np
import pytest
import torch

from small_sets import picture, write_set
from tintype.color.bins import annealed_mean
from tintype.color.lab import lightness
from tintype.errors import ConfigError
from tintype.models import load
from tintype.training import checkpoint, norms
from tintype.training.batches import Augmentation, make_batch
from tintype.training.config import from_dict, to_dict
from tintype.training.export import export
from tintype.training.loop import Run

NETWORKS = {
    "classifier": {"width": 4},
    "cnn10": {"width": 4},
    "cnn_mse": {"width": 4},
    "dcgan": {"width": 4, "depth": 3},
    "eccv16": {"width": 4},
    "pix2pix": {"width": 4, "depth": 3},
    "resunet": {"width": 4, "depth": 3},
    "tintype": {"width": 16, "context": 16, "decoder": [16, 16, 16, 16]},
    "unet": {"width": 4},
}


def settings(name, folder="none", **changes):
    values = {
        "name": f"{name}.small",
        "family": name,
        "precision": "float32",
        "device": "cpu",
        "data": {"folder": str(folder), "side": 32, "validation_side": 32},
        "network": NETWORKS[name],
        "loss": {"cross_entropy": 1.0},
    }
    return from_dict(values | changes)


def disturbed(config):
    """A network in which no weight, bias or statistic has the value that it begins with."""
    torch.manual_seed(1)
    network = config.make_network(313)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point() and "running" not in name:
                value += 0.1 * torch.randn_like(value)
        network.train()
        for _ in range(30):
            network(torch.rand(2, 1, 32, 32) * 100, torch.zeros(2, 3, 32, 32))
    return network.eval()


def batch(seed=0):
    """Pictures with hints, of which the hint branch has something to say."""
    crops = np.stack([picture(seed + i, 64, 64) for i in range(4)])
    return make_batch(crops, Augmentation(hints=1.0), [np.random.default_rng(i) for i in range(4)])


@pytest.fixture(scope="module", params=NETWORKS)
def released(request, tmp_path_factory):
    """A family's configuration, a network of it, and the file that it was released as."""
    config, folder = settings(request.param), tmp_path_factory.mktemp(request.param)
    network = disturbed(config)
    state = {"config": to_dict(config), "average": network.state_dict(), "step": 1, "prior": [1 / 313] * 313}
    checkpoint.save(folder / "best.pt", state)
    export(folder, folder / "small.onnx", rebalancing=0.5)
    return config, network, folder / "small.onnx"


def test_every_family_starts_from_its_released_file(released):
    config, _, path = released
    assert checkpoint.is_released(str(path))
    started = config.make_network(313)
    norms.load_folded(started, checkpoint.released(str(path)))
    model, given = load(path), batch()
    hints = given.hints[0].numpy() if model.takes_hints else None
    expected = model.predict(given.lightness[0, 0].numpy(), hints, logits=True).logits
    # What the release added to the logits is not a part of what was learnt.
    release = checkpoint.release_of(str(path))
    assert release["vividness"] == 1
    assert release["temperature"] == model.card.temperature
    with torch.no_grad():
        found = started.eval()(given.lightness, given.hints)[0].numpy()
    found = found + np.array(release["shift"], np.float32)[:, None, None]
    assert np.abs(found - expected).max() <= 1e-3 * np.abs(expected).max()


def test_measured_norms_predict_the_same_and_train_from_there(released):
    config, _, path = released
    started = config.make_network(313)
    norms.load_folded(started, checkpoint.released(str(path)))
    given = batch()
    with torch.no_grad():
        before = started.eval()(given.lightness, given.hints)
        norms.measure(started, given.split(2))
        after = started(given.lightness, given.hints)
        set_norms_to_train(started)
        trained = started(given.lightness, given.hints)
    assert (after - before).abs().max() <= 1e-3 * before.abs().max()
    assert (trained - before).abs().max() <= 1e-2 * before.abs().max()


def test_without_measuring_training_would_begin_elsewhere(released):
    """What `measure` is for."""
    config, _, path = released
    started = config.make_network(313)
    norms.load_folded(started, checkpoint.released(str(path)))
    given = batch()
    with torch.no_grad():
        before = started.eval()(given.lightness, given.hints)
        set_norms_to_train(started)
        trained = started(given.lightness, given.hints)
    assert (trained - before).abs().max() > 0.1 * before.abs().max()


def set_norms_to_train(network):
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.train()


def test_a_run_from_the_model_that_ships_begins_with_its_colours(tmp_path):
    folder = write_set(tmp_path / "set", 8, 2)
    values = {"start": "tintype.v2", "network": {}, "steps": 1, "batch": 4, "norms": "frozen"}
    config = settings("tintype", folder, optimizer={"rate": 1e-9}, **values)
    run = Run(config, tmp_path / "run", lambda line: None)
    gray = lightness(picture(50, 96, 128) / 255).astype(np.float32)
    released = torch.from_numpy(load("tintype.v2").predict(gray, logits=True).logits)

    def mean(logits):
        # The file draws it out by its vividness, which is no part of what goes on learning.
        return annealed_mean(logits, 0.4, run.target.bins)[0].numpy()

    expected = mean(released[None])

    def colours(network):
        with torch.no_grad():
            learnt = network.eval()(torch.from_numpy(gray)[None, None], torch.zeros(1, 3, *gray.shape))
            # Its part of the rebalancing the release took back afterwards, as the next export will.
            return mean(learnt + torch.tensor(run.release["shift"], dtype=torch.float32)[:, None, None])

    assert np.abs(expected).mean() > 1
    assert np.abs(colours(run.network) - expected).max() <= 1e-2
    assert run.train()  # measures the norms, and learns next to nothing
    assert np.abs(colours(run.average) - expected).max() <= 1e-2


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("nowhere.onnx", r"nowhere\.onnx: no such model; give an \.onnx file or the name of a model that ships"),
        ("tintype.v0", r"tintype\.v0: no such checkpoint; give a \.pt file"),
        ("broken.onnx", r"broken\.onnx: cannot be read, or is not a model"),
        ("tintype.v2", r"tintype\.v2: holds another network than family and network describe; set them as they were"),
    ],
)
def test_what_cannot_be_started_from(tmp_path, monkeypatch, start, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(ConfigError, match=said) as error:
        Run(settings("tintype", start=start), tmp_path / "run", lambda line: None)
    assert "\n" not in str(error.value)


def test_statistics_beyond_float16_do_not_hinder_a_release(tmp_path):
    config = settings("eccv16")
    network = disturbed(config)
    with torch.no_grad():
        norm = next(module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d))
        norm.running_var.mul_(0).add_(2e5)
        norm.running_mean.add_(300)
    state = {"config": to_dict(config), "average": network.state_dict(), "step": 1}
    checkpoint.save(tmp_path / "best.pt", state)
    export(tmp_path, tmp_path / "large.onnx")
    given = batch()
    with torch.no_grad():
        expected = network(given.lightness, given.hints)[0].numpy()
    found = load(tmp_path / "large.onnx").predict(given.lightness[0, 0].numpy(), logits=True).logits
    assert np.abs(found - expected).max() <= 1e-2 * np.abs(expected).max()
