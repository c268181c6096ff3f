"""What a family is made of: its settings and its network, of which every family has its own, with these defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

if TYPE_CHECKING:
    from typing import Self

Output: TypeAlias = "torch.Tensor | tuple[torch.Tensor, torch.Tensor]"
"""What a network gives: its raw output, or that and the logits of a side head."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a family. Each has a default, the published value where there is one."""

    def files(self) -> dict[str, str]:
        """The files that `Network.load_pretrained` reads, by the setting that names each; an empty name is none."""
        return {}


class Network(nn.Module):
    """lightness [n, 1, h, w] (L* 0..100) and hints [n, 3, h, w] (a*, b*, mask) to [n, channels, h/scale, w/scale].

    The output is the linear one of the last layer, to which `tintype.targets` gives a meaning.

    Args:
        channels: of the output; the target says how many it needs.
    Raises:
        ConfigError: a setting cannot work.
    """

    stride: int = 1
    """The sides of the input must be multiples of it."""
    scale: int = 1
    """The output stands at 1/scale of the input."""
    takes_hints: bool = False
    """Whether the hints matter."""
    side_bins: NDArray[np.float64] | None = None
    """The bins [Q, 2] of a side head, where there is one; `forward` then gives (output, side logits [n, Q, ., .])."""
    encoder_parts: tuple[str, ...] = ()
    """The first names of the encoder's parameters, which may learn at a rate of their own or not at all."""

    def __init__(self, config: Config, channels: int):
        super().__init__()
        self.config, self.channels = config, channels
        self._frozen: list[nn.Module] = []

    @property
    def pretrained_parts(self) -> tuple[str, ...]:
        """The first names of the parameters that `load_pretrained` gives their weights."""
        return ()

    def load_pretrained(self) -> None:
        """Read what the configuration names as pretrained.

        A run that starts afresh calls it once, so that no checkpoint needs another file.

        Raises:
            ConfigError: a file cannot be read, or holds another network.
        """

    if TYPE_CHECKING:
        # Each family has its own; torch says so where one has none.
        def forward(self, lightness: torch.Tensor, hints: torch.Tensor) -> Output: ...

        def __call__(self, lightness: torch.Tensor, hints: torch.Tensor) -> Output: ...

    def freeze_encoder(self) -> None:
        """Keep the encoder as it is from here on, the statistics of its norms included, whatever the mode."""
        self._freeze([module for name, module in self.named_children() if name in self.encoder_parts])
        for name, parameter in self.named_parameters():
            if name.split(".")[0] in self.encoder_parts:
                parameter.requires_grad_(False)

    def freeze_norms(self) -> None:
        """Keep the weights and statistics of all norms as they are from here on, whatever the mode."""
        self._freeze([module for module in self.modules() if isinstance(module, _BatchNorm)])

    def _freeze(self, modules: list[nn.Module]) -> None:
        self._frozen += [module for module in modules if module not in self._frozen]
        for module in modules:
            module.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """As torch's; what is frozen stays in evaluation mode."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self
