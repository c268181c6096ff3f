"""A cluster of three nodes on this machine, small photographs for it, and what must be true after a run."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

import numpy as np
from PIL import Image

BAD = {
    "empty.jpg": "is empty",
    "cut.jpg": "is broken or cut short",
    "letter.jpg": "is a text file, not a photograph",
    "many/zeros.png": "is not a photograph",
}
"""Files that are no photographs, and what is said of them."""


@contextmanager
def three_nodes():
    """A cluster with two processors in each of its three nodes, to which this process is connected.

    Yields it and the third of its nodes.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    os.environ["RAY_BACKEND_LOG_LEVEL"] = "fatal"
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 2, "object_store_memory": 80 << 20}
    cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    try:
        last = [cluster.add_node(**node) for _ in range(2)][-1]
        ray.init(cluster.address, log_to_driver=False, logging_level=logging.CRITICAL)
        yield cluster, last
    finally:
        ray.shutdown()
        cluster.shutdown()


def actors() -> list[int]:
    """The processes that colour photographs, by their numbers."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if Path("/proc", process, "cmdline").read_bytes().startswith(b"ray::MapWorker"):
                found.append(int(process))
    return found


def write_photographs(folder: Path, count: int, size=(128, 96)) -> None:
    """Gray photographs, each another one, in two folders; and those of BAD."""
    (folder / "many").mkdir(parents=True)
    rows, columns = np.mgrid[: size[1], : size[0]]
    noise = np.random.default_rng(1).normal(0, 6, size[::-1])
    for number in range(count):
        waves = 128 + 80 * np.sin(columns / (7 + number % 50) + number) * np.cos(rows / 11)
        picture = Image.fromarray((waves + noise).clip(0, 255).astype(np.uint8))
        picture.save(folder / ("many" if number % 3 else "") / f"p{number:04}.jpg", quality=80)
    whole = (folder / "p0000.jpg").read_bytes()
    contents = {
        "empty.jpg": b"",
        "cut.jpg": whole[: len(whole) // 3],
        "letter.jpg": b"Dear Anna,\n",
        "many/zeros.png": bytes(999),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def hashes(folder: Path) -> dict[str, str]:
    """A digest of each file below a folder, hidden ones left out, by its path from there on."""
    return {
        path.relative_to(folder).as_posix(): blake2b(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def kill(process: int) -> bool:
    """End a process at once; whether there was one."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
