"""Films written: the frames of segments, and all that the source has besides, as it was."""

import resource
import signal
from contextlib import contextmanager
from fractions import Fraction
from hashlib import blake2b

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from clips import HEIGHT, grays, write_clip
from small_films import frames as moving
from tintype.errors import FilmError, UnwritableFile
from tintype.film.form import ASPECT, CODECS, CONTAINERS, form_of
from tintype.film.join import join
from tintype.film.mark import film_mark
from tintype.film.paint import Painter
from tintype.film.reader import open_film
from tintype.film.writer import SegmentWriter
from tintype.photo import Mark, read
from tintype.photo.xmp import SOURCE_TYPE

MARK = Mark("tintype", "9.9", "tintype.mini", "size=256; vividness=1", "12-ab")
AB = np.ascontiguousarray(
    cv2.GaussianBlur(np.random.default_rng(0).normal(0, 90, (12, 16, 2)).astype(np.float32), (0, 0), 2).transpose(
        2, 0, 1
    )
)


def coloured(
    source, output, folder, *, codec=None, crf=None, first=0, stop=None, blend=1.0, cuts=(4,)
) -> tuple[str, ...]:
    """Colour a film in segments that end at these frames; returns the notes."""
    folder.mkdir(exist_ok=True)
    with open_film(source) as film:
        form = form_of(film, output, codec, crf)
        painter = Painter(film, form, blend=blend)
        end = film.count if stop is None else stop
        ends = [cut for cut in cuts if first < cut < end] + [end]
        segments = []
        for begin, last in zip([first, *ends[:-1]], ends, strict=True):
            segments.append(folder / f"{last}.part")
            with SegmentWriter(segments[-1], film, form) as segment:
                for frame in film.frames(begin, last):
                    segment.write(frame, painter(frame, AB))
        return join(segments, film, form, output, first=first, stop=stop, mark=MARK)


def packets(path, kind) -> list[tuple[float | None, bytes]]:
    """When the packets of the first stream of a kind are shown, and their bytes."""
    with av.open(str(path)) as file:
        (stream,) = (stream for stream in file.streams if stream.type == kind)
        return [
            (None if packet.pts is None else float(packet.pts * packet.time_base), bytes(packet))
            for packet in file.demux(stream)
            if packet.size
        ]


RESULTS = [(suffix, codec) for suffix, (_, codecs) in CONTAINERS.items() for codec in codecs if suffix != ".m4v"]


@pytest.mark.parametrize(("suffix", "codec"), RESULTS, ids=[codec + suffix for suffix, codec in RESULTS])
def test_every_codec_in_every_container(suffix, codec, tmp_path):
    source = write_clip(
        tmp_path / "in.mp4", context={"sample_aspect_ratio": Fraction(4, 3)}, rate=Fraction(24000, 1001)
    )
    output = tmp_path / f"out{suffix}"
    notes = coloured(source, output, tmp_path / "parts", codec=codec)
    assert [note for note in notes if "1.33 times as wide" not in note] == []
    assert len(notes) == (codec not in ASPECT)
    made, film = open_film(output), open_film(source)
    assert made.count == 10
    unit = Fraction(1, 100) if suffix == ".gif" else Fraction(1, 1000) if suffix in (".mkv", ".webm") else 0
    for before, after in zip(film.frames(), made.frames(), strict=True):
        assert abs(after.time - before.time) <= unit
        most = 2.2 if codec == "gif" else 1.0
        assert np.abs(made.tones[after.gray] - film.tones[before.gray]).mean() < most
    with av.open(str(output)) as file:
        stream = file.streams.video[0]
        assert stream.codec_context.codec.canonical_name == av.Codec(CODECS[codec].encoder, "w").canonical_name
        picture = next(file.decode(stream))
        chroma = np.ptp(picture.to_ndarray(format="rgb24").astype(int), axis=-1).mean()
        assert chroma > 10
        if codec != "gif":
            if codec in ASPECT:
                assert stream.sample_aspect_ratio == Fraction(4, 3)
            tags = picture.color_range, picture.colorspace, picture.color_primaries, picture.color_trc
            assert tags == (1, 6, 1, 1)
    assert film_mark(output) == MARK
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", output.name, "parts"]


