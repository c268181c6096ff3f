"""tintype colorize"""

from __future__ import annotations

import inspect
import io
import json
import os
import sys
import time
import warnings
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from tintype.cli import complain, say
from tintype.cli.options import Flag, OnDevice, between, duration, moment, several
from tintype.cli.progress import Progress
from tintype.cli.usage import unknown_option
from tintype.errors import DiskFull, OptionError, TintypeWarning
from tintype.models import DEFAULT

if TYPE_CHECKING:
    from tintype.album import Event, Making, Outcome
    from tintype.colorizer import Colorizer
    from tintype.photo import Photo

STANDARD = "-"

NIGHT = 12 * 3600.0
"""Seconds for which a run waits for room on a full disk where nobody sees that it waits."""

PAGES = "all, first, or numbers from 1 on, such as 2 or 1,3"


def _page(word: str) -> str | int:
    """One value of --pages."""
    if word.lower() in ("all", "first"):
        return word.lower()
    if not (word.isascii() and word.isdigit() and len(word) < 9 and int(word) > 0):
        raise ValueError(PAGES)
    return int(word)


def colorize(
    *inputs: Annotated[str, Parameter(name="INPUT", allow_leading_hyphen=True)],
    output: Annotated[str | None, Parameter(name=["--output", "-o"], allow_leading_hyphen=True)] = None,
    model: str = DEFAULT,
    size: Annotated[int | None, between(1, 2048)] = None,
    temperature: Annotated[float | None, between(0, 100, above=True)] = None,
    vividness: Annotated[float, between(0, 10)] = 1.0,
    blend: Annotated[float, between(0, 1)] = 1.0,
    hints: str | None = None,
    reference: str | None = None,
    reference_way: Literal["regions", "palette"] = "regions",
    format: str | None = None,
    quality: Annotated[int | None, between(1, 100)] = None,
    negative: Flag = False,
    faded: Flag = False,
    salvage: Flag = False,
    pages: Annotated[tuple[str | int, ...], several(PAGES, _page)] = (),
    suffix: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    include: Annotated[tuple[str, ...], several("patterns such as *.tif")] = (),
    exclude: Annotated[tuple[str, ...], several("patterns such as *.tif")] = (),
    since: Annotated[float | None, moment()] = None,
    watch: Flag = False,
    settle: Annotated[float, between(0, 3600)] = 10.0,
    overwrite: Flag = False,
    skip_existing: Flag = False,
    retry_failed: Flag = False,
    skip_colour: Annotated[
        bool, Parameter(name=["--skip-colour", "--skip-color"], negative="", show_default=False)
    ] = False,
    keep_times: Flag = False,
    wait_for_space: Annotated[float | None, duration()] = None,
    dry_run: Flag = False,
    jobs: Annotated[int | None, between(1)] = None,
    device: OnDevice = "cpu",
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    json: Flag = False,
    quiet: Flag = False,
) -> int:
    """Colour black-and-white photographs. Colour photographs are coloured from their lightness.

    `tintype colorize grandmother.jpg` writes grandmother.color.jpg. `tintype colorize album -o coloured` colours a
    whole folder; after an interruption, repeat the command. The original is never changed.

    Parameters
    ----------
    inputs
        Photographs (JPEG, TIFF, PNG, HEIC, WebP and others), folders with everything below them, or - for standard
        input.
    output
        A file, a folder (its name ends with /, or it exists, or there are several photographs), or - for standard
        output. Default: beside each photograph, as NAME.color.EXT.
    model
        A model that ships with tintype (see `tintype models`), or an .onnx file.
    size
        Short side of the reduced photograph that the network sees, in pixels, 1 to 2048. Smaller gives bolder and
        coarser colours, larger gives finer and more timid ones. Default: what suits the model best.
    temperature
        Low: the likeliest colours, plainer; high: the mean of all possible colours, more colourful. Above 0, up to 100.
        Default: the model's.
    vividness
        Multiplies the strength of the colours, 0 to 10.
    blend
        From 0, the original gray, to 1, the full colour.
    hints
        JSON file with your own colours for places: [{"x": 10, "y": 20, "color": "#8b5a2b", "radius": 5}], in pixels of
        the upright photograph.
    reference
        A colour photograph of something alike, whose colours are taken: the same place, clothes or season.
    reference_way
        regions: each part of the photograph takes the colour of the part of the reference that corresponds to it, where
        there is one. palette: all colours of the reference are shared out to where they are likely.
    format
        jpeg (or jpg), png, tiff (or tif), webp or avif. Default: that of the output's name, else of the photograph;
        PNG where that is not written, such as BMP, GIF or HEIC.
    quality
        1 to 100, of JPEG, WebP and AVIF. Default: at least that of the photograph.
    negative
        The photographs are scans of negatives: make dark light before they are coloured.
    faded
        The photographs have faded: raise their contrast before they are coloured. Only this and --negative change the
        lightness of a result.
    salvage
        Colour what is left of a damaged or cut JPEG, PNG or TIFF file. What is missing stays gray, and the command says
        how many rows that is.
    pages
        Which pages of a TIFF file, or pictures of an MPO, HEIC or AVIF file: all, first, or numbers, as in 2 or 1,3.
        The result of page 2 is NAME.p2.color.EXT. Default: files of several photographs are refused.
    suffix
        What the names of results have before their ending. Default: .color beside the photographs, nothing in a folder.
    include
        Colour only what fits one of these patterns, with commas between them, such as "*.tif" or "1920/**,1930".
    exclude
        Leave out what fits one of these patterns, with commas between them, such as "drafts,*-back.jpg".
    since
        Colour only files that were changed since: a date, a date and time, or a duration such as 12h or 7d.
    watch
        After the photographs that are there, colour new ones as they arrive and are complete, until Ctrl-C.
    settle
        With --watch, how many seconds the size and the time of a file must stay the same before it counts as complete,
        0 to 3600.
    overwrite
        Replace results that exist.
    skip_existing
        Keep every result that exists. Default: results are made again if their settings were others, or if their
        photograph was changed since.
    retry_failed
        Try photographs again that an earlier run into the same folder could not colour. Default: they are skipped,
        unless they were changed since, or the model, the settings or the version of tintype are others.
    skip_colour
        Leave photographs alone that are in colour already. Default: they are coloured, and counted.
    keep_times
        Give each result the date of its photograph's file.
    wait_for_space
        How long a run waits for room on a full disk before it ends, such as 30m or 12h; 0s: not at all. Default: on a
        terminal without end, elsewhere 12h.
    dry_run
        Say what would be done, and do nothing.
    jobs
        How many photographs are coloured at the same time, at least 1. On the CPU the results are the same, byte for
        byte, for any number. Default: one per processor; on another device as many more as its batches hold.
    device
        Where the network computes: cpu, or cuda, directml, coreml or openvino where onnxruntime has them; auto takes
        cuda, directml or openvino where one works, else the CPU. See docs/archives.md.
    engine
        local: on this computer. ray: on the computers of a Ray cluster, whose photographs and results may lie in stores
        such as s3://, gs://, az:// and sftp://. Needs the extra `cluster`.
    address
        HOST:PORT of the cluster, or auto on one of its computers. Default: that of RAY_ADDRESS, else a cluster of this
        computer alone.
    json
        Print one JSON object per photograph on standard output, then one with the summary.
    quiet
        Print nothing but errors.
    """
    if overwrite and skip_existing:
        raise OptionError("--overwrite and --skip-existing contradict each other: give one of them")
    if not inputs:
        raise OptionError("Nothing to colour: give a photograph or a folder, as in: tintype colorize photo.jpg")
    for name in (*inputs, output or ""):
        # Names are let through with a hyphen for the sake of "-", so a misspelt option arrives here.
        if name.startswith("-") and name != STANDARD and not os.path.lexists(name):
            known = [f"--{option.replace('_', '-')}" for option in inspect.signature(colorize).parameters]
            raise OptionError(unknown_option(name, known, ["tintype", "colorize"]))
    streams = STANDARD in inputs or output == STANDARD
    if streams and (len(inputs) > 1 or dry_run or os.path.isdir(inputs[0])):
        raise OptionError("Standard input and output are for one photograph")
    if engine == "ray":
        if streams or jobs is not None:
            what = "Standard input and output are" if streams else "--jobs is"
            raise OptionError(f"{what} not for a cluster: leave out {'-' if streams else '--jobs'} or --engine ray")
        if device != "cpu":
            raise OptionError("--device is not for a cluster, whose nodes compute on their CPUs: leave it out")
        if watch or since is not None:
            raise OptionError("--watch and --since are not for a cluster: leave them out, or --engine ray")
    elif address is not None:
        raise OptionError("--address is that of a cluster: add --engine ray")
    if streams and (watch or since is not None):
        raise OptionError("--watch and --since are for folders, not for standard input and output")
    to_standard = output == STANDARD or (streams and output is None)
    if json and to_standard:
        raise OptionError("--json and the photograph cannot both go to standard output: name a file with -o")
    if to_standard and sys.stdout.isatty():
        raise OptionError("A terminal cannot show a photograph: name a file with -o, or use a pipe")

    from tintype import album
    from tintype.colorizer import Colorizer, Settings
    from tintype.photo.results import check_output
    from tintype.search import expanded

    chosen = _chosen(pages)
    settings = Settings(
        model=model, size=size, temperature=temperature, vividness=vividness, blend=blend, device=device
    )
    making = album.Making(
        hints=hints,
        reference=reference,
        reference_way=reference_way,
        format=format,
        quality=quality,
        negative=negative,
        faded=faded,
        salvage=salvage,
        skip_colour=skip_colour,
        keep_times=keep_times,
        overwrite=overwrite,
        skip_existing=skip_existing,
        retry_failed=retry_failed,
    )
    if quiet:
        warnings.simplefilter("ignore", TintypeWarning)
    report = _Report(json, quiet, dry_run, name_device=device != "cpu")
    if streams:
        result = None if to_standard else output
        check_output(format, quality, result)
        expanded(inputs)  # An address is not a file.
        if chosen == "all" or (isinstance(chosen, tuple) and len(chosen) > 1):
            raise OptionError("Standard input and output are for one photograph: give --pages one number, or first")
        page = 1 if chosen == "first" else chosen[0] if isinstance(chosen, tuple) else None
        colorizer = Colorizer(**settings)
        report.device = colorizer.model.device
        making = replace(making, reference=None if reference is None else colorizer.reference(reference))
        report.add(_stream(colorizer, inputs[0], result, page, making))
        return report.end()
    if engine == "ray":
        from tintype import cluster

        outcomes = cluster.run(
            inputs,
            output,
            colorizer=settings,
            making=making,
            address=address,
            suffix=suffix,
            include=include,
            exclude=exclude,
            pages=chosen,
            dry_run=dry_run,
            on_event=report.told,
        )
    else:
        outcomes = album.run(
            inputs,
            output,
            colorizer=settings,
            making=making,
            jobs=jobs,
            suffix=suffix,
            include=include,
            exclude=exclude,
            pages=chosen,
            since=since,
            watch=watch,
            settle=settle,
            patience=wait_for_space if wait_for_space is not None or sys.stderr.isatty() else NIGHT,
            dry_run=dry_run,
            on_event=report.told,
        )
    hidden = quiet or dry_run or not (report.plan.tasks or watch)
    try:
        with closing(outcomes), Progress(hidden=hidden) as progress:
            report.show(progress)
            for outcome in outcomes:
                report.add(outcome)
    except DiskFull as error:
        complain(error)
        report.end()
        return 1
    except (KeyboardInterrupt, SystemExit):
        if watch:  # That is how it ends.
            report.end()
        raise
    return report.end()


