"""What the server of a study tells, and what it keeps to itself."""

import asyncio
import csv
import html
import json
import re
import signal
import sqlite3
import subprocess
import threading
import time
from functools import partial
from urllib.parse import quote

import pytest

pytest.importorskip("starlette", reason="starlette is not installed")
import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from running import command_of
from tintype.study import vision
from tintype.study.answers import Answer, Store
from tintype.study.design import method_of, plan
from tintype.study.site import NEWCOMERS, application
from tintype.study.texts import english
from tintype.web.guard import BODY
from tintype.web.limits import Bucket
from written_studies import write_study

HOME = "http://study.test"
TOKEN = "open-sesame"
SENT = {"exposure_ms": 1000.0, "refresh_hz": 60.0, "reaction_ms": 900.0, "input": "mouse"}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study") / "study")


@pytest.fixture(scope="module")
def runner():
    with asyncio.Runner() as runner:
        yield runner


class Person:
    """A browser that nobody used yet, without the network: it speaks to the application itself."""

    def __init__(self, served, runner):
        transport = httpx.ASGITransport(served.application, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=HOME, headers={"origin": HOME})
        self._runner = runner
        self.cookies, self.headers = self._client.cookies, self._client.headers

    def request(self, method: str, path: str, **options) -> httpx.Response:
        return self._runner.run(self._client.request(method, path, **options))

    def __getattr__(self, method: str):
        return partial(self.request, method.upper())


class Served:
    """A study, and as many people as one likes."""

    def __init__(self, study, path, runner, quiz=False):
        self.study, self.store, self.runner = study, Store(path, study.digest), runner
        self.application = application(study, self.store, TOKEN, quiz=quiz, names=["study.test"])

    def person(self) -> Person:
        return Person(self, self.runner)

    def participant(self) -> Person:
        """Somebody before their first trial."""
        person = self.person()
        person.post("/begin")
        person.post("/vision", data={})
        return person

    def trials(self, person):
        """What the store has planned for them."""
        number = self.store.progress(code_of(person)).participant
        return plan(self.study, number, method_of(self.study, number))


@pytest.fixture
def served(study, tmp_path, runner):
    served = Served(study, tmp_path / "answers.sqlite", runner)
    yield served
    served.store.close()


@pytest.fixture
def quiz(study, tmp_path, runner):
    served = Served(study, tmp_path / "quiz.sqlite", runner, quiz=True)
    yield served
    served.store.close()


def code_of(person: Person) -> str:
    [cookie] = [value for name, value in person.cookies.items() if "results" not in name]
    return cookie.partition(".")[0]


def see(person: Person, trial: int, seconds: float = 0.11) -> None:
    """Look at both pictures of a trial for as long as the study shows them."""
    for side in ("left", "right"):
        person.get(f"/picture/{trial}/{side}")
    time.sleep(seconds)


def answer(person: Person, trial: int, left: bool = True, **changes) -> httpx.Response:
    """Look at a trial, and answer it."""
    see(person, trial)
    return person.post("/answer", json={"trial": trial, "left": left, **SENT, **changes})


def test_the_way_from_consent_to_thanks(served):
    person = served.person()
    assert "<h1>A &lt;small&gt; study</h1>" in person.get("/").text
    assert served.store.counts()["began"] == 0  # reading is not taking part
    assert person.post("/begin").headers["location"] == "/vision"
    digits = [plate.digit for plate in vision.draw(served.study.seed)]
    person.post("/vision", data={"plate0": digits[0], "plate1": digits[1], "plate2": "", "plate3": f" {digits[3]} "})
    assert served.store.export(code_of(person))["colour_vision"] == {"shown": 4, "right": 3}
    for number in range(6):
        assert f'data-number="{number}"' in person.get("/trial").text
        for side in ("left", "right"):
            assert person.get(f"/picture/{number}/{side}").headers["content-type"] == "image/png"
        assert answer(person, number).status_code == 200
    assert person.get("/").headers["location"] == "/thanks"
    assert "Thank you" in person.get("/thanks").text
    assert code_of(person) in person.get("/thanks").text


