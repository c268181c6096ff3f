"""All methods trained alike, with as many seeds as their claims need: ROOT/seed-K/runs/NAME.

Repeat the command to continue: what is complete is skipped, and a run that was killed goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from msgspec.structs import replace

from benchmarks.comparison.methods import BUDGETS, CONFIGS, METHODS, WARMUP, is_complete
from benchmarks.comparison.seeds import ENOUGH, RUNS
from tintype.errors import OptionError, TintypeError
from tintype.threads import available_threads
from tintype.training import checkpoint
from tintype.training.batches import Batch
from tintype.training.config import Config, Data, read
from tintype.training.inputs import demand, load_photographs, parts
from tintype.training.loop import Loaded, Run
from tintype.training.objective import Objective
from tintype.training.pace import clock

VALIDATIONS = 20
"""Of a run, at equal distances."""
TRIED = 3
"""Batches of each method in a trial."""

WEIGHTS = ("loss.vgg", "loss.lpips_network", "loss.lpips_weights", "network.encoder", "network.semantic")
"""Keys under which configurations name files of weights."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is to be trained, and from what."""

    root: Path
    samples: int
    """That each network learns from."""
    data: Data
    """The set: its folder, and the patterns of its shards."""
    weights: dict[str, str]
    """Key -> file, for the configurations that name a file under this key."""
    precision: str = "auto"

    def config(self, name: str, seed: int, samples: int, changes: Sequence[str] = ()) -> Config:
        """A method's configuration for a run.

        Raises:
            ConfigError: its file cannot be read.
        """
        path = CONFIGS / f"{name}.toml"
        known = read(path)
        words = [f"data.{key}={getattr(self.data, key)}" for key in ("folder", "train", "validation")]
        if self.data.limit is not None:
            words.append(f"data.limit={self.data.limit}")
        named = {f"loss.{key}": getattr(known.loss, key) for key in ("vgg", "lpips_network", "lpips_weights")}
        named |= {f"network.{key}": value for key, value in known.family_config().files().items()}
        words += [f"{key}={file}" for key, file in self.weights.items() if named.get(key)]
        config = read(path, [*words, f"seed={seed}", f"precision={self.precision}", *changes])
        steps = max(-(-samples // config.batch), 1)
        return replace(config, steps=steps, validate_every=max(steps // VALIDATIONS, 1))


@dataclass(frozen=True)
class Job:
    """A run: one method with one seed."""

    name: str
    seed: int
    folder: Path
    config: Config
    milliseconds: float
    """Processor time that a sample takes, as the table of methods says."""

    @property
    def samples(self) -> int:
        return self.config.steps * self.config.batch

    def left(self) -> float:
        """Seconds of the processor, by the table."""
        return 0.0 if is_complete(self.folder) else self.milliseconds / 1000 * self.samples


def jobs(plan: Plan, names: Sequence[str], seeds: Sequence[int], budgets: Sequence[str]) -> Iterator[Job]:
    """The runs in the order of their worth: every method with the first seed, then those that claims rest on with the
    others, then what tells whether these were trained for long enough.

    A method that is not of claims has the first seed alone.
    """
    claimed = [name for name in names if METHODS[name].seeds >= ENOUGH]
    for seed in seeds:
        for name in names if seed == seeds[0] else claimed:
            yield from _stages(plan, name, seed, plan.root, plan.samples)
    for budget in budgets:
        held = ["optimizer.schedule=hold", "optimizer.fall=0"] if budget == "held" else []
        for name in claimed:
            samples = round(BUDGETS[budget] * plan.samples)
            yield from _stages(plan, name, seeds[0], plan.root / budget, samples, held)


def _stages(plan: Plan, name: str, seed: int, root: Path, samples: int, changes: Sequence[str] = ()) -> Iterator[Job]:
    method, runs = METHODS[name], root / f"seed-{seed}" / RUNS
    if method.before:
        # Not among the runs: it is no method of its own.
        folder = root / "first" / f"seed-{seed}" / RUNS / method.before
        first = plan.config(method.before, seed, round(WARMUP * samples), changes)
        yield Job(method.before, seed, folder, first, method.milliseconds)
        samples -= first.steps * first.batch
        changes = [*changes, f"start={folder / 'last.pt'}"]
    yield Job(name, seed, runs / name, plan.config(name, seed, samples, changes), method.milliseconds)


def train(found: Sequence[Job], say: Say, until: float | None = None) -> list[str]:
    """Train what is not complete; what was left out and why, a sentence each.

    Args:
        until: stop by this time of the monotonic clock, with a checkpoint.
    Raises:
        OptionError: a folder holds runs of another length.
    """
    for job in found:
        _check_length(job)
    loaded, wrong, factor = Photographs(), [], Factor()
    for number, job in enumerate(found, 1):
        if is_complete(job.folder):
            continue
        left = sum(other.left() for other in found[number - 1 :])
        say(
            f"{number} of {len(found)}: {job.name}, seed {job.seed}, {job.samples} samples, to {job.folder}; all that "
            f"is left takes about {clock(left * factor.value)}"
        )
        try:
            demand(job.config, fresh=not (job.folder / "last.pt").is_file())
            started, begun = time.monotonic(), _steps(job)
            run = Run(job.config, job.folder, say, photographs=loaded.of(job.config))
            done = run.train(None if until is None else max((until - started) / 60, 0))
            part = (run.step - begun) / job.config.steps
            factor.add((time.monotonic() - started) / max(part * job.milliseconds / 1000 * job.samples, 1e-9))
        except TintypeError as error:
            wrong.append(f"left out: {error}")
            say(wrong[-1])
            continue
        if not done:
            break
    return wrong


class Factor:
    """How much longer than by the table of methods the runs take here."""

    def __init__(self) -> None:
        self.value = 1 / available_threads()
        self._seen: list[float] = []

    def add(self, value: float) -> None:
        self._seen.append(value)
        self.value = statistics.median(self._seen)


class Photographs:
    """Those of the last run, which the next one mostly learns from too."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._loaded: Loaded | None = None

    def of(self, config: Config) -> Loaded:
        data = config.data
        key = (data.folder, data.train, data.validation, data.sources, data.limit, data.validation_limit, data.memory)
        if self._loaded is None or key != self._key:
            self._loaded = None
            self._key, self._loaded = key, load_photographs(config)
        return self._loaded


def _steps(job: Job) -> int:
    last = job.folder / "last.pt"
    return int(checkpoint.load(last)["step"]) if last.is_file() else 0


def _check_length(job: Job) -> None:
    """Refuse to prolong a run: its rate has followed its own length."""
    last = job.folder / "last.pt"
    if last.is_file() and (steps := checkpoint.load(last)["config"]["steps"]) != job.config.steps:
        raise OptionError(
            f"{job.folder} holds a run of {steps * job.config.batch} samples, not {job.samples}; give its --samples, "
            "or another folder with -o"
        )


class Timed(Run):
    """Keeps the processor time of each batch."""

    def __init__(self, config: Config, folder: Path, photographs: Loaded):
        super().__init__(config, folder, lambda line: None, photographs=photographs)
        self.taken: list[float] = []

    def _step(self, batch: Batch, objective: Objective) -> bool:
        before = time.process_time()
        learnt = super()._step(batch, objective)
        self.taken.append(time.process_time() - before)
        return learnt


def rates(plan: Plan, names: Sequence[str], say: Say) -> list[str]:
    """Try every method on a few batches, in a folder that is thrown away; what cannot be trained, a sentence each.

    Says the processor time of a sample that the network learns from, the critic's share included, validations not.
    """
    wrong, loaded = [], Photographs()
    for name in names:
        with TemporaryDirectory() as folder:
            for job in _stages(plan, name, 1, Path(folder), 0):
                config = job.config
                # Long enough for NoGAN's three parts.
                steps = TRIED * (2 if config.adversarial.starts else 1)
                config = replace(config, steps=steps, early=(), data=replace(config.data, validation_limit=1))
                try:
                    demand(config)
                    run = Timed(config, job.folder, loaded.of(config))
                    run.train()
                except TintypeError as error:
                    wrong.append(f"left out: {error}")
                    say(wrong[-1])
                    break
                # The first batch also pays for what is made once.
                each = statistics.median(run.taken[1:]) * run.batches / run.step / config.batch
                say(f"{job.name:20} {1000 * each:6.1f} ms a sample")
    return wrong


def run(o: argparse.Namespace) -> list[str]:
    """Train as the arguments say; what was left out, a sentence each.

    Raises:
        OptionError: a method is unknown, or the folder holds runs of another length.
        DataError: the set is not there.
    """
    asked = o.methods or list(METHODS)
    if unknown := [name for name in asked if name not in METHODS]:
        raise OptionError(f"no method is named {', '.join(unknown)}; there are {', '.join(METHODS)}")
    weights = dict(word.partition("=")[::2] for word in o.weights)
    if wrong := [key for key, file in weights.items() if key not in WEIGHTS or not file]:
        raise OptionError(f"--weights {wrong[0]}: give KEY=FILE, with one of the keys {', '.join(WEIGHTS)}")
    if hasattr(os, "nice"):
        os.nice(o.nice)
    torch.set_num_threads(o.threads)
    data = Data(folder=o.data, train=o.train, validation=o.validation, limit=o.first)
    plan = Plan(o.output, o.samples, data, weights, o.precision)
    names = [name for name in METHODS if name in asked]
    found = list(jobs(plan, names, o.seeds, o.budgets))
    parts(found[0].config)

    def say(line: str) -> None:
        print(line, flush=True)

    if o.trial:
        return rates(plan, names, say)
    until = None if o.max_minutes is None else time.monotonic() + 60 * o.max_minutes
    return train(found, say, until)
