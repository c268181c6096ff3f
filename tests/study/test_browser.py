"""The pages of a study in a real browser: by mouse, by keyboard alone, by finger on a phone, by day and by night."""

import io
import sqlite3
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("starlette", reason="starlette is not installed")
import uvicorn
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browsing import CONTRAST, chromium, find, show, until
from tintype.study import vision
from tintype.study.answers import Store
from tintype.study.site import application
from tintype.web.listening import listen
from written_studies import write_study

TOKEN = "open-sesame"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@contextmanager
def served(study, path, quiz=False, address=""):
    """The address of a server of the study; `address`: as others reach it."""
    store = Store(path, study.digest)
    with listen("127.0.0.1", 0) as listening:
        home = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = application(study, store, TOKEN, quiz=quiz, address=address)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield home
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "study"
    return write_study(folder, size=200, practice=1, trials=3, catch=0, methods=("ours",))


@pytest.fixture
def page(browser, study, tmp_path):
    """The browser on the first page of a study that nobody has begun, on a desk and by day."""
    with served(study, tmp_path / "answers.sqlite") as browser.home:
        fresh(browser)
        yield browser


@pytest.fixture
def quiz(browser, study, tmp_path):
    with served(study, tmp_path / "quiz.sqlite", quiz=True) as browser.home:
        fresh(browser)
        yield browser


def fresh(browser) -> None:
    show(browser)
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    browser.get_log("browser")
    browser.get(browser.home)


def phase(page, *names: str) -> None:
    until(page, lambda page: find(page, "#stage").get_attribute("data-phase") in names)


def at(page, path: str) -> None:
    until(page, lambda page: page.current_url.removeprefix(page.home) == path)


def go(page) -> None:
    """The one button below the pictures, once it is there."""
    until(page, lambda page: find(page, "#go").is_displayed())
    find(page, "#go").click()


def to_the_trials(page) -> None:
    find(page, "form .main").click()
    at(page, "/vision")
    find(page, "form .main").click()
    at(page, "/trial")


def to_the_answer(page, number: int) -> None:
    """Look at the pictures of a trial: a button begins the practice, and another one what counts."""
    if number < 2:
        go(page)
    phase(page, "asked")


def told(page) -> str:
    until(page, lambda page: "the computer coloured" in find(page, "#said").text)
    return find(page, "#said").text


def to_the_thanks(page) -> None:
    """Answer all pairs, of which the first is practice, and be told after it."""
    for number in range(4):
        to_the_answer(page, number)
        find(page, "#left").click()
        if number == 0:
            assert told(page)
            go(page)
    at(page, "/thanks")


def rows(path, sql: str) -> list[tuple]:
    with sqlite3.connect(path) as database:
        return database.execute(sql).fetchall()


def test_by_mouse_from_consent_to_thanks(page, study, tmp_path):
    find(page, "form .main").click()
    at(page, "/vision")
    for number, plate in enumerate(vision.draw(study.seed)):
        find(page, f"#plate{number}").send_keys(str(plate.digit))
    find(page, "form .main").click()
    at(page, "/trial")
    to_the_thanks(page)
    find(page, "#show").click()
    assert "of 3" in find(page, "#score").text
    assert page.get_log("browser") == []
    found = rows(
        tmp_path / "answers.sqlite", "SELECT chosen_left, input, exposure_ms, refresh_hz, reaction_ms FROM answers"
    )
    assert [row[:2] for row in found] == [(1, "mouse")] * 4
    # Busy machines drop frames, and what the page measured tells; none shows pictures for much less than was asked.
    assert all(exposure > 80 and 1 < refresh < 1000 and reaction >= 0 for _, _, exposure, refresh, reaction in found)
    assert rows(tmp_path / "answers.sqlite", "SELECT seen FROM participants") == [('{"shown": 4, "right": 4}',)]


def test_by_keyboard_alone(page, tmp_path):
    def press(*keys):
        for key in keys:
            page.switch_to.active_element.send_keys(key)

    press(Keys.TAB, Keys.TAB, Keys.ENTER)  # past the link to one's data
    at(page, "/vision")
    press(Keys.TAB, "7", Keys.TAB, "2", Keys.TAB, Keys.TAB, Keys.TAB, Keys.ENTER)
    at(page, "/trial")
    for number, keys in enumerate(["f", Keys.ARROW_RIGHT, "j", Keys.TAB + Keys.SPACE]):
        if number < 2:
            until(page, lambda page: find(page, "#go").is_displayed())
            press(Keys.ENTER)
        phase(page, "asked")
        press(*keys)
        if number == 0:
            assert told(page)
            press(Keys.SPACE)
    at(page, "/thanks")
    found = rows(tmp_path / "answers.sqlite", "SELECT chosen_left, input FROM answers")
    assert found == [(left, "keyboard") for left in (1, 0, 0, 1)]


