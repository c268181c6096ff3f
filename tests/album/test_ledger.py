"""The ledger of a folder of results: nothing is lost when a run is killed, and nothing depends on the file alone."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tintype import album
from tintype.album import Ledger, Record, Task, ledger
from tintype.errors import LedgerError

FULL = Record(
    "scans/a.tif",
    "a.tif",
    "done",
    page=2,
    notes=("a.tif lost its profile",),
    size=10,
    modified=1_700_000_000_123_456_789,
    origin="10-0011aabb-00112233445566ff",
    result_size=20,
    result_modified=1_700_000_001_000_000_001,
    model="tintype.v2",
    settings="size=256",
    seconds=0.5,
    finished="2026-01-01T00:00:00Z",
    run=3,
    width=40,
    height=30,
    colour=False,
    measures={"chroma": 12.5},
)


def test_a_record_comes_back_from_json_and_from_the_file(tmp_path):
    assert Record.of_json(json.loads(json.dumps(FULL.json()))) == FULL
    assert Record.of_json({**FULL.json(), "of a later version": 1}) == FULL
    with pytest.raises(LedgerError, match="is no row of a ledger"):
        Record.of_json({"input": "a"})
    failed = Record("b.jpg", "b.jpg", "failed", message="b.jpg is empty", transient=True)
    nowhere = [Record(name, "", "failed", message="does not exist") for name in ("c.jpg", "d.jpg")]
    with Ledger(tmp_path) as book:
        for record in (FULL, failed, *nowhere, FULL):
            book.put(record)
    with Ledger(tmp_path, read_only=True) as book:
        assert sorted(book, key=lambda record: record.input) == [failed, *nowhere, FULL]
        assert len(book) == 4
        assert book.of(Task(Path("x"), tmp_path / "a.tif")) == FULL
        assert book.of(Task(Path("x"), tmp_path / "z.tif")) is None


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are Unicode there")
def test_names_that_are_no_text(tmp_path):
    name = os.fsdecode(b"Mu\xf1oz.png")
    record = Record(f"in/{name}", name, "failed", message=f"in/{name} is empty")
    with Ledger(tmp_path) as book:
        book.put(record)
        book.put(record)
        assert list(book) == [record]
        assert book.of(Task(Path(f"in/{name}"), tmp_path / name)) == record


def test_records_come_in_the_order_of_their_inputs(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "CHUNK", 3)
    monkeypatch.setattr(ledger, "_NEXT", ledger._NEXT.replace("LIMIT 1000", "LIMIT 3"))
    pages = [Record("b.tif", f"b.p{page}.tif", "done", page=page) for page in (2, 10, 3)]
    others = [Record(f"{letter}.jpg", f"{letter}.jpg", "done") for letter in "zcay"]
    with Ledger(tmp_path) as book:
        for record in (*pages, *others):
            book.put(record)
        found = [(record.input, record.page) for record in book]
    assert found == [("a.jpg", None), ("b.tif", 2), ("b.tif", 3), ("b.tif", 10), ("c.jpg", None), ("y.jpg", None),
                     ("z.jpg", None)]  # fmt: skip


def test_it_can_be_read_while_a_run_works(tmp_path):
    with Ledger(tmp_path) as book:
        book.begin("tintype.v2", "size=256")
        book.put(FULL)
        with Ledger(tmp_path, read_only=True) as reader:
            assert list(reader) == [FULL]
            # A reader in the middle of the rows holds nobody up.
            rows = iter(reader)
            next(rows)
            book.put(Record("b.jpg", "b.jpg", "done"))
            assert len(reader) == 2


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal there")
def test_a_run_that_is_killed_while_it_writes_loses_no_row_that_was_written(tmp_path):
    code = (
        "import sys\n"
        "from tintype.album import Ledger, Record\n"
        f"with Ledger({str(tmp_path)!r}) as book:\n"
        "    book.begin('tintype.v2', 'size=256')\n"
        "    for number in range(10 ** 6):\n"
        "        book.put(Record(f'{number:06}.jpg', f'{number:06}.jpg', 'done', message='x' * 3000))\n"
        "        print(number, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if int(line) == 100:
                process.send_signal(signal.SIGKILL)
                break
        said = [int(line) for line in process.stdout if line.endswith("\n")]
    last = max(said, default=100)
    with Ledger(tmp_path) as book:
        found = [record.input for record in book]
        assert found == [f"{number:06}.jpg" for number in range(len(found))]
        assert last + 1 <= len(found) <= last + 2
        (run,) = book.runs
        assert (run.state, run.ended, run.counts) == ("cut off", None, {"coloured": len(found)})
        book.begin("tintype.v2", "size=256")
        book.end({"skipped": len(found)}, finished=True)
        assert [run.state for run in book.runs] == ["cut off", "finished"]
        assert book.runs[0].counts == {"coloured": len(found)}


@pytest.fixture
def scans(tmp_path, monkeypatch):
    """A folder with two photographs, in the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("scans").mkdir()
    for number in range(2):
        Image.fromarray(np.full((40, 60), 90 + number, np.uint8)).save(f"scans/{number}.png")
    return Path("scans")


