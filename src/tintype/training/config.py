"""The configuration of a training run: one TOML file, and `key=value` words that change it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from tintype import families
from tintype.data.batches import Augmentation
from tintype.errors import ConfigError


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Data(_Strict):
    """Photographs to train on."""

    folder: str
    train: str = "train-*.tar"
    """Pattern of the shards to train on; those of `validation` are never among them."""
    validation: str = "validation-*.tar"
    limit: int | None = None
    """Take only the first so many photographs of each part."""
    side: int = 128
    """Side of the training crops, a multiple of 32."""
    validation_side: int = 160
    validation_limit: int = 1000
    threads: int = 1
    """Threads that make batches."""
    augmentation: Augmentation = Augmentation()


class Loss(_Strict):
    """Cross-entropy on the bins, and what may stand beside it."""

    neighbours: int = 5
    """K of the soft code; 1 is one-hot."""
    sigma: float = 5.0
    uniform: float = 0.5
    """lambda of the rebalancing weights; 1 is no rebalancing."""
    prior: Literal["own", "published"] = "own"
    """The prior that the weights balance: the training set's or ImageNet's."""
    huber: float = 0.0
    """Weight of the Huber loss on the annealed mean."""
    temperature: float = 0.6
    """Of the annealed mean in the Huber loss and in the validation figures."""


class Optimizer(_Strict):
    """AdamW with a warm-up."""

    rate: float = 1e-3
    encoder: float = 1.0
    """The pretrained part's rate as a share of `rate`."""
    betas: tuple[float, float] = (0.9, 0.99)
    decay: float = 0.02
    clip: float = 1.0
    """Largest norm of the gradient; 0: no limit."""
    warmup: int = 300
    """Steps."""
    schedule: Literal["cosine", "linear", "hold"] = "cosine"
    """How the rate falls to 0 by the last step; `hold` keeps it until the last `fall` of the run."""
    fall: float = 0.25
    average: float = 0.999
    """Decay of the exponential moving average of the weights, which is what is validated and exported."""


class Config(_Strict):
    """A training run."""

    name: str
    """FAMILY.TAG of the model that comes of it."""
    family: str
    data: Data
    network: dict[str, Any] = {}
    """Knobs of the family's Config."""
    loss: Loss = Loss()
    optimizer: Optimizer = Optimizer()
    steps: int = 1000
    batch: int = 32
    seed: int = 0
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    device: str = "auto"
    start: str = ""
    """A checkpoint whose averaged weights to start from (fine-tuning)."""
    checkpoint_minutes: float = 5.0
    keep_every: int = 0
    """Keep a checkpoint of its own every so many steps; 0: only the last and the best."""
    validate_every: int = 0
    """Steps between validations; 0: once an epoch."""

    def family_config(self) -> msgspec.Struct:
        """The family's Config with the knobs of `network`."""
        return _convert(self.network, families.get(self.family).Config, "[network]")


def _convert(value: Any, kind: type, where: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}") from error


def from_dict(values: dict[str, Any], where: str = "configuration") -> Config:
    """A checked configuration.

    Raises:
        ConfigError: a key is unknown, a value is of the wrong kind or cannot work; it says which.
    """
    config = _convert(values, Config, where)
    config.family_config()
    if config.name.split(".")[0] != config.family or config.name.count(".") != 1:
        raise ConfigError(f"{where}: name must be FAMILY.TAG, such as {config.family}.v1, not {config.name!r}")
    stride = families.get(config.family).Network.stride
    for key in ("side", "validation_side"):
        side = getattr(config.data, key)
        if side <= 0 or side % stride:
            raise ConfigError(f"{where}: data.{key} must be a multiple of {stride}, not {side}")
    for key in ("steps", "batch"):
        if getattr(config, key) < 1:
            raise ConfigError(f"{where}: {key} must be at least 1")
    if not 0 <= config.loss.uniform <= 1:
        raise ConfigError(f"{where}: loss.uniform must lie in 0..1, not {config.loss.uniform}")
    if not 0 < config.data.augmentation.smallest_crop <= 1:
        raise ConfigError(f"{where}: data.augmentation.smallest_crop must lie in 0..1")
    return config


def to_dict(config: Config) -> dict[str, Any]:
    """The configuration as plain values, from which `from_dict` makes it again."""
    return msgspec.to_builtins(config)


def read(path: str | Path, changes: list[str] | tuple[str, ...] = ()) -> Config:
    """A TOML file, changed by words such as `steps=200` or `data.side=96`.

    Raises:
        ConfigError: the file cannot be read, or what it says cannot work.
    """
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: the configuration cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML ({error})") from error
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise ConfigError(f"{change!r}: a change is written key=value, such as optimizer.rate=0.0003")
        *tables, last = key.strip().split(".")
        table = values
        for name in tables:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise ConfigError(f"{change!r}: {name} is not a table")
        table[last] = _value(text.strip())
    return from_dict(values, str(path))


def _value(text: str) -> Any:
    """A TOML value; what is none is taken as a string, so that words need no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
