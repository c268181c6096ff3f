"""Folders and collections of photographs become a data set: shards, a manifest and a description.

A set is a folder with

    train-0000.tar ..       the photographs, WebP, in an order that is random but fixed by seed and content; the same
    validation-0000.tar ..  for the other parts: the first n of each part are a fair sample of it
    test-0000.tar ..
    manifest.csv            a line for each photograph: where it is, its part, where it came from, its hashes
    dropped.csv             a line for each file that was left out, and why
    set.json                what was asked for, how many there are, and the statistics of the part to train on

The part of a photograph depends on the seed and on its content alone, unless the published split is asked for:
photographs that join the folders later move no other. The bytes of the set depend on the photographs, the settings and
the versions of the libraries.
"""

from __future__ import annotations

import csv
import hashlib
import heapq
import io
import json
import os
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import PIL
import pyvips
from numpy.typing import NDArray
from PIL import Image

from tintype.color.bins import published_bins, soft_encode
from tintype.color.lab import rgb_to_lab
from tintype.data.fingerprint import Fingerprints, fingerprint
from tintype.data.originals import Classes, Original, Source, folder
from tintype.data.shards import DESCRIPTION
from tintype.errors import DataError, OptionError, UnreadablePhoto, UnsupportedPhoto, UnwritableFile
from tintype.files import whole_folder
from tintype.photo import LISTED, read_colour
from tintype.photo.xmp import has_mark
from tintype.threads import ahead
from tintype.version import __version__

PARTS = ("test", "validation", "train")
PER_SHARD = 3000
QUALITY = 90
"""Of the WebP files in the shards."""
LOSSLESS = 48
"""Photographs whose short side is below this are kept without loss, as WebP else halves the resolution of colour."""

GRAY = 5.0
"""A photograph whose mean chroma is below this is black-and-white."""
SINGLE_HUE = 0.995
"""|mean ab| / mean |ab| above this: one hue throughout, as of a toned black-and-white photograph."""

REACH = 128
"""The colour histogram has a cell for each whole a* and b* from -REACH to REACH."""
HISTOGRAM_STEP = 5
"""Side of the cells of the histogram that is written down, in a*b* units."""

MANIFEST = ("shard", "file", "part", "source", "width", "height", "sha256_of_original_16", "hash")


@dataclass(frozen=True)
class Settings:
    """What a set is to be."""

    size: int = 160
    """Short side of the photographs at most, in pixels."""
    longest: int = 240
    """Long side at most."""
    smallest: int | None = None
    """A photograph whose short side is below this is tiny, and left out; by default what the sources call so."""
    validation: float = 0.05
    """Share of the photographs to validate on."""
    test: float = 0.05
    """Share of the photographs kept for the test."""
    seed: int = 0
    """Of the choice, the split and the order."""
    count: int | None = None
    """Take only so many photographs, chosen at random; those of them that are left out are not replaced."""
    classes: tuple[str, ...] = ()
    """Take only photographs of these classes; by default of all."""
    split: str = "own"
    """How photographs are assigned to parts: "own" (by seed and content) or "published"."""

    def __post_init__(self) -> None:
        if not 1 <= self.size <= self.longest:
            raise OptionError(
                f"the short side ({self.size}) must be at least 1 and at most the long side ({self.longest})"
            )
        if self.smallest is not None and self.smallest < 1:
            raise OptionError(f"the smallest short side must be at least 1, not {self.smallest}")
        if self.count is not None and self.count < 1:
            raise OptionError(f"the number of photographs must be at least 1, not {self.count}")
        if self.split not in ("own", "published"):
            raise OptionError(f"the split must be own or published, not {self.split}")
        if not (self.validation >= 0 and self.test >= 0 and self.validation + self.test < 1):
            raise OptionError(
                "the shares for validation and test must not be negative, and must leave photographs to train on"
            )


@dataclass(frozen=True)
class Prepared:
    """How many photographs were used and left out."""

    parts: dict[str, int]
    """Photographs in each part."""
    dropped: dict[str, int]
    """Files left out, by reason."""


