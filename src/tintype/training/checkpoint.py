"""Checkpoints: all that a run needs to go on as if it had never stopped; and the weights of released models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tintype.color.bins import published_bins
from tintype.errors import ConfigError, TintypeError, UnwritableFile
from tintype.files import whole_file
from tintype.models.card import Card, read_card
from tintype.models.catalog import shipped
from tintype.training.config import Config, differences, from_dict


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all.

    Raises:
        TintypeError: it cannot be written, for want of room or of permission.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            torch.save(state, file)  # type: ignore[arg-type]  # all that it asks of a file is write
    except (OSError, RuntimeError, UnwritableFile) as error:
        # After a failed write torch raises a RuntimeError of its own, whose context says why.
        cause = error.__context__ if isinstance(error, RuntimeError) else error
        reason = cause.reason if isinstance(cause, UnwritableFile) else getattr(cause, "strerror", None) or error
        raise TintypeError(
            f"{path}: the checkpoint cannot be written ({reason}); free some space or use another folder"
        ) from error


def config(state: dict[str, Any], source: str | Path) -> Config:
    """The configuration of a run.

    Raises:
        ConfigError: it is not one of this version.
    """
    return from_dict(state["config"], str(source))


FIXED = ("family", "network.", "target.", "seed", "batch", "data.side")
"""Keys that a run cannot change on its way: with another network or another order it would be another run."""

UNNOTICED = (
    "device",
    "log_every",
    "checkpoint_minutes",
    "keep_every",
    "start",
    "data.threads",
    "data.memory",
    "early",
    "accumulate",
)
"""Keys that do not change what a run learns."""


def check_same_run(config: Config, state: dict[str, Any], path: Path, say: Callable[[str], None]) -> None:
    """Refuse the checkpoint of another run; say what else has been changed since."""
    saved = from_dict(state["config"], str(path))
    critic = saved.adversarial
    if critic.weight and "batches" not in state and (critic.every > 1 or critic.joins > critic.starts):
        raise ConfigError(
            f"{path}: its steps count batches, also those on which the critic alone learnt, and now they count updates "
            "of the network; the run cannot be continued, so use another folder and train it anew"
        )
    for key, (had, wanted) in differences(saved, config).items():
        if key.startswith(FIXED):
            raise ConfigError(
                f"{path}: was made with {key} = {had!r}, not {wanted!r}; use another folder for a new run"
            )
        if key not in UNNOTICED:
            say(f"{key} is {wanted!r} from here on; it was {had!r}")


def bins(state: dict[str, Any]) -> NDArray[np.float64] | None:
    """The table of bins of a run, float64 [Q, 2]; None where the target has no distribution."""
    table = state.get("bins", published_bins())
    return None if table is None else np.array(table)


def bins_of(source: str) -> NDArray[np.float64] | None:
    """The table of bins of a checkpoint or a released model, as `bins`.

    Raises:
        ConfigError: it cannot be read.
    """
    if not is_released(source):
        return bins(load(source))
    card = _card(source)
    return None if card is None or card.bins is None else np.array(card.bins)


def file_of(source: str | Path) -> Path:
    """The file of a checkpoint: itself, or of a run's folder the best one by validation, else the last."""
    path = Path(source)
    if path.is_dir():
        path = next((path / name for name in ("best.pt", "last.pt") if (path / name).is_file()), path / "best.pt")
    return path


def load(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint: tensors and plain values only, no code.

    Raises:
        ConfigError: the file is missing or is no checkpoint of ours.
    """
    path = file_of(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: no such checkpoint; give a .pt file, the folder of a run, an .onnx file or a model that ships"
        ) from error
    except Exception as error:  # torch raises many kinds for broken files
        raise ConfigError(f"{path}: broken, or not a checkpoint of tintype") from error
    if not isinstance(state, dict) or not {"config", "average", "step"} <= state.keys():
        raise ConfigError(f"{path}: not a checkpoint of tintype (no configuration in it)")
    return state


def fill(network: torch.nn.Module, weights: Mapping[str, torch.Tensor], source: str | Path) -> None:
    """Give a network the weights of a checkpoint.

    Raises:
        ConfigError: they are another network's.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ConfigError(
            f"{source}: holds another network than its family makes here; take the version of the package that made it"
        ) from error


def mean(sources: Sequence[str]) -> dict[str, torch.Tensor]:
    """The mean of the averaged weights of several checkpoints.

    Where these come of one another they are as good together as the best of them, and often better (Wortsman et al.
    2022, model soups).

    Raises:
        ConfigError: one cannot be read, or they are of different networks.
    """
    states = [load(source)["average"] for source in sources]
    shapes = [{name: value.shape for name, value in state.items()} for state in states]
    if any(other != shapes[0] for other in shapes):
        raise ConfigError(f"{','.join(sources)}: are checkpoints of different networks, which have no mean")
    return {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(value.dtype)
        for name, value in states[0].items()
    }


def is_released(source: str) -> bool:
    """Whether it names a released model, one that ships or a file, and no checkpoint."""
    return source in shipped() or source.endswith(".onnx")


def is_shipped(source: str) -> bool:
    """Whether it names a model that ships."""
    return source in shipped()


def release_of(start: str) -> dict[str, Any] | None:
    """How the model was released that a run starts from: `temperature`, `vividness` and `size`, and `shift` [Q], which
    the release added to the logits. A checkpoint has it from the model that its own run started from; None: there was
    none.

    Raises:
        ConfigError: the file is missing, or is no checkpoint or model of tintype.
    """
    if not start:
        return None
    if not is_released(start):
        return load(start.partition(",")[0]).get("release")
    stored = _stored(start)
    card = _card(start)
    if card is None or card.bins is None or "table" not in stored:
        return None
    bins, table = np.array(card.bins).T, stored["table"].astype(np.float64).reshape(3, -1)[:2]
    shift = stored.get("shift")
    return {
        "temperature": card.temperature,
        "vividness": round(float((table * bins).sum() / (bins**2).sum()), 4),
        "size": card.size,
        "shift": None if shift is None else shift.astype(np.float64).flatten().tolist(),
    }


def released(source: str) -> dict[str, torch.Tensor]:
    """The weights of a released model, by the names of its folded network, as float32.

    They give the logits as the network learnt them, before the release added its own part (`release_of`).

    Raises:
        ConfigError: the file is missing or is no model that tintype exported.
    """
    return {
        name.removeprefix("network."): torch.tensor(value.astype(np.float32))
        for name, value in _stored(source).items()
        if name.startswith("network.")
    }


def _card(source: str) -> Card | None:
    """The card of a released model."""
    try:
        with (shipped().get(source) or Path(source)).open("rb") as file:
            return read_card(file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{source}: cannot be read, or is not a model") from error


def _stored(source: str) -> dict[str, np.ndarray]:
    """The constants of a released model's graph, by name."""
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load_from_string((shipped().get(source) or Path(source)).read_bytes()).graph
        return {tensor.name.removesuffix("_half"): numpy_helper.to_array(tensor) for tensor in graph.initializer}
    except FileNotFoundError as error:
        raise ConfigError(f"{source}: no such model; give an .onnx file or the name of a model that ships") from error
    except Exception as error:  # onnx raises many kinds for broken files
        raise ConfigError(f"{source}: cannot be read, or is not a model") from error
