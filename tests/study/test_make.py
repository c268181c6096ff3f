"""Studies from photographs: what their pictures are, and that their files tell nothing."""

import os
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from small_models import CARD, write_model
from small_sets import encode
from small_tables import serving, write_table
from tintype.cli import main
from tintype.color.lab import rgb_to_lab
from tintype.colorizer import Colorizer
from tintype.data.fingerprint import fingerprint
from tintype.data.seen import write_seen
from tintype.evaluation import free
from tintype.evaluation.photographs import square
from tintype.photo import from_array
from tintype.study.design import Known, read_study
from tintype.study.make import enlarged
from written_evaluations import photograph

SIDE = 32


def write_photographs(folder: Path, count: int = 4) -> Path:
    """Wider than high, so that they must be cut; one is noise and one nearly flat, which compress most differently."""
    folder.mkdir(parents=True)
    for number in range(count):
        pixels = photograph(number, 96)[:64]
        if number == 0:
            pixels = np.random.default_rng(0).integers(0, 256, pixels.shape, np.uint8)
        if number == 1:
            pixels = np.full_like(pixels, (200, 90, 40))
        Image.fromarray(pixels).save(folder / f"p{number}.png")
    return folder


def make(photos, output, *words, **options) -> int:
    options = {"size": SIDE, "practice": 1, "trials": 3} | options
    flags = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return main(["study", "make", "--photos", str(photos), "-o", str(output), *flags, *map(str, words)])


def pixels(study, index: int, method: str) -> np.ndarray:
    return np.asarray(Image.open(study.picture(index, method)))


def lab(rgb: np.ndarray) -> np.ndarray:
    return rgb_to_lab(rgb / np.float32(255))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return write_photographs(tmp_path_factory.mktemp("photographs") / "photos")


@pytest.fixture(scope="module")
def study(photos, tiny):
    """By a model, and by another program, which mirrors photographs and leaves them in full size."""
    folder = photos.parent / "theirs"
    folder.mkdir()
    for path in photos.iterdir():
        Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / f"{path.stem}.webp", lossless=True)
    assert make(photos, photos.parent / "study", folder, models=tiny, title="A title") == 0
    return read_study(photos.parent / "study", check=True)


def test_every_photograph_has_its_pictures(study):
    assert study.title == "A title"
    assert study.methods == ("tiny.v1", "theirs")
    assert [photo.name for photo in study.photographs] == ["p0", "p1", "p2", "p3"]
    assert len(list((study.folder / "pictures").iterdir())) == 4 * 4
    assert re.fullmatch("[0-9a-f]{64}", study.about["tiny.v1"])
    assert study.about["theirs"] == "theirs"


