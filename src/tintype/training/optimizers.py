"""Optimizers and the schedules of their rates, as configured."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

import msgspec
import torch

from tintype.errors import ConfigError
from tintype.networks.family import Network

Amount = Annotated[float, msgspec.Meta(ge=0)]
Above = Annotated[float, msgspec.Meta(gt=0)]
Below = Annotated[float, msgspec.Meta(ge=0, lt=1)]


class Optimizer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How weights follow their gradients."""

    kind: Literal["adamw", "adam", "adadelta", "sgd"] = "adamw"
    rate: Above = 1e-3
    encoder: Amount = 1.0
    """The encoder's rate as a share of `rate`; 0 freezes the encoder, the statistics of its norms included."""
    betas: tuple[Below, Below] = (0.9, 0.99)
    """Of Adam; the first is also the rho of Adadelta and the momentum of SGD."""
    decay: Amount = 0.02
    """Weight decay; norms and biases have none. AdamW shrinks the weights by rate times decay at each step; the others
    add decay times the weights to the gradient, the L2 of the papers (a term l |w|^2 in the loss is a decay of 2 l)."""
    clip: Amount = 1.0
    """Largest norm of the gradient; 0: no limit."""
    clip_value: Amount = 0.0
    """Largest absolute value of each element of the gradient, in place of `clip`; 0: no limit."""
    warmup: Annotated[int, msgspec.Meta(ge=0)] = 300
    """Steps."""
    schedule: Literal["cosine", "linear", "hold", "steps", "exponential"] = "cosine"
    """How the rate falls after the warm-up: to 0 by the last step (`cosine`, `linear`), to 0 over the last `fall` of
    the run (`hold`), by `factor` at each of `milestones` (`steps`), or by `factor` in any `every` steps
    (`exponential`)."""
    fall: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.25
    """Share of the run; 0: the rate is held to the end."""
    milestones: tuple[Above, ...] = ()
    """Rising; steps, or shares of the run if below 1."""
    factor: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    every: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Steps."""
    average: Below = 0.999
    """Decay of the exponential moving average of the weights, which is what is validated and exported."""


KEYS_OF = {"hold": ("fall",), "steps": ("milestones", "factor"), "exponential": ("factor", "every")}
"""Keys that one schedule or two understand."""


def check(optimizer: Optimizer, where: str, table: str = "optimizer") -> None:
    """Refuse keys that contradict each other.

    Args:
        where: the file, for the sentence.
        table: what the configuration calls this optimizer.
    Raises:
        ConfigError: a key is set that the schedule does not know, or one that it needs is not; the milestones do not
            rise, or mix steps and shares; both limits of the gradient are set.
    """
    known = KEYS_OF.get(optimizer.schedule, ())
    for field in msgspec.structs.fields(Optimizer):
        key, value = field.name, getattr(optimizer, field.name)
        owners = [schedule for schedule, keys in KEYS_OF.items() if key in keys]
        if owners and key not in known and value != field.default:
            raise ConfigError(
                f"{where}: {table}.{key} has no effect with the schedule {optimizer.schedule}; "
                f"remove it or set {table}.schedule to {' or '.join(owners)}"
            )
        if key in known and key != "fall" and value == field.default:
            raise ConfigError(f"{where}: the schedule {optimizer.schedule} needs {table}.{key}; set it")
    stones = optimizer.milestones
    if len({stone < 1 for stone in stones}) > 1 or any(b <= a for a, b in itertools.pairwise(stones)):
        raise ConfigError(
            f"{where}: {table}.milestones must rise and be all steps or all shares of the run below 1, "
            f"not {', '.join(f'{stone:g}' for stone in stones)}"
        )
    if optimizer.clip and optimizer.clip_value:
        raise ConfigError(f"{where}: {table}.clip and {table}.clip_value exclude each other; set one of them to 0")


def groups(optimizer: Optimizer, network: Network) -> list[dict[str, Any]]:
    """The parameters of a network, as `make` takes them: norms and biases do not decay, the encoder has its own `share`
    of the rate."""
    members: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, value in network.named_parameters():
        encoder = name.split(".")[0] in network.encoder_parts
        members.setdefault((encoder, value.ndim > 1), []).append(value)
    return [
        {
            "params": values,
            "share": optimizer.encoder if encoder else 1.0,
            "weight_decay": optimizer.decay if decays else 0.0,
        }
        for (encoder, decays), values in members.items()
    ]


def make(optimizer: Optimizer, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """The torch optimizer of a configuration.

    Args:
        groups: as torch takes them; a group without a `weight_decay` of its own has `optimizer.decay`.
    """
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adamw": torch.optim.AdamW,
        "adam": torch.optim.Adam,
        "adadelta": torch.optim.Adadelta,
        "sgd": torch.optim.SGD,
    }
    return kinds[optimizer.kind](groups, lr=optimizer.rate, weight_decay=optimizer.decay, **averaging(optimizer))


def averaging(optimizer: Optimizer) -> dict[str, Any]:
    """`betas` in torch's words for this kind, which a resumed run also sets on the groups that a checkpoint held."""
    if optimizer.kind == "adadelta":
        return {"rho": optimizer.betas[0]}
    if optimizer.kind == "sgd":
        return {"momentum": optimizer.betas[0]}
    return {"betas": optimizer.betas}


def rate_at(optimizer: Optimizer, step: float, steps: int) -> float:
    """The learning rate as a share of the configured one, at a step in 0..steps-1; a critic may stand between two."""
    warm = min(1.0, (step + 1) / max(optimizer.warmup, 1))
    done = step / steps
    if optimizer.schedule == "cosine":
        return warm * 0.5 * (1 + math.cos(math.pi * done))
    if optimizer.schedule == "linear":
        return warm * (1 - done)
    if optimizer.schedule == "steps":
        passed = sum(step >= (stone if stone >= 1 else stone * steps) for stone in optimizer.milestones)
        return warm * float(optimizer.factor**passed)
    if optimizer.schedule == "exponential":
        return warm * float(optimizer.factor ** (step / optimizer.every))
    return warm * min(1.0, (1 - done) / optimizer.fall) if optimizer.fall else warm


def limit(optimizer: Optimizer, parameters: Iterable[torch.nn.Parameter]) -> None:
    """Clip the gradients as configured."""
    if optimizer.clip:
        torch.nn.utils.clip_grad_norm_(parameters, optimizer.clip)
    if optimizer.clip_value:
        torch.nn.utils.clip_grad_value_(parameters, optimizer.clip_value)
