"""The losses of a configuration: each is the one of its name, and moves the network's colours the way it claims."""

import numpy as np
import pytest
import torch
from torch import nn

from small_sets import write_set
from small_weights import write_lpips, write_vgg16
from tintype import losses, targets
from tintype.color.bins import published_bins, published_prior, siggraph17_bins
from tintype.errors import ConfigError
from tintype.evaluation.metrics import colorfulness
from tintype.training.batches import Batch
from tintype.training.config import from_dict
from tintype.training.loop import Run
from tintype.training.objective import Objective, class_weights

SIDE = 32


def config(family="cnn10", **changes):
    values = {
        "name": f"{family}.mine",
        "family": family,
        "network": {"width": 4},
        "data": {"folder": "none", "side": SIDE, "validation_side": SIDE},
        "precision": "float32",
        "device": "cpu",
    }
    for key, value in changes.items():
        values[key] = {**values[key], **value} if isinstance(values.get(key), dict) else value
    return from_dict(values)


def objective(target, loss, prior=None, **changes):
    settings = config(target=target, loss=loss, **changes)
    bins = published_bins() if settings.target.kind == "bins" else None
    return Objective(settings, targets.make(settings.target, bins), prior)


@pytest.fixture(scope="module")
def batch():
    """Four photographs whose colours fit their lightness, some of them pale."""
    generator = torch.Generator().manual_seed(0)
    rgb = nn.functional.interpolate(torch.rand(4, 3, 5, 5, generator=generator), SIDE, mode="bicubic").clamp(0, 1)
    planes = targets.lab.rgb_to_lab(rgb, axis=1)
    return Batch(
        planes[:, :1], torch.zeros(4, 3, SIDE, SIDE), planes[:, 1:] * torch.tensor([1, 1, 0.5, 0.1]).view(4, 1, 1, 1)
    )


