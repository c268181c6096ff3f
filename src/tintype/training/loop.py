"""The training loop, readable from top to bottom."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec.structs import replace
from numpy.typing import NDArray

from tintype import targets
from tintype.data.shards import Held, Photographs
from tintype.errors import ConfigError, TintypeError
from tintype.networks import families
from tintype.networks.family import Network, Output
from tintype.training import checkpoint, log, norms, optimizers, record, validation
from tintype.training.adversary import Adversary
from tintype.training.batches import AnyPhotographs, Augmentation, Batch, Batches, OnDevice
from tintype.training.config import Config, check_bins, to_dict
from tintype.training.device import autocast, pick_device, pick_precision, to_channels_last
from tintype.training.initialise import data_dependent
from tintype.training.inputs import load_photographs
from tintype.training.log import Log
from tintype.training.objective import Objective, main_head
from tintype.training.pace import Pace, clock
from tintype.training.prior import own_colours, prior_of
from tintype.training.processes import Processes
from tintype.training.terms import Sums
from tintype.version import __version__

OFTEN = 100
"""Steps between validations at least, where the configuration leaves them to us; few photographs make short epochs."""
FORETOLD = 5
"""Steps after which the time that is left is said for the first time."""
INITIAL_BATCHES = 4
"""On which data-dependent initialisation looks, and which the norms of a released model are measured on."""


Loaded = tuple[AnyPhotographs, Photographs | Held]
"""The photographs to train on, and those to validate on."""


class Run:
    """A training run in a folder: checkpoints, TensorBoard events, `log.jsonl`, `record.json`.

    Making it again on the same folder continues it. A step is an update of the network; batches on which a critic alone
    learns come on top.

    Args:
        say: is given each line that a person should read.
        watch: is given the pace every `log_every` steps; None: it is said.
        photographs: those that `load_photographs` gives for the configuration, where they were read before; None: they
            are read when they are needed.
    Raises:
        ConfigError: the folder holds another run, or the device, the family's weights or `start` cannot be used.
    """

    def __init__(
        self,
        config: Config,
        folder: str | Path,
        say: Callable[[str], None] = print,
        watch: Callable[[Pace], None] | None = None,
        photographs: Loaded | None = None,
    ):
        self.folder = Path(folder)
        self.processes = Processes(pick_device(config.device))
        self.device = self.processes.device
        self.config = config = replace(config, precision=pick_precision(config.precision, self.device))
        self.say = say if self.processes.first else lambda line: None
        self.watch = watch or (lambda pace: self.say(str(pace)))
        if config.batch % (self.processes.count * config.accumulate):
            raise ConfigError(
                f"batch = {config.batch} cannot be split among {self.processes.count} processes with "
                f"accumulate = {config.accumulate}; choose a multiple of {self.processes.count * config.accumulate}"
            )
        last = self.folder / "last.pt"
        state = checkpoint.load(last) if last.is_file() else None
        if state:
            checkpoint.check_same_run(config, state, last, self.say)
        # A run that starts from a released model is exported as that was, unless its card says otherwise.
        self.release = state.get("release") if state else checkpoint.release_of(config.start)
        self._loaded: Loaded | None = photographs
        bins = checkpoint.bins(state) if state else self._bins()
        self.target = targets.make(config.target, bins, config.data.gray == "value").to(self.device)
        self.prior = np.array(state["prior"]) if state and state.get("prior") else None
        torch.manual_seed(config.seed)
        self.network = config.make_network(self.target.channels)
        if not state:
            self._start()
        if not config.optimizer.encoder:
            self.network.freeze_encoder()
        families.get(config.family).try_out(self.network)
        self.network.to(self.device)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        to_channels_last(self.network)
        to_channels_last(self.average)
        self.optimizer = optimizers.make(config.optimizer, optimizers.groups(config.optimizer, self.network))
        self.adversary = None
        if config.adversarial.weight:
            self.adversary = Adversary(config, config.data.side // self.network.scale, self.device)
        # What is drawn from here on, such as dropout, is another in each process.
        if self.processes.count > 1:
            torch.manual_seed(config.seed + self.processes.rank)
        self.step, self.batches, self.best = 0, 0, math.inf
        self.spent = record.Spent()
        self.stopping = False
        self._sums = Sums()
        if state:
            self._resume(state)
            self.say(f"continuing {last} at step {self.step} of {config.steps}")

    def stop(self) -> None:
        """End the run after the step at hand, as if its time were up. May be called from a signal or a thread."""
        self.stopping = True

    def photographs(self) -> Loaded:
        """Those to train on and those to validate on, read once."""
        if self._loaded is None:
            self.say(f"reading photographs from {self.config.data.folder}")
            self._loaded = load_photographs(self.config)
        return self._loaded

    def _bins(self) -> NDArray[np.float64] | None:
        config, own = self.config, self.config.target.kind == "bins" and self.config.target.bins == "own"
        if own and config.start:
            # The weights to start from mean their own bins, whatever colours the photographs have now.
            table = checkpoint.bins_of(config.start.partition(",")[0])
            if table is None:
                raise ConfigError(f"{config.start}: has no bins to start from; set another target.bins than own")
            return table
        table = targets.table(config.target, lambda: np.concatenate(list(own_colours(self.photographs()[0]))))
        if own and table is not None:
            check_bins(config, table)
        return table

    def _start(self) -> None:
        if not self.config.start:
            families.get(self.config.family).load_pretrained(self.network)
            return
        try:
            if checkpoint.is_released(self.config.start):
                norms.load_folded(self.network, checkpoint.released(self.config.start))
            else:
                self.network.load_state_dict(checkpoint.mean(self.config.start.split(",")))
        except RuntimeError as error:
            raise ConfigError(
                f"{self.config.start}: holds another network than family and network describe; set them as they were"
            ) from error

    def _resume(self, state: dict[str, Any]) -> None:
        checkpoint.fill(self.network, state["network"], self.folder)
        checkpoint.fill(self.average, state["average"], self.folder)
        self.optimizer.load_state_dict(state["optimizer"])
        # The checkpoint's settings came along with the moments; it is the configuration that counts.
        kept, groups = (
            optimizers.averaging(self.config.optimizer),
            optimizers.groups(self.config.optimizer, self.network),
        )
        for group, wanted in zip(self.optimizer.param_groups, groups, strict=True):
            group.update({key: wanted[key] for key in ("share", "weight_decay")}, **kept)
        if self.adversary and state.get("adversary"):
            self.adversary.load_state_dict(state["adversary"], state["step"])
        self.step, self.best = state["step"], state["best"]
        self.batches = state.get("batches", self.step)
        self.spent = record.Spent.of(state)
        self._sums.restore(state, self.device)
        if "random" in state and self.processes.first:
            torch.set_rng_state(state["random"])
        if self.processes.first:
            log.forget_after(self.folder, self.step, self.batches)

    def _save(self, name: str) -> None:
        if not self.processes.first:
            return
        checkpoint.save(
            self.folder / name,
            {
                "config": to_dict(self.config),
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "adversary": self.adversary.state_dict() if self.adversary else None,
                "bins": None if self.target.bins is None else self.target.bins.tolist(),
                "prior": None if self.prior is None else self.prior.tolist(),
                "release": self.release,
                "step": self.step,
                "batches": self.batches,
                "best": self.best,
                **self.spent.to_dict(),
                **self._sums.to_dict(),
                "random": torch.get_rng_state(),
                "version": __version__,
            },
        )

    def train(self, max_minutes: float | None = None) -> bool:
        """Train until the last step, the time is up or `stop` is called; True when the run is complete.

        Raises:
            DataError: the photographs cannot be read.
            TintypeError: the folder cannot be written, or the loss is no longer a number.
        """
        config = self.config
        if self.step >= config.steps:
            self.say(f"{self.folder} is complete: all {config.steps} steps are done")
            return True
        started = time.monotonic()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{self.folder}: the run cannot be written there ({error.strerror})") from error
        train, held_back = self.photographs()
        if self.prior is None and self.target.bins is not None:
            self.prior = prior_of(config, train, self.target.bins.cpu().double().numpy())
        # Networks that losses measure with are made of random weights first, which a resumed run draws once more.
        with torch.random.fork_rng([]):
            objective = Objective(config, self.target, self.prior)
        train, where = self._place(train)
        self._loaded = (train, held_back)
        batches = self._batches(train, config.data.threads, (self.processes.rank, self.processes.count))
        if batches.size % self.processes.count:
            raise ConfigError(
                f"{config.data.folder}: {len(train)} photographs, fewer than batch = {config.batch}, cannot be split "
                f"among {self.processes.count} processes; start fewer of them"
            )
        if self.step == 0:
            self._initialise(self._batches(train))
        if config.norms == "frozen":
            self.network.freeze_norms()
        every = config.validate_every or max(OFTEN, len(train) // batches.size)
        left = self.adversary.batches_left if self.adversary else lambda step: config.steps - step
        self.say(
            f"{len(train)} photographs to train on ({where}), {len(held_back)} to validate on; {self.device}, "
            f"{config.precision}"
        )
        if not self.batches and self.processes.first:
            log.forget_after(self.folder, -1, -1)  # killed before its first checkpoint
        book = Log(self.folder, self.step, self.processes.first)
        self.spent.begin()
        book.note(
            "start",
            self.step,
            photographs=len(train),
            torch=torch.__version__,
            revision=self.spent.revisions[-1],
            config=to_dict(config),
        )
        saved = shown = time.monotonic()
        begun, since, waited = self.step, self.batches, 0.0
        stream = batches.stream(self.batches, self.batches + left(self.step))
        try:
            if self.step == self.batches == 0:
                self._look_early(held_back, objective, book)
            while self.step < config.steps:
                asked = time.monotonic()
                batch = next(stream)
                waited += time.monotonic() - asked
                resting = self.adversary is not None and self.adversary.rests(self.step)
                learnt = self._step(batch.to(self.device), objective)
                self.batches += 1
                done = self.step == config.steps
                count = self.batches if resting else self.step
                logs = (learnt or resting) and (count % config.log_every == 0 or done)
                if learnt and self.step - begun == FORETOLD and not logs:
                    seconds = (time.monotonic() - shown) / (self.batches - since) * left(self.step)
                    self.say(f"step {self.step}/{config.steps}  about {clock(seconds)} left, without validations")
                if logs:
                    self._check_finite()
                    means = self._sums.take_means()
                    means = dict(zip(means, self.processes.means(means.values()), strict=True))
                    now = time.monotonic()
                    speed = (self.batches - since) * batches.size / (now - shown)
                    seconds = left(self.step) * batches.size / speed
                    loss = means.get("loss", math.nan)
                    critic = self.adversary.learnt if self.adversary else None
                    pace = Pace(self.step, config.steps, loss, speed, waited / (now - shown), seconds, critic)
                    rate = optimizers.rate_at(config.optimizer, max(self.step - 1, 0), config.steps)
                    speeds = {"images_per_second": pace.speed, "waiting": pace.waiting}
                    counts = {} if critic is None else {"critic_steps": critic, "batches": self.batches}
                    book.figures("train", self.step, **means, rate=rate, **speeds, **counts)
                    self.watch(pace)
                    shown, since, waited = now, self.batches, 0.0
                if learnt and self.step in config.early:
                    paused = time.monotonic()
                    self._look_early(held_back, objective, book)
                    shown += time.monotonic() - paused
                if learnt and (self.step % every == 0 or done):
                    paused = time.monotonic()
                    self._check_finite()
                    if self.processes.first:
                        self._validate(self._unseen(held_back), objective, book)
                    shown += time.monotonic() - paused
                now = time.monotonic()
                over = self.processes.any(
                    self.stopping or (max_minutes is not None and now - started > max_minutes * 60)
                )
                if now - saved > config.checkpoint_minutes * 60 or over or done:
                    self._check_finite()
                    saved = now
                    self.spent.take()
                    self._save("last.pt")
                    self._record(batches.size)
                if learnt and config.keep_every and self.step % config.keep_every == 0:
                    self._save(f"step-{self.step:07d}.pt")
                if over and not done:
                    why = "stopped" if self.stopping else "the time is up"
                    self.say(f"{why} at step {self.step} of {config.steps}; repeat the command to continue")
                    return False
        finally:
            stream.close()
            book.close()
        self.processes.wait()
        return True

    def _batches(self, photographs: AnyPhotographs, threads: int = 1, part: tuple[int, int] = (0, 1)) -> Batches:
        config, data = self.config, self.config.data
        return Batches(
            photographs,
            config.batch,
            data.side,
            data.augmentation,
            config.seed,
            threads,
            scale=self.network.scale,
            sampling=config.target.sampling,
            gray=data.gray,
            part=part,
        )

    def _unseen(self, photographs: AnyPhotographs) -> Batches:
        """The photographs to validate on, as they are."""
        config, data = self.config, self.config.data
        return Batches(
            photographs,
            validation.BATCH,
            data.validation_side,
            Augmentation(),
            config.seed,
            data.threads,
            scale=self.network.scale,
            sampling=config.target.sampling,
            gray=data.gray,
        )

    def _initialise(self, batches: Batches) -> None:
        """Set or scale random weights, or the norms of a released model, on data; the same in each process."""
        how, start = self.config.initialisation, self.config.start
        some = (batches.batch(step).to(self.device) for step in range(INITIAL_BATCHES))
        if checkpoint.is_released(start):
            norms.measure(self.network, some)
        elif how == "random" or start:
            return
        else:
            data_dependent(self.network, some, how == "kmeans", self.config.seed, self.network.pretrained_parts)
        self.average.load_state_dict(self.network.state_dict())

    def _place(self, train: AnyPhotographs) -> tuple[AnyPhotographs, str]:
        """The photographs where they are kept, and where that is: on the GPU if they take at most half of what is free.

        The caller drops the copy in memory."""
        if isinstance(train, Photographs):
            room = self.config.data.memory
            return train, f"decoded as they are needed: they take more than data.memory = {room:g} GiB"
        if self.device.type == "cuda" and isinstance(train, Held):
            if 2 * train.pixels.nbytes > torch.cuda.mem_get_info(self.device)[0]:
                return train, "held in memory"
            train = OnDevice(train, self.device)
        return train, "held on the GPU" if isinstance(train, OnDevice) else "held in memory"

    def _step(self, batch: Batch, objective: Objective) -> bool:
        """Learn from a batch; whether the network did, or the critic alone."""
        o, adversary, step = self.config.optimizer, self.adversary, self.step
        share = optimizers.rate_at(o, step, self.config.steps)
        self.network.train()
        terms: dict[str, torch.Tensor] = {}
        ab: torch.Tensor | None = None
        learns = adversary is None or adversary.network_learns(step)
        if learns:
            for group in self.optimizer.param_groups:
                group["lr"] = o.rate * share * group["share"]
            self.optimizer.zero_grad(set_to_none=True)
            for part in batch.split(self.config.accumulate):
                parts, ab = self._terms(part, objective)
                weight = len(part.ab) / len(batch.ab)
                torch.autograd.backward(weight * _total(parts))
                for name, value in parts.items():
                    share_of_part = weight * value.detach()
                    terms[name] = terms[name] + share_of_part if name in terms else share_of_part
            self.processes.average_gradients(self.network)
            optimizers.limit(o, self.network.parameters())
            self.optimizer.step()
            self._update_average()
            terms = {"loss": _total(terms), **(terms if len(terms) > 1 else {})}
        elif adversary and adversary.learns(step):
            with torch.no_grad():
                ab = objective.ab(main_head(self._predict(self.network, batch)).float(), batch)
        if adversary and ab is not None and adversary.learns(step):
            with autocast(self.device, self.config.precision):
                average = self.processes.average_gradients
                terms["critic"] = adversary.learn(batch.lightness, batch.ab, ab, average)
        self._sums.add(terms)
        self.step += learns
        return learns

    def _terms(self, batch: Batch, objective: Objective) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
        """What the network minimises, by name, and its colours where a critic is to see them."""
        output = self._predict(self.network, batch)
        terms = objective.terms(output, batch)
        if self.adversary is None or not self.adversary.learns(self.step):
            return terms, None
        ab = objective.ab(main_head(output).float(), batch)
        if self.adversary.judges(self.step):
            with autocast(self.device, self.config.precision):
                terms["judgement"] = self.adversary.judgement(batch.lightness, ab)
        return terms, ab

    def _predict(self, network: Network, batch: Batch) -> Output:
        with autocast(self.device, self.config.precision):
            return network(*batch.inputs())

    def _check_finite(self) -> None:
        if not self._sums.finite:
            raise TintypeError(
                f"{self.folder}: the loss is no longer a number at step {self.step}; repeat the command to continue "
                "from the last checkpoint, with a lower optimizer.rate or with precision=float32"
            )

    @torch.no_grad()
    def _update_average(self) -> None:
        # Early on the average follows closely, or the random start would stay in it for a thousand steps.
        decay = min(self.config.optimizer.average, (1 + self.step) / (10 + self.step))
        ours = [v for v in self.average.state_dict().values() if v.is_floating_point()]
        theirs = [v for v in self.network.state_dict().values() if v.is_floating_point()]
        torch._foreach_lerp_(ours, theirs, 1 - decay)

    def _look(self, photographs: Batches, objective: Objective, limit: int | None = None) -> validation.Validation:
        def predict(batch: Batch) -> Output:
            return self._predict(self.average, batch)

        return validation.validate(predict, photographs, objective, self.network.scale, self.device, limit)

    def _look_early(self, held_back: Photographs | Held, objective: Objective, book: Log) -> None:
        """Write down what the averaged weights show on a few photographs, at the steps of `early`."""
        if self.processes.first and self.step in self.config.early:
            found = self._look(self._unseen(held_back), objective, validation.EARLY)
            book.figures("early", self.step, **found.figures)

    def _record(self, batch: int) -> None:
        """Write down what the run has taken so far; `batch`: photographs in it."""
        if self.processes.first:
            critic = self.adversary.learnt if self.adversary else 0
            record.write(self.folder, self.config, self.spent, self.step, critic, batch)

    def _validate(self, photographs: Batches, objective: Objective, book: Log) -> None:
        """Say and write down what the averaged weights show; keep them if they are the best so far."""
        found = self._look(photographs, objective)
        book.picture("gray, prediction, truth", self.step, found.sheet)
        book.figures("validation", self.step, **found.figures)
        self.say(
            f"step {self.step}/{self.config.steps}  validation  "
            + "  ".join(f"{name} {value:.3f}" for name, value in found.figures.items())
        )
        if found.warning:
            self.say(found.warning)
        if found.figures["loss"] < self.best:
            self.best = found.figures["loss"]
            self._save("best.pt")


def _total(terms: dict[str, torch.Tensor]) -> torch.Tensor:
    first, *others = terms.values()
    return sum(others, first)
