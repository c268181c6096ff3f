"""Pretrained weights out of files, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from tintype.errors import ConfigError


def read_weights(path: str, what: str = "encoder's") -> dict[str, torch.Tensor]:
    """The tensors of a file of weights as float32: safetensors, or torch's own where its name ends in .pth or .pt.

    Args:
        what: whose weights, for the error.
    Raises:
        ConfigError: the file is missing, broken, or not a file of weights.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if Path(path).suffix in (".pth", ".pt"):
            weights = torch.load(path, map_location="cpu", weights_only=True)
        else:
            weights = load_file(path)
        return {name: value.float() for name, value in weights.items()}
    except OSError as error:
        reason = error.strerror or str(error)
    except SafetensorError as error:
        reason = str(error)
    except Exception:  # torch raises many kinds for broken files, and a file may hold anything but a table of weights
        reason = "broken, or not a file of weights"
    raise ConfigError(
        f"{path}: the {what} weights cannot be read ({reason}); give a .safetensors or .pth file with them"
    )


def load(network: nn.Module, weights: Mapping[str, torch.Tensor], path: str, what: str) -> None:
    """Give a network all its weights by name; other tensors of the file are ignored.

    Args:
        weights: what `read_weights` gave of `path`.
        what: the network that the file should hold, for the error.
    Raises:
        ConfigError: one is missing or has another shape; it names the first.
    """
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    network.load_state_dict(fitting(weights, shapes, path, what), strict=False)


def fitting(
    weights: Mapping[str, torch.Tensor], shapes: Mapping[str, torch.Size], path: str, what: str
) -> dict[str, torch.Tensor]:
    """The tensors of a file that a network has, by the shapes of its own.

    Args and Raises: as `load`.
    """
    # How many batches a norm has seen is not in every file, and does nothing.
    shapes = {name: shape for name, shape in shapes.items() if not name.endswith("num_batches_tracked")}
    for name, shape in shapes.items():
        if name not in weights or weights[name].shape != shape:
            found = f"of shape {tuple(weights[name].shape)}" if name in weights else "missing"
            raise ConfigError(f"{path}: not {what}: {name} must be {tuple(shape)}, but is {found}")
    return {name: weights[name] for name in shapes}
