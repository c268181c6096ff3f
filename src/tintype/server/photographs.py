"""The photographs that clients work on: what was uploaded, how it is to be coloured, and until when it is kept."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tintype.hints import Hint
from tintype.photo import Photo
from tintype.server.folder import File
from tintype.server.options import Settings
from tintype.server.problems import Full, Refused


@dataclass(frozen=True)
class Facts:
    """What its file says of a photograph."""

    width: int
    height: int
    format: str
    depth: int
    pages: int
    in_colour: bool
    line_art: bool
    notes: tuple[str, ...]

    @classmethod
    def of(cls, photo: Photo, pages: int) -> Facts:
        return cls(
            photo.width,
            photo.height,
            photo.format,
            photo.depth,
            pages,
            photo.in_colour,
            photo.is_line_art,
            photo.notes,
        )


@dataclass(eq=False)
class Photograph:
    """One that was uploaded, and what is asked for. Only the event loop changes it."""

    file: File
    name: str
    facts: Facts
    settings: Settings
    hints: tuple[Hint, ...] = ()
    version: int = 1
    id: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    used: float = 0.0
    deleted: bool = False

    def change(
        self,
        *,
        settings: Settings | None = None,
        hints: tuple[Hint, ...] | None = None,
        facts: Facts | None = None,
    ) -> None:
        """Ask for something else. The version grows if it is."""
        before = self.settings, self.hints
        self.settings = self.settings if settings is None else settings
        self.hints = self.hints if hints is None else hints
        self.facts = self.facts if facts is None else facts
        self.version += (self.settings, self.hints) != before


class Photographs:
    """All of them, by their ids, until nobody has used them for a while.

    Args:
        most: photographs at a time.
        idle: seconds.
        forgotten: called with each that goes.
    """

    def __init__(
        self,
        most: int,
        idle: float,
        forgotten: Callable[[Photograph], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most, self.idle, self._forgotten, self._clock = most, idle, forgotten, clock
        self._kept: dict[str, Photograph] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, id: str) -> bool:
        return id in self._kept

    def check_room(self) -> None:
        """Raises Full where no more are taken."""
        self.expire()
        if len(self._kept) >= self.most:
            oldest = min(photograph.used for photograph in self._kept.values())
            wait = min(max(1.0, oldest + self.idle - self._clock()), 60.0)
            raise Full(f"The server keeps {self.most} photographs already: delete some, or try again later", wait)

    def add(self, photograph: Photograph) -> None:
        """Keep one. Raises Full."""
        self.check_room()
        photograph.used = self._clock()
        self._kept[photograph.id] = photograph

    def find(self, id: str) -> Photograph:
        """The one of this id, which is used from now on. Raises Refused."""
        self.expire()
        photograph = self._kept.get(id)
        if photograph is None:
            raise Refused(404, "There is no such photograph here, or it was kept long enough: upload it again")
        photograph.used = self._clock()
        return photograph

    def delete(self, photograph: Photograph) -> None:
        """Forget one, with its file."""
        if self._kept.pop(photograph.id, None) is not None:
            photograph.deleted = True
            photograph.file.remove()
            self._forgotten(photograph)

    def expire(self) -> None:
        """Forget those that nobody has used for too long."""
        now = self._clock()
        for photograph in [one for one in self._kept.values() if one.used + self.idle < now]:
            self.delete(photograph)

    def clear(self) -> None:
        for photograph in list(self._kept.values()):
            self.delete(photograph)