def test_after_a_reload_everyone_is_where_they_were(served):
    person = served.person()
    assert person.get("/trial").headers["location"] == "/"
    person.post("/begin")
    code = code_of(person)
    assert person.get("/").headers["location"] == "/vision"
    person.post("/vision", data={})
    assert person.get("/").headers["location"] == "/trial"
    answer(person, 0)
    assert 'data-number="1"' in person.get("/trial").text
    person.post("/begin")  # from a consent page that was still open
    assert code_of(person) == code
    for number in range(1, 6):
        answer(person, number)
    assert person.get("/").headers["location"] == "/thanks"
    assert person.get("/trial").headers["location"] == "/"


def test_practice_is_told_right_or_wrong_and_the_test_is_not(served):
    person = served.participant()
    trials = served.trials(person)
    for trial in trials:
        told = answer(person, trial.number, left=trial.machine_left).json()
        assert told == ({"correct": True} if trial.kind == "practice" else {})


def test_the_quiz_tells_every_answer(quiz):
    person = quiz.participant()
    for trial in quiz.trials(person):
        right = trial.number % 2 == 0
        assert answer(person, trial.number, left=trial.machine_left == right).json() == {"correct": right}
    assert re.search(r"in \d of 3 pairs", person.get("/thanks").text)


def test_left_is_where_the_plan_has_the_machine(served):
    person = served.participant()
    for trial in served.trials(person):
        pictures = {side: person.get(f"/picture/{trial.number}/{side}").content for side in ("left", "right")}
        machine, true = ("left", "right") if trial.machine_left else ("right", "left")
        assert pictures[machine] == served.study.picture(trial.photograph, trial.method).read_bytes()
        assert pictures[true] == served.study.picture(trial.photograph, "truth").read_bytes()
        answer(person, trial.number)


def test_nothing_but_its_pixels_tells_which_picture_is_which(served):
    """Over all trials of several people, also the sizes of the catch trials' pictures."""
    seen = set()
    for _ in range(6):
        person = served.participant()
        for trial in served.trials(person):
            for side in ("left", "right"):
                response = person.get(f"/picture/{trial.number}/{side}")
                chunks = re.findall(rb"[A-Z]{4}", response.content[:64] + response.content[-16:])
                seen.add((response.status_code, len(response.content), (*response.headers.multi_items(),), *chunks))
            answer(person, trial.number)
    [(status, _, headers, *chunks)] = seen
    assert (status, *chunks) == (200, b"IHDR", b"IDAT", b"IEND")
    names = {name for name, _ in headers}
    assert not names & {"etag", "last-modified", "content-disposition", "accept-ranges", "set-cookie", "location"}
    assert dict(headers)["cache-control"] == "no-store"


def test_only_the_pictures_of_this_trial_and_the_next_are_given(served):
    person = served.participant()
    answer(person, 0)
    given = {number: person.get(f"/picture/{number}/left").status_code for number in (0, 1, 2, 3, 5, 6, 10**30)}
    assert given == {0: 404, 1: 200, 2: 200, 3: 404, 5: 404, 6: 404, 10**30: 404}
    assert person.get("/picture/1/truth").status_code == 404
    assert served.person().get("/picture/1/left").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/study.json", "/pictures/x.png", "/answers.sqlite", "/static/../server.py", "/static/%2e%2e%2fserver.py",
     "/static/..%2f..%2f..%2fetc%2fpasswd", "/picture/0/..%2f..%2fstudy.json", "/plate/4", "/plate/-1", "/nothing"],
)  # fmt: skip
def test_no_other_file_is_given(path, served):
    response = served.participant().get(path)
    assert response.status_code == 404
    assert len(response.json()["error"]) > 15


