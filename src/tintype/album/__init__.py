"""Many photographs: where each result goes, what is done already, and colouring them side by side.

for outcome in tintype.album.run(["scans"], "coloured"):
    print(outcome.input, outcome.status, outcome.message)
"""

from tintype.album.engine import colorize_all, colour, run
from tintype.album.events import Event, Moved, Noticed, Planned, Resumed, Waiting, Watching
from tintype.album.ledger import Ledger, Record, Run
from tintype.album.lock import Lock
from tintype.album.making import Making
from tintype.album.outcomes import Outcome, foresee
from tintype.album.tasks import Plan, Task, plan

__all__ = [
    "Event",
    "Ledger",
    "Lock",
    "Making",
    "Moved",
    "Noticed",
    "Outcome",
    "Plan",
    "Planned",
    "Record",
    "Resumed",
    "Run",
    "Task",
    "Waiting",
    "Watching",
    "colorize_all",
    "colour",
    "foresee",
    "plan",
    "run",
]
