"""Files are whole or not there, on file systems that can do less than others, and after processes that were killed."""

import errno
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from tintype import files
from tintype.errors import UnwritableFile
from tintype.files import is_unfinished, sweep, whole_file, whole_folder

CONTENT = bytes(range(1, 251)) * 20_000
WRITE = """
import sys
from tintype.files import whole_file
with whole_file(sys.argv[1]) as file:
    file.write(bytes(range(1, 251)) * 20_000)
"""


@pytest.fixture(scope="module")
def strace(tmp_path_factory):
    """`strace(target, inject...)` writes CONTENT, or runs other code, in a process whose system calls fail as told."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True).returncode:
        pytest.skip("strace may not watch processes here")

    def run(target, *inject, code=WRITE):
        watched = [word for what in inject for word in ("-e", f"inject={what}")]
        command = ["strace", "-f", "-qq", "-o", os.devnull, *watched, sys.executable, "-c", code, str(target)]
        return subprocess.run(command, capture_output=True, timeout=120)

    return run


def left(folder):
    return [name for name in os.listdir(folder) if name.endswith(".part")]


@pytest.mark.parametrize("error", ["EINVAL", "EOPNOTSUPP", "ENOSYS"])
def test_a_share_without_fsync_takes_results(strace, tmp_path, error):
    done = strace(tmp_path / "a", f"fsync:error={error}")
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_disk_that_fails_is_not_taken_for_one_without_fsync(strace, tmp_path):
    done = strace(tmp_path / "a", "fsync:error=EIO")
    assert b"UnwritableFile" in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("before", [None, b"the older file"])
@pytest.mark.parametrize("failing", [["/^rename:error=EPERM"], ["/^rename:error=EPERM", "/^link:error=EPERM"]])
def test_where_rename_fails_the_file_is_linked_or_copied(strace, tmp_path, failing, before):
    if before is not None:
        (tmp_path / "a").write_bytes(before)
    done = strace(tmp_path / "a", *failing)
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert os.listdir(tmp_path) == ["a"]


def test_a_copy_that_is_cut_short_is_known_as_such(strace, tmp_path):
    done = strace(tmp_path / "a", "/^rename:error=EPERM", "/^link:error=EPERM", "fsync:signal=KILL:when=2")
    assert done.returncode != 0
    assert (tmp_path / "a").stat().st_size == len(CONTENT)
    assert is_unfinished(tmp_path / "a")
    with whole_file(tmp_path / "a") as file:
        file.write(CONTENT)
    assert not is_unfinished(tmp_path / "a")


def test_a_copy_that_fails_leaves_nothing(strace, tmp_path):
    done = strace(tmp_path / "a", "/^rename:error=EPERM", "/^link:error=EPERM", "fsync:error=EIO:when=2+")
    assert b"UnwritableFile" in done.stderr
    assert os.listdir(tmp_path) == []


def begun(folder):
    """A process that has begun a file in a folder, and waits."""
    code = (
        "import sys, time\nfrom tintype.files import whole_file\n"
        "with whole_file(sys.argv[1]) as file:\n file.write(b'half')\n print('begun', flush=True)\n time.sleep(300)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder / "a")], stdout=subprocess.PIPE)
    with process.stdout as said:
        assert said.readline() == b"begun\n"
    return process


def test_what_killed_processes_left_goes_and_what_is_in_work_stays(tmp_path):
    killed, working = begun(tmp_path), begun(tmp_path)
    try:
        assert len(left(tmp_path)) == 2
        killed.kill()
        killed.wait()
        assert sweep(tmp_path) == 1
        (name,) = left(tmp_path)
        assert f"-{working.pid}-" in name
    finally:
        working.send_signal(signal.SIGKILL)
        working.wait()
    # The next file in the folder does it by itself, once.
    files._swept.clear()
    with whole_file(tmp_path / "b") as file:
        file.write(b"whole")
        assert len(left(tmp_path)) == 1
    assert os.listdir(tmp_path) == ["b"]


def test_a_number_that_went_to_another_process_protects_nothing(tmp_path):
    if files._start(os.getpid()) is None:
        pytest.skip("the system does not tell when a process began")
    part = tmp_path / f".tintype-{files._host()}-{os.getpid()}-12345-{'0' * 16}.part"
    part.touch()
    assert sweep(tmp_path) == 1


@pytest.mark.parametrize("name", [f".tintype-00000000-1-1-{'0' * 16}.part", f".tintype-{'0' * 16}.part"])
def test_files_of_other_machines_go_only_when_they_are_old(tmp_path, name):
    part = tmp_path / name
    part.touch()
    assert sweep(tmp_path) == 0
    day_before_yesterday = time.time() - 2 * files.OLD
    os.utime(part, (day_before_yesterday, day_before_yesterday))
    assert sweep(tmp_path) == 1


def test_only_files_of_ours_are_removed(tmp_path):
    for name in (".tintype-notes.part", "a.part", ".tintype-part", f".tintype-{'0' * 16}.part.jpg"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    assert sweep(tmp_path) == 0
    assert len(os.listdir(tmp_path)) == 4
    assert sweep(tmp_path / "none") == 0


def test_a_folder_that_cannot_be_put_on_the_disk_is_said(strace, tmp_path):
    """The first sync is of the file, the second of the folder with its name."""
    done = strace(tmp_path / "a", "fsync:error=EIO:when=2")
    assert b"UnwritableFile" in done.stderr
    assert left(tmp_path) == []


def test_a_file_replaces_the_one_before_only_when_it_is_whole(tmp_path):
    (tmp_path / "a").write_bytes(b"before")
    with suppress(KeyError), whole_file(tmp_path / "a") as file:
        file.write(b"half")
        raise KeyError
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"before"
    with whole_file(tmp_path / "a") as file:
        assert file.write(memoryview(b"after")) == 5
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"after"


def test_why_a_file_cannot_be_written(tmp_path):
    for name, number, sentence in (
        ("none/a", errno.ENOENT, r"none/a cannot be written \(No such file or directory\): check the folder"),
        ("a" * 300, errno.ENAMETOOLONG, "a is too long a name here: give a shorter one"),
        ("", None, r" is a folder: give the name of a file"),
        ("a\0b", None, r"a\\x00b cannot be written \(embedded null byte\)"),
    ):
        with pytest.raises(UnwritableFile, match=sentence) as caught, whole_file(tmp_path / name):
            pass
        assert caught.value.number == number
        assert caught.value.reason
    # Errors come back whole from other processes.
    assert vars(pickle.loads(pickle.dumps(caught.value))) == vars(caught.value)
    assert os.listdir(tmp_path) == []


def test_a_folder_is_whole_or_not_there(tmp_path):
    with suppress(KeyError), whole_folder(tmp_path / "a") as part:
        (part / "half").write_bytes(b"half")
        raise KeyError
    assert os.listdir(tmp_path) == []
    (tmp_path / "below" / "a").mkdir(parents=True)
    for name in ("a", "below/a", "new/a"):
        with whole_folder(tmp_path / name) as part:
            (part / "inner").mkdir()
            (part / "inner" / "b").write_bytes(b"whole")
            assert part.parent == (tmp_path / name).parent
        assert (tmp_path / name / "inner" / "b").read_bytes() == b"whole"
        assert left(tmp_path / name) == left((tmp_path / name).parent) == []


def test_a_folder_never_replaces_what_is_there(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "diary").write_bytes(b"somebody's own")
    with (
        pytest.raises(UnwritableFile, match=r"a cannot be written \(Directory not empty\)"),
        whole_folder(tmp_path / "a"),
    ):
        pass
    assert os.listdir(tmp_path) == ["a"]
    assert os.listdir(tmp_path / "a") == ["diary"]


def test_every_file_of_a_folder_is_put_on_the_disk(strace, tmp_path):
    """The third sync, after those of the file and of its folder, is that of the folder above."""
    code = "import sys, pathlib\nfrom tintype.files import whole_folder\nwith whole_folder(sys.argv[1]) as part:\n"
    code += " (part / 'b').write_bytes(b'whole')"
    for number in (1, 2, 3):
        done = strace(tmp_path / "a", f"fsync:error=EIO:when={number}", code=code)
        assert b"UnwritableFile" in done.stderr, number
        shutil.rmtree(tmp_path / "a", ignore_errors=True)
        assert os.listdir(tmp_path) == []
    assert strace(tmp_path / "a", "fsync:error=EIO:when=4", code=code).returncode == 0


def test_folders_that_killed_processes_left_go(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead = tmp_path / f".tintype-{files._host()}-{process.pid}-1-{'0' * 16}.part"
    other = tmp_path / f".tintype-00000000-1-1-{'0' * 16}.part"
    for part in (dead, other):
        part.mkdir()
        (part / "shard").write_bytes(b"half")
    os.utime(other, (0, 0))
    assert sweep(tmp_path) == 1
    # The other machine still writes to a file in its folder.
    assert os.listdir(tmp_path) == [other.name]
    os.utime(other / "shard", (0, 0))
    os.utime(other, (0, 0))
    assert sweep(tmp_path) == 1
