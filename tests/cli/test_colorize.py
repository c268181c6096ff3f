"""`tintype colorize`: what goes where, what is said, and how it ends."""

import io
import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from running import command_of, errors_of, tintype
from tintype.photo import is_marked


def names(folder):
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if ".tintype" not in path.parts)


def colourful(source) -> bool:
    with Image.open(source) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    return bool(np.ptp(pixels, axis=2).max() > 5)


def format_of(source) -> str:
    with Image.open(source) as image:
        return image.format


def test_one_file_lands_beside_the_photograph(photograph, tmp_path, tiny):
    original = photograph("a.jpg")
    before = original.read_bytes()
    done = tintype("colorize", original, model=tiny, check=0)
    assert names(tmp_path) == ["a.color.jpg", "a.jpg"]
    assert colourful(tmp_path / "a.color.jpg")
    assert original.read_bytes() == before
    assert done.stdout == b""
    assert len(errors_of(done)) == 1
    assert "1 coloured" in errors_of(done)[0]


def test_existing_results_are_skipped_and_made_anew_on_demand(photograph, tmp_path, tiny):
    photo = photograph("a.png")
    result = tmp_path / "a.color.png"
    result.write_bytes(b"mine")
    for flags in ([], ["--skip-existing"]):
        done = tintype("colorize", photo, *flags, model=tiny, check=0)
        assert "1 skipped" in errors_of(done)[-1]
        assert result.read_bytes() == b"mine"
    tintype("colorize", photo, "--overwrite", model=tiny, check=0)
    assert colourful(result)


def test_a_folder_keeps_its_subfolders_and_is_never_fed_its_results(photograph, tmp_path, tiny):
    for name in ("in/a.jpg", "in/deep/er/b.png", "in/c.TIF", "in/.hidden.jpg", "in/.git/d.jpg", "in/._a.jpg"):
        photograph(name)
    (tmp_path / "in/notes.txt").write_text("no photograph")
    (tmp_path / "in/Thumbs.db").write_bytes(b"x")
    out = tmp_path / "out"
    done = tintype("colorize", tmp_path / "in", "-o", out, model=tiny, check=0)
    assert names(out) == ["a.jpg", "c.TIF", "deep/er/b.png"]
    assert f"3 coloured, in {out}; passed over as no photographs: 1 .db, 1 .txt" in errors_of(done)[-1]
    # Beside the photographs, twice: the results are not taken as photographs.
    for expected in (
        "3 coloured, beside the photographs, as NAME.color.EXT;",
        "3 skipped as done already, beside the photographs, as NAME.color.EXT (--overwrite makes results again); "
        "3 skipped as results themselves",
    ):
        done = tintype("colorize", tmp_path / "in", model=tiny, check=0)
        assert expected in errors_of(done)[-1]
    assert [name for name in names(tmp_path / "in") if ".color" in name] == [
        "a.color.jpg",
        "c.color.TIF",
        "deep/er/b.color.png",
    ]


def test_results_are_known_whatever_their_name(photograph, tmp_path, tiny):
    photo = photograph("a.jpg")
    for suffix in ("jpg", "png", "tif", "webp", "avif"):
        tintype("colorize", photo, "-o", tmp_path / f"renamed.{suffix}", model=tiny, check=0)
    photo.unlink()
    done = tintype("colorize", tmp_path, model=tiny, check=0)
    assert "5 skipped" in errors_of(done)[-1]
    assert len(names(tmp_path)) == 5
    # Named one by one, too.
    tintype("colorize", tmp_path / "renamed.jpg", model=tiny, check=0)
    assert len(names(tmp_path)) == 5


def test_an_output_folder_inside_the_input_is_left_alone(photograph, tmp_path, tiny):
    photograph("in/a.jpg")
    photograph("in/out/strange.jpg")
    tintype("colorize", tmp_path / "in", "-o", tmp_path / "in/out", model=tiny, check=0)
    assert names(tmp_path / "in") == ["a.jpg", "out/a.jpg", "out/strange.jpg"]


@pytest.mark.parametrize("trailing", ["", "/"])
def test_several_inputs_go_to_a_folder_under_their_own_names(photograph, tmp_path, tiny, trailing):
    photograph("1920/a.jpg")
    photograph("1930/a.jpg")
    single = photograph("b.jpg")
    out = tmp_path / "out"
    tintype("colorize", tmp_path / f"1920{trailing}", tmp_path / "1930", single, "-o", out, model=tiny, check=0)
    assert names(out) == ["1920/a.jpg", "1930/a.jpg", "b.jpg"]


