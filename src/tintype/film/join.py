"""Segments joined to a film, with all that its source has besides its pictures."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias, cast

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard
from av.video.stream import VideoStream

from tintype.errors import FilmError, UnwritableFile, printable
from tintype.files import make_folder, whole_file
from tintype.film import sequences
from tintype.film.form import ASPECT, Form
from tintype.film.mark import gif_comment, marked_png, with_mark
from tintype.film.reader import Film, film_of, opened
from tintype.film.streams import Track, chapters_of, kept_of, said_of, tracks_of
from tintype.film.writer import refusals, tag
from tintype.photo import Mark

_OPTIONS = {"mp4": {"movflags": "+faststart"}, "mov": {"movflags": "+faststart"}, "gif": {"loop": "0"}}

Timed: TypeAlias = "tuple[float, int, Packet[Any]]"
"""When a packet is decoded, in seconds; which of the sources it comes from; and the packet."""


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

    Packets are copied: those of the segments, and those of the source's sound, subtitles and cover. Chapters,
    attachments and what the source says of itself come with them. Of a part of a film, all is cut to it.

    Returns what a user should know: what is odd in the source, and what could not be kept, a sentence each. Raises
    UnwritableFile and FilmError; nothing is left then.
    """
    orders = [_order(segment) for segment in segments]
    stamps = film.stamps(first, first + sum(map(len, orders)))
    if len(stamps) != sum(map(len, orders)) or not stamps:
        raise FilmError(f"{printable(film.path)} is not the film of these segments: remove them, repeat the command")
    whole = stop is None or stop >= (film.count or 0)
    if form.container == sequences.CONTAINER:
        try:
            make_folder(Path(output).parent)
        except OSError as error:
            raise UnwritableFile(
                f"{printable(output)} cannot be written ({error.strerror}): check the folder and its permissions"
            ) from error
        files = sequences.names_of(Path(output), first)
        for segment in segments:
            for packet in _packets(segment):
                with whole_file(next(files)) as destination:
                    destination.write(marked_png(bytes(packet), mark))
        return film.notes
    lasting = film.durations(first, first + len(stamps))
    origin = film.start if first == 0 else stamps[0]
    end = None if whole else stamps[-1] + lasting[-1]
    notes = [*film.notes, *_untold(film, form)]
    name = printable(output)
    options = _OPTIONS.get(form.container, {})
    with (
        whole_file(output) as destination,
        refusals(name, form),
        av.open(destination.file.name, "w", format=form.container, container_options=options) as container,
        av.open(str(segments[0])) as template,
    ):
        target = container.add_stream_from_template(template.streams.video[0], opaque=True)
        target.time_base = film.time_base
        target.codec_context.framerate = film.rate
        tag(target.codec_context, film, form)
        if form.codec == "h265" and form.container in ("mp4", "mov"):
            target.codec_context.codec_tag = "hvc1"
        shown = [(stamp - origin, duration) for stamp, duration in zip(stamps, lasting, strict=True)]
        pictures = _pictures(segments, orders, shown, target, film.time_base, form.container, mark)
        if film.is_file:
            with opened(film.path) as source:
                span = (origin * film.time_base, None if end is None else end * film.time_base)
                notes += _with_rest(source, film, form, container, target, pictures, span, first > 0, mark)
        else:
            container.metadata.update(with_mark({}, mark))
            for _, _, packet in pictures:
                container.mux(packet)
    return tuple(notes)


def _with_rest(
    source: InputContainer,
    film: Film,
    form: Form,
    container: OutputContainer,
    target: VideoStream,
    pictures: Iterator[Timed],
    span: tuple[Fraction, Fraction | None],
    cut: bool,
    mark: Mark,
) -> list[str]:
    """Write the pictures with all that the source has besides; returns what is not kept."""
    own = film_of(source, film.path)
    tracks, notes = tracks_of(source, own, container, form.container)
    target.disposition = own.disposition
    target.metadata.update(kept_of(own.metadata))
    container.metadata.update(with_mark(said_of(source), mark))
    if form.container != "gif" and (chapters := chapters_of(source, *span)):
        container.set_chapters(chapters)
    own.discard = Discard.all
    # In MP4 and MOV sound may begin before the film, with what players skip. In other containers that would put off all
    # the rest.
    cut = cut or (source.format.name.startswith("mov") and form.container not in ("mp4", "mov"))
    rest = _rest(source, [track for track in tracks if track.target is not None], span, cut)
    for _, _, packet in heapq.merge(pictures, rest, key=lambda timed: timed[:2]):
        container.mux(packet)
    return notes


