"""Many photographs: where each result goes, what is done already, and colouring them side by side."""

from tintype.album.engine import colorize_all
from tintype.album.outcomes import Outcome, foresee
from tintype.album.tasks import Plan, Task, plan

__all__ = ["Outcome", "Plan", "Task", "colorize_all", "foresee", "plan"]
