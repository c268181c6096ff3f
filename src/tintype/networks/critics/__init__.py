"""Critics: networks that learn to tell true colours from predicted ones, for adversarial training."""

from __future__ import annotations

from tintype.networks.critics.critic import Config, Critic
from tintype.networks.critics.dense import Dense
from tintype.networks.critics.patch import Patch

__all__ = ["Config", "Critic", "make"]


def make(config: Config, side: int) -> Critic:
    """The critic of a configuration, for squares of `side` pixels at the resolution of the ab plane.

    Raises:
        ConfigError: a setting or the side cannot work.
    """
    return Patch(config, side) if config.kind == "patch" else Dense(config, side)
