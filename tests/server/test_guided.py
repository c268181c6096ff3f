"""Photographs that are kept for a while: looked at, corrected and taken home."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from running import tintype

HINT = {"x": 120, "y": 60, "color": "#8b2a2b", "radius": 20}


def pixels(response) -> np.ndarray:
    assert response.status_code == 200, response.text
    with Image.open(io.BytesIO(response.content)) as image:
        return np.asarray(image).astype(int)


def test_a_photograph_that_was_uploaded_is_described(client, add, photograph):
    photo = add(name="folder/a street.jpg", vividness="1.5")
    assert (photo["name"], photo["width"], photo["height"]) == ("a street.jpg", 270, 360)
    assert (photo["bytes"], photo["format"], photo["depth"], photo["pages"]) == (len(photograph), "jpeg", 8, 1)
    assert (photo["in_colour"], photo["line_art"], photo["notes"], photo["hints"]) == (False, False, [], [])
    assert photo["settings"] == {
        "model": "tintype.mini", "size": None, "temperature": None, "vividness": 1.5, "blend": 1.0, "negative": False,
        "faded": False, "salvage": False, "page": None,
    }  # fmt: skip
    assert photo["takes_hints"]
    assert photo["expires_in"] == 7200
    assert len(photo["id"]) >= 22
    assert client.get(f"/v1/photos/{photo['id']}").json() == photo


def test_previews_show_the_whole_or_a_part_in_colour_or_gray(client, add):
    at = f"/v1/photos/{add()['id']}/preview"
    whole = pixels(client.get(at, params={"size": 360}))
    assert whole.shape == (360, 270, 3)
    part = pixels(client.get(at, params={"size": 360, "box": "100,200,64,48"}))
    assert part.shape == (48, 64, 3)
    assert np.abs(part - whole[200:248, 100:164]).mean() < 3
    assert pixels(client.get(at, params={"size": 90})).shape == (90, 68, 3)
    assert np.ptp(whole, axis=2).mean() > 5
    assert np.ptp(pixels(client.get(at, params={"size": 360, "gray": "1"})), axis=2).max() <= 2
    assert pixels(client.get(at)).shape == (1024, 768, 3)


def test_a_slider_changes_a_picture_and_not_the_photograph(client, add):
    photo = add()
    at = f"/v1/photos/{photo['id']}/preview"
    plain = client.get(at, params={"size": 200}).content
    for change in ({"vividness": 2}, {"blend": 0.2}, {"temperature": 0.1}):
        assert client.get(at, params={"size": 200, **change}).content != plain
    assert client.get(at, params={"size": 200}).content == plain
    assert client.get(f"/v1/photos/{photo['id']}").json() == photo


def test_a_picture_may_be_kept_where_its_address_tells_the_version(client, add):
    at = f"/v1/photos/{add()['id']}/preview"
    assert client.get(at, params={"size": 50}).headers["cache-control"] == "no-store"
    assert "immutable" in client.get(at, params={"size": 50, "version": 1}).headers["cache-control"]


def test_hints_and_settings_change_what_is_seen_and_the_version(client, add):
    photo = add(model="tintype.v2")
    at = f"/v1/photos/{photo['id']}"
    before = client.get(f"{at}/preview", params={"size": 360}).content
    hinted = client.put(f"{at}/hints", json=[HINT]).json()
    assert (hinted["hints"], hinted["version"]) == ([HINT], 2)
    here = pixels(client.get(f"{at}/preview", params={"size": 360}))[55:65, 115:125].mean(axis=(0, 1))
    assert here[0] > here[2] + 20  # it is red there
    assert client.patch(at, json={"vividness": 0.5, "size": 128}).json()["version"] == 3
    assert client.patch(at, json={"vividness": 0.5}).json()["version"] == 3
    undone = client.put(f"{at}/hints", json=[]).json()
    assert undone["version"] == 4
    assert client.patch(at, json={"vividness": None, "size": None}).json()["settings"] == photo["settings"]
    assert client.get(f"{at}/preview", params={"size": 360}).content == before


def test_what_was_dropped_from_memory_is_made_again_the_same(client, add, service):
    photo = add()
    at = f"/v1/photos/{photo['id']}"
    client.put(f"{at}/hints", json=[HINT])
    asked = [f"{at}/preview?size=300", f"{at}/preview?size=360&box=0,0,80,80", f"{at}/doubts", f"{at}/likely?x=9&y=9"]
    before = [client.get(address).content for address in asked]
    for address, content in zip(asked, before, strict=True):
        service.looks.forget(service.photographs.find(photo["id"]))
        assert client.get(address).content == content


def test_the_likely_colours_of_a_place_and_its_own(client, add):
    at = f"/v1/photos/{add()['id']}/likely"
    found = client.get(at, params={"x": 120.5, "y": 60, "radius": 12, "count": 5}).json()
    assert len(found["colours"]) == 5
    shares = [colour["probability"] for colour in found["colours"]]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1
    assert 0 <= found["lightness"] <= 100
    assert len(found["current"]) == 7


def test_doubts_lead_to_places_and_are_a_picture(client, add):
    at = f"/v1/photos/{add()['id']}/doubts"
    places = client.get(at, params={"count": 3}).json()["places"]
    assert 1 <= len(places) <= 3
    doubts = [place["doubt"] for place in places]
    assert doubts == sorted(doubts, reverse=True)
    assert all(0 <= place["x"] < 270 and 0 <= place["y"] < 360 for place in places)
    shown = pixels(client.get(f"{at}/map", params={"size": 180}))
    assert shown.shape == (180, 135, 4)
    most = shown[round(places[0]["y"] / 2), round(places[0]["x"] / 2), 3]
    assert most > np.median(shown[..., 3])


def test_alternatives_are_hints_and_have_pictures(client, add):
    at = f"/v1/photos/{add(model='tintype.v2')['id']}"
    ways = client.get(f"{at}/alternatives").json()["alternatives"]
    assert ways
    first = client.get(f"{at}/alternatives/1/preview", params={"size": 120})
    assert pixels(first).shape == (120, 90, 3)
    assert client.get(f"{at}/alternatives/{len(ways) + 1}/preview").status_code == 404
    client.put(f"{at}/hints", json=ways[0]["hints"])
    assert client.get(f"{at}/preview", params={"size": 120}).content == first.content


def test_another_photograph_gives_its_colours_as_hints(client, add, service, refusal, reference, photograph):
    at = f"/v1/photos/{add(model='tintype.v2')['id']}"
    count = len(list(service.folder.path.iterdir()))
    for way in ("regions", "palette"):
        response = client.post(f"{at}/reference", files={"reference": ("park.png", reference)}, data={"way": way})
        hints = response.json()["hints"]
        assert client.put(f"{at}/hints", json=hints).json()["hints"] == hints
    assert hints
    gray = client.post(f"{at}/reference", files={"reference": ("gray.jpg", photograph)})
    assert refusal(gray, 415) == "gray.jpg is gray or of one tone: give a reference in colour"
    other = client.post(f"{at}/reference", files={"reference": ("park.png", reference)}, data={"way": "all"})
    assert refusal(other, 422).startswith("The way to use a reference must be regions or palette")
    assert len(list(service.folder.path.iterdir())) == count


def test_the_result_is_the_file_of_the_command(client, add, photograph, tmp_path):
    photo = add()
    at = f"/v1/photos/{photo['id']}"
    client.put(f"{at}/hints", json=[HINT])
    client.patch(at, json={"vividness": 1.2, "negative": True})
    response = client.get(f"{at}/result", params={"format": "png"})
    (tmp_path / "street.jpg").write_bytes(photograph)
    (tmp_path / "hints.json").write_text(json.dumps([HINT]))
    words = ["--hints", tmp_path / "hints.json", "--vividness", 1.2, "--negative", "--format", "png", "--quiet"]
    tintype("colorize", tmp_path / "street.jpg", *map(str, words), model="tintype.mini", check=0)
    assert response.content == (tmp_path / "street.color.png").read_bytes()
    assert response.headers["content-disposition"].endswith("''street.color.png")


def test_another_page_of_a_file_is_another_photograph(client, add):
    pages = [Image.fromarray(np.full((40 + n, 60), 90 + 40 * n, np.uint8)) for n in range(2)]
    memory = io.BytesIO()
    pages[0].save(memory, "TIFF", save_all=True, append_images=pages[1:])
    refused = client.post("/v1/photos", files={"photo": ("scan.tif", memory.getvalue())})
    assert refused.status_code == 415
    photo = add(memory.getvalue(), "scan.tif", page="1")
    assert (photo["pages"], photo["height"]) == (2, 40)
    other = client.patch(f"/v1/photos/{photo['id']}", json={"page": 2}).json()
    assert (other["height"], other["settings"]["page"]) == (41, 2)
    assert client.get(f"/v1/photos/{photo['id']}/result").headers["content-disposition"].endswith("scan.p2.color.tif")


@pytest.mark.parametrize(
    ("method", "path", "body", "sentence"),
    [
        ("PATCH", "", {"vividness": 11}, "The vividness must be a number from 0 to 10, not 11"),
        ("PATCH", "", {"size": "256"}, "The size must be a whole number from 1 to 2048, not"),
        ("PATCH", "", {"model": "mine.onnx"}, "There is no model named mine.onnx: give one of"),
        ("PATCH", "", {"model": "cnn10.lab", "temperature": 1}, "The model cnn10.lab has no temperature to set"),
        ("PATCH", "", {"colour": 1}, "There is no option 'colour': the options are"),
        ("PUT", "/hints", [{**HINT, "x": 270.5}], "Hint 1 at (270.5, 60) lies outside the photograph of 270 x 360"),
        ("PUT", "/hints", [{**HINT, "color": "red"}], "The list of hints, hint 1 must have a color such as"),
        ("PUT", "/hints", [HINT] * 1001, "The list of hints has more than 1000 hints: leave some out"),
        ("GET", "/preview?size=0", None, "size: input should be greater than or equal to 1"),
        ("GET", "/preview?size=5000", None, "The size must be from 1 to 4096 pixels, not 5000"),
        ("GET", "/preview?box=1,2,3", None, "box takes X,Y,WIDTH,HEIGHT such as 410,520,40,30, in pixels, not"),
        ("GET", "/preview?box=200,0,100,9", None, "The box must be x,y,width,height within the 270 x 360 pixels"),
        ("GET", "/preview?blend=2", None, "The blend must be a number from 0 to 1, not 2"),
        ("GET", "/likely?x=270&y=3", None, "(270, 3) lies outside the photograph of 270 x 360 pixels"),
        ("GET", "/result?format=bmp", None, "The format must be one of jpeg, png, tiff, webp, avif, not bmp"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence_and_changes_nothing(
    method, path, body, sentence, client, add, refusal
):
    photo = add()
    at = f"/v1/photos/{photo['id']}"
    assert refusal(client.request(method, f"{at}{path}", json=body), 422).startswith(sentence)
    assert client.get(at).json() == photo


def test_hints_are_not_lost_to_a_model_that_takes_none(client, add, refusal):
    at = f"/v1/photos/{add()['id']}"
    client.put(f"{at}/hints", json=[HINT])
    refused = client.patch(at, json={"model": "cnn10.lab"})
    assert refusal(refused, 422) == "The model cnn10.lab takes no hints: leave them out, or choose a model that does"
    assert client.get(at).json()["settings"]["model"] == "tintype.mini"


def test_a_photograph_that_was_deleted_is_gone_with_its_file(client, add, service, refusal):
    kept, photo = add(), add()
    count = len(list(service.folder.path.iterdir()))
    assert client.delete(f"/v1/photos/{photo['id']}").status_code == 204
    assert len(list(service.folder.path.iterdir())) == count - 1
    for path in ("", "/preview", "/result", "/likely?x=1&y=1", "/doubts"):
        assert refusal(client.get(f"/v1/photos/{photo['id']}{path}"), 404)
    assert client.get(f"/v1/photos/{kept['id']}").status_code == 200


def test_an_archive_has_all_results_and_names_what_failed(client, add, service):
    first, second = add(), add(name="STREET.jpg")
    form = {"photos": [first["id"], second["id"], "nobody"], "format": "png"}
    response = client.post("/v1/archive", data=form)
    assert response.headers["content-disposition"] == "attachment; filename*=UTF-8''coloured.zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as packed:
        assert packed.namelist() == ["street.color.png", "STREET.color-2.png", "errors.txt"]
        assert packed.testzip() is None
        assert {entry.compress_type for entry in packed.infolist()} == {zipfile.ZIP_STORED}
        result = client.get(f"/v1/photos/{first['id']}/result", params={"format": "png"}).content
        assert packed.read("street.color.png") == result
        assert packed.read("errors.txt").startswith(b"nobody: there is no such photograph here")
    one = client.post("/v1/archive", json={"photos": [first["id"]], "format": None})
    with zipfile.ZipFile(io.BytesIO(one.content)) as packed:
        assert packed.namelist() == ["street.color.jpg"]
    # What was made for them is away again.
    assert service.folder.taken == sum(file.stat().st_size for file in service.folder.path.iterdir())


def test_an_archive_of_nothing_is_refused(client, refusal):
    assert refusal(client.post("/v1/archive", json={"photos": ["nobody"]}), 404)
    assert refusal(client.post("/v1/archive", json={"photos": []}), 422)
    assert refusal(client.post("/v1/archive", content=b"{"), 400)
    assert refusal(client.post("/v1/archive", data={"photos": "a", "quality": "high"}), 422)
