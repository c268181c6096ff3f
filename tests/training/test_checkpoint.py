"""Checkpoints are whole or not there."""

import subprocess
import sys

import pytest

SAVE = """
import resource, signal, sys
from pathlib import Path
import torch
from tintype.errors import TintypeError
from tintype.training import checkpoint
path = Path(sys.argv[1])
checkpoint.save(path, {"step": 1})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    checkpoint.save(path, {"step": 2, "weights": torch.zeros(100_000)})
except TintypeError as error:
    print(error)
print(torch.load(path, weights_only=True)["step"])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes there")
def test_a_full_disk_is_said_and_the_checkpoint_before_stays(tmp_path):
    path = tmp_path / "run" / "last.pt"
    done = subprocess.run([sys.executable, "-c", SAVE, str(path)], capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        f"{path}: the checkpoint cannot be written (File too large); free some space or use another folder",
        "1",
    ]
    assert [entry.name for entry in path.parent.iterdir()] == ["last.pt"]
