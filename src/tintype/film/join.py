"""Segments joined to a film, with all that its source has besides its pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream

from tintype.errors import FilmError, printable
from tintype.files import whole_file
from tintype.film.form import Form
from tintype.film.reader import Film
from tintype.photo.xmp import Mark


def join(
    segments: Sequence[Path],
    film: Film,
    form: Form,
    output: str | os.PathLike[str],
    *,
    first: int = 0,
    stop: int | None = None,
    mark: Mark,
) -> tuple[str, ...]:
    """Write the film of these segments, which hold its frames from number `first` up to `stop`.

    Returns what could not be kept, a sentence each. Raises UnwritableFile and FilmError; nothing is left then.
    """
    orders = [_order(segment) for segment in segments]
    delay = max(place - rank for order in orders for place, rank in enumerate(order))
    stamps = film.stamps(first, first + sum(map(len, orders)))
    step = stamps[1] - stamps[0] if len(stamps) > 1 else 1
    # A packet is decoded as long before it is shown as the order of all of them asks for.
    decoded = [stamps[0] - step * back for back in range(delay, 0, -1)] + stamps
    with (
        whole_file(output) as destination,
        av.open(destination.file.name, "w", format=form.container) as container,
        av.open(str(segments[0])) as template,
    ):
        target = container.add_stream_from_template(template.streams.video[0], opaque=True)
        target.time_base = film.time_base
        place = begin = 0
        for segment, order in zip(segments, orders, strict=True):
            for packet, rank in zip(_packets(segment), order, strict=True):
                packet.pts, packet.dts = stamps[begin + rank], decoded[place]
                packet.time_base, packet.stream = film.time_base, target
                container.mux(packet)
                place += 1
            begin = place
    return ()


def _order(segment: Path) -> list[int]:
    """When each packet of a segment is shown: its rank among them."""
    shown = [packet.pts or 0 for packet in _packets(segment)]
    ranks = {pts: rank for rank, pts in enumerate(sorted(shown))}
    return [ranks[pts] for pts in shown]


def _packets(segment: Path) -> Iterator[Packet[VideoStream]]:
    """The packets of a segment, in the order in which they are decoded."""
    try:
        with av.open(str(segment)) as part:
            for packet in part.demux(part.streams.video[0]):
                if packet.size:
                    yield packet
    except av.FFmpegError as error:
        raise FilmError(
            f"{printable(segment)} is no segment of a film ({error.strerror}): remove it, and repeat the command"
        ) from None
