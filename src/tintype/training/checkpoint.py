"""Checkpoints: all that a run needs to go on as if it had never stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tintype.color.bins import published_bins
from tintype.errors import ConfigError, TintypeError


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all.

    Raises:
        TintypeError: it cannot be written, for want of room or of permission.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except (OSError, RuntimeError) as error:  # torch tells of a full disk by a RuntimeError
        part.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise TintypeError(
            f"{path}: the checkpoint cannot be written ({reason}); make room or take another folder"
        ) from error


def bins(state: dict[str, Any]) -> np.ndarray | None:
    """The table of bins of a run, float64 [Q, 2]; None where the target has no distribution."""
    table = state.get("bins", published_bins())
    return None if table is None else np.array(table)


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
        raise ConfigError(f"{path}: no such checkpoint; give a .pt file or the folder of a run") from error
    except Exception as error:  # torch raises many kinds for broken files
        raise ConfigError(f"{path}: broken, or not a checkpoint of tintype") from error
    if not isinstance(state, dict) or not {"config", "average", "step"} <= state.keys():
        raise ConfigError(f"{path}: not a checkpoint of tintype (no configuration in it)")
    return state
