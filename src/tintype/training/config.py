"""The configuration of a training run: one TOML file, and `key=value` words that change it."""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from tintype import targets
from tintype.errors import ConfigError
from tintype.networks import critics, families
from tintype.networks.family import Config as Knobs
from tintype.networks.family import Network
from tintype.training import optimizers
from tintype.training.batches import Augmentation

Struct = TypeVar("Struct", bound=msgspec.Struct)

Positive = Annotated[int, msgspec.Meta(ge=1)]
Limit = Annotated[int, msgspec.Meta(ge=0)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
Weight = Annotated[float, msgspec.Meta(ge=0, title="weight of a loss")]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


ALL_TO_TRAIN = "train-*.tar"


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Data(_Strict, frozen=True):
    """Photographs to train on."""

    folder: str
    train: str = ALL_TO_TRAIN
    """Pattern of the shards to train on; those of `validation` are never among them."""
    validation: str = "validation-*.tar"
    sources: tuple[str, ...] = ()
    """Take only photographs whose source in the set's manifest fits one of these patterns, such as "*/n02123045/*"."""
    limit: Positive | None = None
    """Take only the first so many photographs of each part."""
    gray: Literal["lightness", "rec601", "value"] = "lightness"
    """The gray that the network sees, where no film is drawn: CIE L*, luma, or the V of HSV."""
    side: Positive = 128
    """Side of the training crops, a multiple of the family's stride."""
    validation_side: Positive = 160
    validation_limit: Positive = 1000
    threads: Positive = 1
    """Threads that make batches."""
    memory: Amount = 8.0
    """GiB that the decoded set may take; a larger one is decoded anew for each batch."""
    augmentation: Augmentation = Augmentation()


class Loss(_Strict, frozen=True):
    """Weights of the losses, whose sum is minimised, and what they are measured with.

    `squared`, `absolute`, `huber` and `chroma_weighted` compare what the target regresses, at about unit size: a*b*
    divided by the target's scale (the annealed mean of a distribution by 110), sRGB, or the hue's plane.
    """

    cross_entropy: Weight = 0.0
    """Weight of the rebalanced cross-entropy on the bins."""
    squared: Weight = 0.0
    """Weight of the mean squared error."""
    absolute: Weight = 0.0
    """Weight of the mean absolute error (L1)."""
    huber: Weight = 0.0
    """Weight of the Huber loss, summed over the two channels."""
    delta: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    """Where the Huber loss turns from squared to linear."""
    chroma_weighted: Weight = 0.0
    """Weight of the squared error that counts more where the truth is colourful."""
    hue: Weight = 0.0
    """Weight of one minus the cosine of the hue's error, in proportion to the true chroma or saturation."""
    perceptual: Weight = 0.0
    """Weight of the squared difference of VGG16 features."""
    vgg: str = ""
    """A safetensors file with VGG16 to relu3_3, for `perceptual`."""
    lpips: Weight = 0.0
    """Weight of LPIPS."""
    lpips_network: str = ""
    """A file with torchvision's VGG16, for `lpips`."""
    lpips_weights: str = ""
    """A file with the linear weights of LPIPS for VGG16, version 0.1."""
    colorfulness: Weight = 0.0
    """Weight of 1 - colourfulness / 100."""
    side: Weight = 0.0
    """Weight of the cross-entropy of the 529-bin side head, where the family has one."""
    distillation: Weight = 0.0
    """Weight of the cross-entropy that a teacher's distribution expects."""
    teacher: str = ""
    """A checkpoint over the same bins, for `distillation`."""
    neighbours: Positive = 5
    """K of the soft code; 1 is one-hot."""
    sigma: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    """Of the soft code, in a*b* units."""
    skip_gray: Amount = 0.0
    """The cross-entropy leaves out photographs of which no |a*| or |b*| is above this; 0: none."""
    uniform: Share = 0.5
    """lambda of the rebalancing weights; 1 is no rebalancing."""
    prior: Literal["own", "published"] = "own"
    """The prior that the weights balance: the training set's or ImageNet's."""
    smoothing: Amount = 0.0
    """Sigma in a*b* units of a Gaussian that smooths the own prior in the ab plane; the published one is smooth."""
    published_share: Share = 0.0
    """Share of the published prior that is mixed into the own one."""
    temperature: Annotated[float, msgspec.Meta(gt=0)] = 0.6
    """Of the annealed mean in the losses on a*b* and in the validation figures."""

    def weights(self) -> dict[str, float]:
        """The losses that have a weight."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if name in WEIGHTS and value}


WEIGHTS = tuple(field.name for field in msgspec.structs.fields(Loss) if field.type == Weight)
"""The keys of `loss` that are weights of losses."""


class Adversarial(_Strict, frozen=True):
    """Training against a critic that learns to tell the network's colours from true ones."""

    weight: Amount = 0.0
    """Of the critic's judgement in what the network minimises; 0: no critic."""
    loss: Literal["bce", "lsgan", "hinge"] = "bce"
    """Cross-entropy, least squares or hinge."""
    smoothing: Annotated[float, msgspec.Meta(ge=0, lt=0.5)] = 0.0
    """The critic's aim for true colours is 1 - smoothing (one-sided label smoothing)."""
    every: Positive = 1
    """The network learns on every so many batches, the critic on each. The run's `steps` are updates of the network."""
    rate: Annotated[float, msgspec.Meta(gt=0)] = 2e-4
    """The critic's rate, of Adam; it goes through the schedule in the critic's own updates."""
    betas: tuple[Share, Share] = (0.5, 0.999)
    starts: Share = 0.0
    """Share of the run's batches after which the critic begins to learn."""
    joins: Share = 0.0
    """Share of the run's batches after which the network learns from the critic; from `starts` until then it rests
    (NoGAN)."""
    critic: critics.Config = critics.Config()
    """The critic's own knobs."""


class Config(_Strict, frozen=True):
    """A training run."""

    name: str
    """FAMILY.TAG of the model that comes of it."""
    family: str
    data: Data
    network: dict[str, Any] = {}
    """Knobs of the family's Config."""
    target: targets.Config = targets.Config()
    loss: Loss = Loss()
    adversarial: Adversarial = Adversarial()
    optimizer: optimizers.Optimizer = optimizers.Optimizer()
    steps: Positive = 1000
    """Updates of the network."""
    batch: Positive = 32
    accumulate: Positive = 1
    """Parts into which each batch is split, one after the other, where memory does not hold it at once."""
    initialisation: Literal["random", "data", "kmeans"] = "random"
    """Random weights; these scaled on data (Krähenbühl et al. 2015); or kernels from k-means of the data's patches."""
    norms: Literal["learn", "frozen"] = "learn"
    """Whether normalisation takes the statistics of the batch and learns, or keeps what it has."""
    seed: Limit = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the network's forward pass; auto: bfloat16 where the processor or GPU computes in it, else float32."""
    device: str = "auto"
    """As torch names it; auto: a GPU where there is one."""
    start: str = ""
    """What to start from (fine-tuning): a checkpoint, whose averaged weights are taken; several with commas between
    them, whose mean is; or a released model."""
    log_every: Positive = 50
    """Steps between two lines of the log."""
    checkpoint_minutes: Amount = 5.0
    """Minutes between two times that the state of the run is saved; 0: after each step."""
    keep_every: Limit = 0
    """Keep a checkpoint of its own every so many steps; 0: only the last and the best."""
    validate_every: Limit = 0
    """Steps between validations; 0: once an epoch, but never oftener than every 100 steps."""
    early: tuple[Limit, ...] = ()
    """Steps after which a few validation photographs are looked at besides; 0 is before the first."""

    def make_network(self, channels: int) -> Network:
        """The network with random weights, whose output has so many channels.

        Raises:
            ConfigError: the family cannot make it.
        """
        return families.get(self.family).make(self.family_config(), channels)

    def describe_network(self) -> Network:
        """The network without weights, to ask for its stride and scale.

        Raises:
            ConfigError: the family cannot make it.
        """
        # How many bins of their own the photographs have is known only when they are read.
        channels = targets.make(self.target, targets.table(self.target, lambda: np.zeros((1, 2)))).channels
        with torch.device("meta"):
            return self.make_network(channels)

    def family_config(self) -> Knobs:
        """The family's Config with the knobs of `network`.

        Raises:
            ConfigError: it has no such knob, or none of such a value.
        """
        return _convert(self.network, families.get(self.family).Config, "configuration", "network.")


def _convert(value: Any, kind: type[Struct], where: str, above: str = "") -> Struct:
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
    try:
        families.get(config.family)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    if config.name.split(".")[0] != config.family or config.name.count(".") != 1 or config.name.endswith("."):
        raise ConfigError(f"{where}: name must be FAMILY.TAG, such as {config.family}.v1, not {config.name!r}")
    optimizers.check(config.optimizer, where)
    try:
        network = config.describe_network()
        _check_sides(config, network)
        _check_losses(config, network)
    except ConfigError as error:
        text = str(error)
        raise error if text.startswith(where) else ConfigError(f"{where}: {text}") from None
    return config


def _check_sides(config: Config, network: Network) -> None:
    for key in ("side", "validation_side"):
        side = getattr(config.data, key)
        if side % network.stride:
            raise ConfigError(f"data.{key} must be a multiple of {network.stride}, not {side}")
    if config.batch % config.accumulate:
        raise ConfigError(f"batch = {config.batch} cannot be split into accumulate = {config.accumulate} equal parts")


def _check_losses(config: Config, network: Network) -> None:
    """Refuse losses that the target, the family or missing files leave without meaning."""
    loss, target, critic = config.loss, config.target, config.adversarial
    if not loss.weights():
        raise ConfigError(f"no loss has a weight; set one of {', '.join('loss.' + name for name in WEIGHTS)}")
    for key in ("cross_entropy", "distillation"):
        if getattr(loss, key) and target.kind != "bins":
            raise ConfigError(f'loss.{key} needs target.kind = "bins", and it is "{target.kind}"')
    if loss.distillation and not loss.teacher:
        raise ConfigError("loss.distillation needs loss.teacher, a checkpoint")
    for key, on in (("prior", loss.prior == "published"), ("published_share", loss.published_share > 0)):
        if loss.cross_entropy and on and target.bins != "published":
            raise ConfigError(f'loss.{key} asks for the published prior, which needs target.bins = "published"')
    if target.bins != "own" and (bins := targets.table(target)) is not None:
        check_bins(config, bins)
    if loss.prior == "published" and loss.smoothing:
        raise ConfigError("loss.smoothing would smooth the published prior, which is smoothed already; set it to 0")
    if loss.hue and target.kind == "rgb":
        raise ConfigError('loss.hue needs target.kind = "ab", "hue" or "bins", and it is "rgb"')
    if loss.side and network.side_bins is None:
        raise ConfigError(
            f"loss.side needs a family with a side head, which {config.family} does not have; set it to 0"
        )
    for key, files, pixels in (("perceptual", ("vgg",), 4), ("lpips", ("lpips_network", "lpips_weights"), 16)):
        if not getattr(loss, key):
            continue
        for file in files:
            if not getattr(loss, file):
                raise ConfigError(f"loss.{key} needs loss.{file}, a file of weights")
        for name in ("side", "validation_side"):
            if (side := getattr(config.data, name)) < pixels * network.scale:
                raise ConfigError(f"data.{name} must be at least {pixels * network.scale} for loss.{key}, not {side}")
    if critic.weight and critic.joins < critic.starts:
        raise ConfigError(
            f"adversarial.joins = {critic.joins:g} comes before adversarial.starts = {critic.starts:g}; set it later"
        )
    if critic.weight and critic.starts == 0 and critic.joins == 1:
        raise ConfigError(
            "adversarial.joins = 1 with adversarial.starts = 0 leaves the network no batch to learn from; set it lower"
        )
    if critic.weight and critic.loss == "hinge" and critic.smoothing:
        raise ConfigError('adversarial.smoothing needs labels, which loss = "hinge" does not have; set it to 0')
    if critic.weight and config.accumulate > 1:
        raise ConfigError("accumulate = 1 is needed for a run with a critic, which judges whole batches")
    if critic.weight:
        with torch.device("meta"):
            critics.make(critic.critic, config.data.side // network.scale)


def check_bins(config: Config, bins: NDArray[np.float64]) -> None:
    """Refuse a table [Q, 2] with fewer bins than a soft code has.

    Raises:
        ConfigError: it does.
    """
    wanted = config.loss.neighbours if config.loss.cross_entropy else 1
    if len(bins) < wanted:
        raise ConfigError(
            f"target.bins = {config.target.bins} gives {len(bins)} bins, and loss.neighbours asks for {wanted}; set a "
            "smaller target.step, target.share or loss.neighbours"
        )


def to_dict(config: Config) -> dict[str, Any]:
    """The configuration as plain values, from which `from_dict` makes it again."""
    values: dict[str, Any] = msgspec.to_builtins(config)
    return values


def differences(had: Config, wanted: Config) -> dict[str, tuple[Any, Any]]:
    """What two configurations do not share: dotted key to (had, wanted)."""
    old, new = _flat(to_dict(had)), _flat(to_dict(wanted))
    return {
        key: (old.get(key), new.get(key)) for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)
    }


def _flat(values: dict[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {above + key: value}
    return flat


def read(path: str | Path, changes: Sequence[str] = ()) -> Config:
    """A TOML file, changed by words such as `steps=200` or `data.side=96`.

    Raises:
        ConfigError: the file cannot be read, or what it says cannot work.
    """
    path = Path(path)
    values = _file(path)
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


def _file(path: Path, depth: int = 0) -> dict[str, Any]:
    """The values of a file, over those of the file that its key `include` names, a path relative to its own."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: the configuration cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML ({error})") from error
    included = values.pop("include", None)
    if included is None:
        return values
    if not isinstance(included, str) or depth == 8:
        raise ConfigError(f"{path}: include must be the path of one TOML file that does not include this one")
    return _over(_file(path.parent / included, depth + 1), values)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = dict(below)
    for key, value in above.items():
        both[key] = _over(both[key], value) if isinstance(value, dict) and isinstance(both.get(key), dict) else value
    return both


def _value(text: str) -> Any:
    """A TOML value; what is none is taken as a string, so that words need no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
