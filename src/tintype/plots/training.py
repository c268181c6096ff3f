"""A training run drawn from its configuration: what happens to photographs, and where weights come from."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tintype.errors import OptionError
from tintype.plots.architecture import read_config
from tintype.plots.figure import FAINT, INK, new, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tintype.training.batches import Augmentation
    from tintype.training.config import Config

GRAYS = {"lightness": "L*", "rec601": "luma (Rec. 601)", "value": "V of HSV"}
TARGETS = {"ab": "a*b* / {scale:g}", "rgb": "sRGB", "hue": "hue and saturation"}


@dataclass(frozen=True)
class Box:
    """A part of a training run."""

    title: str
    lines: tuple[str, ...]
    """What the configuration says of it."""
    column: int
    row: int
    """From above."""


def read(source: str | os.PathLike[str], changes: Sequence[str] = ()) -> Config:
    """A configuration.

    Args:
        changes: keys to change, as key=value.
    Raises:
        ConfigError: it cannot be read, or what it says cannot work. OptionError: it is not a TOML file.
        TintypeError: torch is not installed.
    """
    if Path(source).suffix != ".toml":
        raise OptionError(f"{source} is not a configuration: give the .toml file of a run")
    return read_config(source, changes)


def boxes(config: Config) -> dict[str, Box]:
    """The parts of a run, by their name; "critic" only where there is one."""
    data, critic = config.data, config.adversarial
    parts = {
        "photographs": Box("Photographs", _photographs(config), 0, 1),
        "batch": Box("Batch", _batch(config), 1, 1),
        "network": Box("Network", _network(config), 2, 1),
        "target": Box("Target", _target(config), 3, 1),
        "losses": Box("Losses", _losses(config), 4, 1),
        "optimizer": Box("Optimizer", _optimizer(config), 4, 2),
        "average": Box("Moving average", (_average(config.optimizer.average),), 2, 2),
        "validation": Box(
            "Validation",
            (
                data.validation,
                f"{data.validation_limit} photographs at most",
                f"{data.validation_side} x {data.validation_side} pixels",
                f"every {config.validate_every} steps" if config.validate_every else "once an epoch",
            ),
            1,
            2,
        ),
        "run": Box("Run", ("last.pt, best.pt", "log.jsonl, TensorBoard"), 0, 2),
    }
    if critic.weight:
        parts["critic"] = Box("Critic", _critic(config), 3, 0)
    return parts


def _photographs(config: Config) -> tuple[str, ...]:
    data = config.data
    folder = Path(data.folder).parts[-2:]
    limit = f"the first {data.limit} of each part" if data.limit else ""
    return _wrapped("/".join(folder), data.train, ", ".join(data.sources), limit)


def _batch(config: Config) -> tuple[str, ...]:
    data, made = config.data, config.data.augmentation
    crop = f"crops of {made.smallest_crop:g} to 1" if made.smallest_crop < 1 else ""
    return _wrapped(
        f"{config.batch} of {data.side} x {data.side} pixels",
        "patches, not resized" if made.patch else crop,
        f"gray: {GRAYS[data.gray]}",
        ", ".join(_augmentations(made)),
    )


def _augmentations(made: Augmentation) -> list[str]:
    """What is varied of the gray and the hints, and how often, in words that are not broken over lines."""
    import msgspec

    from tintype.training.batches import Share

    words = []
    for field in msgspec.structs.fields(made):
        value = getattr(made, field.name)
        if value != field.default and field.name not in ("smallest_crop", "patch"):
            words.append(f"{field.name.replace('_', ' ')} {_percent(value) if field.type == Share else f'{value:g}'}")
    return [word.replace(" ", "\N{NO-BREAK SPACE}") for word in words]


def _network(config: Config) -> tuple[str, ...]:
    parameters = ""
    if config.target.kind != "bins" or config.target.bins != "own":
        count = sum(value.numel() for value in config.describe_network().parameters())
        parameters = f"{count:,} parameters".replace(",", "\N{NO-BREAK SPACE}")
    files = config.start.split(",") if config.start else list(config.family_config().files().values())
    names = " and ".join(Path(file).name for file in files if file)
    rate = config.optimizer.encoder
    return _wrapped(
        config.family,
        parameters,
        f"from {names}" if names else f"{config.initialisation} weights",
        "encoder frozen" if not rate else f"encoder's rate {_percent(rate)}" if rate != 1 else "",
        "norms frozen" if config.norms == "frozen" else "",
        f"precision {config.precision}",
    )


def _target(config: Config) -> tuple[str, ...]:
    from tintype import targets

    target, loss = config.target, config.loss
    if target.kind != "bins":
        return _wrapped(TARGETS[target.kind].format(scale=target.scale), "bounded" if target.bounded else "")
    table = None if target.bins == "own" else targets.table(target)
    bins = f"own bins, step {target.step:g}" if table is None else f"{len(table)} bins ({target.bins})"
    code = "one-hot" if loss.neighbours == 1 else f"soft code of {loss.neighbours}, sigma {loss.sigma:g}"
    return _wrapped(bins, code if loss.cross_entropy else "", f"annealed mean, T = {loss.temperature:g}")


def _losses(config: Config) -> tuple[str, ...]:
    loss = config.loss
    smoothed = f", smoothed by {loss.smoothing:g}" if loss.smoothing else ""
    mixed = f", {_percent(loss.published_share)} published" if loss.published_share else ""
    rebalanced = f"rebalanced: {loss.prior} prior{smoothed}{mixed}, uniform {loss.uniform:g}"
    details = {
        "cross_entropy": [
            rebalanced if loss.uniform < 1 else "",
            f"without photographs of |a*|, |b*| up to {loss.skip_gray:g}" if loss.skip_gray else "",
        ],
        "huber": [f"linear from {loss.delta:g}"],
        "distillation": [f"teacher: {Path(loss.teacher).name}"],
    }
    lines = []
    for name, weight in loss.weights().items():
        lines += [f"{weight:g} x {name.replace('_', ' ')}", *details.get(name, [])]
    if config.adversarial.weight:
        lines.append(f"{config.adversarial.weight:g} x judgement")
    return _wrapped(*lines)


def _critic(config: Config) -> tuple[str, ...]:
    settings = config.adversarial
    smoothing = f", smoothing {settings.smoothing:g}" if settings.smoothing else ""
    return _wrapped(
        f"{settings.critic.kind}, sees {'L* and a*b*' if settings.critic.sees == 'both' else 'a*b* alone'}",
        f"{settings.loss}{smoothing}; adam, rate {settings.rate:g}",
        f"learns after {_percent(settings.starts)}" if settings.starts else "",
        f"judges after {_percent(settings.joins)}" if settings.joins else "",
        f"{settings.every} updates to 1 of the network" if settings.every > 1 else "",
    )


def _optimizer(config: Config) -> tuple[str, ...]:
    o = config.optimizer
    clip = f"clip {o.clip:g}" if o.clip and not o.clip_value else f"clip values {o.clip_value:g}" * bool(o.clip_value)
    return _wrapped(
        f"{o.kind}, rate {o.rate:g}",
        ", ".join(filter(None, [f"decay {o.decay:g}" if o.decay else "", clip])),
        f"{o.schedule}, {config.steps} steps",
        f"warm-up {o.warmup} steps" if o.warmup else "",
    )


def _average(decay: float) -> str:
    return f"decay {decay:g}" if decay else "none"


def _percent(share: float) -> str:
    return f"{100 * share:g}\N{NO-BREAK SPACE}%"


LETTERS = 25
"""Of a line at most."""


def _wrapped(*lines: str) -> tuple[str, ...]:
    """Lines as they fit a box; empty ones are left out."""
    return tuple(part for line in lines for part in textwrap.wrap(line, LETTERS))


# The drawing, in inches.

WIDTH, ACROSS, DOWN = 2.05, 0.68, 0.62
"""Of a box, and the gaps between boxes."""
TITLE, LINE = 0.3, 0.15
SIDE = 0.3
"""Around all."""
PALE = {"data": "#efefef", "network": "#dbe9f5", "truth": "#f0e6f4", "learning": "#fcebd9", "out": "#dff1e9"}
ROLES = {
    "photographs": "data",
    "batch": "data",
    "network": "network",
    "average": "network",
    "target": "truth",
    "critic": "truth",
    "losses": "learning",
    "optimizer": "learning",
    "validation": "out",
    "run": "out",
}
TRUTH = "#8a5a9e"


def draw(config: Config) -> Figure:
    """From left to right what a step does with photographs, below it what becomes of the weights."""
    with style():
        return _draw(config.name, boxes(config), "L*, hints" if config.data.augmentation.hints else "L*")


class _Place:
    """A box on the page."""

    def __init__(self, box: Box, tops: Sequence[float], heights: Sequence[float]):
        self.left = SIDE + box.column * (WIDTH + ACROSS)
        self.right = self.left + WIDTH
        self.top = tops[box.row]
        self.bottom = self.top - heights[box.row]
        self.middle = (self.top + self.bottom) / 2

    def across(self, share: float) -> float:
        return self.left + share * WIDTH


def _draw(name: str, parts: dict[str, Box], seen: str) -> Figure:
    from matplotlib.patches import FancyBboxPatch

    heights = [
        max((TITLE + LINE * len(box.lines) + 0.1 for box in parts.values() if box.row == row), default=0.0)
        for row in range(3)
    ]
    tops, y = [], 0.0
    for height in heights:
        tops.append(y)
        y -= height + DOWN if height else 0.2
    width, low, high = 2 * SIDE + 5 * WIDTH + 4 * ACROSS, y + DOWN - SIDE, 0.5
    page = new(width, high - low)
    page.set_layout_engine("none")
    panel = page.add_axes((0, 0, 1, 1))
    panel.set(xlim=(0, width), ylim=(low, high))
    panel.set_axis_off()
    panel.text(SIDE, high - 0.12, name, fontsize=11, va="top", weight="bold")
    at = {key: _Place(box, tops, heights) for key, box in parts.items()}
    for key, box in parts.items():
        place = at[key]
        frame = FancyBboxPatch(
            (place.left, place.bottom),
            WIDTH,
            place.top - place.bottom,
            boxstyle="round,pad=0,rounding_size=0.07",
            linewidth=0.8,
            edgecolor="#999999",
            facecolor=PALE[ROLES[key]],
        )
        panel.add_patch(frame)
        panel.text(place.left + 0.1, place.top - 0.09, box.title, fontsize=8.5, va="top", weight="bold", color=INK)
        for number, line in enumerate(box.lines):
            panel.text(place.left + 0.1, place.top - TITLE - number * LINE, line, fontsize=7, va="top", color=INK)
    _arrows(panel, at, seen)
    return page


def _arrows(panel: Axes, at: dict[str, _Place], seen: str) -> None:
    """All arrows; `seen` is written on that to the network."""
    batch, network, target, losses = (at[key] for key in ("batch", "network", "target", "losses"))
    optimizer, average, validation = (at[key] for key in ("optimizer", "average", "validation"))
    for first, second, word in (
        ("photographs", "batch", ""),
        ("batch", "network", seen),
        ("network", "target", "output"),
        ("target", "losses", "values"),
        ("average", "validation", ""),
        ("validation", "run", ""),
    ):
        one, other = at[first], at[second]
        level = one.middle
        ends = (one.right, other.left) if one.left < other.left else (one.left, other.right)
        _path(panel, [(ends[0], level), (ends[1], level)], INK)
        panel.text(sum(ends) / 2, level + 0.04, word, ha="center", va="bottom", fontsize=7, color=FAINT)
    # The true colours go over network and target to the losses, and on the way to the critic.
    lane = batch.top + 0.2
    x = batch.across(0.7)
    _path(panel, [(x, batch.top), (x, lane), (losses.across(0.25), lane), (losses.across(0.25), losses.top)], TRUTH)
    panel.text(x + 0.08, lane + 0.03, "true a*b*", ha="left", va="bottom", fontsize=7, color=TRUTH)
    if "critic" in at:
        critic = at["critic"]
        x = critic.across(0.25)
        _path(panel, [(x, lane), (x, critic.bottom)], TRUTH)
        x = critic.across(0.7)
        _path(panel, [(x, target.top), (x, critic.bottom)], INK)
        panel.text(x + 0.06, lane + 0.08, "a*b*", ha="left", va="bottom", fontsize=7, color=FAINT)
        x = losses.across(0.7)
        _path(panel, [(critic.right, critic.middle), (x, critic.middle), (x, losses.top)], INK)
        panel.text(x + 0.06, critic.middle - 0.08, "judgement", ha="left", va="top", fontsize=7, color=FAINT)
    x = losses.across(0.5)
    _path(panel, [(x, losses.bottom), (x, optimizer.top)], INK)
    panel.text(x + 0.06, losses.bottom - 0.3, "gradient", ha="left", va="center", fontsize=7, color=FAINT)
    # Gradients become new weights, which are averaged to be validated.
    turn, lane = target.across(0.5), average.top + 0.24
    x = network.across(0.8)
    level = optimizer.middle
    _path(panel, [(optimizer.left, level), (turn, level), (turn, lane), (x, lane), (x, network.bottom)], INK)
    panel.text(turn + 0.06, lane - 0.05, "new weights", ha="left", va="top", fontsize=7, color=FAINT)
    x = network.across(0.3)
    _path(panel, [(x, network.bottom), (x, average.top)], INK)
    x, end = at["photographs"].across(0.5), validation.across(0.5)
    _path(panel, [(x, batch.bottom), (x, lane), (end, lane), (end, validation.top)], INK)
    panel.text(x + 0.06, lane + 0.04, "held back", ha="left", va="bottom", fontsize=7, color=FAINT)


def _path(panel: Axes, points: Sequence[tuple[float, float]], colour: str) -> None:
    panel.plot(*zip(*points, strict=True), color=colour, linewidth=1, solid_joinstyle="round")
    look = {"arrowstyle": "-|>", "color": colour, "linewidth": 1, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8}
    panel.annotate("", points[-1], points[-2], arrowprops=look)
