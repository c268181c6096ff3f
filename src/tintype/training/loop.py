"""The training loop, readable from top to bottom."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from msgspec.structs import replace
from torch.nn import functional

from tintype import targets
from tintype.color.bins import count, published_bins
from tintype.color.gamut import fit_chroma
from tintype.color.lab import lab_to_rgb, rgb_to_lab
from tintype.data.shards import Held, Photographs, describe
from tintype.errors import ConfigError, TintypeError
from tintype.evaluation.metrics import Areas
from tintype.files import whole_file
from tintype.networks import families
from tintype.training import checkpoint, norms, optimizers
from tintype.training.adversary import Adversary
from tintype.training.batches import Augmentation, Batch, Batches, OnDevice
from tintype.training.config import ALL_TO_TRAIN, Config, check_bins, differences, from_dict, to_dict
from tintype.training.inputs import load_photographs
from tintype.training.objective import Objective, Output, main_head
from tintype.training.processes import Processes
from tintype.version import __version__

VALIDATION_BATCH = 50
OFTEN = 100
"""Steps between validations at least, where the configuration leaves them to us; few photographs make short epochs."""
FORETOLD = 5
"""Steps after which the time that is left is said for the first time."""
SHOWN = 8
"""Photographs on the sheet of samples."""
QUARTER = 4
"""Validation figures are of the colours at 1/4 of the input's size, or coarser where the network answers coarser."""
INITIAL_BATCHES = 4
"""On which data-dependent initialisation looks, and which the norms of a released model are measured on."""
COLLAPSED = 0.25
"""A mean chroma below this share of the truth's is a collapse to gray."""
ONE_COLOUR = 0.05
"""Colours that stray from their mean by less than this share of what the true ones do are one, mostly a brown."""


