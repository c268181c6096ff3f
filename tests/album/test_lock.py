"""One run at a time in a folder of results, on file systems with and without locks."""

import os
import subprocess
import sys
import time

import pytest

from tintype.album import Lock
from tintype.errors import FolderInUse
from tintype.files import this_process


def test_a_second_run_is_refused_and_told_who_is_at_work(tmp_path):
    lock = Lock(tmp_path)
    assert not lock.is_held()
    with lock:
        assert Lock(tmp_path).is_held()
        with pytest.raises(FolderInUse) as refused, Lock(tmp_path):
            pass
    assert str(refused.value).startswith(f"{tmp_path} is in work by another run (process {os.getpid()}, since 20")
    assert str(refused.value).endswith("): wait until it ends, or give another folder with -o")
    assert not Lock(tmp_path).is_held()
    with Lock(tmp_path):
        pass


def test_the_lock_goes_with_its_process(tmp_path):
    code = f"import os\nfrom tintype.album import Lock\nwith Lock({str(tmp_path)!r}): os._exit(9)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 9
    with Lock(tmp_path):
        pass


def test_a_file_stands_for_a_lock_as_long_as_its_process_lives(tmp_path):
    sign = tmp_path / ".tintype" / "at-work"
    host, _, start = this_process().split("-")
    with Lock(tmp_path) as lock:
        lock._put_up(b"-\n")  # what happens where the file system refuses a lock
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for process, held in (
        (this_process(), True),
        (f"{host}-{dead.pid}-1", False),
        (f"{host}-{os.getpid()}-{int(start) + 1}", start == "0"),
        ("0a0b0c0d-1-1", True),
    ):
        sign.write_text(f"{process}\nprocess 1\n2026-01-01 00:00\n")
        assert Lock(tmp_path).is_held() == held
        if held:
            with pytest.raises(FolderInUse, match=r"\(process 1"):
                Lock(tmp_path)._put_up(b"-\n")
    # Of another machine, nothing was heard for two days; then of its ledger.
    for path in sign.parent.iterdir():
        os.utime(path, (time.time() - 2 * 86400,) * 2)
    assert not Lock(tmp_path).is_held()
    (sign.parent / "run.sqlite").touch()
    assert Lock(tmp_path).is_held()
