"""tintype video, from a film with sound to one in colour."""

import json
from pathlib import Path

import jsonschema
import pytest

from running import tintype
from small_films import pictures, sound, times, write_film

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "video.schema.json").read_text(encoding="utf-8"))


def test_a_film_comes_out_in_colour_with_its_frames_its_times_and_its_sound(tmp_path):
    film = write_film(tmp_path / "a.mp4", 36, size=(160, 120), rate=12, shot=18, sound=True)
    before = film.read_bytes()
    done = tintype("video", film, "--model", "tintype.mini", "--json", check=0)
    *passages, end = map(json.loads, done.stdout.splitlines())
    for line in (*passages, end):
        jsonschema.validate(line, SCHEMA)
    assert [(line["first"], line["stop"]) for line in passages] == [(0, 18), (18, 36)]
    assert (end["summary"]["shots"], end["summary"]["status"], passages[-1]["left"]) == (2, "coloured", 0)
    assert b"36 frames coloured: " in done.stderr
    output = tmp_path / "a.color.mp4"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.color.mp4", "a.mp4"]
    assert film.read_bytes() == before
    assert times(output) == times(film)
    assert sound(output) == sound(film)
    assert all(picture.std(axis=2).mean() > 3 for picture in pictures(output))


def test_a_sheet_and_a_part(tmp_path, tiny):
    film = write_film(tmp_path / "a.mp4", 24)
    done = tintype("video", film, "--preview", tmp_path / "s.png", "--every", "12", model=tiny, check=0)
    assert done.stdout.decode().strip() == str(tmp_path / "s.png")
    tintype("video", film, "--range", "-00:00:00.5", "-o", tmp_path / "b.mkv", "--quiet", model=tiny, check=0)
    assert len(pictures(tmp_path / "b.mkv")) == 12


def test_frames_as_pictures(tmp_path):
    film = write_film(tmp_path / "a.mp4", 12)
    words = [f"{number}={tmp_path / name}" for number, name in ((3, "b.png"), (11, "c,d.jpg"))]
    done = tintype("video", film, "--still", words[0], "--still", words[1], check=0)
    assert done.stdout.decode().split() == [str(tmp_path / "b.png"), str(tmp_path / "c,d.jpg")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.png", "c,d.jpg"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--still", "3=a.png", "--json"], "--still writes pictures and no film"),
        (["--every", "3"], "--every is for a sheet"),
        (["--preview", "a.png", "--json"], "--preview writes a sheet and no film"),
        (["--range", "10"], "--range takes A-B, frames or times such as 00:01:10-00:02:00"),
        (["--range", "1:99:x-"], "not '1:99:x'"),
        (["--key", "still.png"], "--key takes FRAME=FILE, such as 120=still.png"),
        (["--key", "1=a.png", "--key", "1=b.png"], "only one still"),
        (["--crf", "-1"], "--crf takes a number from 0 to 63"),
    ],
)
def test_what_cannot_be_understood_is_said_in_a_sentence(words, said, tmp_path, tiny):
    film = write_film(tmp_path / "a.mp4", 2)
    done = tintype("video", film, *words, model=tiny, check=2)
    assert said in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_what_is_no_film_is_said_in_a_sentence(tmp_path, tiny):
    empty, text, none = (tmp_path / name for name in ("empty.mp4", "text.mp4", "none.mp4"))
    empty.write_bytes(b"")
    text.write_text("no film at all\n" * 100, encoding="utf-8")
    for film in (empty, text, none):
        done = tintype("video", film, model=tiny, check=1)
        assert done.stderr.startswith(f"tintype: {film}".encode())
        assert done.stderr.count(b"\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.mp4", "text.mp4"]