@pytest.mark.parametrize(
    "path",
    [
        "/results",
        "/results/report",
        "/results/report.csv",
        "/results/answers.csv",
        "/screen",
        "/screen.json",
        "/results?token=wrong",
    ],
)
@pytest.mark.parametrize("wrong", [None, "guessed"])
def test_results_need_the_token(path, wrong, quiz):
    person = quiz.participant()
    if wrong:
        person.cookies.set(f"quiz-results-{quiz.study.digest[:12]}", wrong)
    response = person.get(path)
    assert response.status_code == 403
    assert "token" in response.json()["error"]


def test_the_token_goes_from_the_address_into_a_cookie(served):
    person, researcher = served.participant(), served.person()
    answer(person, 0)
    answer(person, 1)
    response = researcher.get(f"/results?token={TOKEN}")
    assert response.status_code == 303
    assert response.headers["location"] == "/results"
    assert "HttpOnly" in response.headers["set-cookie"]
    assert "SameSite=strict" in response.headers["set-cookie"]
    page = researcher.get("/results").text
    assert "<td>1</td>" in page
    assert TOKEN not in page


def test_the_report_is_there_while_people_answer(served):
    person, researcher = served.participant(), served.person()
    for trial in served.trials(person):
        answer(person, trial.number, left=not trial.machine_left)
    researcher.get(f"/results?token={TOKEN}")
    page = researcher.get("/results/report")
    assert page.status_code == 200
    assert {*served.study.methods} & {*re.findall(r"\w+", page.text)}
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    table = researcher.get("/results/report.csv").text.splitlines()
    assert table[0].startswith("figure,")
    assert len(table) > 10
    kept = list(csv.DictReader(researcher.get("/results/answers.csv").text.splitlines()))
    assert [row["trial"] for row in kept] == list("012345")
    assert {row["reaction_ms"] for row in kept} == {"900.0"}
    assert code_of(person) not in researcher.get("/results/answers.csv").text


def test_the_screen_counts_the_test_answers_of_all(quiz):
    people = [quiz.participant() for _ in range(2)]
    for person in people:
        for trial in quiz.trials(person):
            answer(person, trial.number, left=not trial.machine_left)
    visitor = quiz.person()
    assert visitor.get(f"/screen?token={TOKEN}").headers["location"] == "/screen"
    assert visitor.get("/screen.json").json() == {"people": 2, "answers": 6, "fooled": 6}
    assert "100 %" in visitor.get("/screen").text


def test_the_next_person_begins_the_quiz_anew(quiz):
    person = quiz.participant()
    first = code_of(person)
    person.post("/next")
    assert "voluntary" in person.get("/").text
    person.post("/begin")
    assert code_of(person) != first
    assert quiz.store.counts()["began"] == 2


def test_an_answer_is_taken_once_and_in_order(served):
    person = served.participant()
    left = served.trials(person)[0].machine_left
    assert answer(person, 1).status_code == 409
    assert answer(person, 0, left=left).json() == {"correct": True}
    assert answer(person, 0, left=not left).json() == {"correct": True}
    assert served.store.counts()["practice"] == 1


@pytest.mark.parametrize(
    "changes",
    [{"left": 1}, {"left": None}, {"trial": "0"}, {"trial": True}, {"input": "telepathy"}, {"exposure_ms": -1},
     {"exposure_ms": "1"}, {"reaction_ms": float("nan")}, {"refresh_hz": float("inf")}, {"reaction_ms": True}],
)  # fmt: skip
def test_what_is_no_answer_is_refused(changes, served):
    person = served.participant()
    body = json.dumps({"trial": 0, "left": True, **SENT, **changes})
    assert person.post("/answer", content=body).status_code == 400
    assert served.store.counts()["practice"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"[" * 4000, b"\xff"])
def test_what_is_not_even_json_is_refused(body, served):
    assert served.participant().post("/answer", content=body).status_code == 400


