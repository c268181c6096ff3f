"""A network drawn from its code: it is run once without weights, and what it computes becomes blocks and arrows.

Convolutions are blocks; those that follow each other and give maps of one size are one block. Norms, activations and
dropout belong to the block before them; pooling, enlargement and the joining of maps to the arrow that leads to the
block after them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tintype.errors import OptionError, not_installed
from tintype.plots.figure import FAINT, INK, new, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE = 256
"""Side of the input, in pixels."""

CLASSES = 313
"""Channels of the output of a family that is drawn without a configuration."""

NETWORK = {"L*": 1, "hints": 3}
CRITIC = {"L*": 1, "a*b*": 2}
"""What networks and critics are given, and the channels of each."""

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
SYNONYMS = {"iadd": "add", "radd": "add", "isub": "sub", "imul": "mul", "rmul": "mul", "concatenate": "cat"}


@dataclass(eq=False)
class Call:
    """One call of a torch function on maps that depend on the input."""

    function: str
    shape: tuple[int, int, int]
    """Channels, height and width of what came out."""
    parents: list[Call]
    facts: dict[str, Any] = field(default_factory=dict)
    """Of a convolution: kernel, stride, dilation, groups and the name of its module; of others: what is written."""
    children: int = 0
    """Calls that use what came out; the network's own output counts as one."""


@dataclass(eq=False)
class Arrow:
    """Maps that go from one block to another."""

    source: Block
    steps: tuple[str, ...] = ()
    """What is done to them on the way, such as "max 3"."""
    join: str = ""
    """How they join what else comes to the block: "cat", "+"; nothing for the main ones."""


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


@dataclass(frozen=True)
class Diagram:
    """A network as blocks, in the order in which they are computed."""

    name: str
    blocks: list[Block]
    parameters: int
    outputs: list[Arrow]
    """Where the network's outputs come from."""


def read(source: str | os.PathLike, channels: int | None = None, changes: tuple[str, ...] = ()) -> tuple[str, Any]:
    """Name and network, without weights.

    Args:
        source: a family with its published defaults, or the TOML file of a configuration.
        channels: of the output; default: what the configuration's target asks for, CLASSES of a family.
        changes: keys of the configuration to change, as key=value.
    Raises:
        ConfigError: there is no such family, or it cannot be made like this.
        OptionError: a number of channels below 1, or changes of a family. TintypeError: torch is not installed.
    """
    families, read_config = studio()
    import torch

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


def read_critic(source: str | os.PathLike, changes: tuple[str, ...] = ()) -> tuple[str, Any, int] | None:
    """Name, critic without weights and the side of what it sees in training; None where there is none.

    Args and Raises: as `read`.
    """
    if Path(source).suffix != ".toml":
        return None
    _, read_config = studio()
    config = read_config(source, changes)
    if not config.adversarial.weight:
        return None
    import torch

    from tintype.networks import critics

    side = config.data.side // config.describe_network().scale
    with torch.device("meta"):
        return f"{config.name}, critic", critics.make(config.adversarial.critic, side), side


def studio() -> tuple[Any, Any]:
    """The registry of families, and what reads configurations.

    Raises:
        TintypeError: torch is not installed.
    """
    try:
        from tintype.networks import families
        from tintype.training.config import read
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("tintype"):
            raise
        raise not_installed("Drawing a network", error.name, "train") from None
    return families, read


def trace(name: str, network, size: int = SIZE) -> Diagram:
    """Run a network once on an input of `size` x `size` pixels, and record what it does.

    Args:
        network: a family's; on the meta device nothing is computed.
    Raises:
        OptionError: the size is not a multiple of the network's stride.
    """
    if size < 1 or size % network.stride:
        raise OptionError(f"The size of the input must be a multiple of {network.stride}, not {size}")
    return _diagram(name, network, size, NETWORK)


def trace_critic(name: str, critic, side: int) -> Diagram:
    """The same of a critic, on lightness and ab of `side` x `side` pixels."""
    return _diagram(name, critic, side, CRITIC)


def _diagram(name: str, network, size: int, given: dict[str, int]) -> Diagram:
    blocks, outputs = _blocks(*_calls(network.eval(), size, given))
    return Diagram(name, blocks, sum(value.numel() for value in network.parameters()), outputs)


