"""Collections of photographs that were published for research, read from the archives that they were published as.

What is written here of addresses, sizes and checksums was taken from where `published` says, and from nowhere else;
`docs/data.md` lists it for people. None was tried from here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from tintype.data.archives import Member, members
from tintype.data.downloads import fetch
from tintype.data.matlab import read_matrices
from tintype.data.originals import Classes, Original, Source
from tintype.data.pickles import read_pickle
from tintype.errors import DataError, OptionError, UnreadablePhoto, printable
from tintype.photo import SUFFIXES

_SUFFIXES = (".tar", ".tgz", ".gz", ".zip", ".mat")
"""Of the archives that are looked for in a folder."""

_TORCHVISION = "github.com/pytorch/vision, torchvision/datasets"
_TFDS = "github.com/tensorflow/datasets, tensorflow_datasets/url_checksums"


@dataclass(frozen=True)
class Archive:
    """A file that a collection was published as."""

    name: str
    size: int
    """In bytes."""
    checksum: str
    """ALGORITHM:HEXADECIMAL."""
    address: str
    """Empty where it is handed out on request only."""
    published: str
    """Where address, size and checksum stand."""


@dataclass(frozen=True)
class Collection:
    """A collection, and how it is read."""

    archives: tuple[Archive, ...]
    usual: tuple[str, ...]
    """The archives that are downloaded if the user names none."""
    terms: str
    """What its publishers ask of those who use it."""
    read: Callable[[Sequence[Path], Classes], Iterator[Original]]
    """The photographs in some of its archives, whose file names do not matter."""
    smallest: int = 96
    """By default, a photograph whose short side is below this is tiny."""


def sources_of(
    words: Sequence[str],
    downloads: str | Path | None = None,
    watch: Callable[[int, int], None] = lambda done, all: None,
    collections: Mapping[str, Collection] | None = None,
) -> list[Source | Path]:
    """The sources that the words of a command line name.

    A word is a folder of photographs; NAME, a collection that is fetched; NAME:ARCHIVE, one of its archives;
    NAME=PATH, an archive of it that is there already, or a folder with some. All words with one NAME make one source.
    Nothing is fetched before the source is read.

    Args:
        downloads: folder to keep what is fetched; by default in the user's cache.
        watch: called with the number of bytes downloaded and the size of the file.
        collections: what the names mean; by default COLLECTIONS.
    Raises:
        DataError: there is nothing under a path, or a collection cannot be fetched.
        OptionError: a word can be understood in two ways, or names an archive that a collection has not.
    """
    collections = COLLECTIONS if collections is None else collections
    chosen: dict[str, list[Archive | Path]] = {}
    for word in words:
        left, equals, path = word.partition("=")
        name, colon, archive = left.partition(":")
        if name not in collections:
            if not Path(word).is_dir():
                raise DataError(
                    f"{word}: neither a folder of photographs nor a collection ({', '.join(sorted(collections))})"
                )
            chosen[word] = []
        elif equals:
            chosen.setdefault(name, []).extend(_given(name, collections[name], Path(path).expanduser()))
        elif not colon and Path(word).exists():
            raise OptionError(
                f"{word} is the name of a collection and of a folder here: give ./{word} or {word}=ARCHIVE"
            )
        else:
            wanted = [archive] if colon else collections[name].usual
            chosen.setdefault(name, []).extend(_published(name, collections[name], wanted))

    def source(name: str, archives: Sequence[Archive | Path]) -> Source:
        collection = collections[name]

        def find(wanted: Classes) -> Iterable[Original]:
            paths = [
                fetch(archive.address, archive.checksum, archive.size, Path(downloads) if downloads else None, watch)
                if isinstance(archive, Archive)
                else archive
                for archive in archives
            ]
            for original in collection.read(paths, wanted):
                yield Original(f"{name}/{original.source}", original.read, original.part)

        return Source(name, find, collection.smallest, collection.terms)

    return [source(name, archives) if archives else Path(name) for name, archives in chosen.items()]


def _given(name: str, collection: Collection, path: Path) -> list[Path]:
    """An archive, or those in a folder."""
    if path.is_dir():
        archives = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES)
        if not archives:
            raise DataError(f"{path}: contains no archive of {name}; to use a folder of photographs, leave out {name}=")
        return archives
    if not path.is_file():
        known = ", ".join(archive.name for archive in collection.archives)
        raise DataError(f"{path}: no such file; give an archive of {name} ({known})")
    return [path]


def _published(name: str, collection: Collection, wanted: Sequence[str]) -> list[Archive]:
    archives = {archive.name: archive for archive in collection.archives}
    for word in wanted:
        if word not in archives:
            raise OptionError(f"{name} has no archive {word}; it has {', '.join(archives)}")
        if not archives[word].address:
            raise DataError(
                f"{word} is only given to people who apply for it ({collection.terms}); "
                f"once you have it, give it as {name}={word}"
            )
    return [archives[word] for word in wanted]


def _photographs(paths: Sequence[Path], enter: Callable[[str], bool] = lambda name: True) -> Iterator[Member]:
    for path in paths:
        for member in members(path, enter):
            if PurePosixPath(member.name).suffix.lower() in SUFFIXES:
                yield member


# CIFAR-100 (Krizhevsky 2009): 60 000 pictures of 32x32 pixels in 100 classes


def _cifar100(paths: Sequence[Path], wanted: Classes) -> Iterator[Original]:
    """Three pickles, `meta`, `train` and `test`: names of the classes, and arrays uint8 [n, 3 * 32 * 32], colour by
    colour and row by row. The class is SUPERCLASS/CLASS."""
    for path in paths:
        tables = {}
        for member in members(path):
            file = member.name.rpartition("/")[2]
            if file in ("meta", "train", "test"):
                try:
                    tables[file] = read_pickle(member.read())
                except (ValueError, UnreadablePhoto) as error:
                    raise DataError(f"{path}: {file} cannot be read ({error}); fetch the archive again") from error
        try:
            names = [[name.decode() for name in tables["meta"][f"{kind}_label_names"]] for kind in ("coarse", "fine")]
            for part in ("train", "test"):
                table = tables[part]
                pixels = table["data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
                labels = zip(table["coarse_labels"], table["fine_labels"], strict=True)
                for i, (name, label) in enumerate(zip(table["filenames"], labels, strict=True)):
                    of = "/".join(kind[place] for kind, place in zip(names, label, strict=True))
                    if wanted(of):
                        yield Original(printable(f"{of}/{name.decode()}"), partial(_bitmap, pixels[i]), part)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise DataError(
                f"{path}: not the Python version of CIFAR-100 ({type(error).__name__}: {error}); "
                "give cifar-100-python.tar.gz"
            ) from error


def _bitmap(pixels: np.ndarray) -> bytes:
    """Pixels as the file that they never were: BMP, whose bytes depend on nothing else."""
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, "BMP")
    return memory.getvalue()


# Oxford-102 (Nilsback and Zisserman 2008): 8 189 photographs of flowers in 102 classes


def _oxford102(paths: Sequence[Path], wanted: Classes) -> Iterator[Original]:
    """jpg/image_00001.jpg ..; `imagelabels.mat`: `labels`, 1 to 102; `setid.mat`: the numbers of the pictures in each
    part. Without these two nothing is known of classes and parts."""
    labels = np.zeros(0, int)
    parts: dict[int, str] = {}
    archives = []
    for path in paths:
        if path.suffix != ".mat":
            archives.append(path)
            continue
        try:
            tables = read_matrices(path.read_bytes())
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: cannot be read ({error}); fetch it again") from error
        labels = tables.get("labels", labels).reshape(-1)
        for part, name in (("train", "trnid"), ("validation", "valid"), ("test", "tstid")):
            parts |= dict.fromkeys(tables.get(name, np.zeros(0, int)).reshape(-1).tolist(), part)
    for member in _photographs(archives):
        file = member.name.rpartition("/")[2]
        number = int("".join(re.findall(r"\d", file)) or 0)
        name = str(labels[number - 1]) if 1 <= number <= len(labels) else ""
        if wanted(name):
            yield Original(_join(name, file), member.read, parts.get(number, ""))


# Places365-Standard (Zhou et al. 2018): 1.8 million photographs of 365 kinds of places


def _places365(paths: Sequence[Path], wanted: Classes) -> Iterator[Original]:
    """data_256/LETTER/CLASS/00000001.jpg .., CLASS of one or two words; val_256/Places365_val_00000001.jpg ..,
    test_256/Places365_test_00000001.jpg ... The classes of those to validate on stand in the file list (a tar),
    where `places365_val.txt` has the number of each, and `categories_places365.txt` the name of each number."""
    lists = [path for path in paths if path.name.startswith("filelist")]
    tables = {}
    for path in lists:
        for member in members(path):
            file = member.name.rpartition("/")[2]
            if file in ("places365_val.txt", "categories_places365.txt"):
                try:
                    lines = member.read().decode().split("\n")
                    tables[file] = dict(line.split() for line in lines if line.strip())
                except (UnicodeDecodeError, ValueError, UnreadablePhoto) as error:
                    raise DataError(f"{path}: {file} cannot be read ({error}); fetch it again") from error
    names = {number: name[len("/a/") :] for name, number in tables.get("categories_places365.txt", {}).items()}
    classes = {file: names.get(number, "") for file, number in tables.get("places365_val.txt", {}).items()}
    for member in _photographs([path for path in paths if path not in lists]):
        folder, _, file = member.name.rpartition("/")
        part = {"Places365_val": "validation", "Places365_test": "test"}.get(file.rpartition("_")[0], "train")
        lettered = re.match(r"(?:.*/)?([a-z])/(\1.*)", folder)
        name = lettered[2] if lettered else classes.get(file, "")
        if wanted(name):
            yield Original(_join(name, file), member.read, part)


# ImageNet, ILSVRC 2012 (Russakovsky et al. 2015): 1.3 million photographs in 1 000 classes


def _imagenet(paths: Sequence[Path], wanted: Classes) -> Iterator[Original]:
    """SYNSET_NUMBER.JPEG, those of each WordNet id in a tar of their own, alone or in a tar of all (to train on);
    ILSVRC2012_val_NUMBER.JPEG and ILSVRC2012_test_NUMBER.JPEG, whose classes are not in the archive."""

    def enter(name: str) -> bool:
        synset = PurePosixPath(name).stem
        return not re.fullmatch(r"n\d{8}", synset) or wanted(synset)

    for member in _photographs(paths, enter):
        file = member.name.rpartition("/")[2]
        synset = re.match(r"(n\d{8})_", file)
        name = synset[1] if synset else ""
        if wanted(name):
            part = "validation" if "_val_" in file else "test" if "_test_" in file else "train"
            yield Original(_join(name, file), member.read, part)


# COCO 2017 (Lin et al. 2014): 118 287 photographs to train on, 5 000 to validate on


def _coco(paths: Sequence[Path], wanted: Classes) -> Iterator[Original]:
    """train2017/000000000009.jpg ..; a photograph shows things of many classes, and so is in none but this folder."""
    for member in _photographs(paths):
        folder, _, file = member.name.rpartition("/")
        if wanted(folder):
            parts = {"train": "train", "val": "validation", "test": "test"}
            part = next((part for start, part in parts.items() if folder.startswith(start)), "")
            yield Original(_join(folder, file), member.read, part)


def _join(name: str, file: str) -> str:
    return f"{name}/{file}" if name else file


_FLOWERS = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
_FLOWERS_PUBLISHED = f"{_TORCHVISION}/flowers102.py (address); {_TFDS}/oxford_flowers102.txt (all three)"
_PLACES = "http://data.csail.mit.edu/places/places365/"
_PLACES_PUBLISHED = f"{_TORCHVISION}/places365.py (address); {_TFDS}/places365_small.txt (all three)"
_IMAGENET_PUBLISHED = (
    f"{_TFDS}/imagenet2012.txt (size and checksum); its download page, as {_TORCHVISION}/imagenet.py and others "
    "repeat it, gives an MD5"
)
_COCO = "http://images.cocodataset.org/zips/"
_COCO_PUBLISHED = f"{_TFDS}/coco.txt (all three)"

COLLECTIONS: Mapping[str, Collection] = {
    "cifar100": Collection(
        archives=(
            Archive(
                "cifar-100-python.tar.gz",
                169001437,
                "md5:eb9058c3a382ffc7106e4002c42a8d85",
                "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
                "https://www.cs.toronto.edu/~kriz/cifar.html (address and MD5; "
                f"{_TORCHVISION}/cifar.py repeats them); the size, as logs of the PyTorch tutorials show it",
            ),
        ),
        usual=("cifar-100-python.tar.gz",),
        terms="no licence is stated; its authors ask to cite their report",
        read=_cifar100,
        smallest=32,
    ),
    "oxford102": Collection(
        archives=(
            Archive(
                "102flowers.tgz",
                344862509,
                "sha256:2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246",
                f"{_FLOWERS}102flowers.tgz",
                _FLOWERS_PUBLISHED,
            ),
            Archive(
                "imagelabels.mat",
                502,
                "sha256:4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d",
                f"{_FLOWERS}imagelabels.mat",
                _FLOWERS_PUBLISHED,
            ),
            Archive(
                "setid.mat",
                14989,
                "sha256:46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd",
                f"{_FLOWERS}setid.mat",
                _FLOWERS_PUBLISHED,
            ),
        ),
        usual=("102flowers.tgz", "imagelabels.mat", "setid.mat"),
        terms="no licence is known",
        read=_oxford102,
    ),
    "places365": Collection(
        archives=(
            Archive(
                "train_256_places365standard.tar",
                26103685120,
                "sha256:0ade5d7d38c682aa0203014a2b99ad3bf608bf1de0f151dc0d80efba54660a0a",
                f"{_PLACES}train_256_places365standard.tar",
                _PLACES_PUBLISHED,
            ),
            Archive(
                "val_256.tar",
                525158400,
                "sha256:24b4e639ef12a0012af525bc4cb443e4ab4aaea8369a1fb009b70e4a4aad5d48",
                f"{_PLACES}val_256.tar",
                _PLACES_PUBLISHED,
            ),
            Archive(
                "test_256.tar",
                4736829440,
                "sha256:037ee8180369bdde46636341b92900d4bcb8ea000c026a1fd3e0e9827a8702a1",
                f"{_PLACES}test_256.tar",
                _PLACES_PUBLISHED,
            ),
            Archive(
                "filelist_places365-standard.tar",
                67498496,
                "sha256:520699e00d69b63ddc29fac54645aa00ce1c10ca42e288960aa1cf791d6e9aa9",
                f"{_PLACES}filelist_places365-standard.tar",
                _PLACES_PUBLISHED,
            ),
        ),
        usual=("train_256_places365standard.tar",),
        terms="for non-commercial research and education only; the photographs must not be passed on",
        read=_places365,
    ),
    "imagenet": Collection(
        archives=(
            Archive(
                "ILSVRC2012_img_train.tar",
                147897477120,
                "sha256:b08200a27a8e34218a0e58fde36b0fe8f73bc377f4acea2d91602057c3ca45bb",
                "",
                _IMAGENET_PUBLISHED,
            ),
            Archive(
                "ILSVRC2012_img_val.tar",
                6744924160,
                "sha256:c7e06a6c0baccf06d8dbeb6577d71efff84673a5dbdd50633ab44f8ea0456ae0",
                "",
                _IMAGENET_PUBLISHED,
            ),
        ),
        usual=("ILSVRC2012_img_train.tar",),
        terms="for non-commercial research and education only, by an agreement at https://www.image-net.org/download.php",
        read=_imagenet,
    ),
    "coco": Collection(
        archives=(
            Archive(
                "train2017.zip",
                19336861798,
                "sha256:69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
                f"{_COCO}train2017.zip",
                _COCO_PUBLISHED,
            ),
            Archive(
                "val2017.zip",
                815585330,
                "sha256:4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
                f"{_COCO}val2017.zip",
                _COCO_PUBLISHED,
            ),
        ),
        usual=("train2017.zip",),
        terms="the photographs belong to their owners, under the Flickr Terms of Use; the annotations are CC BY 4.0",
        read=_coco,
    ),
}
"""By name."""
