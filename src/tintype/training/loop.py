"""The training loop, readable from top to bottom."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import torch

from tintype import families, losses
from tintype.color.bins import annealed_mean, count, published_bins, published_prior, rebalancing_weights
from tintype.color.gamut import fit_chroma
from tintype.color.lab import lab_to_rgb, rgb_to_lab
from tintype.data.batches import Augmentation, Batch, Batches
from tintype.data.shards import Photographs, shard_paths
from tintype.errors import ConfigError, DataError
from tintype.evaluation.metrics import Areas
from tintype.training import checkpoint
from tintype.training.config import Config, to_dict


def pick_device(name: str) -> torch.device:
    """ "auto" is a GPU where there is one."""
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_photographs(config: Config) -> tuple[Photographs, Photographs]:
    """The photographs to train on and those to validate on, decoded in memory.

    Raises:
        DataError: a part is empty or cannot be read.
    """
    paths = shard_paths(config.data.folder)
    validation = [path for path in paths if fnmatch(path.name, config.data.validation)]
    train = [path for path in paths if fnmatch(path.name, config.data.train) and path not in validation]
    for part, pattern, found in (
        ("train", config.data.train, train),
        ("validation", config.data.validation, validation),
    ):
        if not found:
            raise DataError(f"{config.data.folder}: no shard is named {pattern} to take for {part}; set data.{part}")
    limit = config.data.limit
    held_back = min(config.data.validation_limit, limit or config.data.validation_limit)
    return Photographs.read(train, limit=limit), Photographs.read(validation, limit=held_back)


def own_prior(photographs: Photographs, sample: int = 3000) -> np.ndarray:
    """The prior of a set over the bins, soft-counted on a thinned sample of its photographs; float64 [Q], sum 1."""
    counts = np.zeros(len(published_bins()))
    for i in range(0, len(photographs), max(1, len(photographs) // sample)):
        pixels = photographs[i][2::8, 2::8].reshape(-1, 3) / 255
        counts += count(rgb_to_lab(pixels)[:, 1:])
    return counts / counts.sum()


class Objective:
    """The loss that a configuration describes: Prediction and Batch to a scalar.

    Args:
        prior: [Q], the training set's own.
    """

    def __init__(self, config: Config, prior: np.ndarray):
        self.loss = config.loss
        self.codes = losses.SoftCodes(None, self.loss.neighbours, self.loss.sigma)
        weights = rebalancing_weights(prior if self.loss.prior == "own" else published_prior(), self.loss.uniform)
        self.class_weights = torch.tensor(weights, dtype=torch.float32)

    def __call__(self, prediction: families.Prediction, batch: Batch) -> torch.Tensor:
        self.class_weights = self.class_weights.to(batch.ab.device)
        total = losses.cross_entropy(prediction.logits, *self.codes(batch.ab), self.class_weights)
        if self.loss.huber:
            ab = annealed_mean(prediction.logits.float(), self.loss.temperature)
            total = total + self.loss.huber * losses.huber(ab, batch.ab)
        return total


def rate_at(config: Config, step: int) -> float:
    """The learning rate as a share of the configured one, at a step in 0..steps-1."""
    o = config.optimizer
    warm = min(1.0, (step + 1) / max(o.warmup, 1))
    done = step / config.steps
    if o.schedule == "cosine":
        return warm * 0.5 * (1 + math.cos(math.pi * done))
    if o.schedule == "linear":
        return warm * (1 - done)
    return warm * min(1.0, (1 - done) / o.fall)


class Run:
    """A training run in a folder: checkpoints, TensorBoard events, `log.jsonl`, samples.

    Making it again on the same folder continues it.
    """

    def __init__(self, config: Config, folder: str | Path, say: Callable[[str], None] = print):
        self.config, self.folder, self.say = config, Path(folder), say
        self.device = pick_device(config.device)
        torch.manual_seed(config.seed)
        self.network = families.get(config.family).Network(config.family_config()).to(self.device)
        if config.start:
            self.network.load_state_dict(checkpoint.load(config.start)["average"])
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.network.to(memory_format=torch.channels_last)
        self.average.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self._groups(), lr=config.optimizer.rate, betas=config.optimizer.betas)
        self.step, self.best, self.seconds = 0, math.inf, 0.0
        last = self.folder / "last.pt"
        if last.is_file():
            self._resume(last)

    def _groups(self) -> list[dict]:
        """Norms and biases do not decay; the encoder may learn at a rate of its own."""
        o = self.config.optimizer
        groups: dict[tuple[bool, bool], list] = {}
        for name, value in self.network.named_parameters():
            encoder = name.split(".")[0] in getattr(self.network, "encoder_parts", ())
            groups.setdefault((encoder, value.ndim > 1), []).append(value)
        return [
            {"params": values, "share": o.encoder if encoder else 1.0, "weight_decay": o.decay if decays else 0.0}
            for (encoder, decays), values in groups.items()
        ]

    def _resume(self, path: Path) -> None:
        state = checkpoint.load(path)
        wanted, had = to_dict(self.config), state["config"]
        for key in ("family", "network", "seed", "batch"):
            if wanted[key] != had[key]:
                raise ConfigError(
                    f"{path}: was made with {key} = {had[key]!r}, not {wanted[key]!r}; take another folder for a new run"
                )
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]
        self.say(f"continuing {path} at step {self.step} of {self.config.steps}")

    def _save(self, name: str) -> None:
        checkpoint.save(
            self.folder / name,
            {
                "config": to_dict(self.config),
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "best": self.best,
                "seconds": self.seconds,
            },
        )

    def train(self, max_minutes: float | None = None) -> bool:
        """Train until the last step or the time is up; True when the run is complete."""
        config = self.config
        started = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.say(f"reading photographs from {config.data.folder}")
        train, held_back = load_photographs(config)
        prior = own_prior(train)
        objective = Objective(config, prior)
        batches = Batches(
            train, config.batch, config.data.side, config.data.augmentation, config.seed, config.data.threads
        )
        every = config.validate_every or max(1, len(train) // batches.size)
        validation = Batches(held_back, 50, config.data.validation_side, Augmentation(), config.seed)
        self.say(f"{len(train)} photographs to train on, {len(held_back)} to validate on; {self.device}")
        from torch.utils.tensorboard import SummaryWriter

        board = SummaryWriter(str(self.folder), purge_step=self.step)
        saved = shown = time.monotonic()
        since, waited, running, met = self.step, 0.0, 0.0, 0
        stream = batches.stream(self.step, config.steps)
        try:
            while self.step < config.steps:
                asked = time.monotonic()
                batch = next(stream)
                waited += time.monotonic() - asked
                loss = self._step(batch.to(self.device), objective)
                running, met = running + loss, met + 1
                self.step += 1
                now = time.monotonic()
                if self.step % 50 == 0 or self.step == config.steps:
                    speed = (self.step - since) * batches.size / (now - shown)
                    left = (config.steps - self.step) * batches.size / speed
                    self._log(
                        board,
                        "train",
                        loss=running / met,
                        rate=rate_at(config, self.step - 1),
                        images_per_second=speed,
                        waiting=waited / (now - shown),
                    )
                    self.say(
                        f"step {self.step}/{config.steps}  loss {running / met:.4f}  {speed:.1f} photographs/s "
                        f"(waited {waited / (now - shown):.0%})  {_clock(left)} left"
                    )
                    shown, since, waited, running, met = now, self.step, 0.0, 0.0, 0
                if self.step % every == 0 or self.step == config.steps:
                    self._validate(validation, objective, board)
                    shown, since, waited = time.monotonic(), self.step, 0.0
                over = max_minutes is not None and now - started > max_minutes * 60
                if now - saved > config.checkpoint_minutes * 60 or over or self.step == config.steps:
                    self.seconds += now - saved
                    saved = now
                    self._save("last.pt")
                if config.keep_every and self.step % config.keep_every == 0:
                    self._save(f"step-{self.step:07d}.pt")
                if over:
                    self.say(f"the time is up at step {self.step}; repeat the command to continue")
                    return self.step == config.steps
        finally:
            stream.close()
            board.close()
        return True

    def _step(self, batch: Batch, objective: Objective) -> float:
        o = self.config.optimizer
        share = rate_at(self.config, self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = o.rate * share * group["share"]
        self.network.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16"):
            lightness = batch.lightness.contiguous(memory_format=torch.channels_last)
            prediction = self.network(lightness, batch.hints.contiguous(memory_format=torch.channels_last))
        loss = objective(prediction, batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if o.clip:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), o.clip)
        self.optimizer.step()
        self._update_average()
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self) -> None:
        # Early on the average follows closely, or the random start would stay in it for a thousand steps.
        decay = min(self.config.optimizer.average, (1 + self.step) / (10 + self.step))
        ours = [v for v in self.average.state_dict().values() if v.is_floating_point()]
        theirs = [v for v in self.network.state_dict().values() if v.is_floating_point()]
        torch._foreach_lerp_(ours, theirs, 1 - decay)

    @torch.no_grad()
    def _validate(self, validation: Batches, objective: Objective, board) -> None:
        config = self.config
        total, places, chroma, truth, psnr = 0.0, len(validation.photographs), 0.0, 0.0, 0.0
        areas = Areas()
        for step in range(math.ceil(places / validation.size)):
            pairs = [(0, i) for i in range(step * validation.size, min((step + 1) * validation.size, places))]
            batch = validation.batch(step, pairs).to(self.device)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
                prediction = self.average(batch.lightness.contiguous(memory_format=torch.channels_last), batch.hints)
            total += float(objective(prediction, batch)) * len(pairs)
            ab = annealed_mean(prediction.logits.float(), config.loss.temperature)
            chroma += float(ab.norm(dim=1).mean()) * len(pairs)
            truth += float(batch.ab.norm(dim=1).mean()) * len(pairs)
            areas.add(ab.movedim(1, -1).cpu().numpy(), batch.ab.movedim(1, -1).cpu().numpy())
            small = torch.nn.functional.avg_pool2d(batch.lightness, 4)
            ours, theirs = (lab_to_rgb(fit_chroma(torch.cat([small, x], 1), 1), 1).clamp(0, 1) for x in (ab, batch.ab))
            psnr += float((-10 * torch.log10(((ours - theirs) ** 2).mean(dim=(1, 2, 3)).clamp(1e-8))).sum())
            if step == 0:
                sheet = torch.cat([torch.cat(list(x[:8]), dim=2) for x in (ours, theirs)], dim=1)
                board.add_image("prediction above truth", sheet.float().cpu(), self.step)
        figures = {
            "loss": total / places,
            "chroma": chroma / places,
            "true_chroma": truth / places,
            "psnr_quarter": psnr / places,
            "auc": areas.auc(),
            "auc_balanced": areas.auc_balanced(),
        }
        self._log(board, "validation", **figures)
        self.say("validation  " + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))
        if figures["chroma"] < 0.25 * figures["true_chroma"]:
            self.say(
                "warning: the mean chroma has collapsed to less than a quarter of the truth's; lower the rate, "
                "lengthen the warm-up or start from a pretrained encoder"
            )
        if figures["loss"] < self.best:
            self.best = figures["loss"]
            self._save("best.pt")

    def _log(self, board, part: str, **figures: float) -> None:
        for key, value in figures.items():
            board.add_scalar(f"{part}/{key}", value, self.step)
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"part": part, "step": self.step, **figures}) + "\n")


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
