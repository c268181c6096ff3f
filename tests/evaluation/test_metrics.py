"""The figures against their definitions, scikit-image, and known values of known pictures."""

import tarfile
import tracemalloc
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.linalg import sqrtm
from skimage.color import deltaE_ciede2000
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

from tintype.color.bins import published_bins, published_prior
from tintype.color.lab import gray, lab_to_rgb, lightness, rgb_to_lab
from tintype.evaluation.metrics import (
    FLAT,
    Areas,
    Reliability,
    accuracy_bins,
    ciede2000,
    colorfulness,
    colorfulness_absolute,
    edge_bleeding,
    fid,
    frechet_distance,
    l1,
    measure,
    mse,
    psnr,
    ssim,
)

EVAL = Path(__file__).parents[3] / "shared" / "data" / "eval.tar"


def ab(rgb: np.ndarray) -> np.ndarray:
    return rgb_to_lab(rgb / np.float32(255))[..., 1:]


def as_gray(rgb: np.ndarray) -> np.ndarray:
    """The 8-bit RGB gray of the same CIE lightness."""
    return np.repeat(np.rint(gray(lightness(rgb / np.float32(255))) * 255).astype(np.uint8)[..., None], 3, axis=-1)


@pytest.fixture(scope="module")
def photographs() -> list[np.ndarray]:
    return [getattr(skimage.data, name)()[::2, ::2] for name in ("astronaut", "chelsea", "coffee", "rocket")]


# PSNR


def test_psnr_is_that_of_scikit_image(photographs):
    for truth in photographs:
        expected = peak_signal_noise_ratio(truth, as_gray(truth), data_range=255)
        assert psnr(as_gray(truth), truth) == pytest.approx(expected, abs=1e-9)


def test_psnr_of_known_errors():
    zero = np.zeros((4, 4, 3), np.uint8)
    assert psnr(zero, zero) == np.inf
    assert psnr(zero, zero + 255) == pytest.approx(0)
    assert psnr(zero + 1, zero) == pytest.approx(48.1308, abs=1e-4)
    assert psnr(zero, zero + 1) == psnr(zero + 1, zero)


@pytest.mark.parametrize("other", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_psnr_refuses_what_it_cannot_compare(other):
    with pytest.raises(ValueError, match="needed"):
        psnr(other, np.zeros((4, 4, 3), np.uint8))


# Errors


def test_errors_are_those_of_scikit_image_and_do_not_wrap(photographs):
    truth = photographs[0]
    assert mse(as_gray(truth), truth) == pytest.approx(mean_squared_error(truth, as_gray(truth)))
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    assert l1(black, white) == l1(white, black) == 255
    # One axis off by 3, the other by 4: a distance of 5, whose mean square over axes is half of 25.
    there = np.broadcast_to([3.0, -4.0], (2, 2, 2))
    assert (l1(there, np.zeros((2, 2, 2))), mse(there, np.zeros((2, 2, 2)))) == (3.5, 12.5)
    with pytest.raises(ValueError, match="the same shape"):
        l1(black, black[:1])


# SSIM


@pytest.mark.parametrize("shape", [(96, 80), (11, 11), (700, 90)])  # one strip, one window, several strips
def test_ssim_is_that_of_scikit_image(photographs, shape):
    truth = np.resize(photographs[0], (*shape, 3))
    generator = np.random.default_rng(0)
    noisy = np.clip(truth + generator.normal(0, 20, truth.shape), 0, 255).astype(np.uint8)
    for prediction in (as_gray(truth), noisy, 255 - truth, truth):
        expected = structural_similarity(
            prediction,
            truth,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
        )
        assert ssim(prediction, truth) == pytest.approx(expected, abs=1e-9)


def test_ssim_hardly_sees_colour():
    # The figures of scikit-image for the gray astronaut: the reason why SSIM alone says little here.
    truth = skimage.data.astronaut()
    assert ssim(as_gray(truth), truth) == pytest.approx(0.90, abs=0.005)
    assert psnr(as_gray(truth), truth) == pytest.approx(17.8, abs=0.05)


@pytest.mark.parametrize("shape", [(10, 40, 3), (40, 10, 3)])
def test_ssim_refuses_pictures_smaller_than_its_window(shape):
    with pytest.raises(ValueError, match="11 pixels a side"):
        ssim(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))


# CIEDE2000

