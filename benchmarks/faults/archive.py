"""An archive: sound photographs of all kinds in folders, some broken ones among them, and what is to become of each."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np

from benchmarks.faults.damage import DAMAGES, FORBIDDEN
from benchmarks.faults.scans import FOLDERS, KINDS, Kind, jpeg, name_of, picture
from tintype.photo import origin_of


@dataclass(frozen=True)
class Scan:
    """A file, or what is called as one.

    place: below the folder of the archive. kind: of scans or damages. size: of the upright picture, (width, height).
    pages: how many photographs are in it. said: an expression that fits the sentence by which it is refused; None: it
    is coloured. note: an expression that fits what is said of a coloured one.
    """

    place: Path
    kind: str
    size: tuple[int, int]
    pages: int = 1
    said: str | None = None
    note: str = ""


@dataclass
class Archive:
    """folder: where it lies. scans: by their places."""

    folder: Path
    scans: dict[Path, Scan] = field(default_factory=dict)

    @property
    def results(self) -> int:
        """How many results there are in the end."""
        return sum(scan.pages for scan in self.scans.values() if scan.said is None)

    @property
    def refused(self) -> list[Scan]:
        """What is not coloured."""
        return [scan for scan in self.scans.values() if scan.said is not None]

    def origin(self, scan: Scan) -> str:
        """What the mark of a result says of its file."""
        with open(self.folder / scan.place, "rb") as stream:
            return origin_of(stream)

    def state(self) -> dict[str, tuple[object, ...]]:
        """All that is to stay as it is of every file, folder and link: by path, its mode, times, size and a digest."""
        found = {}
        for path in sorted([self.folder, *_below(self.folder)]):
            status = os.lstat(path)
            what: object = None
            if stat.S_ISLNK(status.st_mode):
                what = os.readlink(path)
            elif stat.S_ISREG(status.st_mode) and os.access(path, os.R_OK):
                what = blake2b(Path(path).read_bytes()).hexdigest()
            found[os.fspath(path)] = (status.st_mode, status.st_mtime_ns, status.st_size, status.st_ino, what)
        return found


def make(
    folder: Path, count: int, *, seed: int, broken: float = 0.01, forbidden: bool = False, large: int = 0
) -> Archive:
    """Write an archive of `count` files, of which a share of `broken`, at least one of each damage, is broken.

    forbidden: there are files and folders that may not be read. large: how many photographs of twelve megapixels are
    among them. The same seed gives the same archive.
    """
    random = np.random.default_rng(seed)
    archive = Archive(folder)
    damages = DAMAGES | (FORBIDDEN if forbidden else {})
    bad = [] if not broken else [*damages]
    bad += [str(random.choice([*damages])) for _ in range(int(count * broken) - len(bad))]
    kinds = [*KINDS]
    shares = np.array([KINDS[kind].share for kind in kinds])
    good = [
        *kinds,
        *(str(kind) for kind in random.choice(kinds, max(0, count - len(bad) - len(kinds)), p=shares / shares.sum())),
    ]
    folders = [*FOLDERS, *(f"box {number:02}" for number in range(max(1, count // 400)))]
    for number, kind in enumerate([*good[: count - len(bad)], *bad]):
        place = Path(str(random.choice(folders)))
        if kind in KINDS:
            add(archive, place, number, KINDS[kind], kind, random)
        else:
            _break(archive, place, number, kind, random)
    for number in range(large):
        wide = random.integers(0, 256, (3000 // 8, 4000 // 8), np.uint8).repeat(8, 0).repeat(8, 1)
        place = Path(f"large/{number}.jpg")
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_bytes(jpeg(wide))
        archive.scans[place] = Scan(place, "JPEG, large", (4000, 3000))
    _add_neighbours(archive, random)
    return archive


def add(
    archive: Archive, place: Path, number: int, kind: Kind, name: str, random: np.random.Generator, odd: float = 0.3
) -> Scan:
    """Write one sound photograph into a folder of the archive."""
    return _put(archive, place / name_of(number, kind.suffix, random, odd), kind, name, random)


def _put(archive: Archive, place: Path, kind: Kind, name: str, random: np.random.Generator) -> Scan:
    gray = picture(random)
    path = archive.folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(kind.encode(gray))
    high, wide = gray.shape
    scan = Scan(place, name, (high, wide) if name == "JPEG, on its side" else (wide, high), kind.pages)
    archive.scans[place] = scan
    return scan


def _break(archive: Archive, folder: Path, number: int, name: str, random: np.random.Generator) -> None:
    damage = (DAMAGES | FORBIDDEN)[name]
    place = folder / name_of(number, damage.suffix, random)
    path = archive.folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    gray = picture(random)
    for other, said in (damage.put(path, gray) or {path: damage.said}).items():
        place = other.relative_to(archive.folder)
        archive.scans[place] = Scan(place, name, (gray.shape[1], gray.shape[0]), 1, said, damage.note)


def _add_neighbours(archive: Archive, random: np.random.Generator) -> None:
    """Photographs whose results might take each other's names."""
    album, png, bmp = KINDS["TIFF, three pages"], KINDS["PNG"], KINDS["BMP"]
    tiff, plain = KINDS["TIFF"], KINDS["JPEG"]
    for place, kind in (
        ("alike/Pair.jpg", plain),
        ("alike/pair.jpg", plain),
        ("alike/pair.JPG", plain),
        ("alike/twin.jpg", plain),
        ("alike/twin.png", png),
        ("alike/twin.bmp", bmp),
        ("alike/twin.tif", tiff),
        ("alike/album.tif", album),
        ("alike/album.p2.tif", tiff),
        ("alike/\u00e9.jpg", plain),
        ("alike/e\u0301.jpg", plain),
        ("alike/alone.color.jpg", plain),
    ):
        name = next(name for name, one in KINDS.items() if one is kind)
        _put(archive, Path(place), kind, name, random)


def _below(folder: Path) -> list[Path]:
    return [Path(where, name) for where, folders, names in os.walk(folder) for name in (*folders, *names)]
