"""The networks of ECCV16 and SIGGRAPH17, rebuilt from their papers and code with random weights, to measure against."""

from __future__ import annotations

import torch
from torch import nn


def _convs(
    inside: int, outside: int, count: int, stride: int = 1, dilation: int = 1, norm: bool = True
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for number in range(count):
        last = stride if number == count - 1 else 1
        layers += [nn.Conv2d(inside if number == 0 else outside, outside, 3, last, dilation, dilation), nn.ReLU()]
    return nn.Sequential(*layers, *([nn.BatchNorm2d(outside)] if norm else []))


class ECCV16(nn.Module):
    """Zhang, Isola, Efros 2016: lightness [n, 1, h, w] to logits [n, 313, h/4, w/4]."""

    parameter_count = 32_235_385

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            _convs(1, 64, 2, stride=2),
            _convs(64, 128, 2, stride=2),
            _convs(128, 256, 3, stride=2),
            _convs(256, 512, 3),
            _convs(512, 512, 3, dilation=2),
            _convs(512, 512, 3, dilation=2),
            _convs(512, 512, 3),
            nn.ConvTranspose2d(512, 256, 4, 2, 1),
            nn.ReLU(),
            _convs(256, 256, 2, norm=False),
            nn.Conv2d(256, 313, 1),
        )

    def forward(self, lightness: torch.Tensor) -> torch.Tensor:
        return self.body((lightness - 50) / 100)


class SIGGRAPH17(nn.Module):
    """Zhang et al. 2017: lightness [n, 1, h, w] and hints [n, 3, h, w] to ab [n, 2, h, w].

    The side head for classes counts among the parameters and is not run, as in the released model.
    """

    parameter_count = 34_187_027

    def __init__(self):
        super().__init__()
        self.stage1 = _convs(4, 64, 2)
        self.stage2 = _convs(64, 128, 2)
        self.stage3 = _convs(128, 256, 3)
        self.middle = nn.Sequential(
            _convs(256, 512, 3),
            _convs(512, 512, 3, dilation=2),
            _convs(512, 512, 3, dilation=2),
            _convs(512, 512, 3),
        )
        self.up8, self.skip8 = nn.ConvTranspose2d(512, 256, 4, 2, 1), nn.Conv2d(256, 256, 3, 1, 1)
        self.stage8 = _convs(256, 256, 2)
        self.up9, self.skip9 = nn.ConvTranspose2d(256, 128, 4, 2, 1), nn.Conv2d(128, 128, 3, 1, 1)
        self.stage9 = _convs(128, 128, 1)
        self.up10, self.skip10 = nn.ConvTranspose2d(128, 128, 4, 2, 1), nn.Conv2d(64, 128, 3, 1, 1)
        self.stage10 = nn.Sequential(nn.ReLU(), nn.Conv2d(128, 128, 3, 1, 1), nn.LeakyReLU(0.2))
        self.classes = nn.Conv2d(256, 529, 1)
        self.out = nn.Conv2d(128, 2, 1)

    def forward(self, lightness: torch.Tensor, hints: torch.Tensor) -> torch.Tensor:
        colour, mask = hints[:, :2] / 110, hints[:, 2:] - 0.5
        x1 = self.stage1(torch.cat([(lightness - 50) / 100, colour, mask], dim=1))
        x2 = self.stage2(x1[:, :, ::2, ::2])
        x3 = self.stage3(x2[:, :, ::2, ::2])
        x = self.middle(x3[:, :, ::2, ::2])
        x = self.stage8(torch.relu(self.up8(x) + self.skip8(x3)))
        x = self.stage9(torch.relu(self.up9(x) + self.skip9(x2)))
        x = self.stage10(self.up10(x) + self.skip10(x1))
        return torch.tanh(self.out(x)) * 110


def check(network: nn.Module) -> nn.Module:
    """The network, when it has as many parameters as the published one."""
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == network.parameter_count, f"{type(network).__name__} has {count} parameters"
    return network.eval()