def test_long_bodies_are_refused(served):
    person = served.participant()
    for path in ("/answer", "/vision"):
        assert person.post(path, content=b"a" * (BODY + 1)).status_code == 413


@pytest.mark.parametrize("origin", [None, "null", "http://evil.test", "http://study.test.evil.test", "nonsense"])
@pytest.mark.parametrize("path", ["/begin", "/vision", "/answer", "/mine/CODE/delete"])
def test_other_sites_cannot_speak_for_a_participant(path, origin, served):
    person = served.participant()
    path = path.replace("CODE", code_of(person))
    del person.headers["origin"]
    headers = {} if origin is None else {"origin": origin}
    assert person.post(path, headers=headers, json={"trial": 0, "left": True, **SENT}).status_code == 403
    assert served.store.counts()["practice"] == 0
    assert served.store.counts()["began"] == 1


def test_the_cookie_is_for_this_server_alone(served):
    cookie = served.person().post("/begin").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    "path", ["/", "/vision", "/trial", "/thanks", "/mine", "/static/page.css", "/nothing", "/plate/0"]
)
def test_every_response_forbids_what_no_page_needs(path, served):
    for response in (served.participant().get(path), served.person().put(path)):
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cross-origin-resource-policy"] == "same-origin"
        assert response.headers["referrer-policy"] == "same-origin"


def test_pages_hold_no_code_of_their_own_that_the_policy_would_stop(quiz):
    person = quiz.participant()
    pages = [person.get(path).text for path in ("/trial", "/thanks", "/mine", f"/mine/{code_of(person)}")]
    assert not [
        page for page in pages if re.search(r"<script(?! src)|<style|\sstyle=|\son\w+=|http://(?!www.w3)", page)
    ]


def test_other_methods_and_unknown_pages_are_a_sentence(served):
    person = served.person()
    assert person.head("/").status_code == 200
    assert person.delete("/").status_code == 405
    assert "method" in person.put("/answer").json()["error"]
    page = person.get("/nothing", headers={"accept": "text/html"})
    assert page.status_code == 404
    assert "There is no such page here." in page.text


def test_a_fault_is_a_sentence_too(served):
    person = served.participant()
    served.store.close()
    response = person.get("/trial", headers={"accept": "text/html"})
    assert response.status_code == 503
    assert "try again" in response.text
    assert "content-security-policy" in response.headers


def test_one_reads_and_deletes_ones_own_data_by_the_code(served):
    person, stranger = served.participant(), served.person()
    answer(person, 0)
    code = code_of(person)
    assert stranger.get(f"/mine?code={code}").headers["location"] == f"/mine/{code}"
    kept = stranger.get(f"/mine/{code}.json")
    assert kept.json()["answers"][0]["reaction_ms"] == 900.0
    assert (
        f"under the code <code>{code}</code>, with when and how they were given: 1."
        in stranger.get(f"/mine/{code}").text
    )
    assert stranger.post(f"/mine/{code}/delete").status_code == 200
    assert stranger.get(f"/mine/{code}.json").status_code == 404
    assert "voluntary" in person.get("/").text
    assert answer(person, 1).status_code == 404


def test_codes_and_tokens_cannot_be_tried_out(served):
    stranger = served.person()
    statuses = [stranger.get(f"/mine/guess{number}.json").status_code for number in range(40)]
    assert statuses[0] == 404
    assert statuses[-1] == 429
    assert stranger.get("/results?token=guess").status_code == 429
    assert served.person().get("/").status_code == 200


def test_a_flood_of_newcomers_is_stopped_and_a_class_is_not(served):
    statuses = [served.person().post("/begin").status_code for _ in range(40)]
    assert {*statuses} == {303}
    assert NEWCOMERS[0] >= 200
    bucket = Bucket(2, 1.0, clock=lambda: now[0])
    now = [0.0]
    assert [bucket.take("a") for _ in range(3)] == [True, True, False]
    assert bucket.take("b")
    now[0] = 1.0
    assert [bucket.take("a") for _ in range(2)] == [True, False]
    now[0] = 100.0
    assert [bucket.take("a") for _ in range(3)] == [True, True, False]


