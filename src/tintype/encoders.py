"""Networks pretrained on ImageNet, shared by families, losses and measures; each reads its weights from a file that the
user names. They were trained on RGB in [0, 1], normalised by ImageNet's mean and deviation."""

from __future__ import annotations

import torch
from torch import nn

from tintype.errors import ConfigError

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


class VGG16(nn.Module):
    """VGG16 to relu3_3 (Simonyan, Zisserman 2015), frozen.

    RGB [n, 3, h, w] in [0, 1] to its maps relu1_2 [n, 64, h, w], relu2_2 [n, 128, h/2, w/2] and
    relu3_3 [n, 256, h/4, w/4]. Gradients go through it to its input.

    Args:
        path: a safetensors file with torchvision's names, `features.0.weight` or `0.weight`.
    Raises:
        ConfigError: the file cannot be read, or holds another network.
    """

    MAPS = (3, 8, 15)
    """Layers whose output is given."""

    def __init__(self, path: str):
        super().__init__()
        layers: list[nn.Module] = []
        inside = 3
        for outside, count in ((64, 2), (128, 2), (256, 3)):
            if layers:
                layers.append(nn.MaxPool2d(2))
            for _ in range(count):
                layers += [nn.Conv2d(inside, outside, 3, 1, 1), nn.ReLU()]
                inside = outside
        self.features = nn.Sequential(*layers)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1))
        weights = {name.removeprefix("features."): value for name, value in read_weights(path).items()}
        load(self.features, weights, path, "VGG16")
        self.eval().requires_grad_(False)

    def forward(self, rgb: torch.Tensor) -> list[torch.Tensor]:
        x = (rgb - self.mean) / self.deviation
        maps = []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self.MAPS:
                maps.append(x)
        return maps


def read_weights(path: str) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, as float32.

    Raises:
        ConfigError: the file is missing, or is no safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return {name: value.float() for name, value in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise ConfigError(
            f"{path}: the encoder's weights cannot be read ({error}); name a safetensors file of it"
        ) from error


def load(network: nn.Module, weights: dict[str, torch.Tensor], path: str, what: str) -> None:
    """Give a network its weights by name; what else `weights` holds is left alone.

    Raises:
        ConfigError: a tensor is missing or has another shape; it names the first.
    """
    ours = {name: value for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    for name, value in ours.items():
        if name not in weights or weights[name].shape != value.shape:
            found = f"of shape {tuple(weights[name].shape)}" if name in weights else "missing"
            raise ConfigError(
                f"{path}: not {what} in torchvision's names: {name} must be {tuple(value.shape)}, and is {found}"
            )
    network.load_state_dict({name: weights[name] for name in ours}, strict=False)
