"""The other side of adversarial training: a critic and its own optimiser (Goodfellow et al. 2014).

A run is as long as its network learns: `steps` counts the updates of the network. Batches on which the critic alone
learns come on top.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tintype import losses
from tintype.networks import critics
from tintype.targets import at_resolution
from tintype.training.config import Config
from tintype.training.optimizers import rate_at


class Adversary:
    """A critic that learns to tell a network's colours from true ones, and judges them.

    Args:
        side: of the a*b* planes, in pixels.
    """

    def __init__(self, config: Config, side: int, device: torch.device):
        self.settings, self.optimized, self.steps = config.adversarial, config.optimizer, config.steps
        self.critic = critics.make(self.settings.critic, side).to(device)
        self.optimizer = torch.optim.Adam(self.critic.parameters(), self.settings.rate, betas=self.settings.betas)
        self.learnt = 0
        """Updates of the critic so far."""
        # `starts` and `joins` are shares of all batches of the run, of which the network learns on `steps`.
        batches = self.steps / (self.settings.starts + (1 - self.settings.joins) / self.settings.every)
        self._before = min(round(self.settings.starts * batches), self.steps)
        self._alone = round((self.settings.joins - self.settings.starts) * batches)

    def learns(self, step: int) -> bool:
        """Whether the critic learns on the next batch, after `step` updates of the network."""
        return step >= self._before

    def judges(self, step: int) -> bool:
        """Whether the network is told what the critic thinks."""
        return self.learns(step) and self.learnt >= self._alone

    def rests(self, step: int) -> bool:
        """Whether the network rests while the critic catches up, between `starts` and `joins`."""
        return self.learns(step) and not self.judges(step)

    def network_learns(self, step: int) -> bool:
        """Whether the network learns on the next batch: it rests while the critic catches up, and between its own
        updates."""
        if not self.learns(step):
            return True
        return self.judges(step) and (self.learnt - self._alone + 1) % self.settings.every == 0

    def batches_left(self, step: int) -> int:
        """How many batches the run still takes after `step` updates of the network."""
        alone, together = max(self._before - step, 0), self.steps - max(step, self._before)
        return alone + (max(self._critics() - self.learnt, together) if together else 0)

    def _critics(self) -> int:
        """Updates of the critic in the whole run."""
        return self._alone + self.settings.every * (self.steps - self._before)

    def share(self) -> float:
        """The critic's rate on the next batch as a share of the configured one: it goes through the schedule of the
        run in its own updates."""
        done = self.learnt / max(self._critics(), self.learnt + 1)
        return rate_at(self.optimized, done * self.steps, self.steps)

    def judgement(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        """What the network minimises, times its weight; ab [n, 2, h, w]."""
        scores = self.critic(at_resolution(lightness, ab), ab)
        return self.settings.weight * losses.adversarial_generator(scores, self.settings.loss)

    def learn(
        self,
        lightness: torch.Tensor,
        truth: torch.Tensor,
        made: torch.Tensor,
        average: Callable[[nn.Module], None],
    ) -> torch.Tensor:
        """A step of the critic on true colours and on the network's, in batches of their own; its loss.

        Args:
            average: makes the gradients of all processes one.
        """
        lightness, made = at_resolution(lightness, truth), made.detach()
        kind, smoothing = self.settings.loss, self.settings.smoothing
        loss = losses.adversarial(self.critic(lightness, truth), True, kind, smoothing)
        loss = loss + losses.adversarial(self.critic(lightness, made), False, kind)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate * self.share()
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        average(self.critic)
        self.optimizer.step()
        self.learnt += 1
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        return {"critic": self.critic.state_dict(), "optimizer": self.optimizer.state_dict(), "learnt": self.learnt}

    def load_state_dict(self, state: dict[str, Any], step: int) -> None:
        """Go on from a checkpoint after `step` updates of the network."""
        self.critic.load_state_dict(state["critic"])
        self.optimizer.load_state_dict(state["optimizer"])
        # Older checkpoints did not count; those that can be continued are of critics that learnt on each batch.
        self.learnt = state.get("learnt", max(step - self._before, 0))