SHARMA = np.array(
    [
        [50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425],
        [50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615],
        [50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412],
        [50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000],
        [50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669],
        [50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195],
        [50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045],
        [50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461],
        [50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065],
        [50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492],
        [50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977],
        [50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030],
        [50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000],
        [50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000],
        [60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644],
        [63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630],
        [61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731],
        [35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645],
        [22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373],
        [36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146],
        [90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441],
        [90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381],
        [6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377],
        [2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082],
    ]
)
"""Table 1 of Sharma, Wu and Dalal (2005): L*, a*, b* of two colours and their difference, 34 pairs."""


def test_ciede2000_of_the_published_pairs():
    assert ciede2000(SHARMA[:, :3], SHARMA[:, 3:6]) == pytest.approx(SHARMA[:, 6], abs=5.1e-5)
    assert ciede2000(SHARMA[:, 3:6], SHARMA[:, :3]) == pytest.approx(SHARMA[:, 6], abs=5.1e-5)


def test_ciede2000_is_that_of_scikit_image():
    generator = np.random.default_rng(0)
    lab, truth = (generator.uniform([0, -90, -110], [100, 100, 95], (40, 50, 3)) for _ in range(2))
    assert ciede2000(lab, truth) == pytest.approx(deltaE_ciede2000(lab, truth), abs=1e-9)
    assert (ciede2000(lab, lab) == 0).all()
    assert ciede2000(np.array([0.0, 0, 0]), np.array([100.0, 0, 0])) == pytest.approx(100)
    with pytest.raises(ValueError, match="the same shape"):
        ciede2000(lab, truth[0])


# Bins


@given(st.integers(0, 2**32 - 1))
def test_accuracy_counts_colours_of_the_true_bin(seed):
    generator = np.random.default_rng(seed)
    truth = generator.uniform(-100, 100, (20, 30, 2))
    prediction = truth + generator.normal(0, 4, truth.shape)
    bins = [np.linalg.norm(x[..., None, :] - published_bins(), axis=-1).argmin(axis=-1) for x in (prediction, truth)]
    assert accuracy_bins(prediction, truth) == pytest.approx(100 * (bins[0] == bins[1]).mean())
    with pytest.raises(ValueError, match="the same shape"):
        accuracy_bins(prediction, truth[0])


# Edge bleeding

LIGHT, DARK = (70.0, 10.0, 20.0), (40.0, -30.0, 10.0)


def codes(lab: np.ndarray) -> np.ndarray:
    return np.rint(lab_to_rgb(lab) * 255).astype(np.uint8)


def scene(edge: int, height: int = 40) -> np.ndarray:
    """Light beside dark from column 20 on, their colours from column `edge` on; columns 50 and on have another colour
    of the same lightness. uint8 [height, 64, 3]."""
    lab = np.empty((height, 64, 3))
    lab[:] = LIGHT
    lab[:, 20:, 0] = DARK[0]
    lab[:, edge:, 1:] = DARK[1:]
    lab[:, 50:, 1:] = (0.0, 20.0)
    return codes(lab)


def steps(picture: np.ndarray) -> np.ndarray:
    """The change of colour from column to column of the first row."""
    return np.linalg.norm(np.diff(ab(picture[0]), axis=0), axis=-1)


def test_colour_that_keeps_to_the_edge_does_not_bleed():
    assert edge_bleeding(scene(20), scene(20)) == 1


@pytest.mark.parametrize("edge", [14, 26])
def test_colour_that_runs_over_the_edge_bleeds_by_its_share(edge):
    truth, prediction = scene(20), scene(edge)
    # In the truth only the change at column 50 stands where lightness is still, in the prediction all but rounding's
    # at column 20.
    ours, theirs = steps(prediction), steps(truth)
    expected = (1 - ours[19] / ours.sum()) / (theirs[49] / theirs.sum())
    assert expected > 1.5
    assert edge_bleeding(prediction, truth) == pytest.approx(expected, rel=1e-5)


def test_blur_raises_bleeding_and_pale_colours_do_not():
    truth = scene(20)
    lab = rgb_to_lab(truth / 255)
    values = []
    for radius in (1, 2, 4):
        blurred = lab.copy()
        padded = np.pad(lab[..., 1:], ((0, 0), (radius, radius), (0, 0)), mode="edge")
        blurred[..., 1:] = sum(padded[:, i : i + 64] for i in range(2 * radius + 1)) / (2 * radius + 1)
        values.append(edge_bleeding(codes(blurred), truth))
    assert 1.1 < values[0] < values[1] < values[2]
    assert edge_bleeding(codes(lab * [1, 0.5, 0.5]), truth) == pytest.approx(1, abs=0.05)


