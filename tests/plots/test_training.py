"""The diagram of a training run: what it says is what the configuration says."""

import typing
from pathlib import Path

import msgspec
import pytest

from tintype.errors import ConfigError, OptionError
from tintype.plots import architecture, figure, training
from tintype.training.batches import Augmentation
from tintype.training.config import WEIGHTS

COMPARED = Path(__file__).parents[2] / "configs" / "comparison"
PUBLISHED = Path(__file__).parents[2] / "configs" / "published"


def said(name: str, *changes: str) -> dict[str, tuple[str, ...]]:
    path = next(folder / f"{name}.toml" for folder in (COMPARED, PUBLISHED) if (folder / f"{name}.toml").is_file())
    boxes = training.boxes(training.read(path, changes))
    return {part: tuple(line.replace("\N{NO-BREAK SPACE}", "~") for line in box.lines) for part, box in boxes.items()}


def test_each_part_says_what_the_configuration_says_of_it():
    parts = said("eccv16.smoothed", "data.augmentation.film=0.25", "optimizer.average=0.9")
    assert parts["photographs"] == ("data/comparison", "train-*.tar")
    assert parts["batch"] == (
        "32 of 96 x 96 pixels",
        "crops of 0.6 to 1",
        "gray: L*",
        "mirror~50~%, film~25~%",
    )
    assert parts["network"] == ("eccv16", "395~071 parameters", "random weights", "precision auto")
    assert parts["target"] == ("313 bins (published)", "soft code of 5, sigma 5", "annealed mean, T = 0.38")
    assert " ".join(parts["losses"]) == "1 x cross entropy rebalanced: own prior, smoothed by 5, uniform 0.5"
    assert parts["optimizer"] == ("adamw, rate 0.003", "decay 0.02, clip 1", "cosine, 1875 steps", "warm-up 100 steps")
    assert parts["average"] == ("decay 0.9",)
    assert parts["validation"] == ("validation-*.tar", "500 photographs at most", "96 x 96 pixels", "every 187 steps")
    assert "critic" not in parts


def test_a_critic_is_a_part_and_its_judgement_a_loss():
    parts = said("dcgan.gan")
    assert " ".join(parts["critic"]) == (
        "dense, sees a*b* alone bce, smoothing 0.1; adam, rate 0.0002 3 updates to 1 of the network"
    )
    assert parts["losses"] == ("100 x squared", "1 x judgement")
    assert "critic" not in said("dcgan.mse")


def changed(field: msgspec.structs.FieldInfo):
    """Another value of a key than its default."""
    if field.default in (True, False) and isinstance(field.default, bool):
        return not field.default
    choices = typing.get_args(field.type)
    if isinstance(field.default, str):
        return choices[-1] if choices else "some/file.pt"
    return field.default + 2 if isinstance(field.default, int) else 0.75


@pytest.mark.parametrize("field", msgspec.structs.fields(Augmentation), ids=lambda field: field.name)
def test_every_augmentation_is_drawn(field):
    plain = said("eccv16.smoothed", "data.augmentation={}")["batch"]
    drawn = said("eccv16.smoothed", "data.augmentation={}", f"data.augmentation.{field.name}={_toml(changed(field))}")
    assert drawn["batch"] != plain


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_loss_is_drawn(name):
    method = "siggraph17.classes" if name == "side" else "eccv16.smoothed"
    files = {"perceptual": ["vgg"], "lpips": ["lpips_network", "lpips_weights"], "distillation": ["teacher"]}
    changes = [f"loss.{key}=some.pt" for key in files.get(name, [])]
    assert f"0.375 x {name.replace('_', ' ')}" in said(method, *changes, f"loss.{name}=0.375")["losses"]


def _toml(value) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


@pytest.mark.parametrize(
    ("change", "drawn"),
    [
        ("loss.uniform=0.25", "uniform 0.25"),
        ("loss.prior=published loss.smoothing=0", "rebalanced: published prior"),
        ("loss.published_share=0.5", "50~% published"),
        ("loss.skip_gray=5", "without photographs of |a*|, |b*| up to 5"),
        ("loss.huber=1 loss.delta=0.5", "linear from 0.5"),
        ("loss.distillation=1 loss.teacher=runs/first/best.pt", "teacher: best.pt"),
    ],
)
def test_what_a_loss_is_measured_with_is_drawn(change, drawn):
    assert drawn in " ".join(said("eccv16.smoothed", *change.split())["losses"])


def test_where_weights_come_from_is_drawn():
    files = ("network.encoder=some/resnet18.safetensors", "network.semantic=some/squeezenet.safetensors")
    network = said("unet.pretrained", *files, "network.width=64", "optimizer.encoder=0")["network"]
    assert "resnet18.safetensors and squeezenet.safetensors" in " ".join(network)
    assert "encoder frozen" in network
    assert "encoder's rate 25~%" in said("unet.pretrained", "optimizer.encoder=0.25")["network"]


@pytest.mark.parametrize("name", ["pix2pix.gan", "resunet.perceptual"])
def test_all_is_on_the_page_and_within_its_box(name, tmp_path):
    config = training.read(f"{COMPARED}/{name}.toml")
    page = training.draw(config)
    figure.save(page, tmp_path / "training.png")
    panel = page.axes[0]
    drawn = {text.get_text(): text for text in panel.texts}
    lines = [line for box in training.boxes(config).values() for line in (box.title, *box.lines)]
    assert {config.name, *lines} <= drawn.keys()
    boxes = [patch.get_window_extent() for patch in panel.patches]
    for line in lines:
        extent = drawn[line].get_window_extent()
        assert any(box.x0 <= extent.x0 and extent.x1 <= box.x1 and box.y0 <= extent.y0 for box in boxes), line


def test_what_is_no_configuration_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"eccv16 is not a configuration: give the \.toml file"):
        training.read("eccv16")
    with pytest.raises(ConfigError, match="cannot be read"):
        training.read(tmp_path / "none.toml")


def test_critics_are_drawn_as_they_see_the_networks_colours():
    name, critic, side = architecture.read_critic(f"{COMPARED}/pix2pix.gan.toml", ("adversarial.critic.width=64",))
    diagram = architecture.trace_critic(name, critic, side)
    # Isola et al. 2017: C64-C128-C256-C512, the last of stride 1, on lightness and ab; 96 / 8 - 2 scores a side.
    assert diagram.parameters == 2_765_633
    assert [block.shape[0] for block in diagram.blocks] == [2, 1, 64, 128, 256, 512, 1]
    assert [block.stride for block in diagram.blocks[2:]] == [2, 2, 2, 1, 1]
    assert diagram.blocks[-1].shape == (1, 10, 10)
    dense = architecture.trace_critic(*architecture.read_critic(f"{COMPARED}/dcgan.gan.toml"))
    assert [block.words()[0] for block in dense.blocks] == ["a*b*", "conv4 s2", "conv4 s2", "conv4 s2", "linear"]
    assert architecture.read_critic(f"{COMPARED}/dcgan.mse.toml") is None
    assert architecture.read_critic("eccv16") is None
    page = architecture.draw(diagram, dense)
    assert len(page.axes) == 2
