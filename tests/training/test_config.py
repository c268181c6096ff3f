"""A configuration that cannot work is refused in one sentence that says what to do."""

import re
from pathlib import Path

import msgspec
import pytest

from tintype.errors import ConfigError
from tintype.training.config import Config, differences, from_dict, read, to_dict

ROOT = Path(__file__).parents[2]
TEXT = """
name = "tintype.mine"
family = "tintype"
steps = 10

[data]
folder = "data/mine"

[data.augmentation]
mirror = 0.5

[network]
context = 64

[loss]
cross_entropy = 1.0
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_file_and_words(path):
    config = read(path, ["data.side=96", "optimizer.rate=0.002", "start=runs/a/best.pt", "loss.prior = published"])
    assert config.steps == 10
    assert config.data.side == 96
    assert config.optimizer.rate == 0.002
    assert config.start == "runs/a/best.pt"
    assert config.loss.prior == "published"
    assert config.data.augmentation.mirror == 0.5
    assert config.family_config().context == 64


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            ["target.bins=own", "loss.prior=published"],
            "loss.prior asks for the published prior, which needs target.bins",
        ),
        (["target.bins=srgb", "loss.published_share=0.5"], "loss.published_share asks for the published prior"),
        (["loss.prior=published", "loss.smoothing=5"], "which is smoothed already; set it to 0"),
        (["target.kind=rgb", "loss.cross_entropy=0", "loss.hue=1"], "loss.hue needs target.kind = "),
        (
            ["adversarial.weight=1", "adversarial.starts=0.5", "adversarial.joins=0.2"],
            "adversarial.joins = 0.2 comes before adversarial.starts = 0.5",
        ),
        (
            ["adversarial.weight=1", "adversarial.loss=hinge", "adversarial.smoothing=0.1"],
            'which loss = "hinge" does not have',
        ),
        (["adversarial.weight=1", "accumulate=2"], "accumulate = 1 is needed for a run with a critic"),
        (
            ["adversarial.weight=1", "data.side=64"],
            "a patch critic needs an ab plane of at least 24 pixels a side, not 16",
        ),
    ],
)
def test_what_contradicts_itself_is_said(path, changes, said):
    with pytest.raises(ConfigError, match=re.escape(said)) as error:
        read(path, changes)
    assert "\n" not in str(error.value)


def test_what_files_share_is_included(path):
    (path.parent / "deeper").mkdir()
    above = path.parent / "deeper" / "above.toml"
    above.write_text('include = "../mine.toml"\nname = "tintype.above"\n[network]\nwidth = 32\n', encoding="utf-8")
    config = read(above, ["steps=11"])
    assert (config.name, config.steps, config.data.folder) == ("tintype.above", 11, "data/mine")
    assert config.network == {"context": 64, "width": 32}
    above.write_text('include = "above.toml"', encoding="utf-8")
    with pytest.raises(ConfigError, match="include must be the path of one TOML file that does not include this one"):
        read(above)
    above.write_text('include = "gone.toml"', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"gone\.toml: the configuration cannot be read"):
        read(above)


def test_a_configuration_comes_back_from_plain_values(path):
    config = read(path)
    assert from_dict(to_dict(config)) == config


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("stpes=3", "the key stpes is unknown; is steps meant?"),
        ("data.xyz=3", "the key data.xyz is unknown; there are folder, train, validation"),
        ("data.augmentation.mirorr=0.5", "the key data.augmentation.mirorr is unknown; is mirror meant?"),
        ("network.contxt=3", "the key network.contxt is unknown; is context meant?"),
        ("network.context=wide", "network.context: expected `int`, got `str`"),
        ("steps=many", "steps: expected `int`, got `str`"),
        ("steps=0", "steps: expected `int` >= 1"),
        ("data.augmentation.film=1.5", "data.augmentation.film: expected `float` <= 1.0"),
        ("loss.uniform=-1", "loss.uniform: expected `float` >= 0.0"),
        ("loss.prior=mine", "loss.prior: expected 'own' or 'published', got 'mine'"),
        ("data.side=100", "data.side must be a multiple of 32, not 100"),
        ("family=daguerre", "family 'daguerre' is unknown; there are "),
        ("name=mine", "name must be FAMILY.TAG, such as tintype.v1, not 'mine'"),
        ("loss.cross_entropy=0", "no loss has a weight; set one of loss.cross_entropy, loss.squared, "),
        ("target.kind=ab", 'loss.cross_entropy needs target.kind = "bins", and it is "ab"'),
        ("target.kind=lab", "target.kind: expected 'bins' or 'ab' or 'rgb' or 'hue', got 'lab'"),
        ("loss.side=1", "loss.side needs a family with a side head, which tintype does not have; set it to 0"),
        ("loss.perceptual=1", "loss.perceptual needs loss.vgg, a file of weights"),
        ("loss.lpips=1", "loss.lpips needs loss.lpips_network, a file of weights"),
        ("accumulate=3", "batch = 32 cannot be split into accumulate = 3 equal parts"),
        ("optimizer.clip_value=5", "optimizer.clip and optimizer.clip_value exclude each other"),
        ("network.width=0", "network.width, network.context and network.decoder must be at least 1"),
        ("include=other.toml", "the key include is unknown"),
        ("steps.more=3", "steps is not a table"),
        ("steps", "a change is written key=value, such as optimizer.rate=0.0003"),
    ],
)
def test_what_cannot_work_is_said(path, change, said):
    with pytest.raises(ConfigError, match=re.escape(said)) as error:
        read(path, [change])
    assert "\n" not in str(error.value)
    assert "$" not in str(error.value)


def test_a_file_that_cannot_be_read(path, tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: the configuration cannot be read \(No such file"):
        read(tmp_path / "none.toml")
    path.write_text("steps = = 3")
    with pytest.raises(ConfigError, match=r"mine\.toml: not valid TOML"):
        read(path)
    path.write_text('name = "tintype.x"\nfamily = "tintype"\n')
    with pytest.raises(ConfigError, match="the key data is missing"):
        read(path)


def test_differences(path):
    a, b = read(path), read(path, ["data.augmentation.film=0.25", "network.context=32"])
    assert differences(a, b) == {"data.augmentation.film": (0.0, 0.25), "network.context": (64, 32)}
    assert differences(a, a) == {}


@pytest.mark.parametrize(
    "path",
    # Without what says nothing of training, and what others only include.
    sorted(p for p in (ROOT / "configs").rglob("*.toml") if "\nfamily = " in p.read_text("utf-8")),
    ids=lambda path: path.name,
)
def test_the_configurations_that_ship_are_valid(path):
    assert read(path).name


def test_the_configurations_in_the_documents_are_valid(tmp_path):
    page = (ROOT / "docs" / "training.md").read_text("utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        (tmp_path / "block.toml").write_text(block, encoding="utf-8")
        assert read(tmp_path / "block.toml").name


def keys(kind, above=""):
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from keys(field.type, f"{above}{field.name}.")
        elif field.name != "network":
            yield above + field.name


def test_every_key_is_documented():
    section = (ROOT / "docs" / "training.md").read_text("utf-8").partition("### Every key")[2].partition("\n### ")[0]
    documented = set(re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE))
    assert set(keys(Config)) <= documented
    # and no key that is gone; those of the families stand there as network.KEY
    assert {key for key in documented if not key.startswith("network.")} <= set(keys(Config))