def _chosen(pages: tuple[str | int, ...]) -> str | tuple[int, ...] | None:
    """What --pages means: all, first, or numbers; None where it is not given."""
    numbers = tuple(page for page in pages if isinstance(page, int))
    words = [page for page in pages if isinstance(page, str)]
    if words and len(pages) > 1:
        raise OptionError(f"--pages takes {PAGES}, not {','.join(map(str, pages))}")
    return words[0] if words else numbers or None


def _stream(
    colorizer: Colorizer,
    source: str,
    result: str | None,
    page: int | None,
    making: Making,
) -> Outcome:
    """Colour one photograph from standard input, to standard output, or both."""
    from tintype.album import Outcome
    from tintype.errors import TintypeError

    begin = time.perf_counter()
    photograph, name = (sys.stdin.buffer.read(), "standard input") if source == STANDARD else (source, None)
    places = Path(source), Path(STANDARD if result is None else result)
    if result is not None and not making.overwrite and os.path.lexists(result) and os.path.getsize(result):
        return Outcome(*places, "skipped", why="kept", message=f"{result} exists: --overwrite replaces it")
    in_colour = False
    # The whole result first, so that a photograph that fails puts nothing into the pipe.
    memory = io.BytesIO()

    def examine(photo: Photo) -> None:
        nonlocal in_colour
        in_colour = photo.in_colour
        if making.skip_colour and in_colour:
            raise _LeftAlone

    try:
        target = memory if result is None else result
        notes = colorizer.file(photograph, target, name=name, examine=examine, **making.options(page))
    except _LeftAlone:
        message = f"{name or source} is a colour photograph"
        return Outcome(*places, "skipped", why="colour", message=message, colour=True)
    except TintypeError as error:
        return Outcome(*places, "failed", time.perf_counter() - begin, str(error))
    if result is None:
        sys.stdout.buffer.write(memory.getvalue())
        sys.stdout.buffer.flush()
    return Outcome(*places, "coloured", time.perf_counter() - begin, notes=notes, colour=in_colour)


