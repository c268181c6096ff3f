"""The teacher of a distillation: a trained network, frozen, whose distribution another one learns."""

from __future__ import annotations

import numpy as np
import torch

from tintype.errors import ConfigError
from tintype.networks.family import Output
from tintype.targets import Target
from tintype.training import checkpoint, norms
from tintype.training.batches import Batch
from tintype.training.config import Config
from tintype.training.device import to_channels_last


class Teacher:
    """The averaged weights of a checkpoint.

    Args:
        learner: the configuration of the network that learns; its `loss.teacher` names the checkpoint.
        target: of the network that learns.
    Raises:
        ConfigError: the checkpoint cannot be read, or its bins or the scale of its output are others.
    """

    def __init__(self, learner: Config, target: Target):
        source = learner.loss.teacher
        state = checkpoint.load(source)
        config = checkpoint.config(state, source)
        table = checkpoint.bins(state) if config.target.kind == "bins" else None
        if table is None or target.bins is None or not np.array_equal(np.float32(table), target.bins.cpu().numpy()):
            raise ConfigError(f"loss.teacher = {source}: has no distribution over this run's bins; take one that has")
        network = config.make_network(len(table))
        if network.scale != learner.describe_network().scale:
            raise ConfigError(f"loss.teacher = {source}: answers at 1/{network.scale} of the size, unlike this run")
        checkpoint.fill(network, state["average"], source)
        network = norms.fold(network).requires_grad_(False)
        self.network = to_channels_last(network.to(target.bins.device))

    def __call__(self, batch: Batch) -> Output:
        """Its raw output: logits [n, Q, h', w'], and those of a side head where it has one."""
        with torch.no_grad():
            return self.network(*batch.inputs())
