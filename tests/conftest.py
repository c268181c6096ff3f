"""What the tests of more than one room need."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from small_models import write_model


def _flags() -> list[str]:
    """What the processor can do, where the system tells."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("flags")[2].partition("\n")[0].split()
    except OSError:
        return []


# Tests run side by side, a process for each processor, in which torch shall not start a thread for each once more.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Each process keeps to one processor: threads of two tests that wait for each other take longer than one thread each.
if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and hasattr(os, "sched_setaffinity"):
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {processors[int(worker.removeprefix("gw")) % len(processors)]})

# On processors with AVX2 and no AVX-512, the oneDNN in torch 2.13 writes beyond its memory in the backward pass of nets
# as small as those of the tests, and the process is aborted.
if "avx2" in _flags() and not any(flag.startswith("avx512") for flag in _flags()):
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX")

# How long an example takes says something of the machine, and nothing of the package.
settings.register_profile("tintype", deadline=None)
settings.load_profile("tintype")

# A shell that runs the tests in the background has told them to ignore Ctrl-C, and so the programs that they start;
# those shall hear it as in a terminal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def build_model(tmp_path):
    """`build_model(**changes)` writes a small model (see `write_model`) and returns its path."""
    number = iter(range(100))

    def build(**changes) -> Path:
        return write_model(tmp_path / f"model{next(number)}.onnx", **changes)

    return build


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    """A small model that takes hints and temperature: a* = 0.2 L* + 10, b* = 20 - 0.4 L*."""
    return write_model(tmp_path_factory.mktemp("models") / "tiny.onnx", hints=True, temperature=True)