def test_one_file_goes_to_a_file_or_to_a_folder(photograph, tmp_path, tiny):
    photo = photograph("a.jpg")
    (tmp_path / "there").mkdir()
    tintype("colorize", photo, "-o", tmp_path / "b.png", model=tiny, check=0)
    tintype("colorize", photo, "-o", tmp_path / "there", model=tiny, check=0)
    tintype("colorize", photo, "-o", f"{tmp_path}/new/folder/", model=tiny, check=0)
    assert names(tmp_path) == ["a.jpg", "b.png", "new/folder/a.jpg", "there/a.jpg"]
    assert format_of(tmp_path / "b.png") == "PNG"


def test_no_two_photographs_share_an_output(photograph, tmp_path, tiny):
    for name in ("in/a.jpg", "in/a.png", "in/A.tif", "in/b.jpg"):
        photograph(name)
    tintype("colorize", tmp_path / "in", "-o", tmp_path / "out", "--format", "webp", model=tiny, check=0)
    assert names(tmp_path / "out") == ["A.tif.webp", "a.jpg.webp", "a.png.webp", "b.webp"]
    tintype("colorize", tmp_path / "in", "--format", "webp", model=tiny, check=0)
    assert [name for name in names(tmp_path / "in") if name.endswith("webp")] == [
        "A.tif.color.webp",
        "a.jpg.color.webp",
        "a.png.color.webp",
        "b.color.webp",
    ]


def test_photographs_that_would_share_an_output_are_numbered(photograph, tmp_path, tiny):
    photos = [photograph(f"{name}.jpg") for name in ("x/a", "y/a", "y/b", "z/a", "z/a-2")]
    run = ("colorize", *photos, "-o", tmp_path / "out")
    tintype(*run, model=tiny, check=0)
    assert names(tmp_path / "out") == ["a-2.jpg", "a-3.jpg", "a-4.jpg", "a.jpg", "b.jpg"]
    assert "5 skipped as done already" in errors_of(tintype(*run, model=tiny, check=0))[-1]
    # Alone, the second one does not take the place of the first, but keeps its own.
    before = (tmp_path / "out/a.jpg").read_bytes()
    done = tintype("colorize", photos[1], "-o", f"{tmp_path}/out/", model=tiny, check=0)
    assert f"1 skipped as done already: {tmp_path}/out/a-3.jpg" in errors_of(done)[-1]
    assert (tmp_path / "out/a.jpg").read_bytes() == before


def test_links_are_followed_once_and_loops_do_no_harm(photograph, tmp_path, tiny):
    photograph("in/b.jpg")
    photograph("in/sub/c.jpg")
    photograph("elsewhere/d.jpg")
    (tmp_path / "in/a-link.jpg").symlink_to("b.jpg")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/again").symlink_to("sub")
    (tmp_path / "in/far").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/far-too").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/broken.jpg").symlink_to("nothing.jpg")
    (tmp_path / "in/self.jpg").symlink_to("self.jpg")
    done = tintype("colorize", tmp_path / "in", "-o", tmp_path / "out", model=tiny, check=1)
    assert names(tmp_path / "out") == ["b.jpg", "far/d.jpg", "sub/c.jpg"]
    # A photograph that is behind a link which leads nowhere is missed.
    assert f"{tmp_path}/in/broken.jpg is a link to a file that is not there" in errors_of(done)[0]
    assert f"{tmp_path}/in/self.jpg is a link that cannot be followed" in errors_of(done)[1]
    assert "3 coloured" in errors_of(done)[-1]
    assert "2 failed" in errors_of(done)[-1]


def test_a_photograph_named_twice_is_coloured_once(photograph, tmp_path, tiny):
    photo = photograph("in/a.jpg")
    done = tintype("colorize", photo, tmp_path / "in", tmp_path / "in/../in/a.jpg", model=tiny, check=0)
    assert "1 coloured" in errors_of(done)[-1]


