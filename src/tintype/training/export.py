"""A checkpoint becomes a released model: one ONNX file that keeps the contract, checked before it is written."""

from __future__ import annotations

import io
import tomllib
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from tintype import targets
from tintype.data.seen import SHIPPED, SUFFIX, hashes_of, read_seen, write_seen
from tintype.errors import ConfigError, DataError, ModelError, UnwritableFile
from tintype.files import whole_file
from tintype.models.card import KEY, Card
from tintype.models.runtime import Session
from tintype.networks.family import Network
from tintype.training import checkpoint, norms
from tintype.training.config import Config
from tintype.training.inputs import load_photographs, to_train_on
from tintype.training.objective import class_weights, main_head
from tintype.training.prior import prior_of

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 17
AB_MAX, AB_MEAN = 0.5, 0.02
"""Largest and mean difference in a*b* between torch and the file, on the same rounded weights."""


class Contract(nn.Module):
    """A network behind the contract of released models.

    lightness [n, 1, h, w], hints [n, 3, h, w] if it takes them, and temperature [] if it has a distribution, to
    ab [n, 2, h', w'] and, of a distribution, logits [n, Q, h', w'].

    Args:
        shift: [Q], added to the logits; None: nothing.
        vividness: factor on the chroma of a distribution's mean. That of hints is divided by it, so that what was
            asked for comes out.
    """

    shift: torch.Tensor
    table: torch.Tensor
    of_hints: torch.Tensor

    def __init__(
        self,
        network: Network,
        target: targets.Target,
        shift: NDArray[np.float64] | None = None,
        vividness: float = 1.0,
    ):
        super().__init__()
        self.network: Network = network
        self.target: targets.Target = target
        self.takes_hints, self.has_bins = network.takes_hints, target.bins is not None
        self.drawn_out = self.has_bins and vividness != 1
        if target.bins is not None:
            added = torch.zeros(len(target.bins)) if shift is None else torch.tensor(shift, dtype=torch.float32)
            self.register_buffer("shift", added.half().float()[:, None, None])
            # One product gives the sums of p a*, p b* and p. A softmax over channels, which the run-time library
            # computes pixel by pixel, would cost more than all the convolutions.
            table = torch.cat([vividness * target.bins.T, torch.ones(1, len(target.bins))])
            self.register_buffer("table", table[:, :, None, None])
            self.register_buffer("of_hints", torch.tensor([1 / vividness, 1 / vividness, 1.0]).view(1, 3, 1, 1))

    @property
    def inputs(self) -> list[str]:
        return ["lightness", *(["hints"] if self.takes_hints else []), *(["temperature"] if self.has_bins else [])]

    @property
    def outputs(self) -> list[str]:
        return ["ab", "logits"] if self.has_bins else ["ab"]

    def forward(self, lightness: torch.Tensor, *more: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        given = dict(zip(self.inputs[1:], more, strict=True))
        # A network that takes no hints has the argument and never looks at it.
        hints = given.get("hints", lightness)
        if self.takes_hints and self.drawn_out:
            hints = hints * self.of_hints
        raw = main_head(self.network(lightness, hints))
        if not self.has_bins:
            return self.target.ab(raw, lightness, 1.0)
        logits = raw + self.shift
        weight = torch.exp((logits - logits.amax(dim=1, keepdim=True)) / given["temperature"])
        sums = functional.conv2d(weight, self.table)
        return sums[:, :2] / sums[:, 2:], logits


def round_weights(network: nn.Module) -> None:
    """Round all weights to float16, in place, and keep them as float32.

    Raises:
        ModelError: a weight is beyond what float16 holds.
    """
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            rounded = value.half().float()
            if not torch.isfinite(rounded).all():
                raise ModelError(
                    f"The weight {name} does not fit float16: train with more weight decay, or find out why"
                )
            value.copy_(rounded)


def read_card_file(path: str | Path | None) -> dict[str, Any]:
    """What a TOML file says of a model, as arguments of `export`; nothing when None.

    Raises:
        ConfigError: the file cannot be read or has a key that no card has.
    """
    if path is None:
        return {}
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: the card cannot be read ({error})") from error
    known = ["version", "description", "licence", "training_data", "figures", "size"]
    known += ["temperature", "rebalancing", "vividness"]
    unknown = sorted(values.keys() - set(known))
    if unknown:
        raise ConfigError(f"{path}: a card has no {', '.join(unknown)}; it has {', '.join(known)}")
    return values


def export(
    source: str | Path,
    output: str | Path,
    *,
    version: str = "0",
    description: str = "Trained with tintype; not described further.",
    licence: str = "not stated",
    training_data: Sequence[Mapping[str, Any]] = (),
    figures: Sequence[Mapping[str, Any]] = (),
    size: int | None = None,
    temperature: float | None = None,
    rebalancing: float | None = None,
    vividness: float | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> Card:
    """Write a checkpoint's averaged weights as a model file.

    A run that started from a released model is released as that was, in what is None here.

    Args:
        source: a checkpoint file or the folder of a run.
        output: the ONNX file; it appears whole or not at all.
        temperature: the card's default; None: the one of the losses. Without meaning where there is no distribution.
        size and the rest: what the card says; a size of None: 256.
        say: is given a sentence on the checkpoint that is taken.
        rebalancing: how much of the class rebalancing of the training the released distribution keeps. 1: as trained;
            0: the frequencies of the training photographs. Less of it is milder in colour and nearer to the truth.
            None: 1.
        vividness: factor on the chroma of the released distribution's mean. Less rebalancing and more of this gives as
            much colour with fewer rare ones. Without meaning where there is no distribution. None: 1.
    Returns:
        the card.
    Raises:
        ConfigError: the checkpoint cannot be read.
        ConfigError: the card's values are of the wrong kind.
        ModelError: the file's colours differ from torch's, or it cannot be written.
    """
    state = checkpoint.load(source)
    config = checkpoint.config(state, source)
    say(_taken(checkpoint.file_of(source), state, config))
    bins = checkpoint.bins(state)
    release = (state.get("release") if bins is not None else None) or {}
    size = release.get("size", 256) if size is None else size
    temperature = release.get("temperature") if temperature is None else temperature
    vividness = release.get("vividness", 1.0) if vividness is None else vividness
    shift: NDArray[np.float64] | None
    if rebalancing is None and release.get("shift") is not None:
        shift = np.array(release["shift"])
    else:
        shift = shift_of(config, state.get("prior"), bins, 1.0 if rebalancing is None else rebalancing)
    target = targets.make(config.target, bins, config.data.gray == "value")
    network = config.make_network(target.channels)
    checkpoint.fill(network, state["average"], source)
    network = norms.fold(network)
    round_weights(network)
    contract = Contract(network, target, shift, vividness).eval()
    if target.bins is None:
        temperature = None
    elif temperature is None:
        temperature = config.loss.temperature
    try:
        card = Card(
            name=config.name,
            version=version,
            family=config.family,
            description=description,
            stride=network.stride,
            size=size,
            temperature=temperature,
            licence=licence,
            training_data=tuple(training_data),
            figures=tuple(figures),
            bins=None if bins is None else tuple((float(a), float(b)) for a, b in bins.tolist()),
        )
    except ValueError as error:
        raise ConfigError(f"{output}: {error}") from error
    data = to_onnx(contract, card)
    check(contract, data, network.stride, temperature)
    write(data, output)
    return card


def write(data: bytes, output: str | Path) -> None:
    """Write a model file whole or not at all.

    Raises:
        ModelError: it cannot be written.
    """
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        with whole_file(output) as file:
            file.write(data)
    except UnwritableFile as error:
        raise ModelError(f"{output}: the model cannot be written ({error.reason})") from error


def list_photographs(source: str | Path, model: str | Path) -> str | None:
    """Write beside a model the perceptual hashes of the photographs that its run learned from (`data.seen`), as the
    folder of data holds them now, with those that are known of the released models that it started from.

    Returns:
        a sentence on what was written; None where that folder is not here, and nothing was.
    Raises:
        ConfigError: the checkpoint cannot be read. DataError: a photograph is broken. UnwritableFile: the file cannot
            be put there.
    """
    config = checkpoint.config(checkpoint.load(source), source)
    try:
        photographs = to_train_on(config)
    except DataError:
        return None
    hashes = hashes_of(photographs, config.data.folder)
    if any(checkpoint.is_shipped(start) for start in config.start.split(",")):
        hashes += read_seen(SHIPPED).tolist()
    path = Path(model).with_suffix(SUFFIX)
    count = write_seen(path, hashes)
    return f"{path}: hashes of {count:,} photographs that it learned from; keep it beside the model"


def _taken(path: Path, state: Mapping[str, Any], config: Config) -> str:
    """Which step a checkpoint is of, and how far its run has come since."""
    said = f"{path}: step {state['step']} of {config.steps}"
    last = path.with_name("last.pt")
    if path.name != "best.pt" or not last.is_file():
        return said
    said += ", where the validation loss was lowest"
    with suppress(ConfigError):
        if (step := checkpoint.load(last)["step"]) != state["step"]:
            said += f"; the run has reached step {step}, which is in {last}"
    return said


def shift_of(
    config: Config, prior: Sequence[float] | None, bins: NDArray[np.float64] | None, rebalancing: float
) -> NDArray[np.float64] | None:
    """What to add to the logits so that only a part of the rebalancing is left; [Q], or None for nothing.

    A distribution learnt under class weights w is in proportion to w p. Dividing by w^(1 - rebalancing) takes back a
    part of it, which no training has to be repeated for.
    """
    if rebalancing == 1 or bins is None:
        return None
    known = None if prior is None else np.array(prior)
    if known is None and config.loss.prior == "own":
        # An older checkpoint. The prior takes a thinned sample, which need not be held in memory.
        data = msgspec.structs.replace(config.data, memory=0)
        known = prior_of(config, load_photographs(msgspec.structs.replace(config, data=data))[0], bins)
    weights = class_weights(config.loss, known, bins)
    # A bin that no training photograph touches has no weight to take back.
    return (rebalancing - 1) * np.log(np.where(weights > 0, weights, weights.max()))


def to_onnx(contract: Contract, card: Card) -> bytes:
    """The bytes of a model file. Weights that float16 holds exactly are stored so."""
    import onnx

    side = 2 * contract.network.stride
    given = {"lightness": torch.rand(1, 1, side, side) * 100}
    given |= {"hints": torch.zeros(1, 3, side, side), "temperature": torch.tensor(0.5)}
    axes = {name: {0: "n", 2: "h", 3: "w"} for name in contract.inputs if name != "temperature"}
    axes |= {name: {0: "n", 2: "h_out", 3: "w_out"} for name in contract.outputs}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter of traced graphs is announced as the older one; what the newer writes depends on its version.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            contract,
            tuple(given[name] for name in contract.inputs),
            buffer,  # type: ignore[arg-type]  # the exporter of traced graphs writes into memory too
            input_names=contract.inputs,
            output_names=contract.outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    _store_half(model)
    _tell(model, card)
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def with_card(data: bytes, card: Card) -> bytes:
    """The bytes of a model file with another card."""
    import onnx

    model = onnx.load_from_string(data)
    del model.metadata_props[:]
    _tell(model, card)
    changed: bytes = model.SerializeToString(deterministic=True)
    return changed


def _tell(model: ModelProto, card: Card) -> None:
    model.producer_name, model.producer_version, model.doc_string = "tintype", card.version, card.description
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, card.to_json()


def _store_half(model: ModelProto) -> None:
    """Weights become float16 constants, each cast to float32 once, which the run-time library does while it loads."""
    import onnx
    from onnx import numpy_helper

    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16) if values.dtype == np.float32 else None
        if half is None or values.size < 64 or not np.array_equal(half.astype(np.float32), values):
            continue
        name = tensor.name
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(half, name + "_half"))
        casts.append(onnx.helper.make_node("Cast", [name + "_half"], [name], to=onnx.TensorProto.FLOAT))
    for node in reversed(casts):
        graph.node.insert(0, node)


