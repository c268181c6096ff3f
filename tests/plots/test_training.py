"""The diagram of a training run: what it says is what the configuration says."""

from pathlib import Path

import pytest

from tintype.errors import ConfigError, OptionError
from tintype.plots import architecture, figure, training

COMPARED = Path(__file__).parents[2] / "configs" / "comparison"


def said(name: str, *changes: str) -> dict[str, tuple[str, ...]]:
    return {part: box.lines for part, box in training.boxes(training.read(f"{COMPARED}/{name}.toml", changes)).items()}


def test_each_part_says_what_the_configuration_says_of_it():
    parts = said("eccv16.smoothed", "data.augmentation.film=0.25", "optimizer.average=0.9")
    assert parts["photographs"] == ("data/comparison", "train-*.tar")
    assert parts["batch"] == ("32 of 96 x 96 pixels", "crops of 0.6 to 1", "gray: L*", "mirror 50 %, film 25 %")
    assert parts["network"] == ("eccv16", "395\N{NO-BREAK SPACE}071 parameters", "random weights", "precision auto")
    assert parts["target"] == ("313 bins (published)", "soft code of 5, sigma 5", "annealed mean, T = 0.38")
    assert " ".join(parts["losses"]) == "1 x cross entropy rebalanced: own prior, smoothed by 5, uniform 0.5"
    assert parts["optimizer"] == ("adamw, rate 0.003", "decay 0.02, clip 1", "cosine, 1875 steps", "warm-up 100 steps")
    assert parts["average"] == ("decay 0.9",)
    assert parts["validation"] == ("validation-*.tar", "500 photographs at most", "96 x 96 pixels", "every 187 steps")
    assert "critic" not in parts


def test_a_critic_is_a_part_and_its_judgement_a_loss():
    parts = said("dcgan.gan")
    assert " ".join(parts["critic"]) == (
        "dense, sees a*b* alone bce, smoothing 0.1; adam, rate 0.0002 3 steps to 1 of the network"
    )
    assert parts["losses"] == ("100 x squared", "1 x judgement")
    assert "critic" not in said("dcgan.mse")


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
