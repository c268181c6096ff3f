"""The logs of runs that never ran."""

import json
from pathlib import Path


def write_run(folder: Path, steps=(50, 100, 150), batch: int = 8, offset: float = 0.0, **config) -> Path:
    """A run whose losses are 3, 2 and 1 more than `offset`, validated at every step that is logged."""
    folder.mkdir(parents=True)
    lines = [{"part": "start", "step": 0, "config": {"batch": batch, **config}}]
    for number, step in enumerate(steps):
        loss = 3.0 - number + offset
        lines.append({"part": "train", "step": step, "loss": loss, "rate": 0.5})
        lines.append({"part": "validation", "step": step, "loss": loss + 0.5, "chroma": 10 + number, "true_chroma": 14})
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder
