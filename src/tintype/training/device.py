"""Where a run computes, and how exactly."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

from tintype.errors import ConfigError

Module = TypeVar("Module", bound=nn.Module)


def pick_device(name: str) -> torch.device:
    """ "auto" is a GPU where there is one.

    Raises:
        ConfigError: there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        raise ConfigError(f"device {name!r} cannot be used here; take cpu, cuda or auto") from error
    return device


def pick_precision(name: str, device: torch.device) -> str:
    """ "auto" is bfloat16 where the processor or GPU computes in it, else float32.

    A processor without AMX or AVX512-BF16 imitates bfloat16, at a fraction of the speed.
    """
    if name != "auto":
        return name
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # Names that torch keeps to itself, and may rename.
        tests = (getattr(torch.cpu, test, None) for test in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))
        fast = device.type == "cpu" and any(test() for test in tests if test is not None)
    return "bfloat16" if fast else "float32"


def to_channels_last(network: Module) -> Module:
    """The network itself, its kernels laid out as convolutions are fastest."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]  # not in its stubs


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context in which a forward pass has a precision, "bfloat16" or "float32"."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
