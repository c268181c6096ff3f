"""What becomes of one photograph: told before by a ledger, or by its files; and afterwards by the engine."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tintype.album.ledger import Ledger, Record
from tintype.album.making import Making
from tintype.album.tasks import Task
from tintype.errors import UnwritablePhoto
from tintype.files import is_unfinished
from tintype.photo import Mark, is_marked, mark_of, origin_of, quick_origin_of
from tintype.photo.results import refuse_same
from tintype.version import __version__


@dataclass(frozen=True)
class Outcome:
    """What became of one photograph: status 'coloured', 'skipped', 'failed' or, before anything is done, 'planned'.

    message: why it failed or is skipped, or why a result that exists is made again. why: of a skipped one, in one word:
    'done', 'result' (it is a result itself), 'kept' (what exists is not simply replaced), 'colour', 'failed' (in an
    earlier run) or 'gone' (it was there when it was found); of another one 'again' where a result was replaced. colour:
    whether it is a colour photograph; None where it was not looked at. notes: what was damaged in the file or could not
    be kept, a sentence each. page: that of the task. record: what a ledger shall keep of it; None where there is
    nothing new.
    """

    input: Path
    output: Path | None
    status: str
    seconds: float = 0.0
    message: str = ""
    notes: tuple[str, ...] = ()
    why: str = ""
    colour: bool | None = None
    page: int | None = None
    record: Record | None = None


def recall(task: Task, ledger: Ledger, mark: Mark, making: Making) -> Outcome | None:
    """A task that is to be skipped by what a ledger knows, without a look into any file; None: its files must tell.

    mark: what the result would say of its making. Nothing is known of a photograph that was written since, nor of a
    result that is gone or was changed.
    """
    if task.output is None or task.refusal is not None or making.overwrite:
        return None
    record = ledger.of(task)
    if record is None or not ledger.is_of(record, task):
        return None
    as_asked = (record.model, record.settings) == (mark.model, making.settings(mark))
    by_us = record.version == __version__
    skipped = Outcome(task.input, task.output, "skipped", page=task.page, colour=record.colour)
    try:
        if _stamp(task.input) != (record.size, record.modified):
            return None
        if record.state == "failed" and as_asked and by_us and not (record.transient or making.retry_failed):
            message = f"{record.message} (in an earlier run; --retry-failed tries it again)"
            return replace(skipped, why="failed", message=message, colour=None)
        if record.state == "left" and making.skip_colour and by_us:
            return replace(skipped, why="colour", message=record.message)
        if record.state == "done" and (as_asked or making.skip_existing):
            result = _stamp(task.output)
            dated = not making.keep_times or result[1] == record.modified
            if result == (record.result_size, record.result_modified) and dated:
                return replace(skipped, why="done", message=f"{task.output} exists", colour=None)
    except OSError:
        pass  # Whoever opens it says why.
    return None


def _stamp(path: Path) -> tuple[int, int]:
    """The size of a file in bytes, and when it was written, in nanoseconds."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def foresee(
    task: Task,
    mark: Mark,
    *,
    overwrite: bool = False,
    skip_existing: bool = False,
    ledger: Ledger | None = None,
) -> Outcome:
    """What will become of a task, by the names and the marks of its files: 'planned', 'skipped' or 'failed'.

    mark: what the result would say of its making. Only results that carry the mark of tintype, and that no other
    program has changed since, are made again of themselves: where the mark tells of another model or other settings,
    or of a photograph that was changed after its result was made. A file that is empty does not count.

    overwrite: make every result again. skip_existing: none. ledger: knows which results were made of this very file,
    whatever its date is now.
    """
    skipped = Outcome(task.input, task.output, "skipped", page=task.page)
    planned = replace(skipped, status="planned")
    if task.refusal is not None:
        return replace(skipped, status="failed", message=task.refusal)
    if task.result_of is not None:
        message = f"{task.input} is the result of {task.result_of} by its name"
        return replace(skipped, why="result", message=message)
    if is_marked(task.input):
        return replace(skipped, output=None, why="result", message=f"{task.input} was coloured by tintype already")
    output = output_of(task)
    if not _exists(output):
        return planned
    refuse_same(task.input, output)
    with suppress(OSError):  # What may not be read is not empty.
        if os.path.isfile(output) and is_unfinished(output):
            return planned
    made = mark_of(output)
    if made is None and task.taken:
        message = f"{task.input} would be written over {output}, a photograph of this run: give another output"
        raise UnwritablePhoto(message)
    if overwrite:
        return replace(planned, why="again")
    if made is None:
        message = f"{output} exists, but does not say that tintype made it: --overwrite replaces it"
        return replace(skipped, why="kept", message=message)
    exists = replace(skipped, why="done", message=f"{output} exists")
    if skip_existing:
        return exists
    if (reason := _other_settings(made, mark)) is None:
        fate = _fate_of_origin(task, made.origin, ledger)
        if fate == "same":
            return exists
        if fate == "other":
            message = (
                f"{output} was made of another file than {task.input} is now: give another folder with -o, or "
                "--overwrite to replace it"
            )
            return replace(skipped, status="failed", message=message)
        reason = "the photograph was changed since"
    if made.software != "tintype":
        changed = f"was changed by {made.software} since" if made.software else "was changed by another program since"
        message = f"{output} {changed}, and {reason}: --overwrite makes it again"
        return replace(skipped, why="kept", message=message)
    return replace(planned, why="again", message=f"{output} is made again: {reason}")


def output_of(task: Task) -> Path:
    """Where the result goes; only tasks that are refused or are results themselves have no place for it."""
    assert task.output is not None
    return task.output


def _other_settings(made: Mark, asked: Mark) -> str | None:
    """What a result was made with that is not asked for now; None where all is the same."""
    if made.model != asked.model:
        return f"its model was {made.model or 'another one'}"
    if not made.settings or made.settings == asked.settings:
        return None  # Releases before 0.2 did not say.
    before, now = (
        dict(part.partition("=")[::2] for part in text.split("; ")) for text in (made.settings, asked.settings)
    )
    other = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if other == ["reference"]:
        return "its reference was another one" if "reference" in before else "it had no reference"
    if any(name in ("hints", "reference", "weights") for name in other):
        return f"its {' and '.join(other)} were others"
    return ", ".join(f"its {name} was {before.get(name, 'not given')}" for name in other)


def _fate_of_origin(task: Task, origin: str, ledger: Ledger | None) -> str:
    """Whether a result was made of its photograph as that is now: 'same', 'changed', or 'other', an older file."""
    record = None if ledger is None else ledger.of(task)
    status = os.stat(task.input)
    if not origin or not stat.S_ISREG(status.st_mode):
        return "same"
    result = os.stat(output_of(task))
    # A result may have the times of its photograph; when it was made, its directory entry tells.
    born = getattr(result, "st_birthtime", None)
    made = max(result.st_mtime_ns, result.st_ctime_ns if born is None else int(born * 1e9))
    # Programs that copy files give them their old dates when all is there.
    written_since = (
        ledger is not None
        and record is not None
        and ledger.is_of(record, task)
        and record.origin == origin
        and (record.size, record.modified) != (status.st_size, status.st_mtime_ns)
    )
    later = written_since or status.st_mtime_ns > made
    with open(task.input, "rb") as stream:
        # Between the two ends nothing is read but where the time says that something may have changed.
        same = origin == origin_of(stream) if later else origin.startswith(f"{quick_origin_of(stream)}-")
    return "same" if same else "changed" if later else "other"


def _exists(path: Path) -> bool:
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UnwritablePhoto(f"{path} is too long a name: give -o FOLDER") from None
        return False
    return True