def test_the_files_tell_nothing(study):
    files = [path.read_bytes() for path in (study.folder / "pictures").iterdir()]
    assert len({len(content) for content in files}) == 1
    for content in files:
        chunks, at = [], 8
        while at < len(content):
            (length,) = struct.unpack_from(">I", content, at)
            chunks.append((content[at + 4 : at + 8], length))
            at += 12 + length
        assert [name for name, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"]
    names = [path.name for path in (study.folder / "pictures").iterdir()]
    assert all(re.fullmatch(r"[0-9a-f]{24}\.png", name) for name in names)


def test_the_same_study_made_again_has_other_names(study, photos, tiny, tmp_path):
    assert make(photos, tmp_path / "again", photos.parent / "theirs", models=tiny) == 0
    again = read_study(tmp_path / "again")
    assert np.array_equal(pixels(again, 2, "random"), pixels(study, 2, "random"))
    names = [{path.name for path in (one.folder / "pictures").iterdir()} for one in (study, again)]
    assert not names[0] & names[1]


def test_truth_and_predictions_go_the_same_way(study, photos):
    for index in range(4):
        whole = np.asarray(Image.open(photos / f"p{index}.png"))
        truth = pixels(study, index, "truth")
        assert np.array_equal(truth, square(whole, SIDE))
        theirs = pixels(study, index, "theirs").astype(int)
        assert np.abs(theirs[:, ::-1] - truth).max() <= 1


def test_a_model_is_given_the_lightness_alone(study, tiny):
    truth = pixels(study, 2, "truth")
    luminance = ((lab(truth)[..., 0] + 16) / 116) ** 3  # all above the straight part of the curve
    codes = np.rint(255 * (1.055 * luminance ** (1 / 2.4) - 0.055)).astype(np.uint8)
    assert np.array_equal(pixels(study, 2, "tiny.v1"), Colorizer(tiny)(codes))


def test_random_has_its_own_lightness_and_the_colours_of_another(study):
    lenders = []
    for index in range(4):
        found, truth = lab(pixels(study, index, "random")), lab(pixels(study, index, "truth"))
        assert np.abs(found[..., 0] - truth[..., 0]).mean() < 0.5
        directions = [lab(pixels(study, other, "truth"))[..., 1:] for other in range(4)]
        # Chroma may have shrunk into the gamut, hue has not.
        agree = [float((found[..., 1:] * ab).sum() / np.linalg.norm(ab)) for ab in directions]
        lenders.append(int(np.argmax(agree)))
        assert lenders[-1] != index
    assert sorted(lenders) == [0, 1, 2, 3]


def refused(capsys, photos, output, *words, code=None, **options) -> str:
    """The sentence that a study is refused with; nothing stays behind."""
    before = sorted(output.parent.iterdir())
    assert make(photos, output, *words, **options) in ((1, 2) if code is None else (code,))
    assert sorted(output.parent.iterdir()) == before
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.fixture
def output(tmp_path):
    return tmp_path / "made" / "study"


@pytest.fixture(autouse=True)
def place(output):
    output.parent.mkdir()


def test_too_few_photographs_are_refused_with_the_options_that_would_do(capsys, photos, output, tiny):
    said = refused(capsys, photos, output, code=2, practice=2, trials=8)
    assert "has 4 photographs, and a participant sees 10 different ones (2 in practice, 8 in the test)" in said
    options = dict(re.findall(r"--(practice|trials) (\d+)", said))
    assert options == {"practice": "0", "trials": "4"}
    assert make(photos, output, models=tiny, **options) == 0


def test_forty_photographs_and_the_defaults(capsys, tmp_path, output):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(40):
        Image.fromarray(photograph(number, 32)).save(photos / f"{number}.png")
    assert main(["study", "make", "--photos", str(photos), "-o", str(output)]) == 2
    assert "give --practice 8 --trials 32" in capsys.readouterr().err


def test_black_and_white_photographs_are_counted_and_refused(capsys, tmp_path, output):
    photos = write_photographs(tmp_path / "photos", 6)
    for name in ("p2", "p4"):
        path = photos / f"{name}.png"
        Image.open(path).convert("L").convert("RGB").save(path)
    assert "2 of 6 photographs are black-and-white, such as p2" in refused(capsys, photos, output)


def test_missing_predictions_are_counted_and_refused(capsys, photos, tmp_path, output):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    Image.open(photos / "p1.png").save(theirs / "p1.jpg")
    assert "no prediction of p0, and lacks 3 of 4" in refused(capsys, photos, output, theirs)


@pytest.mark.parametrize(
    ("content", "words"), [(b"nothing", "p2.png"), (None, "p2.png has 31 x 40 pixels, and enlarged it would")]
)
def test_a_prediction_that_cannot_be_used_is_refused_by_its_name(capsys, tmp_path, output, content, words):
    photos, theirs = write_photographs(tmp_path / "photos"), write_photographs(tmp_path / "theirs")
    if content is None:
        Image.open(theirs / "p2.png").resize((31, 40)).save(theirs / "p2.png")
    else:
        (theirs / "p2.png").write_bytes(content)
    assert words in refused(capsys, photos, output, theirs)


def test_a_photograph_that_cannot_be_read_is_refused_by_its_name(capsys, tmp_path, output, tiny):
    photos = write_photographs(tmp_path / "photos")
    (photos / "p3.png").write_bytes((photos / "p3.png").read_bytes()[:400])
    assert "p3.png is broken" in refused(capsys, photos, output, models=tiny)


@pytest.mark.parametrize("name", ["tiny.v1", "random", "truth"])
def test_two_things_of_one_name_are_refused(capsys, photos, tmp_path, output, tiny, name):
    folder = write_photographs(tmp_path / name)
    assert f"something called {name}" in refused(capsys, photos, output, folder, models=tiny, code=2)


def test_a_study_that_is_there_is_not_written_over(capsys, photos, output, tiny):
    output.mkdir()
    assert "is there already" in refused(capsys, photos, output, models=tiny, code=2)


@pytest.mark.parametrize(
    ("option", "value"),
    [("size", 8), ("practice", -1), ("trials", 0), ("catch", 0.6), ("exposure", 0), ("seed", -1), ("limit", 0)],
)
def test_settings_that_cannot_be_are_refused(capsys, photos, output, option, value):
    said = refused(capsys, photos, output, code=2, **{option: value})
    assert str(value) in said
    assert f"--{option}" in said


def test_what_is_no_folder_of_predictions_is_refused(capsys, photos, output):
    assert "is not a folder of predictions" in refused(capsys, photos, output, "tintype.v2", code=2)


def test_what_calls_itself_a_model_of_tintype_is_not_called_so(capsys, photos, tmp_path, output):
    card = CARD | {"name": "tintype.v2", "family": "tintype"}
    impostor = write_model(tmp_path / "tintype.v2.onnx", card=card)
    assert make(photos, output, models=impostor) == 0
    [label] = read_study(output).methods
    assert re.fullmatch("own.[0-9a-f]{8}", label)
    capsys.readouterr()
    folder = write_photographs(tmp_path / "tintype.mini")
    assert "is a model of tintype" in refused(capsys, photos, tmp_path / "other", folder, code=2)


def test_a_card_whose_name_cannot_be_shown_is_refused(capsys, photos, tmp_path, output):
    model = write_model(tmp_path / "m.onnx", card=CARD | {"name": "a\x1b[31m.v1", "family": "a\x1b[31m"})
    said = refused(capsys, photos, output, models=model)
    assert "\x1b" not in said


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_a_name_that_cannot_be_shown_is_refused(capsys, photos, tmp_path, output):
    folder = write_photographs(tmp_path / "theirs\x1b[31m")
    said = refused(capsys, photos, output, folder, code=2)
    assert "cannot be shown" in said
    assert "\x1b" not in said


def test_how_many_catch_trials_there_are_is_said(capsys, photos, tmp_path, tiny):
    for number, (trials, catches, words) in enumerate(
        [(4, 1, "too few to find who guesses"), (3, 0, "nobody who guesses is found")]
    ):
        output = tmp_path / str(number)
        assert make(photos, output, models=tiny, practice=0, trials=trials) == 0
        assert read_study(output).catches == catches
        said = capsys.readouterr()
        assert words in said.out + said.err


RECRUITING = {
    "researcher": "Dr. A",
    "contact": "a@uni.example",
    "completion": "https://app.site.example/complete?cc=C1&id={code}",
    "participant-code": "PROLIFIC_PID",
}


def test_what_recruitment_needs_is_in_the_study(photos, tmp_path, output, tiny):
    consent = tmp_path / "consent.txt"
    consent.write_text("# Purpose\n\nWe ask.\n", encoding="utf-8-sig")
    assert make(photos, output, models=tiny, consent=consent, **RECRUITING) == 0
    study = read_study(output, check=True)
    assert study.consent.splitlines() == ["# Purpose", "", "We ask."]
    assert (study.researcher, study.contact) == ("Dr. A", "a@uni.example")
    assert study.completion == RECRUITING["completion"]
    assert study.participant_code == "PROLIFIC_PID"


@pytest.mark.parametrize(
    ("option", "value"),
    [("completion", "http://site.example/"), ("completion", "//site.example"), ("completion", "javascript:alert(1)"),
     ("completion", "https://"), ("completion", "https://user@site.example"), ("completion", "https://[x/"),
     ("completion", "https://{code}.example/?a"), ("completion", "https://site.example/{code}"),
     ("completion", "https://site.example/?{id}"), ("completion", "https://site.example/ a"),
     ("completion", "https://site.example/\n"), ("completion", "https://site.example:99999/"),
     ("completion", 'https://site.example/"'), ("participant-code", "a b"), ("participant-code", "a" * 65),
     ("participant-code", "a&b"), ("researcher", "a\nb"), ("contact", "a" * 201)],
)  # fmt: skip
def test_recruitment_that_would_lead_elsewhere_is_refused(capsys, photos, output, tiny, option, value):
    said = refused(capsys, photos, output, models=tiny, code=2, **RECRUITING | {option: value})
    assert f"--{option}" in said


def test_a_completion_with_a_code_needs_the_parameter_that_brings_it(capsys, photos, output, tiny):
    options = {"completion": "https://site.example/?{code}"}
    assert "--participant-code" in refused(capsys, photos, output, models=tiny, code=2, **options)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"", b"a" * 20_001])