def coloured(tiny, notices=None):
    def told(event):
        if notices is not None and isinstance(event, album.Noticed):
            notices.append(event.message)

    return [outcome.status for outcome in album.run(["scans"], "out/", colorizer={"model": tiny}, on_event=told)]


FILE = Path("out/.tintype/run.sqlite")


def broken():
    data = bytearray(FILE.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    FILE.write_bytes(data)


def no_database():
    FILE.write_bytes(b"no database at all " * 100)


def newer():
    with sqlite3.connect(FILE) as file:
        file.execute("PRAGMA user_version = 99")
    file.close()


def another():
    FILE.unlink()
    with sqlite3.connect(FILE) as file:
        file.execute("CREATE TABLE diary (day)")
    file.close()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (broken, "is broken"),
        (no_database, "is broken"),
        (newer, "is of a newer version of tintype"),
        (another, "is no ledger of tintype"),
    ],
)
def test_a_file_that_cannot_be_used_is_set_aside_and_made_again_from_the_results(damage, reason, scans, tiny):
    assert coloured(tiny) == ["coloured"] * 2
    before = [os.stat(f"out/{number}.png").st_mtime_ns for number in range(2)]
    damage()
    kept = FILE.read_bytes()
    with pytest.raises(LedgerError, match="repeat the run that filled it"), Ledger("out", read_only=True) as book:
        list(book)
    notices = []
    assert coloured(tiny, notices) == ["skipped"] * 2
    assert notices == [
        f"{FILE} {reason}: it is set aside as run.aside-1.sqlite, and a new one is made from the results"
    ]
    assert FILE.with_name("run.aside-1.sqlite").read_bytes() == kept
    assert [os.stat(f"out/{number}.png").st_mtime_ns for number in range(2)] == before
    with Ledger("out", read_only=True) as book:
        assert [record.state for record in book] == ["done"] * 2
    assert coloured(tiny, notices) == ["skipped"] * 2
    assert len(notices) == 1


def test_where_no_shared_memory_can_be_the_other_journal_is_kept(scans, tiny):
    # SQLite cannot open its file for a folder of that name, as where a file system has no shared memory.
    (FILE.parent / "run.sqlite-shm").mkdir(parents=True)
    notices = []
    assert coloured(tiny, notices) == ["coloured"] * 2
    with Ledger("out", read_only=True) as book:
        assert [record.state for record in book] == ["done"] * 2
    assert notices == []


def test_where_no_database_can_be_the_run_goes_on_without(scans, tiny):
    for name in ("run.sqlite-shm", "run.sqlite-journal"):
        (FILE.parent / name).mkdir(parents=True)
    notices = []
    assert coloured(tiny, notices) == ["coloured"] * 2
    (notice,) = notices
    assert notice.startswith(f"{FILE} cannot be kept (")
    assert notice.endswith("): without a ledger, the results themselves tell what is done")
    assert coloured(tiny) == ["skipped"] * 2


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_file_system_that_knows_no_locks(scans, tiny):
    command = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, "-e", "trace=flock,fcntl"]
    command += ["-e", "inject=flock:error=ENOLCK", "-P", str(Path("out/.tintype/lock").absolute())]
    command += ["-e", "inject=fcntl:error=ENOLCK", "-P", str(FILE.absolute())]
    command += [sys.executable, "-m", "tintype", "colorize", "scans", "-o", "out", "--model", tiny]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if "ptrace" in done.stderr:
        pytest.skip("strace may not watch processes here")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("warning: ") == done.stderr.count("out lies on a file system that has no locks") == 1
    with Ledger("out", read_only=True) as book:
        assert [record.state for record in book] == ["done"] * 2
    assert sorted(os.listdir("out/.tintype")) == ["lock", "run.sqlite"]


def test_a_row_that_was_lost_tells_again_of_which_file_the_result_was_made(scans, tiny):
    def origins():
        with Ledger("out", read_only=True) as book:
            return {record.input: record.origin for record in book}

    coloured(tiny)
    before = origins()
    shutil.rmtree("out/.tintype")
    coloured(tiny)
    assert origins() == before
    assert all(before.values())
