"""Losses against torch's own and against exact soft codes."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from tintype.color.bins import nearest_bin, published_bins, published_prior, rebalancing_weights, soft_encode
from tintype.color.lab import lab_to_rgb, rgb_to_lab
from tintype.errors import ConfigError
from tintype.evaluation import metrics
from tintype.losses import (
    Lpips,
    Perceptual,
    SoftCodes,
    adversarial,
    adversarial_generator,
    chroma_weighted_squared_error,
    colorfulness,
    colourful,
    cross_entropy,
    distillation,
    huber,
    hue_error,
    mean_absolute_error,
    mean_squared_error,
    to_rgb,
)

BINS = torch.tensor(np.array(published_bins()))


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def logits(generator):
    return torch.randn(2, 313, 4, 5, generator=generator, dtype=torch.float64).requires_grad_()


@pytest.fixture
def ab(generator):
    return (torch.rand(2, 2, 4, 5, generator=generator) - 0.5) * 120


def test_cross_entropy_of_one_hot_codes_is_torchs(logits, ab):
    index, weight = SoftCodes(neighbours=1)(ab)
    expected = functional.cross_entropy(logits, index.reshape(2, 4, 5))
    assert cross_entropy(logits, index, weight).item() == pytest.approx(expected.item(), abs=1e-5)


def test_cross_entropy_of_soft_codes_is_torchs(logits, ab):
    index, weight = SoftCodes(neighbours=5)(ab)
    dense = torch.zeros(2 * 4 * 5, 313).scatter_(1, index, weight).reshape(2, 4, 5, 313).movedim(-1, 1)
    expected = functional.cross_entropy(logits.float(), dense)
    assert cross_entropy(logits, index, weight).item() == pytest.approx(expected.item(), abs=1e-5)


def test_lambda_1_is_the_unweighted_loss(logits, ab):
    codes = SoftCodes()(ab)
    flat = torch.tensor(rebalancing_weights(published_prior(), 1.0), dtype=torch.float32)
    assert cross_entropy(logits, *codes, flat).item() == pytest.approx(cross_entropy(logits, *codes).item(), rel=1e-6)


def test_weights_change_gradients_by_exactly_w_at_the_nearest_bin(logits, ab):
    codes = SoftCodes()(ab)
    weights = torch.tensor(rebalancing_weights(published_prior(), 0.5), dtype=torch.float32)
    (plain,) = torch.autograd.grad(cross_entropy(logits, *codes), logits)
    (weighted,) = torch.autograd.grad(cross_entropy(logits, *codes, weights), logits)
    nearest = torch.tensor(nearest_bin(ab.round().movedim(1, -1).numpy().astype(float)))
    assert torch.allclose(weighted, plain * weights[nearest][:, None], rtol=1e-5, atol=1e-12)


def test_a_photograph_is_colourful_by_one_pixel_of_either_axis():
    ab = torch.zeros(4, 2, 3, 3)
    ab[0] = 5.0  # not above the threshold
    ab[1, 0, 1, 2] = -5.1
    ab[2, 1, 0, 0] = 5.1
    assert colourful(ab).tolist() == [0, 1, 1, 0]
    assert colourful(ab, threshold=4).tolist() == [1, 1, 1, 0]


def test_a_gray_photograph_contributes_zero(logits, ab):
    ab[1] *= 0.01
    codes = SoftCodes()(ab)
    whole = cross_entropy(logits, *codes, photo_weights=colourful(ab))
    (gradient,) = torch.autograd.grad(whole, logits)
    assert gradient[1].abs().max() == 0
    first = cross_entropy(logits[:1], *SoftCodes()(ab[:1]))
    assert whole.item() == pytest.approx(first.item() / 2, rel=1e-6)
    assert torch.allclose(gradient[:1], torch.autograd.grad(first, logits)[0][:1] / 2, atol=1e-9)


def test_soft_codes_are_the_exact_ones_at_whole_colours():
    whole = torch.tensor([[12.0, -7.0], [-60.0, 60.0], [3.0, 3.0]]).T.reshape(1, 2, 3, 1)
    index, weight = SoftCodes()(whole)
    exact, exact_weight = soft_encode(whole[0, :, :, 0].T.numpy().astype(float))
    assert torch.equal(index, torch.tensor(exact))
    assert np.abs(weight.numpy() - exact_weight).max() < 1e-6
    # FACTS 2: the code of (12, -7) with K = 5.
    assert weight[0].numpy() == pytest.approx([0.513698, 0.230819, 0.154723, 0.069521, 0.031238], abs=1e-5)
    assert BINS[index[0]].tolist() == [[10, -10], [10, 0], [20, -10], [20, 0], [0, -10]]


def test_soft_codes_are_near_the_exact_ones_everywhere(generator):
    # Colours within sRGB, for elsewhere the bins are far and few.
    ab = (torch.rand(1, 2, 50, 40, generator=generator) - 0.5) * 100
    index, weight = SoftCodes()(ab)
    assert torch.allclose(weight.sum(dim=1), torch.ones(2000), atol=1e-6)
    ours = (BINS[index].float() * weight[..., None]).sum(dim=1)
    exact = soft_encode(ab[0].movedim(0, -1).reshape(-1, 2).double())
    theirs = (BINS[exact[0]] * exact[1][..., None]).sum(dim=1)
    # Rounding moves a colour by at most 0.71, and what its code decodes to hardly more, but where the fifth neighbour
    # changes.
    distance = (ours - theirs).norm(dim=1)
    assert float(distance.mean()) < 0.6
    assert float(distance.quantile(0.99)) < 1.5


def test_colours_beyond_the_table_take_its_edge():
    far = torch.tensor([300.0, -300.0]).reshape(1, 2, 1, 1)
    index, _ = SoftCodes()(far)
    assert torch.equal(index, SoftCodes()(far.clamp(-128, 128))[0])


def test_huber_is_torchs_summed_over_a_and_b(ab):
    truth = ab.flip(0) * 3
    for delta in (1.0, 0.1):
        expected = functional.huber_loss(ab / 110, truth / 110, delta=delta, reduction="none").sum(dim=1).mean()
        assert huber(ab, truth, delta).item() == pytest.approx(expected.item(), rel=1e-6)
    # |d| = 0.5 on both axes, delta 1: 2 x 0.5 x 0.25; |d| = 3: 2 x (3 - 0.5).
    zero = torch.zeros(1, 2, 1, 1)
    assert huber(zero + 55, zero).item() == pytest.approx(0.25)
    assert huber(zero + 330, zero).item() == pytest.approx(5.0)


def test_mean_squared_error():
    zero = torch.zeros(1, 2, 3, 3)
    assert mean_squared_error(zero + 11, zero).item() == pytest.approx(0.01)


def test_mean_absolute_error():
    zero = torch.zeros(1, 2, 3, 3)
    truth = zero.clone()
    truth[:, 1] = -22
    assert mean_absolute_error(zero + 11, truth).item() == pytest.approx((0.1 + 0.3) / 2)


def test_chroma_weights(ab, generator):
    truth = torch.randn(2, 2, 4, 5, generator=generator) * 40
    assert chroma_weighted_squared_error(ab, truth, 0).item() == pytest.approx(mean_squared_error(ab, truth).item())
    # Truth of chroma 55: w = 1 + 4 x 55 / 110 = 3; both axes are off by 11.
    truth = torch.tensor([33.0, 44.0]).reshape(1, 2, 1, 1)
    assert chroma_weighted_squared_error(truth - 11, truth, 4).item() == pytest.approx(3 * 0.01)


@pytest.mark.parametrize(("degrees", "expected"), [(0, 0), (60, 0.5), (90, 1), (180, 2), (-60, 0.5), (360, 0)])
def test_hue_error_is_circular_and_weighs_by_the_true_chroma(degrees, expected):
    angle = torch.tensor(degrees + 170.0).deg2rad()  # 170: across the seam of an angle in -180..180
    start = torch.tensor(170.0).deg2rad()
    truth = 55 * torch.stack([start.cos(), start.sin()]).reshape(1, 2, 1, 1)
    for chroma in (20, 90):
        ab = chroma * torch.stack([angle.cos(), angle.sin()]).reshape(1, 2, 1, 1)
        assert hue_error(ab, truth).item() == pytest.approx(0.5 * expected, abs=1e-3)
        assert hue_error(ab / 110, truth / 110, scale=1).item() == pytest.approx(0.5 * expected, abs=1e-3)
    assert hue_error(ab, truth * 0).item() == 0


def test_hue_error_has_a_gradient_at_gray():
    ab = torch.zeros(1, 2, 1, 1, requires_grad=True)
    truth = torch.tensor([30.0, 0.0]).reshape(1, 2, 1, 1)
    hue_error(ab, truth).backward()
    assert ab.grad[0, 0, 0, 0] < 0
    assert ab.grad[0, 1, 0, 0] == 0


def test_colorfulness_is_that_of_the_metric(generator):
    codes = torch.randint(0, 256, (2, 16, 16, 3), generator=generator, dtype=torch.uint8)
    codes[1] //= 3
    expected = np.mean([1 - metrics.colorfulness(photo) / 100 for photo in codes.numpy()])
    assert colorfulness(codes.movedim(-1, 1) / 255).item() == pytest.approx(expected, abs=1e-5)
    gray = torch.full((1, 3, 4, 4), 0.5, requires_grad=True)
    loss = colorfulness(gray)
    loss.backward()
    assert loss.item() == pytest.approx(1, abs=1e-4)
    assert gray.grad.isfinite().all()


def test_rgb_within_srgb_is_exact_and_beyond_it_nearly_clipped(generator):
    rgb = torch.rand(1, 3, 8, 8, generator=generator, dtype=torch.float64)
    lab = rgb_to_lab(rgb, axis=1)
    assert torch.allclose(to_rgb(lab[:, :1], lab[:, 1:]), rgb.float(), atol=1e-5)
    lab[:, 1:] *= 3
    beyond = lab_to_rgb(lab, axis=1)
    ours = to_rgb(lab[:, :1], lab[:, 1:])
    assert ((beyond < 0) | (beyond > 1)).any()
    assert (ours - beyond.clamp(0, 1).float()).abs().max() <= 0.05 * (beyond - beyond.clamp(0, 1)).abs().max() + 1e-6


@pytest.mark.parametrize("lightness", [0.0, 100.0, 8.0, 50.0])
@pytest.mark.parametrize("ab", [(0.0, 0.0), (120.0, -120.0), (-120.0, 120.0), (500.0, 500.0)])
def test_rgb_has_a_gradient_everywhere(lightness, ab):
    light = torch.full((1, 1, 1, 1), lightness)
    ab = torch.tensor(ab).reshape(1, 2, 1, 1).requires_grad_()
    for channel in to_rgb(light, ab).unbind(dim=1):
        (gradient,) = torch.autograd.grad(channel.sum(), ab, retain_graph=True)
        assert gradient.isfinite().all()
        assert gradient.abs().max() > 0


# Place in torchvision's VGG16 and channels of each convolution.
CONVOLUTIONS = {0: 64, 2: 64, 5: 128, 7: 128, 10: 256, 12: 256, 14: 256} | dict.fromkeys((17, 19, 21, 24, 26, 28), 512)


def vgg16(generator, last=28):
    """Random weights in torchvision's names, to the convolution `last`."""
    weights, inside = {}, 3
    for place, width in CONVOLUTIONS.items():
        if place <= last:
            weights[f"features.{place}.weight"] = (
                torch.randn(width, inside, 3, 3, generator=generator) / (inside * 4) ** 0.5
            )
            weights[f"features.{place}.bias"] = torch.randn(width, generator=generator) * 0.1
        inside = width
    return weights


