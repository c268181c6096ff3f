"""A released model: an ONNX file that keeps the contract, and its card."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.resources import as_file
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tintype.errors import DeviceError, HintError, ModelError, OptionError
from tintype.models.card import Card
from tintype.models.catalog import DEFAULT, card_in, name_of, own_file, shipped, unusable
from tintype.models.device import DEVICES, MOST, PROVIDERS, Device, absence, checked_device
from tintype.models.offload import Offload
from tintype.models.runtime import PACKAGE, Failure, Port, Session, installed
from tintype.settings import checked_threads
from tintype.threads import available_threads

INPUTS = {"lightness": 1, "hints": 3, "temperature": None}
"""What a model may take: the channels of float32 [n, channels, h, w]; None: a scalar."""

TRIAL = 30.0
"""Seconds that the trial run at opening may take: one of a sound model takes hundredths."""


def load(name_or_path: str | os.PathLike[str] = DEFAULT, threads: int | None = None, device: Device = "cpu") -> Model:
    """Open a model that ships with tintype by its name, or any file that keeps the contract by its path.

    threads: processors for one prediction; default: all that this process may use. The results do not depend on it.
    device: where it computes: 'cpu', 'cuda', 'directml', 'coreml' or 'openvino'; 'auto': the first of cuda,
        directml and openvino that works here, else the CPU.

    Raises ModelError, one sentence, when the model is unknown or breaks the contract, and DeviceError when the device
    cannot be used.
    """
    return Model(name_or_path, threads, device)


def devices() -> dict[str, str]:
    """Every device, and the sentence that says why it cannot be used here, empty where it can: each is tried."""
    faults: dict[str, str] = dict.fromkeys(DEVICES[1:], "")
    for device in DEVICES[1:]:
        try:
            Model("tintype.mini", device=device)
        except DeviceError as error:
            faults[device] = str(error)
    return faults


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network says of one photograph."""

    ab: NDArray[np.float32]
    """float32 [2, h', w'], CIE a*b*."""
    logits: NDArray[np.float32] | None = None
    """float32 [Q, h', w'] over the bins of the model's card; None where they were not asked for."""


