"""Pictures in a page, as data URIs."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

QUALITY = 84
"""Of the JPEG; colour is not subsampled, since it is what the pages show."""


@dataclass(frozen=True)
class Shown:
    """A picture as a page holds it."""

    width: int
    height: int
    data: str
    """The data URI."""


def shown(path: Path, side: int | None = None) -> Shown:
    """A picture file, with its longer side of at most `side` pixels.

    Raises:
        OSError: it cannot be read, or is broken; then it has no strerror.
    """
    from PIL import Image

    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    if side is not None:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    memory = io.BytesIO()
    picture.save(memory, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    data = "data:image/jpeg;base64," + base64.b64encode(memory.getvalue()).decode()
    return Shown(picture.width, picture.height, data)
