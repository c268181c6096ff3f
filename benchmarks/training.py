"""What does the training loop cost beside a plain one, and how much of the machine does training use?

    python -m benchmarks.training DATA [--steps 12] [--batch 32] [--side 128] [--width 64 7]

1. The eccv16 family at full width and at a small one, photographs per second of three ways that take turns, step by
   step: a plain loop, which is forward, loss, backward, clipping and the optimizer over batches that are there already;
   the step of our loop on the same batches, which also keeps the averaged weights, the schedule and the log's sums; and
   our step with the loader that makes each batch. The plain loop has a network of its own, with the same weights.
2. The flagship by our step with the loader, as photographs per second and as a share of the machine's peak: the most
   floating-point operations per second of any matrix product or convolution below, in the precision of the training.

Medians over steps after the first two; operations as torch.utils.flop_counter counts them, forward and backward.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from tintype import losses
from tintype.data.shards import Held, Photographs, shard_paths
from tintype.threads import available_threads
from tintype.training.batches import Batch, Batches
from tintype.training.config import Config, from_dict, read
from tintype.training.loop import Run
from tintype.training.objective import Objective, class_weights
from tintype.training.prior import own_prior

PHOTOGRAPHS = 500
"""Number of photographs of the set that are used."""
READY = 4
"""Batches that the plain loop turns over."""
WARM = 2
MATRICES = ((1024, 1024, 1024), (2048, 2048, 2048), (4096, 4096, 4096), (16384, 512, 512))
"""Rows, inner, columns."""
CONVOLUTIONS = ((16, 64, 128), (32, 256, 32), (32, 512, 16))
"""Photographs, channels, side; 3x3."""


def seconds(ways: dict[str, Callable[[], None]], steps: int, device: torch.device) -> dict[str, float]:
    """The median time of each way, which take turns."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(steps + WARM):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if device.type == "cuda":
                torch.cuda.synchronize()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(each[WARM:]) for name, each in times.items()}


class Bench:
    """One configuration on some photographs."""

    def __init__(self, config: Config, held: Held, folder: str):
        self.run = Run(config, folder, say=lambda line: None)
        # With the precision that was chosen for this machine.
        self.config = config = self.run.config
        self.device = self.run.device
        table = self.run.target.bins.cpu().double().numpy()
        self.prior = own_prior(held, table, sample=200)
        self.objective = Objective(config, self.run.target, self.prior)
        data, scale = config.data, self.run.network.scale
        self.batches = Batches(held, config.batch, data.side, data.augmentation, config.seed, data.threads, scale=scale)
        self.stream = self.batches.stream(0, 10**6)

    def ready(self) -> list[Batch]:
        return [self.batches.batch(step).to(self.device) for step in range(READY)]

    def step(self, batch: Batch) -> None:
        """A step of our loop."""
        self.run._step(batch.to(self.device), self.objective)

    def plain(self) -> Callable[[Batch], None]:
        """A step of a loop as one writes it by hand, on a copy of the network."""
        config, device = self.config, self.device
        network = type(self.run.network)(config.family_config(), self.run.target.channels).to(device)
        network.load_state_dict(self.run.network.state_dict())
        network.to(memory_format=torch.channels_last).train()
        o = config.optimizer
        optimizer = torch.optim.AdamW(network.parameters(), o.rate, betas=o.betas, weight_decay=o.decay)
        table = self.run.target.bins.cpu().double().numpy()
        codes = losses.SoftCodes(table, config.loss.neighbours, config.loss.sigma)
        balance = torch.tensor(class_weights(config.loss, self.prior, table), dtype=torch.float32, device=device)

        def step(batch: Batch) -> None:
            with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
                logits = network(batch.lightness.contiguous(memory_format=torch.channels_last))
            loss = losses.cross_entropy(logits, *codes(batch.ab), balance)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), o.clip)
            optimizer.step()

        return step

    def operations(self) -> float:
        """Of one step, forward and backward, per photograph."""
        (batch, *_) = self.ready()
        with FlopCounterMode(display=False) as counter:
            self.step(batch)
        return counter.get_total_flops() / len(batch.ab)


