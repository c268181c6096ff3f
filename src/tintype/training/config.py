"""The configuration of a training run: one TOML file, and `key=value` words that change it."""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from tintype import families
from tintype.data.batches import Augmentation
from tintype.errors import ConfigError

Positive = Annotated[int, msgspec.Meta(ge=1)]
Limit = Annotated[int, msgspec.Meta(ge=0)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


ALL_TO_TRAIN = "train-*.tar"


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Data(_Strict):
    """Photographs to train on."""

    folder: str
    train: str = ALL_TO_TRAIN
    """Pattern of the shards to train on; those of `validation` are never among them."""
    validation: str = "validation-*.tar"
    limit: Positive | None = None
    """Take only the first so many photographs of each part."""
    side: Positive = 128
    """Side of the training crops, a multiple of the family's stride."""
    validation_side: Positive = 160
    validation_limit: Positive = 1000
    threads: Positive = 1
    """Threads that make batches."""
    memory: Amount = 8.0
    """GiB that the decoded set may take; a larger one is decoded anew for each batch."""
    augmentation: Augmentation = Augmentation()


class Loss(_Strict):
    """Weights of the losses, whose sum is minimised, and what they are measured with."""

    cross_entropy: Amount = 1.0
    """Weight of the rebalanced cross-entropy on the bins."""
    huber: Amount = 0.0
    """Weight of the Huber loss on a*b* (the annealed mean of a network that classifies)."""
    squared: Amount = 0.0
    """Weight of the mean squared error on a*b*."""
    neighbours: Positive = 5
    """K of the soft code; 1 is one-hot."""
    sigma: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    """Of the soft code, in a*b* units."""
    uniform: Share = 0.5
    """lambda of the rebalancing weights; 1 is no rebalancing."""
    prior: Literal["own", "published"] = "own"
    """The prior that the weights balance: the training set's or ImageNet's."""
    temperature: Annotated[float, msgspec.Meta(gt=0)] = 0.6
    """Of the annealed mean in the losses on a*b* and in the validation figures."""


class Optimizer(_Strict):
    """AdamW with a warm-up."""

    rate: Annotated[float, msgspec.Meta(gt=0)] = 1e-3
    encoder: Amount = 1.0
    """The pretrained part's rate as a share of `rate`."""
    betas: tuple[Share, Share] = (0.9, 0.99)
    decay: Amount = 0.02
    """Weight decay; norms and biases have none."""
    clip: Amount = 1.0
    """Largest norm of the gradient; 0: no limit."""
    warmup: Limit = 300
    """Steps."""
    schedule: Literal["cosine", "linear", "hold"] = "cosine"
    """How the rate falls to 0 by the last step; `hold` keeps it until the last `fall` of the run."""
    fall: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.25
    average: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.999
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
    steps: Positive = 1000
    batch: Positive = 32
    seed: Limit = 0
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    device: str = "auto"
    """As torch names it; auto: a GPU where there is one."""
    start: str = ""
    """A checkpoint whose averaged weights to start from (fine-tuning)."""
    log_every: Positive = 50
    """Steps between two lines of the log."""
    checkpoint_minutes: Amount = 5.0
    """Minutes between two times that the state of the run is saved; 0: after each step."""
    keep_every: Limit = 0
    """Keep a checkpoint of its own every so many steps; 0: only the last and the best."""
    validate_every: Limit = 0
    """Steps between validations; 0: once an epoch."""

    def family_config(self) -> msgspec.Struct:
        """The family's Config with the knobs of `network`."""
        return _convert(self.network, families.get(self.family).Config, "configuration", "network.")


def _convert(value: Any, kind: type, where: str, above: str = "") -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {_sentence(str(error), kind, above)}") from None


def _sentence(message: str, kind: type, above: str) -> str:
    """What msgspec says of a wrong value, said to somebody who wrote TOML."""
    what, _, place = message.partition(" - at ")
    place = place.strip("`").removeprefix("$").removeprefix(".")
    if found := re.search("(unknown|required) field `(.+)`", what):
        key = f"{above}{place + '.' if place else ''}{found[2]}"
        if found[1] == "required":
            return f"the key {key} is missing; write it in the file or as {key}=VALUE"
        names = [field.name for field in msgspec.structs.fields(_kind_at(kind, place))]
        near = difflib.get_close_matches(found[2], names, n=1)
        return f"the key {key} is unknown; " + (f"is {near[0]} meant?" if near else f"there are {', '.join(names)}")
    if what.startswith("Invalid enum value"):
        what = f"expected {' or '.join(map(repr, typing.get_args(_kind_at(kind, place))))}, got {what.split()[-1]}"
    return f"{above}{place}: {what[0].lower()}{what[1:]}"


def _kind_at(kind: type, place: str) -> Any:
    for name in filter(None, place.split(".")):
        kind = next(field.type for field in msgspec.structs.fields(kind) if field.name == name)
    return kind


def from_dict(values: dict[str, Any], where: str = "configuration") -> Config:
    """A checked configuration.

    Raises:
        ConfigError: a key is unknown, a value is of the wrong kind or cannot work; it says which.
    """
    config = _convert(values, Config, where)
    family = families.get(config.family)
    _convert(config.network, family.Config, where, "network.")
    if config.name.split(".")[0] != config.family or config.name.count(".") != 1 or config.name.endswith("."):
        raise ConfigError(f"{where}: name must be FAMILY.TAG, such as {config.family}.v1, not {config.name!r}")
    stride = family.Network.stride
    for key in ("side", "validation_side"):
        side = getattr(config.data, key)
        if side % stride:
            raise ConfigError(f"{where}: data.{key} must be a multiple of {stride}, not {side}")
    if not (config.loss.cross_entropy or config.loss.huber or config.loss.squared):
        raise ConfigError(f"{where}: no loss has a weight; set loss.cross_entropy, loss.huber or loss.squared")
    return config


def to_dict(config: Config) -> dict[str, Any]:
    """The configuration as plain values, from which `from_dict` makes it again."""
    return msgspec.to_builtins(config)


def differences(had: Config, wanted: Config) -> dict[str, tuple[Any, Any]]:
    """What two configurations do not share: dotted key to (had, wanted)."""
    old, new = _flat(to_dict(had)), _flat(to_dict(wanted))
    return {
        key: (old.get(key), new.get(key)) for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)
    }


def _flat(values: dict[str, Any], above: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in values.items():
        flat |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {above + key: value}
    return flat


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
