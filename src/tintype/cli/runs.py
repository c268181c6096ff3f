"""tintype runs"""

from __future__ import annotations

import json as json_
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tintype.cli import say
from tintype.cli.options import Flag

if TYPE_CHECKING:
    from tintype.album import Ledger, Run
    from tintype.cluster import Rows


def runs(
    folder: Annotated[str, Parameter(name="OUTPUT")],
    *,
    json: Flag = False,
) -> int:
    """Tell what became of the photographs in a folder of results, also while a run is at work there.

    `tintype runs coloured` lists the runs that wrote into the folder, and names each photograph that failed.

    Parameters
    ----------
    folder
        A folder that tintype colorize was given with -o, or an address in a store, such as s3://colour/1931/.
    json
        Print one JSON object per photograph, in the order of their names, then one with the summary and the runs.
    """
    states: Counter[str] = Counter()
    failures = []
    with _opened(folder) as ledger:
        for record in ledger:
            states[record.state] += 1
            if json:
                print(json_.dumps(record.json()), flush=True)
            elif record.state == "failed":
                failures.append(record.message)
        found = ledger.runs
    if json:
        summary = {state: states[state] for state in ("done", "failed", "left")}
        print(json_.dumps({"summary": summary, "runs": [run.json() for run in found]}), flush=True)
        return 0
    for run in found:
        say(_line(run))
    left = f", {states['left']} left alone as colour photographs" if states["left"] else ""
    say(f"now: {states['done']} done, {states['failed']} failed{left}")
    for message in failures:
        say(f"failed: {message}")
    return 0


def _opened(folder: str) -> AbstractContextManager[Ledger | Rows]:
    """The rows of a folder, or of a store."""
    from tintype.album import Ledger
    from tintype.search import is_stored

    if not is_stored(folder):
        return Ledger(folder, read_only=True)
    from tintype.cluster import Rows, store_of

    return nullcontext(Rows(store_of(folder)))


def _line(run: Run) -> str:
    begun = datetime.fromisoformat(run.begun).astimezone()
    took = ""
    if run.ended is not None:
        seconds = int((datetime.fromisoformat(run.ended) - datetime.fromisoformat(run.begun)).total_seconds())
        took = f" after {seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    words = (f"{number} {status.replace('_', ' ')}" for status, number in run.counts.items())
    counts = ", ".join(words) or "nothing done"
    made = f"{run.model}, {run.settings.replace('; ', ', ')}"
    return f"{run.id}: begun {begun:%Y-%m-%d %H:%M}, {run.state}{took}: {counts} ({made})"
