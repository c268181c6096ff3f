"""Files are whole or not there, on file systems that can do less than others, and after processes that were killed."""

import errno
import os
import pickle
import shutil
import signal
import stat
import subprocess
import sys
import time
from contextlib import ExitStack, suppress

import pytest

from tintype import files
from tintype.errors import UnwritableFile
from tintype.files import OutputFolder, is_unfinished, make_folder, sweep, sweep_below, whole_file, whole_folder

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


@pytest.fixture
def folder_of_results(tmp_path):
    """`folder_of_results(mode)` is a folder with a mode, into which this process writes results; its notices beside."""
    if os.name == "nt":
        pytest.skip("Windows gives files the rights of their folders itself")
    with ExitStack() as stack:
        before = os.umask(0o027)
        stack.callback(os.umask, before)

        def make(mode, group=None):
            path = tmp_path / f"out-{mode:o}"
            path.mkdir()
            os.chown(path, -1, os.getgid() if group is None else group)
            path.chmod(mode)
            notices = []
            stack.enter_context(OutputFolder(path, notices.append))
            return path, notices

        yield make


def written(path):
    make_folder(path.parent)
    with whole_file(path) as file:
        file.write(b"whole")
    return path


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("mode", "of_folders", "of_files"),
    [
        (0o700, 0o700, 0o600),
        (0o755, 0o755, 0o644),
        (0o2775, 0o2775, 0o664),
        (0o1777, 0o1777, 0o644),  # Who may write there may not change what is another's.
    ],
)
def test_results_have_the_rights_of_their_folder_whatever_the_umask(mode, of_folders, of_files, folder_of_results):
    out, notices = folder_of_results(mode)
    path = written(out / "new" / "deep" / "a.jpg")
    assert mode_of(path) == of_files
    assert mode_of(path.parent) == mode_of(path.parent.parent) == of_folders
    assert path.stat().st_gid == out.stat().st_gid
    path.chmod(0o400)
    assert mode_of(written(path)) == of_files
    # The folder itself stays as it is, and elsewhere the umask counts.
    assert mode_of(out) == mode
    assert mode_of(written(out.parent / "elsewhere" / "a.jpg")) == 0o640
    assert mode_of(out.parent / "elsewhere") == 0o750
    assert notices == []


def test_results_have_the_group_of_their_folder(folder_of_results):
    if os.geteuid() != 0:
        pytest.skip("only root may give a folder to any group")
    out, _ = folder_of_results(0o2770, group=54321)
    path = written(out / "new" / "a.jpg")
    assert path.stat().st_gid == path.parent.stat().st_gid == 54321
    assert (mode_of(path), mode_of(path.parent)) == (0o660, 0o2770)


def test_a_group_that_may_not_be_given_opens_nothing_to_another_group(folder_of_results, strace):
    """In a folder of another group without set-gid, of somebody who is not in that group."""
    out, _ = folder_of_results(0o770)
    if os.geteuid() != 0:
        pytest.skip("only root may give a folder to any group")
    os.chown(out, -1, 54321)
    code = (
        "import os, sys\nfrom tintype.files import OutputFolder, whole_file\nfolder = os.path.dirname(sys.argv[1])\n"
        "with OutputFolder(folder, sys.exit), whole_file(sys.argv[1]) as file:\n file.write(b'whole')"
    )
    done = strace(out / "a", "/^chown|^lchown:error=EPERM", "/^fchownat:error=EPERM", code=code)
    assert done.returncode == 0, done.stderr.decode()
    assert mode_of(out / "a") == 0o600


SAY = """
import os, sys
from tintype.files import OutputFolder, whole_file
with OutputFolder(os.path.dirname(sys.argv[1]), print):
    for name in "ab":
        with whole_file(sys.argv[1] + name) as file:
            file.write(bytes(range(1, 251)) * 20_000)
"""


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [
        (["fsync:error=EOPNOTSUPP"], "cannot put files on the disk at once (no fsync): the last results may be lost"),
        (["/^rename:error=EPERM"], "cannot rename files: each result is linked or copied to its name"),
        (["/^rename:error=EPERM", "/^link:error=EPERM"], "cannot rename files: each result is linked or copied"),
        (["/^chmod|^fchmodat:error=EPERM"], "keeps no permissions: results have those that it gives to all files"),
    ],
)
def test_what_a_file_system_cannot_do_is_said_once(failing, sentence, strace, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out").chmod(0o700)
    done = strace(tmp_path / "out" / "x", *failing, code=SAY)
    assert done.returncode == 0, done.stderr.decode()
    (line,) = done.stdout.decode().splitlines()
    assert f"{tmp_path / 'out'} lies on a file system that {sentence}" in line
    for name in ("xa", "xb"):
        assert (tmp_path / "out" / name).read_bytes() == CONTENT


def test_a_share_that_renames_but_replaces_nothing(strace, tmp_path):
    (tmp_path / "a").write_bytes(b"before")
    done = strace(tmp_path / "a", "/^rename:error=EEXIST:when=1")
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("failing", ["fsync:error=ENOSPC:when=2", "fsync:error=EDQUOT:when=2"])
def test_a_disk_that_is_full_while_a_file_is_copied_to_its_name_is_called_full(failing, strace, tmp_path):
    done = strace(tmp_path / "a", "/^rename:error=EPERM", "/^link:error=EPERM", failing)
    assert b"free some space on the disk" in done.stderr
    assert os.listdir(tmp_path) == []


def test_folders_are_swept_at_any_depth(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    name = f".tintype-{files._host()}-{process.pid}-1-{'0' * 16}.part"
    for folder in ("", "1931", "1931/deep", ".tintype"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).touch()
    (tmp_path / "1931" / "a.jpg").touch()
    assert sweep_below(tmp_path) == 4
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.jpg"]