def check(contract: Contract, data: bytes, stride: int, temperature: float | None) -> tuple[float, float]:
    """Largest and mean difference in a*b* between torch and the file, over sizes, hints and temperatures.

    Raises:
        ModelError: they are above 0.5 or 0.02.
    """
    session = Session(data, threads=1)
    generator = torch.Generator().manual_seed(0)
    worst, mean = 0.0, 0.0
    for height, width, with_hints in ((4, 4, False), (8, 8, True), (3, 5, True), (6, 2, False)):
        h, w = height * stride, width * stride
        # Smooth pictures with an edge: noise alone would not look like what the network knows.
        coarse = torch.rand(1, 1, height, width, generator=generator) * 100
        lightness = functional.interpolate(coarse, size=(h, w), mode="bicubic", align_corners=False).clamp(0, 100)
        lightness[..., w // 2 :] *= 0.7
        hints = torch.zeros(1, 3, h, w)
        if with_hints:
            hints[:, :, h // 4 : h // 4 + 6, w // 3 : w // 3 + 6] = torch.tensor([40.0, 20.0, 1.0]).view(1, 3, 1, 1)
        given = {"lightness": lightness, "hints": hints, "temperature": torch.tensor(temperature or 1.0)}
        with torch.inference_mode():
            expected = contract(*(given[name] for name in contract.inputs))
        expected = (expected[0] if contract.has_bins else expected).numpy()
        (found,) = session.run(["ab"], {name: given[name].numpy() for name in contract.inputs})
        difference = np.abs(found - expected)
        worst, mean = max(worst, float(difference.max())), max(mean, float(difference.mean()))
    if not (worst <= AB_MAX and mean <= AB_MEAN):
        raise ModelError(
            f"The exported model is up to {worst:.3g} (mean {mean:.3g}) in a*b* away from torch: not written"
        )
    return worst, mean