def vgg16_maps(rgb, weights, ends):
    """Its maps after the convolutions `ends`, written out."""
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    x = torch.stack([(rgb[:, i] - mean[i]) / deviation[i] for i in range(3)], dim=1)
    maps = []
    for place in CONVOLUTIONS:
        if f"features.{place}.weight" not in weights:
            break
        x = functional.conv2d(
            x, weights[f"features.{place}.weight"], weights[f"features.{place}.bias"], padding=1
        ).relu()
        if place in ends:
            maps.append(x)
        if place in ends[:-1]:
            x = functional.max_pool2d(x, 2)
    return maps


def test_perceptual_is_the_relative_error_of_features(generator, tmp_path):
    weights = vgg16(generator, last=14)
    save_file(weights, tmp_path / "vgg.safetensors")
    perceptual = Perceptual(tmp_path / "vgg.safetensors")
    lightness = torch.rand(2, 1, 8, 8, generator=generator) * 40 + 30
    ab, truth = (torch.randn(2, 2, 8, 8, generator=generator) * 8 for _ in range(2))
    ours, theirs = (vgg16_maps(to_rgb(lightness, colours), weights, (2, 7, 14)) for colours in (ab, truth))
    expected = [
        ((x[photo] - y[photo]) ** 2).sum() / (y[photo] ** 2).sum()
        for x, y in zip(ours, theirs, strict=True)
        for photo in (0, 1)
    ]
    assert perceptual(lightness, ab, truth).item() == pytest.approx(float(sum(expected)) / 6, rel=1e-4)
    assert perceptual(lightness, truth, truth).item() == 0
    # Maps ten times as large, of which the next layer makes the same: no layer dominates by its size.
    for name in ("weight", "bias"):
        weights[f"features.2.{name}"] *= 10
    weights["features.5.weight"] /= 10
    save_file(weights, tmp_path / "vgg.safetensors")
    assert Perceptual(tmp_path / "vgg.safetensors")(lightness, ab, truth).item() == pytest.approx(
        float(sum(expected)) / 6, rel=1e-4
    )


