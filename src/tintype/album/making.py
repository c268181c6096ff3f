"""All that a result depends on besides the colorizer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tintype.colorizer import Colorizer, OfFile
from tintype.hints import Hints, read_hints
from tintype.photo import Mark
from tintype.reference import Given as ColourPhoto
from tintype.reference import Reference, Way


@dataclass(frozen=True)
class Making:
    """How results are made, and which are made.

    hints, reference, reference_way, format, quality, negative, faded, salvage: as for a call of a `Colorizer`.
    skip_colour: leave colour photographs alone.
    keep_times: give results the times of their photographs.
    overwrite: make every result again. skip_existing: none. Without either, those whose settings were others, or whose
        photograph was changed since.
    retry_failed: try photographs again that an earlier run could not colour; without it they are skipped, unless they
        were changed since, or the model, the settings or the version of tintype are others.
    """

    hints: Hints | None = None
    reference: ColourPhoto | Reference | None = None
    reference_way: Way = "regions"
    format: str | None = None
    quality: int | None = None
    negative: bool = False
    faded: bool = False
    salvage: bool = False
    skip_colour: bool = False
    keep_times: bool = False
    overwrite: bool = False
    skip_existing: bool = False
    retry_failed: bool = False

    def opened(self, colorizer: Colorizer) -> Making:
        """The same with hints that are read and a reference that is looked at, once for many photographs."""
        return replace(
            self,
            hints=None if self.hints is None else tuple(read_hints(self.hints)),
            reference=None if self.reference is None else colorizer.reference(self.reference),
        )

    def options(self, page: int | None = None) -> OfFile:
        """What `Colorizer.file` takes of it for a page."""
        return {
            "hints": self.hints,
            "reference": self.reference,
            "reference_way": self.reference_way,
            "format": self.format,
            "quality": self.quality,
            "negative": self.negative,
            "faded": self.faded,
            "salvage": self.salvage,
            "page": page,
        }

    def mark(self, colorizer: Colorizer, page: int | None = None) -> Mark:
        """What the result of a page would say of its making."""
        settings = colorizer.settings(
            self.hints,
            self.quality,
            reference=None if self.reference is None else colorizer.reference(self.reference),
            reference_way=self.reference_way,
            negative=self.negative,
            faded=self.faded,
            page=page,
        )
        return replace(colorizer.mark, settings=settings)

    def settings(self, mark: Mark) -> str:
        """What a ledger says of the making: the settings of the mark, and what decides whether a photograph fails."""
        parts = [mark.settings]
        if self.format is not None:
            parts.append(f"format={self.format}")
        if self.salvage:
            parts.append("salvage=yes")
        return "; ".join(parts)
