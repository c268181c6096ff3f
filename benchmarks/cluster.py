"""What a run on a cluster costs and survives: `python -m benchmarks.cluster [SECTION ...]`.

    overhead    the same photographs in one run with two threads, and in one on a cluster of this computer with one
                actor of two processors: CPU seconds of all processes, and wall time, without the start of either
    killed      2 000 small photographs and 4 files that are none, on three nodes on this computer: an actor is killed
                by SIGKILL, and a node in the middle; what has to be true afterwards is checked

Photographs are made here: those of `overhead` are parts of the examples in 12 megapixels, for the default model;
those of `killed` have 128 x 96 pixels, and tintype.mini colours them. Needs the extra cluster.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.serve import scene
from tintype import album, cluster
from tintype.album import Ledger, Noticed, Outcome
from tintype.cluster import Rows, store_of
from tintype.colorizer import Settings

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from clusters import BAD, actors, hashes, kill, three_nodes, write_photographs

SECTIONS = ("overhead", "killed")

AT_ONCE = 0.2
"""Seconds within which the outcomes of a batch arrive."""


def tree_seconds() -> float:
    """CPU seconds of this process and of all of Ray's on this computer: keep others away."""
    ticks = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path("/proc", process, "cmdline").read_bytes()
            fields = Path("/proc", process, "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(process) == os.getpid() or command.startswith(b"ray::") or b"/ray/" in command:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def timed(outcomes: Iterator[Outcome]) -> tuple[float, float, int]:
    """Wall and CPU seconds per photograph, and of how many: those that are finished after the first, or the first batch
    of an actor, so that no start counts.
    """
    times = []
    for outcome in outcomes:
        assert outcome.status == "coloured", outcome
        times.append((time.perf_counter(), tree_seconds()))
    (begin, cpu), later = max(moment for moment in times if moment[0] < times[0][0] + AT_ONCE), times[-1]
    count = sum(moment[0] > begin for moment in times)
    return (later[0] - begin) / count, (later[1] - cpu) / count, count


def overhead(folder: Path, count: int) -> None:
    (folder / "in").mkdir()
    for number in range(count):
        (folder / "in" / f"p{number:03}.jpg").write_bytes(scene(number))
    local = timed(album.run([folder / "in"], folder / "local", colorizer=Settings(threads=1), jobs=2))
    spread = timed(cluster.run([folder / "in"], folder / "cluster"))
    for name, (wall, cpu, photographs) in {"local": local, "cluster": spread}.items():
        print(f"{name:8} {wall:.3f} s and {cpu:.3f} CPU s for each of {photographs} photographs")
    print(f"overhead {spread[0] / local[0] - 1:+.1%} wall, {spread[1] / local[1] - 1:+.1%} CPU")
    assert hashes(folder / "local") == hashes(folder / "cluster")


def killed(folder: Path, count: int) -> None:
    write_photographs(folder / "in", count)
    before = hashes(folder / "in")
    told: list[str] = []
    outcomes: list[Outcome] = []
    with three_nodes() as (nodes, last):
        begin = time.perf_counter()
        for outcome in cluster.run(
            [folder / "in"],
            folder / "out",
            colorizer=Settings(model="tintype.mini"),
            on_event=lambda event: told.append(event.message) if isinstance(event, Noticed) else None,
        ):
            outcomes.append(outcome)
            if len(outcomes) == count // 4:
                kill(actors()[0])
            if len(outcomes) == count // 2:
                nodes.remove_node(last, allow_graceful=False)
        print(f"{len(outcomes)} photographs in {time.perf_counter() - begin:.0f} s; {'; '.join(told)}")
    statuses = Counter(outcome.status for outcome in outcomes)
    records = {record.output: record.state for record in Rows(store_of(folder / "out"))}
    results = hashes(folder / "out")
    list(album.run([folder / "in"], folder / "local", colorizer=Settings(model="tintype.mini")))
    with Ledger(folder / "out", read_only=True) as ledger:
        kept = {record.output: record.state for record in ledger}
    checks = {
        "every photograph has one outcome": len({outcome.input for outcome in outcomes}) == len(outcomes),
        "every good one is coloured, every bad one named": statuses == {"coloured": count, "failed": len(BAD)},
        "the results are those of a local run, byte for byte": results == hashes(folder / "local"),
        "rows and ledger say the same as the folder": records == kept
        and {place for place, state in records.items() if state == "done"} == set(results),
        "the photographs are as they were": hashes(folder / "in") == before,
        "no part files": not list((folder / "out").rglob("*.part")),
    }
    for name, kept_so in checks.items():
        print(f"{'yes' if kept_so else 'NO ':3} {name}")
    if not all(checks.values()):
        raise SystemExit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", choices=SECTIONS, default=SECTIONS, metavar="SECTION")
    parser.add_argument("--count", type=int, help="photographs; default: 40 for overhead, 2000 for killed")
    given = parser.parse_args()
    for section in given.sections:
        with tempfile.TemporaryDirectory() as folder:
            print(f"## {section}")
            if section == "overhead":
                overhead(Path(folder), given.count or 40)
            else:
                killed(Path(folder), given.count or 2000)


if __name__ == "__main__":
    main()
