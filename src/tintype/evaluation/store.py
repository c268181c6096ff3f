"""The files of a run: pictures, and what was measured of each way of colouring so far; `results` lists them."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tintype.errors import DataError
from tintype.evaluation import protocol as protocols
from tintype.evaluation.evaluator import Row
from tintype.evaluation.methods import Method, prediction_files
from tintype.evaluation.metrics import Codes
from tintype.evaluation.protocol import TRUTH, Photograph, Protocol
from tintype.files import whole_file


def measured_path(folder: Path, label: str) -> Path:
    """Where the figures of a model lie."""
    return folder / "measured" / f"{label}.npz"


def picture_path(folder: Path, label: str, photo: str) -> Path:
    """Where a coloured photograph lies; of TRUTH, the photograph itself."""
    return folder.joinpath(*(("predictions", label) if label != TRUTH else (TRUTH,)), f"{photo}.png")


def read_protocol(folder: Path) -> Protocol | None:
    """The protocol of a run; None where there is no such file.

    Raises:
        DataError: it cannot be read.
    """
    path = folder / protocols.FILE
    try:
        return Protocol.from_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read ({why}); evaluate into another folder") from None


def read_measured(folder: Path, label: str) -> dict[str, NDArray[np.generic]] | None:
    """The arrays that were measured of a model, also of one that is not complete; None where there are none.

    Raises:
        DataError: the file is broken.
    """
    path = measured_path(folder, label)
    try:
        # Opened here: numpy leaves a file that is broken open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
        raise DataError(f"{path} cannot be read ({error}); delete it, and repeat tintype evaluate") from None


def read_picture(path: Path) -> Codes:
    """A picture of a run, uint8 [h, w, 3].

    Raises:
        DataError: it cannot be read.
    """
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{path} cannot be read ({error}); delete it, and repeat the command") from None


def holds(path: Path, pixels: Codes) -> bool:
    """Whether a file is that picture."""
    try:
        return path.is_file() and np.array_equal(read_picture(path), pixels)
    except DataError:
        return False


def write_picture(path: Path, pixels: Codes) -> None:
    """Write a picture of a run, uint8 [h, w, 3]."""
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, "PNG", compress_level=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.write(memory.getvalue())


def sha256_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from None


class Table:
    """What was measured of one method so far, kept in RUN/measured."""

    def __init__(self, folder: Path, method: Method, protocol: Protocol):
        self.folder, self.method, self.protocol = folder, method, protocol
        self.rows: dict[str, Row] = {}
        """Photograph -> its row."""
        depends = asdict(replace(protocol, models={}, versions={}, source="")) | {
            "method": [method.label, protocol.models.get(method.label)]
        }
        self.key = hashlib.sha256(json.dumps(depends).encode()).hexdigest()
        kept = read_measured(folder, method.label)
        if kept is not None and str(kept.pop("key")) == self.key:
            photos = [str(photo) for photo in kept.pop("photos")]
            self.rows = {photo: {name: kept[name][i] for name in kept} for i, photo in enumerate(photos)}
        files = prediction_files(Path(method.source)) if method.kind == "folder" and method.source else {}
        for photo, row in list(self.rows.items()):
            pictured = picture_path(folder, method.label, photo).is_file()
            if not pictured or (method.kind == "folder" and row["files"] != _sha256_or_none(files.get(photo))):
                del self.rows[photo]
        self.stale = kept is not None and len(self.rows) < len(kept["areas"])
        """Whether the file contains results that are out of date."""

    def missing(self) -> list[Photograph]:
        """The photographs that have no row."""
        return [photograph for photograph in self.protocol.photographs if photograph.name not in self.rows]

    def save(self) -> None:
        """Write what there is."""
        path = measured_path(self.folder, self.method.label)
        if not self.rows:
            path.unlink(missing_ok=True)
            return
        photos = [photograph.name for photograph in self.protocol.photographs if photograph.name in self.rows]
        arrays = {name: np.array([self.rows[photo][name] for photo in photos]) for name in self.rows[photos[0]]}
        memory = io.BytesIO()
        save: Callable[..., None] = np.savez_compressed
        save(memory, key=self.key, photos=photos, **arrays)
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(memory.getvalue())


def _sha256_or_none(path: Path | None) -> str:
    return "" if path is None else sha256_of(path)
