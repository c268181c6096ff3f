"""The page of an evaluation in a real browser: Chromium, as Debian installs it."""

import base64
import json
import re

import pytest

from tintype.evaluation import report
from written_evaluations import write_evaluation

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from browsing import CONTRAST, chromium, show


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("evaluation")
    report.write([write_evaluation(folder / "run")], folder / "report.html")
    return (folder / "report.html").as_uri()


@pytest.fixture
def opened(browser, page):
    """The browser with the page, on a desk and by day."""
    show(browser)
    browser.get(page)
    return browser


def press(browser, *keys: str) -> None:
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def shown(browser) -> tuple[str, str] | None:
    """Photograph and colouring in the lightbox; None when it is shut."""
    return browser.execute_script(
        """const box = document.querySelector("dialog");
        const label = box.querySelector(".stage svg").getAttribute("aria-label");
        return box.open ? label.split(", ") : null;"""
    )


def models(browser) -> list[str]:
    rows = browser.find_elements(By.CSS_SELECTOR, "#figures tbody tr th")
    return [row.text for row in rows]


def test_nothing_goes_wrong_and_nothing_is_asked_of_the_network(browser, page):
    browser.get_log("performance")
    browser.get(page)
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert page in asked
    assert {address.partition(":")[0] for address in asked} <= {"file", "data"}
    assert sum(address.startswith("file:") for address in asked) == 1


def test_the_page_forbids_the_network(opened):
    blocked = opened.execute_async_script(
        """const done = arguments[0];
        document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective));
        new Image().src = "http://127.0.0.1:9/picture.png";"""
    )
    assert blocked == "img-src"
    opened.get_log("browser")  # which tells of it


def test_all_pictures_are_seen(opened):
    sizes = opened.execute_script(
        """return [...document.querySelectorAll(".strip .picture")].map((picture) => {
          const box = picture.querySelector("use").getBBox();
          return [box.width, box.height, picture.getBoundingClientRect().width];
        });"""
    )
    assert len(sizes) == 4 * 4 + 2 * 2 * 2 * 3  # the sample, and best and worst two of two models
    assert all(width == height == 32 and 60 < seen < 257 for width, height, seen in sizes)


def test_a_table_sorts_by_any_column_the_best_first(opened):
    assert models(opened) == ["truth", "gray", "prior-mean", "random", "pale", "vivid"]
    psnr = opened.find_element(By.XPATH, "//section[@id='figures']//th[.//b='PSNR']")
    psnr.find_element(By.TAG_NAME, "button").click()
    assert models(opened) == ["vivid", "pale", "gray", "prior-mean", "random", "truth"]
    assert psnr.get_attribute("aria-sort") == "descending"
    press(opened, Keys.ENTER)
    assert models(opened) == ["random", "prior-mean", "gray", "pale", "vivid", "truth"]
    assert psnr.get_attribute("aria-sort") == "ascending"
    error = opened.find_element(By.XPATH, "//section[@id='figures']//th[.//b='CIEDE2000']")
    error.find_element(By.TAG_NAME, "button").click()
    assert models(opened)[0] == "vivid"
    assert psnr.get_attribute("aria-sort") is None


