"""tintype train"""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tintype.errors import OptionError, TintypeError

if TYPE_CHECKING:
    from tintype.training.loop import Pace, Run


def train(
    config: Path,
    /,
    *changes: str,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    max_minutes: float | None = None,
) -> int:
    """Train a model as a configuration says. Repeated after an interruption, it goes on from the last checkpoint.

    Example: tintype train configs/tintype.v1.toml data.folder=data/mine optimizer.rate=0.0005 -o runs/first

    Parameters
    ----------
    config
        A TOML file; docs/training.md explains its keys.
    changes
        Keys that are to be otherwise than in the file, as key=value.
    output
        Folder of the run: its checkpoints, its log and its TensorBoard events. Default: runs/NAME.
    max_minutes
        Stop in time, with a checkpoint.
    """
    if max_minutes is not None and not max_minutes > 0:
        raise OptionError(f"--max-minutes must be above 0, not {max_minutes:g}")
    try:
        import tensorboard  # noqa: F401 (missed here and not after the photographs are read)
        import torch

        from tintype.training.config import read
        from tintype.training.loop import Run
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("tintype"):
            raise
        raise TintypeError(
            f'training needs {error.name}, which is not installed; get it by: pip install "tintype[train]"'
        ) from None
    from tintype.models.threads import available_threads

    torch.set_num_threads(available_threads())
    settings = read(config, changes)
    with _display() as (say, watch):
        run = Run(settings, output or Path("runs") / settings.name, say, watch)
        if run.device.type == "cpu":
            _hint_at_malloc(say)
        with _finishing_the_step(run):
            run.train(max_minutes)
    return 0


@contextmanager
def _display():
    """Where lines and the pace go: a bar on a terminal, plain lines in a pipe."""
    if not sys.stdout.isatty():
        yield lambda line: print(line, flush=True), None
        return
    from rich.progress import BarColumn, Progress, TextColumn

    columns = "step {task.completed}/{task.total}", BarColumn(), "{task.fields[pace]}"
    with Progress(*(c if isinstance(c, BarColumn) else TextColumn(c) for c in columns)) as progress:
        bar = progress.add_task("", total=None, pace="", visible=False)

        def watch(pace: Pace) -> None:
            place = {"completed": pace.step, "total": pace.steps, "visible": True}
            progress.update(bar, pace=str(pace).partition("  ")[2], **place)

        yield lambda line: progress.console.print(line, highlight=False, markup=False), watch


@contextmanager
def _finishing_the_step(run: Run):
    """Let the first Ctrl-C end the run after its step, with a checkpoint; the second one ends it at once."""
    asked = False

    def stop(number, frame):
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, before)
        run.stop()

    try:
        before = signal.signal(signal.SIGINT, stop)
    except ValueError:  # not in the main thread: whoever called us there handles signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


def _hint_at_malloc(say) -> None:
    import os
    import platform

    # glibc gives memory back to the system after every step and asks for it again.
    if platform.libc_ver()[0] == "glibc" and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        say("hint: training on a CPU is faster with MALLOC_TRIM_THRESHOLD_ and others set; see docs/training.md")
