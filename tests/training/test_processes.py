"""One run on several processes, or in several parts, learns what one process learns at once."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch

from small_sets import write_set
from tintype.errors import ConfigError
from tintype.training import checkpoint
from tintype.training.config import read
from tintype.training.loop import Run
from tintype.training.processes import Processes

CONFIG = """
name = "tintype.tiny"
family = "tintype"
steps = 20
batch = 8
seed = 3
# What the batch's statistics would make of half a batch is another thing.
norms = "frozen"
precision = "float32"
device = "cpu"
log_every = 5
validate_every = 10
keep_every = 10

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
grain = 0.5
hints = 0.5

[loss]
cross_entropy = 1.0
huber = 1.0

[optimizer]
rate = 3e-3
warmup = 5
"""


def silent(line):
    pass


def torchrun(*words):
    """Run Python with these words on two processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [*command, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="module")
def toml(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    write_set(folder / "set", train=20, validation=3)
    path = folder / "tiny.toml"
    path.write_text(CONFIG.format(folder=(folder / "set").as_posix()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def alone(toml, tmp_path_factory):
    """The folder of the run of one process."""
    folder = tmp_path_factory.mktemp("alone")
    assert Run(read(toml), folder, silent).train()
    return folder


@pytest.fixture(scope="module")
def together(toml, tmp_path_factory):
    """The folder of the run of two processes, and what they said."""
    folder = tmp_path_factory.mktemp("together")
    done = torchrun("-m", "tintype", "train", toml, "-o", folder)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder, done.stdout.splitlines()


def figures(folder, part, key="loss"):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    return [(line["step"], line[key]) for line in lines if line["part"] == part]


def farthest(ours, theirs, part="network"):
    """The largest difference between two checkpoints."""
    ours, theirs = (checkpoint.load(path)[part] for path in (ours, theirs))
    return max(float((ours[name].double() - theirs[name].double()).abs().max()) for name in theirs)


def test_two_processes_learn_what_one_does(alone, together):
    for part in ("train", "validation"):
        ours, theirs = (figures(folder, part) for folder in (together[0], alone))
        assert [step for step, _ in ours] == [step for step, _ in theirs]
        assert [loss for _, loss in ours] == pytest.approx([loss for _, loss in theirs], abs=1e-4)
    assert figures(alone, "train")[-1][0] == 20
    assert figures(alone, "train")[-1][1] < figures(alone, "train")[0][1] - 0.005
    for part in ("network", "average"):
        assert farthest(together[0] / "last.pt", alone / "last.pt", part) < 1e-4


def test_only_the_first_process_writes_and_speaks(alone, together):
    folder, said = together
    names = [sorted(path.name.split(".0")[0] for path in place.iterdir()) for place in (folder, alone)]
    assert [name.partition(".tfevents")[0] for name in names[0]] == [
        name.partition(".tfevents")[0] for name in names[1]
    ]
    assert len(figures(folder, "start", "photographs")) == 1
    assert len([line for line in said if line.startswith("step 5/20  loss")]) == 1
    assert len([line for line in said if line.partition("  ")[2].startswith("validation")]) == 2


def test_one_process_goes_on_with_what_two_began(toml, together, tmp_path):
    shutil.copy(together[0] / "step-0000010.pt", tmp_path / "last.pt")
    assert Run(read(toml), tmp_path, silent).train()
    assert farthest(tmp_path / "last.pt", together[0] / "last.pt") < 1e-4


def test_a_batch_that_cannot_be_split_is_refused(toml, tmp_path):
    refusals = {
        "batch=7": "batch = 7 cannot be split among 2 processes with accumulate = 1; choose a multiple of 2",
        "data.limit=3": f"{toml.parent / 'set'}: 3 photographs, fewer than batch = 8, cannot be split among 2 "
        "processes; start fewer of them",
    }
    # Both on the same two processes, which take seconds to start.
    script = tmp_path / "both.py"
    script.write_text(
        "import sys\n"
        "from tintype.cli import main\n"
        f"words = ['train', {str(toml)!r}, '-o', {str(tmp_path / 'run')!r}]\n"
        f"codes = [main([*words, change]) for change in {[*refusals]}]\n"
        "sys.exit(codes != [1, 1])\n"
    )
    done = torchrun(script)
    assert done.returncode == 0, done.stderr[-2000:]
    # Both processes say it, and may do so on one line.
    said = "".join(line for line in done.stderr.splitlines() if line.startswith("tintype: "))
    for sentence in refusals.values():
        assert sentence in said
        said = said.replace(f"tintype: {sentence}", "")
    assert not said
    assert not (tmp_path / "run" / "last.pt").exists()


def test_processes_that_do_not_find_each_other(monkeypatch):
    for name in ("MASTER_ADDR", "MASTER_PORT", "RANK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="WORLD_SIZE is 2, but the processes do not find each other") as error:
        Processes(torch.device("cpu"))
    assert "\n" not in str(error.value)
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert Processes(torch.device("cpu")).first


@pytest.mark.parametrize(
    ("parts", "batch"),
    [
        (2, 8),
        # Of 20 photographs asked for 32 in eight parts, seven are not empty, and the last holds two.
        (8, 32),
    ],
)
def test_batches_in_parts_learn_what_whole_ones_do(toml, tmp_path, parts, batch):
    for name, accumulate in (("whole", 1), ("parts", parts)):
        words = ["steps=4", "keep_every=0", "validate_every=4", "log_every=1", "data.limit=20", f"batch={batch}"]
        run = Run(read(toml, [*words, f"accumulate={accumulate}"]), tmp_path / name, silent)
        assert run.train()
    ours, theirs = (figures(tmp_path / name, "train") for name in ("parts", "whole"))
    assert [loss for _, loss in ours] == pytest.approx([loss for _, loss in theirs], abs=1e-5)
    assert farthest(tmp_path / "parts" / "last.pt", tmp_path / "whole" / "last.pt") < 1e-4
