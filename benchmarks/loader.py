"""Does training wait for its photographs?

    python -m benchmarks.loader DATA [--config configs/tintype.v1.toml] [--steps 12]

Photographs per second of: the training step on one batch that is there already (no loader); the loader on its own, held
in memory and streamed from the shards; and both together, in each way. Medians over steps after the first two.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from fnmatch import fnmatch

import torch

from tintype.data.shards import Held, Photographs, shard_paths
from tintype.threads import available_threads
from tintype.training.batches import Batches, OnDevice
from tintype.training.config import read
from tintype.training.loop import Run
from tintype.training.objective import Objective
from tintype.training.prior import own_prior

PHOTOGRAPHS = 1000
"""Number of photographs of the set that are used."""


def speed(work, steps: int, size: int) -> float:
    """Photographs per second of `work`, called `steps` times."""
    times = []
    for _ in range(steps):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return size / statistics.median(times[2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--config", default="configs/tintype.v1.toml")
    parser.add_argument("--steps", type=int, default=12)
    given = parser.parse_args()
    torch.set_num_threads(available_threads())
    config = read(given.config, [f"data.folder={given.data}", "steps=1000000", "start=", "network.encoder="])
    shards = [path for path in shard_paths(given.data) if fnmatch(path.name, config.data.train)]
    stored = Photographs(shards, PHOTOGRAPHS)
    held = Held(stored)
    ways = {"held in memory": held, "streamed": stored}
    with tempfile.TemporaryDirectory() as folder:
        run = Run(config, folder, say=lambda line: None)
        objective = Objective(config, run.target, own_prior(held, sample=200))

        def batches(photographs):
            data = config.data
            made = (photographs, config.batch, data.side, data.augmentation, config.seed, data.threads)
            return Batches(*made, scale=run.network.scale)

        def train(batch) -> None:
            run._step(batch.to(run.device), objective)
            if run.device.type == "cuda":
                torch.cuda.synchronize()

        ready = batches(held).batch(0)
        print(f"{run.device}, {torch.get_num_threads()} threads, batches of {config.batch} at {config.data.side} px")
        print(f"{'step alone, without a loader':42}{speed(lambda: train(ready), given.steps, config.batch):9.1f} /s")
        if run.device.type == "cuda":
            ways = {"held on the GPU": OnDevice(held, run.device), **ways}
        for name, photographs in ways.items():
            stream = batches(photographs).stream(0, 10**6)
            alone = speed(lambda stream=stream: next(stream), given.steps, config.batch)
            print(f"{'loader alone, ' + name:42}{alone:9.1f} /s")
            both = speed(lambda stream=stream: train(next(stream)), given.steps, config.batch)
            print(f"{'step with the loader, ' + name:42}{both:9.1f} /s")
            stream.close()


if __name__ == "__main__":
    main()
