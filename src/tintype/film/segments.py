"""What is done of a film: a folder beside the result, with a file for each finished passage and a record of them."""

from __future__ import annotations

import json
import os
import shutil
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from tintype.album.lock import FOLDER, Lock
from tintype.errors import UnwritableFile
from tintype.files import whole_file

RECORD = "record.json"


class Segments:
    """The finished segments of one film, kept from run to run until the film is joined of them.

        with Segments(Path("old.color.mp4"), making) as segments:
            path = segments.path(stop)          # of the segment from segments.stop on: written whole, or not at all
            segments.finish(stop, state)

    They lie in the folder NAME.parts beside the result, which one run at a time may use. Segments that were made in
    another way are removed, and so is what a killed process left of an unfinished one.

    Args:
        output: the result.
        making: all that the bytes of a segment depend on, by the name that a user knows it by.
        first: the frame with which the film begins.
    Raises:
        FolderInUse: another run colours the same film. UnwritableFile: the folder cannot be used.
    """

    def __init__(self, output: Path, making: Mapping[str, str], first: int = 0) -> None:
        self.folder = output.with_name(f"{output.name}.parts")
        self.making = dict(making)
        self.first = first
        self.stops: list[int] = []
        """The frames before which the finished segments end, one after the other."""
        self.state = b""
        """What was carried out of the last one, for a shot that goes on."""
        self.others: tuple[str, ...] = ()
        """What was different where segments were removed because they were made in another way."""
        self._held = ExitStack()

    def __enter__(self) -> Segments:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(Lock(self.folder))
            self._recall()
        except OSError as error:
            self._held.close()
            raise self._refusal(error) from None
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()
        if not self.stops:
            _remove(self.folder)  # Nothing in it is worth keeping.

    @property
    def stop(self) -> int:
        """The first frame that is not done."""
        return self.stops[-1] if self.stops else self.first

    @property
    def paths(self) -> list[Path]:
        """The finished segments in their order."""
        return [self._path(first, stop) for first, stop in zip([self.first, *self.stops], self.stops, strict=False)]

    def path(self, stop: int) -> Path:
        """Where the next segment lies, that of the frames from `self.stop` up to `stop`."""
        return self._path(self.stop, stop)

    def finish(self, stop: int, state: bytes) -> None:
        """Keep the segment up to the frame `stop`, which is complete, and what was carried out of it.

        Raises UnwritableFile.
        """
        self.stops.append(stop)
        self.state = state
        self._save()

    def clear(self) -> None:
        """Remove everything: the film is done."""
        self.stops.clear()

    def _path(self, first: int, stop: int) -> Path:
        return self.folder / f"{first:08d}-{stop:08d}.nut"

    def _recall(self) -> None:
        """Find out what earlier runs finished, and remove everything else."""
        try:
            record = json.loads((self.folder / RECORD).read_text(encoding="utf-8"))
            made, stops, state = record["making"], record["stops"], b64decode(record["state"])
        except (OSError, ValueError, LookupError, TypeError):
            made, stops, state = {}, [], b""  # There is none, or it is none of ours.
        if made == self.making:
            self.stops, self.state = stops, state
        elif made:
            self.others = tuple(name for name in self.making if made.get(name) != self.making[name])
        if any(not path.exists() for path in self.paths):
            self.stops, self.state = [], b""
        kept = {path.name for path in self.paths} | ({RECORD} if self.stops else set())
        for entry in list(os.scandir(self.folder)):
            if entry.name not in kept and entry.name != FOLDER:
                _remove(Path(entry.path))

    def _save(self) -> None:
        record = {
            "making": self.making,
            "stops": self.stops,
            "state": b64encode(self.state).decode("ascii"),
        }
        with whole_file(self.folder / RECORD) as file:
            file.write(json.dumps(record).encode())

    def _refusal(self, error: OSError) -> UnwritableFile:
        return UnwritableFile(
            f"{self.folder} cannot be written ({error.strerror}): free some space on the disk, or check the folder and "
            "its permissions",
            reason=error.strerror or "",
            number=error.errno,
        )


def _remove(path: Path) -> None:
    """Remove a file or a folder, as far as that is possible."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
