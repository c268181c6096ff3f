"""What a run took to make: `record.json` beside its checkpoints."""

from __future__ import annotations

import json
import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from tintype.files import whole_file
from tintype.training.config import Config
from tintype.version import __version__

NAME = "record.json"


@dataclass
class Spent:
    """Time that a run has taken in all its sittings, and the sources that it ran from."""

    seconds: float = 0.0
    """On the clock, from the first step on, validations included."""
    cpu_seconds: float = 0.0
    """Of all threads of this process."""
    revisions: list[str] = field(default_factory=list)
    """As `revision` says, in the order of the sittings."""
    _since: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Spent:
        """What a checkpoint remembers."""
        return cls(state["seconds"], state.get("cpu_seconds", 0.0), list(state.get("revisions", [])))

    def to_dict(self) -> dict[str, Any]:
        """As checkpoints hold it."""
        return {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds, "revisions": self.revisions}

    def begin(self) -> None:
        """A sitting begins now."""
        self._since = time.monotonic(), time.process_time()
        if (here := revision()) not in self.revisions[-1:]:
            self.revisions.append(here)

    def take(self) -> None:
        """Add the time since this or `begin` was last called."""
        now = time.monotonic(), time.process_time()
        self.seconds += now[0] - self._since[0]
        self.cpu_seconds += now[1] - self._since[1]
        self._since = now


def revision() -> str:
    """The source that runs: the commit of its working tree, with a + if files were changed; elsewhere the version."""
    here = Path(__file__).parent
    try:
        # A package that lies in the working tree of something else is not part of it.
        _git(here, "ls-files", "--error-unmatch", Path(__file__).name)
        return _git(here, "describe", "--always", "--exclude=*", "--abbrev=40", "--dirty=+")
    except (OSError, subprocess.CalledProcessError):
        return f"tintype {__version__}"


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write(folder: Path, config: Config, spent: Spent, updates: int, critic: int, batch: int) -> None:
    """Write what a run has taken so far.

    Args:
        updates: of the network. critic: of the critic. batch: photographs in each.
    """
    facts = {
        "name": config.name,
        "complete": updates >= config.steps,
        "seed": config.seed,
        "updates": updates,
        "samples": updates * batch,
        "critic_updates": critic,
        "critic_samples": critic * batch,
        "wall_seconds": round(spent.seconds, 1),
        "cpu_seconds": round(spent.cpu_seconds, 1),
        "revisions": spent.revisions,
        "version": __version__,
        "torch": torch.__version__,
        "precision": config.precision,
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
    }
    with whole_file(folder / NAME) as file:
        file.write((json.dumps(facts, indent=1) + "\n").encode())
