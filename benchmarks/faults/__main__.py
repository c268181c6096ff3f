"""Tries to break a run over an archive, and says whether that worked.

    python -m benchmarks.faults [--files 10000] [--kills 50] [--seed 26] [--folder FOLDER]

Writes an archive of small photographs of every kind that tintype reads, some of them broken. Colours it by runs that
are killed at random moments, started twice, kept out of folders, left without room on the disk, or of several users.
Then compares every file, every result, every row of the ledger and every line that was printed. Prints a table, and
what was wrong. A superuser sees all scenes (the runs are those of a user without rights); others see fewer.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from benchmarks.faults import scenes
from benchmarks.faults.night import User, ordinary_user


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=26)
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder, which goes afterwards")
    options = parser.parse_args()
    user = ordinary_user()
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.chmod(0o755)
        everybody = user or User()
        seed = options.seed
        acts = {
            "killed": lambda place: scenes.killed(
                place, files=options.files, kills=options.kills, seed=seed, user=everybody, large=4
            )
        }
        acts["watched"] = lambda place: scenes.watched(place, files=200, kills=5, seed=seed + 4, user=everybody)
        if root:
            acts["full disk"] = lambda place: scenes.full_disk(place, files=300, seed=seed + 1, user=everybody)
        if root and user is not None:
            acts["shared folder"] = lambda place: scenes.shared_folder(
                place, files=100, kills=3, seed=seed + 2, user=user
            )
            acts["folder of another user"] = lambda place: scenes.foreign_folder(place, seed=seed + 3, user=user)
        wrong = 0
        print("| | |\n|---|---|")
        for name, act in acts.items():
            begin = time.monotonic()
            found = act(folder / name)
            for what, figure in found.figures.items():
                print(f"| {what} | {figure} |", flush=True)
            print(f"| {name}: seconds, and what was wrong | {time.monotonic() - begin:.0f}, {len(found.faults)} |")
            for fault in found.faults:
                print(f"WRONG: {fault}", flush=True)
            wrong += len(found.faults)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
