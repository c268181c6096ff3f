"""A small set like tintype-679, made again from a small server."""

import csv
import hashlib
import http.server
import io
import threading
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage import data

from tintype.errors import DataError
from tintype.evaluation import manifest
from tintype.evaluation.manifest import differing, fetched, listed, read_table, square, write_table
from tintype.evaluation.photographs import Photographs

REPOSITORY = "someone/some-photographs"
PATHS = {"one-chelsea.jpg": "cats/chelsea 1.jpg", "one-coffee.jpg": "coffee.png", "two-rocket.jpg": "rocket.JPEG"}


def original(name):
    pixels = {"chelsea": data.chelsea, "coffee": data.coffee, "rocket": data.rocket}[name]()
    memory = io.BytesIO()
    picture = Image.fromarray(pixels).resize((90 + len(name), 80))
    picture.save(memory, "png" if name == "coffee" else "jpeg")
    return memory.getvalue()


class Server(http.server.ThreadingHTTPServer):
    """Gives files by path; `busy` and `missing` are answered so, each busy path once."""

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked, self.busy, self.missing = files, Counter(), set(), set()
        self.address = f"http://127.0.0.1:{self.server_port}/{{repository}}/HEAD/{{path}}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked[self.path] += 1
        content = self.server.files.get(self.path, b"")
        status = 404 if not content or self.path in self.server.missing else 200
        if self.path in self.server.busy:
            self.server.busy.discard(self.path)
            status, content = 503, b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if status == 200 else 0))
        self.end_headers()
        if status == 200:
            self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def originals():
    return {file: original(file.partition("-")[2].removesuffix(".jpg")) for file in PATHS}


