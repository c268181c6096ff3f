"""Every method that ships: its file, and a few steps of it in small, stopped, taken up again, exported and opened."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from small_sets import write_set
from small_weights import write_lpips, write_resnet18, write_squeezenet, write_vgg16
from tintype import targets
from tintype.models import load
from tintype.networks import families
from tintype.training import checkpoint
from tintype.training.config import read
from tintype.training.export import export
from tintype.training.loop import Run

CONFIGS = Path(__file__).parents[2] / "configs"
COMPARED, PUBLISHED = (sorted((CONFIGS / folder).glob("*.toml")) for folder in ("comparison", "published"))

COUNTS = {
    "cnn10.hsv": 7_782_210,
    "eccv16.nearest": 30_727_801,
    "eccv16.full": 32_235_385,
    "eccv16.simplified": 15_387_513,
    "eccv16.euclidean": 32_155_458,
    "cnn_mse.mse": 10_956_418,
    "classifier.rebalanced": 17_748_601,
    "dcgan.gan": 41_826_690,
    "siggraph17.classes": 34_187_027,
}
"""Parameters that were counted in the published networks."""


def identity(path):
    return f"{path.parent.name}/{path.stem}"


@cache
def method(path):
    return read(path)


@pytest.mark.parametrize("path", PUBLISHED + COMPARED, ids=identity)
def test_a_file_is_named_after_its_method(path):
    assert method(path).name == path.stem


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_published_networks_have_as_many_parameters_as_were_counted(name, count):
    network = method(CONFIGS / "published" / f"{name}.toml").describe_network()
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Several threads share sums otherwise when the machine is busy, and a gradient's last digit becomes a step."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A small set, and random weights of all that methods start from or measure with, by name."""
    folder = tmp_path_factory.mktemp("files")
    found = {
        "set": write_set(folder / "set", train=8, validation=2),
        "vgg": write_vgg16(folder),
        "lpips": write_lpips(folder),
        "semantic": write_squeezenet(folder),
        "encoder": write_resnet18(folder),
    }
    return {name: path.as_posix() for name, path in found.items()}


SMALL = {
    "classifier": [],
    "cnn10": [],
    "cnn_mse": [],
    "dcgan": ["network.depth=3"],
    "eccv16": [],
    "pix2pix": ["network.depth=3"],
    "resunet": ["network.depth=3"],
    "siggraph17": [],
    "tintype": ["network.context=16", "network.decoder=[16, 16, 16, 16]"],
    "unet": ["network.decoder=[0.1, 0.1, 0.1, 0.1]"],
}
"""What makes a family small, beside its width."""


def small(path, files, start=""):
    """A method as its file says, but for its size, its length and where its files lie."""
    asked = method(path)
    words = {
        "data.folder": files["set"],
        "data.train": "train-*",
        "data.validation": "validation-*",
        "data.sources": "[]",
        "data.side": 32,
        "data.validation_side": 32,
        "steps": 3,
        "batch": 4,
        "log_every": 1,
        "validate_every": 3,
        "checkpoint_minutes": 60,
        "precision": "float32",
        "device": "cpu",
        "start": start,
        # Too few steps for the rates of real runs to show anything.
        "optimizer.rate": 1e-3,
        "adversarial.critic.width": 4,
    }
    if "encoder" not in asked.network:
        words["network.width"] = 10 if asked.family == "unet" else 4
    words |= {f"network.{key}": files[key] for key in ("encoder", "semantic") if key in asked.network}
    for key, name in (("vgg", "vgg"), ("lpips_network", "vgg"), ("lpips_weights", "lpips")):
        if getattr(asked.loss, key):
            words[f"loss.{key}"] = files[name]
    if asked.adversarial.starts:
        words |= {"adversarial.starts": 0.3, "adversarial.joins": 0.6}
    return read(path, SMALL[asked.family] + [f"{key}={value}" for key, value in words.items()])


def silent(line):
    pass


@pytest.fixture(scope="module")
def trained(files, tmp_path_factory):
    """`trained(path)` gives the folder of a short run, trained once; after the run that it starts from."""
    folders = {}

    def train(path):
        if path not in folders:
            before = method(path).start
            start = train(path.with_name(f"{Path(before).parent.name}.toml")) / "last.pt" if before else ""
            folders[path] = tmp_path_factory.mktemp(path.stem)
            assert Run(small(path, files, start), folders[path], silent).train()
        return folders[path]

    return train


@pytest.mark.parametrize("path", PUBLISHED + COMPARED, ids=identity)
def test_a_method_trains_and_its_model_says_what_torch_says(path, trained, tmp_path):
    folder = trained(path)
    card = export(folder / "last.pt", tmp_path / "model.onnx", size=32)
    model = load(tmp_path / "model.onnx")
    assert (model.card.name, model.card.size) == (path.stem, 32)

    state = checkpoint.load(folder / "last.pt")
    config = method(path)
    target = targets.make(config.target, checkpoint.bins(state), config.data.gray == "value")
    family = families.get(config.family)
    network = family.make(family.Config(**state["config"]["network"]), target.channels).eval()
    network.load_state_dict(state["average"])
    lightness = torch.linspace(5, 95, 32 * 64).reshape(1, 1, 32, 64)
    hints = torch.zeros(1, 3, 32, 64)
    if model.takes_hints:
        hints[:, :, 10:16, 20:26] = torch.tensor([40.0, -20.0, 1.0])[:, None, None]
    with torch.inference_mode():
        raw = network(lightness, hints)
        expected = target.ab(raw[0] if isinstance(raw, tuple) else raw, lightness, card.temperature)
    found = model.predict(lightness[0, 0].numpy(), hints[0].numpy() if model.takes_hints else None).ab
    # The file's weights are float16; networks that are hardly trained may have colours far beyond any gamut.
    assert np.abs(found - expected[0].numpy()).mean() < max(0.1, 0.03 * float(expected.abs().mean()))


@pytest.mark.parametrize(
    "name",
    [
        "classifier.grid",  # bins of its own
        "cnn10.hsv",  # hue
        "dcgan.gan",  # a critic that drops out, and the network learns at the third step
        "eccv16.paper",  # scaled on data; patches
        "pix2pix.gan",  # a network that drops out
        "siggraph17.hints",  # two heads; goes on from another run
        "unet.nogan",  # stopped while the critic learns alone
    ],
)
def test_a_method_goes_on_as_if_it_had_never_stopped(name, trained, files, tmp_path):
    path = CONFIGS / "published" / f"{name}.toml"
    unbroken = checkpoint.load(trained(path) / "last.pt")
    config = small(path, files, unbroken["config"]["start"])
    run = Run(config, tmp_path, silent, lambda pace: pace.step == 2 and run.stop())
    assert not run.train()
    assert checkpoint.load(tmp_path / "last.pt")["step"] == 2
    assert Run(config, tmp_path, silent).train()
    resumed = checkpoint.load(tmp_path / "last.pt")
    for part in ("network", "average", "optimizer", "adversary", "bins", "prior", "random"):
        ours, theirs = (dict(leaves(state[part])) for state in (resumed, unbroken))
        assert ours.keys() == theirs.keys()
        assert [place for place in ours if not np.array_equal(ours[place], theirs[place])] == [], part


def leaves(value, place=""):
    """All that a part of a checkpoint holds, by its place."""
    if isinstance(value, dict | list | tuple):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(below, f"{place}/{key}")
    else:
        yield place, value
