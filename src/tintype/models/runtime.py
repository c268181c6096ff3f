"""The run-time library, onnxruntime: the only place that imports it, so that it never reports to its maker.

From version 1.29 on it writes a device number and a database under the user's cache folder as soon as it is imported,
and sends events to its maker. `ORT_DISABLE_TELEMETRY=1` prevents that if it is set before the first import; on Windows
a call does.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

SWITCH = "ORT_DISABLE_TELEMETRY"
"""The environment variable that onnxruntime reads. What the user has set stays; processes that we start inherit it."""

_decided_by_user = SWITCH in os.environ
os.environ.setdefault(SWITCH, "1")

import onnxruntime  # noqa: E402

if sys.platform == "win32" and not _decided_by_user:
    onnxruntime.disable_telemetry_events()

VERSION: str = onnxruntime.__version__

TICK = 0.2
"""Seconds after which a run looks whether it should stop."""

GRACE = 5.0
"""Seconds that a run which was told to stop has left: it stops between two nodes of its graph, and one may be long."""


class Failure(Exception):
    """A network cannot be opened or run; the gist of what onnxruntime says, whose own errors have no base class."""


class Port(Protocol):
    """An input or output of a network."""

    name: str
    type: str
    """Such as 'tensor(float)'."""
    shape: list[int | str | None]
    """A side that is free is a name or None."""


class Session:
    """A network of an ONNX file, or of its bytes, on the processor, silent. Several threads may use it at once.

    threads: processors of one run. spinning: whether its threads keep them busy while they wait for work.

    Raises Failure.
    """

    def __init__(self, model: str | os.PathLike[str] | bytes, threads: int, spinning: bool = True):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        if not spinning:
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        source = model if isinstance(model, bytes) else os.fspath(model)
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise Failure(_gist(error)) from error
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
            raise Failure(_gist(failures[0])) from failures[0]
        return results[0]


def _gist(error: BaseException) -> str:
    """Of an exception of onnxruntime, whose texts run over many lines."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = lines[0].split(" : ")[-1].strip().rstrip(".")
    return text[:200] or type(error).__name__
