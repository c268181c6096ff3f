"""tintype train"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tintype.cli import shown
from tintype.errors import OptionError, not_installed

if TYPE_CHECKING:
    from tintype.training.loop import Pace, Run


def train(
    *words: Annotated[str, Parameter(name="CONFIG")],
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    samples: int | None = None,
    max_minutes: float | None = None,
) -> int:
    """Train models as their configurations say. To continue an interrupted run, repeat the command.

    Under torchrun the processes share each batch, on one machine or on several.

    Example: tintype train mine.toml data.folder=data/mine optimizer.rate=0.0005 -o runs/first

    Parameters
    ----------
    words
        One or more TOML files (see docs/training.md), and keys to change, as key=value. Several files are trained one
        after the other.
    output
        Folder of the run, for its checkpoints, log and TensorBoard events. Default: runs/NAME. For several files: the
        folder in which each gets a folder called NAME. Default: runs.
    samples
        Train each configuration on this many photographs, repeated ones counted, whatever its batch size.
    max_minutes
        Stop after this many minutes, with a checkpoint.
    """
    if max_minutes is not None and not max_minutes > 0:
        raise OptionError(f"--max-minutes must be above 0, not {max_minutes:g}")
    if samples is not None and samples < 1:
        raise OptionError(f"--samples must be at least 1, not {samples}")
    files = [word for word in words if "=" not in word]
    changes = [word for word in words if "=" in word]
    if not files:
        raise OptionError("name a configuration, as in: tintype train mine.toml -o runs/first")
    try:
        import tensorboard  # noqa: F401 (missed here and not after the photographs are read)
        import torch
        from msgspec.structs import replace

        from tintype.training.config import read
        from tintype.training.inputs import demand
        from tintype.training.loop import Run
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("tintype"):
            raise
        raise not_installed("Training", error.name, "train") from None
    from tintype.threads import available_threads

    # torchrun starts several processes on a machine, which share its processors.
    torch.set_num_threads(max(1, available_threads() // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
    # All are read before the first is trained: a mistake in the last must not show after hours.
    runs = [(settings, _folder(settings.name, output, len(files))) for settings in (read(f, changes) for f in files)]
    twice = {folder for _, folder in runs if [other for _, other in runs].count(folder) > 1}
    if twice:
        raise OptionError(f"{min(twice)}: several of the files have this name; give each a name of its own")
    # And all that they read is there: a run of twenty must not end at the last for want of a file.
    for settings, folder in runs:
        demand(settings, fresh=not (folder / "last.pt").is_file())
    until = None if max_minutes is None else time.monotonic() + 60 * max_minutes
    for settings, folder in runs:
        if samples is not None:
            settings = replace(settings, steps=-(-samples // settings.batch))
        with _display() as (say, watch):
            if len(runs) > 1:
                say(f"{settings.name}: {folder}")
            run = Run(settings, folder, say, watch)
            if run.device.type == "cpu":
                _hint_at_malloc(run.say)
            with _finishing_the_step(run):
                left = None if until is None else max((until - time.monotonic()) / 60, 0)
                done = run.train(left)
        if not done:
            break
    run.processes.leave()
    return 0


def _folder(name: str, output: Path | None, files: int) -> Path:
    if files > 1:
        return (output or Path("runs")) / name
    return output or Path("runs") / name


@contextmanager
def _display():
    """Where lines and the pace go: a bar on a terminal, plain lines in a pipe."""
    if not sys.stdout.isatty():
        yield lambda line: print(shown(line), flush=True), None
        return
    from rich.progress import BarColumn, Progress, TextColumn

    columns = "step {task.completed}/{task.total}", BarColumn(), "{task.fields[pace]}"
    with Progress(*(c if isinstance(c, BarColumn) else TextColumn(c) for c in columns)) as progress:
        bar = progress.add_task("", total=None, pace="", visible=False)

        def watch(pace: Pace) -> None:
            place = {"completed": pace.step, "total": pace.steps, "visible": True}
            progress.update(bar, pace=str(pace).partition("  ")[2], **place)

        yield lambda line: progress.console.print(shown(line), highlight=False, markup=False), watch


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
    import platform

    # glibc gives memory back to the system after every step and asks for it again.
    if platform.libc_ver()[0] == "glibc" and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        say("hint: training on a CPU is faster with MALLOC_TRIM_THRESHOLD_ and others set; see docs/training.md")
