"""Which photographs a model learned from: lists of hashes, and what they know."""

import csv

import numpy as np
import pytest
from PIL import Image

from small_sets import picture, write_set
from tintype.data.fingerprint import fingerprint
from tintype.data.seen import SHIPPED, Seen, hashes_of, read_seen, seen_by, write_seen
from tintype.data.shards import Photographs
from tintype.errors import DataError
from tintype.models.catalog import catalog


def test_a_photograph_is_known_at_other_sizes_and_mirrored():
    seen = Seen(np.array([fingerprint(picture(number)) for number in range(20)], np.uint64), 20)
    smaller = np.asarray(Image.fromarray(picture(7)).resize((48, 40), Image.Resampling.LANCZOS))
    for known in (picture(7), picture(7)[:, ::-1], smaller):
        assert seen.knows(known)
    assert not any(seen.knows(picture(number)) for number in range(30, 60))


def test_the_shipped_models_learned_from_the_list_that_ships():
    assert SHIPPED.stat().st_size < 250_000
    for card in catalog():
        seen = seen_by(card.name)
        assert len(seen.hashes) == 27_000
        assert seen.count == sum(row.get("photographs", 0) for row in card.training_data)


@pytest.mark.parametrize("content", [b"", b"nothing", "floats", "none"])
def test_what_is_no_list_is_refused(tmp_path, content):
    path = tmp_path / "mine.seen"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with path.open("wb") as file:
            np.save(file, np.ones(3 if content == "floats" else 0))
    with pytest.raises(DataError, match=r"mine\.seen"):
        read_seen(path)


def test_a_model_without_a_list_is_not_known(tiny):
    assert seen_by(tiny) is None


def test_hashes_come_from_the_manifest_or_from_the_photographs(tmp_path):
    folder = write_set(tmp_path / "set", train=3)
    photographs = Photographs([folder / "train-00.tar"])
    computed = hashes_of(photographs, folder)
    assert computed == [fingerprint(picture(number)) for number in range(3)]
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["shard", "file", "hash"])
        writer.writerows(["train-00.tar", f"{number:03d}.png", f"{number + 5:016x}"] for number in range(3))
    assert hashes_of(photographs, folder) == [5, 6, 7]
    assert write_seen(tmp_path / "m.seen", [7, 5, 5]) == 3
    assert read_seen(tmp_path / "m.seen").tolist() == [5, 5, 7]