def test_by_finger_on_a_phone_and_after_a_reload(page, tmp_path):
    show(page, 360, 640)
    page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        to_the_trials(page)
        for number in range(2):
            to_the_answer(page, number)
            boxes = page.execute_script(
                "return [...document.querySelectorAll('.picture')].map((x) => x.getBoundingClientRect().toJSON())"
            )
            assert boxes[0]["right"] < boxes[1]["left"]
            assert boxes[0]["top"] == boxes[1]["top"]
            assert boxes[0]["width"] == boxes[0]["height"] == boxes[1]["width"] == boxes[1]["height"] > 130
            assert page.execute_script("return document.documentElement.scrollWidth") <= 360
            tap(page, boxes[1])
            if number == 0:
                assert told(page)
                page.refresh()
                until(page, lambda page: "practice is over" in find(page, "#said").text)
        until(page, lambda page: "Pair 2 of 3" in find(page, "#place").text)
    finally:
        page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    assert rows(tmp_path / "answers.sqlite", "SELECT chosen_left, input FROM answers") == [(0, "touch")] * 2


def tap(page, box) -> None:
    point = {"x": box["left"] + box["width"] / 2, "y": box["top"] + box["height"] / 2}
    page.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    page.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_the_pictures_are_seen_together_and_then_gone(page):
    to_the_trials(page)
    page.execute_script(
        """window.seen = [];
        new MutationObserver(() => seen.push([stage.dataset.phase, ...[...document.images].map(
          (x) => getComputedStyle(x).visibility + " " + x.naturalWidth + " " + x.complete)]))
          .observe(stage, { attributeFilter: ["data-phase"] });"""
    )
    go(page)
    phase(page, "asked")
    hidden, shown = "hidden 200 true", "visible 200 true"
    assert page.execute_script("return seen") == [
        ["cross", hidden, hidden],
        ["shown", shown, shown],
        ["asked", hidden, hidden],
    ]


def test_an_answer_waits_for_the_server(page, study, tmp_path):
    to_the_trials(page)
    to_the_answer(page, 0)
    page.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    find(page, "#right").click()
    until(page, lambda page: find(page, "#go").is_displayed())
    assert "Your answer is kept on this page" in find(page, "#said").text
    assert rows(tmp_path / "answers.sqlite", "SELECT * FROM answers") == []
    page.execute_cdp_cmd("Network.emulateNetworkConditions", offline | {"offline": False})
    go(page)
    assert told(page)
    assert rows(tmp_path / "answers.sqlite", "SELECT number, chosen_left FROM answers") == [(0, 0)]


def test_the_quiz_shows_the_pair_again_while_the_screen_counts(quiz):
    quiz.get(f"{quiz.home}/screen?token={TOKEN}")
    assert quiz.current_url == f"{quiz.home}/screen"
    screen = quiz.current_window_handle
    quiz.switch_to.new_window("tab")
    try:
        quiz.get(quiz.home)
        to_the_trials(quiz)
        for number in range(4):
            to_the_answer(quiz, number)
            find(quiz, "#right").click()
            phase(quiz, "told")
            marks = [mark.text for mark in quiz.find_elements(By.CSS_SELECTOR, ".made")]
            assert sorted(marks) == ["", "computer"]
            assert told(quiz).startswith("Correct") == (marks[1] == "computer")
            side = "right" if marks[1] else "left"
            assert told(quiz).endswith(f"the computer coloured the picture on the {side}.")
            assert min(ratio for ratio, _ in quiz.execute_script(CONTRAST)) >= 4.5
            go(quiz)
        at(quiz, "/thanks")
        assert "of 3" in find(quiz, "#score").text
        find(quiz, "form .main").click()
        at(quiz, "/")
        assert find(quiz, "form .main").text.startswith("I have read")
    finally:
        quiz.close()
        quiz.switch_to.window(screen)
    until(quiz, lambda page: [find(page, name).text for name in ("#people", "#answers")] == ["1", "3"])
    for scheme in ("light", "dark"):
        show(quiz, scheme=scheme)
        assert min(ratio for ratio, _ in quiz.execute_script(CONTRAST)) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_on_every_page(scheme, page, study):
    show(page, scheme=scheme)
    dull, seen = [], 0

    def look():
        nonlocal seen
        contrasts = page.execute_script(CONTRAST)
        seen += len(contrasts)
        dull.extend((page.current_url, ratio, text) for ratio, text in contrasts if ratio < 4.5)

    look()
    find(page, "form .main").click()
    at(page, "/vision")
    look()
    find(page, "form .main").click()
    at(page, "/trial")
    until(page, lambda page: find(page, "#go").is_displayed())
    look()
    go(page)
    phase(page, "asked")
    look()
    find(page, "footer a").click()
    at(page, "/thanks")
    look()
    find(page, "main p:last-child a").click()
    look()
    for path in ("/mine", "/nothing", f"/results?token={TOKEN}"):
        page.get(page.home + path)
        look()
    assert seen > 50
    assert dull == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pairs_lie_on_the_same_neutral_gray_by_day_and_by_night(scheme, page):
    show(page, scheme=scheme)
    ground = "return getComputedStyle(document.body).backgroundColor"
    assert page.execute_script(ground) == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 20, 20)"}[scheme]
    to_the_trials(page)
    assert page.execute_script(ground) == "rgb(128, 128, 128)"


