"""Films of every usual container, codec and kind of pixel: their frames, numbers and times."""

import itertools
from fractions import Fraction

import av
import numpy as np
import pytest

from clips import HEIGHT, WIDTH, grays, picture, write_clip
from tintype.color.lab import lightness
from tintype.errors import FilmError
from tintype.film.reader import open_film

B_FRAMES = {"bf": "2", "g": "5"}

FILMS = [
    ("h264.mp4", "libx264", "yuv420p", {}),
    ("h265.mkv", "libx265", "yuv420p10le", {"x265-params": "log-level=none"}),
    ("prores.mov", "prores_ks", "yuv422p10le", {}),
    ("mpeg1.mpg", "mpeg1video", "yuv420p", B_FRAMES),
    ("mpeg2.mpg", "mpeg2video", "yuv420p", B_FRAMES),
    ("mpeg2.ts", "mpeg2video", "yuv420p", B_FRAMES),
    ("h264.ts", "libx264", "yuv420p", {"g": "4"}),
    ("mpeg4.avi", "mpeg4", "yuv420p", B_FRAMES),
    ("h264.avi", "libx264", "yuv420p", {}),
    ("mjpeg.avi", "mjpeg", "yuvj420p", {}),
    ("raw.avi", "rawvideo", "yuyv422", {}),
    ("vp9.webm", "libvpx-vp9", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
    ("film.gif", "gif", "gray", {}),
    ("gray.mkv", "ffv1", "gray", {}),
    ("deep.mkv", "ffv1", "yuv420p12le", {}),
    ("deepest.mkv", "ffv1", "gray16le", {}),
    ("rgb.mov", "png", "rgb48be", {}),
    ("flash.flv", "flv", "yuv420p", {}),
]


def seen(frame, film) -> np.ndarray:
    """What a frame shows, as gray of full range in [0, 255]."""
    return (frame.gray.astype(float) - film.signal.black) / film.signal.span * 255


@pytest.mark.parametrize(("name", "codec", "pixels", "options"), FILMS, ids=[film[0] for film in FILMS])
def test_a_film_is_read_whole_and_from_any_frame(name, codec, pixels, options, tmp_path):
    with open_film(write_clip(tmp_path / name, codec, pixels, options=options)) as film:
        frames = list(film.frames())
        assert [frame.index for frame in frames] == list(range(10))
        assert film.count == 10
        assert (film.width, film.height) == (WIDTH, HEIGHT)
        assert {frame.gray.shape for frame in frames} == {(HEIGHT, WIDTH)}
        assert film.tones.shape == (2**film.depth,)
        for frame, gray in zip(frames, grays(10), strict=True):
            assert np.abs(seen(frame, film) - gray).mean() < 2.5
        steps = {round(float(b.time - a.time), 3) for a, b in itertools.pairwise(frames)}
        assert max(steps) <= 0.051
        assert film.notes == ()
        for frame in film.frames(6, 9):
            np.testing.assert_array_equal(frame.gray, frames[frame.index].gray)
            assert frame.time == frames[frame.index].time
        for frame in frames:
            assert film.index_at(frame.time) == frame.index


def test_the_tones_are_those_of_the_range_and_the_curve(tmp_path):
    film = open_film(write_clip(tmp_path / "limited.mp4"))
    assert film.tones[[0, 16, 235, 255]] == pytest.approx([0, 0, 100, 100])
    # Half of the codes of sRGB have L* 53.39 (IEC 61966-2-1, CIE 15).
    assert film.tones[16 + 219 // 2] == pytest.approx(53.2, abs=0.3)
    full = open_film(write_clip(tmp_path / "full.avi", "mjpeg", "yuvj420p"))
    assert full.tones[[0, 128, 255]] == pytest.approx([0, 53.585, 100], abs=1e-3)
    power = open_film(write_clip(tmp_path / "power.mp4", context={"color_trc": 4}))
    assert power.tones[16 + 219 // 2] == pytest.approx(116 * (109 / 219) ** (2.2 / 3) - 16, abs=1e-3)


def test_a_colour_film_gives_the_gray_of_its_lightness(tmp_path):
    colours = np.random.default_rng(1).integers(40, 216, (6, 8, 3)).astype(np.uint8)
    rgb = colours.repeat(8, 0).repeat(8, 1)
    wanted = lightness(rgb / 255)
    lossless = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(
        format="yuv444p", src_color_range=2, dst_color_range=1, dst_colorspace=1
    )
    lossless.color_range, lossless.colorspace = 1, 1
    path = write_clip(
        tmp_path / "colour.mkv",
        "libx264",
        "yuv444p",
        [lossless],
        options={"qp": "0"},
        context={"colorspace": 1, "color_range": 1},
    )
    film = open_film(path)
    assert film.signal.matrix == "bt709"
    (frame,) = film.frames()
    assert np.abs(film.tones[frame.gray] - wanted).mean() < 0.4
    film = open_film(write_clip(tmp_path / "rgb.mov", "png", "rgb24", [av.VideoFrame.from_ndarray(rgb, "rgb24")]))
    (frame,) = film.frames()
    assert np.abs(film.tones[frame.gray] - wanted).mean() < 0.3


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_rotated_films_are_upright(degrees, tmp_path):
    path = write_clip(tmp_path / "turned.mp4", rotation=degrees, context={"sample_aspect_ratio": Fraction(4, 3)})
    film = open_film(path)
    (frame,) = film.frames(0, 1)
    upright = np.rot90(grays(1)[0], degrees // 90)
    assert (film.height, film.width) == upright.shape
    assert film.aspect == (Fraction(4, 3) if degrees == 180 else Fraction(3, 4))
    assert np.abs(seen(frame, film) - upright).mean() < 2.5


def test_times_of_a_variable_rate_are_exact(tmp_path):
    stamps = [0, 100, 130, 131, 500, 501, 502, 900, 1000, 1700]
    path = write_clip(tmp_path / "variable.mkv", stamps=stamps, unit=Fraction(1, 1000))
    film = open_film(path)
    assert [frame.time for frame in film.frames()] == [Fraction(stamp, 1000) for stamp in stamps]
    assert [frame.duration for frame in film.frames(2, 5)] == [Fraction(ms, 1000) for ms in (1, 369, 1)]
    assert film.index_at(Fraction(499, 1000)) == 3


def test_interlaced_films_give_whole_pictures(tmp_path):
    # Of each frame the odd rows are of a later time, half of the way to the next frame.
    stills = grays(10)
    woven = [still.copy() for still in stills]
    for early, late in zip(woven, stills[1:], strict=False):
        early[1::2] = (early[1::2].astype(int) + late[1::2]) // 2
    options = {"flags": "+ildct+ilme", "top": "1"}
    path = write_clip(tmp_path / "fields.mpg", "mpeg2video", frames=woven, options=options)
    film = open_film(path)
    assert film.interlaced
    assert any("interlaced" in note for note in film.notes)
    frames = list(film.frames())
    assert len(frames) == 10
    for frame in frames[1:-1]:
        rows = seen(frame, film).mean(axis=1)
        comb = rows[1:-1] - (rows[:-2] + rows[2:]) / 2
        assert np.abs(comb).mean() < 0.8  # woven, it is 4
    for frame in film.frames(5, 8):
        np.testing.assert_array_equal(frame.gray, frames[frame.index].gray)


def test_a_cover_is_not_the_film(tmp_path):
    path = tmp_path / "covered.mp4"
    write_clip(tmp_path / "plain.mp4")
    with av.open(str(tmp_path / "plain.mp4")) as plain, av.open(str(path), "w") as file:
        film = file.add_stream_from_template(plain.streams.video[0], opaque=True)
        cover = file.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 640, 480, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        still = picture(grays(1, 640, 480)[0], "yuvj420p")
        (packet,) = [*cover.encode(still), *cover.encode(None)]
        packet.stream = cover
        file.mux(packet)
        for packet in plain.demux(video=0):
            if packet.size:
                packet.stream = film
                file.mux(packet)
    film = open_film(path)
    assert (film.width, film.height) == (WIDTH, HEIGHT)
    assert len(list(film.frames())) == 10


def cut(path, part, name=None):
    """A copy of a file that ends early."""
    copy = path.with_name(name or f"cut{path.suffix}")
    copy.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    return copy


def test_of_a_film_that_is_cut_off_what_is_there_is_read(tmp_path):
    noise = [np.random.default_rng(k).integers(0, 256, (HEIGHT, WIDTH), np.uint8) for k in range(30)]
    whole = write_clip(tmp_path / "whole.mp4", frames=noise, container={"movflags": "+faststart"})
    film = open_film(cut(whole, 0.6))
    frames = list(film.frames())
    assert 10 < len(frames) < 25
    assert len(frames) == film.count
    assert any("cut off" in note and "30 frames" in note for note in film.notes)
    stream = write_clip(tmp_path / "whole.ts", frames=noise)
    assert 10 < len(list(open_film(cut(stream, 0.6)).frames())) < 25


def test_a_damaged_film_keeps_its_numbers_and_times(tmp_path):
    noise = [np.random.default_rng(k).integers(0, 256, (HEIGHT, WIDTH), np.uint8) for k in range(60)]
    whole = write_clip(tmp_path / "whole.mp4", frames=noise, options={"g": "5"})
    data = bytearray(whole.read_bytes())
    middle = len(data) * 2 // 3
    data[middle : middle + 4000] = np.random.default_rng(0).bytes(4000)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(data)
    before, after = (list(open_film(path).frames()) for path in (whole, damaged))
    assert [(frame.index, frame.time) for frame in after] == [(frame.index, frame.time) for frame in before]
    np.testing.assert_array_equal(after[0].gray, before[0].gray)
    np.testing.assert_array_equal(after[-1].gray, before[-1].gray)


def test_frames_that_an_edit_list_hides_are_not_counted(tmp_path):
    plain, edited = write_clip(tmp_path / "plain.mp4", options=B_FRAMES), tmp_path / "edited.mp4"
    with av.open(str(plain)) as source, av.open(str(edited), "w") as file:
        stream = file.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.size:
                step = round(3 / 24 / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - step, packet.dts - step, stream
                file.mux(packet)
    film = open_film(edited)
    assert film.count == 7
    for frame, after in zip(film.frames(), open_film(plain).frames(3), strict=True):
        assert frame.time == Fraction(frame.index, 24)
        np.testing.assert_array_equal(frame.gray, after.gray)


def no_sound_file(folder):
    with av.open(str(folder / "sound.mp4"), "w") as file:
        stream = file.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.sample_rate = 48000
        file.mux([*stream.encode(frame), *stream.encode(None)])
    return folder / "sound.mp4"


def resized(folder):
    path = folder / "sizes.ts"
    data = b"".join(write_clip(folder / f"{width}.ts", frames=grays(5, width, 48)).read_bytes() for width in (64, 80))
    path.write_bytes(data)
    return path


def other(name, data):
    def make(folder):
        (folder / name).write_bytes(data)
        return folder / name

    return make


REFUSED = {
    "missing": (lambda folder: folder / "no.mp4", "does not exist"),
    "empty": (other("empty.mp4", b""), "is empty"),
    "text": (other("text.mkv", b"A film, said the file, but it was a letter.\n" * 50), "is no film"),
    "list": (other("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/hostname\n"), "is no film"),
    "without its list of frames": (
        lambda folder: cut(write_clip(folder / "w.mp4", frames=grays(40)), 0.3),
        r"lacks the list.*moov",
    ),
    "sound alone": (no_sound_file, "has no pictures"),
    "HDR": (lambda folder: write_clip(folder / "hdr.mp4", context={"color_trc": 16}), r"HDR \(PQ\)"),
    "another size": (resized, "changes its size from 64 x 48 to 80 x 48"),
    "no frame": (lambda folder: cut(write_clip(folder / "n.ts", frames=grays(40)), 0.12), "frames|film"),
    "photograph": (other("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(100)), "film"),
}


@pytest.mark.parametrize(("make", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_coloured_is_refused_in_a_sentence(make, said, tmp_path):
    path = make(tmp_path)
    with pytest.raises(FilmError, match=said) as refused:
        list(open_film(path).frames())
    assert "\n" not in str(refused.value)
    assert path.name in str(refused.value)
