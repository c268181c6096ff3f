"""Training against a critic: who learns when, and that both learn what they should."""

import json

import pytest
import torch

from small_sets import write_set
from tintype import losses
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
            "keep_every": 1,
            "log_every": 1,
            "precision": "float32",
            "device": "cpu",
        }
    )


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("sets") / "set", train=4, validation=1)


@pytest.mark.parametrize(
    ("adversarial", "network", "critic"),
    [
        ({}, range(1, 11), range(1, 11)),
        ({"every": 3}, (3, 6, 9), range(1, 11)),
        ({"starts": 0.3, "joins": 0.3}, range(1, 11), range(4, 11)),
        # NoGAN: the network alone, the critic alone, both.
        ({"starts": 0.4, "joins": 0.7}, (1, 2, 3, 4, 8, 9, 10), range(5, 11)),
        ({"starts": 0.4, "joins": 0.7, "every": 2}, (1, 2, 3, 4, 8, 10), range(5, 11)),
        ({"starts": 1.0, "joins": 1.0}, range(1, 11), ()),
    ],
)
def test_who_learns_when(photographs, tmp_path, adversarial, network, critic):
    settings = config(photographs, **adversarial)
    said = []
    run = Run(settings, tmp_path, said.append)
    run._save("step-0000000.pt")
    run.train()
    states = [checkpoint.load(tmp_path / f"step-{step:07d}.pt") for step in range(11)]
    learnt = {"network": [], "average": [], "critic": []}
    for step in range(1, 11):
        before, after = states[step - 1 : step + 1]
        for part in ("network", "average"):
            learnt[part] += [step] if changed(before[part], after[part]) else []
        learnt["critic"] += [step] if changed(before["adversary"]["critic"], after["adversary"]["critic"]) else []
    assert learnt == {"network": list(network), "average": list(network), "critic": list(critic)}
    # The log tells of those who learnt, and of the critic's judgement where the network was told it.
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text("utf-8").splitlines()]
    lines = [line for line in lines if line["part"] == "train"]
    assert [line["step"] for line in lines if "loss" in line] == list(network)
    assert [line["step"] for line in lines if "critic" in line] == list(critic)
    assert [line["step"] for line in lines if "judgement" in line] == [step for step in network if step in critic]
    paces = [line for line in said if line.startswith("step ")]
    assert [number for number, line in enumerate(paces, 1) if "the critic alone" in line] == [
        step for step in range(1, 11) if step not in network
    ]


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
    found = [float(made.learn(lightness, truth, 0 * truth, 1.0, alone)) for _ in range(60)]
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
        made.learn(lightness, truth, 0.1 * truth, 1.0, alone)
        weights.append(torch.cat([p.detach().flatten() for p in made.critic.parameters()]))
    assert torch.equal(*weights)


def test_no_gradient_of_the_critic_reaches_the_network():
    made = adversary()
    lightness, truth = planes(30)
    ab = (0.1 * truth).requires_grad_()
    made.learn(lightness, truth, ab, 1.0, alone)
    assert ab.grad is None


def test_the_critics_rate_follows_the_schedule():
    lightness, truth = planes(30)
    steps = {}
    for share in (0.0, 0.5, 1.0):
        made = adversary(rate=0.01)
        before = torch.cat([p.detach().flatten() for p in made.critic.parameters()])
        made.learn(lightness, truth, 0.1 * truth, share, alone)
        after = torch.cat([p.detach().flatten() for p in made.critic.parameters()])
        steps[share] = float((after - before).abs().max())
    assert steps == pytest.approx({0.0: 0.0, 0.5: 0.005, 1.0: 0.01}, rel=0.01)


def test_labels_of_true_colours_are_smoothed():
    lightness, truth = planes(30)
    found = {smoothing: adversary(smoothing=smoothing) for smoothing in (0.0, 0.1)}
    for smoothing, made in found.items():
        with torch.no_grad():
            true, fake = (made.critic(lightness, ab).double() for ab in (truth, 0 * truth))
        label = 1 - smoothing
        expected = -(label * true.sigmoid().log() + (1 - label) * (1 - true.sigmoid()).log()).mean()
        expected -= (1 - fake.sigmoid()).log().mean()
        assert float(made.learn(lightness, truth, 0 * truth, 1.0, alone)) == pytest.approx(float(expected), rel=1e-4)