def _pictures(
    segments: Sequence[Path],
    orders: list[list[int]],
    shown: list[tuple[int, int]],
    target: VideoStream,
    unit: Fraction,
    form: str,
    mark: Mark,
) -> Iterator[Timed]:
    """The packets of all segments, at the times of the source.

    shown: when each frame is shown, and for how long, in units.
    """
    stamps = [stamp for stamp, _ in shown]
    # Each packet is decoded so many frames before it is shown as the order of all of them asks for.
    delay = max(place - rank for order in orders for place, rank in enumerate(order))
    step = max(1, min((after - stamp for stamp, after in pairwise(stamps)), default=1))
    decoded = [stamps[0] - step * back for back in range(delay, 0, -1)] + stamps
    begin = place = 0
    for segment, order in zip(segments, orders, strict=True):
        for packet, rank in zip(_packets(segment), order, strict=True):
            if form == "gif":
                packet = _gif(packet, mark if place == 0 else None)
            packet.time_base, packet.stream = unit, target
            packet.pts, packet.duration = shown[begin + rank]
            packet.dts = decoded[place]
            yield float(packet.dts * unit), 0, packet
            place += 1
        begin = place


def _rest(
    source: InputContainer, tracks: list[Track], span: tuple[Fraction, Fraction | None], cut: bool
) -> Iterator[Timed]:
    """The packets of all other streams of the source, at the times of the result."""
    if not tracks:
        return
    by_index = {track.source.index: track for track in tracks}

    def timed(track: Track, packets: Iterator[Packet[Any]]) -> Iterator[Timed]:
        for packet in packets:
            if _moved(packet, span, cut, shown=track.source.type == "subtitle"):
                packet.stream = track.target
                stamp = packet.dts if packet.dts is not None else packet.pts
                yield float((stamp or 0) * packet.time_base), 1, packet

    try:
        for packet in source.demux([track.source for track in tracks]):
            if packet.size:
                track = by_index[packet.stream_index]
                yield from timed(track, track.packets(packet))
    except (av.FFmpegError, OSError):
        pass  # A film that is cut off ends here.
    for track in tracks:
        yield from timed(track, track.rest())


def _moved(packet: Packet[Any], span: tuple[Fraction, Fraction | None], cut: bool, shown: bool) -> bool:
    """Bring a packet to its time in the result; False where it does not belong there.

    shown: whether what begins before is seen as long as it lasts, as subtitles are.
    """
    begin, end = span
    stamp = packet.pts if packet.pts is not None else packet.dts
    if stamp is None:
        return True  # A cover
    unit = packet.time_base
    time, lasting = stamp * unit, (packet.duration or 0) * unit
    if end is not None and time >= end:
        return False
    off = round(begin / unit)
    if cut and time < begin:
        if not shown or time + lasting <= begin:
            return False
        packet.pts = packet.dts = 0
        packet.duration = round((time + lasting) / unit) - off
        return True
    if packet.pts is not None:
        packet.pts -= off
    if packet.dts is not None:
        packet.dts -= off
    return True


def _same_settings(segments: Sequence[Path]) -> None:
    """Raises FilmError where segments were not encoded alike, so that one head of a file does not serve them all."""
    heads = set()
    for segment in segments:
        with av.open(str(segment)) as part:
            context = part.streams.video[0].codec_context
            heads.add((context.name, context.width, context.height, context.extradata))
    if len(heads) > 1:
        folder = printable(segments[0].parent)
        raise FilmError(f"The parts of the film in {folder} were encoded by different settings: remove that folder")


def _untold(film: Film, form: Form) -> list[str]:
    """What of the pictures a result cannot say or hold, a sentence each."""
    notes = []
    if film.aspect != 1 and form.codec not in ASPECT:
        notes.append(
            f"The pixels of the film are {float(film.aspect):.3g} times as wide as high, which {form.codec} does not "
            f"say here: choose {' or '.join(sorted(ASPECT))} to keep it"
        )
    if form.size != (film.width, film.height):
        notes.append(
            f"The film has {film.width} x {film.height} pixels, its result {form.size[0]} x {form.size[1]}, as "
            f"{form.codec} takes even numbers alone: what was added repeats the edge"
        )
    return notes


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


def _gif(packet: Packet[VideoStream], mark: Mark | None) -> Packet[VideoStream]:
    """A packet of a GIF: where it begins with the head of a file, with the mark after it, or without a head."""
    data = bytes(packet)
    if not data.startswith(b"GIF8"):
        return packet
    head, rest = data[:13], data[13:]
    return cast("Packet[VideoStream]", Packet(rest if mark is None else head + gif_comment(mark) + rest))
