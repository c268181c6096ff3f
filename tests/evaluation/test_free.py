"""tintype-40: that its table is complete, and that such a set is fetched and checked."""

import itertools
import re
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from small_sets import encode, picture
from small_tables import serving, write_table
from tintype.data.fingerprint import SAME
from tintype.data.seen import SHIPPED, read_seen
from tintype.errors import DataError
from tintype.evaluation.free import fetched, read_table
from tintype.evaluation.photographs import Photographs

ROWS = read_table()


def test_the_table_says_of_each_photograph_where_it_is_and_that_it_is_free():
    assert len(ROWS) == len({row.file for row in ROWS}) == len({row.sha256 for row in ROWS}) == 40
    for row in ROWS:
        assert row.title
        assert row.licence in ("CC0 1.0", "public domain")
        assert re.fullmatch("[0-9a-f]{64}", row.sha256)
        # A revision, not a branch: the file at this address never changes. The licence is stated at the same one.
        photograph = re.fullmatch("https://raw[.]githubusercontent[.]com/([^/]+/[^/]+)/([0-9a-f]{40})/.+", row.address)
        statement = re.fullmatch("https://github[.]com/([^/]+/[^/]+)/blob/([0-9a-f]{40})/.+", row.statement)
        assert photograph.groups() == statement.groups()
        # None is enlarged in a study of the default size.
        assert min(row.width, row.height) >= 256
    kinds = Counter(row.kind for row in ROWS)
    assert kinds.keys() == {"people", "animals", "vehicles", "streets", "nature", "food", "interiors"}


def test_no_photograph_is_one_that_the_shipped_models_learned_from_nor_like_another():
    hashes = [int(row.fingerprint, 16) for row in ROWS]
    trained = read_seen(SHIPPED)
    assert len(trained) == 27_000
    assert all(np.bitwise_count(trained ^ np.uint64(hash)).min() > SAME for hash in hashes)
    assert all((one ^ other).bit_count() > SAME for one, other in itertools.combinations(hashes, 2))


@pytest.fixture
def files():
    return {f"/photographs/{number} a.png".replace(" ", "%20"): encode(picture(number)) for number in range(3)}


def test_a_set_is_fetched_once_and_kept_as_published(files, tmp_path):
    told = []
    with serving(files) as server:
        table = write_table(tmp_path / "table.csv", files, server.address)
        folder = fetched(tmp_path / "set", lambda *counts: told.append(counts), table=table)
        assert fetched(tmp_path / "set", table=table) == folder
        assert set(server.asked.values()) == {1}
    assert told[-1] == (3, 3)
    assert len(Photographs(folder)) == 3
    assert all((folder / place.rpartition("/")[2]).read_bytes() == content for place, content in files.items())


def test_what_is_not_the_published_file_is_refused_and_the_others_stay(files, tmp_path):
    places = list(files)
    with serving(files) as server:
        table = write_table(tmp_path / "table.csv", files, server.address)
        server.files = files | {places[0]: encode(picture(9))}
        with pytest.raises(DataError, match="its sha256 differs"):
            fetched(tmp_path / "set", table=table)
        server.files = {places[0]: files[places[0]]}
        assert len(list(fetched(tmp_path / "set", table=table).iterdir())) == 3
        # What somebody changed in the folder is fetched again.
        changed = tmp_path / "set" / places[0].rpartition("/")[2]
        Image.fromarray(picture(9)).save(changed)
        fetched(tmp_path / "set", table=table)
    assert changed.read_bytes() == files[places[0]]


def test_a_photograph_that_is_gone_is_named(files, tmp_path):
    with serving(files) as server:
        table = write_table(tmp_path / "table.csv", files, server.address)
        server.files = {}
        with pytest.raises(DataError, match=r"of tintype-40 cannot be downloaded \(status 404\) \(and 2 more\)"):
            fetched(tmp_path / "set", table=table)
