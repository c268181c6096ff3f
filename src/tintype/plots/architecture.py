"""A network drawn from its code: it is run once without weights, and what it computes becomes blocks and arrows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tintype.errors import OptionError, not_installed
from tintype.plots.blocks import Block, Diagram, diagram
from tintype.plots.figure import FAINT, INK, new, style

if TYPE_CHECKING:
    import torch
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tintype.networks.family import Network
    from tintype.training.config import Config

SIZE = 256
"""Side of the input, in pixels."""

CLASSES = 313
"""Channels of the output of a family that is drawn without a configuration."""

NETWORK = {"L*": 1, "hints": 3}
CRITIC = {"L*": 1, "a*b*": 2}
"""What networks and critics are given, and the channels of each."""


def read(
    source: str | os.PathLike[str], channels: int | None = None, changes: Sequence[str] = ()
) -> tuple[str, Network]:
    """Name and network, without weights.

    Args:
        source: a family with its published defaults, or the TOML file of a configuration.
        channels: of the output; default: what the configuration's target asks for, CLASSES of a family.
        changes: keys of the configuration to change, as key=value.
    Raises:
        ConfigError: there is no such family, or it cannot be made like this.
        OptionError: a number of channels below 1, or changes of a family. TintypeError: torch is not installed.
    """
    with studio():
        import torch

        from tintype.networks import families
    if channels is not None and channels < 1:
        raise OptionError(f"The channels of the output must be at least 1, not {channels}")
    if Path(source).suffix == ".toml":
        config = read_config(source, changes)
        if channels is None:
            return config.name, config.describe_network()
        name, family, knobs = config.name, families.get(config.family), config.family_config()
    elif changes:
        raise OptionError(
            f"{changes[0]!r} changes a configuration: give a configuration instead of the family {source}"
        )
    else:
        name, family = str(source), families.get(str(source))
        knobs = family.Config()
    with torch.device("meta"):
        return name, family.make(knobs, channels or CLASSES)


def read_critic(source: str | os.PathLike[str], changes: Sequence[str] = ()) -> tuple[str, torch.nn.Module, int] | None:
    """Name, critic without weights and the side of what it sees in training; None where there is none.

    Args and Raises: as `read`.
    """
    if Path(source).suffix != ".toml":
        return None
    config = read_config(source, changes)
    if not config.adversarial.weight:
        return None
    import torch

    from tintype.networks import critics

    side = config.data.side // config.describe_network().scale
    with torch.device("meta"):
        return f"{config.name}, critic", critics.make(config.adversarial.critic, side), side


def read_config(source: str | os.PathLike[str], changes: Sequence[str] = ()) -> Config:
    """A configuration.

    Raises:
        ConfigError: it cannot be read, or what it says cannot work. TintypeError: torch is not installed.
    """
    with studio():
        from tintype.training.config import read
    return read(Path(source), changes)


@contextmanager
def studio() -> Iterator[None]:
    """For imports of what training needs.

    Raises:
        TintypeError: torch is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("tintype"):
            raise
        raise not_installed("Drawing a network", error.name, "train") from None


def trace(name: str, network: Network, size: int = SIZE) -> Diagram:
    """Run a network once on an input of `size` x `size` pixels, and gather what it does.

    Args:
        network: a family's; on the meta device nothing is computed.
    Raises:
        OptionError: the size is not a multiple of the network's stride.
    """
    if size < 1 or size % network.stride:
        raise OptionError(f"The size of the input must be a multiple of {network.stride}, not {size}")
    return diagram(name, network, size, NETWORK)


def trace_critic(name: str, critic: torch.nn.Module, side: int) -> Diagram:
    """The same of a critic, on lightness and ab of `side` x `side` pixels."""
    return diagram(name, critic, side, CRITIC)


# The drawing, in inches.

HEIGHT, WIDTH = 2.2, 0.95
"""Of a block of the input's size, and of one of 512 channels; both go by the square root."""
SLANT = 0.18
"""Of a block's depth to its height."""
LETTER = 0.066
"""About the width of a letter of the words under the blocks."""
LINE = 0.15
SKIP = "#8a5a9e"

