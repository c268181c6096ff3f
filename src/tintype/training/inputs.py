"""What a run reads: its photographs and its files of weights, which must all be there before the first step."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

from tintype.data.shards import Held, Photographs, shard_paths, sources
from tintype.errors import ConfigError, DataError
from tintype.training import checkpoint
from tintype.training.config import Config


def demand(config: Config, fresh: bool = True) -> None:
    """Look whether all that a run reads is there, without reading it.

    fresh: whether it begins, or goes on from a checkpoint of its own, which holds what it began with.

    Raises:
        DataError: the shards of a part are missing. ConfigError: a file of weights is.
    """
    parts(config)
    files = {f"loss.{key}": path for key, path in _of_losses(config).items()}
    if fresh:
        files |= {f"network.{key}": path for key, path in config.family_config().files().items()}
    named = list(files.items())
    if fresh:
        named += [("start", source) for source in config.start.split(",") if not checkpoint.is_shipped(source)]
    for key, path in named:
        if path and not Path(path).exists():
            raise ConfigError(f"{config.name}: {key} = {path!r} is not there; name the file, or leave this run out")


def _of_losses(config: Config) -> dict[str, str]:
    """Key of `loss` -> the file that it names, for losses that have a weight."""
    loss = config.loss
    files = {}
    if loss.perceptual:
        files["vgg"] = loss.vgg
    if loss.lpips:
        files |= {"lpips_network": loss.lpips_network, "lpips_weights": loss.lpips_weights}
    if loss.distillation:
        files["teacher"] = loss.teacher
    return files


def parts(config: Config) -> tuple[list[Path], list[Path]]:
    """The shards to train on and those to validate on.

    Raises:
        DataError: there are none of a part.
    """
    data = config.data
    paths = shard_paths(data.folder)
    validation = [path for path in paths if fnmatch(path.name, data.validation)]
    train = [path for path in paths if fnmatch(path.name, data.train) and path not in validation]
    for part, pattern, found in (("train", data.train, train), ("validation", data.validation, validation)):
        if not found:
            raise DataError(f"{data.folder}: no shard is named {pattern} to take for {part}; set data.{part}")
    return train, validation


def load_photographs(config: Config) -> tuple[Photographs | Held, Photographs | Held]:
    """The photographs to train on and those to validate on: decoded in memory, where they fit in what `data.memory`
    allows, else decoded when a batch asks for them.

    Raises:
        DataError: a part is empty or cannot be read.
    """
    data = config.data
    _, validation = parts(config)
    held_back = min(data.validation_limit, data.limit or data.validation_limit)
    room = data.memory * 2**30
    loaded: list[Photographs | Held] = []
    # The smaller part first: it is read anew at each validation.
    for photographs in (Photographs(validation, held_back, _keep(config)), to_train_on(config)):
        if photographs.decoded_bytes() > room:
            loaded.append(photographs)
            continue
        held = Held(photographs)
        room -= held.pixels.nbytes
        loaded.append(held)
    return loaded[1], loaded[0]


def to_train_on(config: Config) -> Photographs:
    """The photographs to train on, none of them decoded.

    Raises:
        DataError: there are none, or they cannot be read.
    """
    return Photographs(parts(config)[0], config.data.limit, _keep(config))


def _keep(config: Config) -> Callable[[str], bool] | None:
    data = config.data
    return _from_sources(data.folder, data.sources) if data.sources else None


def _from_sources(folder: str, patterns: tuple[str, ...]) -> Callable[[str], bool]:
    known = sources(folder)
    chosen = {name for name, source in known.items() if any(fnmatch(source, pattern) for pattern in patterns)}
    if not chosen:
        few = sorted(set(known.values()))[:5]
        raise DataError(
            f"{folder}: no photograph's source fits data.sources = {list(patterns)}; there are {', '.join(few)} ..."
        )
    return chosen.__contains__