@pytest.fixture
def server(originals):
    files = {f"/{REPOSITORY}/HEAD/{PATHS[file].replace(' ', '%20')}": content for file, content in originals.items()}
    with Server(files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def rows(originals):
    return [listed(file, REPOSITORY, PATHS[file], content) for file, content in originals.items()]


@pytest.fixture
def table(rows, tmp_path):
    path = tmp_path / "table.csv"
    write_table(rows, path)
    return path


def refusal(folder, table, address):
    with pytest.raises(DataError, match=r"^[^\n]*$") as error:
        fetched(folder, table=table, address=address)
    return str(error.value)


def test_the_shipped_table_names_the_set_with_a_checksum_each():
    rows = read_table()
    assert len(rows) == len({row.file for row in rows}) == 679
    assert Counter(row.file.partition("-")[0] for row in rows) == {
        "imagenet": 440, "bsdstest": 81, "bsdstrain": 97, "bsdsval": 47, "kodak": 14,
    }  # fmt: skip
    assert {row.repository for row in rows} == {
        "BIDS/BSDS500",
        "EliSchwartz/imagenet-sample-images",
        "ayushabrol13/Asymmetric-Learned-Image-Compression-with-Multi-Scale-Residual-Block",
    }
    lengths = {(len(row.original), len(row.pixels), len(row.fingerprint), len(row.colour)) for row in rows}
    assert lengths == {(64, 64, 16, 6)}
    assert len({row.pixels for row in rows}) == 679


def test_photographs_are_fetched_once_and_are_those_of_the_table(server, rows, table, tmp_path):
    moved = []
    folder = fetched(tmp_path / "set", lambda done, all: moved.append((done, all)), table=table, address=server.address)
    assert sorted(path.name for path in folder.iterdir()) == sorted(PATHS)
    assert moved == [(0, 3), (1, 3), (2, 3), (3, 3)]
    taken = Photographs(folder)
    found = {name: hashlib.sha256(taken[i].tobytes()).hexdigest() for i, name in enumerate(taken.names)}
    assert found == {row.file.removesuffix(".jpg"): row.pixels for row in rows}
    assert differing(folder, table) == []
    assert fetched(folder, table=table, address="http://nowhere.invalid/{path}") == folder
    assert sum(server.asked.values()) == 3


def test_what_is_missing_is_said_and_the_rest_is_kept_for_the_next_time(server, table, tmp_path):
    server.missing = {f"/{REPOSITORY}/HEAD/coffee.png"}
    said = refusal(tmp_path / "set", table, server.address)
    assert "one-coffee.jpg" in said
    assert f"{REPOSITORY}/HEAD/coffee.png" in said
    assert "404" in said
    assert "--data FILE.tar" in said
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["one-chelsea.jpg", "two-rocket.jpg"]
    server.missing = set()
    fetched(tmp_path / "set", table=table, address=server.address)
    assert sorted(server.asked.values()) == [1, 1, 2]


def test_what_is_not_the_published_file_is_thrown_away(server, originals, table, tmp_path):
    server.files[f"/{REPOSITORY}/HEAD/rocket.JPEG"] = originals["one-chelsea.jpg"]
    said = refusal(tmp_path / "set", table, server.address)
    assert "two-rocket.jpg" in said
    assert "sha256" in said
    assert not (tmp_path / "set" / "two-rocket.jpg").exists()


def test_a_server_that_is_busy_is_asked_again(server, table, tmp_path):
    server.busy = {f"/{REPOSITORY}/HEAD/coffee.png"}
    fetched(tmp_path / "set", table=table, address=server.address)
    assert server.asked[f"/{REPOSITORY}/HEAD/coffee.png"] == 2


def test_without_a_network_it_ends_at_once_and_says_so(server, table, tmp_path):
    server.server_close()
    said = refusal(tmp_path / "set", table, server.address)
    assert "check the network and repeat" in said
    assert server.address.partition("{")[0] in said
    assert list((tmp_path / "set").iterdir()) == []


def test_a_broken_file_of_the_set_is_fetched_again(server, rows, table, tmp_path):
    folder = fetched(tmp_path / "set", table=table, address=server.address)
    content = (folder / "one-coffee.jpg").read_bytes()
    (folder / "one-coffee.jpg").write_bytes(content[:300])
    (folder / "one-chelsea.jpg").write_bytes(content)
    fetched(folder, table=table, address=server.address)
    assert differing(folder, table) == []
    assert sum(server.asked.values()) == 5


def test_what_another_library_rounds_otherwise_is_taken_and_named_but_not_what_looks_different(
    server, rows, originals, table, tmp_path
):
    # The table of somebody whose library gives one photograph other pixels, and of one who took it by another crop.
    write_table([replace(row, pixels="0" * 64) if row.file == "one-coffee.jpg" else row for row in rows], table)
    folder = fetched(tmp_path / "set", table=table, address=server.address)
    assert differing(folder, table) == ["one-coffee.jpg"]
    other = listed("", "", "", originals["two-rocket.jpg"])
    for changes in ({"fingerprint": other.fingerprint}, {"colour": other.colour}):
        write_table([replace(row, pixels="0" * 64, **changes) if row == rows[1] else row for row in rows], table)
        assert "does not come out as published" in refusal(tmp_path / "set", table, server.address)


def test_a_finished_photograph_is_upright_in_srgb_and_the_middle_of_the_original():
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, 10:30], pixels[:, 30:50] = (200, 80, 40), (90, 160, 30)
    exif = Image.Exif()
    exif[274] = 6  # the left of what is stored is the top of what is shown
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, "png", icc_profile=swapped, exif=exif)
    finished = np.asarray(Image.open(io.BytesIO(square(memory.getvalue())))).astype(int)
    assert finished.shape == (256, 256, 3)
    assert np.abs(finished[:112] - (40, 80, 200)).max() <= 4
    assert np.abs(finished[144:] - (30, 160, 90)).max() <= 4


def test_the_address_is_that_of_files_in_public_repositories():
    row = read_table()[0]
    assert manifest.ADDRESS.format(repository=row.repository, path=row.path) == (
        "https://raw.githubusercontent.com/BIDS/BSDS500/HEAD/BSDS500/data/images/test/100007.jpg"
    )


def test_the_table_is_plain_csv():
    with manifest.TABLE.open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == ["file", "repository", "path", "original", "pixels", "fingerprint", "colour"]
