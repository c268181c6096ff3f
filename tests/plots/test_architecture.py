import pytest
import torch
from torch import nn
from torch.nn import functional

from tintype.errors import ConfigError, OptionError
from tintype.networks import families
from tintype.plots import architecture, figure


class Net(nn.Module):
    """A network whose forward is given, over parts that are named."""

    stride = 4

    def __init__(self, run, **parts):
        super().__init__()
        self.run = run
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, lightness, hints):
        return self.run(self, lightness, hints)


def traced(run, size=32, **parts):
    return architecture.trace("net", Net(run, **parts), size)


def conv(inside, outside, kernel=3, stride=1, dilation=1):
    return nn.Conv2d(inside, outside, kernel, stride, dilation * (kernel - 1) // 2, dilation)


def arrows(diagram):
    """(source, steps, join, target) of all arrows, blocks by their first word."""
    return [
        (arrow.source.words()[0], arrow.steps, arrow.join, block.words()[0])
        for block in diagram.blocks
        for arrow in block.arrows
    ]


def test_a_chain_is_blocks_with_all_that_is_written_under_them():
    body = nn.Sequential(conv(1, 8), nn.ReLU(), conv(8, 8), nn.ReLU(), nn.BatchNorm2d(8), nn.Dropout(0.25))
    diagram = traced(
        lambda net, x, hints: net.out(torch.tanh(net.up(net.far(net.body(x / 100))))),
        body=body,
        far=conv(8, 16, 5, stride=2, dilation=2),
        up=nn.ConvTranspose2d(16, 4, 4, 2, 1),
        out=conv(4, 2, 1),
    )
    assert [block.words() for block in diagram.blocks] == [
        ["L*", "1 ch", "32 × 32"],
        ["body", "2 × conv3", "8 ch", "ReLU BN", "dropout 0.25", "32 × 32"],
        ["far", "conv5 s2 d2", "16 ch", "16 × 16"],
        ["up", "convT4 s2", "4 ch", "tanh", "32 × 32"],
        ["out", "conv1", "2 ch", "32 × 32"],
    ]
    assert [arrow.source for arrow in diagram.outputs] == [diagram.blocks[-1]]
    # 3x3x1x8 + 8, 3x3x8x8 + 8, BN 16; 5x5x8x16 + 16; 4x4x16x4 + 4; 4x2 + 2
    assert diagram.parameters == 80 + 584 + 16 + 3216 + 1028 + 10


def test_a_skip_that_is_concatenated_is_an_arrow():
    def run(net, x, hints):
        first = functional.relu(net.first(x))
        deep = net.deep(functional.max_pool2d(first, 2))
        return net.last(torch.cat([functional.interpolate(deep, scale_factor=2.0), first], dim=1))

    diagram = traced(run, first=conv(1, 8), deep=conv(8, 16), last=conv(24, 2))
    assert arrows(diagram) == [
        ("L*", (), "", "first"),
        ("first", ("max2",), "", "deep"),
        ("deep", ("×2 nearest",), "", "last"),
        ("first", (), "cat", "last"),
    ]


def test_a_skip_that_is_added_through_a_convolution_is_an_arrow_too():
    def run(net, x, hints):
        first = net.first(x)
        return net.last(net.up(net.deep(first)) + net.short(first))

    parts = {"up": nn.ConvTranspose2d(16, 8, 4, 2, 1), "deep": conv(8, 16, stride=2), "short": conv(8, 8)}
    diagram = traced(run, first=conv(1, 8, 5), last=conv(8, 2), **parts)
    assert arrows(diagram)[-3:] == [
        ("deep", (), "", "up"),
        ("first", ("conv3 8 ch",), "+", "up"),
        ("up", (), "", "last"),
    ]


def test_residual_blocks_that_follow_each_other_are_one():
    class Residual(nn.Module):
        def __init__(self, inside, outside, stride):
            super().__init__()
            self.one, self.two = conv(inside, outside, 3, stride), conv(outside, outside)
            self.side = conv(inside, outside, 1, stride) if stride > 1 else nn.Identity()

        def forward(self, x):
            return functional.relu(self.two(functional.relu(self.one(x))) + self.side(x))

    stage = nn.Sequential(Residual(8, 16, 2), Residual(16, 16, 1))
    diagram = traced(
        lambda net, x, hints: net.out(net.stage(net.first(x))), first=conv(1, 8), stage=stage, out=conv(16, 2)
    )
    assert [block.words() for block in diagram.blocks][2] == [
        "stage",
        "4 × conv3 s2",
        "16 ch",
        "ReLU",
        "residual",
        "16 × 16",
    ]
    assert [block.name for block in diagram.blocks] == ["L*", "first", "stage", "out"]


def test_hints_are_drawn_where_they_matter():
    parts = {"first": conv(4, 8), "out": conv(8, 2)}
    diagram = traced(lambda net, x, hints: net.out(net.first(torch.cat([x, hints], dim=1))), **parts)
    assert arrows(diagram)[:2] == [("L*", (), "", "first"), ("hints", (), "cat", "first")]
    assert [block.name for block in traced(lambda net, x, hints: net.first(x), first=conv(1, 2)).blocks] == [
        "L*",
        "first",
    ]


def test_eccv16_is_the_table_of_its_paper():
    diagram = architecture.trace(*architecture.read("eccv16"), 256)
    assert diagram.parameters == 32_235_385
    found = [(b.count, b.operation.removeprefix(f"{b.count} × "), *b.shape[:2]) for b in diagram.blocks[1:]]
    assert found == [
        (1, "conv3", 64, 256),
        (1, "conv3 s2", 64, 128),
        (1, "conv3", 128, 128),
        (1, "conv3 s2", 128, 64),
        (2, "conv3", 256, 64),
        (1, "conv3 s2", 256, 32),
        (3, "conv3", 512, 32),
        (3, "conv3 d2", 512, 32),
        (3, "conv3 d2", 512, 32),
        (3, "conv3", 512, 32),
        (1, "convT4 s2", 256, 64),
        (2, "conv3", 256, 64),
        (1, "conv1", 313, 64),
    ]


def test_siggraph17_has_its_three_skips_and_two_outputs():
    diagram = architecture.trace(*architecture.read("siggraph17", channels=2), 64)
    skips = [arrow for arrow in arrows(diagram) if arrow[2] == "+"]
    assert [(source, target) for source, _, _, target in skips] == [
        ("model3", "model8up"),
        ("model2", "model9up"),
        ("model1", "model10up"),
    ]
    assert sorted(arrow.source.shape[0] for arrow in diagram.outputs) == [2, 529]


@pytest.mark.parametrize("name", families.names())
def test_every_family_is_drawn(name, tmp_path):
    diagram = architecture.trace(*architecture.read(name, channels=2), 256)
    placed = set()
    for block in diagram.blocks:
        assert all(arrow.source in placed for arrow in block.arrows)
        placed.add(block)
    assert diagram.blocks[-1].shape[0] == 2
    assert 256 % diagram.blocks[-1].shape[1] == 0
    page = architecture.draw(diagram)
    figure.save(page, tmp_path / "net.svg")
    text = {each.get_text() for each in page.axes[0].texts}
    assert {word for block in diagram.blocks for word in block.words()} <= text


def test_a_configuration_is_drawn_with_what_its_target_asks_for(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(
        'name = "eccv16.small"\nfamily = "eccv16"\n[data]\nfolder = "none"\n[network]\nwidth = 4\n'
        '[target]\nkind = "ab"\n[loss]\nsquared = 1\n'
    )
    name, network = architecture.read(path)
    diagram = architecture.trace(name, network, 64)
    assert (diagram.name, diagram.blocks[1].shape, diagram.blocks[-1].shape) == (
        "eccv16.small",
        (4, 64, 64),
        (2, 16, 16),
    )
    _, network = architecture.read(path, channels=7, changes=("network.width=8",))
    assert [architecture.trace("", network, 64).blocks[i].shape[0] for i in (1, -1)] == [8, 7]


def test_wrong_wishes_are_named(tmp_path):
    with pytest.raises(ConfigError, match="'nonsense' is unknown; there are"):
        architecture.read("nonsense")
    with pytest.raises(OptionError, match="give a configuration instead of the family eccv16"):
        architecture.read("eccv16", changes=("width=8",))
    with pytest.raises(OptionError, match="channels"):
        architecture.read("eccv16", channels=0)
    with pytest.raises(OptionError, match="multiple of 4"):
        traced(lambda net, x, hints: net.first(x), size=30, first=conv(1, 2))
    with pytest.raises(ConfigError, match="cannot be read"):
        architecture.read(tmp_path / "none.toml")
