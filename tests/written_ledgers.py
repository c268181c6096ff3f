"""Ledgers of runs that nobody made, and the files that they name."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from tintype.album.ledger import Ledger, Record


def write_ledger(folder: Path, records: list[Record]) -> None:
    """A folder of results with a ledger of these records."""
    folder.mkdir(parents=True, exist_ok=True)
    with Ledger(folder) as ledger:
        ledger.begin("tintype.v2", "size=256")
        for record in records:
            ledger.put(record)
        counts = {state: sum(record.state == state for record in records) for state in ("done", "failed")}
        ledger.end({"coloured": counts["done"], "failed": counts["failed"]}, finished=True)


def write_photographs(scans: Path, folder: Path, names: list[str]) -> list[Record]:
    """Photographs and their results, and a record of each: the further behind, the less doubtful."""
    gray = np.arange(24 * 32, dtype=np.uint16).reshape(24, 32) // 3
    records = []
    for number, name in enumerate(names):
        for place, pixels in ((scans / name, gray), (folder / name, np.stack([gray, gray // 2, gray // 3], axis=2))):
            place.parent.mkdir(parents=True, exist_ok=True)
            with open(place, "wb") as file:
                Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
        measures = {"doubt": 40 - 30 * number / len(names), "chroma": 5.0 + number % 50}
        record = Record(os.fspath(scans / name), name, "done", measures=measures, width=32, height=24)
        records.append(record)
    return records
