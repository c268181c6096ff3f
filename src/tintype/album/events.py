"""What a run tells of itself while it works. What became of each photograph is not told here: the run yields it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tintype.album.tasks import Plan, Task


@dataclass(frozen=True)
class Planned:
    """Photographs are found, and nothing of them is coloured yet. A run that watches tells it of new ones each time."""

    plan: Plan
    device: str = "cpu"
    """Where the network computes; see `tintype.models.load`."""


@dataclass(frozen=True)
class Moved:
    """A photograph is in work. share: how much of it is finished, 0 to 1. Comes from several threads."""

    task: Task
    share: float


@dataclass(frozen=True)
class Noticed:
    """Something that the user should know of the whole run. message: one sentence."""

    message: str


@dataclass(frozen=True)
class Waiting:
    """The run stands still. reason: one sentence, such as that the disk is full. Comes from several threads."""

    reason: str


@dataclass(frozen=True)
class Resumed:
    """The run goes on after it stood still."""


@dataclass(frozen=True)
class Watching:
    """All that is complete is in work or done. incomplete: the files that are there and may still be written."""

    incomplete: tuple[Path, ...]


Event = Planned | Moved | Noticed | Waiting | Resumed | Watching