def test_perceptual_has_a_gradient_in_black_in_white_and_beyond_srgb(generator, tmp_path):
    save_file(vgg16(generator, last=14), tmp_path / "vgg.safetensors")
    perceptual = Perceptual(tmp_path / "vgg.safetensors")
    lightness = torch.tensor([0.0, 100, 50, 50]).repeat_interleave(16).reshape(1, 1, 8, 8)
    ab = torch.tensor([0.0, 0, 0, 150]).repeat_interleave(16).reshape(1, 1, 8, 8).repeat(1, 2, 1, 1).requires_grad_()
    perceptual(lightness, ab, torch.zeros(1, 2, 8, 8)).backward()
    assert ab.grad.isfinite().all()
    assert (ab.grad.abs().sum(dim=1)[0, 6:] > 0).all()
    assert not any(parameter.requires_grad for parameter in perceptual.parameters())


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_lpips_is_the_published_formula(generator, tmp_path, suffix):
    weights = vgg16(generator)
    lines = {
        f"lin{i}.model.1.weight": torch.rand(1, w, 1, 1, generator=generator)
        for i, w in enumerate((64, 128, 256, 512, 512))
    }
    network, linear = tmp_path / f"vgg{suffix}", tmp_path / f"lin{suffix}"
    for path, tensors in ((network, weights), (linear, lines)):
        (torch.save if suffix == ".pth" else save_file)(tensors, path)
    rgb, truth = (torch.rand(2, 3, 16, 16, generator=generator) for _ in range(2))
    expected = 0.0
    for level, (x, y) in enumerate(
        zip(*(vgg16_maps(v, weights, (2, 7, 14, 21, 28)) for v in (rgb, truth)), strict=True)
    ):
        difference = functional.normalize(x, dim=1) - functional.normalize(y, dim=1)
        expected += functional.conv2d(difference**2, lines[f"lin{level}.model.1.weight"]).mean(dim=(2, 3)).mean().item()
    lpips = Lpips(network, linear)
    assert lpips(rgb, truth).item() == pytest.approx(expected, rel=1e-4)
    assert lpips(truth, truth).item() == 0
    with pytest.raises(ConfigError, match=r"lin0\.model\.1\.weight"):
        Lpips(network, network)
    with pytest.raises(ConfigError, match="not VGG16"):
        Lpips(linear, linear)
    with pytest.raises(ConfigError, match="cannot be read"):
        Lpips(tmp_path / f"none{suffix}", linear)


