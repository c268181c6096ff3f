"""What an evaluation was made of: figures mean something only beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FILE = "protocol.json"
"""Its name in the folder of a run."""

TRUTH = "truth"
"""Label of the photographs themselves, in a run."""

BASELINES = ("gray", "prior-mean", "random")
"""Labels of the baselines of every run: no colour, the mean colour of the prior, another photograph's colours."""


@dataclass(frozen=True)
class Photograph:
    """A photograph as it was measured."""

    name: str
    """Its path below the folder or archive, without suffix."""
    sha256: str
    """Of its pixels, 8-bit sRGB, row by row."""
    height: int
    width: int


@dataclass(frozen=True)
class Protocol:
    """Everything that the figures of a run depend on. The same input gives the same protocol: it holds no time."""

    source: str
    """What the photographs were taken from: a folder, an archive, or a published set."""
    photographs: tuple[Photograph, ...]
    side: int | None
    """Of the squares that are measured, in pixels; None: the photographs at their own size."""
    crop: str
    """How they were cut, in words."""
    gray: str
    """How the gray that is coloured was made: a film response of `color.film` and, after a comma, a damage; or another
    gray in words, with that of the baselines in brackets."""
    models: Mapping[str, Mapping[str, Any]]
    """Label -> which file, with its hash, or which folder, and its settings. The baselines are not among them."""
    metrics: Mapping[str, str]
    """Metric -> which variant of it, in words."""
    versions: Mapping[str, str]
    """Program -> version. Where a run was continued with another, both, with a comma between them."""

    def to_json(self) -> str:
        """JSON text; `Protocol.from_json` gives the protocol back equal."""
        values = asdict(self)
        values["photographs"] = {"source": values.pop("source"), "list": values["photographs"]}
        return json.dumps(values, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Protocol:
        """Raises ValueError when the text is not a protocol."""
        try:
            values = json.loads(text)
            photographs = values.pop("photographs")
            listed = tuple(Photograph(**photograph) for photograph in photographs["list"])
            return cls(source=photographs["source"], photographs=listed, **values)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"it is not the protocol of an evaluation: {error}") from None


def differences(ours: Protocol, theirs: Protocol) -> list[str]:
    """The fields that forbid ranking figures of two runs together, a short phrase each; empty: they may stand together.

    Models and versions forbid nothing, nor does a metric that only one of the two has.
    """
    apart = []
    mine = {photograph.name: photograph for photograph in ours.photographs}
    other = {photograph.name: photograph for photograph in theirs.photographs}
    unlike = [name for name in mine | other if mine.get(name) != other.get(name)]
    if unlike:
        count = f"{len(unlike)} of {len(mine | other)}"
        apart.append(f"photographs ({count} differ, such as {unlike[0]})")
    for field in ("side", "crop"):
        if (a := getattr(ours, field)) != (b := getattr(theirs, field)):
            apart.append(f"{field} ({a or 'whole'} and {b or 'whole'})")
            break  # The crop follows from the side.
    if ours.gray != theirs.gray:
        apart.append(f"gray ({ours.gray} and {theirs.gray})")
    for metric in ours.metrics:
        if (a := ours.metrics[metric]) != (b := theirs.metrics.get(metric, a)):
            apart.append(f"metric {metric} ({a} and {b})")
    return apart
