"""tintype train"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tintype.cli import say
from tintype.cli.options import MaybeOutput, between
from tintype.cli.progress import Progress
from tintype.errors import OptionError, not_installed

if TYPE_CHECKING:
    from tintype.training.loop import Run
    from tintype.training.pace import Pace


def train(
    *words: Annotated[str, Parameter(name="CONFIG")],
    output: MaybeOutput = None,
    samples: Annotated[int | None, between(1)] = None,
    max_minutes: Annotated[float | None, between(0, above=True)] = None,
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
        Stop after this many minutes, with a checkpoint. With several files: the time for all together.
    """
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
        # Where standard output is a file, the pace belongs into it.
        with Progress(hidden=not sys.stdout.isatty()) as progress:

            def watch(pace: Pace, progress: Progress = progress) -> None:
                progress("steps", pace.step, pace.steps, note="  ".join(str(pace).split("  ")[1:-1]))

            if len(runs) > 1:
                say(f"{settings.name}: {folder}")
            run = Run(settings, folder, say, watch if progress.shown else None)
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
def _finishing_the_step(run: Run) -> Iterator[None]:
    """Let the first Ctrl-C end the run after its step, with a checkpoint; the second one ends it at once."""
    asked = False

    def stop(number: int, frame: FrameType | None) -> None:
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


def _hint_at_malloc(say: Callable[[str], None]) -> None:
    import platform

    # glibc gives memory back to the system after every step and asks for it again.
    if platform.libc_ver()[0] == "glibc" and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        say("hint: training on a CPU is faster with MALLOC_TRIM_THRESHOLD_ and others set; see docs/training.md")
