"""The other side of adversarial training: a critic and its own optimiser (Goodfellow et al. 2014)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tintype import losses
from tintype.networks import critics
from tintype.targets import at_resolution
from tintype.training.config import Config


class Adversary:
    """A critic that learns to tell a network's colours from true ones, and judges them.

    Args:
        side: of the a*b* planes, in pixels.
    """

    def __init__(self, config: Config, side: int, device: torch.device):
        self.settings, self.steps = config.adversarial, config.steps
        self.critic = critics.make(self.settings.critic, side).to(device)
        self.optimizer = torch.optim.Adam(self.critic.parameters(), self.settings.rate, betas=self.settings.betas)

    def learns(self, step: int) -> bool:
        """Whether the critic learns at this step."""
        return step >= self.settings.starts * self.steps

    def judges(self, step: int) -> bool:
        """Whether the network is told what the critic thinks."""
        return self.learns(step) and step >= self.settings.joins * self.steps

    def network_learns(self, step: int) -> bool:
        """Whether the network learns at this step: it rests while the critic catches up, and between its own steps."""
        if not self.learns(step):
            return True
        return self.judges(step) and (step + 1) % self.settings.every == 0

    def judgement(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        """What the network minimises, times its weight; ab [n, 2, h, w]."""
        scores = self.critic(at_resolution(lightness, ab), ab)
        return self.settings.weight * losses.adversarial_generator(scores, self.settings.loss)

    def learn(
        self,
        lightness: torch.Tensor,
        truth: torch.Tensor,
        made: torch.Tensor,
        share: float,
        average: Callable[[nn.Module], None],
    ) -> torch.Tensor:
        """A step of the critic on true colours and on the network's, in batches of their own; its loss.

        Args:
            share: of the configured rate.
            average: makes the gradients of all processes one.
        """
        lightness, made = at_resolution(lightness, truth), made.detach()
        kind, smoothing = self.settings.loss, self.settings.smoothing
        loss = losses.adversarial(self.critic(lightness, truth), True, kind, smoothing)
        loss = loss + losses.adversarial(self.critic(lightness, made), False, kind)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate * share
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        average(self.critic)
        self.optimizer.step()
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        return {"critic": self.critic.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.critic.load_state_dict(state["critic"])
        self.optimizer.load_state_dict(state["optimizer"])