# ---- for public use


def test_pictures_that_were_not_seen_cannot_be_judged(tmp_path, runner):
    """Neither never fetched, nor only one of them, nor both for less than the study shows them."""
    exposure = 2.0  # even a machine that is busy does some requests in that time
    study = write_study(tmp_path / "study", exposure=exposure)
    served = Served(study, tmp_path / "answers.sqlite", runner)
    person = served.participant()

    def at_once(trial: int) -> int:
        return person.post("/answer", json={"trial": trial, "left": True, **SENT}).status_code

    assert at_once(0) == 409
    person.get("/picture/0/left")
    person.get("/picture/0/left")
    time.sleep(exposure)
    assert at_once(0) == 409
    person.get("/picture/0/right")
    see(person, 1, 0)
    assert at_once(0) == 409
    time.sleep(exposure)
    assert at_once(0) == 200
    # Those of the next trial were fetched meanwhile, but cannot have been shown yet.
    assert at_once(1) == 409
    time.sleep(exposure)
    assert at_once(1) == 200
    assert served.store.counts()["practice"] == 2
    served.store.close()


def test_what_was_fetched_is_known_after_a_restart(served, tmp_path, runner):
    person = served.participant()
    see(person, 0)
    again = Served(served.study, tmp_path / "answers.sqlite", runner)
    other = again.person()
    other.cookies.update(person.cookies)
    assert other.post("/answer", json={"trial": 0, "left": True, **SENT}).status_code == 200
    again.store.close()


def test_nobody_gets_the_trials_of_somebody_who_deleted_theirs(served):
    first = served.participant()
    shown = [first.get(f"/picture/{number}/left").content for number in (0, 1)]
    number = served.store.progress(code_of(first)).participant
    first.post(f"/mine/{code_of(first)}/delete")
    second = served.participant()
    assert served.store.progress(code_of(second)).participant == number + 1
    assert [second.get(f"/picture/{number}/left").content for number in (0, 1)] != shown


@pytest.mark.parametrize(
    "cookie", ["", "x", "a" * 50_000, "a.b", "ä.ö", "CODE", "CODE.", "CODE." + "0" * 32, "CODE.SIGN."]
)
def test_a_cookie_that_was_not_given_here_is_nobody(cookie, served):
    person = served.participant()
    [(name, value)] = person.cookies.items()
    code, _, signature = value.partition(".")
    cookie = cookie.replace("CODE", code).replace("SIGN", signature)
    site = served.person()
    response = site.get("/trial", headers=[(b"cookie", f"{name}={cookie}".encode())])
    assert response.headers["location"] == "/"
    assert site.get("/picture/0/left", headers=[(b"cookie", f"{name}={cookie}".encode())]).status_code == 404


@pytest.mark.parametrize(
    "origin", ["http://[", "http://[::1", "http://]", "//", "http://study.test:99999999", "\x00", "é"]
)
@pytest.mark.parametrize("path", ["/begin", "/vision", "/answer"])
def test_an_origin_that_is_none_is_refused(path, origin, served):
    person = served.participant()
    del person.headers["origin"]
    response = person.post(path, headers=[(b"origin", origin.encode())], data={})
    assert response.status_code == 403
    assert response.json()["error"].endswith(".")


@pytest.mark.parametrize("number", ["9" * 5000, "1" * 7, "²", "٣", "-1", "1.0", "+1", "0x1", " 1", "%00"])
def test_numbers_that_are_none_of_ours_are_not_found(number, served):
    person = served.participant()
    for path in (f"/plate/{number}", f"/picture/{number}/left"):
        response = person.get(path)
        assert response.status_code == 404
        assert len(response.json()["error"]) > 15