KINDS = {"input": "#c9c9c9", "same": "#9cc3e4", "smaller": "#3f7fb5", "larger": "#efa45a", "output": "#55b08d"}
MEANING = {
    "same": "keeps the size",
    "smaller": "reduces it",
    "larger": "enlarges it",
    "output": "output",
}


def draw(*diagrams: Diagram) -> Figure:
    """Blocks from left to right: their height by the size of the maps, their width by the number of channels (both by
    the square root). Arrows that do not lead to the next block pass above. Several diagrams stand one below the other.
    """
    with style():
        plans = [_Plan(diagram) for diagram in diagrams]
        width, height = max(plan.width for plan in plans), sum(plan.height for plan in plans)
        page = new(width, height)
        page.set_layout_engine("none")
        top = height
        for plan in plans:
            top -= plan.height
            panel = page.add_axes((0, top / height, 1, plan.height / height))
            panel.set(xlim=(-0.3, width - 0.3), ylim=(plan.low, plan.high))
            panel.set_axis_off()
            _draw(panel, plan)
    return page


@dataclass
class _Box:
    left: float
    width: float
    height: float
    kind: str

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def depth(self) -> float:
        return SLANT * self.height

    @property
    def top(self) -> float:
        return self.height / 2 + self.depth


class _Plan:
    """Where everything stands, in inches."""

    def __init__(self, diagram: Diagram):
        self.diagram = diagram
        blocks = diagram.blocks
        boxes: dict[Block, _Box] = {}
        full = max(max(block.shape[1:]) for block in blocks)
        ends = {arrow.source for arrow in diagram.outputs}
        x = 0.0
        for number, block in enumerate(blocks):
            channels, tall, _ = block.shape
            width = max(0.05, min(1.5, WIDTH * (channels / 512) ** 0.5))
            height = max(0.1, HEIGHT * (tall / full) ** 0.5)
            words = LETTER * max(map(len, block.words()))
            carried = [arrow.steps for arrow in block.arrows if number and arrow.source is blocks[number - 1]]
            gap = max([0.3, *(LETTER * len(step) + 0.14 for steps in carried for step in steps)]) if number else 0
            slot = max(words + 0.1, width + SLANT * height)
            # The words are centred under the front, which may be narrower than they are.
            shift = max(0.0, (slot - width) / 2 - gap / 2)
            x += gap + (shift if number else max(0, (slot - width) / 2))
            boxes[block] = _Box(x, width, height, _kind(block, ends))
            x += width + max(SLANT * height, (words - width) / 2 + 0.05)
        self.boxes, self.arcs = boxes, _arcs(blocks, boxes)
        tops = [box.top for box in boxes.values()]
        ceiling = max([*tops, *(arc.level + 0.12 for arc in self.arcs)])
        self.floor = -max(box.height for box in boxes.values()) / 2 - 0.12
        lines = max(len(block.words()) for block in blocks)
        self.low, self.high = self.floor - lines * LINE - 0.45, ceiling + 0.5
        self.width, self.height = max(x + 1.05, 5), self.high - self.low


def _draw(panel: Axes, plan: _Plan) -> None:
    from matplotlib.patches import Patch

    diagram, boxes = plan.diagram, plan.boxes
    blocks = diagram.blocks
    for block, box in boxes.items():
        _cuboid(panel, box)
        middle = box.left + box.width / 2
        for row, text in enumerate(block.words()):
            ink = INK if text in (block.operation, f"{block.shape[0]} ch") else FAINT
            panel.text(middle, plan.floor - row * LINE, text, ha="center", va="top", fontsize=7, color=ink)
    for number, block in enumerate(blocks[1:], start=1):
        for arrow in block.arrows:
            if arrow.source is blocks[number - 1] and not arrow.join:
                _across(panel, boxes[arrow.source], boxes[block].left, arrow.steps)
    for arc in plan.arcs:
        _over(panel, arc)
    for arrow in diagram.outputs:
        box = boxes[arrow.source]
        if arrow.source is blocks[-1]:
            _across(panel, box, box.right + box.depth + 0.6, arrow.steps)
        else:
            middle, under = box.left + box.width / 2, -box.height / 2
            _head(panel, (middle, under), (middle, under - 0.28), INK)
    panel.text(-0.2, plan.high - 0.1, diagram.name, fontsize=11, va="top", weight="bold")
    count = f"{diagram.parameters:,}".replace(",", "\N{NO-BREAK SPACE}")
    panel.text(-0.2, plan.high - 0.31, f"{count} parameters", fontsize=8.5, va="top", color=FAINT)
    kinds = [kind for kind in MEANING if any(box.kind == kind for box in boxes.values())]
    panel.legend(
        handles=[Patch(color=KINDS[kind], label=MEANING[kind]) for kind in kinds],
        loc="lower left",
        bbox_to_anchor=(0, 0),
        ncols=len(kinds),
        fontsize=7,
        handlelength=1,
    )