def test_adversarial_losses_are_torchs_and_the_papers():
    scores = torch.tensor([[-2.0, 0.5], [1.5, 3.0]])
    one, zero = torch.ones(2, 2), torch.zeros(2, 2)
    bce = functional.binary_cross_entropy
    assert adversarial(scores, True).item() == pytest.approx(bce(scores.sigmoid(), one).item(), rel=1e-5)
    assert adversarial(scores, False).item() == pytest.approx(bce(scores.sigmoid(), zero).item(), rel=1e-5)
    assert adversarial_generator(scores).item() == pytest.approx(bce(scores.sigmoid(), one).item(), rel=1e-5)
    assert adversarial(scores, True, "lsgan").item() == pytest.approx((9 + 0.25 + 0.25 + 4) / 8)
    assert adversarial(scores, False, "lsgan").item() == pytest.approx((4 + 0.25 + 2.25 + 9) / 8)
    assert adversarial_generator(scores, "lsgan").item() == pytest.approx((9 + 0.25 + 0.25 + 4) / 8)
    assert adversarial(scores, True, "hinge").item() == pytest.approx((3 + 0.5 + 0 + 0) / 4)
    assert adversarial(scores, False, "hinge").item() == pytest.approx((0 + 1.5 + 2.5 + 4) / 4)
    assert adversarial_generator(scores, "hinge").item() == pytest.approx(-0.75)