def test_where_nothing_is_asked_there_is_no_answer():
    assert np.isnan(edge_bleeding(as_gray(scene(20)), scene(20)))
    stripes = np.zeros((20, 20, 3), np.uint8)
    stripes[:, ::2] = (200, 90, 30)
    assert np.isnan(edge_bleeding(stripes, stripes))
    with pytest.raises(ValueError, match="the same shape"):
        edge_bleeding(stripes, stripes[1:])


def test_large_pictures_are_measured_in_strips(photographs):
    truth = np.tile(photographs[0], (4, 8, 1))
    prediction = np.roll(truth, 3, axis=1)
    tracemalloc.start()
    try:
        bleeding = edge_bleeding(prediction, truth)
        assert tracemalloc.get_traced_memory()[1] < 10e6  # L*a*b* of one of the two would take 25 MB
    finally:
        tracemalloc.stop()
    ours, theirs = (rgb_to_lab(x / np.float32(255)).astype(np.float64) for x in (prediction, truth))
    flat = change(theirs[..., :1]) < FLAT
    ours, theirs = change(ours[..., 1:]), change(theirs[..., 1:])
    expected = ours[flat].sum() / ours.sum() / (theirs[flat].sum() / theirs.sum())
    assert bleeding == pytest.approx(expected, rel=1e-5)


def change(x: np.ndarray) -> np.ndarray:
    """Length of the differences to the right and below."""
    return np.sqrt((np.diff(x, axis=1)[:-1] ** 2 + np.diff(x, axis=0)[:, :-1] ** 2).sum(axis=-1))


# All of one photograph


def test_measure_gives_each_metric_its_name(photographs):
    truth, prediction = photographs[0], photographs[0][:, ::-1].copy()
    figures = measure(prediction, truth)
    lab, their_lab = rgb_to_lab(prediction / 255), rgb_to_lab(truth / 255)
    expected = {
        "psnr": psnr(prediction, truth),
        "ssim": ssim(prediction, truth),
        "l1_rgb": l1(prediction, truth),
        "mse_rgb": mse(prediction, truth),
        "rmse_rgb": mse(prediction, truth) ** 0.5,
        "l1_ab": l1(lab[..., 1:], their_lab[..., 1:]),
        "mse_ab": mse(lab[..., 1:], their_lab[..., 1:]),
        "rmse_ab": mse(lab[..., 1:], their_lab[..., 1:]) ** 0.5,
        "ciede2000": deltaE_ciede2000(lab, their_lab).mean(),
        "accuracy_bins": accuracy_bins(lab[..., 1:], their_lab[..., 1:]),
        "colorfulness": colorfulness(prediction),
        "colorfulness_absolute": colorfulness_absolute(prediction),
        "dcf_photo": 0,
        "edge_bleeding": edge_bleeding(prediction, truth),
    }
    assert list(figures) == list(expected)
    assert figures == pytest.approx(expected, rel=1e-4)
    assert measure(as_gray(truth), truth)["dcf_photo"] == colorfulness(truth)
    for metric, value in expected.items():
        assert measure(prediction, truth, [metric])[metric] == pytest.approx(value, rel=1e-4), metric
    assert list(measure(prediction, truth, ["ssim"])) == ["ssim"]


# Colourfulness


def test_colourfulness_of_the_astronaut():
    astronaut = skimage.data.astronaut()
    assert colorfulness(astronaut) == pytest.approx(72.61, abs=0.005)
    assert colorfulness_absolute(astronaut) == pytest.approx(71.37, abs=0.005)


def test_the_two_definitions_part_where_colours_are_opposite():
    picture = np.zeros((10, 10, 3), np.uint8)
    picture[:5], picture[5:] = (255, 128, 0), (0, 128, 255)
    # rg = 127 and -128, yb = 191.5 and -191: the signed spread is large, that of the absolute values vanishes.
    signed = np.hypot(127.5, 191.25) + 0.3 * np.hypot(0.5, 0.25)
    absolute = np.hypot(0.5, 0.25) + 0.3 * np.hypot(127.5, 191.25)
    assert colorfulness(picture) == pytest.approx(signed)
    assert colorfulness_absolute(picture) == pytest.approx(absolute)


