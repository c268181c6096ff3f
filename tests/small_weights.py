"""Random weights under the names of pretrained networks, as float16, whose maps neither vanish nor explode."""

from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from tintype.networks.encoders.resnet18 import stage
from tintype.networks.encoders.squeezenet import SqueezeNet

CONVOLUTIONS = {
    0: 64,
    2: 64,
    5: 128,
    7: 128,
    10: 256,
    12: 256,
    14: 256,
    17: 512,
    19: 512,
    21: 512,
    24: 512,
    26: 512,
    28: 512,
}
"""The convolutions of VGG16, by their place among torchvision's layers, and their channels."""


def write_vgg16(folder: Path) -> Path:
    shapes, inside = {}, 3
    for place, width in CONVOLUTIONS.items():
        shapes |= {f"features.{place}.weight": (width, inside, 3, 3), f"features.{place}.bias": (width,)}
        inside = width
    return _write(folder / "vgg16.safetensors", shapes.items())


def write_lpips(folder: Path) -> Path:
    """The linear weights of LPIPS, which are not negative."""
    path = folder / "lpips.safetensors"
    widths = enumerate((64, 128, 256, 512, 512))
    save_file({f"lin{i}.model.1.weight": torch.ones(1, width, 1, 1) / width for i, width in widths}, path)
    return path


def write_squeezenet(folder: Path) -> Path:
    return _write(folder / "squeezenet.safetensors", _shapes(SqueezeNet()))


def write_resnet18(folder: Path) -> Path:
    """To layer3, as encoders take it."""
    network = nn.Module()
    network.conv1, network.bn1 = nn.Conv2d(3, 64, 7, bias=False), nn.BatchNorm2d(64)
    network.layer1, network.layer2, network.layer3 = stage(64, 64, 1), stage(64, 128, 2), stage(128, 256, 2)
    return _write(folder / "resnet18.safetensors", _shapes(network))


def _shapes(network: nn.Module) -> Iterable[tuple[str, torch.Size]]:
    return [(name, value.shape) for name, value in network.state_dict().items() if value.ndim]


def _write(path: Path, shapes: Iterable[tuple[str, tuple[int, ...]]]) -> Path:
    """Kernels by the fan of their input; what norms divide by is 1, and all else is small."""
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for name, shape in shapes:
        scale = (2 / torch.Size(shape[1:]).numel()) ** 0.5 if len(shape) > 1 else 0.1
        drawn = torch.randn(shape, generator=generator) * scale
        weights[name] = (torch.ones(shape) if name.endswith("running_var") else drawn).half()
    save_file(weights, path)
    return path