Made = TypeVar("Made")


class _Drop(Exception):
    """A photograph is left out."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(reason)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class _Taken:
    encoded: bytes
    width: int
    height: int
    hash: int
    lightness: float
    """Mean L*."""
    histogram: NDArray[np.int64]
    """Occupied cells of the colour histogram and their counts, int64 [2, n]."""


def prepare(
    sources: Sequence[str | Path | Source],
    data: str | Path,
    settings: Settings | None = None,
    never: Fingerprints | None = None,
    threads: int = 2,
    watch: Callable[[int, int], None] = lambda done, all: None,
) -> Prepared:
    """Make a data set of all photographs in some folders and collections.

    The set appears under its name when it is whole. What a killed attempt left is thrown away.

    Args:
        sources: folders, and what `collections.sources_of` gives.
        never: photographs that must not be in the set, such as those to be measured on.
        watch: called with the number of finished files and of all files.
    Raises:
        DataError: a source is missing or holds no photograph, all are left out, or the set exists or cannot be written.
    """
    settings = settings or Settings()
    data = Path(data)
    if data.exists() and not (data.is_dir() and not any(data.iterdir())):
        raise DataError(f"{data} exists already; remove it or choose another name for the set")
    seen = {os.path.realpath(data)}
    read = [source if isinstance(source, Source) else folder(source, seen) for source in sources]
    if settings.smallest is None:
        settings = replace(settings, smallest=min((source.smallest for source in read), default=1))
    originals = _find(read, settings)
    try:
        terms = {source.name: source.terms for source in read if source.terms}
        with whole_folder(data) as part:
            return _fill(part, originals, settings, terms, never or Fingerprints(), threads, watch)
    except (OSError, UnwritableFile) as error:
        reason = error.reason if isinstance(error, UnwritableFile) else error.strerror or error
        raise DataError(f"{data}: the set cannot be written ({reason}); free some space, and repeat") from error


def _find(sources: Sequence[Source], settings: Settings) -> list[Original]:
    """The photographs that are asked for, in the order of the sources."""
    named = ", ".join(source.name for source in sources)
    classes = Classes(settings.classes)
    numbered: Iterable[tuple[int, Original]] = enumerate(
        original for source in sources for original in source.find(classes)
    )
    if settings.count is not None:
        # The lowest of random numbers that hang on the names alone: a choice that neither the order of the archives
        # nor photographs that join later change, but for those that rank before the last.
        lowest = heapq.nsmallest(settings.count, numbered, lambda entry: _draw(settings.seed, entry[1].source))
        numbered = sorted(lowest)
    originals = [original for _, original in numbered]
    classes.check(named)
    if not originals:
        raise DataError(f"{named}: no photographs found ({LISTED})")
    if settings.split == "published" and not any(original.part for original in originals):
        raise DataError(
            f"{named}: the photographs were not published as parts to train, validate or test on; leave out --split"
        )
    return originals


def _draw(seed: int, word: str) -> float:
    """A number in [0, 1) that is random but fixed by seed and word."""
    digest = hashlib.sha256(f"{seed}:{word}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _fill(
    part: Path,
    originals: list[Original],
    settings: Settings,
    terms: dict[str, str],
    never: Fingerprints,
    threads: int,
    watch: Callable[[int, int], None],
) -> Prepared:
    dropped: list[tuple[str, str, str]] = []
    rows: list[tuple[str | int, ...]] = []
    mean, photographs = 0.0, Counter(dict.fromkeys(PARTS, 0))
    histogram = np.zeros((2 * REACH + 1) ** 2, np.int64)
    known = Fingerprints()

    def drop(original: Original, why: _Drop) -> None:
        dropped.append((original.source, why.reason, why.detail))
        watch(len(dropped) + len(rows), len(originals))

    with _Shards(part) as shards:
        first: dict[str, Original] = {}
        for original, identified in _in_order(_identify, originals, threads):
            if isinstance(identified, _Drop):
                drop(original, identified)
            elif identified.sha256 in first:
                drop(original, _Drop("duplicate", f"same file as {first[identified.sha256].source}"))
            else:
                first[identified.sha256] = identified
        places = {sha256: _draw(settings.seed, sha256) for sha256 in first}
        ordered = sorted(first.values(), key=lambda original: (places[original.sha256], original.sha256))
        published = {original.part for original in ordered} if settings.split == "published" else set()
        for original, taken in _in_order(lambda original: _take(original, settings), ordered, threads):
            if isinstance(taken, _Drop):
                drop(original, taken)
                continue
            if owner := never.find(taken.hash):
                drop(original, _Drop("never train", f"looks like {owner}"))
                continue
            if owner := known.find(taken.hash):
                drop(original, _Drop("duplicate", f"looks like {owner}"))
                continue
            known.add(taken.hash, original.source)
            name = _part(original, places[original.sha256], settings, published)
            photographs[name] += 1
            member = f"{original.sha256[:16]}.webp"
            shard = shards.add(name, member, taken.encoded)
            size = (taken.width, taken.height)
            rows.append((shard, member, name, original.source, *size, original.sha256[:16], f"{taken.hash:016x}"))
            if name == "train":
                mean += taken.lightness
                cells, counts = taken.histogram
                histogram[cells] += counts
            watch(len(dropped) + len(rows), len(originals))
    reasons = dict(sorted(Counter(reason for _, reason, _ in dropped).items()))
    if not photographs["train"]:
        why = ", ".join(f"{number} {reason}" for reason, number in reasons.items()) or "all are for validation or test"
        raise DataError(f"none of {len(originals)} photographs is left to train on ({why}); give more or better ones")
    _write_table(part / "manifest.csv", MANIFEST, rows)
    _write_table(part / "dropped.csv", ("source", "reason", "detail"), sorted(dropped))
    description = {
        "settings": asdict(settings),
        "photographs": {name: photographs[name] for name in reversed(PARTS)},
        "dropped": reasons,
        "terms": terms,
        "mean_lightness": mean / photographs["train"],
        "prior": _prior(histogram).tolist(),
        "histogram": _coarse(histogram),
        "versions": {
            "tintype": __version__,
            "pillow": PIL.__version__,
            "libvips": ".".join(str(pyvips.version(i)) for i in range(3)),
        },
    }
    (part / DESCRIPTION).write_text(json.dumps(description) + "\n", encoding="utf-8")
    return Prepared(description["photographs"], reasons)


def _part(original: Original, place: float, settings: Settings, published: set[str]) -> str:
    """The part of a photograph at `place` in [0, 1).

    With the published split, it is the part in which it was published; a part that was not published gets
    its share of the rest.
    """
    if original.part in published - {"", "train"}:
        return original.part
    test = 0 if "test" in published else settings.test
    validation = 0 if "validation" in published else settings.validation
    return PARTS[(place >= test) + (place >= test + validation)]


def _in_order(
    work: Callable[[Original], Made], originals: list[Original], threads: int
) -> Iterator[tuple[Original, Made | _Drop]]:
    """Each one with what `work` makes of it, or with the _Drop that it raised; in order, a few worked on ahead."""

    def settle(original: Original) -> tuple[Original, Made | _Drop]:
        try:
            return original, work(original)
        except _Drop as why:
            return original, why

    return ahead(settle, originals, threads, waiting=3 * threads)


def _identify(original: Original) -> Original:
    return replace(original, sha256=hashlib.sha256(_read(original)).hexdigest())


def _read(original: Original) -> bytes:
    try:
        return original.read()
    except UnreadablePhoto as error:
        raise _Drop("broken", str(error)) from None


def _take(original: Original, settings: Settings) -> _Taken:
    """One photograph, resized, encoded and measured as it will be decoded from the shard."""
    encoded = _read(original)
    if has_mark(encoded):
        raise _Drop("coloured by machine")
    try:
        small = read_colour(encoded, original.source.rpartition("/")[2], share=_share(settings))
    except UnsupportedPhoto as error:
        raise _Drop("refused", str(error)) from None
    except UnreadablePhoto as error:
        raise _Drop("broken", str(error)) from None
    memory = io.BytesIO()
    Image.fromarray(small).save(memory, "WEBP", quality=QUALITY, method=4, lossless=min(small.shape[:2]) < LOSSLESS)
    pixels = np.asarray(Image.open(memory).convert("RGB"))
    lab = rgb_to_lab(pixels.astype(np.float32) / 255)
    ab = lab[..., 1:].reshape(-1, 2)
    chroma = float(np.hypot(*ab.T).mean())
    if chroma < GRAY:
        raise _Drop("gray", f"mean chroma {chroma:.1f}")
    if float(np.hypot(*ab.mean(axis=0))) > SINGLE_HUE * chroma:
        raise _Drop("single hue", "toned, or of one colour")
    cell = np.rint(ab).astype(np.int64) + REACH
    return _Taken(
        encoded=memory.getvalue(),
        width=pixels.shape[1],
        height=pixels.shape[0],
        hash=fingerprint(pixels),
        lightness=float(lab[..., 0].mean()),
        histogram=np.stack(np.unique(cell[:, 0] * (2 * REACH + 1) + cell[:, 1], return_counts=True)),
    )


def _share(settings: Settings) -> Callable[[int, int], float]:
    """The share of a photograph of (width, height) that is kept; raises _Drop for a tiny one."""

    def share(width: int, height: int) -> float:
        if min(width, height) < (settings.smallest or 1):
            raise _Drop("tiny", f"{width} x {height} pixels")
        return min(1, settings.size / min(width, height), settings.longest / max(width, height))

    return share


class _Shards:
    """Tar files whose bytes depend on nothing but what is put into them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._counts: Counter[str] = Counter()
        self._open: dict[str, tarfile.TarFile] = {}

    def __enter__(self) -> _Shards:
        return self

    def __exit__(self, *error: object) -> None:
        for archive in self._open.values():
            archive.close()

    def add(self, part: str, name: str, content: bytes) -> str:
        """Put a file into the last shard of a part, and return the shard's name."""
        shard, place = divmod(self._counts[part], PER_SHARD)
        path = self.folder / f"{part}-{shard:04d}.tar"
        if place == 0:
            if part in self._open:
                self._open[part].close()
            self._open[part] = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 (closed above)
        member = tarfile.TarInfo(name)
        member.size = len(content)
        self._open[part].addfile(member, io.BytesIO(content))
        self._counts[part] += 1
        return path.name