def peak(device: torch.device, dtype: torch.dtype, shrink: int = 1) -> tuple[float, float]:
    """The most operations per second of a matrix product and of a convolution."""

    def best(works: list[tuple[Callable[[], object], float]]) -> float:
        rates = []
        for work, operations in works:
            times = seconds({"": work}, 10, device)
            rates.append(operations / times[""])
        return max(rates)

    products, convolutions = [], []
    for m, k, n in MATRICES:
        m, k, n = m // shrink, k // shrink, n // shrink
        a, b = (torch.randn(shape, device=device).to(dtype) for shape in ((m, k), (k, n)))
        products.append((lambda a=a, b=b: a @ b, 2.0 * m * k * n))
    for n, c, side in CONVOLUTIONS:
        c, side = c // shrink, side // shrink
        x = torch.randn(n, c, side, side, device=device).to(dtype, memory_format=torch.channels_last)
        w = torch.randn(c, c, 3, 3, device=device).to(dtype, memory_format=torch.channels_last)
        convolutions.append((lambda x=x, w=w: functional.conv2d(x, w, padding=1), 18.0 * n * c * c * side * side))
    with torch.inference_mode():
        return best(products), best(convolutions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--width", type=int, nargs="+", default=[64, 7])
    parser.add_argument("--flagship", default="configs/tintype.v1.toml")
    parser.add_argument("--photographs", type=int, default=PHOTOGRAPHS)
    parser.add_argument("--shrink", type=int, default=1, help="of the work that the peak is measured by, to try it out")
    given = parser.parse_args()
    torch.set_num_threads(available_threads())
    held = Held(Photographs(shard_paths(given.data), given.photographs))
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, medians of {given.steps} steps")
    with tempfile.TemporaryDirectory() as folder:
        for width in given.width:
            compare(width, held, given, Path(folder) / str(width))
        flagship = read(given.flagship, [f"data.folder={given.data}", "steps=1000000", "start=", "network.encoder="])
        bench = Bench(flagship, held, Path(folder) / "flagship")
        dtype = torch.bfloat16 if bench.config.precision == "bfloat16" else torch.float32
        product, convolution = peak(bench.device, dtype, given.shrink)
        operations = bench.operations()
        ways = {"": lambda: bench.step(next(bench.stream))}
        speed = flagship.batch / seconds(ways, given.steps, bench.device)[""]
        bench.stream.close()
    reached, best = speed * operations, max(product, convolution)
    print(f"\nmachine, {bench.config.precision}: products {product:.3g}, convolutions {convolution:.3g} FLOP/s at best")
    print(
        f"{flagship.name}, batches of {flagship.batch} at {flagship.data.side} px: {speed:.1f} photographs/s, "
        f"{operations:.3g} FLOP each, {reached:.3g} FLOP/s, {reached / best:.0%} of the peak"
    )


def compare(width: int, held: Held, given: argparse.Namespace, folder: Path) -> None:
    """Our loop against a plain one, on the eccv16 family."""
    data = {"folder": given.data, "side": given.side, "augmentation": {"smallest_crop": 0.6, "mirror": 0.5}}
    values = {"name": "eccv16.benchmark", "family": "eccv16", "steps": 10**6, "batch": given.batch, "data": data}
    config = from_dict({**values, "network": {"width": width}, "loss": {"cross_entropy": 1.0}})
    bench = Bench(config, held, folder)
    plain, ready = bench.plain(), cycle(bench.ready())
    found = seconds(
        {
            "plain loop": lambda: plain(next(ready)),
            "our step": lambda: bench.step(next(ready)),
            "our step with its loader": lambda: bench.step(next(bench.stream)),
        },
        given.steps,
        bench.device,
    )
    bench.stream.close()
    print(f"\neccv16, width {width}, batches of {given.batch} at {given.side} px, {bench.device}")
    for name, each in found.items():
        print(f"  {name:26}{given.batch / each:9.1f} photographs/s {each / found['plain loop'] - 1:+8.1%} time")


if __name__ == "__main__":
    main()