def test_no_original_is_ever_written_to(photograph, tmp_path, tiny):
    jpg, png = photograph("in/a.jpg"), photograph("in/a.png")
    before = jpg.read_bytes(), png.read_bytes()
    hard = tmp_path / "hard.jpg"
    os.link(jpg, hard)
    (tmp_path / "soft.jpg").symlink_to(jpg)
    for output in (jpg, hard, tmp_path / "soft.jpg", tmp_path / "in"):
        done = tintype("colorize", jpg, "-o", output, "--overwrite", model=tiny, check=1)
        assert "would be written over" in errors_of(done)[0]
    tintype("colorize", tmp_path / "in", "-o", tmp_path / "in", "--overwrite", model=tiny, check=1)
    # The results of a folder must not fall on other photographs in it.
    photograph("mixed/b.jpg")
    other = photograph("mixed/b-1.jpg")
    mixed = other.read_bytes()
    done = tintype("colorize", tmp_path / "mixed", "--suffix=-1", "--overwrite", model=tiny, check=1)
    assert "a photograph of this run" in errors_of(done)[0]
    assert (jpg.read_bytes(), png.read_bytes(), other.read_bytes()) == (*before, mixed)


def test_pipes(photograph, tmp_path, tiny):
    photo = photograph("a.png")
    through = tintype("colorize", "-", model=tiny, input=photo.read_bytes(), check=0, process=True)
    assert colourful(io.BytesIO(through.stdout))
    assert tintype("colorize", photo, "-o", "-", model=tiny, check=0).stdout == through.stdout
    tintype("colorize", "-", "-o", tmp_path / "b.png", model=tiny, input=photo.read_bytes(), check=0)
    assert (tmp_path / "b.png").read_bytes() == through.stdout
    jpeg = tintype("colorize", "-", "--format", "jpeg", model=tiny, input=photo.read_bytes(), check=0)
    assert format_of(io.BytesIO(jpeg.stdout)) == "JPEG"


