"""What is kept of a photograph, and that the benchmarks measure what `tintype evaluate` measures."""

import numpy as np
import pytest
from PIL import Image

from small_models import write_model
from tintype import Colorizer
from tintype.errors import DataError
from tintype.evaluation.bootstrap import Resampled
from tintype.evaluation.evaluator import ab_of, gather, gray_of, row_of, row_of_truth
from tintype.evaluation.figures import variants
from tintype.evaluation.metrics import auc
from tintype.evaluation.protocol import TRUTH
from tintype.evaluation.results import read_run
from tintype.evaluation.run import evaluate
from written_evaluations import photograph


def photographs():
    return [(f"p{number}", photograph(number, 48)) for number in range(3)]


def test_a_run_and_what_is_held_in_memory_have_the_same_figures(tmp_path):
    """The benchmarks gather, the command writes a run: the same models on the same photographs."""
    model = write_model(tmp_path / "tiny.onnx")
    (tmp_path / "photos").mkdir()
    for name, pixels in photographs():
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{name}.png")
    evaluate([str(model)], tmp_path / "photos", tmp_path / "run", side=None, film="blue", jobs=1)
    run = read_run(tmp_path / "run")
    colorize = Colorizer(model, threads=1)
    gathered = gather(
        photographs(),
        lambda name, gray, truth: [("gray", np.repeat(gray[..., None], 3, axis=2)), ("tiny.v1", colorize(gray))],
        film="blue",
    )
    assert gathered.models == ("gray", "tiny.v1")
    sets = Resampled(gathered, samples=10)
    for model in gathered.models:
        for metric, figure in run.figures(model).items():
            assert sets.figure(metric, model)[0] == pytest.approx(figure, rel=1e-12), metric
    # The model has no distribution whose calibration could be measured.
    assert run.figures("tiny.v1").keys() == variants().keys() - {"calibration_error"}


def test_a_row_holds_what_figures_of_sets_are_made_from():
    truth, other = photograph(0, 48), photograph(1, 48)
    row = row_of(other, truth)
    assert auc(row["areas"], row_of_truth(truth)["bins"]) == pytest.approx(row_auc(other, truth), rel=1e-6)
    assert row["bins"].sum() == row_of_truth(truth)["areas"].sum() == 48 * 48
    assert {"areas", "bins", "psnr"} <= row_of(other, truth, ["psnr"]).keys()
    assert "ssim" not in row_of(other, truth, ["psnr"])


def row_auc(prediction: np.ndarray, truth: np.ndarray) -> float:
    """In %, straight from its definition."""
    error = np.linalg.norm(ab_of(prediction).astype(float) - ab_of(truth), axis=-1)
    return 100 * np.mean([(error <= threshold).mean() for threshold in range(151)])


def test_gray_is_a_film_s_and_has_no_colour():
    truth = photograph(0, 16)
    assert gray_of(truth, "blue").shape == (16, 16)
    assert not np.array_equal(gray_of(truth, "blue"), gray_of(truth, "cie"))


def test_further_columns_stand_beside_the_metrics():
    gathered = gather(
        photographs(),
        lambda name, gray, truth: [("same", truth)],
        only=["psnr"],
        further=lambda label, prediction, truth: {"first": float(prediction[0, 0, 0])},
    )
    expected = [float(pixels[0, 0, 0]) for _, pixels in photographs()]
    assert gathered.values("same", "first").tolist() == gathered.values(TRUTH, "first").tolist() == expected
    assert np.isinf(gathered.values("same", "psnr")).all()
    with pytest.raises(DataError, match="ssim was not measured of same"):
        gathered.values("same", "ssim")


def test_photographs_themselves_are_measured_on_request_alone():
    gathered = gather(photographs(), lambda name, gray, truth: [("same", truth)], only=["psnr"], truths=False)
    assert gathered.columns.keys() == {"same"}
