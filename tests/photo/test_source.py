"""A file is read once: whatever others do to it meanwhile, tags and pixels belong together, and no process is ended."""

import gc
import io
import json
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import tifffile
from PIL import Image

from tintype.errors import UnreadablePhoto
from tintype.photo import read, reader, size_of
from tintype.photo import source as source_room
from tintype.photo.source import Source

# The plane and the make of every reading, while another thread writes the file anew.
RACE = """
import json, os, sys, threading
from pathlib import Path
from tintype.album import Task, foresee
from tintype.errors import PhotoError
from tintype.photo import Mark, read, source

way, in_memory, path, *versions = sys.argv[1:]
source.IN_MEMORY = int(in_memory)
path, versions, done = Path(path), [Path(version).read_bytes() for version in versions], threading.Event()
path.write_bytes(versions[0])

def rewrite():
    number = 0
    while not done.wait(0.002):
        number += 1
        data = versions[number % 2]
        if way == "replaced":
            part = path.with_suffix(".part")
            part.write_bytes(data)
            os.replace(part, path)
        else:
            with open(path, "r+b" if way == "overwritten" else "wb") as file:
                file.write(data[: len(data) // 2])
                file.flush()
                file.write(data[len(data) // 2 :])
                file.truncate()
        done.wait(0.03 * (number % 2))

writer = threading.Thread(target=rewrite)
writer.start()
seen = []
try:
    for _ in range(8):
        foresee(Task(path, path.with_suffix(".none")), Mark())
        try:
            photo = read(path)
        except PhotoError as error:
            seen.append(str(error))
        else:
            seen.append([int(photo.lightness().mean() > 50), b"Bright" in (photo.metadata.exif or b"")])
finally:
    done.set()
    writer.join()
print(json.dumps(seen))
"""


def versions_of(folder, format):
    """Two photographs that differ in size, lightness and Exif."""
    paths = []
    for make, level, side in (("Dark", 40, 300), ("Bright", 215, 400)):
        exif = Image.Exif()
        exif[271] = make
        pixels = np.random.default_rng(side).integers(level - 40, level + 40, (side, side), dtype=np.uint8)
        options = {"TIFF": {"compression": "raw"}, "WEBP": {"lossless": True}}.get(format, {})
        path = folder / f"{make}.{format.lower()}"
        Image.fromarray(pixels).convert("RGB").save(path, format, exif=exif, **options)
        paths.append(path)
    return paths


FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "BMP")


@pytest.mark.parametrize("in_memory", [source_room.IN_MEMORY, 0], ids=["in memory", "where it lies"])
@pytest.mark.parametrize("way", ["replaced", "rewritten", "overwritten"])
@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_is_written_anew_while_it_is_read(tmp_path, format, way, in_memory):
    path = tmp_path / f"a.{format.lower()}"
    command = [sys.executable, "-c", RACE, way, str(in_memory), path, *versions_of(tmp_path, format)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-500:]
    seen = json.loads(run.stdout)
    for outcome in seen:
        if isinstance(outcome, str):
            assert str(path) in outcome
            assert way != "replaced", outcome
        elif format != "BMP":
            assert outcome[0] == outcome[1]
    assert len(seen) == 8


@pytest.mark.parametrize("format", FORMATS)
def test_a_large_file_that_is_cut_after_it_was_opened_is_refused(tmp_path, format):
    path, _ = versions_of(tmp_path, format)
    data = path.read_bytes()
    for left in (0, len(data) // 2, len(data) - 1):
        path.write_bytes(data)
        with Source(path, "the scan", in_memory=0) as source:
            os.truncate(path, left)
            with pytest.raises(UnreadablePhoto) as refused:
                reader._read(source, "the scan", reader.Reading(reader.as_photo))
        assert str(refused.value) == "the scan was changed while it was read: colour it again once it is complete"


@pytest.mark.parametrize("format", FORMATS)
def test_a_large_file_is_read_where_it_lies_and_gives_the_same(tmp_path, monkeypatch, format):
    path, _ = versions_of(tmp_path, format)
    at_once = read(path)
    monkeypatch.setattr(source_room, "IN_MEMORY", 0)
    where_it_lies = read(path)
    assert (where_it_lies.plane == at_once.plane).all()
    assert where_it_lies.metadata == at_once.metadata
    if format != "BMP":
        assert size_of(path) == (300, 300)


def test_tiles_strips_and_floats_of_a_large_tiff(tmp_path, monkeypatch):
    monkeypatch.setattr(source_room, "IN_MEMORY", 0)
    pixels = np.random.default_rng(0).integers(0, 65536, (300, 400), dtype=np.uint16)
    for number, layout in enumerate(
        ({"tile": (64, 64)}, {"rowsperstrip": 7}, {"compression": "lzw"}, {"bigtiff": True})
    ):
        tifffile.imwrite(tmp_path / f"{number}.tif", pixels, photometric="minisblack", **layout)
        assert (read(tmp_path / f"{number}.tif").plane == pixels).all()


def test_a_disk_that_fails_while_it_is_read(tmp_path, monkeypatch):
    path, _ = versions_of(tmp_path, "PNG")

    class Failing(source_room._View):
        def readinto(self, buffer):
            if self._at > 60_000:
                raise OSError(5, "Input/output error")
            return super().readinto(buffer)

    monkeypatch.setattr(source_room, "IN_MEMORY", 0)
    monkeypatch.setattr(source_room, "_View", Failing)
    with pytest.raises(
        UnreadablePhoto, match=r"Dark\.png cannot be read \(Input/output error\): check the path and the disk"
    ):
        read(path)


def test_files_that_were_mended_are_not_kept_in_memory():
    noise = np.random.default_rng(0).integers(0, 256, (800, 800), np.uint8)
    memory = io.BytesIO()
    Image.fromarray(noise).save(memory, "jpeg", quality=95)
    without_end = memory.getvalue().removesuffix(b"\xff\xd9")
    assert read(without_end).notes
    tracemalloc.start()
    try:
        for _ in range(8):
            # A new object each time, as of another file.
            read(bytes(bytearray(without_end)))
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 4 * len(without_end)
    finally:
        tracemalloc.stop()
