"""The weights that the authors of a colorizer publish become a model file that keeps the contract."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tintype import targets
from tintype.errors import ConfigError, ModelError
from tintype.models.card import Card
from tintype.networks.published import weights as published
from tintype.networks.published.layouts import recognise
from tintype.networks.published.networks import build
from tintype.training import norms
from tintype.training.export import Contract, check, round_weights, to_onnx, with_card, write
from tintype.version import __version__


def convert(
    source: str | Path,
    output: str | Path,
    *,
    name: str | None = None,
    licence: str | None = None,
    size: int | None = None,
    mask_centre: float = 0.0,
    say: Callable[[str], object] = lambda line: None,
) -> Card:
    """Write published weights as a model file.

    The weights are rounded to float16, as in all models of tintype. Where that alone would change colours visibly, they
    stay float32, and the file is twice as large.

    Args:
        source: a file of torch, safetensors or Caffe; nothing in it is run.
        output: the ONNX file; it appears whole or not at all.
        name: FAMILY.TAG. None: the layout's.
        licence, size: what the card says. None: what the authors state, and what their own program uses.
        mask_centre: as `networks.published.networks.build` takes it.
        say: is given a sentence on what was recognised, and one on how the file agrees with the network.
    Returns:
        the card.
    Raises:
        ConfigError: the file cannot be read, holds no known network, or a value of the card is of the wrong kind.
        ModelError: the file's colours differ from torch's, or it cannot be written.
    """
    held = published.read(source)
    layout = recognise({weight: tuple(value.shape) for weight, value in held.items()}, source)
    say(f"{source}: {layout.title}, {layout.parameters / 1e6:.1f} million parameters")
    built = build(layout, held, mask_centre)
    del held
    with Path(source).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target = targets.Ab(built.scale, built.bounded) if built.bins is None else targets.Bins(built.bins)
    name = layout.name if name is None else name
    try:
        card = Card(
            name=name,
            version=__version__,
            family=name.partition(".")[0],
            description=f"{layout.title}: {layout.parameters} parameters. Converted from {Path(source).name}, SHA-256 "
            f"{digest}.",
            stride=built.network.stride,
            size=layout.size if size is None else size,
            temperature=built.temperature,
            licence=layout.licence if licence is None else licence,
            training_data=layout.training_data,
            figures=(),
            bins=None if built.bins is None else tuple((float(a), float(b)) for a, b in built.bins.tolist()),
        )
    except ValueError as error:
        raise ConfigError(f"{output}: {error}") from error
    original = Contract(built.network, target).eval()
    try:
        data, agreement = _checked(original, card, half=True)
    except ModelError:
        data, agreement = _checked(original, card, half=False)
    say(f"{output}: {agreement}")
    card = replace(card, description=f"{card.description} {agreement[0].upper()}{agreement[1:]}.")
    write(with_card(data, card), output)
    return card


def _checked(original: Contract, card: Card, half: bool) -> tuple[bytes, str]:
    """A contract's file, with folded norms and perhaps weights rounded to float16, and how it agrees with the network
    as it was published.

    Raises:
        ModelError: it does not.
    """
    contract = Contract(norms.fold(original.network), original.target).eval()
    if half:
        round_weights(contract.network)
    data = to_onnx(contract, card)
    worst, mean = check(original, data, card.stride, card.temperature)
    return data, (
        f"with weights in {'float16' if half else 'float32'}, a*b* are at most {worst:.2g} and on average {mean:.2g} "
        "away from those of the published network in torch"
    )