def test_a_consent_text_that_is_none_is_refused(capsys, photos, tmp_path, output, tiny, content):
    consent = tmp_path / "consent.txt"
    if content is not None:
        consent.write_bytes(content)
    assert "consent.txt" in refused(capsys, photos, output, models=tiny, consent=consent)


# ---- the truth on a machine's grid


def test_the_truth_can_go_the_way_of_a_machines_colours(photos, study, tmp_path, tiny):
    assert make(photos, tmp_path / "coarse", models=tiny, **{"truth-grid": "models"}) == 0
    coarse = read_study(tmp_path / "coarse", check=True)
    # The model sees squares of 64 pixels and answers on a quarter of that.
    assert (coarse.truth_grid, study.truth_grid) == (16, None)
    for index in range(4):
        as_it_is, found = lab(pixels(study, index, "truth")), lab(pixels(coarse, index, "truth"))
        assert np.abs(found[..., 0] - as_it_is[..., 0]).max() < 0.6
        assert np.array_equal(pixels(coarse, index, "random"), pixels(study, index, "random"))
    # The first photograph is noise, whose colours cannot pass; the second is of one colour, which does.
    noise, plain = ([lab(pixels(one, index, "truth"))[..., 1:] for one in (study, coarse)] for index in (0, 1))
    assert noise[1].std(axis=(0, 1)).max() < 0.7 * noise[0].std(axis=(0, 1)).min()
    assert np.abs(plain[1] - plain[0]).max() < 1.5


