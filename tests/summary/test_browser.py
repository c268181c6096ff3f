"""The page of a run in Chromium, opened from disk: what it shows first, how it is searched, and who can use it."""

import json
import os
from dataclasses import replace

import pytest

from tintype.album.ledger import Record
from tintype.summary import write
from written_ledgers import write_ledger, write_photographs

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from accessibility import violations
from browsing import chromium, every, find, show, until

ODD = ["1930/a b#?%&'.png", '1930/<b onclick="x()">.png', os.fsdecode(b"1930/\xfc.png"), "1930/c\n\u202e.png"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The page of six photographs, one of which failed, one in colour and left alone; each with its own files."""
    folder = tmp_path_factory.mktemp("small")
    records = write_photographs(folder / "scans", folder / "out", [*ODD, "1931/left.png", "1931/broken.png"])
    records[2] = replace(records[2], measures={"doubt": 12, "chroma": 3.0, "negative": 0.99}, notes=("a note",))
    records[4] = replace(records[4], state="left", colour=True, measures={})
    reason = f"{records[5].input} is cut short: get a whole copy of it"
    records[5] = replace(records[5], state="failed", message=reason, measures={})
    (folder / "scans" / "1931" / "broken.png").write_bytes(b"no picture")
    write_ledger(folder / "out", records)
    write(folder / "out", folder / "page.html")
    return folder / "page.html"


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The page of 3000 photographs, of which the first 70 are there, with its rows in a folder beside it."""
    folder = tmp_path_factory.mktemp("large")
    records = write_photographs(folder / "scans", folder / "out", [f"a/{number:04}.png" for number in range(70)])
    for number in range(70, 3000):
        name = f"{'bcd'[number % 3]}/{number:04}.png"
        measures = {"doubt": 9 - number / 1000, "chroma": 20.0}
        records.append(Record(f"{folder}/scans/{name}", name, "done", measures=measures))
    write_ledger(folder / "out", records)
    write(folder / "out", folder / "page.html")
    return folder / "page.html"


def opened(browser, page):
    show(browser)
    browser.get(page.as_uri())
    until(browser, lambda browser: every(browser, ".card"))
    return browser


def names(browser) -> list[str]:
    return browser.execute_script("return [...document.querySelectorAll('.card h2')].map((x) => x.innerText)")


def choose(browser, text: str) -> None:
    next(label for label in every(browser, ".views label") if label.text.startswith(text)).click()


def press(browser, *keys: str) -> None:
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def search(browser, words: str, status: str) -> None:
    box = find(browser, "input[type=search]")
    box.clear()
    box.send_keys(words)
    until(browser, lambda browser: find(browser, "[role=status]").text == status)


def test_nothing_goes_wrong_and_nothing_is_asked_of_the_network(browser, small, large):
    for page, files in ((small, 1), (large, 2)):
        browser.get_log("performance"), browser.get_log("browser")
        opened(browser, page)
        until(browser, lambda browser: browser.execute_script("return [...document.images].every((x) => x.complete)"))
        assert browser.get_log("browser") == []
        events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
        assert {address.partition(":")[0] for address in asked} <= {"file", "data", "about"}
        assert sum(address.endswith((".html", ".js")) for address in asked) == files


def test_failures_come_first_with_their_reason_and_then_the_most_doubtful(browser, small):
    opened(browser, small)
    assert names(browser)[0] == "broken.png"
    assert "is cut short: get a whole copy" in find(browser, ".card .why").text
    assert names(browser)[1:] == [
        "a b#?%&'.png",
        '<b onclick="x()">.png',
        "c\\x0a\\u202e.png",
        "\\udcfc.png",
        "left.png",
    ]
    choose(browser, "failed 1")
    assert names(browser) == ["broken.png"]
    choose(browser, "like a negative 1")
    assert names(browser) == ["\\udcfc.png"]
    assert [flag.text for flag in every(browser, ".flags li")] == ["nearly gray", "like a negative", "with a note"]
    choose(browser, "left alone 1")
    assert names(browser) == ["left.png"]


def test_every_thumbnail_opens_its_file_whatever_its_name(browser, small):
    opened(browser, small)
    addresses = [link.get_attribute("href") for link in every(browser, ".pair a")]
    assert len(addresses) == 2 * len(ODD) + 2
    shown = browser.execute_script("return [...document.images].map((x) => x.naturalWidth)")
    assert shown == [64] * (2 * len(ODD)) + [32]
    assert all(address.startswith("file:") for address in addresses)
    for address in addresses[1:]:
        browser.get(address)
        assert browser.execute_script("return document.images[0]?.naturalWidth") == 32, address


def test_folders_words_and_orders(browser, large):
    opened(browser, large)
    assert find(browser, "[role=status]").text == "1 to 60 of 3 000"
    assert names(browser)[:2] == ["0000.png", "0001.png"]
    folders = Select(find(browser, "select[name=folder]"))
    assert [option.text for option in folders.options][:3] == ["all (3000)", "a (70)", "b (976)"]
    folders.select_by_value("a")
    assert find(browser, "[role=status]").text == "1 to 60 of 70"
    Select(find(browser, "select[name=order]")).select_by_value("vivid")
    assert names(browser)[0] == "0049.png"  # Its chroma is 54.
    search(browser, "A/006", "1 to 10 of 10")
    folders.select_by_value("")
    search(browser, "299", "1 to 13 of 13")
    search(browser, "299 b/", "1 to 4 of 4")
    search(browser, "nowhere", "none")


def test_pages_are_turned(browser, large):
    opened(browser, large)
    forward, back = (every(browser, f".pages .{name}")[0] for name in ("next", "back"))
    assert not back.is_enabled()
    forward.click()
    assert names(browser)[0] == "0060.png"
    press(browser, "n")
    assert find(browser, "[role=status]").text == "121 to 180 of 3 000"
    press(browser, "p")
    assert names(browser)[0] == "0060.png"
    number = find(browser, ".pages input")
    number.clear()
    number.send_keys("999", Keys.ENTER)
    assert number.get_attribute("value") == "50"
    assert not forward.is_enabled()
    # Of photographs that are gone, the names stand in place of the pictures.
    assert find(browser, ".pair").text.startswith(names(browser)[0])


def test_the_keyboard_goes_through_the_photographs_and_compares_them(browser, small):
    opened(browser, small)
    press(browser, Keys.ARROW_RIGHT)
    press(browser, Keys.ARROW_RIGHT)
    assert browser.switch_to.active_element.get_attribute("href").endswith(".png")
    outline = "const style = getComputedStyle(document.activeElement); return [style.outlineStyle, style.outlineWidth]"
    assert browser.execute_script(outline) == ["solid", "3px"]
    press(browser, "c")
    until(browser, lambda browser: find(browser, "dialog").is_displayed())
    label = "return document.querySelector('.stage').getAttribute('aria-label')"
    assert browser.execute_script(label) == "a b#?%&'.png, after"
    press(browser, Keys.SPACE)
    assert browser.execute_script(label) == "a b#?%&'.png, before"
    press(browser, Keys.ARROW_LEFT)
    assert browser.execute_script(label) == "broken.png, before"
    press(browser, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert browser.execute_script(label) == '<b onclick="x()">.png, before'
    press(browser, Keys.ESCAPE)
    assert browser.switch_to.active_element.get_attribute("aria-label") == 'compare <b onclick="x()">.png'


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(browser, small, large, scheme):
    opened(browser, large)
    show(browser, scheme=scheme)
    assert violations(browser) == []
    opened(browser, small)
    show(browser, scheme=scheme)
    assert violations(browser) == []
    every(browser, ".name button")[1].click()
    assert violations(browser) == []


def test_a_phone_shows_all_of_it(browser, large):
    opened(browser, large)
    show(browser, 390, 800)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    every(browser, ".name button")[0].click()
    box = browser.execute_script("return document.querySelector('dialog').getBoundingClientRect().toJSON()")
    assert box["left"] >= 0
    assert box["right"] <= 390
    assert box["bottom"] <= 800


def test_without_its_folder_the_page_says_so(browser, large, tmp_path):
    alone = tmp_path / "page.html"
    alone.write_bytes(large.read_bytes())
    show(browser)
    browser.get(alone.as_uri())
    assert find(browser, "main .trouble").text.startswith("page_files does not lie beside this page")
    browser.get_log("browser")