class Model:
    """An open model. It may be used from several threads at once.

    model = load()
    ab = model.predict(lightness).ab    # lightness: float32 [h, w]; h and w multiples of model.card.stride

    On another device than the CPU, threads that predict at the same time are served by one run, where what they show
    has the same shape. What the device fails on is computed on the CPU; a TintypeWarning says so once.
    """

    card: Card
    device: str = "cpu"
    """Where it computes: 'cpu', 'cuda', 'directml', 'coreml' or 'openvino'."""

    def __init__(
        self, name_or_path: str | os.PathLike[str] = DEFAULT, threads: int | None = None, device: Device = "cpu"
    ):
        self.source = name_or_path
        self.threads = None if threads is None else checked_threads(threads)
        self._asked = checked_device(device)
        self._devices = _candidates(self._asked)
        self._offload: Offload | None = None
        shipping = shipped().get(os.fspath(name_or_path))
        with as_file(shipping) if shipping is not None else nullcontext(own_file(name_or_path)) as path:
            self.card = card_in(path)
            self.name = self.card.name if shipping is not None else name_of(self.card, path)
            """What it is called in pictures, tables, messages and marks: the card's name, if that is its own."""
            self._open(path)
            self._place(path)

    def __reduce__(self) -> tuple[Callable[..., Model], tuple[str | os.PathLike[str], int | None, Device]]:
        # Sent to another process, a model is opened there anew.
        return load, (self.source, self.threads, self._asked)

    @property
    def takes_hints(self) -> bool:
        return "hints" in self._inputs

    @property
    def takes_temperature(self) -> bool:
        return "temperature" in self._inputs

    @property
    def batch(self) -> int:
        """How many photographs of 2:3 at the model's own size may wait for one run together; 1 on the CPU."""
        if self._offload is None:
            return 1
        return max(1, min(MOST, self._offload.pixels * 2 // (3 * self.card.size**2)))

    def predict(
        self,
        lightness: NDArray[np.floating],
        hints: NDArray[np.floating] | None = None,
        temperature: float | None = None,
        *,
        logits: bool = False,
        watch: Callable[[], object] | None = None,
    ) -> Prediction:
        """What the network says of one photograph, in one pass.

        lightness: float32 [h, w], CIE L* 0..100; h and w are multiples of `card.stride`.
        hints: float32 [3, h, w], a*, b* and mask 0..1; None: no hints.
        temperature: of the annealed mean, above 0; None: the card's.
        logits: give those of the distribution as well.
        watch: called a few times a second while the network works; what it raises ends the work.

        Raises HintError or OptionError when the model does not take what is given, ModelError when it fails, and when
        it has no distribution that could give logits.
        """
        if logits and self.card.bins is None:
            raise ModelError(f"The model {self.name} has no distribution over bins, so it gives no logits")
        return Prediction(
            *self._run(["ab", *(["logits"] if logits else [])], lightness, hints, temperature, watch=watch)
        )

    def _run(
        self,
        outputs: Sequence[str],
        lightness: NDArray[np.floating],
        hints: NDArray[np.floating] | None,
        temperature: float | None,
        *,
        limit: float | None = None,
        watch: Callable[[], object] | None = None,
    ) -> list[NDArray[np.float32]]:
        feed = self._feed(lightness, hints, temperature)
        try:
            if self._offload is None:
                results = self._session.run(outputs, feed, limit, watch)
            else:
                results = self._offload.run(outputs, feed, watch)
        except Failure as error:
            height, width = feed["lightness"].shape[2:]
            raise ModelError(f"The model {self.name} fails on a lightness of {width} x {height}: {error}") from error
        if not all(np.isfinite(result).all() for result in results):
            raise ModelError(f"The model {self.name} gives values that are not numbers: use another model file")
        return [result[0] for result in results]

    def _feed(
        self,
        lightness: NDArray[np.floating],
        hints: NDArray[np.floating] | None = None,
        temperature: float | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """The inputs of the graph. Raises as `predict`."""
        lightness = np.ascontiguousarray(lightness, np.float32)
        stride = self.card.stride
        if lightness.ndim != 2 or not lightness.size or lightness.shape[0] % stride or lightness.shape[1] % stride:
            raise ValueError(f"lightness must be [h, w] with sides that are multiples of {stride}: {lightness.shape}")
        feed = {"lightness": lightness[None, None]}
        if hints is not None:
            if not self.takes_hints:
                raise HintError(f"The model {self.name} takes no hints: leave them out, or choose a model that does")
            hints = np.ascontiguousarray(hints, np.float32)
            if hints.shape != (3, *lightness.shape):
                raise ValueError(f"hints must be {(3, *lightness.shape)}, not {hints.shape}")
            feed["hints"] = hints[None]
        elif self.takes_hints:
            feed["hints"] = np.zeros((1, 3, *lightness.shape), np.float32)
        if temperature is not None and not self.takes_temperature:
            raise OptionError(f"The model {self.name} has no temperature to set: leave the temperature out")
        if self.takes_temperature:
            feed["temperature"] = np.array(self.card.temperature if temperature is None else temperature, np.float32)
        return feed

    def _open(self, path: Path) -> None:
        try:
            # The runtime's own choice counts the processors of the host, not those of the container.
            self._session = Session(path, self.threads or available_threads())
        except Failure as error:
            raise unusable(path, f"onnxruntime does not open it ({error})") from None
        self._inputs = {port.name: port for port in self._session.inputs}
        outputs = {port.name: port for port in self._session.outputs}
        fault = _fault_of_inputs(self._inputs, self.card) or _fault_of_outputs(outputs, self.card)
        if fault:
            raise unusable(path, fault)
        fault = self._fault_of_trial()
        if fault:
            raise unusable(path, fault)

    def _place(self, path: Path) -> None:
        """Move to the first device that works. Raises DeviceError where only one was asked for, and it does not."""
        for device in self._devices:
            try:
                session = Session(path, self.threads or available_threads(), device=device)
                self._offload = Offload(session, self._session, PROVIDERS[device].batch, self._trials())
            except Failure as error:
                if self._asked != "auto":
                    raise DeviceError(
                        f"The device {device} cannot be used for the model {self.name} ({error}): "
                        "mend that, or choose the device cpu"
                    ) from None
            else:
                self.device = device
                return

    def _trials(self) -> list[dict[str, NDArray[np.float32]]]:
        """Two pictures that differ, with light and dark in them."""
        y, x = np.mgrid[: 2 * self.card.stride, : 3 * self.card.stride] / self.card.stride
        return [self._feed(50 + 20 * np.sin(6 * x + turn) + 25 * np.cos(9 * y * x)) for turn in (0, 2)]

    def _fault_of_trial(self) -> str | None:
        """Run the smallest picture that shows a confusion of height and width; what is wrong, in a few words."""
        height, width = 2 * self.card.stride, 3 * self.card.stride
        try:
            gray = np.full((height, width), 50, np.float32)
            ab, *logits = self._run(["ab", *(["logits"] if self.card.bins else [])], gray, None, None, limit=TRIAL)
        except ModelError as error:
            return str(error).rstrip(".")
        if self.card.bins is not None and (logits[0].ndim != 3 or len(logits[0]) != len(self.card.bins)):
            return f"its output logits is {[1, *logits[0].shape]}, but its card has {len(self.card.bins)} bins"
        if ab.ndim != 3 or ab.shape[0] != 2 or ab.shape[1] * width != ab.shape[2] * height:
            return f"its output ab is {[1, *ab.shape]} for a lightness of {[1, 1, height, width]}"
        return None


def _candidates(asked: Device) -> list[str]:
    """The devices to try before the CPU. Raises DeviceError where that which was asked for is not installed."""
    if asked == "cpu":
        return []
    here = installed()
    if asked == "auto":
        return [device for device in here if device != "cpu" and PROVIDERS[device].auto]
    if asked not in here:
        raise DeviceError(absence(asked, here, PACKAGE))
    return [asked]


def _fault_of_inputs(inputs: Mapping[str, Port], card: Card) -> str | None:
    unknown = [name for name in inputs if name not in INPUTS]
    if unknown:
        return f"it has an input '{unknown[0]}', which the contract does not know"
    if "lightness" not in inputs:
        return "it has no input 'lightness'"
    for name, value in inputs.items():
        channels = INPUTS[name]
        shape = value.shape
        if value.type != "tensor(float)":
            return f"its input {name} is {value.type}, not float32"
        if channels is None:
            if shape:
                return f"its input {name} is {_shown(shape)}, not a scalar"
        elif len(shape) != 4 or shape[1] != channels or any(isinstance(shape[axis], int) for axis in (0, 2, 3)):
            return f"its input {name} is {_shown(shape)}, not [n, {channels}, h, w] with n, h and w free"
    if "temperature" in inputs and card.temperature is None:
        return "it has an input 'temperature', but its card gives no default for it"
    if "temperature" not in inputs and card.temperature is not None:
        return "its card gives a temperature, but it has no such input"
    return None


def _fault_of_outputs(outputs: Mapping[str, Port], card: Card) -> str | None:
    if "ab" not in outputs:
        return "it has no output 'ab'"
    if ("logits" in outputs) != (card.bins is not None):
        have, lack = ("an output 'logits'", "bins in its card") if card.bins is None else ("bins in its card", "logits")
        return f"it has {have} but no {lack}"
    channels = {"ab": 2, "logits": card.bins and len(card.bins)}
    for name in channels.keys() & outputs.keys():
        value, expected = outputs[name], channels[name]
        if value.type != "tensor(float)":
            return f"its output {name} is {value.type}, not float32"
        # A dimension may be left open in the file; the trial run sees the true one.
        shape = value.shape
        if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != expected):
            return f"its output {name} is {_shown(shape)}, not [n, {expected}, h', w']"
    return None


def _shown(shape: Sequence[int | str | None]) -> str:
    return "[" + ", ".join("?" if side is None else str(side) for side in shape) + "]"
