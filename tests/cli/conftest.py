"""Small photographs for runs of the command line."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def gray(height=48, width=64, seed=0) -> Image.Image:
    rng = np.random.default_rng(seed)
    across = np.linspace(30, 220, width)[None] + rng.normal(0, 5, (height, width))
    return Image.fromarray(np.clip(across, 0, 255).astype(np.uint8))


@pytest.fixture
def photograph(tmp_path):
    """`photograph("a.jpg", ...)` writes a small gray photograph below the test's folder and returns its path."""
    count = iter(range(1000))

    def write(name: str, height=48, width=64) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        gray(height, width, next(count)).save(path)
        return path

    return write