def test_the_same_frames_give_the_same_bytes(tmp_path):
    source = write_clip(tmp_path / "in.mp4")
    film = open_film(source)
    for codec in ("h264", "h265", "vp9"):
        form = form_of(film, "x.mkv", codec)
        painter, digests = Painter(film, form), set()
        for turn in range(2):
            path = tmp_path / f"{codec}{turn}"
            with SegmentWriter(path, film, form) as segment:
                for frame in film.frames():
                    segment.write(frame, painter(frame, AB))
            digests.add(blake2b(path.read_bytes()).hexdigest())
        assert len(digests) == 1


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
def test_all_that_a_film_has_besides_is_kept(suffix, tmp_path):
    text = "subrip" if suffix == ".mkv" else "mov_text"
    extra = {"attachment": b"letters"} if suffix == ".mkv" else {}
    source = write_clip(
        tmp_path / f"in{suffix}",
        sound="aac",
        subtitles=text,
        chapters=True,
        metadata={"title": "Harbour", "comment": "Found in an attic"},
        **extra,
    )
    output = tmp_path / f"out{suffix}"
    assert coloured(source, output, tmp_path / "parts") == ()
    for kind in ("audio", "subtitle"):
        assert packets(output, kind) == packets(source, kind)
    with av.open(str(source)) as before, av.open(str(output)) as after:
        assert [stream.type for stream in after.streams] == [stream.type for stream in before.streams]
        languages = [{s.type: s.language for s in file.streams if s.language} for file in (before, after)]
        assert languages[0] == languages[1]
        assert languages[1]["audio"] == "ces"
        assert languages[1].get("subtitle") == (None if suffix == ".mov" else "deu")  # QuickTime has a list of its own
        assert after.metadata["title"] == "Harbour"
        comment = after.metadata.get("comment") or after.metadata["COMMENT"]
        assert comment.startswith("Found in an attic\nThe colour was added by a machine")
        assert SOURCE_TYPE in comment
        seconds = [
            [
                (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"]["title"])
                for c in file.chapters()
            ]
            for file in (before, after)
        ]
        assert seconds[0] == seconds[1]
        assert len(seconds[0]) == 2
        if extra:
            (attached,) = after.streams.attachments
            assert (attached.name, attached.mimetype, attached.data) == ("letters.ttf", "font/ttf", b"letters")


def test_a_part_is_cut_with_its_sound_and_chapters(tmp_path):
    source = write_clip(tmp_path / "in.mkv", sound="aac", subtitles="subrip", chapters=True)
    output = tmp_path / "part.mkv"
    coloured(source, output, tmp_path / "parts", first=5, stop=9, cuts=(6,))
    begin, end = 5 / 24, 9 / 24
    made = open_film(output)
    assert [float(frame.time) for frame in made.frames()] == pytest.approx([0, 1 / 24, 2 / 24, 3 / 24], abs=1.1e-3)
    whole = packets(source, "audio")
    wanted = [(time - begin, data) for time, data in whole if begin - 1e-3 <= time < end - 1e-3]
    found = packets(output, "audio")
    assert [data for _, data in found] == [data for _, data in wanted]
    assert [time for time, _ in found] == pytest.approx([time for time, _ in wanted], abs=2e-3)
    ((said, data),) = packets(output, "subtitle")
    assert (said, data) == (0, b"Ahoj")
    with av.open(str(output)) as file:
        (chapter,) = file.chapters()
        assert chapter["metadata"]["title"] == "Market"
        assert float(chapter["start"] * chapter["time_base"]) == 0
        assert float(chapter["end"] * chapter["time_base"]) == pytest.approx(end - begin, abs=2e-3)


def test_a_variable_rate_and_a_late_start_stay(tmp_path):
    stamps = [40, 100, 130, 131, 500, 501, 502, 900, 1000, 1700]
    source = write_clip(tmp_path / "in.mkv", stamps=stamps, unit=Fraction(1, 1000), sound="aac")
    for suffix in (".mkv", ".mp4"):
        output = tmp_path / f"out{suffix}"
        coloured(source, output, tmp_path / "parts")
        assert [frame.time for frame in open_film(output).frames()] == [Fraction(stamp, 1000) for stamp in stamps]
        assert packets(output, "audio")[3] == packets(source, "audio")[3]


def test_what_a_container_does_not_hold_is_changed_and_said(tmp_path):
    source = write_clip(tmp_path / "in.mkv", sound="wavpack", subtitles="subrip", attachment=b"letters")
    output = tmp_path / "out.mp4"
    notes = coloured(source, output, tmp_path / "parts")
    assert len(notes) == 3
    assert any("wavpack" in note and "AAC" in note and ".mkv" in note for note in notes)
    assert any("mov_text" in note for note in notes)
    assert any("Attachment" in note and "not kept" in note for note in notes)
    with av.open(str(output)) as file:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
        assert 0.2 < np.abs(heard).max() < 0.7
        assert len(heard) == pytest.approx(20000, abs=5000)
    ((said, data),) = [one for one in packets(output, "subtitle") if len(one[1]) > 2]
    assert (round(said, 3), data[2:]) == (0.1, b"Ahoj")
    silent = tmp_path / "out.gif"
    notes = coloured(source, silent, tmp_path / "gif")
    assert any("Sound" in note and "not kept" in note for note in notes)
    with Image.open(silent) as animation:
        assert animation.n_frames == 10


@pytest.mark.parametrize(
    ("source", "text", "output", "found"),
    [
        ("in.mkv", "ass", "out.mp4", b"\0\4Ahoj"),
        ("in.mp4", "mov_text", "out.mkv", b"Ahoj"),
        ("in.mkv", "subrip", "out.webm", b"Ahoj"),
    ],
)
def test_subtitles_of_text_go_from_form_to_form(source, text, output, found, tmp_path):
    write_clip(tmp_path / source, sound="aac", subtitles=text)
    coloured(tmp_path / source, tmp_path / output, tmp_path / "parts")
    said = [(round(time, 3), data) for time, data in packets(tmp_path / output, "subtitle") if data != b"\0\0"]
    assert said == [(0.1, found)]
    assert [frame.time for frame in open_film(tmp_path / output).frames(0, 1)] == [0]


def test_luma_stays_as_it_does_when_the_gray_film_is_encoded_alike(tmp_path):
    size = 160, 120
    source = write_clip(tmp_path / "in.mkv", "ffv1", "yuv420p", list(moving(12, size, shot=12)))
    film = open_film(source)
    differences = []
    for blend in (0.0, 1.0):
        output = tmp_path / f"{blend}.mp4"
        coloured(source, output, tmp_path / "parts", blend=blend)
        made = open_film(output)
        pairs = zip(film.frames(), made.frames(), strict=True)
        differences.append(np.mean([np.abs(made.tones[b.gray] - film.tones[a.gray]).mean() for a, b in pairs]))
    gray, colour = differences
    assert 0.2 < gray < 1.2
    assert colour <= 1.1 * gray


def test_pictures_in_and_out(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    stills = grays(12)
    for number, still in enumerate(stills):
        Image.fromarray(still).save(folder / f"scan{number}.png")  # 10 comes after 9
    film = open_film(folder, rate=Fraction(18))
    assert (film.count, film.rate, film.depth) == (12, 18, 8)
    for frame, still in zip(film.frames(), stills, strict=True):
        np.testing.assert_array_equal(frame.gray, still)
    pattern = tmp_path / "out" / "%03d.png"
    coloured(folder, pattern, tmp_path / "parts")
    made = sorted(pattern.parent.iterdir())
    assert [path.name for path in made] == [f"{number:03d}.png" for number in range(12)]
    assert film_mark(made[0]) == MARK
    photo = read(made[3])
    np.testing.assert_allclose(photo.lightness(0, HEIGHT), film.tones[stills[3]], atol=0.6)
    clip = tmp_path / "out.mp4"
    coloured(pattern, clip, tmp_path / "parts")
    assert open_film(clip).count == 12
    for number, size in ((2, (10, 10)),):
        Image.new("L", size).save(folder / f"scan{number}.png")
    with pytest.raises(FilmError, match=r"scan2\.png has 10 x 10 pixels, and those before it 64 x 48"):
        list(open_film(folder).frames())


@pytest.mark.parametrize(
    ("output", "codec", "crf", "said"),
    [
        ("x.avi", None, None, "let its name end in .mp4"),
        ("x.mp4", "prores", None, "let the name end in .mov or .mkv"),
        ("x.mp4", "mp3", None, "choose one of h264"),
        ("x.mp4", None, 60, "from 0 to 51"),
        ("x.mkv", "ffv1", 10, "has no crf"),
        ("x%03d.jpg", None, None, "as PNG"),
    ],
)
def test_forms_that_are_not_written_are_refused(output, codec, crf, said, tmp_path):
    film = open_film(write_clip(tmp_path / "in.mp4"))
    with pytest.raises(FilmError, match=said):
        form_of(film, output, codec, crf)


def test_films_of_more_than_8_bits_become_h265(tmp_path):
    film = open_film(write_clip(tmp_path / "in.mkv", "ffv1", "gray10le"))
    form = form_of(film, "x.mp4")
    assert (form.codec, form.pixels) == ("h265", "yuv420p10le")


@contextmanager
def room_for(size):
    """No file may become larger, as on a disk that is nearly full."""
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, kept[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
        signal.signal(signal.SIGXFSZ, before)


def begun(path, film, form, painter):
    """Begin a segment, and fail."""
    with SegmentWriter(path, film, form) as segment:
        for frame in film.frames(0, 2):
            segment.write(frame, painter(frame, AB))
        raise RuntimeError


def test_a_full_disk_and_a_failure_leave_nothing(tmp_path):
    source = write_clip(tmp_path / "in.mp4", sound="aac")
    film = open_film(source)
    form = form_of(film, "x.mp4")
    with pytest.raises(RuntimeError):
        begun(tmp_path / "s", film, form, Painter(film, form))
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
    parts = tmp_path / "parts"
    coloured(source, tmp_path / "whole.mp4", parts)
    segments = sorted(parts.iterdir(), key=lambda path: int(path.stem))
    with room_for(2000), pytest.raises(UnwritableFile, match=r"full\.mp4 cannot be written .*: free some space"):
        join(segments, film, form, tmp_path / "full.mp4", mark=MARK)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "parts", "whole.mp4"]
