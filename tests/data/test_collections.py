"""Published collections, read from small archives of the same form, and fetched from a small server."""

import csv
import gzip
import hashlib
import http.server
import io
import pickle
import random
import re
import struct
import subprocess
import sys
import tarfile
import threading
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from running import errors_of, tintype
from small_sets import encode, picture, write_shard
from tintype.data import archives
from tintype.data.archives import members
from tintype.data.collections import COLLECTIONS, Archive, Collection, sources_of
from tintype.data.downloads import fetch
from tintype.data.matlab import read_matrices
from tintype.data.pickles import read_pickle
from tintype.data.prepare import Settings, prepare
from tintype.data.shards import Photographs, describe, shard_paths
from tintype.errors import DataError, OptionError, UnreadablePhoto

SMALL = Settings(size=32, longest=48, smallest=24, validation=0.2, test=0.2)
FLAT = ("apple", "rocket", "shark", "trout")
GROUPS = ("fish", "fruit", "vehicles")
GROUP_OF = (1, 2, 0, 0)
SYNSETS = ("n02701002", "n03100240", "n03417042")


def photograph(seed, kind="JPEG"):
    return encode(picture(seed, 40, 52), kind)


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def parts_of(data):
    return {row["source"]: row["part"] for row in rows(data / "manifest.csv")}


def tar_of(files):
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return memory.getvalue()


class Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2 wrote its strings, as in the archive that was published."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def save_string(self, content):
        short = len(content) < 256
        self.write((b"U" + bytes([len(content)]) if short else b"T" + struct.pack("<i", len(content))) + content)
        self.memoize(content)

    dispatch[bytes] = save_string


def pickled(table):
    memory = io.BytesIO()
    Python2Pickler(memory, 2).dump(table)
    return memory.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def cifar_pixels(seed):
    return picture(seed, 32, 32)


