"""What a film has besides its pictures: sound, subtitles, covers, attachments and chapters, copied as they are."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import AttachmentStream, Disposition, Stream
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.container.core import Chapter

SOUND = {"mp4": "aac", "mov": "aac", "webm": "libopus", "matroska": "aac"}
"""How sound is encoded that a container does not hold, by the container."""

TEXT = {"mp4": "mov_text", "mov": "mov_text", "webm": "webvtt", "matroska": "subrip"}
"""How subtitles of text are then written."""

BIT_RATE = 96_000
"""Of a channel of sound that is encoded."""

_STYLES = re.compile(r"\{\\[^}]*\}")  # in the text of ASS
_UNTRUE = ("encoder", "duration", "bps", "number_of_frames", "number_of_bytes", "_statistics")
_OF_FILES = ("encoder", "major_brand", "minor_version", "compatible_brands", "duration", "loop")


@dataclass
class Track:
    """One stream on its way from a source to a result.

    source: of the film. target: of its result; None for what is written as a whole, such as an attachment.
    """

    source: Stream
    target: Stream | None = None

    def packets(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """What is written in the place of a packet, at its time."""
        yield packet

    def rest(self) -> Iterator[Packet[Any]]:
        """What is written after the last packet."""
        yield from ()


class Spoken(Track):
    """Subtitles of MP4, without the empty ones between two of them, which are written anew."""

    def packets(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """As of Track."""
        if bytes(packet) != b"\0\0":
            yield packet


class Encoded(Track):
    """Sound that the container does not hold, encoded once more."""

    def __init__(self, source: AudioStream, container: OutputContainer, encoder: str) -> None:
        rate = 48_000 if encoder == "libopus" else source.codec_context.sample_rate
        target = cast(AudioStream, container.add_stream(encoder, rate=rate))
        target.codec_context.layout = source.codec_context.layout.name
        target.codec_context.bit_rate = BIT_RATE * source.codec_context.layout.nb_channels
        super().__init__(source, target)
        self._resampler: AudioResampler | None = None

    def packets(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """As of Track."""
        try:
            frames = packet.decode()
        except av.FFmpegError:
            return  # A damaged packet is not heard.
        for frame in frames:
            yield from self._encoded(cast("av.AudioFrame", frame))

    def rest(self) -> Iterator[Packet[Any]]:
        """As of Track."""
        yield from self._encoded(None)
        yield from cast(AudioStream, self.target).encode(None)

    def _encoded(self, frame: av.AudioFrame | None) -> Iterator[Packet[Any]]:
        target = cast(AudioStream, self.target)
        if self._resampler is None:
            context = target.codec_context
            context.open()
            self._resampler = AudioResampler(
                context.format.name, context.layout.name, context.sample_rate, context.frame_size
            )
        for part in self._resampler.resample(frame):
            yield from target.encode(part)


class Text(Track):
    """Subtitles of text in another form of text: what is said and when stays, and where and how it stands goes."""

    def __init__(self, source: SubtitleStream, container: OutputContainer, encoder: str) -> None:
        target = container.add_stream(encoder)
        header = source.codec_context.subtitle_header
        if header is None:
            source.codec_context.open()
            header = source.codec_context.subtitle_header
        cast(SubtitleStream, target).codec_context.subtitle_header = header
        target.time_base = source.time_base or Fraction(1, 1000)
        super().__init__(source, target)
        self._encoder = encoder

    def packets(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        """As of Track."""
        try:
            sets = packet.decode()
        except av.FFmpegError:
            return
        said = [part.dialogue.decode("utf-8", "replace").strip() for part in sets if isinstance(part, AssSubtitle)]
        text = _STYLES.sub("", "\n".join(said)).replace("\\N", "\n").encode()
        if not text:
            return
        new: Packet[Any] = Packet(struct.pack(">H", len(text)) + text if self._encoder == "mov_text" else text)
        new.pts, new.dts, new.duration = packet.pts, packet.pts, packet.duration
        new.time_base = packet.time_base
        yield new


def tracks_of(
    source: InputContainer, film: Stream, container: OutputContainer, form: str
) -> tuple[list[Track], list[str]]:
    """How each stream but the film's own is written, and what is not kept as it is, a sentence each.

    form: FFmpeg's name of the container.
    """
    tracks: list[Track] = []
    notes: list[str] = []
    for stream in source.streams:
        if stream.index == film.index:
            continue
        track, note = _track(stream, container, form)
        if note:
            notes.append(note)
        if track is not None:
            if track.target is not None:
                track.target.disposition = stream.disposition
                track.target.metadata.update(kept_of(stream.metadata))
            tracks.append(track)
    return tracks, notes


def _track(stream: Stream, container: OutputContainer, form: str) -> tuple[Track | None, str]:
    name = _name(stream)
    if form not in SOUND:
        return None, "" if stream.type == "data" else f"{name} is not kept: a {form} holds none"
    if isinstance(stream, AttachmentStream):
        if form != "matroska":
            return None, f"{name} is not kept: only .mkv holds attachments"
        container.add_attachment(
            stream.name or "attachment", stream.mimetype or "application/octet-stream", stream.data
        )
        return None, ""
    if stream.type == "data":
        return None, ""  # Such as time codes of a camera, which belong to the stream that is made anew.
    if stream.type not in ("audio", "subtitle", "video") or stream.codec_context is None:
        return None, f"{name} is not kept: it is of a kind that FFmpeg does not know"
    if stream.type == "video" and not stream.disposition & Disposition.attached_pic:
        return None, f"{name} is not kept: a result has one film"
    try:
        kind = Spoken if stream.codec_context.codec.canonical_name == "mov_text" else Track
        return kind(stream, container.add_stream_from_template(stream, opaque=True)), ""
    except ValueError:
        pass  # The container does not hold this codec.
    if isinstance(stream, AudioStream):
        encoder = SOUND[form]
        spoken = "Opus" if encoder == "libopus" else "AAC"
        note = f"{name} was encoded as {spoken}, as this container does not hold it: choose .mkv to keep it as it is"
        return Encoded(stream, container, encoder), note
    if isinstance(stream, SubtitleStream) and stream.codec_context.codec.text_sub:
        return Text(stream, container, TEXT[form]), f"{name} was written as {TEXT[form]}, without its styles"
    return None, f"{name} is not kept, as this container does not hold it: choose .mkv to keep it"


def kept_of(metadata: dict[str, str], untrue: tuple[str, ...] = _UNTRUE) -> dict[str, str]:
    """What a stream or a file says of itself and is still true of the result."""
    return {name: text for name, text in metadata.items() if not name.lower().startswith(untrue)}


def said_of(source: InputContainer) -> dict[str, str]:
    """What a file says of itself and is still true of the result."""
    return kept_of(dict(source.metadata), _OF_FILES)


def chapters_of(source: InputContainer, begin: Fraction, end: Fraction | None) -> list[Chapter]:
    """Chapters between two times in seconds of the source, counted from the first."""
    chapters: list[Chapter] = []
    for chapter in source.chapters():
        unit = chapter["time_base"] or Fraction(1, av.time_base)
        first, last = chapter["start"] * unit, chapter["end"] * unit
        if last <= begin or (end is not None and first >= end):
            continue
        first, last = max(first, begin) - begin, (last if end is None else min(last, end)) - begin
        chapters.append({**chapter, "start": round(first / unit), "end": round(last / unit), "time_base": unit})
    return chapters


def _name(stream: Stream) -> str:
    """What a sentence calls a stream."""
    kind = {"audio": "Sound", "subtitle": "Subtitles", "attachment": "Attachment", "video": "Pictures"}
    codec = "" if stream.codec_context is None else f", {stream.codec_context.codec.canonical_name}"
    return f"{kind.get(stream.type, 'A stream')} (stream {stream.index}{codec})"
