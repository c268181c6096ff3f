"""Norms: folded into the convolutions that feed them, as released files hold them, and taken out again to train on."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tintype.training.batches import Batch

Convolution = nn.Conv2d | nn.ConvTranspose2d
Module = TypeVar("Module", bound=nn.Module)


@torch.no_grad()
def fold(network: Module) -> Module:
    """A copy in evaluation mode with each BatchNorm folded into the convolution that feeds it.

    One that follows something else stays, as a mere scale and shift: its statistics may be beyond float16.
    """
    network = copy.deepcopy(network).eval()
    for conv_name, norm_name in list(_pairs(network)):
        conv, norm = network.get_submodule(conv_name), network.get_submodule(norm_name)
        if isinstance(conv, Convolution) and isinstance(norm, nn.BatchNorm2d):
            fused = fuse_conv_bn_eval(conv, norm, transpose=isinstance(conv, nn.ConvTranspose2d))
            network.set_submodule(conv_name, fused)
            network.set_submodule(norm_name, nn.Identity())
    for _, norm in _scaling(network):
        mean, variance = _statistics(norm)
        slope = norm.weight / (variance + norm.eps).sqrt()
        norm.bias.sub_(slope * mean)
        norm.weight.copy_(slope)
        _do_nothing(norm)
    return network


@torch.no_grad()
def load_folded(network: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Give a network the weights of its folded copy. Its norms add the bias, and do nothing else until `measure`.

    Raises:
        RuntimeError: a weight is missing or has another shape.
    """
    pairs = list(_pairs(network))
    own = network.state_dict()
    # Released files do not count the batches that a norm has seen; the count does nothing here.
    places = {name: value for name, value in own.items() if not name.endswith("num_batches_tracked")}
    for conv_name, norm_name in pairs:
        for key in ("weight", "bias"):
            del places[f"{norm_name}.{key}"]
        places[f"{conv_name}.bias"] = own[f"{norm_name}.bias"]
    scaling = dict(_scaling(network))
    for name in scaling:
        for key in ("running_mean", "running_var"):
            del places[f"{name}.{key}"]
    for name, place in places.items():
        if name not in weights or weights[name].shape != place.shape:
            raise RuntimeError(f"{name} is missing or has another shape than {list(place.shape)}")
    for name, place in places.items():
        place.copy_(weights[name])
    for norm in scaling.values():
        _do_nothing(norm)
    for conv_name, norm_name in pairs:
        own[f"{norm_name}.weight"].fill_(1)
        if f"{conv_name}.bias" in own:
            own[f"{conv_name}.bias"].zero_()


@torch.no_grad()
def measure(network: nn.Module, batches: Iterable[Batch]) -> None:
    """Give the norms the statistics of data; the network predicts what it did before.

    A norm that is trained divides by the deviation of the batch. Only where its own scale holds what the data's
    deviation is does training go on from what evaluation shows.

    Args:
        batches: joined into one, which goes through the network once; it is left in evaluation mode.
    """
    whole = Batch.join(list(batches))

    def take(norm: nn.BatchNorm2d, inputs: tuple[torch.Tensor]) -> None:
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0)
        had_mean, had_variance = _statistics(norm)
        slope = norm.weight / (had_variance + norm.eps).sqrt()
        norm.bias.add_(slope * (mean - had_mean))
        norm.weight.copy_(slope * (variance + norm.eps).sqrt())
        had_mean.copy_(mean)
        had_variance.copy_(variance)

    hooks = [norm.register_forward_pre_hook(take) for _, norm in _scaling(network)]
    try:
        network.eval()(whole.lightness, whole.hints)
    finally:
        for hook in hooks:
            hook.remove()


def _scaling(network: nn.Module) -> Iterator[tuple[str, nn.BatchNorm2d]]:
    """The norms that scale and shift, with their names."""
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d) and module.affine:
            yield name, module


def _statistics(norm: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance that a norm has seen, themselves."""
    return norm.get_buffer("running_mean"), norm.get_buffer("running_var")


def _do_nothing(norm: nn.BatchNorm2d) -> None:
    """Give a norm the statistics of data that is normal already."""
    mean, variance = _statistics(norm)
    mean.zero_()
    variance.fill_(1 - norm.eps)


def _pairs(network: nn.Module) -> Iterator[tuple[str, str]]:
    """The names of each convolution and of the BatchNorm that follows it at once."""
    for path, module in network.named_modules():
        children = dict(module.named_children())
        for name, child in children.items():
            before = _feeder(module, name, children)
            if isinstance(child, nn.BatchNorm2d) and isinstance(children.get(before), Convolution):
                yield f"{path}.{before}".lstrip("."), f"{path}.{name}".lstrip(".")


def _feeder(module: nn.Module, name: str, children: dict[str, nn.Module]) -> str:
    """The name of what a normalisation follows: conv1 of bn1, or the member before it, as in a Sequential."""
    names = list(children)
    named = name.replace("bn", "conv")
    if named in names and not isinstance(module, nn.Sequential):
        return named
    return names[names.index(name) - 1] if names.index(name) else ""
