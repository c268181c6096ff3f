"""The bin table, codes, priors and decoding against golden numbers of the published files and method."""

import hashlib
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from tintype.color import bins as B
from tintype.color.lab import rgb_to_lab

torch = pytest.importorskip("torch")

GRAY = 120
"""Index of the bin (0, 0)."""


def entropy(p: np.ndarray) -> float:
    return float(-(p * np.log(p)).sum())


def colours(n: int = 20000) -> np.ndarray:
    """a*b* of random sRGB colours, float64 [n, 2]."""
    return rgb_to_lab(np.random.default_rng(0).random((n, 3)))[:, 1:]


# The published tables


def test_tables_are_the_published_files():
    tables = files("tintype.color") / "tables"
    expected = {
        "pts_in_hull.npy": "b5dec01315c34f43f1c8c089e84c45ae35d1838d8e77ed0e7ca930f79ffa450e",
        "prior_probs.npy": "19d00659c7d6f6ee47456fd2c19c86a073f7124875e3d5ab9d601864e062b56c",
    }
    assert {name: hashlib.sha256((tables / name).read_bytes()).hexdigest() for name in expected} == expected


def test_the_313_bins():
    table = B.published_bins()
    assert table.shape == (313, 2)
    assert table[:6].tolist() == [[-90, 50], [-90, 60], [-90, 70], [-90, 80], [-90, 90], [-80, 20]]
    assert table[-5:].tolist() == [[100, -40], [100, -30], [100, -20], [100, -10], [100, 0]]
    assert table.tolist() == sorted(table.tolist())
    assert table.sum(axis=0).tolist() == [4910, 2090]
    assert table[GRAY].tolist() == [0, 0]
    assert (table[:, 0].min(), table[:, 0].max(), table[:, 1].min(), table[:, 1].max()) == (-90, 100, -110, 100)
    counts = np.unique(table[:, 0], return_counts=True)[1]
    assert counts.tolist() == [5, 8, 10, 12, 14, 15, 16, 16, 17, 18, 18, 18, 19, 20, 19, 20, 20, 19, 19, 10]


def test_the_published_prior():
    prior, table = B.published_prior(), B.published_bins()
    chroma = np.hypot(*table.T)
    assert abs(prior.sum() - 1) < 1e-12
    assert prior.argmax() == GRAY
    assert prior[GRAY] == pytest.approx(0.2012340, abs=1e-7)
    assert prior.argmin() == 303
    assert table[303].tolist() == [100, -90]
    assert prior[303] == pytest.approx(6.0714e-9, rel=1e-4)
    assert prior[:5] == pytest.approx([4.88637e-8, 1.38518e-7, 5.76575e-7, 2.63934e-6, 9.50312e-7], rel=1e-5)
    assert entropy(prior) == pytest.approx(3.43689, abs=1e-5)
    masses = [prior[chroma <= 10].sum(), prior[chroma <= 20].sum(), prior[chroma >= 50].sum()]
    assert masses == pytest.approx([0.4760, 0.6667, 0.0705], abs=5e-5)


def test_tables_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        B.published_bins()[0] = 0


# Soft codes


@pytest.mark.parametrize("library", [np.array, torch.tensor])
def test_soft_code_of_a_colour(library):
    index, weight = B.soft_encode(library([12.0, -7.0]), neighbours=5)
    assert B.published_bins()[np.asarray(index)].tolist() == [[10, -10], [10, 0], [20, -10], [20, 0], [0, -10]]
    assert np.asarray(weight) == pytest.approx([0.513698, 0.230819, 0.154723, 0.069521, 0.031238], abs=1e-6)
    assert B.soft_encode(library([12.0, -7.0]), neighbours=10)[1][0] == pytest.approx(0.491833, abs=1e-6)


