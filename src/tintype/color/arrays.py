"""Which array library a value belongs to, so that one body serves numpy and torch without importing torch."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

Array = Any
"""A numpy.ndarray or a torch.Tensor; every function returns the kind that it was given."""


def namespace(value: Array) -> ModuleType:
    """The module whose functions work on `value`: torch for a tensor, numpy for everything else.

    torch accepts numpy's `axis=` and `keepdims=`, which is what keeps the bodies common.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return torch
    return np


def constant(value: Any, like: Array) -> Array:
    """`value` as an array of the library, the float type and the device of `like`."""
    if namespace(like) is np:
        dtype = like.dtype if np.issubdtype(getattr(like, "dtype", None), np.floating) else np.float64
        return np.asarray(value, dtype=dtype)
    dtype = like.dtype if like.is_floating_point() else sys.modules["torch"].float32
    if namespace(value) is not np:
        return value.to(like.device, dtype)
    return sys.modules["torch"].as_tensor(np.array(value, np.float64), dtype=dtype, device=like.device)


def integer_codes(value: Array) -> bool:
    """Whether the array holds whole numbers (8- or 16-bit codes) and not fractions."""
    if namespace(value) is np:
        return np.issubdtype(value.dtype, np.integer)
    return not value.is_floating_point()