def _kind(block: Block, ends: set[Block]) -> str:
    if block.kind == "input":
        return "input"
    if block in ends:
        return "output"
    before, after = block.arrows[0].source.shape[1], block.shape[1]
    return "same" if before == after else "smaller" if after < before else "larger"


@dataclass
class _Arc:
    begin: float
    begin_top: float
    end: float
    end_top: float
    level: float
    text: str


def _arcs(blocks: list[Block], boxes: dict[Block, _Box]) -> list[_Arc]:
    """The arrows that do not lead to the next block, each above the blocks and the shorter arrows that it passes."""
    apart = [
        (number - blocks.index(arrow.source), blocks.index(arrow.source), number, arrow)
        for number, block in enumerate(blocks)
        for arrow in block.arrows
        if arrow.source is not blocks[number - 1] or arrow.join
    ]
    arcs: list[_Arc] = []
    for _, first, last, arrow in sorted(apart, key=lambda each: each[:3]):
        source, target = boxes[blocks[first]], boxes[blocks[last]]
        begin = source.left + source.depth + source.width * 0.62
        end = target.left + target.depth + target.width * 0.32
        level = max(boxes[block].top for block in blocks[first : last + 1]) + 0.16
        while any(abs(arc.level - level) < 0.19 and arc.begin < end + 0.05 and begin < arc.end + 0.05 for arc in arcs):
            level += 0.05
        for arc in arcs:
            if begin < arc.begin and arc.end < end:
                level = max(level, arc.level + 0.2)
        text = " ".join([arrow.join, ", ".join(arrow.steps)]).strip()
        arcs.append(_Arc(begin, source.top, end, target.top, level, text))
    return arcs


def _cuboid(panel: Axes, box: _Box) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Polygon

    front = to_rgb(KINDS[box.kind])
    lighter = tuple(1 - (1 - value) * 0.55 for value in front)
    darker = tuple(value * 0.82 for value in front)
    left, right, low, high, depth = box.left, box.right, -box.height / 2, box.height / 2, box.depth
    faces = (
        ([(left, low), (right, low), (right, high), (left, high)], front),
        ([(left, high), (right, high), (right + depth, high + depth), (left + depth, high + depth)], lighter),
        ([(right, low), (right + depth, low + depth), (right + depth, high + depth), (right, high)], darker),
    )
    for corners, colour in faces:
        panel.add_patch(Polygon(corners, facecolor=colour, edgecolor="white", linewidth=0.6, joinstyle="round"))


def _across(panel: Axes, source: _Box, end: float, steps: tuple[str, ...]) -> None:
    begin = source.right + source.depth / 2 + 0.03
    _head(panel, (begin, 0), (end - 0.02, 0), INK)
    for row, step in enumerate(reversed(steps)):
        panel.text((begin + end) / 2, 0.06 + row * 0.13, step, ha="center", va="bottom", fontsize=6.5)


def _over(panel: Axes, arc: _Arc) -> None:
    across, up = [arc.begin, arc.begin, arc.end], [arc.begin_top - 0.04, arc.level, arc.level]
    panel.plot(across, up, color=SKIP, linewidth=1, solid_joinstyle="round")
    _head(panel, (arc.end, arc.level), (arc.end, arc.end_top), SKIP)
    middle = (arc.begin + arc.end) / 2
    panel.text(middle, arc.level + 0.02, arc.text, ha="center", va="bottom", fontsize=6.5, color=SKIP)


def _head(panel: Axes, begin: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    look = {"arrowstyle": "-|>", "color": colour, "linewidth": 0.95, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
    panel.annotate("", end, begin, arrowprops=look)