def _calls(network, size: int, given: dict[str, int]) -> tuple[list[Call], list[Call]]:
    """All calls in their order, the inputs first, the main one last of them; and those whose results are given out."""
    import torch
    from torch.overrides import TorchFunctionMode

    calls: list[Call] = []
    found: dict[int, Call] = {}
    kept = []  # all tensors, so that none gets the id of another
    modules: list[str] = []

    def note(tensor, call: Call) -> None:
        kept.append(tensor)
        found[id(tensor)] = call

    class Watch(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            # Asked before the call, as what works in place gives out what it was given.
            parents = [found[id(value)] for value in _tensors((args, kwargs)) if id(value) in found]
            result = function(*args, **kwargs)
            made = list(_tensors(result)) if parents else []
            if made:
                label = getattr(function, "__name__", "").strip("_")
                label = SYNONYMS.get(label, label)
                facts = _facts(label, args, kwargs, modules[-1] if modules else "")
                call = Call(label, _shape(made[0]), parents, facts)
                for parent in parents:
                    parent.children += 1
                calls.append(call)
                for value in made:
                    note(value, call)
            return result

    device = next(network.parameters()).device
    inputs = []
    for label, count in reversed(given.items()):
        tensor = torch.zeros(1, count, size, size, device=device)
        calls.append(Call("input", (count, size, size), [], {"name": label}))
        note(tensor, calls[-1])
        inputs.insert(0, tensor)

    def leave(module, given, result) -> None:
        modules.pop()

    hooks = []
    for path, module in network.named_modules():
        hooks.append(module.register_forward_pre_hook(lambda module, given, path=path: modules.append(path)))
        hooks.append(module.register_forward_hook(leave))
    try:
        with torch.no_grad(), Watch():
            results = network(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    ends = [found[id(value)] for value in _tensors(results) if id(value) in found]
    for end in ends:
        end.children += 1
    return calls, ends


def _tensors(value: Any) -> Iterator[Any]:
    """All tensors in nested lists, tuples and dictionaries."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _shape(tensor) -> tuple[int, int, int]:
    """Channels, height, width; of a tensor without height and width 1 each."""
    sides = tuple(tensor.shape)
    return sides[-3:] if len(sides) >= 4 else (sides[-1] if sides else 1, 1, 1)


def _facts(label: str, args: tuple, kwargs: dict, module: str) -> dict[str, Any]:
    """What is to be known of a call beside its shape."""
    if label in CONVOLUTIONS:
        weight = args[1] if len(args) > 1 else kwargs["weight"]
        order = {
            "conv2d": ("bias", "stride", "padding", "dilation", "groups"),
            "conv_transpose2d": ("bias", "stride", "padding", "output_padding", "groups", "dilation"),
            "linear": ("bias",),
        }[label]
        given = dict(zip(order, args[2:], strict=False)) | kwargs
        stride, dilation = (_one(given.get(key, 1)) for key in ("stride", "dilation"))
        facts = {"kernel": weight.shape[-1], "stride": stride, "dilation": dilation, "groups": given.get("groups", 1)}
        return facts | {"name": module.rpartition(".")[0] or module}
    if label in ("dropout", "dropout2d", "feature_dropout", "alpha_dropout"):
        return {"share": args[1] if len(args) > 1 else kwargs.get("p", 0.5)}
    if label in ("max_pool2d", "avg_pool2d"):
        return {"kernel": _one(args[1] if len(args) > 1 else kwargs["kernel_size"])}
    if label in ("interpolate", "upsample"):
        return {"mode": kwargs.get("mode", args[3] if len(args) > 3 else "nearest")}
    return {}


def _one(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else value[0]


def _blocks(calls: list[Call], ends: list[Call]) -> tuple[list[Block], list[Arrow]]:
    """Calls gathered to blocks, and the arrows that lead out of them."""
    blocks: list[Block] = []
    # What each call gives out, as arrows; a single one without steps is a block's own output.
    given: dict[Call, list[Arrow]] = {}

    def plain(arrows: list[Arrow]) -> Block | None:
        return arrows[0].source if len(arrows) == 1 and not arrows[0].steps else None

    def start(arrows: list[Arrow]) -> int:
        """How far the network has come with what enters a block, or else with what these arrows carry."""
        block = plain(arrows)
        inside = block.arrows if block and block.arrows else arrows
        return max(blocks.index(arrow.source) for arrow in inside)

    def alone(arrows: list[Arrow]) -> Block | None:
        """A single convolution that nothing else uses, which can be written on the arrow."""
        block = plain(arrows)
        return block if block and block.kind != "input" and block.count == 1 and block.last.children == 1 else None

    def same(ours: list[Arrow], theirs: list[Arrow]) -> bool:
        return {(a.source, a.steps) for a in ours} == {(a.source, a.steps) for a in theirs}

    def join(call: Call) -> list[Arrow]:
        sign = JOINS[call.function]
        parts = [given[parent] for parent in call.parents]

        def weight(arrows: list[Arrow]) -> tuple:
            block = plain(arrows)
            area = block.shape[1] * block.shape[2] if block else 0
            return start(arrows), area, block.count * block.kernel if block else 0

        main = max(parts, key=weight)
        parts.remove(main)
        target = plain(main)
        if sign == "cat" or target is None or target.kind == "input" or target.last.children > 1:
            target = None
        joined = []
        for part in parts:
            side = alone(part) if sign != "cat" else None
            if target and same(part, target.arrows):
                target.residual = True
            elif target and side and side.kernel == 1 and same(side.arrows, target.arrows):
                blocks.remove(side)
                target.residual = True
            elif side:
                blocks.remove(side)
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

    for call in calls:
        if call.function == "input":
            blocks.append(Block("input", call.shape, call, name=call.facts["name"]))
            given[call] = [Arrow(blocks[-1])]
            continue
        arrows = given[call.parents[0]]
        block = plain(arrows)
        if call.function in CONVOLUTIONS:
            fresh = Block(CONVOLUTIONS[call.function], call.shape, call, **call.facts, arrows=arrows)
            if block and block.last.children == 1 and _continues(block, fresh):
                block.count += 1
                block.last = call
                given[call] = arrows
            else:
                blocks.append(fresh)
                given[call] = [Arrow(fresh)]
        elif call.function in JOINS and len(call.parents) > 1:
            given[call] = join(call)
        elif block and call.shape == call.parents[0].shape:
            given[call] = arrows
            block.last = call
            if block.kind != "input":
                word = (NORMS | ACTIVATIONS).get(call.function)
                block.after += (word,) if word and word not in block.after else ()
                block.norms += call.function in NORMS
                block.dropout = call.facts.get("share", block.dropout)
        else:
            step = _step(call)
            given[call] = [replace(arrow, steps=(*arrow.steps, step)) if step else arrow for arrow in arrows]
    outputs = [arrow for end in ends for arrow in given[end]]
    _merge_residuals(blocks, outputs)
    used = {arrow.source for block in blocks for arrow in block.arrows}
    names = [block.name for block in blocks if block.kind != "input"]
    for block in blocks:
        # The name of what holds nearly all says nothing.
        if names.count(block.name) > max(1, len(names) / 2):
            block.name = ""
    return [block for block in blocks if block.kind != "input" or block in used], outputs


def _continues(block: Block, fresh: Block) -> bool:
    """Whether a convolution belongs to the block whose output it takes."""
    keys = ("kind", "shape", "kernel", "dilation", "groups", "name")
    alike = all(getattr(block, key) == getattr(fresh, key) for key in keys)
    # A norm after several convolutions ends a block.
    ended = block.residual or block.norms not in (0, block.count)
    return alike and block.kind == "conv" and fresh.stride == 1 and not ended


def _step(call: Call) -> str:
    """What a call does to maps whose size it changes, in a word or two; empty where that is of no interest."""
    before, after = call.parents[0].shape[1], call.shape[1]
    if call.function in POOLS:
        return f"{POOLS[call.function]}{call.facts.get('kernel', '')}" if after > 1 else "global mean"
    if call.function in ("interpolate", "upsample", "pixel_shuffle"):
        how = call.facts.get("mode", "shuffle")
        return f"\N{MULTIPLICATION SIGN}{after / before:g} {how}"
    if call.function == "getitem" and before != after:
        return f"1 of {-(-before // after)}"
    return ""


def _merge_residuals(blocks: list[Block], outputs: list[Arrow]) -> None:
    """Residual blocks of one kind that follow each other become one."""
    for block in list(blocks):
        before = block.arrows[0].source if len(block.arrows) == 1 and not block.arrows[0].steps else None
        users = [arrow for other in blocks for arrow in other.arrows if arrow.source is before]
        if not (before and before.residual and block.residual and block.stride == 1 and len(users) == 1):
            continue
        keys = ("kind", "shape", "kernel", "dilation", "groups", "after")
        alike = all(getattr(before, key) == getattr(block, key) for key in keys)
        if not alike or any(arrow.source is before for arrow in outputs):
            continue
        block.count += before.count
        block.norms += before.norms
        block.arrows, block.stride = before.arrows, before.stride
        if before.name != block.name:
            block.name = block.name.rpartition(".")[0] or block.name
        blocks.remove(before)


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
        blocks, boxes = diagram.blocks, {}
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


def _draw(panel, plan: _Plan) -> None:
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
    found = [
        (number - blocks.index(arrow.source), blocks.index(arrow.source), number, arrow)
        for number, block in enumerate(blocks)
        for arrow in block.arrows
        if arrow.source is not blocks[number - 1] or arrow.join
    ]
    arcs: list[_Arc] = []
    for _, first, last, arrow in sorted(found, key=lambda each: each[:3]):
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


def _cuboid(panel, box: _Box) -> None:
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


def _across(panel, source: _Box, end: float, steps: tuple[str, ...]) -> None:
    begin = source.right + source.depth / 2 + 0.03
    _head(panel, (begin, 0), (end - 0.02, 0), INK)
    for row, step in enumerate(reversed(steps)):
        panel.text((begin + end) / 2, 0.06 + row * 0.13, step, ha="center", va="bottom", fontsize=6.5)


def _over(panel, arc: _Arc) -> None:
    across, up = [arc.begin, arc.begin, arc.end], [arc.begin_top - 0.04, arc.level, arc.level]
    panel.plot(across, up, color=SKIP, linewidth=1, solid_joinstyle="round")
    _head(panel, (arc.end, arc.level), (arc.end, arc.end_top), SKIP)
    middle = (arc.begin + arc.end) / 2
    panel.text(middle, arc.level + 0.02, arc.text, ha="center", va="bottom", fontsize=6.5, color=SKIP)


def _head(panel, begin: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    look = {"arrowstyle": "-|>", "color": colour, "linewidth": 0.95, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
    panel.annotate("", end, begin, arrowprops=look)