class _LeftAlone(Exception):
    """A colour photograph that is not to be coloured."""


class _Report:
    """What the user gets to read: errors at once, progress on a terminal, JSON lines, the summary at the end."""

    def __init__(self, as_json: bool, quiet: bool, dry: bool, name_device: bool):
        from tintype.album import Plan

        self.as_json = as_json
        self.dry = dry
        self.quiet = quiet
        self.terminal = sys.stderr.isatty() and not quiet
        self.count: Counter[str] = Counter()
        self.why: Counter[str] = Counter()
        self.colour = 0
        self.differs: Counter[str] = Counter()
        self.last: Outcome | None = None
        self.begin = time.perf_counter()
        self._progress: Progress | None = None
        self.plan = Plan()
        self._photographs = 0
        self._failed: set[tuple[Path, int | None]] = set()
        self._incomplete: tuple[Path, ...] | None = None
        self._shares: dict[Path | None, float] = {}
        self.name_device, self.device = name_device, "cpu"

    def add(self, outcome: Outcome) -> None:
        self.count[outcome.status] += 1
        # A run that watches comes back to photographs that were cut short when they were read first.
        picture = outcome.input, outcome.page
        self.count["failed"] -= picture in self._failed
        self._failed -= {picture}
        if outcome.status == "failed":
            self._failed.add(picture)
        self.why[outcome.why] += 1
        self.colour += bool(outcome.status == "coloured" and outcome.colour)
        if reason := outcome.message.partition(" is made again: ")[2]:
            self.differs[reason] += 1
        if outcome.status in ("coloured", "planned") or outcome.why == "done":
            self.last = outcome
        self._shares.pop(outcome.output, None)
        self._show()
        if self.as_json:
            self._line(
                {
                    "input": os.fspath(outcome.input),
                    "output": None if outcome.output is None else os.fspath(outcome.output),
                    "page": outcome.page,
                    "status": outcome.status,
                    "seconds": round(outcome.seconds, 3),
                    "message": outcome.message,
                    "colour": outcome.colour,
                    "notes": list(outcome.notes),
                    "why": outcome.why,
                }
            )
        if not self.quiet:
            for note in outcome.notes:
                complain(f"warning: {note}")
        if outcome.status == "failed":
            complain(outcome.message)
        elif outcome.message and self.terminal and not self.dry:
            complain(f"skipped: {outcome.message}" if outcome.status == "skipped" else outcome.message)
        if self.dry and not self.as_json:
            if outcome.status == "planned":
                say(f"{outcome.input} -> {outcome.output}" + (f" ({outcome.message})" if outcome.message else ""))
            elif outcome.status == "skipped":
                say(f"{outcome.input} is skipped: {outcome.message}")

    def told(self, event: Event) -> None:
        """What the run tells while it works."""
        from tintype.album import Moved, Noticed, Planned, Resumed, Waiting, Watching

        if isinstance(event, Planned):
            self.plan, self.device = event.plan, event.device
            self._photographs += len(event.plan.tasks)
        elif isinstance(event, Moved):
            self._shares[event.task.output] = event.share
            self._show()
        elif isinstance(event, Noticed) and not self.quiet:
            complain(f"warning: {event.message}")
        elif isinstance(event, Waiting):
            complain(event.reason)
        elif isinstance(event, Resumed) and not self.quiet:
            complain("there is room again, and the run goes on")
        elif isinstance(event, Watching):
            if self._incomplete is None and not self.quiet:
                complain("all that is complete is done or in work; waiting for new photographs, until Ctrl-C")
            self._incomplete = event.incomplete
            self._show()

    def show(self, progress: Progress) -> None:
        """Show from now on how many photographs are done."""
        self._progress = progress
        self._show()

    def _show(self) -> None:
        if self._progress is not None:
            done = self.count.total() + sum(self._shares.copy().values())
            self._progress("colouring", done, self._photographs, note=self._awaited())

    def _awaited(self) -> str:
        """What a run that watches waits for, to be put behind the bar."""
        if self._incomplete is None:
            return ""
        if not self._incomplete:
            return "waiting for new photographs"
        names = ", ".join(path.name for path in self._incomplete[:3])
        more = f" and {len(self._incomplete) - 3} more" if len(self._incomplete) > 3 else ""
        return f"waiting until {names}{more} {'is' if len(self._incomplete) == 1 else 'are'} complete"

    def end(self) -> int:
        """Say the last line; returns the exit code."""
        plan = self.plan
        seconds = time.perf_counter() - self.begin
        if self.as_json:
            statuses = ("coloured", "skipped", "failed", "planned")
            self._line(
                {
                    "summary": {status: self.count[status] for status in statuses}
                    | {
                        "colour": self.colour,
                        "failed_before": self.why["failed"],
                        "passed_over": plan.passed_over.total(),
                        "unread": plan.unread.total(),
                        "managed": plan.managed.total(),
                        "excluded": plan.excluded.total(),
                        "older": plan.older,
                        "seconds": round(seconds, 3),
                    }
                }
            )
        # Pictures were there, but of no kind that is read: whoever waits for results must hear of it.
        nothing_read = bool(plan.unread) and not plan.tasks
        if not self.quiet or nothing_read:
            where = f", on {self.device}" if self.name_device else ""
            complain(f"{'; '.join(self._parts()) or 'no photographs found'} ({seconds:.1f} s{where})")
        return 1 if self.count["failed"] or self.why["failed"] or nothing_read else 0

    def _parts(self) -> list[str]:
        """What there is to say of a run, in the order in which it matters."""
        plan = self.plan
        parts = []
        for status in ("coloured", "planned"):
            if number := self.count[status]:
                again = self.why["again"]
                how = "" if not again else " again" if again == number else f" ({again} of them again)"
                parts.append(f"{number} {status}{how}{self._place()}")
        for reason, number in self.differs.most_common(1):
            share = "" if number == self.why["again"] else f" ({number} of {self.why['again']})"
            parts.append(f"made again as {reason}{share}")
        if self.colour:
            were = "was a colour photograph" if self.colour == 1 else "were colour photographs"
            parts.append(f"{self.colour} of them {were} (--skip-colour leaves these alone)")
        if self.count["failed"]:
            parts.append(f"{self.count['failed']} failed")
        if before := self.why["failed"]:
            parts.append(f"{before} failed before (--retry-failed tries {'it' if before == 1 else 'them'} again)")
        if self.why["done"]:
            place = "" if self.count["coloured"] or self.count["planned"] else self._place()
            parts.append(f"{self.why['done']} skipped as done already{place} (--overwrite makes results again)")
        for why, words in _SKIPPED.items():
            if self.why[why]:
                parts.append(f"{self.why[why]} {words}")
        if plan.unread:
            parts.append(f"pictures of kinds that tintype does not read: {_listed(plan.unread)}")
        if plan.passed_over:
            parts.append(f"passed over as no photographs: {_listed(plan.passed_over)}")
        if plan.managed:
            parts.append(f"folders of a NAS or photo manager not searched: {_listed(plan.managed)}")
        if plan.excluded:
            kinds = [(plan.excluded[kind], kind) for kind in ("photograph", "folder") if plan.excluded[kind]]
            left_out = " and ".join(f"{number} {kind}{'s'[: number > 1]}" for number, kind in kinds)
            parts.append(f"{left_out} left out by --include or --exclude")
        if plan.older:
            parts.append(f"{plan.older} left out by --since")
        return parts

    def _place(self) -> str:
        """Where the results are, to be put after their number."""
        last = self.last
        if last is None or last.output is None:
            return ""
        if last.output == Path(STANDARD):
            return ", to standard output"
        if sum(self.count[status] for status in ("coloured", "planned")) + self.why["done"] == 1:
            return f": {last.output}"
        if self.plan.folder is not None:
            return f", in {self.plan.folder}"
        added = last.output.stem.removeprefix(last.input.stem)
        if last.page is not None:
            added = added.removeprefix(f".p{last.page}")
        return f", beside the photographs, as NAME{added}.EXT"

    @staticmethod
    def _line(content: dict[str, object]) -> None:
        print(json.dumps(content), flush=True)


_SKIPPED = {
    "result": "skipped as results themselves",
    "colour": "left alone as colour photographs",
    "gone": "skipped as gone since they were found",
    "kept": "skipped, as a file is there that may not be tintype's own result (--overwrite replaces it)",
}
"""Why photographs are skipped, in the last line."""


def _listed(kinds: Counter[str], most: int = 5) -> str:
    """How many of which, the most frequent first, and how many kinds more."""
    frequent = sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))
    words = [f"{number} {kind or 'without suffix'}" for kind, number in frequent[:most]]
    more = sum(number for _, number in frequent[most:])
    return ", ".join(words) + (f" and {more} more" if more else "")
