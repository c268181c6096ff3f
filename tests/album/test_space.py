"""A full disk: the run stands still, says so once, and goes on by itself when there is room."""

import errno
import os
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image

from tintype import album
from tintype.album import Noticed, Resumed, Waiting, space
from tintype.album.space import Space, free_space, full
from tintype.errors import DiskFull, UnwritableFile, UnwritablePhoto


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(space, "EVERY", 0.2)
    monkeypatch.setattr(space, "TRY", 0.5)


@pytest.fixture
def disk(tmp_path):
    """A disk of one megabyte."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root mounts a small disk, and on Linux alone")
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode()}")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_run_waits_for_room_and_loses_nothing(jobs, disk, tmp_path, tiny, quick):
    (tmp_path / "in").mkdir()
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 256, (128, 128), np.uint8)
        Image.fromarray(noise).save(tmp_path / "in" / f"{number}.png")
    (disk / "filler").write_bytes(bytes(880_000))
    events, outcomes = [], []

    def run():
        outcomes.extend(
            album.run([tmp_path / "in"], disk / "out", colorizer={"model": tiny}, jobs=jobs, on_event=events.append)
        )

    thread = threading.Thread(target=run)
    thread.start()
    while not any(isinstance(event, Waiting) for event in events):
        assert thread.is_alive()
        time.sleep(0.05)
    time.sleep(1)  # Several looks, none of which is told.
    (disk / "filler").unlink()
    thread.join(60)
    assert [outcome.status for outcome in outcomes] == ["coloured"] * 4
    told = [type(event) for event in events if isinstance(event, (Waiting, Resumed, Noticed))]
    assert told[:2] == [Waiting, Resumed]
    assert told.count(Waiting) == told.count(Resumed) <= 2
    (reason, *_) = [event.reason for event in events if isinstance(event, Waiting)]
    assert reason.startswith(f"The disk of {disk / 'out'} is full (")
    assert " free): the run waits for room" in reason
    for number in range(4):
        with Image.open(disk / "out" / f"{number}.png") as image:
            image.load()
    with album.Ledger(disk / "out", read_only=True) as ledger:
        assert [record.state for record in ledger] == ["done"] * 4
    assert sorted(os.listdir(disk / "out")) == [".tintype", *(f"{number}.png" for number in range(4))]


def test_a_run_that_nobody_makes_room_for_ends(disk, tmp_path, tiny, quick):
    noise = np.random.default_rng(0).integers(0, 256, (128, 128), np.uint8)
    for name in ("a.png", "b.png"):
        Image.fromarray(noise).save(tmp_path / name)
    (disk / "out").mkdir()
    (disk / "filler").write_bytes(bytes(1_000_000))
    outcomes = []
    with pytest.raises(DiskFull, match=r"is full \(.* free\), and nobody made room for \d seconds: free some space"):
        outcomes.extend(
            album.run([tmp_path / "a.png", tmp_path / "b.png"], disk / "out", colorizer={"model": tiny}, patience=0.5)
        )
    assert outcomes == []
    # Alone, and without a folder for its result, a photograph fails at once.
    (outcome,) = album.run([tmp_path / "a.png"], disk / "a.png", colorizer={"model": tiny})
    assert outcome.status == "failed"
    assert "a.png cannot be written (No space left on device): free some space on the disk" in outcome.message


def test_one_thread_tries_and_the_others_wait(tmp_path, quick):
    """The disk is full as long as a file is there."""
    (tmp_path / "filler").touch()
    events, done, tried = [], [], []
    holder = Space(events.append)

    def work():
        tried.append(threading.get_ident())
        if (tmp_path / "filler").exists():
            raise UnwritablePhoto("no room") from UnwritableFile("no room", number=errno.ENOSPC)
        return "written"

    threads = [threading.Thread(target=lambda: done.append(holder.hold(tmp_path, work))) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(tried) < 6:
        time.sleep(0.05)
    (tmp_path / "filler").unlink()
    for thread in threads:
        thread.join(60)
    assert done == ["written"] * 4
    assert [type(event) for event in events] == [Waiting, Resumed]


def test_whoever_waits_ends_with_the_run(tmp_path):
    told = threading.Event()
    holder, ended = Space(lambda event: told.set()), []

    def wait():
        try:
            holder.hold(tmp_path, _full)
        except KeyboardInterrupt:
            ended.append(True)

    thread = threading.Thread(target=wait)
    thread.start()
    assert told.wait(60)
    holder.end()
    thread.join(60)
    assert ended == [True]


def _full():
    raise OSError(errno.EDQUOT, "Disk quota exceeded")


def test_other_errors_are_not_waited_for(tmp_path):
    with pytest.raises(PermissionError):
        Space(pytest.fail).hold(tmp_path, _denied)
    assert full(PermissionError(errno.EACCES, "")) is None
    room = free_space(tmp_path / "not" / "there")
    assert room is not None
    assert 0 < room.bytes <= shutil.disk_usage(tmp_path).total


def _denied():
    raise PermissionError(errno.EACCES, "Permission denied")
