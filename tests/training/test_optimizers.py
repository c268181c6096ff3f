"""Optimizers against the published settings and against steps by hand."""

import pytest
import torch

from tintype.errors import ConfigError
from tintype.training.optimizers import Optimizer, averaging, check, limit, make, rate_at

# The optimizers that the projects and their papers used, and rates that each must have at some steps of a run.
PUBLISHED = {
    "adadelta, linear to 0": (
        Optimizer(kind="adadelta", rate=0.25, decay=0, clip=0, warmup=0, schedule="linear"),
        1000,
        {0: 0.25, 500: 0.125, 999: 0.00025},
    ),
    "adam, exponential, clipped by value": (
        Optimizer(
            kind="adam",
            rate=3e-5,
            betas=(0.9, 0.99),
            decay=0.02,
            clip=0,
            clip_value=5,
            warmup=0,
            schedule="exponential",
            factor=0.8,
            every=40_623,
        ),
        250_000,
        {0: 3e-5, 40_623: 2.4e-5, 81_246: 1.92e-5},
    ),
    "eccv16 as released": (
        Optimizer(
            kind="adam", rate=3e-5, decay=1e-3, clip=0, warmup=0, schedule="steps", milestones=(225_000,), factor=0.1
        ),
        500_000,
        {0: 3e-5, 224_999: 3e-5, 225_000: 3e-6, 499_999: 3e-6},
    ),
    "eccv16 as printed": (
        Optimizer(
            kind="adam",
            rate=3.16e-5,
            decay=1e-3,
            clip=0,
            warmup=0,
            schedule="steps",
            milestones=(200_000, 375_000),
            factor=0.316,
        ),
        450_000,
        {0: 3.16e-5, 200_000: 1e-5, 375_000: 3.16e-6},
    ),
    "adam at a constant rate": (
        Optimizer(kind="adam", rate=3.16e-5, betas=(0.9, 0.99), decay=1e-3, clip=0, warmup=0, schedule="hold", fall=0),
        100,
        {0: 3.16e-5, 99: 3.16e-5},
    ),
    "a critic's adam": (
        Optimizer(kind="adam", rate=2e-4, betas=(0.5, 0.999), decay=0, clip=0, warmup=0, schedule="hold", fall=0),
        100,
        {0: 2e-4, 99: 2e-4},
    ),
    "sgd with momentum": (
        Optimizer(kind="sgd", rate=0.1, clip=0, warmup=0, schedule="steps", milestones=(0.5, 0.75), factor=0.1),
        100,
        {49: 0.1, 50: 0.01, 75: 0.001},
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_settings_are_expressible(name):
    optimizer, steps, rates = PUBLISHED[name]
    check(optimizer, "mine.toml")
    for step, rate in rates.items():
        assert optimizer.rate * rate_at(optimizer, step, steps) == pytest.approx(rate, rel=5e-3)


def test_schedules_that_fall_to_0_and_their_warm_up():
    cosine = Optimizer(warmup=10)
    assert rate_at(cosine, 0, 100) == pytest.approx(0.1)
    assert rate_at(cosine, 50, 100) == pytest.approx(0.5)
    assert rate_at(cosine, 99, 100) < 1e-3
    hold = Optimizer(warmup=0, schedule="hold", fall=0.2)
    assert [rate_at(hold, step, 100) for step in (0, 80, 90, 99)] == pytest.approx([1, 1, 0.5, 0.05])
    steps = Optimizer(warmup=4, schedule="steps", milestones=(2, 3), factor=0.5)
    assert [rate_at(steps, step, 10) for step in range(5)] == pytest.approx([0.25, 0.5, 0.375, 0.25, 0.25])


def weight_after(gradients, optimizer):
    """What becomes of the weight 2 under these gradients."""
    weight = torch.nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    stepper = make(optimizer, [{"params": [weight]}])
    for gradient in gradients:
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        stepper.step()
    return weight.item()


def test_adam_by_hand_with_l2_in_the_gradient():
    optimizer = Optimizer(kind="adam", rate=0.1, betas=(0.9, 0.99), decay=0.5)
    weight, first, second = 2.0, 0.0, 0.0
    for step, gradient in enumerate((3.0, -4.0), start=1):
        gradient += 0.5 * weight
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        weight -= 0.1 * first / (1 - 0.9**step) / ((second / (1 - 0.99**step)) ** 0.5 + 1e-8)
    assert weight_after((3.0, -4.0), optimizer) == pytest.approx(weight, rel=1e-9)


def test_adamw_shrinks_apart_from_the_gradient():
    # Adam's first step is the rate's size whatever the gradient's.
    optimizer = Optimizer(kind="adamw", rate=0.1, decay=0.5)
    assert weight_after((3.0,), optimizer) == pytest.approx(2 * (1 - 0.1 * 0.5) - 0.1, rel=1e-6)


def test_sgd_by_hand():
    optimizer = Optimizer(kind="sgd", rate=0.1, betas=(0.8, 0.99), decay=0.5)
    # 2 - 0.1 x (3 + 1) = 1.6; then momentum 0.8 x 4 + (-4 + 0.8) = 0.
    assert weight_after((3.0,), optimizer) == pytest.approx(1.6)
    assert weight_after((3.0, -4.0), optimizer) == pytest.approx(1.6)


def test_adadelta_by_hand():
    optimizer = Optimizer(kind="adadelta", rate=0.25, betas=(0.9, 0.99), decay=0)
    # E[g^2] = 0.1 x 9, E[dx^2] = 0: the step is sqrt(eps) / sqrt(0.9 + eps) x 3, eps = 1e-6 (Zeiler 2012, algorithm 1).
    step = (1e-6 / (0.9 + 1e-6)) ** 0.5 * 3
    assert weight_after((3.0,), optimizer) == pytest.approx(2 - 0.25 * step, rel=1e-9)


def test_groups_keep_their_own_decay_and_share():
    weight, bias = (torch.nn.Parameter(torch.ones(1)) for _ in range(2))
    optimizer = Optimizer(kind="sgd", rate=0.1, decay=0.5)
    stepper = make(optimizer, [{"params": [weight]}, {"params": [bias], "weight_decay": 0.0, "share": 0.1}])
    weight.grad = bias.grad = torch.zeros(1)
    stepper.step()
    assert (weight.item(), bias.item()) == (pytest.approx(0.95), 1.0)
    assert stepper.param_groups[1]["share"] == 0.1


@pytest.mark.parametrize("kind", ["adamw", "adam", "adadelta", "sgd"])
def test_betas_can_be_changed_on_a_resumed_optimizer(kind):
    had, wanted = (Optimizer(kind=kind, betas=betas) for betas in ((0.9, 0.99), (0.5, 0.99)))
    group = make(had, [{"params": [torch.nn.Parameter(torch.ones(1))]}]).param_groups[0]
    new = make(wanted, [{"params": [torch.nn.Parameter(torch.ones(1))]}]).param_groups[0]
    group.update(averaging(wanted))
    assert {key: value for key, value in group.items() if key != "params"} == {
        key: value for key, value in new.items() if key != "params"
    }


def test_limits_of_the_gradient():
    def clipped(optimizer):
        weight = torch.nn.Parameter(torch.zeros(2))
        weight.grad = torch.tensor([30.0, -40.0])
        limit(optimizer, iter([weight]))
        return weight.grad.tolist()

    assert clipped(Optimizer(clip=0)) == [30, -40]
    assert clipped(Optimizer(clip=5)) == pytest.approx([3, -4])
    assert clipped(Optimizer(clip=0, clip_value=35)) == [30, -35]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"milestones": (0.5,)},
            "optimizer.milestones has no effect with the schedule cosine; remove it or set optimizer.schedule to steps",
        ),
        ({"factor": 0.5}, "set optimizer.schedule to steps or exponential"),
        ({"schedule": "linear", "fall": 0.5}, "optimizer.fall has no effect with the schedule linear"),
        ({"schedule": "steps", "milestones": (3,), "factor": 0.5, "every": 4}, "optimizer.every has no effect"),
        ({"schedule": "steps", "factor": 0.5}, "the schedule steps needs optimizer.milestones"),
        ({"schedule": "steps", "milestones": (0.5,)}, "the schedule steps needs optimizer.factor"),
        ({"schedule": "exponential", "factor": 0.5}, "the schedule exponential needs optimizer.every"),
        ({"schedule": "steps", "milestones": (0.5, 0.5), "factor": 0.5}, "must rise .* not 0.5, 0.5"),
        ({"schedule": "steps", "milestones": (0.5, 20), "factor": 0.5}, "all steps or all shares .* not 0.5, 20"),
        ({"clip_value": 5}, "optimizer.clip and optimizer.clip_value exclude each other"),
    ],
)
def test_contradictions_are_refused_by_name(keys, said):
    with pytest.raises(ConfigError, match=f"^mine.toml: .*{said}"):
        check(Optimizer(**keys), "mine.toml")
    with pytest.raises(ConfigError, match=r"critic\.optimizer"):
        check(Optimizer(**keys), "mine.toml", "critic.optimizer")