def cifar_table(first, number):
    labels = [i % len(FLAT) for i in range(number)]
    return {
        b"filenames": [b"picture_s_%06d.png" % i for i in range(first, first + number)],
        b"batch_label": b"a batch",
        b"fine_labels": labels,
        b"coarse_labels": [GROUP_OF[label] for label in labels],
        b"data": np.stack([cifar_pixels(first + i).transpose(2, 0, 1).reshape(-1) for i in range(number)]),
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with an archive of each form."""
    folder = tmp_path_factory.mktemp("published")
    meta = {
        b"fine_label_names": [name.encode() for name in FLAT],
        b"coarse_label_names": [name.encode() for name in GROUPS],
    }
    tables = {"meta": meta, "test": cifar_table(40, 8), "train": cifar_table(0, 40)}
    cifar = tar_of({f"cifar-100-python/{name}": pickled(table) for name, table in tables.items()})
    (folder / "cifar-100-python.tar.gz").write_bytes(gzip.compress(cifar))

    flowers = folder / "flowers"
    flowers.mkdir()
    files = {f"jpg/image_{i:05d}.jpg": photograph(100 + i) for i in range(1, 25)}
    (flowers / "102flowers.tgz").write_bytes(gzip.compress(tar_of(files)))
    savemat(flowers / "imagelabels.mat", {"labels": np.arange(1, 25)[None] % 3 + 76}, do_compression=True)
    numbers = np.arange(1, 25, dtype=np.uint16)[None]
    savemat(flowers / "setid.mat", {"trnid": numbers[:, ::2], "valid": numbers[:, 1:12:2], "tstid": numbers[:, 13::2]})

    places = {f"data_256/a/airfield/{i:08d}.jpg": photograph(200 + i) for i in range(6)}
    places |= {f"data_256/a/apartment_building/outdoor/{i:08d}.jpg": photograph(210 + i) for i in range(6)}
    write_shard(folder / "train_256_places365standard.tar", places)
    places = {f"val_256/Places365_val_{i:08d}.jpg": photograph(220 + i) for i in range(1, 5)}
    write_shard(folder / "val_256.tar", places)
    lists = {
        "places365_val.txt": "".join(f"Places365_val_{i:08d}.jpg {i % 2}\n" for i in range(1, 5)).encode(),
        "categories_places365.txt": b"/a/airfield 0\n/a/apartment_building/outdoor 1\n",
        "places365_train_standard.txt": b"/a/airfield/00000000.jpg 0\n",
    }
    write_shard(folder / "filelist_places365-standard.tar", lists)

    synsets = {}
    for i, synset in enumerate(SYNSETS):
        synsets[f"{synset}.tar"] = tar_of({f"{synset}_{j}.JPEG": photograph(300 + 10 * i + j) for j in range(8)})
        (folder / f"{synset}.tar").write_bytes(synsets[f"{synset}.tar"])
    write_shard(folder / "ILSVRC2012_img_train.tar", synsets)
    files = {f"ILSVRC2012_val_{i:08d}.JPEG": photograph(350 + i) for i in range(1, 5)}
    write_shard(folder / "ILSVRC2012_img_val.tar", files)

    for name, first, number, how in (("train2017", 400, 10, 0), ("val2017", 450, 4, zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(folder / f"{name}.zip", "w", how) as archive:
            archive.mkdir(name)
            for i in range(first, first + number):
                archive.writestr(f"{name}/{i:012d}.jpg", photograph(i))
    return folder


def made(words, data, settings=SMALL, **options):
    return prepare(sources_of(words, **options), data, settings)


@pytest.mark.parametrize(
    ("words", "number", "sources"),
    [
        (
            ["cifar100=cifar-100-python.tar.gz"],
            48,
            ["fish/shark/picture_s_000002.png", "fruit/apple/picture_s_000040.png"],
        ),
        (["oxford102=flowers"], 24, ["77/image_00001.jpg", "76/image_00024.jpg"]),
        (["oxford102=flowers/102flowers.tgz"], 24, ["image_00001.jpg"]),
        (
            ["places365=train_256_places365standard.tar"],
            12,
            ["airfield/00000005.jpg", "apartment_building/outdoor/00000000.jpg"],
        ),
        (["places365=val_256.tar"], 4, ["Places365_val_00000003.jpg"]),
        (
            ["places365=val_256.tar", "places365=filelist_places365-standard.tar"],
            4,
            ["airfield/Places365_val_00000002.jpg", "apartment_building/outdoor/Places365_val_00000003.jpg"],
        ),
        (["imagenet=ILSVRC2012_img_train.tar"], 24, [f"{synset}/{synset}_7.JPEG" for synset in SYNSETS]),
        (["imagenet=n03100240.tar"], 8, ["n03100240/n03100240_0.JPEG"]),
        (["imagenet=ILSVRC2012_img_val.tar"], 4, ["ILSVRC2012_val_00000004.JPEG"]),
        (["coco=train2017.zip", "coco=val2017.zip"], 14, ["train2017/000000000400.jpg", "val2017/000000000453.jpg"]),
    ],
)
def test_every_photograph_is_taken_and_named(words, number, sources, published, tmp_path):
    words = [word.replace("=", f"={published}/") for word in words]
    prepared = made(words, tmp_path / "data")
    assert prepared.dropped == {}
    found = parts_of(tmp_path / "data")
    assert len(found) == number == sum(prepared.parts.values())
    name = words[0].partition("=")[0]
    assert {f"{name}/{source}" for source in sources} <= found.keys()
    description = describe(tmp_path / "data")
    assert description["terms"] == {name: COLLECTIONS[name].terms}


def test_small_pictures_keep_every_pixel(published, tmp_path):
    """CIFAR-100's, through the rows of colours in the pickle: not tiny, not enlarged, not compressed with loss."""
    made([f"cifar100={published}/cifar-100-python.tar.gz"], tmp_path / "data", Settings())
    assert describe(tmp_path / "data")["settings"]["smallest"] == 32
    photographs = Photographs(shard_paths(tmp_path / "data"))
    number = {f"{row['shard'][:-4]}/{row['file']}": row["source"] for row in rows(tmp_path / "data" / "manifest.csv")}
    assert len(photographs) == 48
    for i, name in enumerate(photographs.names):
        seed = int(re.search(r"(\d{6})\.png", number[name])[1])
        assert np.array_equal(photographs[i], cifar_pixels(seed))
    with pytest.raises(DataError, match="48 tiny"):
        made([f"cifar100={published}/cifar-100-python.tar.gz"], tmp_path / "none", Settings(smallest=96))


def test_photographs_survive_the_archive(published, tmp_path):
    """The bytes that come out of tar, zip and gzip are those that went in."""
    expected = {f"train2017/{i:012d}.jpg": photograph(i) for i in range(400, 410)}
    assert {member.name: member.read() for member in members(published / "train2017.zip")} == expected
    expected = {f"val2017/{i:012d}.jpg": photograph(i) for i in range(450, 454)}
    assert {member.name: member.read() for member in members(published / "val2017.zip")} == expected
    expected = {f"jpg/image_{i:05d}.jpg": photograph(100 + i) for i in range(1, 25)}
    assert {member.name: member.read() for member in members(published / "flowers" / "102flowers.tgz")} == expected
    inner = {member.name: member.read() for member in members(published / "ILSVRC2012_img_train.tar")}
    assert inner[f"{SYNSETS[1]}/{SYNSETS[1]}_3.JPEG"] == photograph(313)
    assert len(inner) == 24


# Choosing


def test_classes(published, tmp_path):
    def chosen(*words, classes):
        made(words, tmp_path / "-".join(classes), Settings(size=32, smallest=24, longest=48, classes=classes))
        return {source.rpartition("/")[0] for source in parts_of(tmp_path / "-".join(classes))}

    imagenet = f"imagenet={published}/ILSVRC2012_img_train.tar"
    assert chosen(imagenet, classes=SYNSETS[:2]) == {f"imagenet/{synset}" for synset in SYNSETS[:2]}
    cifar = f"cifar100={published}/cifar-100-python.tar.gz"
    assert chosen(cifar, classes=("fish", "rocket")) == {
        "cifar100/fish/shark",
        "cifar100/fish/trout",
        "cifar100/vehicles/rocket",
    }
    places = f"places365={published}/train_256_places365standard.tar"
    assert chosen(places, classes=("apartment_building/outdoor",)) == {"places365/apartment_building/outdoor"}
    assert chosen(f"oxford102={published}/flowers", classes=("77",)) == {"oxford102/77"}
    assert chosen(imagenet, cifar, classes=("apple", SYNSETS[2])) == {
        "cifar100/fruit/apple",
        f"imagenet/{SYNSETS[2]}",
    }
    with pytest.raises(DataError, match=r"imagenet: no class is called n02084071; there are 3, such as n02701002, n03"):
        chosen(imagenet, classes=("n02084071", SYNSETS[0]))
    with pytest.raises(DataError, match=r"no class is called n02701002; its photographs have no class"):
        chosen(f"imagenet={published}/ILSVRC2012_img_val.tar", classes=("n02701002",))


def test_the_class_of_a_photograph_in_a_folder_is_its_sub_folder(tmp_path):
    for i, place in enumerate(["", "sea", "sea/calm", "land"] * 3):
        (tmp_path / "album" / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / "album" / place / f"{i}.jpg").write_bytes(photograph(i))
    settings = Settings(size=32, longest=48, smallest=24, classes=("sea",), validation=0, test=0)
    prepare([tmp_path / "album"], tmp_path / "data", settings)
    assert sorted(parts_of(tmp_path / "data")) == [
        f"album/{place}.jpg" for place in ("sea/1", "sea/5", "sea/9", "sea/calm/10", "sea/calm/2", "sea/calm/6")
    ]


def test_classes_that_are_not_wanted_are_not_read(published, tmp_path):
    """Of a tar of tars: what was never opened may be broken."""
    whole = (published / f"{SYNSETS[0]}.tar").read_bytes()
    path = write_shard(tmp_path / "train.tar", {f"{SYNSETS[0]}.tar": whole, f"{SYNSETS[1]}.tar": b"no tar" * 200})
    made([f"imagenet={path}"], tmp_path / "data", Settings(size=32, longest=48, smallest=24, classes=SYNSETS[:1]))
    assert len(parts_of(tmp_path / "data")) == 8
    with pytest.raises(DataError, match=r"train\.tar: the archive cannot be read"):
        made([f"imagenet={path}"], tmp_path / "none")


def test_a_sample_is_fixed_by_its_seed(published, tmp_path):
    def sample(name, *words, **changes):
        settings = Settings(size=32, longest=48, smallest=24, validation=0.2, **changes)
        made(words, tmp_path / name, settings)
        return set(parts_of(tmp_path / name))

    train, val = (f"coco={published}/{name}.zip" for name in ("train2017", "val2017"))
    first = sample("first", train, val, count=8, seed=123)
    assert len(first) == 8
    assert sample("turned", val, train, count=8, seed=123) == first
    assert sample("other", train, val, count=8, seed=124) != first
    assert sample("fewer", train, val, count=5, seed=123) < first
    # One archive more changes no one's rank.
    some = sample("some", train, val, f"oxford102={published}/flowers", count=12, seed=123)
    old = {source for source in some if source.startswith("coco")}
    assert 0 < len(old) < len(some) == 12
    assert old == sample("old", train, val, count=len(old), seed=123)
    with pytest.raises(OptionError, match="must be at least 1, not 0"):
        Settings(count=0)


def test_the_published_split(published, tmp_path):
    def split(name, *words, **changes):
        made(words, tmp_path / name, Settings(size=32, longest=48, smallest=24, split="published", **changes))
        return parts_of(tmp_path / name)

    found = split("flowers", f"oxford102={published}/flowers")
    expected = dict.fromkeys(range(1, 25, 2), "train")
    expected |= dict.fromkeys(range(2, 13, 2), "validation") | dict.fromkeys(range(14, 25, 2), "test")
    assert {int(re.search(r"_(\d{5})", source)[1]): part for source, part in found.items()} == expected

    # Published to train and to test on: those to validate on are taken of those to train on.
    found = split("cifar", f"cifar100={published}/cifar-100-python.tar.gz", validation=0.3, test=0.5)
    number = {source: int(re.search(r"_(\d{6})", source)[1]) for source in found}
    assert {number[source] for source, part in found.items() if part == "test"} == set(range(40, 48))
    assert 4 < list(found.values()).count("validation") < 20

    found = split(
        "places", *(f"places365={published}/{name}.tar" for name in ("train_256_places365standard", "val_256"))
    )
    assert all((part == "validation") == ("_val_" in source) for source, part in found.items() if part != "test")
    found = split("coco", f"coco={published}/train2017.zip", f"coco={published}/val2017.zip", test=0)
    assert all(part == {"train2017": "train", "val2017": "validation"}[source[5:-17]] for source, part in found.items())
    imagenet = [f"imagenet={published}/ILSVRC2012_img_{part}.tar" for part in ("train", "val")]
    found = split("imagenet", *imagenet, test=0)
    assert all((part == "validation") == ("_val_" in source) for source, part in found.items())

    with pytest.raises(DataError, match=r"the photographs were not published as parts to train.*leave out --split"):
        split("none", f"oxford102={published}/flowers/102flowers.tgz")
    with pytest.raises(OptionError, match="own or published"):
        Settings(split="theirs")


# Archives that are not what they should be


class Runs:
    """What a pickle can do to who reads it."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


def test_a_pickle_runs_nothing(published, tmp_path):
    import os

    mark = tmp_path / "ran"
    for thing in (
        Runs(os.system, f"touch {mark}"),
        Runs(eval, f"open({str(mark)!r}, 'w')"),
        Runs(open, str(mark), "w"),
        Runs(getattr, dict, "get"),
        np.array([Runs(os.system, f"touch {mark}")], object),
        np.arange(4.0),
    ):
        for protocol in range(6):
            with pytest.raises(ValueError, match=r"it asks for|other than bytes|not data|Error"):
                read_pickle(pickle.dumps({"data": thing}, protocol))
    assert not mark.exists()
    evil = {"meta": pickle.dumps({"x": Runs(os.system, f"touch {mark}")}, 2)}
    (tmp_path / "evil.tar.gz").write_bytes(gzip.compress(tar_of(evil)))
    with pytest.raises(DataError, match=r"evil\.tar\.gz: meta cannot be read .*it asks for (posix|nt)\.system"):
        made([f"cifar100={tmp_path}/evil.tar.gz"], tmp_path / "data")
    assert not mark.exists()


def test_a_pickle_of_plain_data_is_read():
    table = {"data": np.arange(12, dtype=np.uint8).reshape(3, 4), b"labels": [1, 2, 3], "names": [b"a", "b"]}
    for encoded in (pickled(table), *(pickle.dumps(table, protocol) for protocol in (2, 3, 4))):
        read = read_pickle(encoded)
        assert np.array_equal(read["data"], table["data"])
        assert read["data"].dtype == np.uint8
        assert read["labels"] == [1, 2, 3]
    encoded = pickled(table)
    for cut in range(len(encoded)):
        with pytest.raises(ValueError, match=r"Error: "):
            read_pickle(encoded[:cut])


@pytest.mark.parametrize("compressed", [False, True])
def test_matrices_of_matlab(compressed, tmp_path):
    """Against scipy, which writes them."""
    tables = {
        "labels": np.arange(8189, dtype=np.uint8)[None],
        "trnid": np.arange(1020, dtype=np.int16)[None],
        "wide": np.arange(12, dtype=np.float64).reshape(3, 4) / 7,
        "large": np.array([[2**40]], np.int64),
        "name": "some text",
        "z": np.array([[1 + 2j]]),
    }
    savemat(tmp_path / "a.mat", tables, do_compression=compressed)
    encoded = (tmp_path / "a.mat").read_bytes()
    read = read_matrices(encoded)
    assert sorted(read) == ["labels", "large", "trnid", "wide"]
    for name, matrix in read.items():
        assert np.array_equal(matrix, tables[name])
    generator = random.Random(0)
    for _ in range(300):
        broken = bytearray(encoded[: generator.randrange(128, len(encoded))])
        broken[generator.randrange(len(broken))] ^= 1 << generator.randrange(8)
        with suppress(ValueError):
            read_matrices(bytes(broken))
    with pytest.raises(ValueError, match="not a MATLAB file"):
        read_matrices(b"MATLAB 7.3")


@pytest.mark.parametrize("name", ["train_256_places365standard.tar", "val2017.zip", "cifar-100-python.tar.gz"])
def test_an_archive_that_is_cut_short(name, published, tmp_path):
    whole = (published / name).read_bytes()
    collection = {".tar": "places365", ".zip": "coco", ".gz": "cifar100"}[Path(name).suffix]
    path = tmp_path / name
    between = whole.find(b"data_256/a/apartment_building")  # where a header begins
    for cut in (0, 3, 100, len(whole) // 5, len(whole) // 2, *([between] if between > 0 else [len(whole) - 9])):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError, match=rf"{re.escape(name)}: the archive cannot be read .*; download it again"):
            made([f"{collection}={path}"], tmp_path / "data")
    path.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(DataError, match="the archive cannot be read"):
        made([f"{collection}={path}"], tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["ILSVRC2012_img_train.tar", "val2017.zip", "train2017.zip", "flowers/102flowers.tgz"])
def test_an_archive_with_flipped_bits(name, published, tmp_path):
    """It is read, or one of two errors says that it cannot be."""
    whole = (published / name).read_bytes()
    generator = random.Random(name)
    # In the zip format most of what can break a reader stands at the end, in tar and gzip at the beginning of a file.
    heads = [match.start() for match in re.finditer(b"PK\1\2|n0[0-9_]*.JPEG\0|n[0-9]*.tar\0", whole)] or [0]
    for _ in range(100):
        broken = bytearray(whole)
        place = min(generator.choice(heads) + generator.randrange(160), len(whole) - 1)
        broken[place] ^= 1 << generator.randrange(8)
        (tmp_path / "a").write_bytes(broken)
        with suppress(DataError):
            for member in members(tmp_path / "a"):
                with suppress(UnreadablePhoto):
                    member.read()


def test_a_broken_photograph_in_an_archive_is_left_out(published, tmp_path):
    content = bytearray((published / "train2017.zip").read_bytes())
    content[content.index(photograph(403)) + 60] ^= 1
    (tmp_path / "train2017.zip").write_bytes(content)
    prepared = made([f"coco={tmp_path}/train2017.zip"], tmp_path / "data")
    assert prepared.dropped == {"broken": 1}
    (row,) = rows(tmp_path / "data" / "dropped.csv")
    assert row["source"] == "coco/train2017/000000000403.jpg"


def test_names_that_lead_out_of_the_archive(tmp_path):
    for name in ("../../evil.jpg", "a/../../evil.jpg", "..\\evil.jpg", "a\nb.jpg"):
        path = write_shard(tmp_path / "a.tar", {name: photograph(0)})
        with pytest.raises(DataError, match="get the archive from a source that you trust"):
            list(members(path))
    path = write_shard(tmp_path / "a.tar", {"/data_256/a/abbey/1.jpg": b"1", "./b//c.jpg": b"2"})
    assert [member.name for member in members(path)] == ["data_256/a/abbey/1.jpg", "b/c.jpg"]
    with tarfile.open(tmp_path / "links.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo("link.jpg")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    assert list(members(tmp_path / "links.tar")) == []


def test_archives_larger_than_any(published, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST", 500)
    with pytest.raises(UnreadablePhoto, match="larger than any photograph"):
        next(members(published / "val_256.tar")).read()
    monkeypatch.setattr(archives, "UNPACKED", 10_000)
    with pytest.raises(
        DataError, match=r"102flowers\.tgz: unpacks to more than .*; unpack it yourself, and give the folder"
    ):
        list(members(published / "flowers" / "102flowers.tgz"))
    monkeypatch.setattr(archives, "MOST", 3)
    with pytest.raises(DataError, match="more than 3 files"):
        list(members(published / "val_256.tar"))
    assert len(list(zip(range(3), members(published / "val_256.tar"), strict=False))) == 3


@pytest.mark.parametrize("said", [0, 1000])
def test_a_file_that_unzips_to_more_than_it_says(said, tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(10_000_000))
    content = (tmp_path / "bomb.zip").read_bytes().replace(struct.pack("<I", 10_000_000), struct.pack("<I", said))
    (tmp_path / "bomb.zip").write_bytes(content)
    (member,) = members(tmp_path / "bomb.zip")
    with pytest.raises(UnreadablePhoto, match="broken in its archive"):
        member.read()


def test_an_archive_of_something_else(published, tmp_path):
    with pytest.raises(DataError, match=r"not the Python version of CIFAR-100 .*give cifar-100-python\.tar\.gz"):
        made([f"cifar100={published}/val_256.tar"], tmp_path / "data")
    with pytest.raises(DataError, match="places365: no photographs found"):
        made([f"places365={published}/cifar-100-python.tar.gz"], tmp_path / "data")
    (tmp_path / "setid.mat").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"setid\.mat: cannot be read \(not a MATLAB file"):
        made([f"oxford102={tmp_path}/setid.mat"], tmp_path / "data")


# Words


def test_what_words_mean(published, tmp_path, monkeypatch):
    (tmp_path / "a=b").mkdir()
    (tmp_path / "coco").mkdir()
    monkeypatch.chdir(tmp_path)
    assert sources_of(["a=b", "./coco"]) == [Path("a=b"), Path("coco")]
    with pytest.raises(
        OptionError, match=r"coco is the name of a collection and of a folder here: give \./coco or coco=ARCHIVE"
    ):
        sources_of(["coco"])
    with pytest.raises(
        DataError, match=r"cifar10: neither a folder of photographs nor a collection \(cifar100, coco, "
    ):
        sources_of(["cifar10"])
    with pytest.raises(DataError, match=r"none\.tar: no such file; give an archive of imagenet \(ILSVRC2012_img_train"):
        sources_of(["imagenet=none.tar"])
    with pytest.raises(DataError, match="contains no archive of places365"):
        sources_of(["places365=coco"])
    with pytest.raises(OptionError, match=r"coco has no archive val2018\.zip; it has train2017\.zip, val2017\.zip"):
        sources_of(["coco:val2018.zip"])
    with pytest.raises(DataError, match=r"only given to people who apply.*give it as imagenet=ILSVRC2012_img_train"):
        sources_of(["imagenet"])
    first, second = sources_of([f"coco={published}/train2017.zip", "a=b", f"coco={published}/val2017.zip"])
    assert (first.name, second) == ("coco", Path("a=b"))


def test_what_is_known_of_the_archives():
    """Checksums of their length, addresses that end in their names; each says where it was published."""
    for collection in COLLECTIONS.values():
        assert collection.terms
        assert set(collection.usual) <= {archive.name for archive in collection.archives}
        for archive in collection.archives:
            algorithm, _, digest = archive.checksum.partition(":")
            assert re.fullmatch("[0-9a-f]+", digest)
            assert len(digest) == 2 * hashlib.new(algorithm).digest_size
            assert archive.size > 0
            assert archive.published
            assert not archive.address or archive.address.endswith(f"/{archive.name}")


def test_the_page_tells_what_is_known_of_the_archives():
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    for name, collection in COLLECTIONS.items():
        assert f"## {name}" in page
        for archive in collection.archives:
            assert archive.checksum.partition(":")[2] in page
            assert f"{archive.size:,}".replace(",", " ") in page
            assert archive.address in page


# Fetching


class Hub(http.server.ThreadingHTTPServer):
    """A server of files: it can break off after some bytes, and understand ranges or not."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.break_off: int | None = None
        self.ranges = True
        super().__init__(("127.0.0.1", 0), HubHandler)

    def address(self, name):
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class HubHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        hub, name = self.server, self.path[1:]
        hub.asked.append((name, self.headers["Range"]))
        if name not in hub.files:
            self.send_error(404)
            return
        content, start = hub.files[name], 0
        if hub.ranges and (asked := re.match(r"bytes=(\d+)-", self.headers["Range"] or "")):
            start = int(asked[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: hub.break_off])
        self.close_connection = True

    def log_message(self, *arguments):
        pass


@pytest.fixture
def hub():
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


CONTENT = random.Random(0).randbytes(3_000_000)
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


def test_a_file_is_fetched_once(hub, tmp_path):
    hub.files["a.tar"] = CONTENT
    told = []
    path = fetch(hub.address("a.tar"), SHA256, len(CONTENT), tmp_path / "new" / "cache", lambda *now: told.append(now))
    assert path == tmp_path / "new" / "cache" / "a.tar"
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)
    assert fetch(hub.address("a.tar"), SHA256, len(CONTENT), path.parent) == path
    assert hub.asked == [("a.tar", None)]
    assert [file.name for file in path.parent.iterdir()] == ["a.tar"]
    md5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
    assert fetch(hub.address("a.tar"), md5, len(CONTENT), path.parent) == path


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_goes_on_after_an_interruption(ranges, hub, tmp_path):
    """Where the server can go on; where it cannot, from the beginning."""
    hub.files["a.tar"], hub.break_off, hub.ranges = CONTENT, 1_200_000, ranges
    with pytest.raises(DataError, match=r"a\.tar: the download stopped .*; repeat the command to continue it"):
        fetch(hub.address("a.tar"), SHA256, len(CONTENT), tmp_path)
    (part,) = tmp_path.iterdir()
    assert part.name == "a.tar.part"
    there = part.stat().st_size
    assert 0 < there <= 1_200_000
    assert part.read_bytes() == CONTENT[:there]
    hub.break_off = None
    path = fetch(hub.address("a.tar"), SHA256, len(CONTENT), tmp_path)
    assert path.read_bytes() == CONTENT
    asked = [("a.tar", None), ("a.tar", f"bytes={there}-")]
    assert hub.asked == (asked if ranges else [*asked, ("a.tar", None)])
    assert [file.name for file in tmp_path.iterdir()] == ["a.tar"]


