"""tintype-679: the photographs that released models are measured on, made again from where they were published.

The licences of most of them do not allow to pass them on, so what ships is a table of what they are. Each is fetched
from its public repository onto the user's machine, must be the very file that was taken, becomes a square of 256
pixels, and must look as it did.

This recipe is frozen. Everything else reads colours by `tintype.photo.read_colour`; here Pillow does, because the table
holds the hashes of the pixels that this recipe makes, and all published figures were measured on them. Pillow 13.0 with
libjpeg-turbo 3.2 and Little CMS 2.19 makes all 679 again pixel by pixel; other releases may round otherwise, which
`differing` tells.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from os import PathLike
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from tintype.data import downloads
from tintype.data.fingerprint import fingerprint
from tintype.errors import DataError
from tintype.evaluation.metrics import Codes
from tintype.files import whole_file

NAME = "tintype-679"

TABLE = Path(__file__).with_name("tables") / f"{NAME}.csv"

ADDRESS = "https://raw.githubusercontent.com/{repository}/HEAD/{path}"
"""Where a photograph of the table lies."""

TERMS = (
    "most of these photographs come from research collections whose licences forbid passing them on: "
    "keep them, and pictures made from them, to yourself"
)

SIDE, QUALITY = 256, 92
"""Of the squares, in pixels, and of their JPEG files, whose chroma is not subsampled."""

BITS, CODES = 4, 2
"""By how many bits of its fingerprint, and codes of its mean colour, a photograph may differ that other releases of the
libraries made."""


@dataclass(frozen=True)
class Listed:
    """A line of the table."""

    file: str
    """Its name in the set."""
    repository: str
    path: str
    """Of the original, in its repository."""
    original: str
    """SHA-256 of the original file."""
    pixels: str
    """SHA-256 of the finished photograph's pixels: 8-bit RGB, row by row."""
    fingerprint: str
    """Of the finished photograph, see `tintype.data.fingerprint`; 16 hexadecimal digits."""
    colour: str
    """Its mean colour, as rrggbb."""


def read_table(table: str | PathLike[str] = TABLE) -> list[Listed]:
    """The photographs of a table."""
    with open(table, encoding="utf-8", newline="") as file:
        return [Listed(**row) for row in csv.DictReader(file)]


def listed(file: str, repository: str, path: str, original: bytes) -> Listed:
    """The line of the table for a photograph that is taken from a repository."""
    pixels = _decoded(square(original))
    return Listed(
        file,
        repository,
        path,
        hashlib.sha256(original).hexdigest(),
        hashlib.sha256(pixels.tobytes()).hexdigest(),
        f"{fingerprint(pixels):016x}",
        "".join(f"{code:02x}" for code in _mean(pixels)),
    )


def write_table(rows: Sequence[Listed], table: str | PathLike[str]) -> None:
    """Write a table, for `read_table`."""
    with open(table, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(Listed))
        writer.writerows(map(astuple, rows))


def square(original: bytes) -> bytes:
    """The finished photograph of an original: upright, in sRGB, centre square, Lanczos, JPEG.

    Raises:
        OSError, ValueError: it is not a photograph, or is broken.
    """
    with Image.open(io.BytesIO(original)) as opened:
        picture: Image.Image = ImageOps.exif_transpose(opened).convert("RGB")
        profile = opened.info.get("icc_profile")
    if profile:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        # None only where it changes a picture in place.
        picture = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB")) or picture
    short = min(picture.size)
    left, top = (picture.width - short) // 2, (picture.height - short) // 2
    picture = picture.crop((left, top, left + short, top + short)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    memory = io.BytesIO()
    picture.save(memory, "jpeg", quality=QUALITY, subsampling="4:4:4")
    return memory.getvalue()


def fetched(
    folder: str | PathLike[str] | None = None,
    watch: Callable[[int, int], None] = lambda done, all: None,
    *,
    table: str | PathLike[str] = TABLE,
    address: str = ADDRESS,
) -> Path:
    """The folder of the photographs; those that are not there yet are fetched.

    A repeated call continues an interrupted one.

    Args:
        folder: where they are kept; by default in the user's cache.
        watch: called with the number of photographs there and of all photographs.
        table: what the photographs are.
        address: where they lie, with {repository} and {path}.
    Raises:
        DataError: some cannot be downloaded, or are not the published ones; or the extra `data` is
            missing.
        UnwritableFile: the folder does not take them.
    """
    rows = read_table(table)
    instead = "give the photographs as --data FILE.tar"
    folder = downloads.cache(NAME, instead) / NAME if folder is None else Path(folder)
    missing = [row for row in rows if not _is_there(folder, row)]
    if not missing:
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder}: {NAME} cannot be stored there ({error.strerror}); free some space, and repeat"
        ) from error
    there = len(rows) - len(missing)
    watch(there, len(rows))
    downloads.fetch_all(
        missing,
        lambda connection, row: _fetch(connection, row, folder, address, instead),
        NAME,
        instead,
        lambda done, _: watch(there + done, len(rows)),
    )
    return folder


def differing(folder: str | PathLike[str], table: str | PathLike[str] = TABLE) -> list[str]:
    """The files of the set whose pixels are not those of the table, though they look alike: made by other releases of
    the libraries. Figures of them and of the published pixels may differ in the last digits.

    Raises:
        OSError: a file is not there.
    """
    return [row.file for row in read_table(table) if not _is_exact((Path(folder) / row.file).read_bytes(), row)]


def _fetch(connection: downloads.Connection, row: Listed, folder: Path, address: str, instead: str) -> str | None:
    """Download one photograph; what is wrong with it, if the others can still be downloaded."""
    where = address.format(repository=row.repository, path=quote(row.path))
    original = downloads.content(connection, where, row.file, NAME, instead)
    if isinstance(original, str):
        return original
    if hashlib.sha256(original).hexdigest() != row.original:
        return (
            f"{where}: the downloaded file is not the one that {row.file} of {NAME} was made from (its sha256 differs)"
        )
    finished = square(original)
    if not _is_exact(finished, row) and not _is_alike(finished, row):
        return f"{where}: {row.file} of {NAME} does not come out as published with this Pillow; install another version"
    with whole_file(folder / row.file) as file:
        file.write(finished)
    return None


def _is_there(folder: Path, row: Listed) -> bool:
    try:
        content = (folder / row.file).read_bytes()
        return _is_exact(content, row) or _is_alike(content, row)
    except (OSError, ValueError):
        return False


def _is_exact(finished: bytes, row: Listed) -> bool:
    return hashlib.sha256(_decoded(finished).tobytes()).hexdigest() == row.pixels


def _is_alike(finished: bytes, row: Listed) -> bool:
    pixels = _decoded(finished)
    bits = (fingerprint(pixels) ^ int(row.fingerprint, 16)).bit_count()
    codes = np.abs(_mean(pixels) - np.array(list(bytes.fromhex(row.colour)))).max()
    return pixels.shape == (SIDE, SIDE, 3) and bits <= BITS and bool(codes <= CODES)


def _decoded(finished: bytes) -> Codes:
    with Image.open(io.BytesIO(finished)) as picture:
        return np.ascontiguousarray(picture.convert("RGB"))


def _mean(pixels: Codes) -> NDArray[np.int64]:
    mean: NDArray[np.int64] = np.rint(pixels.mean((0, 1))).astype(np.int64)
    return mean
