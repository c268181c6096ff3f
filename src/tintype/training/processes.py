"""One training run on several processes, as `torchrun` starts them: each takes its share of every batch."""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
from torch import distributed, nn

from tintype.errors import ConfigError


class Processes:
    """This process among those of the run; alone where none were started.

    Args:
        device: as torch names it; of several GPUs on a machine each process takes its own.
    Raises:
        ConfigError: the environment names a group that cannot be joined.
    """

    def __init__(self, device: torch.device):
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0")) if self.count > 1 else 0
        self.device = device
        if self.count == 1:
            return
        if device.type == "cuda" and device.index is None:
            self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
            torch.cuda.set_device(self.device)
        if not distributed.is_initialized():
            try:
                distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
            except (RuntimeError, ValueError) as error:
                reason = str(error).splitlines()[0]
                raise ConfigError(
                    f"WORLD_SIZE is {self.count}, but the processes do not find each other ({reason}); start them "
                    "with torchrun, or unset WORLD_SIZE"
                ) from error

    @property
    def first(self) -> bool:
        """Whether this is the process that validates, writes and speaks."""
        return self.rank == 0

    def average_gradients(self, network: nn.Module) -> None:
        """Give each process the mean of all gradients."""
        if self.count == 1:
            return
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        # One message for all of them: a message for each would wait for the network hundreds of times.
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.count
        for gradient, part in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def means(self, values: Iterable[float]) -> list[float]:
        """The mean of each number over the processes."""
        values = list(values)
        if self.count == 1 or not values:
            return values
        tensor = torch.tensor(values, dtype=torch.float64 if self.device.type == "cpu" else torch.float32)
        tensor = tensor.to(self.device)
        distributed.all_reduce(tensor)
        return (tensor / self.count).tolist()

    def any(self, value: bool) -> bool:
        """Whether it is true in some process, so that all of them end at the same step."""
        return self.means([float(value)])[0] > 0 if self.count > 1 else value

    def wait(self) -> None:
        """Until all have come here."""
        if self.count > 1:
            distributed.barrier()

    def leave(self) -> None:
        """End the group."""
        if self.count > 1 and distributed.is_initialized():
            distributed.destroy_process_group()