def test_only_labels_of_true_colours_are_smoothed():
    scores = torch.tensor([-2.0, 0.5])
    expected = functional.binary_cross_entropy(scores.sigmoid(), torch.tensor([0.9, 0.9]))
    assert adversarial(scores, True, smoothing=0.1).item() == pytest.approx(expected.item(), rel=1e-5)
    assert adversarial(scores, False, smoothing=0.1).item() == adversarial(scores, False).item()
    assert adversarial(scores, True, "lsgan", 0.1).item() == pytest.approx((2.9**2 + 0.4**2) / 4)
    with pytest.raises(ValueError, match="without smoothing"):
        adversarial(scores, True, "hinge", 0.1)
    with pytest.raises(ValueError, match="'wgan'"):
        adversarial_generator(scores, "wgan")


def test_distillation_is_the_cross_entropy_expected_under_what_the_teacher_believes():
    """With class weights w a network that learnt from frequencies p says q = w p / sum(w p). Drawing the truth from p
    and taking the rebalanced cross-entropy gives, up to q's own entropy, the distillation from q."""
    generator = torch.Generator().manual_seed(0)
    p = torch.rand(2, 6, 3, 3, generator=generator).softmax(dim=1)
    w = torch.rand(6, generator=generator) + 0.2
    q = p * w[:, None, None]
    total = q.sum(dim=1, keepdim=True)
    q = q / total
    logits = torch.randn(2, 6, 3, 3, generator=generator)
    expected = 0.0
    for truth in range(6):
        surprise = -logits.log_softmax(dim=1)[:, truth]
        expected = expected + (p[:, truth] * w[truth] * surprise).mean()
    entropy = (total[:, 0] * -(q * q.log()).sum(dim=1)).mean()
    assert float(distillation(logits, q.log(), w)) == pytest.approx(float(expected - entropy), rel=1e-5)


def test_distillation_is_zero_where_pupil_and_teacher_agree_and_bins_without_weight_do_no_harm():
    logits = torch.randn(1, 5, 2, 2, generator=torch.Generator().manual_seed(1))
    assert float(distillation(logits + 3, logits)) == pytest.approx(0, abs=1e-6)
    weights = torch.tensor([0.0, 1.0, 2.0, 0.5, 0.0])
    assert 0 < float(distillation(-logits, logits, weights)) < float("inf")