def test_nothing_comes_out_of_a_pipe_when_the_photograph_is_broken(photograph, tiny):
    whole = photograph("a.jpg", 400, 400).read_bytes()
    for data in (b"", b"text", whole[: len(whole) // 2]):
        done = tintype("colorize", "-", model=tiny, input=data, check=1)
        assert done.stdout == b""
        assert "standard input" in errors_of(done)[0]


def test_json_lines_tell_of_every_photograph(photograph, tmp_path, tiny):
    photograph("in/a.jpg")
    photograph("in/b.jpg")
    (tmp_path / "in/broken.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "in/b.color.jpg").write_bytes(b"there already")
    done = tintype("colorize", tmp_path / "in/a.jpg", tmp_path / "in/b.jpg", tmp_path / "in/broken.jpg", "--json",
                   model=tiny, check=1)  # fmt: skip
    *lines, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert {os.path.basename(line["input"]): line["status"] for line in lines} == {
        "a.jpg": "coloured",
        "b.jpg": "skipped",
        "broken.jpg": "failed",
    }
    keys = {"input", "output", "page", "status", "seconds", "message", "colour", "notes", "why"}
    assert all(set(line) == keys for line in lines)
    assert all(line["message"] for line in lines if line["status"] != "coloured")
    summary = last["summary"]
    assert [summary[key] for key in ("coloured", "skipped", "failed", "passed_over")] == [1, 1, 1, 0]


def test_a_dry_run_says_and_does_nothing(photograph, tmp_path, tiny):
    photograph("in/a.jpg")
    photograph("in/b.bmp")
    tintype("colorize", tmp_path / "in/a.jpg", model=tiny, check=0)
    done = tintype("colorize", tmp_path / "in/a.jpg", tmp_path / "in/b.bmp", "--dry-run", model=tiny, check=0)
    said = done.stdout.decode().splitlines()
    assert said == [
        f"{tmp_path}/in/a.jpg is skipped: {tmp_path}/in/a.color.jpg exists",
        f"{tmp_path}/in/b.bmp -> {tmp_path}/in/b.color.png",
    ]
    assert names(tmp_path / "in") == ["a.color.jpg", "a.jpg", "b.bmp"]


def test_quiet_says_only_errors(photograph, tmp_path, tiny):
    done = tintype("colorize", photograph("a.jpg"), "--quiet", model=tiny, check=0)
    assert (done.stdout, done.stderr) == (b"", b"")
    done = tintype("colorize", tmp_path / "none.jpg", "--quiet", model=tiny, check=1)
    assert errors_of(done) == [f"tintype: {tmp_path}/none.jpg does not exist"]


def test_settings_reach_the_photograph(photograph, tmp_path, tiny):
    photo = photograph("a.png")

    def run(*options):
        return tintype("colorize", photo, "-o", "-", *options, model=tiny, check=0).stdout

    plain = run()
    assert not colourful(io.BytesIO(run("--blend", "0")))
    assert not colourful(io.BytesIO(run("--vividness", "0")))
    changed = [run("--blend", "0.5"), run("--vividness", "1.5"), run("--temperature", "0.7"), run("--size", "32")]
    hints = tmp_path / "hints.json"
    hints.write_text(json.dumps([{"x": 20, "y": 20, "color": "#d02020", "radius": 8}]))
    changed.append(run("--hints", hints))
    assert len({plain, *changed}) == 6
    assert run("--blend", "1", "--vividness", "1", "--temperature", "1", "--size", "64") == plain


@pytest.mark.parametrize(
    ("named", "suffix"), [("jpg", "jpg"), ("JPEG", "jpg"), ("tif", "tif"), ("TIFF", "tif"), ("WebP", "webp")]
)
def test_a_format_may_be_named_as_a_suffix_is(named, suffix, photograph, tmp_path, tiny):
    tintype("colorize", photograph("in/a.png"), "--format", named, model=tiny, check=0)
    tintype("colorize", tmp_path / "in/a.png", "-o", tmp_path / f"b.{suffix}", "--format", named, model=tiny, check=0)
    assert names(tmp_path / "in") == [f"a.color.{suffix}", "a.png"]
    assert format_of(tmp_path / "in" / f"a.color.{suffix}") == format_of(tmp_path / f"b.{suffix}")


def test_an_unknown_model_is_wrong_usage_and_a_broken_one_a_failure(photograph, tmp_path):
    photo = photograph("a.jpg")
    tintype("colorize", photo, "--model", "no_such_model", check=2)
    tintype("colorize", photo, "--model", tmp_path / "none.onnx", check=2)
    (tmp_path / "broken.onnx").write_bytes(b"broken")
    tintype("colorize", photo, "--model", tmp_path / "broken.onnx", check=1)
    assert names(tmp_path) == ["a.jpg", "broken.onnx"]


def test_quality_and_format(photograph, tmp_path, tiny):
    photo = photograph("a.png", 200, 200)
    sizes = [
        len(tintype("colorize", photo, "-o", "-", "--format", "jpeg", "--quality", q, model=tiny, check=0).stdout)
        for q in ("30", "90")
    ]
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--size", "0"],
        ["--size", "x"],
        ["--size", "100000"],
        ["--temperature", "0"],
        ["--temperature", "nan"],
        ["--vividness", "-1"],
        ["--blend", "1.5"],
        ["--quality", "0"],
        ["--quality", "101"],
        ["--format", "bmp"],
        ["--format", "gif"],
        ["--jobs", "0"],
        ["--jobs", "x"],
        ["--overwrite", "--skip-existing"],
        ["--nonsense"],
        ["-o", "result"],
        ["-o", "result.gif"],
        ["-o", "result.png", "--format", "jpeg"],
        ["-o", "--json"],
        ["-o", "-", "--json"],
        ["-", "another.jpg"],
    ],
)
def test_wrong_usage_is_one_sentence_and_2(arguments, photograph, tmp_path, tiny):
    photograph("a.jpg")
    inputs = ["a.jpg"] if arguments and arguments[0] != "-" else []
    done = tintype("colorize", *inputs, *arguments, model=tiny, check=2, cwd=tmp_path)
    assert len(errors_of(done)) == 1
    assert errors_of(done)[0].startswith("tintype: ")
    assert names(tmp_path) == ["a.jpg"]


def test_several_photographs_do_not_go_to_one_file_nor_share_hints(photograph, tmp_path, tiny):
    photograph("a.jpg")
    photograph("b.jpg")
    (tmp_path / "c.jpg").write_bytes(b"mine")
    hints = tmp_path / "hints.json"
    hints.write_text("[]")
    tintype("colorize", "a.jpg", "b.jpg", "-o", "c.jpg", model=tiny, check=2, cwd=tmp_path)
    done = tintype("colorize", "a.jpg", "b.jpg", "--hints", hints, model=tiny, check=2, cwd=tmp_path)
    assert "--hints are for one photograph" in errors_of(done)[0]


def test_results_are_the_same_for_any_number_of_jobs(photograph, tmp_path, tiny):
    for number in range(6):
        photograph(f"in/{number}.{('jpg', 'png', 'tif')[number % 3]}", 60 + 50 * number, 80 + 30 * number)
    for jobs in ("1", "2", "5"):
        tintype("colorize", tmp_path / "in", "-o", tmp_path / jobs, "--jobs", jobs, model=tiny, check=0)
    for name in names(tmp_path / "1"):
        contents = {(tmp_path / jobs / name).read_bytes() for jobs in ("1", "2", "5")}
        assert len(contents) == 1


def test_an_empty_folder_is_no_failure(tmp_path, tiny):
    done = tintype("colorize", tmp_path, model=tiny, check=0)
    assert "no photographs found" in errors_of(done)[0]


def test_the_result_says_that_a_machine_coloured_it(photograph, tmp_path, tiny):
    tintype("colorize", photograph("a.jpg"), model=tiny, check=0)
    assert is_marked(tmp_path / "a.color.jpg")
    assert b"compositeWithTrainedAlgorithmicMedia" in (tmp_path / "a.color.jpg").read_bytes()
    assert b"tiny.v1" in (tmp_path / "a.color.jpg").read_bytes()


@pytest.mark.parametrize("name", ["a b.jpg", "[1].jpg", "ünïcode 写真.jpg", "a[bold]b.png", "100%.jpg", "-o.jpg", "-"])
def test_strange_names(name, photograph, tmp_path, tiny):
    path = photograph("plain.jpg")
    path.rename(tmp_path / name)
    result = tmp_path / (os.path.splitext(name)[0] + ".color" + (os.path.splitext(name)[1] or ".png"))
    tintype("colorize", f"./{name}", model=tiny, check=0, cwd=tmp_path)
    assert result.exists()


def test_a_damaged_photograph_is_refused_or_salvaged(tmp_path, tiny):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 300), dtype=np.uint8)).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    done = tintype("colorize", tmp_path / "a.jpg", model=tiny, check=1)
    assert "or colour what is left of it with --salvage" in errors_of(done)[0]
    done = tintype("colorize", tmp_path / "a.jpg", "--salvage", model=tiny, check=0)
    (note,) = [line for line in errors_of(done) if "warning" in line]
    assert note.startswith(f"tintype: warning: {tmp_path}/a.jpg lacks ")
    assert note.endswith(" of its 200 rows, which were left gray")
    with Image.open(tmp_path / "a.color.jpg") as image:
        pixels = np.asarray(image).astype(int)
    assert np.ptp(pixels[-60:], axis=2).max() <= 1
    assert np.ptp(pixels[:60], axis=2).max() > 5


