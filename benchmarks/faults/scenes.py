"""What is done to an archive and its results: each scene gives figures of what happened, and all that was wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from benchmarks.faults.archive import Archive, Scan, add, make
from benchmarks.faults.checks import faults, results_in
from benchmarks.faults.night import PATIENCE, Night, Run, User, Working
from benchmarks.faults.scans import KINDS, jpeg, picture

GROUP = 65500
"""A group of nobody else."""


@dataclass
class Findings:
    """figures: what happened, by what it is. faults: what was wrong, a sentence each."""

    figures: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.faults.append(otherwise)


def killed(folder: Path, *, files: int, kills: int, seed: int, user: User, large: int = 0) -> Findings:
    """An archive that is coloured by runs which are killed, started twice, and kept out of a part of the output.

    At the end, files come, grow and go while a run is at work.
    """
    found = Findings()
    random = np.random.default_rng(seed)
    begin = time.monotonic()
    forbidden = user.number is not None or os.geteuid() != 0
    archive, night = _begun(folder, user, count=files, seed=seed, large=large, forbidden=forbidden)
    closed = night.output / "1932"
    closed.mkdir(parents=True)
    closed.chmod(0o555)
    user.give(folder)
    before = archive.state()
    made = time.monotonic() - begin
    shut = [scan for scan in archive.scans.values() if scan.place.parts[0] == "1932" and scan.said is None]

    # A second run and two at one moment take two of the kills.
    alone = max(1, kills - 2)
    most = max(2, round(0.8 * archive.results / alone))
    for number in range(alone):
        if number == alone // 2:
            _start_twice(night, found)
        night.killed(random, most)
    deaths = [run for run in night.runs if run.code == -signal.SIGKILL]
    done = len(night.census)

    night.repeat()
    _expect_shut(night, shut, archive, found)
    closed.chmod(0o755)
    again = _come_grow_and_go(night, archive, sum(scan.pages for scan in shut), user, random, found)
    before |= {
        path: what for path, what in archive.state().items() if path not in before or path == os.fspath(archive.folder)
    }
    last = night.repeat()
    found.expect(not last.of("coloured"), f"the last run had something to do: {last.of('coloured')}")
    found.expect(last.code == 1, f"the last run, with failures, ended with {last.code}")
    checking = time.monotonic()
    found.faults += faults(night, archive, before)
    found.figures |= {
        "files": f"{len(archive.scans)} ({archive.results} photographs; {len(archive.refused)} that are to be refused)",
        "ways to be broken": f"{len({scan.kind for scan in archive.scans.values()} - {*KINDS})}",
        "runs": f"{len(night.runs)}, of which {len(deaths)} ended by SIGKILL",
        "results when the last kill was over": f"{done}",
        "part files that kills left, all removed by later runs": f"{night.left}",
        "kills before anything was coloured": f"{sum(not run.of('coloured') for run in deaths)}",
        "refused by name, in one run with --retry-failed": f"{len(again.of('failed'))}",
        "seconds of the last run, which had nothing to do": f"{last.seconds:.1f}",
        "seconds: making the files, all runs, checking": f"{made:.0f}, {sum(run.seconds for run in night.runs):.0f}, "
        f"{time.monotonic() - checking:.0f}",
    }
    return found


def _begun(folder: Path, user: User, **options: object) -> tuple[Archive, Night]:
    """An archive that belongs to the user, and a night of runs over it, before the first."""
    (folder / "in").mkdir(parents=True)
    folder.chmod(0o755)
    archive = make(folder / "in", **options)
    user.give(folder)
    return archive, Night(folder / "in", folder / "out", user)


def _start_twice(night: Night, found: Findings) -> None:
    """A second run while one is at work, and then two at the same moment: one of them works, the other refuses."""
    with night.started() as first:
        first.wait_for(1)
        # However long the second takes to start, the first is not done by then.
        first.process.send_signal(signal.SIGSTOP)
        second = night.repeat()
        found.expect(
            second.code == 1 and not second.of("coloured") and len(second.errors) == 1,
            f"a second run was not refused in one sentence: {second.code}, {second.errors}",
        )
        first.process.kill()
    with night.started() as one, night.started() as other:
        deadline = time.monotonic() + 60
        while one.process.poll() is None and other.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        found.expect(
            (one.process.poll() is None) != (other.process.poll() is None),
            "of two runs that were started at the same moment, not exactly one went on",
        )
        one.process.kill()
        other.process.kill()


def _expect_shut(night: Night, shut: list[Scan], archive: Archive, found: Findings) -> None:
    """Of a folder that cannot be written, every photograph is named."""
    said = {line["input"]: line["message"] for run in night.runs for line in run.of("failed")}
    for scan in shut:
        message = said.get(os.fspath(archive.folder / scan.place), "")
        found.expect("cannot be written" in message, f"{scan.place!r} in a folder without permission: {message!r}")


def _come_grow_and_go(
    night: Night, archive: Archive, shut: int, user: User, random: np.random.Generator, found: Findings
) -> Run:
    """New scans, two of which grow and one of which goes while a run is at work; returns that run.

    shut: how many photographs there are to be coloured beside them.
    """
    late = archive.folder / "late"
    for number in range(40):
        add(archive, Path("late"), 90_000 + number, KINDS["JPEG"], "JPEG", random)
    gone, half, growing = late / "z gone.jpg", late / "z half.jpg", late / "z grows.TIF"
    gone.write_bytes(jpeg(picture(random)))
    contents = {}
    for path, kind in ((half, "JPEG"), (growing, "TIFF, deflate")):
        gray = picture(random, 400, 500)
        place = path.relative_to(archive.folder)
        contents[path] = KINDS[kind].encode(gray)
        archive.scans[place] = Scan(place, kind, (gray.shape[1], gray.shape[0]))
    half.write_bytes(contents[half][:20_000])
    growing.write_bytes(b"")
    user.give(archive.folder)

    def meanwhile(working: Working) -> None:
        working.wait_for(1)
        gone.unlink()
        working.wait_for(shut + 35)
        data = contents[growing]
        while data and working.process.poll() is None:
            with open(growing, "ab") as file:
                file.write(data[:1000])
            data = data[1000:]
            time.sleep(0.01)
        with open(growing, "ab") as file:
            file.write(data)

    run = night.repeat("--retry-failed", meanwhile=meanwhile)
    said = {line["input"]: line for line in run.of("failed", "coloured")}
    line = said.get(os.fspath(gone), {"status": "not named"})
    found.expect(
        line["status"] == "failed" and "does not exist" in line["message"], f"a file that went is said to be: {line}"
    )
    line = said.get(os.fspath(half), {"status": "not named"})
    found.expect(line["status"] == "failed", f"half a file is said to be: {line}")
    line = said.get(os.fspath(growing), {"status": "not named"})
    found.figures["a file that grew while it was read"] = f"{line['status']} {line.get('message')}"
    half.write_bytes(contents[half])
    # Now they are whole, and are coloured without being asked for.
    grown = {line["input"] for line in night.repeat().of("coloured")}
    found.expect(os.fspath(half) in grown, f"{half!r} is whole now, and was not coloured")
    return run


@contextmanager
def small_disk(place: Path, kilobytes: int) -> Iterator[None]:
    """A file system of its own, in memory; only a superuser can make one."""
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=777", "tmpfs", place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def full_disk(folder: Path, *, files: int, seed: int, user: User) -> Findings:
    """The disk of the output becomes full in the middle; there is room again later, while a run works or before one."""
    found = Findings()
    archive, night = _begun(folder, user, count=files, seed=seed, broken=0)
    before = archive.state()
    with small_disk(folder / "disk", 24_000):
        night.output = folder / "disk/out"
        ballast = folder / "disk/ballast"
        for act in ("killed", "waits"):
            _fill(ballast, 250 if act == "killed" else 120)
            with night.started() as working:
                stuck = _until_stuck(working)
                found.figures[f"full disk, {act}: coloured before it"] = f"{working.coloured()}"
                if act == "killed":
                    working.process.kill()
                elif stuck:
                    ballast.unlink()
            ballast.unlink(missing_ok=True)
        run = night.runs[-1]
        found.figures["full disk: what the run that went on said"] = " / ".join(run.errors[:2])
        found.expect(stuck and run.code == 0, f"a run on a full disk ended with {run.code}: {run.errors[:3]}")
        last = night.repeat()
        found.expect(last.code == 0, f"the run after a full disk ended with {last.code}: {last.errors[:3]}")
        found.faults += faults(night, archive, before)
    return found


def _fill(ballast: Path, kilobytes: int) -> None:
    """Leave so much room on a disk."""
    with open(ballast, "wb") as file:
        status = os.statvfs(ballast.parent)
        file.write(bytes(status.f_bavail * status.f_frsize - (kilobytes << 10)))


def _until_stuck(working: Working) -> bool:
    """Wait until a run says that the disk is full; False where it ends before."""
    while working.process.poll() is None:
        if "waits for room" in working.errors():
            return True
        time.sleep(0.05)
    return False


def shared_folder(folder: Path, *, files: int, kills: int, seed: int, user: User) -> Findings:
    """Two users of one group share the folder of results: where one's run is killed, the other's goes on."""
    found = Findings()
    archive, night = _begun(folder, replace(user, groups=(GROUP,), umask=0o022), count=files, seed=seed, broken=0)
    night.output.mkdir()
    os.chown(night.output, 0, GROUP)
    night.output.chmod(0o2775)
    before = archive.state()
    random = np.random.default_rng(seed)
    first, second = night.user, replace(night.user, number=(user.number or 0) - 1)
    for number in range(kills):
        night.user = (first, second)[number % 2]
        with night.started() as working:
            working.wait_for(int(random.integers(1, archive.results // (2 * kills))))
            working.process.kill()
    night.user = second
    run = night.repeat()
    found.expect(run.code == 0, f"the second user's run ended with {run.code}: {run.errors[:3]}")
    night.user = first
    last = night.repeat()
    found.expect(last.code == 0 and not last.of("coloured"), f"the first user had something to do again: {last.errors}")
    for where, folders, names in os.walk(night.output):
        for name in (*folders, *names):
            status = os.lstat(os.path.join(where, name))
            wanted = 0o2770 if name in folders else 0o660
            found.expect(
                status.st_gid == GROUP and status.st_mode & wanted == wanted,
                f"{os.path.join(where, name)!r} is not the group's: {status.st_mode:o}, group {status.st_gid}",
            )
    found.faults += faults(night, archive, before)
    owners = {os.stat(path).st_uid for path in results_in(night.output)}
    found.expect(len(owners) == 2, "only one of two users made results")
    found.figures["shared folder"] = f"{files} photographs by two users in turn, {len(night.runs) - 2} runs killed"
    return found


def foreign_folder(folder: Path, *, seed: int, user: User) -> Findings:
    """The folder of results is another user's: nothing can be written, and that is said."""
    found = Findings()
    archive, night = _begun(folder, user, count=5, seed=seed, broken=0)
    night.output.mkdir()
    os.chown(night.output, 0, 0)
    archive.folder.chmod(0o555)
    before = archive.state()
    run = night.repeat()
    found.expect(run.code == 1, f"a run into a folder of another user ended with {run.code}")
    found.expect(not results_in(night.output), "something was written into a folder of another user")
    found.expect(all("cannot be written" in line["message"] for line in run.of("failed")), f"{run.of('failed')}")
    found.figures["folder of another user"] = f"{len(run.errors)} sentences, such as: {run.errors[1]}"
    os.chown(night.output, user.number or 0, 0)
    run = night.repeat("--retry-failed")
    found.expect(run.code == 0, f"the run after the folder was given ended with {run.code}: {run.errors[:3]}")
    found.faults += faults(night, archive, before)
    return found