@pytest.fixture(scope="module")
def raw():
    generator = torch.Generator().manual_seed(1)
    return {channels: torch.randn(4, channels, SIDE, SIDE, generator=generator) * 0.3 for channels in (2, 3, 313)}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Random weights of the networks that losses see with."""
    folder = tmp_path_factory.mktemp("weights")
    vgg, lpips = str(write_vgg16(folder)), str(write_lpips(folder))
    return {"vgg": vgg, "lpips_network": vgg, "lpips_weights": lpips}


MEASURES = {
    "squared": losses.mean_squared_error,
    "absolute": losses.mean_absolute_error,
    "huber": losses.huber,
    "chroma_weighted": losses.chroma_weighted_squared_error,
    "hue": losses.hue_error,
}


@pytest.mark.parametrize("key", MEASURES)
def test_regressed_ab_are_measured_in_parts_of_their_scale(batch, raw, key):
    for scale in (110.0, 128.0):
        term = objective({"kind": "ab", "scale": scale}, {key: 3.0})
        expected = 3 * MEASURES[key](raw[2] * scale, batch.ab, scale=scale)
        assert float(term(raw[2], batch)) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("key", MEASURES)
def test_the_mean_of_a_distribution_is_measured_in_parts_of_110(batch, raw, key):
    term = objective({}, {key: 1.0, "temperature": 0.5})
    ab = targets.Bins(published_bins()).ab(raw[313], None, 0.5)
    assert float(term(raw[313], batch)) == pytest.approx(float(MEASURES[key](ab, batch.ab)), rel=1e-5)


def test_hue_and_saturation_and_rgb_are_measured_as_they_are(batch, raw):
    rgb = targets.lab.lab_to_rgb(torch.cat([batch.lightness, batch.ab], dim=1), axis=1).clamp(0, 1)
    found = objective({"kind": "rgb"}, {"squared": 1.0})(raw[3], batch)
    assert float(found) == pytest.approx(float(((raw[3].sigmoid() - rgb) ** 2).mean()), rel=1e-5)
    found = objective({"kind": "hue", "bounded": True}, {"absolute": 1.0})(raw[2], batch)
    assert float(found) == pytest.approx(float((raw[2].tanh() - targets.hue_plane(rgb)).abs().mean()), rel=1e-5)


def test_huber_turns_linear_at_its_delta(batch):
    far = batch.ab / 110 + 5
    for delta in (0.1, 0.5):
        term = objective({"kind": "ab"}, {"huber": 1.0, "delta": delta})
        assert float(term(far, batch)) == pytest.approx(2 * delta * (5 - delta / 2), rel=1e-4)


def test_the_chroma_weighted_error_pulls_harder_where_there_is_colour(batch):
    raw = (batch.ab / 110 + 0.1).requires_grad_()
    objective({"kind": "ab"}, {"chroma_weighted": 1.0})(raw, batch).backward()
    chroma = batch.ab.norm(dim=1)
    pull = raw.grad[:, 0] / raw.grad[:, 0][chroma < 1].mean()
    assert torch.allclose(pull, (1 + 5 * chroma / 110) / (1 + 5 * chroma[chroma < 1].mean() / 110), rtol=1e-3)


def moved(term, raw, batch, by):
    """The raw output after a small step against the gradient of a loss."""
    raw = raw.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(term(raw, batch), raw)
    return (raw - by * gradient / gradient.abs().max()).detach()


def test_the_hue_is_turned_and_the_chroma_left(batch):
    turned = 1.0
    colours = batch.ab / 110
    turn = torch.tensor([[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]], dtype=torch.float32)
    raw = torch.einsum("ij,njhw->nihw", turn, colours)
    after = moved(objective({"kind": "ab"}, {"hue": 1.0}), raw, batch, 0.01)
    clear = colours.norm(dim=1) > 0.1

    def error(values):
        return 1 - nn.functional.cosine_similarity(values, colours)[clear]

    assert float((error(after) < error(raw)).float().mean()) == 1
    assert float((after.norm(dim=1) / raw.norm(dim=1) - 1)[clear].abs().max()) < 0.02


def test_colourfulness_adds_what_its_metric_measures(batch):
    before = 0.5 * batch.ab / 110
    after = moved(objective({"kind": "ab"}, {"colorfulness": 1.0}), before, batch, 0.05)
    measured = []
    for colours in (before, after):
        rgb = targets.lab.lab_to_rgb(torch.cat([batch.lightness, 110 * colours], dim=1), axis=1).clamp(0, 1)
        codes = (255 * rgb).round().byte().movedim(1, -1).numpy()
        measured.append(np.array([colorfulness(photo) for photo in codes]))
    dull, bright = measured
    assert (bright > 1.01 * dull).all()


@pytest.mark.parametrize("key", ["perceptual", "lpips"])
def test_what_networks_see_is_least_at_the_truth(batch, files, key):
    term = objective({"kind": "ab"}, {key: 1.0, **files})
    truth = batch.ab / 110
    assert float(term(truth, batch)) < 1e-6
    pale = 0.3 * truth
    after = moved(term, pale, batch, 0.02)
    assert float(term(after, batch)) < float(term(pale, batch))
    assert float((after - truth).square().mean()) < float((pale - truth).square().mean())


def test_the_side_head_learns_the_nearest_class_of_every_fourth_pixel(batch, raw):
    settings = config("siggraph17", target={"kind": "ab"}, loss={"side": 2.0, "absolute": 1.0})
    side = torch.zeros(4, 529, SIDE // 4, SIDE // 4, requires_grad=True)
    terms = Objective(settings, targets.make(settings.target)).terms((raw[2], side), batch)
    assert terms["side"].item() == pytest.approx(2 * np.log(529), rel=1e-5)
    terms["side"].backward()
    wanted = side.grad.argmin(dim=1)
    cells = torch.tensor(siggraph17_bins())[wanted].movedim(-1, 1)
    assert float((cells - batch.ab[..., ::4, ::4]).abs().max()) <= 5.5


def test_rare_colours_pull_by_their_weight(batch, raw):
    gradients = {}
    for uniform in (1.0, 0.5):
        logits = raw[313].clone().requires_grad_()
        term = objective({}, {"cross_entropy": 1.0, "uniform": uniform, "prior": "published", "neighbours": 1})
        term(logits, batch).backward()
        gradients[uniform] = logits.grad
    index, _ = losses.SoftCodes(published_bins(), 1)(batch.ab)
    p = published_prior()
    weight = 1 / (0.5 * p + 0.5 / 313)
    weight /= (p * weight).sum()
    wanted = torch.tensor(weight, dtype=torch.float32)[index[:, 0]].view(4, 1, SIDE, SIDE)
    assert torch.allclose(gradients[0.5], wanted * gradients[1.0], rtol=1e-4, atol=1e-9)
    assert float(wanted.max() / wanted.min()) > 10


def test_gray_photographs_are_left_out_where_wanted(batch, raw):
    pale = float(batch.ab[3].abs().max())
    assert pale < float(batch.ab[2].abs().max())
    logits = raw[313].clone().requires_grad_()
    objective({}, {"cross_entropy": 1.0, "skip_gray": pale}, published_prior())(logits, batch).backward()
    pulled = logits.grad.abs().sum(dim=(1, 2, 3))
    assert float(pulled[3]) == 0
    assert float(pulled[:3].min()) > 0
    logits = raw[313].clone().requires_grad_()
    objective({}, {"cross_entropy": 1.0}, published_prior())(logits, batch).backward()
    assert torch.allclose(logits.grad.abs().sum(dim=(1, 2, 3))[:3], pulled[:3])


def loss(**values):
    return config(loss={"cross_entropy": 1.0, **values}).loss


def test_the_weights_of_the_published_prior():
    weights = class_weights(loss(prior="published"), np.full(313, 1 / 313))
    assert (weights.min(), weights.max()) == pytest.approx((0.0965032, 6.1748680), abs=1e-6)
    assert (published_prior() * weights).sum() == pytest.approx(1)
    assert np.allclose(class_weights(loss(uniform=1.0), published_prior()), 1)


def test_an_own_prior_is_smoothed_in_the_plane_of_its_colours():
    sharp = class_weights(loss(), published_prior())
    smooth = class_weights(loss(smoothing=5.0), published_prior())
    # As measured of this prior once: 64 without, 47.6 with it, and 12.3 if it ran over the number of the bin.
    assert sharp.max() / sharp.min() == pytest.approx(63.99, abs=0.01)
    assert smooth.max() / smooth.min() == pytest.approx(47.6, abs=0.05)
    one = np.zeros(313)
    one[120] = 1  # (0, 0)
    near, far = (int(np.flatnonzero((published_bins() == place).all(axis=1))[0]) for place in ((0, 10), (0, 100)))
    spread = class_weights(loss(smoothing=5.0), one)
    assert spread[120] < spread[near] < spread[far]


def test_the_published_prior_is_mixed_in_by_its_share():
    own = np.zeros(313)
    own[100:200] = 0.01
    for share in (0.25, 1.0):
        weights = class_weights(loss(published_share=share), own)
        mixed = (1 - share) * own + share * published_prior()
        expected = 1 / (0.5 * mixed + 0.5 / 313)
        assert np.allclose(weights, expected / (mixed * expected).sum())
        assert weights.min() > 0
    # Without it, bins that no photograph of the set touches have no weight.
    assert not class_weights(loss(), own)[:100].any()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"loss": {"neighbours": 400}}, "target.bins = published gives 313 bins, and loss.neighbours asks for 400"),
        (
            {"target": {"bins": "srgb", "step": 200.0}},
            "target.bins = srgb gives 2 bins, and loss.neighbours asks for 5",
        ),
        (
            {"target": {"bins": "own"}, "loss": {"published_share": 0.5, "uniform": 1.0}},
            'loss.published_share asks for the published prior, which needs target.bins = "published"',
        ),
        (
            {"family": "eccv16", "loss": {"lpips": 1.0, "lpips_network": "a", "lpips_weights": "b"}},
            "data.side must be at least 64 for loss.lpips, not 32",
        ),
        (
            {"loss": {"perceptual": 1.0, "vgg": "a"}, "data": {"validation_side": 2}},
            "data.validation_side must be at least 4 for loss.perceptual, not 2",
        ),
        ({"loss": {"distillation": 1.0}}, "loss.distillation needs loss.teacher, a checkpoint"),
        ({"loss": {"lpips": 1.0, "lpips_network": "a"}}, "loss.lpips needs loss.lpips_weights, a file of weights"),
    ],
)
def test_what_cannot_be_measured_is_said(changes, said):
    asked = {**changes, "loss": {"cross_entropy": 1.0, **changes.get("loss", {})}}
    with pytest.raises(ConfigError) as error:
        config(**asked)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def silent(line):
    pass


def own_bins(folder, **changes):
    settings = {"loss": {"cross_entropy": 1.0, "uniform": 1.0}, "steps": 1, "batch": 4, **changes}
    settings["data"] = {"folder": str(folder), **settings.get("data", {})}
    return config(target={"bins": "own", **settings.pop("target", {})}, **settings)


def test_too_few_bins_of_ones_own_are_refused(tmp_path):
    write_set(tmp_path / "set", 4, 1)
    for target, count in (({"step": 500.0}, 1), ({"share": 0.9}, 0)):
        with pytest.raises(ConfigError, match=f"target.bins = own gives {count} bins, and loss.neighbours asks for 5"):
            Run(own_bins(tmp_path / "set", target=target), tmp_path / "run", silent)


def test_a_run_that_starts_from_another_keeps_its_bins(tmp_path):
    write_set(tmp_path / "few", 1, 1)
    write_set(tmp_path / "many", 12, 1)
    first = Run(own_bins(tmp_path / "few"), tmp_path / "first", silent)
    first.train()
    fresh = Run(own_bins(tmp_path / "many"), tmp_path / "fresh", silent)
    assert len(fresh.target.bins) > len(first.target.bins)
    second = Run(own_bins(tmp_path / "many", start=str(tmp_path / "first")), tmp_path / "second", silent)
    assert torch.equal(second.target.bins, first.target.bins)
    assert second.train()
