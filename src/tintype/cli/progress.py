"""The one display of progress: bars on a terminal, and nothing elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

from tintype.errors import printable

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Progress:
    """A bar on standard error for each thing that is being done, while that is a terminal; else nothing is shown.

    A bar appears when it is first told of something, and all go at the end. Any thread may call it.
    """

    def __init__(self, hidden: bool = False):
        self.shown = sys.stderr.isatty() and not hidden
        """Whether there are bars."""
        self._bars: dict[str, TaskID] = {}
        self._progress: RichProgress | None = None

    def __enter__(self) -> Progress:
        if not self.shown:
            return self
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TextColumn("{task.fields[counted]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=Console(stderr=True),
            transient=True,
            # Lines on standard output go above the bars on a terminal. In a pipe they must stay what they are.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, what: str, done: float, count: float, unit: str = "", note: str = "") -> None:
        """Show how far a thing is.

        Args:
            what: its name, which tells the bars apart.
            done, count: how much is done, of how much; in `unit`, as in "MB".
            note: what stands behind the bar, such as what is being done just now.
        """
        if self._progress is None:
            return
        if what not in self._bars:
            self._bars[what] = self._progress.add_task(printable(what), counted="", note="")
        counted = f"{int(done)} of {int(count)}{f' {unit}' * bool(unit)}"
        self._progress.update(self._bars[what], completed=done, total=count, counted=counted, note=printable(note))
