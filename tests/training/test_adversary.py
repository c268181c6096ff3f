"""Training against a critic: who learns when, and that both learn what they should."""

import copy
import json
import math

import pytest
import torch

from small_sets import write_set
from tintype import losses
from tintype.errors import ConfigError
from tintype.training import checkpoint
from tintype.training.adversary import Adversary
from tintype.training.config import from_dict
from tintype.training.loop import Run

KINDS = ("bce", "lsgan", "hinge")


def config(folder="none", **adversarial):
    return from_dict(
        {
            "name": "cnn10.gan",
            "family": "cnn10",
            "network": {"width": 2, "widths": [1, 2]},
            "target": {"kind": "ab", "bounded": True},
            "loss": {"squared": 1.0},
            "adversarial": {"weight": 1.0, "critic": {"kind": "dense", "width": 2, "dropout": 0.0}, **adversarial},
            "data": {"folder": str(folder), "side": 16, "validation_side": 16},
            "optimizer": {"warmup": 0},
            "steps": 10,
            "batch": 4,
            "log_every": 1,
            "precision": "float32",
            "device": "cpu",
        }
    )


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("sets") / "set", train=4, validation=1)


WHO_LEARNS = [
    ({}, "both " * 10),
    # The network has its ten updates, however many batches the critic takes on top.
    ({"every": 3}, "critic critic both " * 10),
    ({"starts": 0.3, "joins": 0.3}, "network " * 3 + "both " * 7),
    # NoGAN, in shares of the 14 batches that it takes: the network alone, the critic alone, both.
    ({"starts": 0.4, "joins": 0.7}, "network " * 6 + "critic " * 4 + "both " * 4),
    ({"starts": 0.4, "joins": 0.7, "every": 2}, "network " * 7 + "critic " * 5 + "critic both " * 3),
    ({"starts": 1.0, "joins": 1.0}, "network " * 10),
]


@pytest.mark.parametrize(("adversarial", "turns"), WHO_LEARNS)
def test_who_learns_when(photographs, tmp_path, adversarial, turns):
    said, found = [], []
    run = Watched(config(photographs, **adversarial), tmp_path, said.append)
    run.found = found
    assert run.adversary.batches_left(0) == len(turns.split())
    run.train()
    assert found == turns.split()
    network, critic = (sum(turn in (part, "both") for turn in found) for part in ("network", "critic"))
    assert (run.step, run.batches, run.adversary.learnt) == (10, len(found), critic)
    assert network == 10
    # The log tells of those who learnt, and of the critic's judgement where the network was told it.
    lines = log(tmp_path)
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, 11))
    assert lines[-1]["critic_steps"] == critic
    assert len([line for line in lines if "judgement" in line]) == found.count("both")
    assert len([line for line in said if "the critic alone" in line]) == run.rested
    # And so does the record.
    record = json.loads((tmp_path / "record.json").read_text("utf-8"))
    assert record["complete"]
    assert (record["updates"], record["samples"]) == (10, 40)
    assert (record["critic_updates"], record["critic_samples"]) == (critic, 4 * critic)
    assert record["seed"] == 0
    assert record["cpu_seconds"] > 0


class Watched(Run):
    """Notes after each batch whose weights are others."""

    rested = 0

    def _step(self, batch, objective):
        self.rested += self.adversary.rests(self.step)
        parts = {"network": (self.network, self.average), "critic": (self.adversary.critic,)}
        before = {part: [copy.deepcopy(one.state_dict()) for one in those] for part, those in parts.items()}
        learnt = super()._step(batch, objective)
        moved = []
        for part, those in parts.items():
            each = [changed(old, one.state_dict()) for old, one in zip(before[part], those, strict=True)]
            assert len(set(each)) == 1
            moved += [part] if each[0] else []
        self.found.append(moved[0] if len(moved) == 1 else "both")
        return learnt


def log(folder):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    return [line for line in lines if line["part"] == "train"]


def test_a_run_that_was_stopped_while_the_critic_learns_alone_goes_on_the_same(photographs, tmp_path):
    settings = config(photographs, starts=0.4, joins=0.7, every=2)
    whole = Run(settings, tmp_path / "whole", silent)
    whole.train()
    for batches in (9, 13, 100):  # in the rest, between two updates of the network, to the end
        run = Stopped(settings, tmp_path / "parts", silent)
        run.at = batches
        run.train()
    assert (run.step, run.batches, run.adversary.learnt) == (10, 18, 11)
    for part in ("network", "average"):
        ours, theirs = (getattr(one, part).state_dict() for one in (run, whole))
        assert all(torch.allclose(ours[name], value, atol=1e-6) for name, value in theirs.items())
    assert [line["batches"] for line in log(tmp_path / "parts")] == [
        line["batches"] for line in log(tmp_path / "whole")
    ]
    # A checkpoint of the time when steps counted batches means something else.
    state = checkpoint.load(tmp_path / "parts" / "last.pt")
    del state["batches"]
    checkpoint.save(tmp_path / "old" / "last.pt", state)
    with pytest.raises(ConfigError, match=r"its steps count batches.*use another folder and train it anew") as error:
        Run(settings, tmp_path / "old", silent)
    assert "\n" not in str(error.value)


