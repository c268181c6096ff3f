"""The run-time library, onnxruntime: the only place that imports it, so that it never reports to its maker.

From version 1.29 on it writes a device number and a database under the user's cache folder as soon as it is imported,
and sends events to its maker. `ORT_DISABLE_TELEMETRY=1` prevents that if it is set before the first import; on Windows
a call does.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tintype.models.device import PROVIDERS

SWITCH = "ORT_DISABLE_TELEMETRY"
"""The environment variable that onnxruntime reads. What the user has set stays; processes that we start inherit it."""

_decided_by_user = SWITCH in os.environ
os.environ.setdefault(SWITCH, "1")

import onnxruntime  # noqa: E402

if sys.platform == "win32" and not _decided_by_user:
    onnxruntime.disable_telemetry_events()

VERSION: str = onnxruntime.__version__

PACKAGE: str = onnxruntime.package_name or "onnxruntime"
"""The wheel that is installed: which devices there are depends on it."""

TICK = 0.2
"""Seconds after which a run looks whether it should stop."""

GRACE = 5.0
"""Seconds that a run which was told to stop has left: it stops between two nodes of its graph, and one may be long."""


MEMORY = (
    *("allocate memory", "out of memory", "outofmemory", "not enough memory", "exceeded max size of memory"),
    *("alloc_failed", "bad_alloc", "bad allocation", "8007000e", "mem_object_allocation_failure"),
)
"""What providers say, in small letters, where memory is wanting: they have no error of its own for it."""

_turn = threading.Lock()
"""Held by a run on another device than the CPU: DirectML does not know two at once, and on one GPU they gain little."""


class Failure(Exception):
    """A network cannot be opened or run; the gist of what onnxruntime says, whose own errors have no base class."""


class OutOfMemory(Failure):
    """There is too little memory for a run, on the device or in the machine."""


def installed() -> tuple[str, ...]:
    """The devices for which onnxruntime has a provider here, in the order in which to try them. They may be broken."""
    _register_plugins()
    known = onnxruntime.get_available_providers()
    return (*(device for device, provider in PROVIDERS.items() if provider.name in known), "cpu")


@cache
def _register_plugins() -> None:
    """Let onnxruntime know of the providers that are installed beside it as packages of their own."""
    if find_spec("onnxruntime_ep_openvino") is None or not hasattr(onnxruntime, "register_execution_provider_library"):
        return
    name = PROVIDERS["openvino"].name
    if name not in onnxruntime.get_available_providers():
        from onnxruntime_ep_openvino import get_library_path

        # One that does not load is as good as none: what is there is named where a device is missing.
        with contextlib.suppress(Exception):
            onnxruntime.register_execution_provider_library(name, get_library_path())


class Port(Protocol):
    """An input or output of a network."""

    name: str
    type: str
    """Such as 'tensor(float)'."""
    shape: list[int | str | None]
    """A side that is free is a name or None."""


class Session:
    """A network of an ONNX file, or of its bytes, on one device, silent. Several threads may use it at once.

    threads: processors of one run. spinning: whether its threads keep them busy while they wait for work. device: one
    of those that are `installed`.

    Raises Failure.
    """

    def __init__(self, model: str | os.PathLike[str] | bytes, threads: int, spinning: bool = True, device: str = "cpu"):
        self.device = device
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        if not spinning:
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        source = model if isinstance(model, bytes) else os.fspath(model)
        try:
            if device == "cpu":
                self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
            else:
                self._session = _on_device(source, options, threads, device)
        except Exception as error:
            raise _failure(error) from error
        self.inputs: Sequence[Port] = self._session.get_inputs()
        self.outputs: Sequence[Port] = self._session.get_outputs()

    def run(
        self,
        outputs: Sequence[str] | None,
        feed: Mapping[str, NDArray[np.float32]],
        limit: float | None = None,
        watch: Callable[[], object] | None = None,
    ) -> list[NDArray[Any]]:
        """The outputs of that name, or all.

        A graph may run for ever. So it runs in a thread of its own, and this one ends it on Ctrl-C or another signal
        that raises, after `limit` seconds, or when `watch`, called a few times a second, raises.

        Raises Failure, also at the limit, and what a signal or `watch` raises.
        """
        options = onnxruntime.RunOptions()
        results: list[list[NDArray[Any]]] = []
        failures: list[BaseException] = []
        done = threading.Event()

        def work() -> None:
            try:
                with _turn if self.device != "cpu" else contextlib.nullcontext():
                    results.append(self._session.run(outputs, feed, options))
            except BaseException as error:
                failures.append(error)
            finally:
                done.set()

        begin = time.monotonic()
        threading.Thread(target=work, name="network", daemon=True).start()
        try:
            while not done.wait(TICK):
                if watch is not None:
                    watch()
                if limit is not None and time.monotonic() - begin > limit:
                    raise Failure(f"it takes more than {limit:g} seconds")
        except BaseException:
            options.terminate = True
            done.wait(GRACE)
            raise
        if failures:
            raise _failure(failures[0]) from failures[0]
        return results[0]


def _on_device(
    source: str | bytes, options: onnxruntime.SessionOptions, threads: int, device: str
) -> onnxruntime.InferenceSession:
    """Open a network on another device than the CPU, which takes what the provider cannot do. Raises what went wrong.

    onnxruntime itself goes on without a provider that does not work, and says why on standard error.
    """
    provider = PROVIDERS[device]
    settings = dict(provider.options)
    options.enable_mem_pattern = provider.patterns
    if device == "openvino":
        settings["num_of_threads"] = str(threads)
    if device == "cuda" and hasattr(onnxruntime, "preload_dlls"):
        # Finds what pip installed. What it prints would stand among the results on standard output.
        with contextlib.redirect_stdout(io.StringIO()):
            onnxruntime.preload_dlls()
    onnxruntime.set_default_logger_severity(4)
    try:
        places = _places(provider.name)
        if places:
            options.add_provider_for_devices(places[:1], settings)
            session = onnxruntime.InferenceSession(source, options, enable_fallback=0)
        else:
            if device == "openvino":
                settings["device_type"] = "GPU" if _openvino_sees_gpu() else "CPU"
            session = onnxruntime.InferenceSession(
                source, options, providers=[(provider.name, settings), "CPUExecutionProvider"], enable_fallback=0
            )
    finally:
        onnxruntime.set_default_logger_severity(2)
    if provider.name not in session.get_providers():
        raise Failure(_unloadable(device) or "its driver or one of its libraries is missing")
    return session


def _places(provider: str) -> list[onnxruntime.OrtEpDevice]:
    """Where a provider that is a package of its own can compute, GPUs first; none for those that are built in."""
    if not hasattr(onnxruntime, "get_ep_devices"):
        return []
    kinds = onnxruntime.OrtHardwareDeviceType
    places = [place for place in onnxruntime.get_ep_devices() if place.ep_name == provider]
    # Units for neural networks alone compute in 16 bits.
    return sorted(
        (place for place in places if place.device.type != kinds.NPU), key=lambda place: place.device.type != kinds.GPU
    )


def _openvino_sees_gpu() -> bool:
    from onnxruntime.capi import _pybind_state

    find = getattr(_pybind_state, "get_available_openvino_device_ids", list)
    return any(str(place).startswith("GPU") for place in find())


def _unloadable(device: str) -> str | None:
    """What the system says of the library of a provider, where that is a file; None where it can be loaded."""
    folder = Path(onnxruntime.__file__).parent / "capi"
    for library in folder.glob(f"*onnxruntime_providers_{device}.*"):
        try:
            ctypes.CDLL(os.fspath(library))
        except OSError as error:
            return str(error)
    return None


def _failure(error: BaseException) -> Failure:
    if isinstance(error, Failure):
        return error
    text = str(error).lower()
    if any(words in text for words in MEMORY):
        return OutOfMemory("it needs more memory than there is")
    return Failure(_gist(error))


def _gist(error: BaseException) -> str:
    """Of an exception of onnxruntime, whose texts run over many lines."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = lines[0].split(" : ")[-1].strip().rstrip(".")
    return text[:200] or type(error).__name__
