"""Bytes in, bytes out: the same as the command gives, and its sentences where it refuses."""

import io
import json
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from running import tintype
from tintype.version import __version__

MODEL = "tintype.mini"


def sixteen() -> bytes:
    """A PNG file of 16 bits with a profile-less slope."""
    memory = io.BytesIO()
    Image.fromarray((np.add.outer(np.arange(90), np.arange(120)) * 300).astype(np.uint16)).save(memory, "PNG")
    return memory.getvalue()


HINTS = '[{"x": 60, "y": 40, "color": "#8b2a2b", "radius": 20}]'


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("street.jpg", {}),
        ("street.jpg", {"format": "png", "vividness": "1.3", "temperature": "0.5", "hints": HINTS}),
        ("street.jpg", {"quality": "80", "size": "128", "blend": "0.7", "faded": "true", "page": "1"}),
        ("scan.png", {"negative": "1"}),
        ("scan.png", {"format": "tif", "salvage": "on", "page": ""}),
    ],
)
def test_the_bytes_are_those_of_the_command(name, options, client, photograph, tmp_path):
    content = photograph if name == "street.jpg" else sixteen()
    (tmp_path / name).write_bytes(content)
    words = []
    for option, value in options.items():
        if option == "hints":
            (tmp_path / "hints.json").write_text(value)
            words += ["--hints", tmp_path / "hints.json"]
        elif option in ("negative", "faded", "salvage"):
            words.append(f"--{option}")
        elif value:
            words += ["--pages" if option == "page" else f"--{option}", value]
    tintype("colorize", tmp_path / name, "--quiet", *words, model=MODEL, check=0)
    [result] = tmp_path.glob("*.color.*")
    response = client.post("/v1/colorize", files={"photo": (name, content)}, data=options)
    assert response.status_code == 200, response.text
    assert response.content == result.read_bytes()
    assert response.headers["content-disposition"] == f"attachment; filename*=UTF-8''{result.name}"
    with Image.open(io.BytesIO(response.content)) as image:
        assert response.headers["content-type"] == Image.MIME[image.format]


def test_the_bytes_with_a_reference_are_those_of_the_command(client, photograph, reference, tmp_path):
    (tmp_path / "street.jpg").write_bytes(photograph)
    (tmp_path / "park.png").write_bytes(reference)
    words = ["--reference", tmp_path / "park.png", "--reference-way", "palette", "--quiet"]
    tintype("colorize", tmp_path / "street.jpg", *words, model=MODEL, check=0)
    sent = {"photo": ("street.jpg", photograph), "reference": ("park.png", reference)}
    response = client.post("/v1/colorize", files=sent, data={"reference_way": "palette"})
    assert response.content == (tmp_path / "street.color.jpg").read_bytes()


def test_what_the_user_should_know_is_in_a_header(client, photograph):
    cut = photograph[: len(photograph) // 2]
    response = client.post("/v1/colorize", files={"photo": ("a.jpg", cut)}, data={"salvage": "true"})
    [note] = json.loads(unquote(response.headers["x-tintype-notes"]))
    assert note.startswith("a.jpg lacks ")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": "0"}, "The size must be a whole number from 1 to 2048, not 0"),
        ({"size": "big"}, "The size must be a whole number from 1 to 2048, not 'big'"),
        ({"temperature": "nan"}, "The temperature must be above 0 and at most 100, not nan"),
        ({"format": "gif"}, "The format must be one of jpeg, png, tiff, webp, avif, not gif"),
        ({"quality": "101"}, "The quality must be a whole number from 1 to 100, not 101"),
        ({"negative": "perhaps"}, "The option negative must be true or false, not 'perhaps'"),
        ({"model": "/etc/passwd"}, "There is no model named /etc/passwd: give one of tintype.mini"),
        ({"hints": "[{}]"}, "The list of hints, hint 1 lacks color and radius and x and y"),
        ({"hints": "/etc/passwd"}, "The hints are not JSON"),
        ({"hints": '"/etc/passwd"'}, "The list of hints must be a list of hints, each with x, y, color and radius"),
        ({"hints": '[{"x": 999, "y": 4, "color": "#8b2a2b", "radius": 2}]'}, "Hint 1 at (999, 4) lies outside"),
        ({"page": "2"}, "a.jpg has 1 page, and no page 2"),
        ({"colour": "red"}, "There is no field 'colour': the fields are photo, reference, model"),
    ],
)
def test_wrong_options_get_one_sentence(options, sentence, client, photograph, refusal):
    response = client.post("/v1/colorize", files={"photo": ("a.jpg", photograph)}, data=options)
    assert refusal(response, 415 if "page" in options else 422).startswith(sentence)


def test_files_that_are_no_photographs_are_refused_by_name(client, service, photograph, refusal):
    def sent(name: str, content: bytes) -> str:
        return refusal(client.post("/v1/colorize", files={"photo": (name, content)}), 415)

    assert sent("../etc/notes.txt", b"dear diary") == "notes.txt is a text file, not a photograph: give a photograph"
    assert "a.jpg" in sent("C:\\photos\\a.jpg", photograph[: len(photograph) // 2])
    assert sent("a.jpg", b"").startswith("a.jpg is empty")
    assert refusal(client.post("/v1/colorize", files={"foto": ("a.jpg", photograph)}), 422).startswith("There is no")
    assert refusal(client.post("/v1/colorize", content=photograph), 415).startswith("Send a form")
    twice = [("photo", ("a.jpg", photograph)), ("photo", ("b.jpg", photograph))]
    assert refusal(client.post("/v1/colorize", files=twice), 422) == "The form has 'photo' twice: give it once"
    assert not list(service.folder.path.iterdir())
    assert service.folder.taken == 0


def test_how_sure_the_model_is_comes_as_from_the_command(client, photograph, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(photograph)
    printed = json.loads(tintype("inspect", path, "--region", "40,50,60,20", "--json", model=MODEL, check=0).stdout)
    response = client.post("/v1/inspect", files={"photo": ("a.jpg", photograph)}, data={"region": "40,50,60,20"})
    assert response.json() == printed | {"photo": "a.jpg"}


def test_models_and_health(client):
    assert client.get("/health").json() == {"status": "ok", "version": __version__}
    models = client.get("/v1/models").json()["models"]
    assert models[0]["name"] == MODEL
    assert [model["name"] for model in models if model["default"]] == [MODEL]
    takes = {model["name"]: (model["takes_hints"], model["takes_temperature"]) for model in models}
    assert takes["tintype.v2"] == takes[MODEL] == (True, True)
    assert takes["cnn10.lab"] == (False, False)


def test_the_description_has_an_example_and_the_refusals_of_everything(client):
    described = client.get("/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert len(operations) >= 15
    for operation in operations:
        assert operation["summary"]
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]
    assert "HTTPValidationError" not in described["components"]["schemas"]
