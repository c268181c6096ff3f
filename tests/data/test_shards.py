"""Shards are read as they are: all at once, or photograph by photograph."""

import numpy as np
import pytest

from small_sets import encode, picture, write_set, write_shard
from tintype.data.shards import Held, Photographs, describe, members, shard_paths
from tintype.errors import DataError


@pytest.fixture
def shards(tmp_path):
    first = {f"{i}.webp": encode(picture(i, 40, 60 + i), "WEBP", lossless=True) for i in range(3)}
    second = {"notes.txt": b"not a photograph", "deep/3.jpg": encode(picture(3), "JPEG"), "4.png": encode(picture(4))}
    return [write_shard(tmp_path / "a.tar", first), write_shard(tmp_path / "b.tar", second)]


def test_names_and_pixels(shards):
    photographs = Photographs(shards)
    assert photographs.names == ["a/0.webp", "a/1.webp", "a/2.webp", "b/deep/3.jpg", "b/4.png"]
    for i in (4, 0, 2, 1):  # in any order
        height, width = (40, 60 + i) if i < 3 else (80, 96)
        assert np.array_equal(photographs[i], picture(i, height, width))
        assert photographs.shape(i) == (height, width)


def test_held_photographs_are_the_same(shards):
    stored, held = Photographs(shards), Photographs.read(shards)
    assert len(held) == len(stored) == 5
    assert held.names == stored.names
    assert all(np.array_equal(held[i], stored[i]) for i in range(5))
    assert held.pixels.nbytes == sum(stored[i].nbytes for i in range(5)) == stored.decoded_bytes()


def test_the_first_few(shards):
    assert Photographs(shards, limit=4).names == Photographs(shards).names[:4]
    assert Photographs(shards, limit=2).names == ["a/0.webp", "a/1.webp"]


def test_the_size_is_estimated_from_a_sample(shards):
    photographs = Photographs(shards)
    assert photographs.decoded_bytes(sample=2) == pytest.approx(photographs.decoded_bytes(), rel=0.7)


def test_members(shards):
    assert [name for name, _ in members(shards[1])] == ["deep/3.jpg", "4.png"]
    assert dict(members(shards[0]))["1.webp"] == encode(picture(1, 40, 61), "WEBP", lossless=True)


def test_a_ready_set_has_no_description(tmp_path):
    assert describe(write_set(tmp_path / "set", 1, 1)) is None


def test_what_is_wrong_with_shards_is_said(shards, tmp_path):
    with pytest.raises(DataError, match=r"none: no such data folder; make one with `tintype prepare"):
        shard_paths(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: contains no \.tar shard"):
        shard_paths(tmp_path / "empty")
    whole = shards[0].read_bytes()
    cut = tmp_path / "cut.tar"
    for length in (1000, len(encode(picture(0, 40, 60), "WEBP", lossless=True)) + 700):
        cut.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"cut\.tar: the shard"):
            Photographs([cut])
    (tmp_path / "text.tar").write_text("hello" * 500)
    with pytest.raises(DataError, match=r"text\.tar: the shard cannot be read"):
        Photographs([tmp_path / "text.tar"])
    bare = write_shard(tmp_path / "bare.tar", {"notes.txt": b"nothing"})
    with pytest.raises(DataError, match="these shards contain no photographs"):
        Photographs([bare])
    broken = write_shard(tmp_path / "broken.tar", {"0.png": encode(picture(0))[:300], "1.png": b"text"})
    for i in range(2):
        with pytest.raises(DataError, match=rf"broken/{i}\.png: the photograph in the shard is broken"):
            Photographs([broken])[i]
    with pytest.raises(DataError, match="is broken"):
        Held(Photographs([broken]))
    (tmp_path / "set.json").write_text("{")
    with pytest.raises(DataError, match=r"set\.json: the description of the set cannot be read"):
        describe(tmp_path)