def test_a_killed_download_goes_on(hub, tmp_path):
    hub.files["a.tar"] = CONTENT
    for there in (0, 1_000_000, len(CONTENT), len(CONTENT) + 5):
        (tmp_path / "a.tar").unlink(missing_ok=True)
        (tmp_path / "a.tar.part").write_bytes((CONTENT + b"more.")[:there])
        assert fetch(hub.address("a.tar"), SHA256, len(CONTENT), tmp_path).read_bytes() == CONTENT
    (tmp_path / "a.tar").unlink()
    (tmp_path / "a.tar.part").write_bytes(b"of something else" * 1000)
    assert fetch(hub.address("a.tar"), SHA256, len(CONTENT), tmp_path).read_bytes() == CONTENT


def test_what_is_not_what_was_published_is_thrown_away(hub, tmp_path):
    hub.files["a.tar"] = CONTENT[:-1] + b"?"
    with pytest.raises(DataError, match=r"not the published one \(its sha256 differs\), so it was deleted"):
        fetch(hub.address("a.tar"), SHA256, len(CONTENT), tmp_path)
    assert list(tmp_path.iterdir()) == []
    hub.files["a.tar"] = CONTENT * 2
    with pytest.raises(DataError, match="not the published one"):
        fetch(hub.address("a.tar"), SHA256, len(CONTENT), tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a.tar").write_text("somebody's own")
    with pytest.raises(DataError, match=r"a\.tar is not the published file \(its sha256 differs\); remove it"):
        fetch(hub.address("a.tar"), SHA256, len(CONTENT), tmp_path)
    assert (tmp_path / "a.tar").read_text() == "somebody's own"


def test_what_cannot_be_fetched_is_said(hub, tmp_path):
    with pytest.raises(DataError, match=r"/a\.tar: the download stopped \(status 404\)"):
        fetch(hub.address("a.tar"), SHA256, len(CONTENT), tmp_path)
    with pytest.raises(
        DataError, match=r"needs 1000000000000000000 bytes more, but only \d+ are free; free some space, or choose"
    ):
        fetch(hub.address("b.tar"), SHA256, 10**18, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be stored there"):
        fetch(hub.address("a.tar"), SHA256, len(CONTENT), tmp_path / "file")
    assert hub.asked == [("a.tar", None)]


def test_a_full_disk(hub, tmp_path):
    """A file that may not grow beyond a megabyte is as good as a disk that has no more."""
    hub.files["a.tar"] = CONTENT
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from tintype.data.downloads import fetch\n"
        "from tintype.errors import DataError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "try:\n"
        f"    fetch({hub.address('a.tar')!r}, {SHA256!r}, {len(CONTENT)}, Path({str(tmp_path)!r}))\n"
        "except DataError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120, check=True)
    assert re.search(rb"a\.tar cannot be stored there \(File too large\); free some space, and repeat", done.stdout)
    assert fetch(hub.address("a.tar"), SHA256, len(CONTENT), tmp_path).read_bytes() == CONTENT


def test_a_collection_is_fetched_and_prepared(hub, published, tmp_path):
    content = {name: (published / f"{name}.zip").read_bytes() for name in ("train2017", "val2017")}
    hub.files = {f"{name}.zip": zipped for name, zipped in content.items()}
    all = tuple(
        Archive(
            f"{name}.zip", len(zipped), f"sha256:{hashlib.sha256(zipped).hexdigest()}", hub.address(f"{name}.zip"), ""
        )
        for name, zipped in content.items()
    )
    collections = {"coco": Collection(all, ("train2017.zip",), "free", COLLECTIONS["coco"].read)}
    options = {"downloads": tmp_path / "cache", "collections": collections}
    made(["coco"], tmp_path / "usual", **options)
    assert len(parts_of(tmp_path / "usual")) == 10
    made(["coco", "coco:val2017.zip"], tmp_path / "both", **options)
    assert len(parts_of(tmp_path / "both")) == 14
    assert [name for name, _ in hub.asked] == ["train2017.zip", "val2017.zip"]
    with pytest.raises(DataError, match="exists already"):
        made(["coco"], tmp_path / "both", downloads=tmp_path / "elsewhere", collections=collections)
    assert not (tmp_path / "elsewhere").exists()
    assert describe(tmp_path / "both")["terms"] == {"coco": "free"}


# The command


def test_the_command(published, tmp_path):
    words = [f"imagenet={published}/ILSVRC2012_img_train.tar", f"coco={published}/val2017.zip"]
    options = ["--classes", f"{SYNSETS[0]}, {SYNSETS[2]},val2017", "--count", "15", "--size", "32", "--smallest", "20"]
    done = tintype("prepare", *words, "-o", tmp_path / "data", *options, "--seed", "7", check=0)
    assert not done.stderr
    lines = done.stdout.decode().splitlines()
    assert "to train on" in lines[0]
    assert lines[1] == f"imagenet: {COLLECTIONS['imagenet'].terms}"
    assert len(parts_of(tmp_path / "data")) == 15
    assert describe(tmp_path / "data")["settings"] == {
        "size": 32,
        "longest": 48,
        "smallest": 20,
        "validation": 0.05,
        "test": 0.05,
        "seed": 7,
        "count": 15,
        "classes": [SYNSETS[0], SYNSETS[2], "val2017"],
        "split": "own",
    }
    tintype(
        "prepare",
        f"cifar100={published}/cifar-100-python.tar.gz",
        "-o",
        tmp_path / "c",
        "--split",
        "published",
        check=0,
    )
    assert list(parts_of(tmp_path / "c").values()).count("test") == 8
    done = tintype("prepare", "imagenet", "-o", tmp_path / "none", check=1)
    (line,) = errors_of(done)
    assert "give it as imagenet=ILSVRC2012_img_train.tar" in line
    assert tintype("prepare", "coco:x.zip", "-o", tmp_path / "none", check=2).stderr


def test_requests_is_needed_for_fetching_alone(published, tmp_path):
    code = (
        "import sys\nsys.modules['requests'] = None\n"
        "from tintype.cli import main\n"
        f"data = {str(tmp_path)!r}\n"
        f"assert main(['prepare', {f'coco={published}/val2017.zip'!r}, '-o', data + '/a', '--smallest', '9']) == 0\n"
        "sys.exit(main(['prepare', 'cifar100', '-o', data + '/b']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120)
    assert done.returncode == 1
    (line,) = errors_of(done)
    assert 'pip install ".[data]"' in line
    assert "cifar-100-python.tar.gz" in line


def test_names_in_an_archive_reach_no_terminal_as_they_are(tmp_path):
    meta = {
        b"fine_label_names": [name.encode() for name in FLAT],
        b"coarse_label_names": [name.encode() for name in GROUPS],
    }
    train = cifar_table(0, 40) | {b"filenames": [b"\x1b[2J%06d.png" % i for i in range(40)]}
    tables = {"meta": meta, "test": cifar_table(40, 8), "train": train}
    path = tmp_path / "cifar-100-python.tar.gz"
    path.write_bytes(gzip.compress(tar_of({f"cifar-100-python/{name}": pickled(t) for name, t in tables.items()})))
    made([f"cifar100={path}"], tmp_path / "data", Settings())
    manifest = (tmp_path / "data" / "manifest.csv").read_text("utf-8")
    assert "\x1b" not in manifest
    assert r"\x1b[2J000000.png" in manifest
