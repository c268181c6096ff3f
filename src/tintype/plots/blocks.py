"""A network as blocks and arrows, gathered from what it computes.

Convolutions are blocks; those that follow each other and give maps of one size are one block. Norms, activations and
dropout belong to the block before them; pooling, enlargement and the joining of maps to the arrow that leads to the
block after them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tintype.plots.calls import Call, record

if TYPE_CHECKING:
    from torch import nn

CONVOLUTIONS = {"conv2d": "conv", "conv_transpose2d": "convT", "linear": "linear"}
NORMS = {"batch_norm": "BN", "instance_norm": "IN", "group_norm": "GN", "layer_norm": "LN"}
ACTIVATIONS = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "LeakyReLU",
    "prelu": "PReLU",
    "elu": "ELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "softmax": "softmax",
}
POOLS = {"max_pool2d": "max", "avg_pool2d": "mean", "adaptive_avg_pool2d": "mean", "mean": "mean", "amax": "max"}
JOINS = {"cat": "cat", "concat": "cat", "add": "+", "sub": "+", "mul": "\N{MULTIPLICATION SIGN}"}


@dataclass(eq=False)
class Arrow:
    """Maps that go from one block to another."""

    source: Block
    steps: tuple[str, ...] = ()
    """What is done to them on the way, such as "max 3"."""
    join: str = ""
    """How they join the other maps that come to the block: "cat", "+"; nothing for the main ones."""


@dataclass(eq=False)
class Block:
    """An input, or convolutions that follow each other and give maps of one size."""

    kind: str
    """ "input", "conv", "convT" (transposed) or "linear"."""
    shape: tuple[int, int, int]
    """Channels, height, width."""
    last: Call
    """The call whose result is the block's."""
    kernel: int = 1
    stride: int = 1
    """Of the first convolution; the others have 1."""
    dilation: int = 1
    groups: int = 1
    name: str = ""
    """Of the module that they stand in."""
    count: int = 1
    """Convolutions."""
    after: tuple[str, ...] = ()
    """Norm and activation, in the order in which they follow the convolutions."""
    norms: int = 0
    """Normalisations: none, one after each convolution, or one at the end."""
    dropout: float = 0.0
    residual: bool = False
    """Whether the input of the block is added to its maps."""
    arrows: list[Arrow] = field(default_factory=list)
    """From where its input comes, the main one first."""

    @property
    def operation(self) -> str:
        """Such as "3 x conv3 s2"."""
        many = f"{self.count} \N{MULTIPLICATION SIGN} " if self.count > 1 else ""
        kind = "dwconv" if self.kind == "conv" and 1 < self.groups == self.shape[0] else self.kind
        kernel = "" if kind == "linear" else str(self.kernel)
        more = [f"s{self.stride}"] * (self.stride > 1) + [f"d{self.dilation}"] * (self.dilation > 1)
        return " ".join([f"{many}{kind}{kernel}", *more])

    def words(self) -> list[str]:
        """What is written under it."""
        channels, height, width = self.shape
        lines = [self.name, "" if self.kind == "input" else self.operation, f"{channels} ch"]
        lines.append(" ".join(self.after))
        lines.append("residual" if self.residual else "")
        lines.append(f"dropout {self.dropout:g}" if self.dropout else "")
        return [*filter(None, lines), f"{height} \N{MULTIPLICATION SIGN} {width}"]

    def takes(self, other: Block) -> bool:
        """Whether a convolution that takes this block's output belongs to it."""
        # A norm after several convolutions ends a block.
        ended = self.residual or self.norms not in (0, self.count)
        return self.kind == "conv" and self._like(other) and self.name == other.name and other.stride == 1 and not ended

    def repeats(self, other: Block) -> bool:
        """Whether it does the same as another, the block before it."""
        return self.stride == 1 and self._like(other) and self.after == other.after

    def _like(self, other: Block) -> bool:
        ours, theirs = ((b.kind, b.shape, b.kernel, b.dilation, b.groups) for b in (self, other))
        return ours == theirs


@dataclass(frozen=True)
class Diagram:
    """A network as blocks, in the order in which they are computed."""

    name: str
    blocks: list[Block]
    parameters: int
    outputs: list[Arrow]
    """Where the network's outputs come from."""


def diagram(name: str, network: nn.Module, size: int, inputs: Mapping[str, int]) -> Diagram:
    """Run a network once, and gather what it does.

    Args: as `calls.record`.
    """
    calls, ends = record(network.eval(), size, inputs)
    gathered = _Gathering()
    for call in calls:
        gathered.add(call)
    outputs = [arrow for end in ends for arrow in gathered.given[end]]
    blocks = gathered.blocks
    _merge_residuals(blocks, outputs)
    used = {arrow.source for block in blocks for arrow in block.arrows}
    names = [block.name for block in blocks if block.kind != "input"]
    for block in blocks:
        # The name of what holds nearly all says nothing.
        if names.count(block.name) > max(1, len(names) / 2):
            block.name = ""
    blocks = [block for block in blocks if block.kind != "input" or block in used]
    return Diagram(name, blocks, sum(value.numel() for value in network.parameters()), outputs)