def watched(folder: Path, *, files: int, kills: int, seed: int, user: User) -> Findings:
    """Files arrive, at once or slowly, while a run watches for them that is killed and started again."""
    found = Findings()
    random = np.random.default_rng(seed)
    source, night = _begun(folder, user, count=files, seed=seed)
    (folder / "in").rename(folder / "scanner")
    (folder / "in").mkdir()
    user.give(folder / "in")
    # Of links in a circle, the first that arrives is a link to nowhere for a while.
    archive = Archive(
        folder / "in",
        {
            place: replace(scan, said="is a link") if scan.kind == "links in a circle" else scan
            for place, scan in source.scans.items()
        },
    )
    source.folder = folder / "scanner"
    delivery = threading.Thread(target=_deliver, args=(source.folder, archive.folder, seed, user))
    delivery.start()
    watcher = night.watching
    for _ in range(kills):
        watcher.killed(random, max(2, archive.results // (2 * kills)))
    delivery.join()
    before = archive.state()
    with watcher.started() as working:
        deadline = time.monotonic() + PATIENCE
        while len(watcher.census) < archive.results and time.monotonic() < deadline and working.process.poll() is None:
            time.sleep(0.2)
            watcher.count()
        time.sleep(2)
        working.process.send_signal(signal.SIGINT)
    run = watcher.runs[-1]
    found.expect(run.code == 130, f"a run that watches ended by Ctrl-C with {run.code}")
    last = night.repeat()
    found.expect(not last.of("coloured"), f"after the watcher there was something to do: {last.of('coloured')}")
    found.faults += faults(night, archive, before)
    found.figures["watched"] = (
        f"{len(archive.scans)} files that arrived while a run watched, which was killed {kills} times and started again"
    )
    return found


def _deliver(source: Path, target: Path, seed: int, user: User) -> None:
    """Bring files from one folder to another: at once by renaming, or written in pieces."""
    random = np.random.default_rng(seed)
    for path in sorted((path for path in source.rglob("*") if not path.is_dir() or path.is_symlink()), key=os.fspath):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if random.random() < 0.7 or not path.is_file() or path.is_symlink():
            path.rename(place)
        else:
            data = path.read_bytes()
            for part in np.array_split(np.frombuffer(data, np.uint8), 3):
                with open(place, "ab") as file:
                    file.write(part.tobytes())
                time.sleep(random.uniform(0, 0.2))
        user.give(target)
        time.sleep(random.uniform(0, 0.03))
