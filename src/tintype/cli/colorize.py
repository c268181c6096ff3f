"""tintype colorize"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tintype.cli import between, complain, say, unknown_option
from tintype.errors import OptionError

if TYPE_CHECKING:
    from tintype.album import Outcome, Plan

STANDARD = "-"

Flag = Annotated[bool, Parameter(negative="", show_default=False)]


def colorize(
    *inputs: Annotated[str, Parameter(name="INPUT", allow_leading_hyphen=True)],
    output: Annotated[str | None, Parameter(name=["--output", "-o"], allow_leading_hyphen=True)] = None,
    model: str = "tintype.v2",
    size: Annotated[int | None, between(1, 2048)] = None,
    temperature: Annotated[float | None, between(0, 100, above=True)] = None,
    vividness: Annotated[float, between(0, 10)] = 1.0,
    blend: Annotated[float, between(0, 1)] = 1.0,
    hints: str | None = None,
    format: str | None = None,
    quality: Annotated[int | None, between(1, 100)] = None,
    overwrite: Flag = False,
    skip_existing: Flag = False,
    dry_run: Flag = False,
    jobs: Annotated[int | None, between(1)] = None,
    json: Flag = False,
    quiet: Flag = False,
) -> int:
    """Colour black-and-white photographs. A colour photograph is coloured anew from its lightness.

    `tintype colorize grandmother.jpg` writes grandmother.color.jpg. `tintype colorize album -o coloured` colours a
    whole folder; repeated after an interruption, it goes on from there. The original is never touched.

    Parameters
    ----------
    inputs
        Photographs (JPEG, PNG, TIFF, WebP, AVIF, BMP), folders with all that is below them, or - for standard input.
    output
        A file, a folder (named with / at its end, or existing, or for several photographs), or - for standard output.
        Default: beside each photograph, as NAME.color.EXT.
    model
        A model that ships with tintype (see `tintype models`), or an .onnx file.
    size
        Short side of what the network sees, in pixels, 1 to 2048. Default: what suits the model best.
    temperature
        Low: vivid and sure, high: mild; above 0, up to 100. Default: the model's.
    vividness
        Factor on the strength of the colours, 0 to 10.
    blend
        From 0, the original gray, to 1, the full colour.
    hints
        JSON file with colours for places: [{"x": 10, "y": 20, "color": "#8b5a2b", "radius": 5}], in pixels of the
        upright photograph.
    format
        jpeg (or jpg), png, tiff (or tif), webp or avif. Default: that of the output's name, else of the photograph.
    quality
        1 to 100, for formats that lose. Default: not below that of the photograph.
    overwrite
        Make results anew that exist already.
    skip_existing
        Leave results as they are that exist already, which is the default.
    dry_run
        Say what would be done, and do nothing.
    jobs
        Photographs that are worked on side by side, at least 1. Default: one per processor.
    json
        One JSON object per photograph on standard output, then one with the summary.
    quiet
        Say nothing but errors.
    """
    if overwrite and skip_existing:
        raise OptionError("--overwrite and --skip-existing contradict each other: give one of them")
    if not inputs:
        raise OptionError("Nothing to colour: give a photograph or a folder, as in: tintype colorize photo.jpg")
    for name in (*inputs, output or ""):
        # Names are let through with a hyphen for the sake of "-", so a misspelt option arrives here.
        if name.startswith("-") and name != STANDARD and not os.path.lexists(name):
            options = [f"--{option.replace('_', '-')}" for option in colorize.__kwdefaults__]
            raise OptionError(unknown_option(name, options, ["tintype", "colorize"]))
    streams = STANDARD in inputs or output == STANDARD
    if streams and (len(inputs) > 1 or dry_run or os.path.isdir(inputs[0])):
        raise OptionError("Standard input and output are for one photograph")
    to_standard = output == STANDARD or (streams and output is None)
    if json and to_standard:
        raise OptionError("--json and the photograph cannot both go to standard output: name a file with -o")
    if to_standard and sys.stdout.isatty():
        raise OptionError("A photograph is not for the eyes of a terminal: name a file with -o, or use a pipe")

    from tintype import album
    from tintype.colorizer import Colorizer, check_output
    from tintype.models.threads import available_threads

    if streams:
        todo = None
        count = 1
        result = None if to_standard else output
        check_output(format, quality, result)
    else:
        todo = album.plan(inputs, output, format)
        check_output(format, quality)
        count = len(todo.tasks)
        if hints is not None and count > 1:
            raise OptionError(f"--hints are for one photograph, and here are {count}: colour it alone")
    report = _Report(json, quiet, dry_run)
    if dry_run:
        for task in todo.tasks:
            outcome = album.foregone(task, overwrite)
            report.add(outcome or album.Outcome(task.input, task.output, "planned"))
        return report.end(todo)

    processors = available_threads()
    jobs = min(jobs or processors, max(count, 1))
    colorizer = Colorizer(
        model, size, temperature, vividness, blend, threads=max(1, processors // jobs) if jobs > 1 else None
    )
    options = {"hints": hints, "format": format, "quality": quality}
    if streams:
        report.add(_stream(colorizer, inputs[0], result, overwrite, options))
        return report.end(None)
    with report.progress(count) as moved:
        for outcome in album.colorize_all(
            todo.tasks, colorizer, jobs=jobs, overwrite=overwrite, progress=moved, **options
        ):
            report.add(outcome)
    return report.end(todo)


def _stream(colorizer, source: str, result: str | None, overwrite: bool, options: dict) -> Outcome:
    """Colour one photograph from standard input, to standard output, or both."""
    from tintype.album import Outcome
    from tintype.errors import TintypeError

    begin = time.perf_counter()
    given, name = (sys.stdin.buffer.read(), "standard input") if source == STANDARD else (source, None)
    shown = (source, result or STANDARD)
    if result is not None and not overwrite and os.path.lexists(result):
        return Outcome(*shown, "skipped", message=f"{result} exists")
    # The whole result first, so that a photograph that fails puts nothing into the pipe.
    target = result if result is not None else io.BytesIO()
    try:
        notes = colorizer.file(given, target, name=name, **options)
    except TintypeError as error:
        return Outcome(*shown, "failed", time.perf_counter() - begin, str(error))
    if result is None:
        sys.stdout.buffer.write(target.getvalue())
        sys.stdout.buffer.flush()
    return Outcome(*shown, "coloured", time.perf_counter() - begin, notes=notes)


class _Report:
    """What the user gets to read: errors at once, progress on a terminal, JSON lines, the summary at the end."""

    def __init__(self, as_json: bool, quiet: bool, dry: bool):
        self.as_json = as_json
        self.dry = dry
        self.quiet = quiet
        self.terminal = sys.stderr.isatty() and not quiet
        self.count: Counter[str] = Counter()
        self.begin = time.perf_counter()
        self._bar = None

    def add(self, outcome: Outcome) -> None:
        self.count[outcome.status] += 1
        if self._bar is not None:
            self._bar.finish(outcome.input)
        if self.as_json:
            self._line(
                {
                    "input": os.fspath(outcome.input),
                    "output": None if outcome.output is None else os.fspath(outcome.output),
                    "status": outcome.status,
                    "seconds": round(outcome.seconds, 3),
                    "message": outcome.message,
                    "notes": list(outcome.notes),
                }
            )
        if not self.quiet:
            for note in outcome.notes:
                complain(f"warning: {note}")
        if outcome.status == "failed":
            complain(outcome.message)
        elif outcome.status == "skipped" and self.terminal and not self.dry:
            complain(f"skipped: {outcome.message}")
        if self.dry and not self.as_json:
            if outcome.status == "planned":
                say(f"{outcome.input} -> {outcome.output}")
            elif outcome.status == "skipped":
                say(f"{outcome.input} is skipped: {outcome.message}")

    def progress(self, count: int):
        """A context with a progress bar on a terminal; what it gives takes a task and its finished share."""
        if not self.terminal or not count:
            return nullcontext()
        self._bar = _Bar(count)
        return self._bar

    def end(self, plan: Plan | None) -> int:
        passed_over = dict(sorted(plan.passed_over.items())) if plan else {}
        seconds = time.perf_counter() - self.begin
        if self.as_json:
            statuses = ("coloured", "skipped", "failed", "planned")
            self._line(
                {
                    "summary": {status: self.count[status] for status in statuses}
                    | {"passed_over": sum(passed_over.values()), "seconds": round(seconds, 3)}
                }
            )
        if not self.quiet:
            parts = [
                f"{self.count[status]} {status}" for status in ("coloured", "planned", "failed") if self.count[status]
            ]
            if self.count["skipped"]:
                parts.append(f"{self.count['skipped']} skipped as done already (--overwrite makes them anew)")
            if passed_over:
                kinds = ", ".join(f"{number} {suffix or 'without suffix'}" for suffix, number in passed_over.items())
                parts.append(f"passed over as no photographs: {kinds}")
            complain(f"{'; '.join(parts) or 'no photographs found'} ({seconds:.1f} s)")
        return 1 if self.count["failed"] else 0

    @staticmethod
    def _line(content: dict) -> None:
        print(json.dumps(content), flush=True)


class _Bar:
    """A progress bar over photographs, which counts the shares of those in work."""

    def __init__(self, count: int):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("colouring"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TextColumn("{task.fields[done]} of {task.fields[count]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._row = self._progress.add_task("", total=count, done=0, count=count)
        self._shares: dict = {}
        self._done = 0

    def __enter__(self):
        self._progress.start()
        return self

    def __exit__(self, *error):
        self._progress.stop()

    def __call__(self, task, share: float) -> None:
        self._shares[task.input] = share
        self._show()

    def finish(self, input) -> None:
        self._shares.pop(input, None)
        self._done += 1
        self._show()

    def _show(self) -> None:
        self._progress.update(self._row, completed=self._done + sum(self._shares.copy().values()), done=self._done)
