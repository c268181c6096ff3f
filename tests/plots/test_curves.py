import numpy as np
import pytest
from PIL import Image

from tintype.errors import DataError, OptionError
from tintype.plots import curves, figure
from written_runs import write_run


def test_a_log_is_read_as_it_was_written(tmp_path):
    log = curves.read_log(write_run(tmp_path / "first"))
    assert (log.name, log.batch) == ("first", 8)
    assert log.figures() == ["loss", "chroma", "true_chroma"]
    steps, values = log.series("train", "loss")
    assert steps.tolist() == [50, 100, 150]
    assert values.tolist() == [3, 2, 1]
    assert log.series("validation", "loss")[1].tolist() == [3.5, 2.5, 1.5]
    assert len(log.series("train", "chroma")[0]) == 0


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path):
    run = write_run(tmp_path / "run")
    with (run / "log.jsonl").open("a") as file:
        file.write('{"part": "train", "st')
    assert len(curves.read_log(run).train) == 3


def test_runs_are_named_by_what_tells_them_apart(tmp_path):
    runs = [tmp_path / "a" / "seed0", tmp_path / "b" / "seed0", tmp_path / "b" / "seed1"]
    assert curves.names(runs) == ["a/seed0", "b/seed0", "b/seed1"]
    assert curves.names(runs[1:]) == ["seed0", "seed1"]


def test_the_running_mean_weighs_each_line_by_its_steps():
    steps, values = np.array([50.0, 100, 110]), np.array([4.0, 2.0, 8.0])
    assert curves.running_mean(steps, values, 1).tolist() == [4, 2, 8]
    whole = curves.running_mean(steps, values, 1000)
    np.testing.assert_allclose(whole, [4, 3, (50 * 4 + 50 * 2 + 10 * 8) / 110])
    # Of the last 100 steps before step 110, 40 are of the first line.
    np.testing.assert_allclose(curves.running_mean(steps, values, 100)[2], (40 * 4 + 50 * 2 + 10 * 8) / 100)


def lines_of(panel):
    return [line.get_xydata().tolist() for line in panel.lines]


def test_what_is_drawn_is_what_was_logged(tmp_path):
    logs = curves.read_logs([write_run(tmp_path / "a"), write_run(tmp_path / "b", offset=0.25)])
    page = curves.draw(logs, window=1)
    loss, chroma = page.axes[:2]
    assert [panel.get_title(loc="left") for panel in (loss, chroma)] == ["loss", "chroma"]
    assert [[50, 3], [100, 2], [150, 1]] in lines_of(loss)
    assert [[50, 3.75], [100, 2.75], [150, 1.75]] in lines_of(loss)
    assert [[50, 10], [100, 11], [150, 12]] in lines_of(chroma)
    assert [[50, 14], [100, 14], [150, 14]] in lines_of(chroma)  # the truth's
    words = [text.get_text() for text in page.legends[0].get_texts()]
    assert words[:2] == ["a", "b"]


def test_photographs_seen_make_batches_comparable(tmp_path):
    logs = curves.read_logs([write_run(tmp_path / "a", batch=8), write_run(tmp_path / "b", batch=16)])
    loss = curves.draw(logs, ["loss"], across="photographs").axes[0]
    ends = {line[-1][0] for line in lines_of(loss)}
    assert ends == {1200, 2400}


def test_losses_of_different_kinds_share_a_scale_of_powers(tmp_path):
    near, far = write_run(tmp_path / "near"), write_run(tmp_path / "far", offset=200)
    for runs, scale in (([near], "linear"), ([near, far], "log")):
        assert curves.draw(curves.read_logs(runs), ["loss"]).axes[0].get_yscale() == scale


def test_many_runs_have_a_line_each_that_no_other_has(tmp_path):
    looks = [tuple(map(str, figure.line_of(number).values())) for number in range(20)]
    assert len(set(looks)) == 20
    runs = [write_run(tmp_path / f"run{number}") for number in range(20)]
    figure.save(curves.draw(curves.read_logs(runs)), tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        picture.load()
        assert picture.width > picture.height


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda run: None, "cannot be read"),
        (lambda run: run.write_text('{"part": "start", "step": 0}\n'), "the log has no figures yet"),
        (lambda run: run.write_text('{"loss": 1}\n{"part": "train", "step": 1, "loss": 1}\n'), "line 1"),
    ],
)
def test_what_is_no_log_is_said(tmp_path, write, words):
    write(tmp_path / "log.jsonl")
    with pytest.raises(DataError, match=words):
        curves.read_log(tmp_path)


def test_wrong_wishes_are_named(tmp_path):
    logs = curves.read_logs([write_run(tmp_path / "a")])
    with pytest.raises(OptionError, match=r"figure named psnr; choose from chroma, loss, rate"):
        curves.draw(logs, ["psnr"])
    with pytest.raises(OptionError, match="window"):
        curves.draw(logs, window=0)
    run = write_run(tmp_path / "b")
    log = run / "log.jsonl"
    log.write_text("".join(line for line in log.read_text().splitlines(True) if "start" not in line))
    with pytest.raises(DataError, match="how many photographs"):
        curves.draw(curves.read_logs([run]), across="photographs")
