"""Folders of photographs become a data set: shards, a manifest and a description.

A set is a folder with

    train-0000.tar ..       the photographs, WebP, in an order that is random but fixed by seed and content; the same
    validation-0000.tar ..  for the other parts: the first n of each part are a fair sample of it
    test-0000.tar ..
    manifest.csv            a line for each photograph: where it is, its part, where it came from, its hashes
    dropped.csv             a line for each file that was left out, and why
    set.json                what was asked for, how many there are, and the statistics of the part to train on

The part of a photograph depends on the seed and on its content alone: photographs that join the folders later move no
other. The bytes of the set depend on the photographs, the settings and the versions of the libraries.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import tarfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import PIL
import pyvips
from PIL import Image

from tintype.color.bins import published_bins, soft_encode
from tintype.color.lab import rgb_to_lab
from tintype.data.fingerprint import Fingerprints, fingerprint
from tintype.data.shards import DESCRIPTION
from tintype.errors import DataError, OptionError, UnreadablePhoto, UnsupportedPhoto
from tintype.photo import MOST_PIXELS, SUFFIXES, is_marked
from tintype.photo.kinds import HEAD, recognise
from tintype.version import __version__

PARTS = ("test", "validation", "train")
PER_SHARD = 3000
QUALITY = 90
"""Of the WebP files in the shards."""

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
    smallest: int = 96
    """A photograph whose short side is below this is tiny, and left out."""
    validation: float = 0.05
    """Share of the photographs to validate on."""
    test: float = 0.05
    """Share of the photographs kept for the test."""
    seed: int = 0
    """Of the split and the order."""

    def __post_init__(self) -> None:
        if not 1 <= self.size <= self.longest:
            raise OptionError(
                f"the short side ({self.size}) must be at least 1 and at most the long side ({self.longest})"
            )
        if self.smallest < 1:
            raise OptionError(f"the smallest short side must be at least 1, not {self.smallest}")
        if not (self.validation >= 0 and self.test >= 0 and self.validation + self.test < 1):
            raise OptionError("the shares to validate and to test on must not be negative, and leave some to train on")


@dataclass(frozen=True)
class Prepared:
    """What became of the photographs."""

    parts: dict[str, int]
    """Photographs in each part."""
    dropped: dict[str, int]
    """Files left out, by reason."""


class _Drop(Exception):
    """A photograph is left out."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(reason)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class _File:
    path: Path
    source: str
    """Folder as given and path in it, with forward slashes."""
    sha256: str = ""

    def place(self, seed: int) -> float:
        """Where the file stands in the set, in [0, 1): fixed by seed and content."""
        digest = hashlib.sha256(f"{seed}:{self.sha256}".encode()).digest()
        return int.from_bytes(digest[:6], "big") / 2**48


@dataclass(frozen=True)
class _Taken:
    encoded: bytes
    width: int
    height: int
    hash: int
    lightness: float
    """Mean L*."""
    histogram: np.ndarray
    """Occupied cells of the colour histogram and their counts, int64 [2, n]."""


def prepare(
    folders: Sequence[str | Path],
    data: str | Path,
    settings: Settings | None = None,
    never: Fingerprints | None = None,
    threads: int = 2,
    watch: Callable[[int, int], None] = lambda done, all: None,
) -> Prepared:
    """Make a data set of all photographs in some folders.

    The set appears under its name when it is whole. What a killed attempt left, in DATA.part, is thrown away.

    Args:
        never: photographs that must not be in the set, such as those to be measured on.
        watch: is told how many files of how many are done.
    Raises:
        DataError: a folder is missing or holds no photograph, all are left out, or the set exists or cannot be written.
    """
    settings = settings or Settings()
    data = Path(data)
    part = data.with_name(data.name + ".part")
    if data.exists() and not (data.is_dir() and not any(data.iterdir())):
        raise DataError(f"{data} exists already; remove it or choose another name for the set")
    files = list(_find(folders, (data, part)))
    if not files:
        raise DataError(f"{', '.join(map(str, folders))}: no photograph is there ({', '.join(sorted(SUFFIXES))})")
    try:
        _clear(part)
        part.mkdir(parents=True)
        made = _fill(part, files, settings, never or Fingerprints(), threads, watch)
        if data.exists():
            data.rmdir()
        part.replace(data)
    except OSError as error:
        raise DataError(
            f"{data}: the set cannot be written ({error.strerror or error}); make room, and repeat"
        ) from error
    return made


