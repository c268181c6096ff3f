"""`tintype prepare` on a folder with all that folders hold."""

import csv
import io
import json
import subprocess
import sys
import tarfile
import time

import numpy as np
import pytest
from PIL import Image

from running import command_of, tintype
from small_sets import encode, picture
from tintype.color.bins import count
from tintype.color.lab import rgb_to_lab
from tintype.data.fingerprint import SAME, Fingerprints, fingerprint, read_fingerprints
from tintype.data.prepare import Settings, prepare
from tintype.data.shards import Photographs, describe, shard_paths
from tintype.errors import DataError, OptionError
from tintype.photo import WRITABLE, Mark, from_array, write

GOOD = 24


def smooth(seed, height=200, width=260):
    return np.asarray(Image.fromarray(picture(seed, 60, 78)).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """24 good photographs of many formats, and every kind of bad one."""
    folder = tmp_path_factory.mktemp("given") / "album"
    (folder / "deep" / "er").mkdir(parents=True)
    kinds = [("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("bmp", "BMP"), ("tif", "TIFF"), ("avif", "AVIF")]
    for i in range(GOOD):
        suffix, kind = kinds[i % len(kinds)]
        place = folder if i % 2 else folder / "deep" / "er"
        (place / f"good-{i:02d}.{suffix}").write_bytes(encode(smooth(i), kind))
    good = encode(smooth(0, 220, 286), "JPEG", quality=95)
    (folder / "repeated.jpg").write_bytes((folder / "good-07.png").read_bytes())
    (folder / "resized.jpg").write_bytes(good)
    (folder / "cut.jpg").write_bytes(encode(smooth(99), "JPEG", quality=95)[:9000])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_text("these are no pixels")
    (folder / "tiny.png").write_bytes(encode(picture(50, 60, 200)))
    gray = np.repeat(smooth(51)[..., :1], 3, axis=2)
    (folder / "gray.jpg").write_bytes(encode(gray, "JPEG"))
    (folder / "sepia.png").write_bytes(encode((gray * [1.0, 0.8, 0.55]).astype(np.uint8)))
    frames = [Image.fromarray(smooth(i)) for i in (52, 53)]
    frames[0].save(folder / "animated.webp", save_all=True, append_images=frames[1:])
    (folder / "measured.png").write_bytes(encode(smooth(60)))
    (folder / "notes.txt").write_text("ignored")
    return folder


@pytest.fixture(scope="module")
def never(folder):
    known = Fingerprints()
    known.add(fingerprint(smooth(60, 150, 195)), "a photograph to measure on")
    return known


@pytest.fixture(scope="module")
def made(folder, never, tmp_path_factory):
    data = tmp_path_factory.mktemp("sets") / "data"
    settings = Settings(size=64, longest=96, validation=0.25, test=0.2, seed=3)
    return data, prepare([folder], data, settings, never)


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_left_out_is_counted_and_named(made):
    data, prepared = made
    dropped = {row["source"]: row["reason"] for row in rows(data / "dropped.csv")}
    twins = {"album/resized.jpg", "album/deep/er/good-00.jpg"} & dropped.keys()
    assert len(twins) == 1
    assert dropped.pop(twins.pop()) == "duplicate"
    assert dropped == {
        "album/animated.webp": "refused",
        "album/cut.jpg": "broken",
        "album/empty.png": "broken",
        "album/gray.jpg": "gray",
        "album/measured.png": "never train",
        "album/repeated.jpg": "duplicate",
        "album/sepia.png": "single hue",
        "album/text.jpg": "broken",
        "album/tiny.png": "tiny",
    }
    assert prepared.dropped == {
        "broken": 3,
        "duplicate": 2,
        "gray": 1,
        "never train": 1,
        "refused": 1,
        "single hue": 1,
        "tiny": 1,
    }
    assert sum(prepared.parts.values()) == GOOD


def test_the_shards_hold_what_the_manifest_says(made):
    data, prepared = made
    photographs = Photographs(shard_paths(data))
    manifest = {f"{row['shard'][:-4]}/{row['file']}": row for row in rows(data / "manifest.csv")}
    assert sorted(photographs.names) == sorted(manifest)
    for i, name in enumerate(photographs.names):
        row = manifest[name]
        assert row["shard"].startswith(row["part"])
        assert photographs[i].shape == (int(row["height"]), int(row["width"]), 3) == (64, 83, 3)
        assert int(row["hash"], 16) == fingerprint(photographs[i])
        seed = 0 if "resized" in row["source"] else int(row["source"].partition("good-")[2][:2])
        original = np.asarray(Image.fromarray(smooth(seed)).resize((83, 64), Image.Resampling.BOX), float)
        assert np.abs(photographs[i] - original).mean() < 12
    for part, number in prepared.parts.items():
        assert sum(row["part"] == part for row in manifest.values()) == number > 0


def test_the_description_is_measured_on_what_is_trained_on(made):
    data, prepared = made
    description = describe(data)
    assert description["photographs"] == prepared.parts
    assert description["settings"]["seed"] == 3
    photographs = Photographs(sorted(data.glob("train-*.tar")))
    lab = [rgb_to_lab(photographs[i] / 255) for i in range(len(photographs))]
    assert description["mean_lightness"] == pytest.approx(np.mean([x[..., 0].mean() for x in lab]), abs=1e-3)
    counts = sum(count(x[..., 1:]) for x in lab)
    prior = np.array(description["prior"])
    assert prior.shape == (313,)
    assert prior.sum() == pytest.approx(1, abs=1e-12)
    assert np.abs(prior - counts / counts.sum()).max() < 2e-3
    histogram = description["histogram"]
    pixels = np.array(histogram["pixels"])
    assert pixels.sum() == sum(x[..., 0].size for x in lab)
    ab = np.concatenate([x[..., 1:].reshape(-1, 2) for x in lab])
    near = np.abs(ab - [10, -5]).max(axis=1) < 2.5
    row, column = ((value - histogram["first"]) // histogram["step"] for value in (10, -5))
    assert pixels[row, column] == pytest.approx(near.sum(), rel=0.3)


@pytest.mark.parametrize("format", WRITABLE)
def test_a_result_of_tintype_is_not_learnt_from(format, tmp_path):
    (tmp_path / "album").mkdir()
    photo = from_array(smooth(1))
    write(photo, [smooth(1)], tmp_path / "album" / "a.out", format=format, mark=Mark(model="tintype.v1"))
    (tmp_path / "album" / "a.out").rename(tmp_path / "album" / "a.jpg")
    for i in range(2, 5):
        (tmp_path / "album" / f"{i}.png").write_bytes(encode(smooth(i)))
    made = prepare([tmp_path / "album"], tmp_path / "data", Settings(size=64, longest=96, validation=0, test=0))
    assert made.dropped == {"coloured by machine": 1}


def test_a_folder_in_a_folder_is_read_once(folder, made, tmp_path):
    settings = Settings(size=64, longest=96, validation=0.25, test=0.2, seed=3)
    again = prepare([folder, folder / "deep"], tmp_path / "data", settings)
    assert sum(again.dropped.values()) == sum(made[1].dropped.values()) - 1  # which --never-train left out


def test_the_same_bytes_again(folder, made, never, tmp_path):
    settings = Settings(size=64, longest=96, validation=0.25, test=0.2, seed=3)
    prepare([folder], tmp_path / "again", settings, never, threads=5)
    files = sorted(path.name for path in made[0].iterdir())
    assert files == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert all((made[0] / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in files)


def parts_of(data):
    return {row["sha256_of_original_16"]: row["part"] for row in rows(data / "manifest.csv")}


def test_photographs_that_join_move_no_other(folder, made, tmp_path):
    more = tmp_path / "more"
    more.mkdir()
    for i in range(100, 108):
        (more / f"{i}.png").write_bytes(encode(smooth(i)))
    settings = Settings(size=64, longest=96, validation=0.25, test=0.2, seed=3)
    prepare([more, folder], tmp_path / "larger", settings)
    before, after = parts_of(made[0]), parts_of(tmp_path / "larger")
    assert len(after) >= len(before) + 8
    # Of two files that show the same photograph the other may be kept, but none changes its part.
    assert all(after[name] == part for name, part in before.items() if name in after)
    prepare([folder], tmp_path / "otherwise", Settings(size=64, longest=96, validation=0.25, test=0.2, seed=4))
    assert parts_of(tmp_path / "otherwise") != before


def test_the_fingerprint_survives_scaling_and_compression():
    rgb = smooth(3, 300, 390)
    hash = fingerprint(rgb)
    small = Image.fromarray(rgb).resize((130, 100), Image.Resampling.BICUBIC)
    memory = io.BytesIO()
    small.save(memory, "JPEG", quality=60)
    assert (hash ^ fingerprint(np.asarray(Image.open(memory)))).bit_count() <= SAME // 2
    assert (hash ^ fingerprint(smooth(4, 300, 390))).bit_count() > 2 * SAME
    assert 0 <= hash < 2**63


def test_what_is_found_is_what_measuring_all_would_find():
    generator = np.random.default_rng(0)
    hashes = generator.integers(0, 2**63, 5000, dtype=np.uint64)
    hashes[1000:1500] = hashes[:500]
    known = Fingerprints()
    for i, hash in enumerate(hashes):
        known.add(int(hash), str(i))
    for _ in range(300):
        hash = int(hashes[generator.integers(len(hashes))])
        for bit in generator.choice(63, int(generator.integers(0, 12)), replace=False):
            hash ^= 1 << int(bit)
        distance = [(int(other) ^ hash).bit_count() for other in hashes]
        nearest = int(np.argmin(distance))
        assert known.find(hash) == (str(nearest) if distance[nearest] <= SAME else None)


def test_fingerprints_find_the_nearest():
    known = Fingerprints()
    generator = np.random.default_rng(0)
    hashes = [int(generator.integers(0, 2**63)) for _ in range(3000)]
    assert known.find(hashes[0]) is None
    for i, hash in enumerate(hashes):
        known.add(hash, str(i))
    assert len(known) == 3000
    assert known.find(hashes[2999]) == "2999"
    assert known.find(hashes[1500] ^ 0b11111111) == "1500"
    assert known.find(hashes[1500] ^ 0b111111111) is None
    assert known.find(hashes[7] ^ (0xFF << 48)) == "7"


def test_a_list_of_hashes(tmp_path):
    path = tmp_path / "never.txt"
    path.write_text("002a5ac57b1cf99e\n\n7ffeb4604b838424\n")
    known = read_fingerprints(path)
    assert len(known) == 2
    assert known.find(0x002A5AC57B1CF99F) == "never.txt line 1"
    path.write_text("002a5ac57b1cf99e\nhello\n")
    with pytest.raises(DataError, match=r"never\.txt: line 2 is 'hello' and not a hash of 16 hex digits"):
        read_fingerprints(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_fingerprints(tmp_path / "none.txt")


def test_what_is_wrong_is_said(folder, made, tmp_path):
    with pytest.raises(DataError, match="exists already; remove it or choose another name"):
        prepare([folder], made[0])
    with pytest.raises(DataError, match="nowhere: no such folder of photographs"):
        prepare([tmp_path / "nowhere"], tmp_path / "x")
    (tmp_path / "bare").mkdir()
    with pytest.raises(DataError, match="bare: no photographs found"):
        prepare([tmp_path / "bare"], tmp_path / "x")
    (tmp_path / "gray").mkdir()
    (tmp_path / "gray" / "a.png").write_bytes((folder / "gray.jpg").read_bytes())
    with pytest.raises(DataError, match=r"none of 1 photographs is left to train on \(1 gray\)"):
        prepare([tmp_path / "gray"], tmp_path / "x")
    for wrong in ({"validation": 0.6, "test": 0.4}, {"size": 300}, {"smallest": 0}):
        with pytest.raises(OptionError):
            Settings(**wrong)
    assert not (tmp_path / "x").exists()


def test_the_command_and_a_kill(folder, tmp_path):
    """Killed, it leaves no set; repeated, it makes the one that an undisturbed run makes."""
    data = tmp_path / "data"
    words = ("prepare", str(folder), "-o", str(data), "--size", "64", "--validation", "0.2", "--jobs", "1")
    process = subprocess.Popen(command_of(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob(".tintype-*.part/*.tar")):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert [path.suffix for path in tmp_path.iterdir()].count(".part") == 1
    assert not data.exists()
    done = tintype(*words, check=0)
    assert not done.stderr
    assert not list(tmp_path.glob(".tintype-*.part"))
    lines = done.stdout.decode().splitlines()
    assert "to train on" in lines[0]
    assert "left out 9" in lines[1]
    assert "gray" in lines[1]
    prepare([folder], tmp_path / "whole", Settings(size=64, longest=96, validation=0.2))
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (data / path.name).read_bytes()
    again = tintype(*words, check=1)
    assert b"exists already" in again.stderr
    assert tintype("prepare", "-o", str(data), check=2).stderr


def test_torch_is_not_needed(folder, tmp_path):
    code = (
        "import sys\nsys.modules['torch'] = sys.modules['msgspec'] = None\n"
        "from tintype.cli import main\n"
        f"sys.exit(main(['prepare', {str(folder)!r}, '-o', {str(tmp_path / 'data')!r}, '--size', '64']))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)
    with tarfile.open(tmp_path / "data" / "train-0000.tar") as archive:
        assert all(member.mtime == 0 and member.uid == 0 for member in archive)
    assert json.loads((tmp_path / "data" / "set.json").read_text())["photographs"]["train"] > 0
