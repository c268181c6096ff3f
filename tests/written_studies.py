"""Studies that no machine coloured."""

import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image

from tintype.study.design import Study, digest, read_study

METHODS = ("theirs", "ours")
LEVELS = {"truth": 40, "random": 90, "theirs": 140, "ours": 190}
"""The green of the pictures; their red is the number of the photograph."""


def write_study(
    folder: Path, *, photographs=12, practice=2, trials=4, catch=0.25, size=16, exposure=0.1, methods=METHODS, **said
) -> Study:
    """A study whose pictures are of one colour each, which tells what they are."""
    (folder / "pictures").mkdir(parents=True)
    found = []
    for number in range(photographs):
        pictures = {}
        for way in ("truth", "random", *methods):
            pictures[way] = hashlib.sha256(f"{number} {way}".encode()).hexdigest()[:24]
            colour = np.full((size, size, 3), (number, LEVELS[way], 120), np.uint8)
            Image.fromarray(colour).save(folder / "pictures" / f"{pictures[way]}.png", compress_level=0)
        found.append({"name": f"{number}.jpg", "sha256": "0" * 64, "pictures": pictures})
    said = {
        "format": 2,
        "title": "A <small> study",
        "seed": 5,
        "size": size,
        "exposure": exposure,
        "practice": practice,
        "trials": trials,
        "catch": catch,
        "assignment": "one",
        "methods": list(methods),
        "photographs": found,
        "about": dict.fromkeys(methods, "0" * 64),
    } | said
    names = sorted(name for photograph in found for name in photograph["pictures"].values())
    said["digest"] = digest(said, (folder / "pictures" / f"{name}.png" for name in names))
    (folder / "study.json").write_text(json.dumps(said))
    return read_study(folder)