class _Gathering:
    """Blocks as they come of calls, which are added in the order in which they were made."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.given: dict[Call, list[Arrow]] = {}
        """What each call gives out, as arrows; a single one without steps is a block's own output."""

    def add(self, call: Call) -> None:
        if call.function == "input":
            self.given[call] = self._new(Block("input", call.shape, call, name=call.name))
            return
        arrows = self.given[call.parents[0]]
        block = _plain(arrows)
        if call.function in CONVOLUTIONS:
            self.given[call] = self._convolution(call, arrows, block)
        elif call.function in JOINS and len(call.parents) > 1:
            self.given[call] = self._join(call)
        elif block and call.shape == call.parents[0].shape:
            self.given[call] = arrows
            block.last = call
            if block.kind != "input":
                word = (NORMS | ACTIVATIONS).get(call.function)
                block.after += (word,) if word and word not in block.after else ()
                block.norms += call.function in NORMS
                block.dropout = call.dropped or block.dropout
        else:
            step = _step(call)
            self.given[call] = [replace(arrow, steps=(*arrow.steps, step)) if step else arrow for arrow in arrows]

    def _new(self, block: Block) -> list[Arrow]:
        self.blocks.append(block)
        return [Arrow(block)]

    def _convolution(self, call: Call, arrows: list[Arrow], block: Block | None) -> list[Arrow]:
        kind, shape = CONVOLUTIONS[call.function], call.shape
        fresh = Block(kind, shape, call, call.kernel, call.stride, call.dilation, call.groups, call.name, arrows=arrows)
        if block and block.last.children == 1 and block.takes(fresh):
            block.count += 1
            block.last = call
            return arrows
        return self._new(fresh)

    def _join(self, call: Call) -> list[Arrow]:
        """Several maps become one: the main ones go on, the others arrive at the block that they join."""
        sign = JOINS[call.function]
        parts = [self.given[parent] for parent in call.parents]
        main = max(parts, key=self._weight)
        parts.remove(main)
        target = _plain(main)
        if sign == "cat" or target is None or target.kind == "input" or target.last.children > 1:
            target = None
        joined: list[Arrow] = []
        for part in parts:
            side = _alone(part) if sign != "cat" else None
            if target and _same(part, target.arrows):
                target.residual = True
            elif target and side and side.kernel == 1 and _same(side.arrows, target.arrows):
                self.blocks.remove(side)
                target.residual = True
            elif side:
                self.blocks.remove(side)
                note = f"{side.operation} {side.shape[0]} ch"
                joined += [Arrow(arrow.source, (*arrow.steps, note), sign) for arrow in side.arrows]
            else:
                joined += [Arrow(arrow.source, arrow.steps, sign) for arrow in part]
        once = {(arrow.source, arrow.steps): arrow for arrow in reversed([*main, *joined])}
        joined = [arrow for arrow in joined if once[arrow.source, arrow.steps] is arrow]
        if target is None:
            return [*main, *joined]
        target.arrows = [*target.arrows, *joined]
        target.last = call
        return main

    def _weight(self, arrows: list[Arrow]) -> tuple[int, int, int]:
        """By which maps that are joined are compared: how far the network has come with them, area, kernels."""
        block = _plain(arrows)
        inside = block.arrows if block and block.arrows else arrows
        start = max(self.blocks.index(arrow.source) for arrow in inside)
        return (start, block.shape[1] * block.shape[2], block.count * block.kernel) if block else (start, 0, 0)


def _plain(arrows: list[Arrow]) -> Block | None:
    """The block whose own output these arrows are."""
    return arrows[0].source if len(arrows) == 1 and not arrows[0].steps else None


def _alone(arrows: list[Arrow]) -> Block | None:
    """A single convolution that nothing else uses, which can be written on the arrow."""
    block = _plain(arrows)
    return block if block and block.kind != "input" and block.count == 1 and block.last.children == 1 else None


def _same(ours: list[Arrow], theirs: list[Arrow]) -> bool:
    return {(a.source, a.steps) for a in ours} == {(a.source, a.steps) for a in theirs}


def _step(call: Call) -> str:
    """What a call does to maps whose size it changes, in a word or two; empty where that is of no interest."""
    before, after = call.parents[0].shape[1], call.shape[1]
    if call.function in POOLS:
        return f"{POOLS[call.function]}{call.kernel or ''}" if after > 1 else "global mean"
    if call.mode:
        return f"\N{MULTIPLICATION SIGN}{after / before:g} {call.mode}"
    if call.function == "getitem" and before != after:
        return f"1 of {-(-before // after)}"
    return ""


def _merge_residuals(blocks: list[Block], outputs: list[Arrow]) -> None:
    """Residual blocks of one kind that follow each other become one."""
    for block in list(blocks):
        before = _plain(block.arrows)
        if before is None or not (before.residual and block.residual and block.repeats(before)):
            continue
        users = [arrow for other in blocks for arrow in other.arrows if arrow.source is before]
        if len(users) > 1 or any(arrow.source is before for arrow in outputs):
            continue
        block.count += before.count
        block.norms += before.norms
        block.arrows, block.stride = before.arrows, before.stride
        if before.name != block.name:
            block.name = block.name.rpartition(".")[0] or block.name
        blocks.remove(before)
