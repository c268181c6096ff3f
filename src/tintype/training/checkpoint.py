"""Checkpoints: all that a run needs to go on as if it had never stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from tintype.errors import ConfigError


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    torch.save(state, part)
    os.replace(part, path)


def load(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint: tensors and plain values only, no code.

    Raises:
        ConfigError: the file is missing or is no checkpoint of ours.
    """
    path = Path(path)
    if path.is_dir():
        path = next((path / name for name in ("best.pt", "last.pt") if (path / name).is_file()), path / "best.pt")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such checkpoint") from error
    except Exception as error:  # torch raises many kinds for broken files
        raise ConfigError(f"{path}: not a checkpoint of tintype ({str(error).splitlines()[0]})") from error
    if not isinstance(state, dict) or not {"config", "average", "step"} <= state.keys():
        raise ConfigError(f"{path}: not a checkpoint of tintype (no configuration in it)")
    return state
