"""How fast a run goes, and how long it will take."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Where a run stands."""

    step: int
    steps: int
    """Updates of the network."""
    loss: float
    """Mean since the last line of the log; no number where the critic alone has learnt."""
    speed: float
    """Photographs per second."""
    waiting: float
    """Share of the time in which the machine waited for a batch."""
    left: float
    """Seconds."""
    critic: int | None = None
    """Updates of the critic so far; None: there is none."""

    def __str__(self) -> str:
        loss = "the critic alone" if math.isnan(self.loss) else f"loss {self.loss:.4f}"
        critic = "" if self.critic is None else f"critic {self.critic}  "
        return (
            f"step {self.step}/{self.steps}  {critic}{loss}  {self.speed:.1f} photographs/s "
            f"(waited {self.waiting:.0%})  {clock(self.left)} left"
        )


def clock(seconds: float) -> str:
    """Hours, minutes and seconds, such as 1:02:03."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