def _find(folders: Sequence[str | Path], left_out: Iterable[Path]) -> Iterator[_File]:
    """Files with the suffix of a photograph, sorted within each folder; links are followed, but no folder twice."""
    seen = {os.path.realpath(folder) for folder in left_out}

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename}: the folder cannot be read ({error.strerror})") from error

    for folder in map(Path, folders):
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder of photographs")
        for here, below, names in os.walk(folder, onerror=refuse, followlinks=True):
            if os.path.realpath(here) in seen:
                below.clear()
                continue
            seen.add(os.path.realpath(here))
            below.sort()
            for name in sorted(names):
                path = Path(here, name)
                if path.suffix.lower() in SUFFIXES:
                    inside = path.relative_to(folder).as_posix()
                    yield _File(path, f"{folder.resolve().name}/{inside}".encode(errors="backslashreplace").decode())


def _clear(part: Path) -> None:
    """Throw away what a killed attempt left, and nothing else."""
    if not part.exists():
        return
    ours = (".tar", ".csv", ".json")
    if not part.is_dir() or any(path.suffix not in ours for path in part.iterdir()):
        raise DataError(f"{part} is in the way, where the set would be built; remove it or choose another name")
    shutil.rmtree(part)


def _fill(
    part: Path,
    files: list[_File],
    settings: Settings,
    never: Fingerprints,
    threads: int,
    watch: Callable[[int, int], None],
) -> Prepared:
    dropped: list[tuple[str, str, str]] = []
    rows = []
    mean, photographs = 0.0, Counter(dict.fromkeys(PARTS, 0))
    histogram = np.zeros((2 * REACH + 1) ** 2, np.int64)
    known = Fingerprints()

    def drop(file: _File, why: _Drop) -> None:
        dropped.append((file.source, why.reason, why.detail))
        watch(len(dropped) + len(rows), len(files))

    with ThreadPoolExecutor(threads) as pool, _Shards(part) as shards:
        first: dict[str, _File] = {}
        for file, found in _in_order(pool, _identify, files, 4 * threads):
            if isinstance(found, _Drop):
                drop(file, found)
            elif found.sha256 in first:
                drop(file, _Drop("duplicate", f"same file as {first[found.sha256].source}"))
            else:
                first[found.sha256] = found
        ordered = sorted(first.values(), key=lambda file: (file.place(settings.seed), file.sha256))
        for file, taken in _in_order(pool, lambda file: _take(file, settings), ordered, 4 * threads):
            if isinstance(taken, _Drop):
                drop(file, taken)
                continue
            if owner := never.find(taken.hash):
                drop(file, _Drop("never train", f"looks like {owner}"))
                continue
            if owner := known.find(taken.hash):
                drop(file, _Drop("duplicate", f"looks like {owner}"))
                continue
            known.add(taken.hash, file.source)
            place = file.place(settings.seed)
            name = PARTS[(place >= settings.test) + (place >= settings.test + settings.validation)]
            photographs[name] += 1
            member = f"{file.sha256[:16]}.webp"
            shard = shards.add(name, member, taken.encoded)
            size = (taken.width, taken.height)
            rows.append((shard, member, name, file.source, *size, file.sha256[:16], f"{taken.hash:016x}"))
            if name == "train":
                mean += taken.lightness
                cells, counts = taken.histogram
                histogram[cells] += counts
            watch(len(dropped) + len(rows), len(files))
    reasons = dict(sorted(Counter(reason for _, reason, _ in dropped).items()))
    if not photographs["train"]:
        shutil.rmtree(part)
        why = ", ".join(f"{number} {reason}" for reason, number in reasons.items()) or "all are to validate or test on"
        raise DataError(f"no photograph of {len(files)} is left to train on ({why}); give more or better ones")
    _write_table(part / "manifest.csv", MANIFEST, rows)
    _write_table(part / "dropped.csv", ("source", "reason", "detail"), sorted(dropped))
    description = {
        "settings": asdict(settings),
        "photographs": {name: photographs[name] for name in reversed(PARTS)},
        "dropped": reasons,
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


def _in_order(pool, work, files: list[_File], ahead: int) -> Iterator[tuple[_File, object]]:
    """Each file with what `work` makes of it, or with the _Drop that it raised; in order, a few worked on ahead."""

    def settle(file):
        try:
            return work(file)
        except _Drop as why:
            return why

    pending: deque = deque()
    for file in files:
        pending.append((file, pool.submit(settle, file)))
        if len(pending) > ahead:
            file, job = pending.popleft()
            yield file, job.result()
    for file, job in pending:
        yield file, job.result()


def _identify(file: _File) -> _File:
    try:
        with file.path.open("rb") as stream:
            return _File(file.path, file.source, hashlib.file_digest(stream, "sha256").hexdigest())
    except OSError as error:
        raise _Drop("broken", f"it cannot be read ({error.strerror})") from None


def _take(file: _File, settings: Settings) -> _Taken:
    """One photograph, resized, encoded and measured as it will be decoded from the shard."""
    if is_marked(file.path):
        raise _Drop("coloured by machine")
    try:
        small = read_small(file.path, settings)
    except UnsupportedPhoto as error:
        raise _Drop("refused", str(error)) from None
    except UnreadablePhoto as error:
        raise _Drop("broken", str(error)) from None
    memory = io.BytesIO()
    Image.fromarray(small).save(memory, "WEBP", quality=QUALITY, method=4)
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


def read_small(path: Path, settings: Settings) -> np.ndarray:
    """A photograph in colour, upright, in sRGB through its profile, on white, and small; uint8 [h, w, 3].

    Raises:
        UnreadablePhoto: it is broken. UnsupportedPhoto: it is of a kind that is refused.
        _Drop: it is tiny.
    """
    name = path.name
    try:
        encoded = path.read_bytes()
    except OSError as error:
        raise UnreadablePhoto(f"{name} cannot be read ({error.strerror})") from None
    kind = recognise(encoded[:HEAD], name)
    try:
        if kind == "bmp":  # which libvips does not read
            with Image.open(io.BytesIO(encoded)) as image:
                pixels = np.asarray(image.convert("RGB"))
            encoded = pyvips.Image.new_from_array(pixels).pngsave_buffer(compression=0)
        whole = pyvips.Image.new_from_buffer(encoded, "")
        if whole.get_typeof("n-pages") and whole.get("n-pages") > 1:
            raise UnsupportedPhoto(f"{name} holds {whole.get('n-pages')} pictures")
        if whole.format not in ("uchar", "ushort"):
            raise UnsupportedPhoto(f"{name} does not hold whole numbers of 8 or 16 bits")
        if whole.width * whole.height > MOST_PIXELS:
            raise UnsupportedPhoto(f"{name} has {whole.width} x {whole.height} pixels")
        turned = whole.get_typeof("orientation") and whole.get("orientation") >= 5
        width, height = (whole.height, whole.width) if turned else (whole.width, whole.height)
        if min(width, height) < settings.smallest:
            raise _Drop("tiny", f"{width} x {height} pixels")
        share = min(1, settings.size / min(width, height), settings.longest / max(width, height))
        # `thumbnail_buffer` would choose the shrinking itself, but takes what is cut short for whole.
        shrink = next(n for n in (8, 4, 2, 1) if n == 1 or (kind == "jpeg" and n * share <= 0.5))
        options = f"[shrink={shrink}]" if shrink > 1 else ""
        small = pyvips.Image.new_from_buffer(encoded, options, access="sequential", fail_on="error").thumbnail_image(
            max(1, round(width * share)), height=max(1, round(height * share)), size="force", export_profile="srgb"
        )
        if small.hasalpha():
            small = small.flatten(background=255 if small.format == "uchar" else 65535)
        return small.colourspace("srgb").cast("uchar").numpy()
    except pyvips.Error:
        # What libvips says is not repeated: its threads mix the words of several photographs.
        raise UnreadablePhoto(f"{name} is broken or cut short") from None
    except (OSError, ValueError, SyntaxError):  # what Pillow raises for a broken BMP
        raise UnreadablePhoto(f"{name} is broken or cut short") from None


class _Shards:
    """Tar files whose bytes depend on nothing but what is put into them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._counts: Counter[str] = Counter()
        self._open: dict[str, tarfile.TarFile] = {}

    def __enter__(self) -> _Shards:
        return self

    def __exit__(self, *error) -> None:
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


def _prior(histogram: np.ndarray) -> np.ndarray:
    """The soft-counted prior over the bins, float64 [Q], sum 1, of the colours rounded to whole units."""
    cells = np.flatnonzero(histogram)
    ab = np.stack(np.divmod(cells, 2 * REACH + 1), axis=-1) - float(REACH)
    index, weight = soft_encode(ab)
    mass = weight * histogram[cells][:, None]
    counts = np.bincount(index.reshape(-1), mass.reshape(-1), minlength=len(published_bins()))
    return counts / counts.sum()


def _coarse(histogram: np.ndarray) -> dict:
    """The colour histogram in wider cells: pixels at a* = first + step * row, b* = first + step * column."""
    reach = REACH // HISTOGRAM_STEP
    nearest = np.rint(np.arange(-REACH, REACH + 1) / HISTOGRAM_STEP).astype(int).clip(-reach, reach) + reach
    counts = np.zeros((2 * reach + 1, 2 * reach + 1), np.int64)
    np.add.at(counts, (nearest[:, None], nearest[None]), histogram.reshape(2 * REACH + 1, -1))
    return {"first": -reach * HISTOGRAM_STEP, "step": HISTOGRAM_STEP, "pixels": counts.tolist()}


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