def _prior(histogram: NDArray[np.int64]) -> NDArray[np.float64]:
    """The soft-counted prior over the bins, float64 [Q], sum 1, of the colours rounded to whole units."""
    cells = np.flatnonzero(histogram)
    ab = np.stack(np.divmod(cells, 2 * REACH + 1), axis=-1) - float(REACH)
    index, weight = soft_encode(ab)
    mass = weight * histogram[cells][:, None]
    counts = np.bincount(index.reshape(-1), mass.reshape(-1), minlength=len(published_bins()))
    prior: NDArray[np.float64] = counts / counts.sum()
    return prior


def _coarse(histogram: NDArray[np.int64]) -> dict[str, Any]:
    """The colour histogram in wider cells: pixels at a* = first + step * row, b* = first + step * column."""
    reach = REACH // HISTOGRAM_STEP
    nearest = np.rint(np.arange(-REACH, REACH + 1) / HISTOGRAM_STEP).astype(int).clip(-reach, reach) + reach
    counts = np.zeros((2 * reach + 1, 2 * reach + 1), np.int64)
    np.add.at(counts, (nearest[:, None], nearest[None]), histogram.reshape(2 * REACH + 1, -1))
    return {"first": -reach * HISTOGRAM_STEP, "step": HISTOGRAM_STEP, "pixels": counts.tolist()}


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
