"""The records of the metrics: how the figure of a set comes of its photographs', and the tables made from them."""

from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
from skimage.metrics import peak_signal_noise_ratio

from tintype.evaluation.cells import TABLES
from tintype.evaluation.figures import METRICS, Weighted, variants
from tintype.evaluation.metrics import measure, mse
from tintype.evaluation.protocol import TRUTH


def whole(columns: dict[str, dict[str, np.ndarray]], sizes=()) -> Weighted:
    """A set as it is, of columns by model."""
    count = len(next(iter(columns["model"].values())))
    measured = SimpleNamespace(
        photos=range(count), sizes=sizes or [1] * count, values=lambda model, column: np.array(columns[model][column])
    )
    return Weighted(measured, np.full((1, count), 1 / count))


def test_each_metric_of_a_photograph_has_a_record():
    photograph = skimage.data.astronaut()[:20, :20]
    assert list(measure(photograph, photograph)) == [
        name for name, metric in METRICS.items() if metric.of is None and not metric.network
    ]


def test_the_report_shows_each_metric_once_but_squared_errors():
    shown = [name for names in TABLES.values() for name in names]
    assert sorted(shown) == sorted(METRICS.keys() - {"mse_rgb", "mse_ab"})


def test_a_protocol_has_what_is_always_measured():
    assert METRICS.keys() - variants().keys() == {"semantic_accuracy", "lpips", "fid"}
    assert METRICS["lpips"].variant.format("a", "b") == "VGG16, weights a and b"


def test_pooled_psnr_is_that_of_all_pixels_in_one_picture():
    truths = [skimage.data.astronaut()[:40, :50], skimage.data.coffee()[:30, :20]]
    predictions = [255 - truth for truth in truths]
    errors = [mse(prediction, truth) for prediction, truth in zip(predictions, truths, strict=True)]
    ours, theirs = (np.concatenate([x.reshape(-1, 3) for x in xs]) for xs in (predictions, truths))
    expected = peak_signal_noise_ratio(theirs, ours, data_range=255)
    figure = whole({"model": {"mse_rgb": errors}}, [40 * 50, 30 * 20]).figure("psnr_pooled", "model")
    assert figure[0] == pytest.approx(expected, abs=1e-9)
    assert whole({"model": {"mse_rgb": [0.0, 0.0]}}).figure("psnr_pooled", "model")[0] == np.inf
    # One bad photograph rules the pool, not the mean: 0 dB and 48.13 dB.
    figure = whole({"model": {"mse_rgb": [255.0**2, 1.0]}}).figure("psnr_pooled", "model")
    assert figure[0] == pytest.approx(10 * np.log10(2), abs=1e-3)


def test_dcf_is_the_difference_of_the_means_of_the_sets():
    # ImageNet val5k: the truth's colourfulness is 38.21, and ECCV16's 31.60 is printed as 6.61 away from it.
    published = whole({"model": {"colorfulness": [31.60]}, TRUTH: {"colorfulness": [38.21]}})
    assert published.figure("dcf", "model")[0] == pytest.approx(-6.61)
    # Every single photograph has another colourfulness than its truth, the set has not.
    turned = whole({"model": {"colorfulness": [10.0, 40, 25]}, TRUTH: {"colorfulness": [40.0, 25, 10]}})
    assert turned.figure("dcf", "model")[0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("metric", "figures", "best"),
    [("psnr", (20, 25), 1), ("ciede2000", (20, 25), 0), ("dcf", (-3, 2), 1), ("colorfulness", (30, 44), 0)],
)
def test_the_best_has_the_least_loss(metric, figures, best):
    loss = METRICS[metric].loss(np.array(figures, float), 36.0)
    assert loss.argmin() == best


def test_a_distance_of_features_has_no_figure_on_redrawings():
    features = np.random.default_rng(0).normal(size=(2, 5, 3))
    sets = whole({"model": {"features": features[0]}, TRUTH: {"features": features[1]}})
    sets.weights = np.full((3, 5), 0.2)
    figure = sets.figure("fid", "model")
    assert figure[0] > 0
    assert np.isnan(figure[1:]).all()