def test_a_form_of_many_fields_is_refused(served):
    person = served.participant()
    for body in ("&".join(f"plate{n}=1" for n in range(60)), "&" * 3000, "a=1&" * 51):
        response = person.post("/vision", content=body)
        assert response.status_code in (303, 400)
    assert person.post("/vision", content="a=1&" * 51).status_code == 400
    assert "fields" in person.post("/vision", content="a=1&" * 51).json()["error"]


@pytest.mark.parametrize(
    ("host", "status"),
    [("study.test", 200), ("STUDY.test:8000", 200), ("study.test.", 200), ("localhost:8765", 200), ("127.0.0.1", 200),
     ("[::1]:80", 200), ("192.168.1.7:8765", 200), ("evil.test", 421), ("study.test.evil.test", 421), ("", 421),
     ("127.0.0.1.evil.test", 421), ("study.test@evil.test", 421), ("[evil]", 421), ("study.test:x", 421),
     ("2130706433", 421)],
)  # fmt: skip
def test_only_the_names_under_which_it_is_served_are_answered(host, status, served):
    """Else a page of another site whose name leads here could speak to it as its own."""
    person = served.person()
    response = person.get("/", headers={"host": host})
    assert response.status_code == status
    assert "default-src 'none'" in response.headers["content-security-policy"]
    if status == 421:
        assert "name" in response.json()["error"]
        assert person.post("/begin", headers={"host": host, "origin": f"http://{host}"}).status_code == 421
        assert served.store.counts()["began"] == 0


def test_a_bucket_forgets_who_came_first(monkeypatch):
    monkeypatch.setattr("tintype.web.limits.CALLERS", 100)
    bucket = Bucket(2, 0.0)
    for caller in range(1000):
        assert bucket.take(str(caller))
        bucket.take("regular")
    assert len(bucket) == 100
    assert not bucket.take("regular")


PATHS = [
    "/",
    "/begin",
    "/vision",
    "/plate/",
    "/trial",
    "/picture/",
    "/answer",
    "/thanks",
    "/mine",
    "/mine/",
    "/results",
    "/results/report.csv",
    "/results/answers.csv",
    "/static/",
    "/screen",
    "/next",
    "//",
    "/%",
]