def test_the_lightbox_obeys_the_keyboard(opened):
    first = opened.find_elements(By.CSS_SELECTOR, ".open")[0]
    first.send_keys(Keys.ENTER)
    assert shown(opened) == ["beach", "gray"]
    press(opened, Keys.ARROW_RIGHT)
    assert shown(opened) == ["beach", "pale"]
    press(opened, "t")
    assert shown(opened) == ["beach", "truth"]
    press(opened, "t")
    assert shown(opened) == ["beach", "pale"]
    press(opened, Keys.ARROW_DOWN)
    assert shown(opened) == ["market", "pale"]
    press(opened, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert shown(opened) == ["market", "truth"]
    press(opened, Keys.ESCAPE)
    assert shown(opened) is None
    # The browser tells the page a moment later that the box is closed; then the focus goes to what was last shown.
    WebDriverWait(opened, 5).until(lambda page: page.switch_to.active_element.get_attribute("data-label") == "truth")
    assert opened.get_log("browser") == []


def test_the_lightbox_obeys_the_mouse(opened):
    opened.find_elements(By.CSS_SELECTOR, ".open")[2].click()
    assert shown(opened) == ["beach", "vivid"]
    opened.find_element(By.CSS_SELECTOR, ".stage").click()
    assert shown(opened) == ["beach", "truth"]
    opened.find_element(By.CSS_SELECTOR, ".stage").click()
    assert shown(opened) == ["beach", "vivid"]
    opened.find_element(By.CSS_SELECTOR, ".next").click()
    assert shown(opened) == ["beach", "truth"]
    opened.find_element(By.XPATH, "//div[@class='ways']/button[.='gray']").click()
    assert shown(opened) == ["beach", "gray"]
    opened.find_element(By.CSS_SELECTOR, ".close").click()
    assert shown(opened) is None


def test_the_lightbox_obeys_a_finger(opened):
    opened.find_elements(By.CSS_SELECTOR, ".open")[0].click()
    stage = opened.find_element(By.CSS_SELECTOR, ".stage")
    finger = ActionBuilder(opened, mouse=PointerInput("touch", "finger"))
    finger.pointer_action.move_to(stage, 60).pointer_down().move_to(stage, -60).pointer_up()
    finger.perform()
    assert shown(opened) == ["beach", "pale"]
    tap = ActionBuilder(opened, mouse=PointerInput("touch", "finger"))
    tap.pointer_action.move_to(stage).pointer_down().pointer_up()
    tap.perform()
    assert shown(opened) == ["beach", "truth"]


def test_a_phone_scrolls_tables_and_not_the_page(opened):
    show(opened, 390, 800)
    widths = "return [document.documentElement, ...document.querySelectorAll('.scroll')].map((x) => x.scrollWidth)"
    page, first, *_ = opened.execute_script(widths)
    assert page <= 390
    assert first > 390
    opened.find_elements(By.CSS_SELECTOR, ".open")[0].send_keys(Keys.ENTER)
    box = opened.execute_script("return document.querySelector('dialog').getBoundingClientRect().toJSON()")
    assert box["left"] >= 0
    assert box["right"] <= 390
    assert box["bottom"] <= 800


def test_on_paper_it_is_a_few_pages_of_a4_with_the_photographs(opened):
    settings = {"preferCSSPageSize": True, "printBackground": False}
    pdf = base64.b64decode(opened.execute_cdp_cmd("Page.printToPDF", settings)["data"])
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert 3 <= len(boxes) <= 10
    assert {(round(float(wide)), round(float(high))) for wide, high in boxes} == {(595, 842)}
    assert pdf.count(b"/Subtype /Image") >= 16


def test_paper_is_white_and_without_what_only_a_screen_can_do(opened):
    show(opened, 718, 1000, "dark", "print")
    looks = opened.execute_script(
        """const seen = (name) => getComputedStyle(document.querySelector(name)).display;
        return [getComputedStyle(document.body).backgroundColor, seen("nav"), seen("dialog"), seen(".spoken"),
                document.documentElement.scrollWidth];"""
    )
    assert looks[:4] == ["rgb(255, 255, 255)", "none", "none", "none"]
    assert looks[4] <= 718  # nothing is cut off on A4 with these margins


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out(scheme, opened):
    show(opened, scheme=scheme)
    opened.find_elements(By.CSS_SELECTOR, ".open")[0].send_keys(Keys.ENTER)
    contrasts = opened.execute_script(CONTRAST)
    assert len(contrasts) > 200
    assert [(ratio, text) for ratio, text in contrasts if ratio < 4.5] == []


def test_day_and_night_differ(opened):
    day = opened.execute_script("return getComputedStyle(document.body).backgroundColor")
    show(opened, scheme="dark")
    assert opened.execute_script("return getComputedStyle(document.body).backgroundColor") != day


def test_the_keyboard_shows_where_it_is(opened):
    press(opened, Keys.TAB)
    outline = "const style = getComputedStyle(document.activeElement); return [style.outlineStyle, style.outlineWidth]"
    assert opened.execute_script("return document.activeElement.tagName") == "A"
    assert opened.execute_script(outline) == ["solid", "3px"]
    for name in ("#figures th button", ".open"):
        opened.execute_script("document.querySelector(arguments[0]).focus({focusVisible: true})", name)
        assert opened.execute_script(outline) == ["solid", "3px"]


def test_whoever_does_not_see_is_told(opened):
    silent = opened.execute_script(
        """const spoken = (x) => x?.getAttribute("aria-label");
        const name = (x) => (spoken(x) ?? spoken(x.querySelector("[aria-label]")) ?? x.textContent).trim();
        return [...document.querySelectorAll("main svg, main button, .scroll, nav")].filter((x) => !name(x)).length;"""
    )
    assert silent == 0


def test_it_reads_without_its_script(opened, page):
    opened.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened.get(page)
        assert models(opened)[-1] == "vivid"
        assert not opened.find_element(By.CSS_SELECTOR, ".spoken").is_displayed()
        assert opened.find_element(By.CSS_SELECTOR, ".strip .picture").is_displayed()
    finally:
        opened.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
