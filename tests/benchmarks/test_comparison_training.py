"""The methods of the comparison as a table, and the command that trains them all."""

import json
from pathlib import Path

import pytest

from benchmarks.comparison import claims, methods, train
from benchmarks.comparison.__main__ import main
from benchmarks.comparison.measure import BASELINES
from benchmarks.comparison.methods import METHODS
from benchmarks.comparison.seeds import ENOUGH
from small_sets import write_set
from tintype.errors import OptionError
from tintype.evaluation.protocol import TRUTH
from tintype.plots.curves import Log, read_log
from tintype.training.config import Data, read

BEFORE = {method.before for method in METHODS.values() if method.before}


def test_every_configuration_is_a_method_of_the_table():
    files = {path.stem for path in methods.CONFIGS.glob("*.toml")}
    assert files == METHODS.keys() | BEFORE
    for name in files:
        assert (methods.CONFIGS / f"{name}.toml").read_text("utf-8").startswith("# ")


def test_networks_are_of_one_size_unless_they_test_an_architecture():
    counts = {name: methods.parameters(read(methods.CONFIGS / f"{name}.toml")) for name in METHODS}
    outside = {name for name, count in counts.items() if not methods.LEAST <= count <= methods.MOST}
    assert outside == {name for name, method in METHODS.items() if not method.sized}
    # Counted in the files that ship.
    assert (counts["dcgan.gan"], counts["resunet.l1"], counts["cnn10.lab"]) == (406_982, 405_156, 373_046)


def test_the_order_of_worth(tmp_path):
    plan = train.Plan(tmp_path, 320, Data(folder="none"), {"loss.vgg": "vgg.safetensors"})
    names = ["resunet.perceptual", "eccv16.warm"]
    found = [
        (job.name, job.folder.relative_to(tmp_path).as_posix(), job.samples)
        for job in train.jobs(plan, names, [1, 2], ["half", "held"])
    ]
    assert found == [
        ("resunet.perceptual", "seed-1/runs/resunet.perceptual", 320),
        ("eccv16.warmup", "first/seed-1/runs/eccv16.warmup", 64),
        ("eccv16.warm", "seed-1/runs/eccv16.warm", 256),
        ("resunet.perceptual", "seed-2/runs/resunet.perceptual", 320),
        ("resunet.perceptual", "half/seed-1/runs/resunet.perceptual", 160),
        ("resunet.perceptual", "held/seed-1/runs/resunet.perceptual", 320),
    ]
    first, _, warm, second, _, held = train.jobs(plan, names, [1, 2], ["half", "held"])
    assert (first.config.seed, second.config.seed) == (1, 2)
    assert first.config.loss.vgg == "vgg.safetensors"
    assert Path(warm.config.start) == tmp_path / "first" / "seed-1" / "runs" / "eccv16.warmup" / "last.pt"
    assert (held.config.optimizer.schedule, held.config.optimizer.fall) == ("hold", 0)


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = write_set(tmp_path_factory.mktemp("sets") / "set", train=6, validation=2)
    asked = ["cnn10.lab", "resunet.lpips", "eccv16.warm"]
    return ["train", "--methods", *asked, "--data", str(folder), "--samples", "96", "--nice", "0", "--threads", "1"]


def test_one_command_trains_what_it_can_and_goes_on_where_it_was_stopped(words, tmp_path, capsys):
    alone = [*words[:2], "cnn10.lab", *words[5:], "-o", str(tmp_path), "--seeds", "1"]
    assert main([*alone, "--max-minutes", "1e-6"]) is None
    assert record(tmp_path / "seed-1/runs/cnn10.lab")["updates"] == 1
    said = main([*words, "-o", str(tmp_path), "--seeds", "1", "2"])
    # What cannot be trained is said, one sentence each.
    lpips, warmup, warm = said.splitlines()
    assert lpips.startswith("left out: resunet.lpips: loss.lpips_network = 'data/weights/vgg16.pth' is not there")
    assert "manifest" in warmup
    assert "eccv16.warm: start = " in warm
    shown = capsys.readouterr().out
    assert "all that is left takes about" in shown
    assert "at step 1 of 3" in shown
    for run in (
        "seed-1/runs/cnn10.lab",
        "seed-2/runs/cnn10.lab",
        "half/seed-1/runs/cnn10.lab",
    ):
        found = record(tmp_path / run)
        steps = 2 if run.startswith("half") else 3
        assert found["complete"]
        assert (found["updates"], found["samples"], found["critic_samples"]) == (steps, 6 * steps, 0)
        assert found["seed"] == int(run.partition("seed-")[2][0])
        assert found["revisions"]
    log = read_log(tmp_path / "seed-1/runs/cnn10.lab")
    assert log.series("early", "spread")[0].tolist() == [0, 1, 2]
    assert {"spread", "true_spread", "set_spread", "true_set_spread"} <= set(log.figures())
    assert methods.undertrained(tmp_path).keys() == {"cnn10.lab"}
    # Once more: nothing is left to do but what lacks its files.
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert main([*words, "-o", str(tmp_path), "--seeds", "1", "2"]) == said
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before
    # A run is not prolonged: its rate has fallen already.
    words = ["640" if word == "96" else word for word in words]
    with pytest.raises(OptionError, match="holds a run of 96 samples, not 640"):
        main([*words, "-o", str(tmp_path)])


def record(run):
    return json.loads((run / "record.json").read_text("utf-8"))


def log_of(*losses):
    return Log("a run", [], [{"step": 10 * (n + 1), "loss": loss} for n, loss in enumerate(losses)], 8)


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ({}, None),
        ({"half": log_of(1.005)}, ""),
        ({"half": log_of(1.05)}, "falls by 4.8 % from half the samples to all"),
        # Twice the samples decide, whatever half of them show.
        ({"half": log_of(1.05), "double": log_of(0.995)}, ""),
        ({"half": log_of(1.05), "double": log_of(0.98)}, "falls by 2.0 % with twice the samples"),
        ({"held": log_of(2.0, 1.1, 1.05, 1.0)}, "falls by 9.1 % over the second half of a run at a held rate"),
        ({"held": log_of(2.0, 1.0, 1.0, 1.0)}, ""),
    ],
)
def test_a_method_is_undertrained_if_its_loss_falls_when_the_samples_double(runs, said):
    found = methods.undertrained_by(log_of(3.0, 1.0), **runs)
    assert found == said if not said else said in found


def test_methods_on_which_claims_rest_have_three_seeds():
    asked = {
        claims._method(label)
        for claim in claims.CLAIMS
        if not claim.aside
        for part in claim.evidence
        for label in (part.needs if part.side else ())
        if label not in (TRUTH, *BASELINES)
    }
    assert "resunet.l1" in asked
    assert {name for name in asked if METHODS[name].seeds < ENOUGH} == set()