@pytest.mark.parametrize("name", ["tintype.mini", "eccv16.own"])
def test_a_models_own_colours_on_that_way_are_its_picture(name):
    codes = np.asarray(Image.fromarray(photograph(3, 64)).convert("L"))
    colorizer = Colorizer(name)
    colours = colorizer.look(from_array(codes))
    assert np.array_equal(enlarged(codes, colours.ab, colours.guide.shape[0]), colorizer(codes))


@pytest.mark.parametrize(
    ("grid", "models", "words"),
    [("models", "tintype.mini,eccv16.own", "(tintype.mini 64, eccv16.own 32)"), ("models", "", "does not tell on"),
     ("7", "", "from 8 to 1024, not 7"), ("own", "", "models, or a number")],
)  # fmt: skip
def test_a_grid_that_cannot_be_told_is_refused(capsys, photos, output, grid, models, words):
    given = {"models": models} if models else {}
    theirs = [] if models else [photos.parent / "theirs"]
    assert words in refused(capsys, photos, output, *theirs, code=2, **given, **{"truth-grid": grid})


def test_predictions_are_compared_with_the_truth_on_a_given_grid(photos, study, output):
    assert make(photos, output, photos.parent / "theirs", **{"truth-grid": 8}) == 0
    made = read_study(output, check=True)
    assert made.truth_grid == 8
    assert not np.array_equal(pixels(made, 2, "truth"), pixels(study, 2, "truth"))
    assert np.array_equal(pixels(made, 2, "theirs"), pixels(study, 2, "theirs"))


# ---- photographs that a model knows


def test_photographs_that_a_model_learned_from_are_told(capsys, photos, tmp_path, output):
    model = write_model(tmp_path / "mine.onnx", card=CARD | {"training_data": [{"name": "ours", "photographs": 30}]})
    known = np.asarray(Image.open(photos / "p2.png").resize((60, 40), Image.Resampling.LANCZOS))[:, ::-1]
    write_seen(tmp_path / "mine.seen", [fingerprint(np.ascontiguousarray(known)), 0])
    assert make(photos, output, models=model) == 0
    said = capsys.readouterr()
    assert "tiny.v1 seems to know 1 of the 4 photographs, such as p2" in said.err
    assert "not known" not in said.out
    assert read_study(output, check=True).known == {"tiny.v1": Known(hashes=2, photographs=30, alike=("p2",))}


def test_that_nobody_knows_what_a_method_learned_from_is_told(capsys, photos, output, tiny):
    assert make(photos, output, photos.parent / "theirs", models=f"{tiny},tintype.mini") == 0
    said = capsys.readouterr()
    assert "Whether tiny.v1, theirs learned from these photographs is not known" in said.out
    assert "warning: tintype" not in said.err
    assert read_study(output).known == {"tintype.mini": Known(hashes=27_000, photographs=63_866, alike=())}


# ---- the ready study


def test_the_ready_study_is_fetched_and_fits_its_photographs(tmp_path, output, tiny, monkeypatch):
    files = {f"/{number}.png": encode(photograph(number, 40)) for number in range(40)}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving(files) as server:
        table = write_table(tmp_path / "table.csv", files, server.address)
        monkeypatch.setattr(free, "TABLE", table)
        words = ["study", "make", "--photos", "tintype-40", "--models", str(tiny), "-o", str(output), "--size", "32"]
        assert main(words) == 0
    study = read_study(output, check=True)
    assert (len(study.photographs), study.practice, study.trials, study.catches) == (40, 8, 32, 8)