@given(st.integers(1, 313), st.integers(0, 2**32 - 1))
def test_codes_sum_to_one_and_begin_with_the_nearest(neighbours, seed):
    ab = np.random.default_rng(seed).uniform(-110, 110, (5, 2))
    index, weight = B.soft_encode(ab, neighbours=neighbours)
    assert index.shape == weight.shape == (5, neighbours)
    np.testing.assert_allclose(weight.sum(axis=-1), 1, atol=1e-12)
    assert (np.diff(weight, axis=-1) <= 0).all()
    distance = np.linalg.norm(ab[:, None] - B.published_bins(), axis=-1)
    np.testing.assert_array_equal(B.nearest_bin(ab), distance.argmin(axis=-1))
    np.testing.assert_allclose(
        np.take_along_axis(distance, index, axis=-1), np.sort(distance, axis=-1)[:, :neighbours], atol=1e-9
    )


@pytest.mark.parametrize(("neighbours", "error"), [(1, 3.83), (4, 0.358), (5, 0.218), (10, 0.235)])
def test_error_of_encoding_and_decoding(neighbours, error):
    ab = colours()
    decoded = B.decode(*B.soft_encode(ab, neighbours=neighbours))
    assert np.linalg.norm(decoded - ab, axis=-1).mean() == pytest.approx(error, rel=0.02)


def test_codes_of_a_photograph_are_those_of_its_pixels():
    # More pixels than are measured at once.
    ab = colours(40000).reshape(200, 200, 2)
    index, weight = B.soft_encode(ab)
    assert index.shape == weight.shape == (200, 200, 5)
    for row, column in [(0, 0), (81, 183), (81, 184), (199, 199)]:
        one = B.soft_encode(ab[row, column])
        np.testing.assert_array_equal(index[row, column], one[0])
        np.testing.assert_array_equal(weight[row, column], one[1])


def test_numpy_and_torch_give_the_same_codes():
    ab = colours(20000)
    index, weight = B.soft_encode(ab)
    there = B.soft_encode(torch.from_numpy(ab))
    np.testing.assert_array_equal(there[0].numpy(), index)
    np.testing.assert_allclose(there[1].numpy(), weight, atol=1e-12)
    np.testing.assert_allclose(B.decode(*there).numpy(), B.decode(index, weight), atol=1e-9)


def test_codes_have_finite_gradients():
    ab = torch.tensor([[0.0, 0.0], [12.0, -7.0], [-170.0, 170.0]], requires_grad=True)
    B.decode(*B.soft_encode(ab)).sum().backward()
    assert torch.isfinite(ab.grad).all()
    # Inside the gamut the decoded colour follows the colour.
    assert ab.grad[1].tolist() == pytest.approx([1, 1], abs=0.3)


def test_no_pixels_have_no_codes():
    index, weight = B.soft_encode(np.zeros((0, 4, 2)))
    assert index.shape == weight.shape == (0, 4, 5)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match=r"1\.\.313"):
        B.soft_encode(np.zeros((1, 2)), neighbours=0)
    with pytest.raises(ValueError, match=r"1\.\.313"):
        B.soft_encode(np.zeros((1, 2)), neighbours=314)
    with pytest.raises(ValueError, match="last axis"):
        B.soft_encode(np.zeros((1, 2, 8, 8)))


# Counting, smoothing, own bins


def test_261_bins_are_nearest_to_some_srgb_colour():
    codes = np.arange(0, 256, 3) / 255
    rgb = np.stack(np.meshgrid(codes, codes, codes, indexing="ij"), axis=-1)
    ab = rgb_to_lab(rgb)[..., 1:].reshape(-1, 2)
    distance, nearest = cKDTree(B.published_bins()).query(ab)
    seen = np.bincount(nearest, minlength=313) > 0
    assert seen.sum() == 261
    assert B.published_prior()[~seen].sum() == pytest.approx(1.9e-4, abs=1e-5)
    assert distance.max() == pytest.approx(7.07, abs=0.01)
    np.testing.assert_array_equal(B.nearest_bin(ab[::97]), nearest[::97])
    # Soft counting reaches nearly all of the others.
    assert (B.count(ab[::7]) > 0).sum() > 290