@pytest.mark.parametrize("option", ["--negative", "--faded"])
def test_a_negative_or_a_faded_photograph_is_made_again_as_one(option, photograph, tmp_path, tiny):
    photo = photograph("a.png")
    tintype("colorize", photo, model=tiny, check=0)
    before = (tmp_path / "a.color.png").read_bytes()
    tintype("colorize", photo, option, model=tiny, check=0)
    after = (tmp_path / "a.color.png").read_bytes()
    assert before != after
    tintype("colorize", photo, option, model=tiny, check=0)
    assert (tmp_path / "a.color.png").read_bytes() == after


def test_a_reference_is_good_for_many_photographs(photograph, tmp_path, build_model):
    model = build_model(hints=True, temperature=True, logits=3, card={"bins": [[0.0, 0.0], [40.0, 0.0], [10.0, 30.0]]})
    folder = photograph("in/a.png").parent
    photograph("in/b.png")
    colour = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8).repeat(16, 0).repeat(16, 1)
    for name, pixels in (("red.png", colour), ("blue.png", colour[..., ::-1]), ("gray.png", colour[..., [0, 0, 0]])):
        Image.fromarray(pixels).save(tmp_path / name)
    asked = [folder, "-o", tmp_path / "out", "--reference-way", "palette", "--reference"]
    assert last_line(*asked, tmp_path / "red.png", model=model) == f"2 coloured, in {tmp_path}/out"
    assert last_line(*asked, tmp_path / "red.png", model=model).startswith("2 skipped as done")
    assert last_line(*asked, tmp_path / "blue.png", model=model) == (
        f"2 coloured again, in {tmp_path}/out; made again as its reference was another one"
    )
    done = errors_of(tintype("colorize", *asked, tmp_path / "gray.png", model=model, check=1))
    assert done == [f"tintype: {tmp_path}/gray.png is gray or of one tone: give a reference in colour"]