@given(st.integers(0, 255))
def test_gray_has_no_colour(code):
    picture = np.full((3, 5, 3), code, np.uint8)
    assert colorfulness(picture) == colorfulness_absolute(picture) == 0


def test_fractions_are_refused():
    with pytest.raises(ValueError, match="8-bit"):
        colorfulness(skimage.data.astronaut() / 255)


# Areas under the curve


def areas_of(prediction: np.ndarray, truth: np.ndarray) -> Areas:
    areas = Areas()
    areas.add(prediction, truth)
    return areas


def test_truth_itself_has_all_the_area(photographs):
    areas = areas_of(ab(photographs[0]), ab(photographs[0]))
    assert areas.auc() == areas.auc_prior() == areas.auc_balanced() == 100


@pytest.mark.parametrize(
    ("error", "area"),
    # Of the 151 thresholds 0, 1 .. 150, so many are at least the error.
    [(0.0, 151), (0.5, 150), (1.0, 150), (10.0, 141), (149.5, 1), (150.0, 1), (150.1, 0), (300.0, 0)],
)
def test_area_of_one_error(error, area):
    truth = np.zeros((2, 3, 2))
    areas = areas_of(truth + np.array([error, 0.0]), truth)
    for value in (areas.auc(), areas.auc_prior(), areas.auc_balanced()):
        assert value == pytest.approx(100 * area / 151)


@given(st.integers(0, 2**32 - 1))
def test_areas_are_as_defined(seed):
    generator = np.random.default_rng(seed)
    truth = generator.uniform(-80, 80, (200, 2))
    prediction = truth + generator.normal(0, 40, (200, 2))
    areas = areas_of(prediction, truth)

    error = np.linalg.norm(prediction - truth, axis=-1)
    area = 100 * np.mean([error <= t for t in range(151)], axis=0)
    true_bin = np.linalg.norm(truth[:, None] - published_bins(), axis=-1).argmin(axis=-1)
    rarity = 1 / published_prior()[true_bin]
    assert areas.auc() == pytest.approx(area.mean())
    assert areas.auc_prior() == pytest.approx((rarity * area).sum() / rarity.sum())
    assert areas.auc_balanced() == pytest.approx(np.mean([area[true_bin == q].mean() for q in np.unique(true_bin)]))
    assert areas.bins() == len(np.unique(true_bin))


def test_bins_that_hold_next_to_nothing_do_not_count():
    truth = np.zeros((100_000, 2))
    truth[:9] = (50, 50)
    truth[9:20] = (-50, 50)
    areas = areas_of(np.zeros_like(truth), truth)
    assert areas.bins() == 2
    assert areas.auc_balanced() == pytest.approx((100 + 100 * 80 / 151) / 2)


def test_photographs_add_up(photographs):
    pairs = [(ab(as_gray(truth)).reshape(-1, 2), ab(truth).reshape(-1, 2)) for truth in photographs]
    apart = Areas()
    for prediction, truth in pairs:
        apart.add(prediction, truth)
    together = areas_of(*(np.concatenate(part) for part in zip(*pairs, strict=True)))
    for name in ("auc", "auc_prior", "auc_balanced", "bins"):
        assert getattr(apart, name)() == getattr(together, name)()


def test_gray_does_well_by_auc_and_badly_by_the_others(photographs):
    areas = Areas()
    for truth in photographs:
        areas.add(ab(as_gray(truth)), ab(truth))
    assert 80 < areas.auc() < 93
    assert areas.auc_prior() < areas.auc_balanced() < areas.auc() - 5


def test_areas_refuse_colours_that_do_not_match():
    with pytest.raises(ValueError, match="the same shape"):
        Areas().add(np.zeros((4, 4, 2)), np.zeros((2,)))


@pytest.mark.skipif(not EVAL.is_file(), reason="the photographs of tintype-679 may not be passed on with the project")
def test_gray_on_the_measuring_photographs():
    figures = []
    areas = Areas()
    with tarfile.open(EVAL) as tar:
        for member in tar:
            if member.name.endswith(".jpg"):
                truth = np.asarray(Image.open(BytesIO(tar.extractfile(member).read())).convert("RGB"))
                figures.append((psnr(as_gray(truth), truth), colorfulness(truth)))
                areas.add(np.zeros((*truth.shape[:2], 2)), ab(truth))
    assert len(figures) == 679
    assert np.mean(figures, axis=0) == pytest.approx([21.33, 44.50], abs=0.005)
    assert areas.auc() == pytest.approx(87.17, abs=0.005)
    # The table that comes with the photographs says 67.20 over 137 bins; bins at the edge of counting make that much.
    assert areas.auc_balanced() == pytest.approx(67.20, abs=0.03)
    assert 136 <= areas.bins() <= 139


