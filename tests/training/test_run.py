"""Training: it learns, it goes on exactly where it was killed, and it says what is wrong."""

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from running import command_of, errors_of, tintype
from small_sets import encode, write_set, write_shard
from tintype import targets
from tintype.color.bins import published_bins, published_prior, siggraph17_bins
from tintype.data.fingerprint import fingerprint
from tintype.data.seen import seen_by
from tintype.errors import ConfigError, DataError, TintypeError
from tintype.models import load
from tintype.training import checkpoint, device
from tintype.training.batches import Augmentation, Batch, make_batch
from tintype.training.config import from_dict, read, to_dict
from tintype.training.export import export
from tintype.training.inputs import load_photographs
from tintype.training.loop import Run
from tintype.training.objective import Objective
from tintype.training.optimizers import rate_at
from tintype.training.pace import Pace, clock
from tintype.training.prior import own_prior, prior_of

CONFIG = """
name = "tintype.tiny"
family = "tintype"
steps = 30
batch = 4
seed = 5
precision = "float32"
device = "cpu"
log_every = 5
validate_every = 12
checkpoint_minutes = 0

[network]
width = 4
context = 16
decoder = [16, 16, 16, 16]

[data]
folder = "{folder}"
side = 32
validation_side = 32

[data.augmentation]
smallest_crop = 0.5
mirror = 0.5
film = 0.5
hints = 0.5

[loss]
cross_entropy = 1.0

[optimizer]
warmup = 3
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("sets") / "data", train=10, validation=3)


@pytest.fixture(scope="module")
def toml(data):
    path = data.parent / "tiny.toml"
    path.write_text(CONFIG.format(folder=data.as_posix()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def unbroken(toml, tmp_path_factory):
    """The folder of a run that nothing disturbed, and what it said."""
    folder = tmp_path_factory.mktemp("runs") / "unbroken"
    done = tintype("train", str(toml), "-o", str(folder), check=0)
    return folder, done.stdout.decode().splitlines()


def config(folder, **changes):
    values = {
        "name": "tintype.tiny",
        "family": "tintype",
        "precision": "float32",
        "device": "cpu",
        "network": {"width": 4, "context": 16, "decoder": [16, 16, 16, 16]},
        "data": {"folder": str(folder), "side": 32, "validation_side": 32},
        "loss": {"cross_entropy": 1.0},
    }
    for key, value in changes.items():
        values[key] = {**values[key], **value} if isinstance(values.get(key), dict) else value
    return from_dict(values)


BINS = targets.make(targets.Config(), published_bins())


def log(folder, *parts):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    return [line for line in lines if line["part"] in parts]


def test_a_killed_run_goes_on_as_if_nothing_had_happened(toml, unbroken, tmp_path):
    process = subprocess.Popen(command_of("train", str(toml), "-o", str(tmp_path)), stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("step 5/"):
            break
    process.kill()
    process.wait()
    process.stdout.close()
    stopped = checkpoint.load(tmp_path / "last.pt")["step"]
    assert 4 <= stopped < 30
    with (tmp_path / "log.jsonl").open("a") as file:  # what a kill can leave behind
        file.write('{"part": "train", "step": 99, "loss": 1.0}\n{"part": "tra')

    done = tintype("train", str(toml), "-o", str(tmp_path), check=0)
    assert f"at step {stopped} of 30" in done.stdout.decode()
    ours, theirs = (checkpoint.load(folder / "last.pt") for folder in (tmp_path, unbroken[0]))
    assert ours["step"] == theirs["step"] == 30
    for part in ("network", "average"):
        for name, value in theirs[part].items():
            assert torch.allclose(ours[part][name].double(), value.double(), rtol=0, atol=1e-6), name
    figures, expected = (log(folder, "train", "validation") for folder in (tmp_path, unbroken[0]))
    assert (
        [line["step"] for line in figures] == [line["step"] for line in expected] == [5, 10, 12, 15, 20, 24, 25, 30, 30]
    )
    assert [line["loss"] for line in figures] == pytest.approx([line["loss"] for line in expected], abs=1e-6)
    assert ours["best"] == pytest.approx(theirs["best"], abs=1e-6)


def test_what_a_run_leaves(toml, unbroken):
    folder, said = unbroken
    assert [line for line in said if not line.startswith("warning")][-1].startswith("step 30/30  validation  loss")
    assert any(line.startswith("step 5/30  loss ") and line.endswith("left") for line in said)
    best, last = checkpoint.load(folder), checkpoint.load(folder / "last.pt")
    assert best["best"] == min(line["loss"] for line in log(folder, "validation"))
    assert from_dict(last["config"]).data.side == 32
    start = log(folder, "start")[0]
    assert from_dict(start["config"]) == from_dict(last["config"])
    assert start["photographs"] == 10
    assert not list(folder.glob("*.part"))

    board = EventAccumulator(str(folder), size_guidance={"images": 0}).Reload()
    tags = board.Tags()
    for tag in ("train/loss", "train/rate", "train/images_per_second", "validation/chroma", "validation/true_chroma"):
        assert tag in tags["scalars"]
    assert board.Scalars("validation/loss")[-1].value == pytest.approx(log(folder, "validation")[-1]["loss"])
    sheet = board.Images("gray, prediction, truth")[0]
    assert (sheet.width, sheet.height) == (3 * 8, 3 * 8)


def test_a_complete_run_stays_as_it_is(toml, unbroken):
    before = (unbroken[0] / "last.pt").read_bytes()
    said = []
    assert Run(read(toml), unbroken[0], said.append).train()
    assert "is complete: all 30 steps are done" in said[-1]
    assert (unbroken[0] / "last.pt").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("network.context=32", "network.context = 16, not 32"),
        ("seed=6", "seed = 5, not 6"),
        ("batch=5", "batch = 4, not 5"),
        ("data.side=64", "data.side = 32, not 64"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(toml, unbroken, change, said):
    with pytest.raises(ConfigError, match=f"{said}; use another folder for a new run"):
        Run(read(toml, [change]), unbroken[0])


def test_changes_on_the_way_are_said(toml, unbroken):
    said = []
    Run(read(toml, ["optimizer.rate=0.0005", "log_every=1", "steps=31"]), unbroken[0], said.append)
    assert said == [
        "optimizer.rate is 0.0005 from here on; it was 0.001",
        "steps is 31 from here on; it was 30",
        f"continuing {unbroken[0] / 'last.pt'} at step 30 of 31",
    ]


def test_changed_settings_count_on_resuming(data, tmp_path):
    first = config(data, steps=2, batch=2, checkpoint_minutes=0)
    Run(first, tmp_path, lambda line: None).train()
    second = config(data, steps=3, batch=2, optimizer={"decay": 0.5, "encoder": 0.1, "betas": [0.8, 0.9]})
    run = Run(second, tmp_path, lambda line: None)
    assert {(g["share"], g["weight_decay"], tuple(g["betas"])) for g in run.optimizer.param_groups} == {
        (share, decay, (0.8, 0.9)) for share in (0.1, 1.0) for decay in (0.0, 0.5)
    }


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl-C cannot be sent to one process there")
def test_ctrl_c_ends_the_step_and_saves(toml, tmp_path):
    words = ("train", str(toml), "steps=100000", "checkpoint_minutes=60", "log_every=1", "-o", str(tmp_path))
    process = subprocess.Popen(command_of(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("step 2/"):
            break
    process.send_signal(signal.SIGINT)
    said, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "repeat the command to continue" in said
    assert "Traceback" not in complaint
    assert checkpoint.load(tmp_path / "last.pt")["step"] >= 2


def test_the_time_is_kept(data, tmp_path):
    said = []
    run = Run(config(data, steps=100000, batch=2, checkpoint_minutes=60), tmp_path, said.append)
    assert not run.train(max_minutes=0.001)
    assert said[-1] == f"the time is up at step {run.step} of 100000; repeat the command to continue"
    assert checkpoint.load(tmp_path / "last.pt")["step"] == run.step >= 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": {"folder": "nowhere"}}, "nowhere: no such data folder; make one with"),
        ({"data": {"train": "none-*"}}, r"no shard is named none-\* to take for train; set data\.train"),
        ({"device": "quantum"}, "device 'quantum' cannot be used here"),
        ({"start": "nowhere.pt"}, r"nowhere\.pt: no such checkpoint"),
        (
            {"network": {"width": 64, "encoder": "nowhere.safetensors"}},
            r"nowhere\.safetensors: the encoder's weights cannot be read",
        ),
    ],
)
def test_what_cannot_work_is_said(data, tmp_path, changes, said):
    with pytest.raises((ConfigError, DataError), match=said) as error:
        Run(config(data, **changes), tmp_path / "run", lambda line: None).train()
    assert "\n" not in str(error.value)


def test_a_folder_that_cannot_hold_a_run(data, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="file: the run cannot be written there"):
        Run(config(data), tmp_path / "file").train()
    (tmp_path / "last.pt").write_bytes(b"no checkpoint")
    with pytest.raises(ConfigError, match=r"last\.pt: broken, or not a checkpoint of tintype"):
        Run(config(data), tmp_path)


def test_mistakes_on_the_command_line(toml, tmp_path):
    (line,) = errors_of(tintype("train", str(toml), "data.folder=nowhere", "-o", str(tmp_path / "run"), check=1))
    assert line.startswith("tintype: nowhere: no such data folder")
    assert b"a number above 0" in tintype("train", str(toml), "--max-minutes", "0", check=2).stderr


def test_without_the_extra_it_says_what_to_install(toml):
    for missing in ("torch", "tensorboard"):
        code = (
            f"import sys\nsys.modules[{missing!r}] = None\n"
            "from tintype.cli import main\n"
            f"sys.exit(main(['train', {str(toml)!r}]))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            f"tintype: Training needs {missing}, which is not installed: in the folder of tintype, run "
            'pip install ".[train]"'
        ]


def test_streamed_photographs_train_the_same(data, tmp_path):
    said = []
    for name, memory in (("held", 8.0), ("streamed", 0.0)):
        run = Run(config(data, steps=3, batch=4, data={"memory": memory}), tmp_path / name, said.append)
        assert run.train()
    assert any("held in memory" in line for line in said)
    assert any("they take more than data.memory = 0 GiB" in line for line in said)
    held, streamed = (checkpoint.load(tmp_path / name / "last.pt")["network"] for name in ("held", "streamed"))
    assert all(torch.equal(held[name], streamed[name]) for name in held)


def test_fine_tuning_starts_from_the_average_of_a_run(data, unbroken, tmp_path):
    run = Run(config(data, start=str(unbroken[0])), tmp_path, lambda line: None)
    best = checkpoint.load(unbroken[0])["average"]
    assert run.step == 0
    assert all(torch.equal(value, best[name]) for name, value in run.network.state_dict().items())
    with pytest.raises(ConfigError, match="holds another network than family and network describe"):
        Run(config(data, start=str(unbroken[0]), network={"context": 32}), tmp_path, lambda line: None)


def test_auto_takes_bfloat16_where_the_processor_computes_in_it(data, tmp_path):
    flags = set()
    with suppress(OSError):
        flags = set(Path("/proc/cpuinfo").read_text().split())
    chosen = device.pick_precision("auto", torch.device("cpu"))
    if flags:
        assert chosen == ("bfloat16" if flags & {"amx_tile", "amx_bf16", "avx512_bf16"} else "float32")
    for precision in ("float32", "bfloat16"):
        assert device.pick_precision(precision, torch.device("cpu")) == precision
    said = []
    run = Run(config(data, steps=1, precision="auto"), tmp_path, said.append)
    run.train()
    # The run records what was chosen.
    assert any(line.endswith(f"; cpu, {chosen}") for line in said)
    assert checkpoint.load(tmp_path / "last.pt")["config"]["precision"] == chosen
    assert log(tmp_path, "start")[0]["config"]["precision"] == chosen


def test_few_photographs_are_not_validated_after_each_epoch(data, tmp_path):
    said = []
    run = Run(config(data, steps=8, batch=4, log_every=50, validate_every=0), tmp_path, said.append)
    run.train()
    assert [line["step"] for line in log(tmp_path, "validation")] == [8]
    # In a pipe each line says where the run stands, and an early one how long it will take.
    steps = [line for line in said if line.startswith("step ")]
    assert re.match(r"step 5/8  about \d:\d\d:\d\d left, without validations", steps[0])
    assert steps[1].startswith("step 8/8  loss ")
    assert steps[1].endswith("0:00:00 left")
    assert steps[2].startswith("step 8/8  validation  loss ")


def test_what_starts_from_a_released_model_is_released_as_it_was(data, unbroken, tmp_path):
    """Its temperature, its vividness and its part of the rebalancing come along: before it has learnt anything, it
    colours as what it started from."""
    first = tmp_path / "first.onnx"
    export(unbroken[0], first, temperature=0.45, rebalancing=0.4, vividness=1.7, size=64)
    assert checkpoint.release_of(str(first)) | {"shift": None} == {
        "temperature": 0.45,
        "vividness": 1.7,
        "size": 64,
        "shift": None,
    }
    lightness = np.linspace(5, 95, 64 * 64, dtype=np.float32).reshape(64, 64)
    expected = load(first).predict(lightness).ab
    start = str(first)
    for name in ("second", "third"):  # and from that again, by way of a checkpoint
        asleep = {"kind": "sgd", "rate": 1e-12}
        run = Run(
            config(data, steps=1, start=start, norms="frozen", optimizer=asleep), tmp_path / name, lambda line: None
        )
        run.train()
        card = export(tmp_path / name, tmp_path / f"{name}.onnx")
        assert (card.temperature, card.size) == (0.45, 64)
        found = load(tmp_path / f"{name}.onnx").predict(lightness).ab
        np.testing.assert_allclose(found, expected, atol=0.3)
        start = str(tmp_path / name)
    # What the card of the export says counts.
    export(tmp_path / "second", tmp_path / "mild.onnx", vividness=1.0, temperature=0.3)
    mild = checkpoint.release_of(str(tmp_path / "mild.onnx"))
    assert (mild["temperature"], mild["vividness"]) == (0.3, 1.0)


def test_export_says_which_step_it_took_and_lists_the_photographs(data, unbroken, tmp_path):
    out = tintype("export", str(unbroken[0]), "-o", str(tmp_path / "a.onnx"), check=0).stdout.decode()
    learned = load_photographs(config(data))[0]
    assert f"a.seen: hashes of {len(learned)} photographs" in out
    hashes = seen_by(tmp_path / "a.onnx").hashes.tolist()
    assert hashes == sorted(fingerprint(learned[index]) for index in range(len(learned)))
    best = checkpoint.load(unbroken[0])["step"]
    said = f"best.pt: step {best} of 30, where the validation loss was lowest"
    assert said in out
    if best != 30:
        assert "the run has reached step 30" in out
    out = tintype("export", str(unbroken[0] / "last.pt"), "-o", str(tmp_path / "b.onnx"), check=0).stdout.decode()
    assert "last.pt: step 30 of 30\n" in out


def test_fine_tuning_starts_from_the_mean_of_several_runs(data, unbroken, tmp_path):
    Run(config(data, steps=2, seed=9), tmp_path / "other", lambda line: None).train()
    names = [str(unbroken[0]), str(tmp_path / "other")]
    run = Run(config(data, start=",".join(names)), tmp_path / "mean", lambda line: None)
    first, second = (checkpoint.load(name)["average"] for name in names)
    for name, value in run.network.state_dict().items():
        if value.is_floating_point():
            assert torch.allclose(value, (first[name] + second[name]) / 2, atol=1e-6)
    wide = Run(config(data, steps=1, network={"context": 32}), tmp_path / "wide", lambda line: None)
    wide.train()
    with pytest.raises(ConfigError, match="are checkpoints of different networks"):
        Run(config(data, start=f"{names[0]},{tmp_path / 'wide'}"), tmp_path / "none", lambda line: None)


def test_checkpoints_every_n_steps(data, tmp_path):
    Run(config(data, steps=5, batch=2, keep_every=2), tmp_path, lambda line: None).train()
    assert sorted(path.name for path in tmp_path.glob("step-*.pt")) == ["step-0000002.pt", "step-0000004.pt"]
    assert checkpoint.load(tmp_path / "step-0000002.pt")["step"] == 2


def test_a_loss_that_is_no_number_ends_the_run_and_spares_the_checkpoint(data, tmp_path):
    Run(config(data, steps=2, batch=2), tmp_path, lambda line: None).train()
    before = (tmp_path / "last.pt").read_bytes()
    run = Run(config(data, steps=9, batch=2), tmp_path, lambda line: None)
    with torch.no_grad():
        run.network.head.bias.fill_(float("nan"))
    with pytest.raises(TintypeError, match="the loss is no longer a number at step"):
        run.train()
    assert (tmp_path / "last.pt").read_bytes() == before


@pytest.mark.parametrize(
    ("colour", "said"),
    [
        ((0, 0), "warning: the mean chroma has collapsed to less than a quarter of the truth's"),
        ((10, 20), "warning: all photographs get about the same colour, a* 10 and b* 20"),
    ],
    ids=["gray", "brown"],
)
def test_a_collapse_is_warned_of(data, tmp_path, colour, said):
    lines = []
    run = Run(config(data, steps=1, batch=2, optimizer={"rate": 1e-9}), tmp_path, lines.append)
    with torch.no_grad():
        for network in (run.network, run.average):
            network.head.weight.zero_()
            distance = np.abs(published_bins() - colour).sum(axis=1)
            network.head.bias.copy_(-torch.tensor(distance))
    run.train()
    (line,) = (line for line in lines if line.startswith("warning"))
    assert line.startswith(said)


def test_it_learns_one_photograph_by_what_it_shows(tmp_path):
    """Overfitted to one photograph, the network must need its lightness: a shuffled one does worse."""
    folder = tmp_path / "one"
    folder.mkdir()
    ramp = np.linspace(0, 1, 64)[:, None] * np.ones(64)
    photo = np.stack([60 + 190 * ramp, 90 + 60 * ramp, 200 - 180 * ramp], axis=-1).astype(np.uint8)
    for part in ("train", "validation"):
        write_shard(folder / f"{part}-0.tar", {"0.png": encode(photo)})
    settings = config(
        folder,
        steps=40,
        batch=1,
        log_every=8,
        data={"side": 64, "validation_side": 64},
        loss={"uniform": 1.0, "neighbours": 1},
        network={"width": 16, "decoder": [32, 32, 32, 32]},
        optimizer={"warmup": 5, "rate": 0.01, "schedule": "hold"},
    )
    run = Run(settings, tmp_path / "run", lambda line: None)
    run.train()
    losses = [line["loss"] for line in log(tmp_path / "run", "train")]
    assert losses[-1] < 0.2 * losses[0]

    batch = make_batch(photo[None], Augmentation(), [np.random.default_rng(0)])
    pixels = torch.randperm(64 * 64, generator=torch.Generator().manual_seed(1))
    shuffled = batch.lightness.reshape(1, 1, -1)[..., pixels].reshape(1, 1, 64, 64)
    objective = Objective(settings, BINS, published_prior())
    run.network.train()  # with the statistics of the batch: the moving ones have not settled in so few steps
    with torch.no_grad():
        true = float(objective(run.network(batch.lightness, batch.hints), batch))
        lost = float(objective(run.network(shuffled, batch.hints), batch))
    assert lost > 3 * true


def test_losses_are_weighed_by_name(data):
    batch = Batch(torch.zeros(1, 1, 32, 32), torch.zeros(1, 3, 32, 32), torch.full((1, 2, 8, 8), 11.0))
    logits = torch.randn(1, 313, 8, 8, generator=torch.Generator().manual_seed(0))
    one = Objective(config(data), BINS, published_prior())
    weights = {"cross_entropy": 2.0, "huber": 3.0, "squared": 4.0}
    three = Objective(config(data, loss=weights), BINS, published_prior())
    terms = three.terms(logits, batch)
    assert sorted(terms) == sorted(weights)
    assert float(terms["cross_entropy"]) == pytest.approx(2 * float(one(logits, batch)))
    assert float(three(logits, batch)) == pytest.approx(sum(map(float, terms.values())))

    settings = config(data, target={"kind": "ab"}, loss={"cross_entropy": 0.0, "squared": 1.0})
    regression = Objective(settings, targets.make(settings.target))
    assert float(regression(torch.zeros(1, 2, 8, 8), batch)) == pytest.approx(0.01)


def test_a_pupil_learns_what_its_teacher_believes(data, unbroken, tmp_path):
    """From the teacher alone; a teacher of another scale, or over other bins, is refused in one sentence."""
    teacher = str(unbroken[0] / "last.pt")
    loss = {"cross_entropy": 0.0, "distillation": 1.0, "teacher": teacher}
    settings = config(data, loss=loss, steps=60, log_every=5, seed=8, optimizer={"warmup": 5, "rate": 0.01})
    run = Run(settings, tmp_path / "run", lambda line: None)
    run.train()
    lines = [line["loss"] for line in log(tmp_path / "run", "train")]
    assert 0 < lines[-1] < 0.5 * lines[0]

    other = config(data, loss=loss, target={"bins": "siggraph17"})
    with pytest.raises(ConfigError, match="has no distribution over this run's bins"):
        Objective(other, targets.make(other.target, siggraph17_bins()), np.full(529, 1 / 529))
    other = from_dict({**to_dict(settings), "family": "cnn10", "name": "cnn10.tiny", "network": {"width": 4}})
    with pytest.raises(ConfigError, match="answers at 1/4 of the size"):
        Objective(other, BINS, published_prior())


def test_the_rate(data):
    def rates(**optimizer):
        made = config(data, steps=100, optimizer=optimizer)
        return [rate_at(made.optimizer, step, made.steps) for step in range(100)]

    cosine, linear = rates(warmup=0), rates(warmup=0, schedule="linear")
    assert cosine[0] == linear[0] == 1
    assert cosine[50] == pytest.approx(0.5)
    assert linear[75] == pytest.approx(0.25)
    hold = rates(warmup=10, schedule="hold", fall=0.2)
    assert hold[0] == pytest.approx(0.1)
    assert hold[10:80] == [1] * 70
    assert hold[90] == pytest.approx(0.5)
    assert all(0 < rate <= 1 for rate in cosine + linear + hold)


def test_a_prepared_set_brings_its_prior(data, tmp_path):
    folder = write_set(tmp_path / "set", 3, 1)
    train, _ = load_photographs(config(folder))
    assert np.array_equal(prior_of(config(folder), train), own_prior(train))
    prior = np.full(313, 1 / 313)
    (folder / "set.json").write_text(json.dumps({"prior": prior.tolist()}))
    assert np.array_equal(prior_of(config(folder), train), prior)
    # Part of the set has a prior of its own.
    assert not np.array_equal(prior_of(config(folder, data={"limit": 2}), train), prior)


def test_the_parts_never_overlap(tmp_path):
    folder = write_set(tmp_path / "set", 3, 2)
    train, held_back = load_photographs(config(folder, data={"train": "*.tar"}))
    assert len(train) == 3
    assert len(held_back) == 2
    assert not set(train.names) & set(held_back.names)
    with pytest.raises(DataError, match="no shard is named x-"):
        load_photographs(config(folder, data={"validation": "x-*"}))


def test_a_checkpoint_holds_no_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (time.sleep, (0,))

    torch.save({"config": {}, "average": {}, "step": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(ConfigError, match=r"evil\.pt: broken, or not a checkpoint of tintype"):
        checkpoint.load(tmp_path / "evil.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ConfigError, match="no configuration in it"):
        checkpoint.load(tmp_path / "list.pt")


def test_the_network_needs_no_other_file_to_be_read_again(data):
    made = from_dict(to_dict(config(data, network={"width": 64, "encoder": "gone.safetensors"})))
    assert made.network["encoder"] == "gone.safetensors"
    made.make_network(313)


@pytest.mark.parametrize(
    ("family", "network"),
    [("unet", {"width": 4}), ("tintype", {"backbone": "mobilenetv2", "decoder": [16, 16, 16, 16]})],
)
def test_a_frozen_encoder_does_not_move(data, tmp_path, family, network):
    values = to_dict(config(data, steps=3, optimizer={"encoder": 0.0}))
    asked = from_dict({**values, "name": f"{family}.tiny", "family": family, "network": network})
    run = Run(asked, tmp_path, lambda line: None)
    before = {name: value.clone() for name, value in run.network.state_dict().items()}
    assert run.train()
    for state in (run.network.state_dict(), checkpoint.load(tmp_path / "last.pt")["average"]):
        moved = {name for name, value in state.items() if not torch.equal(value, before[name])}
        assert not {name for name in moved if name.split(".")[0] in run.network.encoder_parts}
        assert any(name.endswith("running_mean") for name in moved)  # of the decoder


def test_the_pace_reads_well():
    pace = Pace(50, 200, 3.25, 81.04, 0.012, 3723)
    assert str(pace) == "step 50/200  loss 3.2500  81.0 photographs/s (waited 1%)  1:02:03 left"
    assert clock(59.9) == "0:00:59"
