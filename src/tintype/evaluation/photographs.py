"""Colour photographs to measure on, as a viewer shows them: upright, in sRGB, on white."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image

from tintype.data import archives, originals
from tintype.errors import DataError, UnreadablePhoto, UnsupportedPhoto
from tintype.photo import LISTED, MOST_PIXELS, SUFFIXES, icc
from tintype.photo.kinds import HEAD, recognise_colour

PUBLISHED = "tintype-679"
"""The set that is fetched from where its photographs were published; see `manifest`."""

SMALLEST = 16
"""Pixels that a photograph must have on each side: below, windows of metrics do not fit."""


class Photographs:
    """The photographs of a folder with all below it, of a .tar or .zip, or of PUBLISHED; decoded when asked for.

    `len(photographs)` and `photographs[i]` (uint8 [h, w, 3], sRGB). `names[i]` is the path below the folder or in the
    archive, without suffix. Folders are taken in the order of names, archives in their own.

    Args:
        data: which ones.
        side: centre square of this side, resized (Lanczos); None: the photographs at their own size.
        limit: take only this many, from the first on.
        leave_out: folders inside that are passed over, such as the one that results go to.
        watch: is told how many of how many photographs of PUBLISHED are fetched.
    Raises:
        DataError: there is no such folder or archive, it holds no photograph, or two of one name; PUBLISHED cannot be
            fetched.
    """

    def __init__(
        self,
        data: str | os.PathLike,
        side: int | None = None,
        limit: int | None = None,
        leave_out: Collection[str | os.PathLike] = (),
        watch: Callable[[int, int], None] = lambda done, count: None,
    ):
        path = Path(data)
        self.source = PUBLISHED if str(data) == PUBLISHED else path.resolve().name
        self.side = side
        if str(data) == PUBLISHED:
            from tintype.evaluation import manifest

            path = manifest.fetched(watch=watch)
        # Of each its file, as errors name it, and what reads that.
        self._entries = list(_in_folder(path, leave_out) if path.is_dir() else _in_archive(path))
        if not self._entries:
            raise DataError(f"{path}: no photographs found ({LISTED})")
        # Names that a file system may take for one would share their results.
        first: dict[str, str] = {}
        twice = [name for name in self.names if first.setdefault(name.casefold(), name) is not name]
        if twice:
            raise DataError(
                f"{path}: two photographs are called {twice[0]} ({len(twice)} photographs have a name that is taken); "
                "rename them, because results are named after photographs"
            )
        self._entries = self._entries[:limit]

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def names(self) -> list[str]:
        return [os.path.splitext(file)[0] for file, _ in self._entries]

    def __getitem__(self, index: int) -> np.ndarray:
        """A photograph.

        Raises:
            UnreadablePhoto: it is broken. UnsupportedPhoto: it is of a kind that is refused, or too small.
        """
        file, encoded = self._entries[index]
        photo = decode(encoded(), file)
        if self.side is not None:
            return square(photo, self.side)
        if min(photo.shape[:2]) < SMALLEST:
            raise UnsupportedPhoto(f"{file} has {photo.shape[1]} x {photo.shape[0]} pixels, too few to measure")
        return photo


def square(photo: np.ndarray, side: int) -> np.ndarray:
    """The centre square of a photograph, resized (Lanczos); uint8 [h, w, 3] to [side, side, 3].

    A photograph that is such a square already stays as it is.
    """
    if photo.shape[:2] == (side, side):
        return photo
    short = min(photo.shape[:2])
    top, left = (photo.shape[0] - short) // 2, (photo.shape[1] - short) // 2
    centre = Image.fromarray(photo[top : top + short, left : left + short])
    return np.asarray(centre.resize((side, side), Image.Resampling.LANCZOS))


def decode(encoded: bytes, name: str) -> np.ndarray:
    """A colour photograph as a viewer shows it: upright, through its profile to sRGB, on white; uint8 [h, w, 3].

    Args:
        encoded: a file that `tintype.photo.read` reads, of 8 or 16 bits; name: what errors call it.
    Raises:
        UnreadablePhoto: it is broken. UnsupportedPhoto: it is of a kind that is refused by name.
    """
    kind = recognise_colour(encoded[:HEAD], name)
    try:
        if kind == "bmp":  # which libvips does not read
            with Image.open(io.BytesIO(encoded)) as picture:
                return np.asarray(picture.convert("RGB"))
        image = pyvips.Image.new_from_buffer(encoded, "", fail_on="error")
        if image.get_typeof("n-pages") and image.get("n-pages") > 1:
            raise UnsupportedPhoto(
                f"{name} holds {image.get('n-pages')} pictures: save each as a file of its own first"
            )
        if image.format not in ("uchar", "ushort"):
            raise UnsupportedPhoto(f"{name} does not hold whole numbers of 8 or 16 bits: convert it first")
        if image.width * image.height > MOST_PIXELS:
            raise UnsupportedPhoto(f"{name} has {image.width} x {image.height} pixels: make it smaller first")
        return _shown(image.autorot())
    except (pyvips.Error, UnicodeDecodeError):
        # What libvips says is not repeated: its threads mix the words of several photographs.
        pyvips.vips_lib.vips_error_clear()
        raise UnreadablePhoto(f"{name} is broken or cut short: get a whole copy of it") from None
    except (OSError, ValueError, SyntaxError):  # what Pillow raises for a broken BMP
        raise UnreadablePhoto(f"{name} is broken or cut short: get a whole copy of it") from None


def _shown(image: pyvips.Image) -> np.ndarray:
    """sRGB on white, uint8 [h, w, 3], of an upright picture."""
    profile = bytes(image.get("icc-profile-data")) if image.get_typeof("icc-profile-data") else None
    inks = image.interpretation == "cmyk"
    bands = 4 if inks else 1 if image.bands < 3 else 3
    space = icc.space(profile) if profile and icc.usable(profile) else None
    alpha = None
    if image.bands > bands:
        alpha = image[bands].numpy() / (255 if image.format == "uchar" else 65535)
        image = image.extract_band(0, n=bands)
    if space == {1: "GRAY", 3: "RGB", 4: "CMYK"}[bands] and not icc.is_srgb(profile):
        depth = 8 if image.format == "uchar" else 16
        image = image.icc_transform("srgb", embedded=True, intent="relative", depth=depth)
        inks = False
    codes = image.numpy().reshape(image.height, image.width, -1)
    if not inks and alpha is None and codes.dtype == np.uint8:
        return np.repeat(codes, 3, axis=2) if codes.shape[2] == 1 else codes
    shown = codes / np.float32(np.iinfo(codes.dtype).max)
    if inks:  # Without a profile, as browsers show it.
        shown = (1 - shown[..., :3]) * (1 - shown[..., 3:])
    if alpha is not None:
        shown = 1 - alpha[..., None] * (1 - shown)
    return np.broadcast_to((shown * 255 + 0.5).astype(np.uint8), (*shown.shape[:2], 3)).copy()


def _in_folder(path: Path, leave_out: Collection[str | os.PathLike]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    source = originals.folder(path, {os.path.realpath(folder) for folder in leave_out})
    for original in source.find(originals.Classes()):
        yield original.source.partition("/")[2], original.read


def _in_archive(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    if not path.exists():
        raise DataError(
            f"{path} does not exist: give a folder of colour photographs, a .tar file of them, or {PUBLISHED}"
        )
    for member in archives.members(path):
        if Path(member.name).suffix.lower() in SUFFIXES:
            yield member.name, member.read