# Reliability


def test_calibration_error_of_a_published_example():
    # The example in the documentation of torchmetrics' MulticlassCalibrationError, n_bins=3, norm="l1".
    probabilities = np.array([[0.25, 0.20, 0.55], [0.55, 0.05, 0.40], [0.10, 0.30, 0.60], [0.90, 0.05, 0.05]])
    reliability = Reliability(parts=3)
    reliability.add(probabilities[:2].reshape(1, 2, 3), np.array([[0, 1]]))
    reliability.add(probabilities[2:], np.array([2, 0]))
    assert reliability.error() == pytest.approx(0.2000, abs=5e-5)
    confidence, accuracy, pixels = reliability.curve()
    assert confidence == pytest.approx([np.nan, 1.7 / 3, 0.9], nan_ok=True)
    assert accuracy == pytest.approx([np.nan, 1 / 3, 1], nan_ok=True)
    assert pixels.tolist() == [0, 3, 1]


def test_what_is_drawn_from_the_distribution_is_reliable_and_the_sure_are_not():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.full(5, 0.3), 20_000)
    true_bins = (generator.random((20_000, 1)) > probabilities.cumsum(axis=-1)).sum(axis=-1)
    honest, boastful = Reliability(), Reliability()
    honest.add(probabilities, true_bins)
    boastful.add(np.eye(5)[probabilities.argmax(axis=-1)], true_bins)
    assert honest.error() < 0.015
    wrong = (probabilities.argmax(axis=-1) != true_bins).mean()
    assert boastful.error() == pytest.approx(wrong)
    assert boastful.curve()[2][-1] == 20_000


def test_reliability_refuses_logits_and_what_does_not_fit():
    with pytest.raises(ValueError, match="softmax"):
        Reliability().add(np.array([[3.0, -1.0]]), np.array([0]))
    with pytest.raises(ValueError, match="each pixel needs one bin"):
        Reliability().add(np.full((2, 2), 0.5), np.array([0]))
    with pytest.raises(ValueError, match="no pixel"):
        Reliability().error()


# Fréchet distance


def spread(d: int, rank: int, seed: int) -> np.ndarray:
    half = np.random.default_rng(seed).normal(size=(d, rank))
    return half @ half.T


def test_frechet_distance_of_closed_forms():
    # Of one dimension (m - m')^2 + (s - s')^2; of spreads that share their axes, that of each axis, added.
    one = frechet_distance(np.array([3.0]), np.array([[4.0]]), np.array([-1.0]), np.array([[25.0]]))
    assert one == pytest.approx(4**2 + 3**2)
    turn = np.linalg.qr(spread(3, 3, seed=0))[0]
    first, second = np.array([1.0, 4.0, 9.0]), np.array([16.0, 4.0, 0.0])
    value = frechet_distance(np.zeros(3), turn * first @ turn.T, np.ones(3), turn * second @ turn.T)
    assert value == pytest.approx(3 + 3**2 + 0 + 3**2)
    assert frechet_distance(np.ones(3), turn * first @ turn.T, np.ones(3), turn * first @ turn.T) == pytest.approx(0)


@pytest.mark.parametrize("rank", [6, 4])  # full, and fewer photographs than features
def test_frechet_distance_is_that_by_the_root_of_scipy(rank):
    first, second = spread(6, 6, seed=1), spread(6, rank, seed=2)
    expected = 6 + np.trace(first + second - 2 * np.real(sqrtm(first @ second)))
    assert frechet_distance(np.zeros(6), first, np.ones(6), second) == pytest.approx(expected, rel=1e-6)


def test_fid_of_features():
    features = np.array([[0.0, 0], [0, 2], [2, 0], [2, 2]])
    assert fid(features, features) == pytest.approx(0, abs=1e-9)
    assert fid(features, features + np.array([3, 4])) == pytest.approx(25)
    # Twice as far apart: the deviation of each axis, sqrt(4 / 3), doubles, and the means move by 1.
    assert fid(features, 2 * features) == pytest.approx(2 * (1 + 4 / 3))
    with pytest.raises(ValueError, match="two photographs"):
        fid(features, features[:1])
    with pytest.raises(ValueError, match="with the same d"):
        fid(features, features[:, :1])