def last_line(*arguments, model, check=0, **options) -> str:
    """What a run says at its end, without the time that it took."""
    line = errors_of(tintype("colorize", *arguments, model=model, check=check, **options))[-1]
    return re.sub(r" \([\d.]+ s\)$", "", line.removeprefix("tintype: "))


def test_the_last_line_says_where_results_are_and_what_was_done(photograph, tmp_path, tiny):
    one = photograph("in/a.jpg")
    result, out = tmp_path / "in/a.color.jpg", tmp_path / "out"
    assert last_line(one, model=tiny) == f"1 coloured: {result}"
    assert last_line(one, model=tiny) == f"1 skipped as done already: {result} (--overwrite makes results again)"
    assert last_line(one, "--vividness", "2", model=tiny) == (
        f"1 coloured again: {result}; made again as its vividness was 1"
    )
    assert last_line(one, "--vividness", "2", "--skip-existing", model=tiny).startswith("1 skipped as done already")
    photograph("in/b.jpg")
    results = "1 skipped as results themselves"
    assert last_line(tmp_path / "in", "-o", out, model=tiny) == f"2 coloured, in {out}; {results}"
    photograph("in/c.jpg")
    expected = f"3 coloured (2 of them again), in {out}; made again as its blend was 1; {results}"
    assert last_line(tmp_path / "in", "-o", out, "--blend", "0.5", model=tiny) == expected
    done = "3 skipped as done already, in {} (--overwrite makes results again)"
    expected = f"{done.format(out)}; {results}"
    assert last_line(tmp_path / "in", "-o", out, "--blend", "0.5", model=tiny) == expected
    assert last_line(tmp_path / "in", "--suffix", "-bw", model=tiny) == (
        f"3 coloured, beside the photographs, as NAME-bw.EXT; {results}"
    )
    (tmp_path / "in/b.color.jpg").write_bytes(b"mine")
    assert last_line(tmp_path / "in/b.jpg", model=tiny) == (
        "1 skipped, as a file is there that may not be tintype's own result (--overwrite replaces it)"
    )
    assert last_line(one, "--dry-run", "-o", f"{out}/", model=tiny).startswith(f"1 planned again: {out}/a.jpg")
    piped = tintype("colorize", one, "-o", "-", model=tiny, check=0)
    assert "1 coloured, to standard output" in errors_of(piped)[-1]


def test_the_last_line_is_short_however_many_endings_there_are(photograph, tmp_path, tiny):
    photograph("in/a.jpg")
    for number in range(17):
        (tmp_path / "in" / f"{number}.x{number:02}").touch()
    for number in range(3):
        (tmp_path / "in" / f"{number}.txt").touch()
    assert last_line(tmp_path / "in", model=tiny).endswith(
        "; passed over as no photographs: 3 .txt, 1 .x00, 1 .x01, 1 .x02, 1 .x03 and 13 more"
    )


def test_what_is_left_out_is_counted(photograph, tmp_path, tiny):
    for name in ("a.jpg", "b.png", "drafts/c.jpg", "@eaDir/a.jpg", "#recycle/d.jpg", "x/@eaDir/e.jpg"):
        photograph(f"in/{name}")
    run = (tmp_path / "in", "-o", tmp_path / "out", "--exclude", "drafts", "--exclude", "*.png", "--json")
    assert last_line(*run, model=tiny) == (
        f"1 coloured: {tmp_path}/out/a.jpg; folders of a NAS or photo manager not searched: 2 @eaDir, 1 #recycle; "
        "1 photograph and 1 folder left out by --include or --exclude"
    )
    assert names(tmp_path / "out") == ["a.jpg"]
    done = tintype("colorize", *run, model=tiny, check=0)
    summary = json.loads(done.stdout.splitlines()[-1])["summary"]
    assert (summary["managed"], summary["excluded"], summary["unread"]) == (3, 2, 0)
    tintype("colorize", tmp_path / "in", "-o", tmp_path / "png", "--include", "*.PNG", model=tiny, check=0)
    assert names(tmp_path / "png") == ["b.png"]


def test_pictures_of_kinds_that_are_not_read_are_a_failure_where_there_is_nothing_else(photograph, tmp_path, tiny):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.cr2").write_bytes(b"x")
    line = "pictures of kinds that tintype does not read: 1 .cr2"
    assert last_line(tmp_path / "in", model=tiny, check=1) == line
    assert line in last_line(tmp_path / "in", "--quiet", model=tiny, check=1)
    photograph("in/b.jpg")
    assert last_line(tmp_path / "in", model=tiny).endswith(f"; {line}")