def test_counting_by_parts_is_counting_the_whole():
    ab = colours(5000)
    whole = B.count(ab)
    assert whole.sum() == pytest.approx(5000)
    np.testing.assert_allclose(B.count(ab[:1234]) + B.count(ab[1234:]), whole)
    np.testing.assert_allclose(B.count(ab, neighbours=1), np.bincount(B.nearest_bin(ab), minlength=313))


def test_smoothing_in_the_ab_plane():
    smooth = B.smooth(B.published_prior())
    assert smooth.sum() == pytest.approx(1, abs=1e-12)
    assert entropy(smooth) == pytest.approx(3.616, abs=5e-4)
    weights = B.rebalancing_weights(smooth)
    assert weights.max() / weights.min() == pytest.approx(47.6, abs=0.05)


def test_smoothing_spreads_by_distance_and_not_by_index():
    one = np.zeros(313)
    one[GRAY] = 1
    smooth = B.smooth(one)
    at = {tuple(centre): value for centre, value in zip(B.published_bins().tolist(), smooth, strict=True)}
    assert at[10, 0] == pytest.approx(at[0, 10])
    assert at[10, 0] == pytest.approx(at[-10, 0])
    assert at[10, 0] / at[0, 0] == pytest.approx(np.exp(-2))


def test_own_bins():
    assert B.srgb_bins().shape == (261, 2)
    assert B.srgb_bins().tolist() == sorted(B.srgb_bins().tolist())
    coarse = B.srgb_bins(step=20)
    assert len(coarse) < 100
    assert np.all(coarse % 20 == 0)
    ab = np.array([[0.0, 0.0]] * 9 + [[31.0, -18.0]])
    assert B.own_bins(ab).tolist() == [[0, 0], [30, -20]]
    assert B.own_bins(ab, share=0.2).tolist() == [[0, 0]]


def test_own_bins_can_be_used_for_codes_and_decoding():
    table = B.srgb_bins(step=20)
    ab = colours(100)
    index, weight = B.soft_encode(ab, table)
    assert index.max() < len(table)
    assert np.linalg.norm(B.decode(index, weight, table) - ab, axis=-1).mean() < 8
    assert B.annealed_mean(np.zeros((1, len(table), 2, 2)), 1.0, table).shape == (1, 2, 2, 2)


# Rebalancing


def test_rebalancing_weights_of_the_published_prior():
    prior = B.published_prior()
    weights = B.rebalancing_weights(prior, uniform=0.5)
    assert (prior * weights).sum() == pytest.approx(1, abs=1e-9)
    assert weights.argmin() == GRAY
    assert weights.argmax() == 303
    assert [weights.min(), weights.max(), weights[0]] == pytest.approx([0.0965032, 6.1748680, 6.1747853], abs=1e-7)
    assert weights.max() / weights.min() == pytest.approx(63.99, abs=0.01)
    assert weights.mean() == pytest.approx(5.17488, abs=1e-5)
    at = {tuple(centre): value for centre, value in zip(B.published_bins().tolist(), weights, strict=True)}
    assert [at[50, 50], at[-60, 60]] == pytest.approx([4.76425, 6.03828], abs=1e-5)
    # Equation 4, written out.
    mixed = 1 / (0.5 * prior + 0.5 / 313)
    np.testing.assert_allclose(weights, mixed / (prior * mixed).sum(), atol=1e-9)


@pytest.mark.parametrize(("uniform", "ratio"), [(0.1, 568), (0.0, 3.3e7), (1.0, 1)])
def test_how_much_rebalancing_stretches(uniform, ratio):
    weights = B.rebalancing_weights(B.published_prior(), uniform)
    assert weights.max() / weights.min() == pytest.approx(ratio, rel=0.005)


def test_no_rebalancing_is_a_weight_of_one():
    np.testing.assert_allclose(B.rebalancing_weights(B.published_prior(), uniform=1), 1, atol=1e-12)


def test_empty_bins_get_no_weight_and_counts_need_not_be_normalised():
    weights = B.rebalancing_weights([30, 0, 10])
    assert weights[1] == 0
    np.testing.assert_allclose(weights, B.rebalancing_weights([0.75, 0, 0.25]))
    assert 0.75 * weights[0] + 0.25 * weights[2] == pytest.approx(1)