class Stopped(Run):
    """Stops after `at` batches."""

    def _step(self, batch, objective):
        if self.batches + 1 == self.at:
            self.stop()
        return super()._step(batch, objective)


def silent(line):
    pass


def changed(before, after):
    """Whether a weight differs; what norms have seen is none."""
    return any(
        not torch.equal(before[name], after[name]) for name in before if not name.rpartition(".")[2].startswith(SEEN)
    )


SEEN = ("running", "num_batches")


def planes(chroma):
    generator = torch.Generator().manual_seed(0)
    lightness = torch.rand(8, 1, 16, 16, generator=generator) * 100
    return lightness, torch.randn(8, 2, 16, 16, generator=generator) * chroma


def adversary(**adversarial):
    torch.manual_seed(0)
    return Adversary(config(**adversarial), 16, torch.device("cpu"))


def alone(critic):
    pass


@pytest.mark.parametrize("kind", KINDS)
def test_the_critic_comes_to_tell_true_colours_from_gray_ones(kind):
    made = adversary(loss=kind, rate=0.01)
    lightness, truth = planes(30)
    found = [float(made.learn(lightness, truth, 0 * truth, alone)) for _ in range(60)]
    assert found[-1] < 0.3 * found[0]
    with torch.no_grad():
        assert float(made.critic(lightness, truth).min()) > float(made.critic(lightness, 0 * truth).max())


def test_the_critic_sees_the_lightness_at_the_size_of_the_colours():
    made = adversary()
    lightness, truth = planes(30)
    fine = lightness.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    made.critic.eval()
    assert torch.allclose(made.judgement(fine, truth), made.judgement(lightness, truth), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_is_pulled_to_what_the_critic_takes_for_true(kind):
    made = adversary(loss=kind, weight=0.5)
    made.critic.eval()
    lightness, ab = planes(10)
    ab.requires_grad_()
    judged = made.judgement(lightness, ab)
    scores = made.critic(lightness, ab)
    assert judged.item() == pytest.approx(0.5 * losses.adversarial_generator(scores, kind).item(), rel=1e-5)
    (gradient,) = torch.autograd.grad(judged, ab)
    with torch.no_grad():
        moved = made.critic(lightness, ab - gradient / gradient.abs().max())
    assert moved.mean().item() > scores.mean().item()


def test_judging_leaves_nothing_behind_for_the_critic_to_learn():
    lightness, truth = planes(30)
    weights = []
    for judges in (True, False):
        made = adversary()
        made.critic.eval()
        if judges:
            made.judgement(lightness, (0.1 * truth).requires_grad_()).backward()
        made.learn(lightness, truth, 0.1 * truth, alone)
        weights.append(torch.cat([p.detach().flatten() for p in made.critic.parameters()]))
    assert torch.equal(*weights)


def test_no_gradient_of_the_critic_reaches_the_network():
    made = adversary()
    lightness, truth = planes(30)
    ab = (0.1 * truth).requires_grad_()
    made.learn(lightness, truth, ab, alone)
    assert ab.grad is None


@pytest.mark.parametrize("adversarial", [{}, {"every": 3}, {"starts": 0.4, "joins": 0.7}])
def test_the_critics_rate_goes_through_the_schedule_in_its_own_updates(adversarial):
    lightness, truth = planes(30)
    made = adversary(rate=0.01, **adversarial)
    rates = []
    for _ in range(made.batches_left(10 - 4) if "starts" in adversarial else made.batches_left(0)):
        made.learn(lightness, truth, 0.1 * truth, alone)
        rates.append(made.optimizer.param_groups[0]["lr"])
    count = len(rates)
    expected = [0.005 * (1 + math.cos(math.pi * number / count)) for number in range(count)]
    assert rates == pytest.approx(expected)


def test_labels_of_true_colours_are_smoothed():
    lightness, truth = planes(30)
    found = {smoothing: adversary(smoothing=smoothing) for smoothing in (0.0, 0.1)}
    for smoothing, made in found.items():
        with torch.no_grad():
            true, fake = (made.critic(lightness, ab).double() for ab in (truth, 0 * truth))
        label = 1 - smoothing
        expected = -(label * true.sigmoid().log() + (1 - label) * (1 - true.sigmoid()).log()).mean()
        expected -= (1 - fake.sigmoid()).log().mean()
        assert float(made.learn(lightness, truth, 0 * truth, alone)) == pytest.approx(float(expected), rel=1e-4)
