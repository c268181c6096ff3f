"""Labelled photographs: what the classes of CamVid become, which of its frames our models know, and our own masks."""

import re
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from benchmarks.regions import KINDS, NONE, camvid
from benchmarks.regions.camvid import CLASSES, KNOWN
from benchmarks.regions.drawn import PHOTOGRAPHS, labels_of, masks
from benchmarks.regions.labelled import square_of
from tintype.data.fingerprint import SAME
from tintype.data.seen import SHIPPED, read_seen
from tintype.errors import DataError
from tintype.evaluation.free import read_table


@pytest.fixture
def frames(tmp_path):
    """Three frames in the layout of CamVid; each has a band of 30 columns of every class, from left to right."""
    names = {"train": "0001TP_008610", "val": "0001TP_007440", "test": "Seq05VD_f02430"}
    codes = np.repeat(np.arange(len(CLASSES), dtype=np.uint8), 30)[None].repeat(300, axis=0)
    for part, name in names.items():
        for folder, pixels in ((part, np.stack([codes] * 3, axis=-1)), (f"{part}annot", codes)):
            (tmp_path / folder).mkdir()
            Image.fromarray(pixels).save(tmp_path / folder / f"{name}.png")
    return tmp_path


def test_classes_of_camvid_become_kinds_where_they_are(frames):
    name, rgb, labels = camvid(frames, side=None)[0]
    assert (name, rgb.shape, labels.shape) == ("camvid/0001TP_008610", (300, 360, 3), (300, 360))
    # The pixels hold the code of their class.
    expected = {"sky": "sky", "building": "wall", "car": "car"}
    for code, word in enumerate(CLASSES):
        label = KINDS[expected[word]] if word in expected else NONE
        assert (labels[rgb[..., 0] == code] == label).all(), word


def test_centre_squares_keep_labels_on_their_pixels(frames):
    for _, rgb, labels in camvid(frames, side=100):
        assert rgb.shape == (100, 100, 3)
        # The centre square has the columns 30 to 330: ten classes, ten columns each.
        assert labels[50, 5] == KINDS["wall"]
        assert labels[50, 75] == KINDS["car"]
        assert set(np.unique(labels)) == {NONE, KINDS["wall"], KINDS["car"]}


def test_what_our_models_know_of_a_frame_is_told(frames):
    regions = camvid(frames)
    assert regions.membership == {
        "camvid/0001TP_008610": "trained",
        "camvid/0001TP_007440": "validation",
        "camvid/Seq05VD_f02430": "unseen",
    }
    assert regions.only("unseen").names == ["camvid/Seq05VD_f02430"]
    assert {word: len(names) for word, names in KNOWN.items()} == {"trained": 68, "alike": 99, "validation": 9}


def test_a_folder_without_frames_is_refused(tmp_path):
    with pytest.raises(DataError, match="has no frames of CamVid"):
        camvid(tmp_path)


# ---- regions drawn by hand


def test_the_masks_are_complete():
    rows = {row.file: row for row in (*read_table(), *read_table(PHOTOGRAPHS))}
    kinds = Counter(kind for regions in masks().values() for kind, _ in regions)
    assert kinds.keys() == KINDS.keys()
    assert min(kinds.values()) >= 8
    assert kinds.total() >= 60
    for file, regions in masks().items():
        size = rows[file].height, rows[file].width
        for kind, outline in regions:
            # Inside the centre square that evaluations take, and large enough there to say something.
            assert all(0 <= share <= 1 for corner in outline for share in corner)
            labels = labels_of([(kind, outline)], size)
            assert set(np.unique(labels)) == {NONE, KINDS[kind]}
            assert (square_of(labels, 256) == KINDS[kind]).sum() >= 100, file


def test_no_photograph_of_the_masks_is_one_that_the_shipped_models_learned_from():
    trained = read_seen(SHIPPED)
    for row in read_table(PHOTOGRAPHS):
        assert np.bitwise_count(trained ^ np.uint64(int(row.fingerprint, 16))).min() > SAME
        assert row.licence in ("CC0 1.0", "public domain")
        assert row.title
        assert row.page.startswith("https://")
        assert re.search("/[0-9a-f]{40}/", row.address)


def test_polygons_become_labels_where_they_lie():
    square = [[0.25, 0.5], [0.75, 0.5], [0.75, 1], [0.25, 1]]
    labels = labels_of([("sky", [[0, 0], [1, 0], [1, 0.25], [0, 0.25]]), ("car", square)], (200, 400))
    assert (labels[:48] == KINDS["sky"]).all()
    assert (labels[55:95] == NONE).all()
    assert (labels[105:195, 105:295] == KINDS["car"]).all()
    assert (labels[105:195, :95] == NONE).all()
