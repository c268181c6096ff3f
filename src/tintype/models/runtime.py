"""The run-time library, onnxruntime: the only place that imports it, so that it never reports to its maker.

From version 1.29 on it writes a device number and a database under the user's cache folder as soon as it is imported,
and sends events to its maker. `ORT_DISABLE_TELEMETRY=1` prevents that if it is set before the first import; on Windows
a call does.
"""

from __future__ import annotations

import os
import sys

SWITCH = "ORT_DISABLE_TELEMETRY"
"""The environment variable that onnxruntime reads. What the user has set stays; processes that we start inherit it."""

_decided_by_user = SWITCH in os.environ
os.environ.setdefault(SWITCH, "1")

import onnxruntime  # noqa: E402

if sys.platform == "win32" and not _decided_by_user:
    onnxruntime.disable_telemetry_events()

VERSION: str = onnxruntime.__version__


def open_session(
    model: str | os.PathLike[str] | bytes, threads: int, spinning: bool = True
) -> onnxruntime.InferenceSession:
    """A network of an ONNX file, or of its bytes, on the processor, silent.

    threads: processors of one run. spinning: whether its threads keep them busy while they wait for work.

    Raises what onnxruntime raises, which has no base class of its own.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if not spinning:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = model if isinstance(model, bytes) else os.fspath(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
