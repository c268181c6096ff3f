"""Small sets of coloured pictures, made on the spot."""

import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, height: int = 80, width: int = 96) -> np.ndarray:
    """A coloured picture with large and small forms, uint8 [h, w, 3]."""
    generator = np.random.default_rng(seed)
    coarse = Image.fromarray(generator.integers(0, 256, (6, 7, 3), dtype=np.uint8))
    base = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    return np.clip(base + generator.integers(-9, 10, base.shape), 0, 255).astype(np.uint8)


def encode(rgb: np.ndarray, kind: str = "PNG", **options) -> bytes:
    memory = io.BytesIO()
    Image.fromarray(rgb).save(memory, kind, **options)
    return memory.getvalue()


def write_shard(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_set(folder: Path, train: int = 12, validation: int = 4) -> Path:
    """A set as it comes ready: shards, no description."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, first, count in (("train-00", 0, train), ("validation-00", 1000, validation)):
        write_shard(folder / f"{part}.tar", {f"{i:03d}.png": encode(picture(first + i)) for i in range(count)})
    return folder
