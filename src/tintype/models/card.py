"""What a released model says of itself: the JSON card inside its ONNX file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from io import BytesIO
from os import PathLike
from typing import IO, Any

from tintype.settings import HOTTEST, LARGEST

KEY = "tintype"
"""The metadata key of the ONNX file under which the card stands."""

COARSEST = 512
"""Largest stride: a trial at opening sees three of them."""

LIMIT = 10**15
"""Beyond which no number of a card lies."""

LONGEST = 64
"""Letters of a family's name, and half as many as a model's may have."""


@dataclass(frozen=True)
class Card:
    """Everything that a user of a model file must know and that its graph does not say.

    Raises ValueError, in the middle of a sentence, when a field is missing or of the wrong kind.
    """

    name: str
    """FAMILY.TAG, such as `tintype.v2`."""
    version: str
    family: str
    description: str
    stride: int
    """The sides of the network's input are multiples of this, in pixels."""
    size: int
    """Short side of the network's input, in pixels, at which the colours come out best."""
    temperature: float | None
    """Default temperature of the annealed mean; None where the model has no such input."""
    licence: str
    """Licence of the weights."""
    training_data: tuple[Mapping[str, Any], ...]
    """One mapping per collection: `name`, and where known `photographs` (their number), `licence` and the like."""
    figures: tuple[Mapping[str, Any], ...]
    """One mapping per measured figure: `metric`, `value`, `protocol` and whatever else defines it."""
    bins: tuple[tuple[float, float], ...] | None
    """CIE a*b* of the Q bins that the output `logits` is over; None where the model has no such output."""

    def __post_init__(self) -> None:
        for key in ("name", "version", "family", "description", "licence"):
            _demand(isinstance(getattr(self, key), str) and getattr(self, key).strip(), key, "a text that is not empty")
        _demand(
            len(self.family) <= LONGEST and re.fullmatch(r"\w[\w-]*", self.family),
            "family",
            f"at most {LONGEST} letters, digits, - and _",
        )
        _demand(
            len(self.name) <= 2 * LONGEST
            and re.fullmatch(re.escape(self.family) + r"\.[A-Za-z0-9][A-Za-z0-9_.-]*", self.name),
            "name",
            f"FAMILY.TAG, here '{self.family}.' and a tag",
        )
        _demand(_whole(self.stride) and 1 <= self.stride <= COARSEST, "stride", f"a whole number from 1 to {COARSEST}")
        _demand(
            _whole(self.size) and self.stride <= self.size <= LARGEST,
            "size",
            f"a whole number from {self.stride} to {LARGEST}",
        )
        _demand(
            self.temperature is None or (_number(self.temperature) and 0 < self.temperature <= HOTTEST),
            "temperature",
            f"a number above 0 and at most {HOTTEST:g}, or null",
        )
        _demand(
            _rows(self.training_data)
            and all(
                isinstance(row.get("name"), str) and ("photographs" not in row or _whole(row["photographs"]))
                for row in self.training_data
            ),
            "training_data",
            "a list of objects with a name each, and photographs as a whole number",
        )
        _demand(
            _rows(self.figures)
            and all(
                isinstance(row.get("metric"), str)
                and _number(row.get("value"))
                and isinstance(row.get("protocol"), str)
                for row in self.figures
            ),
            "figures",
            "a list of objects with metric, value and protocol each",
        )
        _demand(
            self.bins is None
            or (
                isinstance(self.bins, tuple)
                and len(self.bins) > 0
                and all(isinstance(row, tuple) and len(row) == 2 and all(map(_number, row)) for row in self.bins)
            ),
            "bins",
            "a list of pairs of numbers, or null",
        )

    def to_json(self) -> str:
        """The card as JSON text; `Card.from_json` gives it back equal."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Card:
        """The card of a JSON text. Keys that are unknown here are left aside, so that newer cards can be read.

        Raises ValueError, in the middle of a sentence, on anything missing or of the wrong kind.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("the card is not JSON") from None
        if not isinstance(values, dict):
            raise ValueError("the card is not a JSON object")
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if name not in values]
        if missing:
            raise ValueError(f"the card lacks {', '.join(missing)}")
        values = {name: values[name] for name in names}
        for name in ("training_data", "figures", "bins"):
            values[name] = _frozen(values[name])
        return cls(**values)


def read_card(file: str | PathLike[str] | IO[bytes]) -> Card | None:
    """The card of an ONNX file without running or even parsing its graph; None where the file holds none.

    Raises ValueError when the file is no ONNX file or its card is broken, OSError when it cannot be read.
    """
    if isinstance(file, (str, PathLike)):
        with open(file, "rb") as stream:
            return read_card(stream)
    card = None
    # An ONNX file is one protocol-buffers message; its field 14 holds the metadata, pair by pair.
    for _, field in _fields(file, {14}):
        pair = dict(_fields(BytesIO(field), {1, 2}))
        if pair.get(1) == KEY.encode():
            try:
                card = pair.get(2, b"").decode()
            except UnicodeDecodeError:
                raise ValueError("the card is not UTF-8 text") from None
    return None if card is None else Card.from_json(card)


def read_inputs(file: str | PathLike[str] | IO[bytes]) -> tuple[str, ...]:
    """The names of what the network in an ONNX file takes, without opening it.

    Raises ValueError when the file is no ONNX file, OSError when it cannot be read.
    """
    if isinstance(file, (str, PathLike)):
        with open(file, "rb") as stream:
            return read_inputs(stream)
    names = []
    # Field 7 of the message is the graph, whose fields 11 are its inputs; their first field is the name.
    for _, graph in _fields(file, {7}):
        for _, port in _fields(BytesIO(graph), {11}):
            names.append(dict(_fields(BytesIO(port), {1})).get(1, b"").decode("utf-8", "replace"))
    return tuple(names)


def _fields(stream: IO[bytes], wanted: set[int]) -> Iterator[tuple[int, bytes]]:
    """(field number, bytes) of the wanted length-delimited fields of a protocol-buffers message."""
    end = stream.seek(0, 2)
    stream.seek(0)
    while stream.tell() < end:
        tag = _varint(stream)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            _varint(stream)
        elif kind in (1, 5):
            stream.seek(8 if kind == 1 else 4, 1)
        elif kind == 2:
            size = _varint(stream)
            if number == 0 or stream.tell() + size > end:
                raise ValueError("it is not an ONNX file, or only a part of one")
            if number in wanted:
                yield number, stream.read(size)
            else:
                stream.seek(size, 1)
        else:
            raise ValueError("it is not an ONNX file")


def _varint(stream: IO[bytes]) -> int:
    value = 0
    for shift in range(0, 64, 7):
        byte = stream.read(1)
        if not byte:
            break
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("it is not an ONNX file")


def _demand(holds: object, key: str, what: str) -> None:
    if not holds:
        raise ValueError(f"the card's {key} must be {what}")


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LIMIT <= value <= LIMIT


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LIMIT


def _rows(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(row, Mapping) for row in value)


def _frozen(value: object) -> object:
    """Lists as tuples, so that a card that went through JSON equals the one it came from."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
