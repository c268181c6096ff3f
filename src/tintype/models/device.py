"""The devices on which networks run, by the words that users give; what each needs, and how it is set up.

Networks run in onnxruntime, which reaches a device by a provider. Which providers it has depends on the wheel that is
installed. All are told to compute in 32-bit floats: the 16 or 19 bits that some take by default show in the colours.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from tintype.errors import OptionError

Device = Literal["auto", "cpu", "cuda", "directml", "coreml", "openvino"]
"""Where a network runs. auto: the first of cuda, directml and openvino that works, else the CPU."""

DEVICES: tuple[Device, ...] = get_args(Device)

MOST = 8
"""Photographs that wait for one run together."""

BATCH = MOST * 256 * 384
"""Pixels of what the network sees in one run: photographs of 2:3 at the usual size. They take 0.3 GB."""

SYSTEMS = {"win32": "Windows", "darwin": "Macs"}
"""By `sys.platform`, what has a device that others have not."""


@dataclass(frozen=True)
class Provider:
    """How onnxruntime reaches a device."""

    name: str
    """What onnxruntime calls it."""
    wheel: str
    """What to install."""
    options: Mapping[str, str] = field(default_factory=dict)
    batch: int = BATCH
    """Pixels of what the network sees in one run; 0: one photograph at a time."""
    patterns: bool = True
    """Whether memory may be laid out ahead of a run."""
    system: str | None = None
    """The only one that has it."""
    auto: bool = True
    """Whether `auto` may take it."""


PROVIDERS: Mapping[str, Provider] = {
    "cuda": Provider(
        "CUDAExecutionProvider",
        "onnxruntime-gpu[cuda,cudnn]",
        # A search for the fastest convolution takes long for each new shape, and photographs have many shapes.
        {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"},
    ),
    "directml": Provider("DmlExecutionProvider", "onnxruntime-directml", patterns=False, system="win32"),
    # The Neural Engine computes in 16 bits. Core ML is slow where shapes vary, and batches would vary them more. It is
    # part of every onnxruntime on a Mac, so that it tells nothing of what the user wants.
    "coreml": Provider(
        "CoreMLExecutionProvider",
        "onnxruntime",
        {"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"},
        batch=0,
        system="darwin",
        auto=False,
    ),
    "openvino": Provider("OpenVINOExecutionProvider", "onnxruntime-openvino", {"precision": "FP32"}),
}
"""By device, in the order in which `auto` tries them. The CPU needs none of it."""


def checked_device(value: object) -> Device:
    """The word for a device. Raises OptionError."""
    for device in DEVICES:
        if value == device:
            return device
    raise OptionError(f"The device must be {', '.join(DEVICES[:-1])} or {DEVICES[-1]}, not {value!r}")


def absence(device: str, here: Sequence[str], package: str) -> str:
    """What to say of a device without a provider.

    here: the devices that have one. package: the wheel of onnxruntime that is installed.
    """
    provider = PROVIDERS[device]
    if provider.system not in (None, sys.platform):
        return f"The device {device} is for {SYSTEMS[str(provider.system)]} alone: use {' or '.join(here)}"
    return (
        f"The device {device} is not installed, only {' and '.join(here)}: uninstall {package} with pip, and install "
        f'"{provider.wheel}" in its place'
    )