def pick_device(name: str) -> torch.device:
    """ "auto" is a GPU where there is one.

    Raises:
        ConfigError: there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        raise ConfigError(f"device {name!r} cannot be used here; take cpu, cuda or auto") from error
    return device


def pick_precision(name: str, device: torch.device) -> str:
    """ "auto" is bfloat16 where the processor or GPU computes in it, else float32.

    A processor without AMX or AVX512-BF16 imitates bfloat16, at a fraction of the speed.
    """
    if name != "auto":
        return name
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # Names that torch keeps to itself, and may rename.
        tests = (getattr(torch.cpu, test, None) for test in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))
        fast = device.type == "cpu" and any(test() for test in tests if test is not None)
    return "bfloat16" if fast else "float32"


def own_colours(photographs: Photographs | Held | OnDevice, sample: int = 3000) -> Iterator[np.ndarray]:
    """a*b* of a thinned sample of photographs, float64 [pixels, 2] of each."""
    for i in range(0, len(photographs), max(1, len(photographs) // sample)):
        pixels = np.asarray(photographs[i])[2::8, 2::8].reshape(-1, 3) / 255
        yield rgb_to_lab(pixels)[:, 1:]


def own_prior(
    photographs: Photographs | Held | OnDevice, bins: np.ndarray | None = None, sample: int = 3000
) -> np.ndarray:
    """The prior of a set over bins, soft-counted on a thinned sample of its photographs; float64 [Q], sum 1."""
    table = published_bins() if bins is None else bins
    counts = sum(count(ab, table) for ab in own_colours(photographs, sample))
    return counts / counts.sum()


def prior_of(config: Config, photographs: Photographs | Held | OnDevice, bins: np.ndarray | None = None) -> np.ndarray:
    """The prior of the photographs to train on: the prepared set's, where all of it is trained on and the bins are the
    published ones, else their own.
    """
    data = config.data
    whole = data.train == ALL_TO_TRAIN and data.limit is None and not data.sources
    description = describe(data.folder) if whole else None
    if description and (bins is None or np.array_equal(bins, published_bins())):
        return np.array(description["prior"])
    return own_prior(photographs, bins)


@dataclass(frozen=True)
class Pace:
    """Where a run stands."""

    step: int
    steps: int
    loss: float
    """Mean since the last line of the log; no number where the critic alone has learnt."""
    speed: float
    """Photographs per second."""
    waiting: float
    """Share of the time in which the machine waited for a batch."""
    left: float
    """Seconds."""

    def __str__(self) -> str:
        loss = "the critic alone" if math.isnan(self.loss) else f"loss {self.loss:.4f}"
        return (
            f"step {self.step}/{self.steps}  {loss}  {self.speed:.1f} photographs/s "
            f"(waited {self.waiting:.0%})  {clock(self.left)} left"
        )


class Run:
    """A training run in a folder: checkpoints, TensorBoard events, `log.jsonl`.

    Making it again on the same folder continues it.

    Args:
        say: is given each line that a person should read.
        watch: is given the pace every `log_every` steps; None: it is said.
    Raises:
        ConfigError: the folder holds another run, or the device, the family's weights or `start` cannot be used.
    """

    def __init__(
        self,
        config: Config,
        folder: str | Path,
        say: Callable[[str], None] = print,
        watch: Callable[[Pace], None] | None = None,
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
            _check_same_run(config, state["config"], last, self.say)
        # A run that starts from a released model is exported as that was, unless its card says otherwise.
        self.release = state.get("release") if state else checkpoint.release_of(config.start)
        self._loaded: tuple[Photographs | Held | OnDevice, Photographs | Held] | None = None
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
        self.network.to(memory_format=torch.channels_last)
        self.average.to(memory_format=torch.channels_last)
        self.optimizer = optimizers.make(config.optimizer, self._groups())
        self.adversary = None
        if config.adversarial.weight:
            self.adversary = Adversary(config, config.data.side // self.network.scale, self.device)
        # What is drawn from here on, such as dropout, is another in each process.
        if self.processes.count > 1:
            torch.manual_seed(config.seed + self.processes.rank)
        self.step, self.best, self.seconds = 0, math.inf, 0.0
        self.stopping = False
        self._sums: dict[str, torch.Tensor] = {}
        self._met: dict[str, int] = {}
        if state:
            self._resume(state)
            self.say(f"continuing {last} at step {self.step} of {config.steps}")

    def stop(self) -> None:
        """End the run after the step at hand, as if its time were up. May be called from a signal or a thread."""
        self.stopping = True

    def photographs(self) -> tuple[Photographs | Held | OnDevice, Photographs | Held]:
        """Those to train on and those to validate on, read once."""
        if self._loaded is None:
            self.say(f"reading photographs from {self.config.data.folder}")
            self._loaded = load_photographs(self.config)
        return self._loaded

    def _bins(self) -> np.ndarray | None:
        config, own = self.config, self.config.target.kind == "bins" and self.config.target.bins == "own"
        if own and config.start:
            # The weights to start from mean their own bins, whatever colours the photographs have now.
            table = checkpoint.bins_of(config.start.partition(",")[0])
            if table is None:
                raise ConfigError(f"{config.start}: has no bins to start from; set another target.bins than own")
            return table
        table = targets.table(config.target, lambda: np.concatenate(list(own_colours(self.photographs()[0]))))
        if own:
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

    def _groups(self) -> list[dict]:
        """Norms and biases do not decay; the encoder may learn at a rate of its own."""
        o = self.config.optimizer
        groups: dict[tuple[bool, bool], list] = {}
        for name, value in self.network.named_parameters():
            encoder = name.split(".")[0] in self.network.encoder_parts
            groups.setdefault((encoder, value.ndim > 1), []).append(value)
        return [
            {"params": values, "share": o.encoder if encoder else 1.0, "weight_decay": o.decay if decays else 0.0}
            for (encoder, decays), values in groups.items()
        ]

    def _resume(self, state: dict) -> None:
        checkpoint.fill(self.network, state["network"], self.folder)
        checkpoint.fill(self.average, state["average"], self.folder)
        self.optimizer.load_state_dict(state["optimizer"])
        # The checkpoint's settings came along with the moments; it is the configuration that counts.
        kept = optimizers.averaging(self.config.optimizer)
        for group, wanted in zip(self.optimizer.param_groups, self._groups(), strict=True):
            group.update({key: wanted[key] for key in ("share", "weight_decay")}, **kept)
        if self.adversary and state.get("adversary"):
            self.adversary.load_state_dict(state["adversary"])
        self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]
        self._met = dict(state.get("met") or {})
        self._sums = {name: torch.tensor(value, device=self.device) for name, value in state.get("sums", {}).items()}
        if "random" in state and self.processes.first:
            torch.set_rng_state(state["random"])
        if self.processes.first:
            self._forget_after(self.step)

    def _forget_after(self, step: int) -> None:
        """Drop from the log what a killed run wrote after its last checkpoint; it will be written again."""
        path = self.folder / "log.jsonl"
        if not path.is_file():
            return
        kept = []
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                if json.loads(line)["step"] <= step:
                    kept.append(line + "\n")
            except ValueError:
                continue  # cut short by the kill
        with whole_file(path) as file:
            file.write("".join(kept).encode())

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
                "best": self.best,
                "seconds": self.seconds,
                "met": self._met,
                "sums": {name: float(value) for name, value in self._sums.items()},
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
        truth = {"scale": self.network.scale, "sampling": config.target.sampling, "gray": config.data.gray}
        augmentation, threads, seed = config.data.augmentation, config.data.threads, config.seed
        part = (self.processes.rank, self.processes.count)
        batches = Batches(train, config.batch, config.data.side, augmentation, seed, threads, part=part, **truth)
        if batches.size % self.processes.count:
            raise ConfigError(
                f"{config.data.folder}: {len(train)} photographs, fewer than batch = {config.batch}, cannot be split "
                f"among {self.processes.count} processes; start fewer of them"
            )
        side = config.data.validation_side
        validation = Batches(held_back, VALIDATION_BATCH, side, Augmentation(), seed, threads, **truth)
        if self.step == 0:
            self._initialise(Batches(train, config.batch, config.data.side, augmentation, seed, **truth))
        if config.norms == "frozen":
            self.network.freeze_norms()
        every = config.validate_every or max(OFTEN, len(train) // batches.size)
        self.say(
            f"{len(train)} photographs to train on ({where}), {len(held_back)} to validate on; {self.device}, "
            f"{config.precision}"
        )
        board = self._board() if self.processes.first else None
        self._note("start", photographs=len(train), torch=torch.__version__, config=to_dict(config))
        saved = shown = time.monotonic()
        begun, since, waited = self.step, self.step, 0.0
        stream = batches.stream(self.step, config.steps)
        try:
            while self.step < config.steps:
                asked = time.monotonic()
                batch = next(stream)
                waited += time.monotonic() - asked
                self._step(batch.to(self.device), objective)
                done = self.step == config.steps
                if self.step - begun == FORETOLD and self.step % config.log_every and not done:
                    seconds = (time.monotonic() - shown) / (self.step - since) * (config.steps - self.step)
                    self.say(f"step {self.step}/{config.steps}  about {clock(seconds)} left, without validations")
                if self.step % config.log_every == 0 or done:
                    means = self._means()
                    now = time.monotonic()
                    speed = (self.step - since) * batches.size / (now - shown)
                    left = (config.steps - self.step) * batches.size / speed
                    loss = means.get("loss", math.nan)
                    pace = Pace(self.step, config.steps, loss, speed, waited / (now - shown), left)
                    rate = optimizers.rate_at(config.optimizer, self.step - 1, config.steps)
                    self._log(board, "train", **means, rate=rate, images_per_second=pace.speed, waiting=pace.waiting)
                    self.watch(pace)
                    shown, since, waited = now, self.step, 0.0
                if self.step % every == 0 or done:
                    paused = time.monotonic()
                    self._check_finite()
                    if self.processes.first:
                        self._validate(validation, objective, board)
                    shown += time.monotonic() - paused
                now = time.monotonic()
                over = self.processes.any(
                    self.stopping or (max_minutes is not None and now - started > max_minutes * 60)
                )
                if now - saved > config.checkpoint_minutes * 60 or over or done:
                    self._check_finite()
                    self.seconds += now - saved
                    saved = now
                    self._save("last.pt")
                if config.keep_every and self.step % config.keep_every == 0:
                    self._save(f"step-{self.step:07d}.pt")
                if over and not done:
                    why = "stopped" if self.stopping else "the time is up"
                    self.say(f"{why} at step {self.step} of {config.steps}; repeat the command to continue")
                    return False
        finally:
            stream.close()
            if board:
                board.close()
        self.processes.wait()
        return True

    def _board(self):
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self.folder), purge_step=self.step + 1 if self.step else None)

    def _initialise(self, batches: Batches) -> None:
        """Set or scale random weights, or the norms of a released model, on data; the same in each process."""
        how, start = self.config.initialisation, self.config.start
        some = (batches.batch(step).to(self.device) for step in range(INITIAL_BATCHES))
        if checkpoint.is_released(start):
            norms.measure(self.network, some)
        elif how == "random" or start:
            return
        else:
            from tintype.training.initialise import data_dependent

            data_dependent(self.network, some, how == "kmeans", self.config.seed, self.network.pretrained_parts)
        self.average.load_state_dict(self.network.state_dict())

    def _place(self, train: Photographs | Held | OnDevice) -> tuple[Photographs | Held | OnDevice, str]:
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

    def _step(self, batch: Batch, objective: Objective) -> None:
        o, adversary, step = self.config.optimizer, self.adversary, self.step
        share = optimizers.rate_at(o, step, self.config.steps)
        self.network.train()
        terms: dict[str, torch.Tensor] = {}
        if adversary is None or adversary.network_learns(step):
            for group in self.optimizer.param_groups:
                group["lr"] = o.rate * share * group["share"]
            self.optimizer.zero_grad(set_to_none=True)
            for part in batch.split(self.config.accumulate):
                found, ab = self._terms(part, objective)
                weight = len(part.ab) / len(batch.ab)
                (weight * sum(found.values())).backward()
                for name, value in found.items():
                    terms[name] = terms.get(name, 0) + weight * value.detach()
            self.processes.average_gradients(self.network)
            optimizers.limit(o, self.network.parameters())
            self.optimizer.step()
            self._update_average()
            terms = {"loss": sum(terms.values()), **(terms if len(terms) > 1 else {})}
        elif adversary.learns(step):
            with torch.no_grad():
                ab = objective.ab(main_head(self._predict(self.network, batch)).float(), batch)
        if adversary and adversary.learns(step):
            with self._autocast():
                average = self.processes.average_gradients
                terms["critic"] = adversary.learn(batch.lightness, batch.ab, ab, share, average)
        # Summed where they are: to read a number from a GPU would make it wait at each step.
        for name, value in terms.items():
            self._sums[name] = self._sums.get(name, 0) + value
            self._met[name] = self._met.get(name, 0) + 1
        self.step += 1

    def _terms(self, batch: Batch, objective: Objective) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
        """What the network minimises, by name, and its colours where a critic is to see them."""
        output = self._predict(self.network, batch)
        terms = objective.terms(output, batch)
        if self.adversary is None or not self.adversary.learns(self.step):
            return terms, None
        ab = objective.ab(main_head(output).float(), batch)
        if self.adversary.judges(self.step):
            with self._autocast():
                terms["judgement"] = self.adversary.judgement(batch.lightness, ab)
        return terms, ab

    def _autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16")

    def _predict(self, network: torch.nn.Module, batch: Batch) -> Output:
        with self._autocast():
            return network(
                batch.lightness.contiguous(memory_format=torch.channels_last),
                batch.hints.contiguous(memory_format=torch.channels_last),
            )

    def _means(self) -> dict[str, float]:
        """The mean losses since they were last asked for."""
        self._check_finite()
        means = {name: float(value) / self._met[name] for name, value in self._sums.items()}
        self._sums, self._met = {}, {}
        return dict(zip(means, self.processes.means(means.values()), strict=True))

    def _check_finite(self) -> None:
        if not all(math.isfinite(value) for value in self._sums.values()):
            raise TintypeError(
                f"{self.folder}: the loss is no longer a number at step {self.step}; repeat the command to continue "
                "from "
                "the last checkpoint, with a lower optimizer.rate or with precision=float32"
            )

    @torch.no_grad()
    def _update_average(self) -> None:
        # Early on the average follows closely, or the random start would stay in it for a thousand steps.
        decay = min(self.config.optimizer.average, (1 + self.step) / (10 + self.step))
        ours = [v for v in self.average.state_dict().values() if v.is_floating_point()]
        theirs = [v for v in self.network.state_dict().values() if v.is_floating_point()]
        torch._foreach_lerp_(ours, theirs, 1 - decay)

    @torch.no_grad()
    def _validate(self, validation: Batches, objective: Objective, board) -> None:
        sums = dict.fromkeys(("loss", "chroma", "true_chroma", "psnr_quarter"), 0.0)
        areas, strayed, true_strayed = Areas(), 0.0, 0.0
        sheet = None
        for batch in validation.once():
            batch = batch.to(self.device)
            output = self._predict(self.average, batch)
            loss = objective(output, batch)
            ab, wanted = objective.ab(main_head(output).float(), batch), batch.ab
            # Methods that answer at different resolutions are compared at a quarter of the size.
            if (cell := QUARTER // self.network.scale) > 1:
                ab, wanted = (functional.avg_pool2d(plane, cell) for plane in (ab, wanted))
            small = targets.at_resolution(batch.lightness, ab)
            gray, ours, truth = (
                lab_to_rgb(fit_chroma(torch.cat([small, x], 1), 1), 1).clamp(0, 1) for x in (ab * 0, ab, wanted)
            )
            error = ((ours - truth) ** 2).mean(dim=(1, 2, 3)).clamp(1e-8)
            sums["loss"] += float(loss) * len(ab)
            sums["chroma"] += float(ab.norm(dim=1).mean()) * len(ab)
            sums["true_chroma"] += float(wanted.norm(dim=1).mean()) * len(ab)
            sums["psnr_quarter"] += float((-10 * torch.log10(error)).sum())
            strayed += _spread(ab) * len(ab)
            true_strayed += _spread(wanted) * len(ab)
            areas.add(ab.movedim(1, -1).cpu().numpy(), wanted.movedim(1, -1).cpu().numpy())
            if sheet is None:
                sheet = torch.cat([torch.cat(list(x[:SHOWN]), dim=2) for x in (gray, ours, truth)], dim=1)
        board.add_image("gray, prediction, truth", sheet.float().cpu(), self.step)
        figures = {name: value / len(validation.photographs) for name, value in sums.items()}
        figures |= {"auc": areas.auc(), "auc_balanced": areas.auc_balanced()}
        self._log(board, "validation", **figures)
        self.say(
            f"step {self.step}/{self.config.steps}  validation  "
            + "  ".join(f"{key} {value:.3f}" for key, value in figures.items())
        )
        if figures["chroma"] < COLLAPSED * figures["true_chroma"]:
            self.say(
                "warning: the mean chroma has collapsed to less than a quarter of the truth's; lower the rate, "
                "lengthen the warm-up or start from a pretrained encoder"
            )
        elif strayed < ONE_COLOUR * true_strayed:
            a, b = ab.mean(dim=(0, 2, 3)).tolist()
            self.say(
                f"warning: all photographs get about the same colour, a* {a:.0f} and b* {b:.0f}; this is normal at "
                "the beginning; if it stays, lower the rate or start from a pretrained encoder"
            )
        if figures["loss"] < self.best:
            self.best = figures["loss"]
            self._save("best.pt")

    def _log(self, board, part: str, **figures: float) -> None:
        if board:
            for key, value in figures.items():
                board.add_scalar(f"{part}/{key}", value, self.step)
        self._note(part, **figures)

    def _note(self, part: str, **facts) -> None:
        if not self.processes.first:
            return
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"part": part, "step": self.step, **facts}) + "\n")


def _spread(ab: torch.Tensor) -> float:
    """The mean distance of colours [n, 2, h, w] from their mean."""
    return float((ab - ab.mean(dim=(0, 2, 3), keepdim=True)).norm(dim=1).mean())


FIXED = ("family", "network.", "target.", "seed", "batch", "data.side")
"""Keys that a run cannot change on its way: with another network or another order it would be another run."""

UNNOTICED = (
    "device",
    "log_every",
    "checkpoint_minutes",
    "keep_every",
    "start",
    "data.threads",
    "data.memory",
    "accumulate",
)
"""Keys that do not change what a run learns."""


def _check_same_run(config: Config, saved: dict, path: Path, say: Callable[[str], None]) -> None:
    """Refuse the checkpoint of another run; say what else has been changed since."""
    for key, (had, wanted) in differences(from_dict(saved, str(path)), config).items():
        if key.startswith(FIXED):
            raise ConfigError(
                f"{path}: was made with {key} = {had!r}, not {wanted!r}; use another folder for a new run"
            )
        if key not in UNNOTICED:
            say(f"{key} is {wanted!r} from here on; it was {had!r}")


def clock(seconds: float) -> str:
    """Hours, minutes and seconds, such as 1:02:03."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