def test_patterns_that_the_shell_left_alone(photograph, tmp_path, tiny):
    for name in ("a.jpg", "b.jpg", "c.png"):
        photograph(name)
    done = tintype("colorize", "?.jpg", "*.tif", "-o", "out", model=tiny, check=1, cwd=tmp_path)
    assert errors_of(done)[0] == "tintype: no file fits *.tif"
    assert names(tmp_path / "out") == ["a.jpg", "b.jpg"]


def test_an_address_is_not_a_file(tmp_path, tiny):
    for more in ([], ["-o", "-"]):
        done = tintype("colorize", "https://example.org/a.jpg", *more, model=tiny, check=2, cwd=tmp_path)
        assert "download it first, or pipe it to -" in errors_of(done)[0]


def test_colour_photographs_are_counted_and_left_alone_on_demand(photograph, tmp_path, tiny):
    photograph("in/gray.jpg")
    colour = np.zeros((120, 160, 3))
    colour[:60], colour[60:], colour[40:90, 60:100] = [90, 130, 190], [70, 130, 60], [180, 50, 40]
    light = np.linspace(0.5, 1.3, 160)[None, :, None]
    Image.fromarray((colour * light).astype(np.uint8)).save(tmp_path / "in/colour.jpg")
    out = tmp_path / "out"
    assert last_line(tmp_path / "in", "-o", out, model=tiny) == (
        f"2 coloured, in {out}; 1 of them was a colour photograph (--skip-colour leaves these alone)"
    )
    for flag in ("--skip-colour", "--skip-color"):
        expected = f"1 coloured: {out}/{flag}/gray.jpg; 1 left alone as colour photographs"
        assert last_line(tmp_path / "in", "-o", out / flag, flag, model=tiny) == expected
        assert names(out / flag) == ["gray.jpg"]
    data = (tmp_path / "in/colour.jpg").read_bytes()
    done = tintype("colorize", "-", "--skip-colour", model=tiny, input=data, check=0)
    assert done.stdout == b""
    done = tintype("colorize", tmp_path / "in", "-o", tmp_path / "json", "--json", model=tiny, check=0)
    *lines, last = [json.loads(line) for line in done.stdout.splitlines()]
    found = {os.path.basename(line["input"]): line["colour"] for line in lines}
    assert found == {"gray.jpg": False, "colour.jpg": True}
    assert last["summary"]["colour"] == 1


def test_the_date_of_the_photograph_is_kept_on_demand(photograph, tmp_path, tiny):
    photo = photograph("a.jpg")
    os.utime(photo, (1_000_000_000, 1_000_000_000))
    tintype("colorize", photo, "--keep-times", model=tiny, check=0)
    assert (tmp_path / "a.color.jpg").stat().st_mtime == 1_000_000_000


def test_stripped_results_are_not_coloured_again(photograph, tmp_path, tiny):
    photo = photograph("a.jpg")
    tintype("colorize", photo, model=tiny, check=0)
    result = tmp_path / "a.color.jpg"
    with Image.open(result) as image:
        image.load()
    image.save(result)  # without any metadata
    assert not is_marked(result)
    for _ in range(2):
        tintype("colorize", tmp_path, model=tiny, check=0)
        assert names(tmp_path) == ["a.color.jpg", "a.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="there is no such terminal")
def test_a_dry_run_on_a_terminal_tells_of_each_photograph_once(photograph, tmp_path, tiny):
    import pty
    import subprocess

    tintype("colorize", photograph("a.jpg"), model=tiny, check=0)
    photograph("b.jpg")
    ours, its = pty.openpty()
    command = command_of("colorize", str(tmp_path), "--dry-run", model=str(tiny))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=its, stderr=its)
    os.close(its)
    said = b""
    try:
        while part := os.read(ours, 4096):
            said += part
    except OSError:
        pass  # So Linux tells that the other side is closed.
    os.close(ours)
    assert process.wait() == 0
    lines = [line.strip() for line in said.decode().splitlines()]
    assert len(lines) == 4, lines
    for name in ("a.jpg", "a.color.jpg", "b.jpg"):
        assert sum(line.startswith(f"{tmp_path}/{name}") for line in lines) == 1