@pytest.mark.parametrize("prior", [[0.5, -0.1], [0.0, 0.0], [0.5, np.nan]])
def test_what_is_no_prior_is_refused(prior):
    with pytest.raises(ValueError, match="prior"):
        B.rebalancing_weights(prior)


@pytest.mark.parametrize("uniform", [-0.1, 1.1, np.nan])
def test_a_share_beyond_0_to_1_is_refused(uniform):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        B.rebalancing_weights([0.5, 0.5], uniform)


# Decoding


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        (1.0, (1.55, 8.30)),
        (0.77, (0.86, 5.90)),
        (0.58, (0.49, 3.78)),
        (0.38, (0.19, 1.79)),
        (0.29, (0.07, 1.05)),
        (0.14, (0.00, 0.12)),
    ],
)
@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor])
def test_annealed_mean_of_the_prior(temperature, expected, library):
    logits = library(np.log(B.published_prior()))[None]
    assert np.asarray(B.annealed_mean(logits, temperature))[0] == pytest.approx(expected, abs=0.005)


def random_logits() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 4, (2, 313, 3, 4))


def test_logits_and_log_probabilities_decode_alike():
    logits = random_logits()
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for temperature in (0.0, 0.38, 1.0):
        mean = B.annealed_mean(logits, temperature)
        np.testing.assert_allclose(B.annealed_mean(np.log(probability), temperature), mean, atol=1e-9)


def test_temperature_1_is_the_mean_and_0_the_mode():
    logits = random_logits()
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    mean = np.einsum("nqhw,qc->nchw", probability, B.published_bins())
    mode = np.moveaxis(B.published_bins()[logits.argmax(axis=1)], -1, 1)
    np.testing.assert_allclose(B.annealed_mean(logits, 1), mean, atol=1e-9)
    np.testing.assert_array_equal(B.annealed_mean(logits, 0), mode)
    np.testing.assert_allclose(B.annealed_mean(logits, 1e-4), mode, atol=1e-3)


def test_caffes_multiplier_is_a_temperature_of_0_384():
    logits = random_logits()
    np.testing.assert_allclose(B.annealed_mean(logits * 2.606, 1), B.annealed_mean(logits, 0.3837), atol=0.01)


def test_impossible_bins_are_never_the_answer():
    logits = np.full((1, 313), -np.inf)
    logits[0, [0, 1]] = 0
    for temperature in (0.38, 1.0):
        assert B.annealed_mean(logits, temperature).tolist() == [[-90, 55]]


def test_large_logits_do_not_overflow():
    logits = (random_logits() * 1e4).astype(np.float32)
    assert np.isfinite(B.annealed_mean(logits, 0.01)).all()
    assert torch.isfinite(B.annealed_mean(torch.from_numpy(logits), 0.01)).all()


@pytest.mark.parametrize("temperature", [0.0, 0.38, 1.0])
def test_numpy_and_torch_decode_alike(temperature):
    logits = random_logits()
    there = B.annealed_mean(torch.from_numpy(logits), temperature)
    np.testing.assert_allclose(there.numpy(), B.annealed_mean(logits, temperature), atol=1e-9)
    last = B.annealed_mean(np.moveaxis(logits, 1, -1), temperature, axis=-1)
    np.testing.assert_allclose(np.moveaxis(last, -1, 1), there.numpy(), atol=1e-9)


def test_decoding_has_the_right_gradient():
    logits = torch.from_numpy(random_logits()[:1, :, :1, :1]).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: B.annealed_mean(x, 0.38), logits)


def test_decoding_refuses_nonsense():
    with pytest.raises(ValueError, match="negative"):
        B.annealed_mean(random_logits(), -0.1)
    with pytest.raises(ValueError, match="312 logits along axis 1 do not fit 313 bins"):
        B.annealed_mean(random_logits()[:, :312], 0.38)