@pytest.fixture(scope="module")
def hostile(study, tmp_path_factory, runner):
    """A study, and somebody in its midst who sends what they like."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tintype.study.site.PACE", (1e9, 1e9))  # else most would be told to wait
        patch.setattr("tintype.study.site.STRANGERS", (1e9, 1e9))
        served = Served(study, tmp_path_factory.mktemp("hostile") / "answers.sqlite", runner, quiz=True)
    person = served.participant()
    yield person
    served.store.close()


@given(data=st.data())
@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_is_answered_and_never_by_a_fault(data, hostile):
    text = st.text(max_size=40) | st.sampled_from(
        ["9" * 5000, "[" * 900, "a=1&" * 60, "{}", "null", "\x00", "%00", "é"]
    )
    words = st.binary(max_size=60) | text.map(lambda words: words.encode("utf-8", "replace"))
    head = words.map(lambda value: bytes(byte for byte in value if byte not in b"\r\n\0"))
    names = st.sampled_from([b"origin", b"host", b"cookie", b"accept", b"content-type", b"x-forwarded-for", b"range"])
    path = data.draw(st.sampled_from(PATHS)) + quote(data.draw(text), safe=data.draw(st.sampled_from(["", "/%?&=;"])))
    headers = [(name, data.draw(head)) for name in data.draw(st.lists(names, unique=True, max_size=3))]
    response = hostile.request(
        data.draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])),
        httpx.URL(scheme="http", host="study.test", raw_path=path.encode()),
        headers=headers,
        content=data.draw(words),
    )
    assert response.status_code < 500
    assert "content-security-policy" in response.headers


# ---- recruitment


@pytest.fixture
def recruiting(tmp_path, runner):
    study = write_study(
        tmp_path / "recruiting", participant_code="PROLIFIC_PID", completion="https://site.example/done?cc=A1&id={code}",
        researcher="Dr. <b>", contact="lab@uni.example", consent="# Purpose\n\nWe ask.\nTwo <lines>.\n\n- one\n- two",
    )  # fmt: skip
    served = Served(study, tmp_path / "answers.sqlite", runner)
    yield served
    served.store.close()


def recruited(served, code: str) -> Person:
    person = served.person()
    assert f'name="participant" value="{code}"' in person.get(f"/?PROLIFIC_PID={code}&STUDY_ID=1").text
    person.post("/begin", data={"participant": code})
    person.post("/vision", data={})
    return person


def test_the_consent_text_is_shown_as_it_is(recruiting):
    page = recruiting.person().get("/?PROLIFIC_PID=a1").text
    assert "<h2>Purpose</h2>" in page
    assert "<p>We ask.\nTwo &lt;lines&gt;.</p>" in page
    assert "<li>one</li>\n<li>two</li>" in page
    assert 'Dr. &lt;b&gt;, <a href="mailto:lab@uni.example">lab@uni.example</a>' in page
    assert "the participant code a1" in page


def test_a_recruited_participant_comes_back_with_their_code(recruiting):
    person = recruited(recruiting, "5f-A_1.x")
    assert "site.example" not in person.get("/thanks").text
    for number in range(6):
        assert "site.example" not in person.get("/thanks").text
        answer(person, number)
    page = person.get("/thanks").text
    assert 'href="https://site.example/done?cc=A1&amp;id=5f-A_1.x"' in page
    kept = person.get(f"/mine/{code_of(person)}.json").json()
    assert kept["participant_code"] == "5f-A_1.x"
    assert "5f-A_1.x" in person.get(f"/mine/{code_of(person)}").text
    researcher = recruiting.person()
    researcher.get(f"/results?token={TOKEN}")
    rows = list(csv.DictReader(researcher.get("/results/answers.csv").text.splitlines()))
    assert {row["participant_code"] for row in rows} == {"5f-A_1.x"}


def test_a_code_of_the_site_begins_once(recruiting):
    first = recruited(recruiting, "abc")
    again = first.post("/begin", data={"participant": "abc"})  # the same browser
    assert again.headers["location"] == "/"
    second = recruiting.person().post("/begin", data={"participant": "abc"})
    assert second.status_code == 409
    assert "browser in which you began" in second.json()["error"]
    assert recruiting.store.counts()["began"] == 1


@pytest.mark.parametrize("code", [None, "", "a" * 65, "a b", "<b>", "=1+1", "http://x", "ä"])
def test_without_a_code_of_the_site_nobody_begins(code, recruiting):
    person = recruiting.person()
    given = {} if code is None else {"PROLIFIC_PID": code}
    assert person.get("/", params=given).status_code == 400
    response = person.post("/begin", data={} if code is None else {"participant": code})
    assert response.status_code == 400
    assert "link of the site" in response.json()["error"]
    assert recruiting.store.counts()["began"] == 0


def test_no_page_leads_to_another_site_that_a_request_names(recruiting):
    person = recruited(recruiting, "abc")
    for path in (
        "/thanks?completion=https://evil.test",
        "/?next=//evil.test",
        "/thanks?code=https://evil.test",
        "//evil.test",
    ):
        response = person.get(path)
        assert "evil" not in response.text
        assert response.headers.get("location", "/").startswith("/")
        assert not response.headers.get("location", "/").startswith("//")


# ---- the pages in another language


def test_the_pages_speak_the_language_that_they_are_given(tmp_path, runner):
    """Every text in capitals, but for what stands in braces: what is then small was written into the pages."""

    def loud(text: str) -> str:
        return "".join(part if part.startswith("{") else part.upper() for part in re.split(r"(\{\w+\})", text))

    texts = {key: loud(text) for key, text in english().items()} | {"page.language": "de", "page.direction": "rtl"}
    study = write_study(tmp_path / "loud", texts=texts, title="LOUD")
    served = Served(study, tmp_path / "answers.sqlite", runner)
    person = served.person()
    pages = [person.get("/")]
    person.post("/begin")
    pages.append(person.get("/vision"))
    person.post("/vision", data={})
    pages += [person.get("/trial"), person.get("/thanks"), person.get("/mine")]
    pages.append(person.get("/nothing", headers={"accept": "text/html"}))
    for number in range(6):
        answer(person, number)
    pages += [person.get("/thanks?score"), person.get(f"/mine/{code_of(person)}")]
    for page in pages:
        assert '<html lang="de" dir="rtl">' in page.text
        body = page.text.replace(code_of(person), "")
        shown = re.sub(r"<script.*?</script>|<[^>]*>", " ", body, flags=re.S)
        spoken = re.findall(r'(?:alt|title|aria-label)="([^"]*)"', body)
        assert not re.search(r"[a-z]{2,}", html.unescape(" ".join([shown, *spoken])).replace("answers.sqlite", ""))
    script = json.loads(html.unescape(re.search("data-texts='([^']*)'", pages[2].text)[1]))
    assert script["wrong_left"] == english()["trial.wrong_left"].upper()
    assert person.get("/nothing").json() == {"error": english()["error.no_page"].upper()}
    served.store.close()


def test_the_scripts_ask_for_no_text_that_there_is_not(served):
    script = served.person().get("/static/trial.js").text
    asked = set(re.findall(r'say\((?:\w+ \? )?"(\w+)"', script)) | set(re.findall(r'\? "(\w+)" : "(\w+)"', script)[0])
    assert len(asked) > 12
    for name in asked - {"correct", "wrong"}:
        assert f"trial.{name}" in english() or name in ("test", "left", "right", "mouse", "touch", "keyboard"), name


# ---- a process of its own


def test_a_server_that_is_killed_loses_no_answer_that_it_took(study):
    command = [*command_of("study", "serve", str(study.folder), "--port", "0")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().split()[-1].rstrip("/")
        assert "server" not in httpx.get(address).headers
        taken, enough = [], threading.Event()

        def play():
            with httpx.Client(base_url=address, headers={"origin": address}) as person:
                person.post("/begin")
                code = code_of(person)
                try:
                    for number in range(6):
                        see(person, number)
                        if person.post("/answer", json={"trial": number, "left": True, **SENT}).status_code == 200:
                            taken.append((code, number))
                        if len(taken) > 20:
                            enough.set()
                except httpx.HTTPError:
                    pass  # killed

        threads = [threading.Thread(target=play) for _ in range(8)]
        for thread in threads:
            thread.start()
        seen = enough.wait(100)
        process.send_signal(signal.SIGKILL)
        assert seen
        for thread in threads:
            thread.join()
    with sqlite3.connect(study.folder / "answers.sqlite") as database:
        kept = database.execute("SELECT code, number FROM answers JOIN participants ON id = participant").fetchall()
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert set(taken) <= set(kept)
    assert len(kept) == len(set(kept)) <= len(taken) + len(threads)


def test_studies_beside_each_other_do_not_share_a_cookie(served, quiz):
    names = {served.person().post("/begin").headers["set-cookie"].split("=")[0]}
    names.add(quiz.person().post("/begin").headers["set-cookie"].split("=")[0])
    assert len(names) == 2


def test_the_answer_of_a_participant_is_nobody_elses(served):
    first, second = served.participant(), served.participant()
    answer(first, 0)
    assert 'data-number="0"' in second.get("/trial").text
    assert served.store.answer(code_of(second), Answer(0, True)) in (True, False)
    assert served.store.progress(code_of(first)).answered == 1