@pytest.fixture(scope="module")
def recruiting(tmp_path_factory):
    """A study with all that an ethics board and a recruitment site ask for, on the first page."""
    return write_study(
        tmp_path_factory.mktemp("study") / "study", size=200, practice=1, trials=3, catch=0, methods=("ours",),
        title="How well do computers colour old photographs, and who notices?", exposure=1,
        consent="\n\n".join(["# Purpose", *["We would like to know how people see colours. " * 8] * 6, "- one\n- two"]),
        researcher="Dr. A. Author, Institute of Vision", contact="vision@uni.example", participant_code="pid",
        completion="https://site.example/done?cc=A1",
    )  # fmt: skip


def in_sight(page, selector: str) -> bool:
    """Whether something is on the screen as a whole."""
    box = page.execute_script("return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()", selector)
    height = page.execute_script("return innerHeight")
    return 0 <= box["top"] < box["bottom"] <= height


@pytest.mark.parametrize(("width", "height"), [(360, 640), (1280, 900)])
def test_every_page_opens_at_its_beginning(browser, recruiting, tmp_path, width, height):
    """On the first page title and task are on the screen, whatever there is to be read before the button."""
    with served(recruiting, tmp_path / "answers.sqlite") as browser.home:
        fresh(browser)
        show(browser, width, height)
        browser.get(f"{browser.home}/?pid=abc")
        assert in_sight(browser, "h1")
        assert in_sight(browser, ".lead")
        assert not in_sight(browser, "form .main")
        for beginning in ("", "/vision"):
            assert browser.execute_script("return scrollY") == 0
            assert browser.execute_script("return document.activeElement === document.body")
            find(browser, "form .main").click()
            at(browser, (beginning and "/trial") or "/vision")
            assert in_sight(browser, "h1")
        for path in ("/thanks", "/mine", "/nothing"):
            browser.get(browser.home + path)
            assert browser.execute_script("return scrollY") == 0
            assert in_sight(browser, "h1")


def test_a_recruited_participant_ends_at_the_site_that_sent_them(browser, recruiting, tmp_path):
    with served(recruiting, tmp_path / "answers.sqlite") as browser.home:
        fresh(browser)
        browser.get(browser.home)
        assert "link of the site" in find(browser, "main").text
        browser.get(f"{browser.home}/?pid=5fA-1&session=2")
        assert "5fA-1" in find(browser, "main").text
        to_the_trials(browser)
        to_the_thanks(browser)
        assert find(browser, "#complete").get_attribute("href") == "https://site.example/done?cc=A1"
        assert not [
            entry
            for entry in browser.get_log("browser")
            if "/nothing" not in entry["message"] and "400" not in entry["message"]
        ]
    assert rows(tmp_path / "answers.sqlite", "SELECT recruited FROM participants") == [("5fA-1",)]


def test_the_screen_has_a_code_that_leads_to_the_quiz(browser, study, tmp_path):
    """Read from the picture on the screen, as a phone would."""
    cv2 = pytest.importorskip("cv2")
    address = "http://192.168.1.17:8765/"
    with served(study, tmp_path / "quiz.sqlite", quiz=True, address=address) as browser.home:
        for width, scheme in ((1280, "light"), (1280, "dark"), (360, "dark")):
            fresh(browser)
            show(browser, width, 900, scheme)
            browser.get(f"{browser.home}/screen?token={TOKEN}")
            assert address in find(browser, ".join").text
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
            find(browser, ".join svg")
            browser.execute_script("document.querySelector('.join').scrollIntoView()")
            shot = np.asarray(Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB"))
            assert cv2.QRCodeDetector().detectAndDecode(np.ascontiguousarray(shot[..., ::-1]))[0] == address


def test_no_page_is_wider_than_a_phone(page):
    show(page, 360, 640)
    widths = {}

    def measure():
        widths[page.current_url] = page.execute_script("return document.documentElement.scrollWidth")

    measure()
    find(page, "form .main").click()
    at(page, "/vision")
    measure()
    find(page, "form .main").click()
    at(page, "/trial")
    for path in ("/thanks", "/mine", f"/results?token={TOKEN}"):
        page.get(page.home + path)
        measure()
    assert len(widths) == 5
    assert max(widths.values()) <= 360
