"""Losses against torch's own and against exact soft codes."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from tintype.color.bins import nearest_bin, published_bins, published_prior, rebalancing_weights, soft_encode
from tintype.losses import SoftCodes, cross_entropy, huber, mean_squared_error

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
