"""The slider of a notebook in a real browser: by keyboard and pointer, and where scripts are not allowed."""

import re

import numpy as np
import pytest

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from browsing import chromium, show
from tintype import Colorizer
from tintype.photo import from_array


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def page(tmp_path_factory, tiny) -> str:
    """Two photographs in one page, as two cells of a notebook."""
    y, x = np.mgrid[:300, :500] / 500
    colours = Colorizer(tiny, size=256, threads=1).look(from_array((90 + 90 * y + 60 * x).astype(np.uint8)))
    page = tmp_path_factory.mktemp("notebook") / "page.html"
    page.write_text(
        f"<!doctype html><title>two</title><meta name=viewport content=width=device-width>{2 * colours._repr_html_()}",
        encoding="utf-8",
    )
    return page.as_uri()


def borders(browser) -> list[float]:
    """Where the borders are, as shares of the width of the pictures, and that gray lies exactly on colour."""
    return browser.execute_script(
        """return [...document.querySelectorAll("figure > div")].map((box) => {
          const [colour, gray] = [...box.querySelectorAll("img")].map((each) => each.getBoundingClientRect());
          if (Math.abs(colour.width - gray.width) + Math.abs(colour.left - gray.left) > 0.5) return -1;
          return box.lastElementChild.getBoundingClientRect().width / colour.width;
        });"""
    )


def test_the_border_follows_keys_and_pointer_and_each_picture_its_own(browser, page):
    show(browser)
    browser.get(page)
    first, second = browser.find_elements(By.CSS_SELECTOR, "input[type=range]")
    WebDriverWait(browser, 60).until(lambda _: first.is_displayed() and second.is_displayed())
    assert re.match("How much of .* is shown in gray", first.accessible_name)
    assert first.aria_role == "slider"
    assert borders(browser) == pytest.approx([0.5, 0.5], abs=0.01)
    first.send_keys(Keys.HOME)
    second.send_keys(Keys.END)
    assert borders(browser) == pytest.approx([0, 1], abs=0.01)
    left, top, width, height = browser.execute_script(
        """const box = document.querySelectorAll("figure > div")[1].getBoundingClientRect();
        return [box.left, box.top, box.width, box.height];"""
    )
    for kind, share in (("mousePressed", 0.9), ("mouseMoved", 0.25), ("mouseReleased", 0.25), ("mouseMoved", 0.6)):
        pressed = {"button": "none" if share == 0.6 else "left", "clickCount": 1}
        place = {"x": left + share * width, "y": top + height / 2}
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, **place, **pressed})
    assert borders(browser) == pytest.approx([0, 0.25], abs=0.01)
    assert float(second.get_property("value")) == pytest.approx(25, abs=1)
    # On a phone it is as narrow as the page.
    show(browser, 360, 640)
    assert borders(browser) == pytest.approx([0, 0.25], abs=0.02)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360


def test_without_scripts_the_corner_of_the_gray_picture_can_be_dragged(browser, page):
    show(browser)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(page)
        root = browser.execute_cdp_cmd("DOM.getDocument", {})["root"]["nodeId"]
        box = browser.execute_cdp_cmd("DOM.querySelector", {"nodeId": root, "selector": "figure > div"})
        corners = browser.execute_cdp_cmd("DOM.getBoxModel", box)["model"]["content"]
        left, right, bottom = corners[0], corners[2], corners[5]
        for kind, x in (("mousePressed", 0), ("mouseMoved", -60), ("mouseReleased", -60)):
            place = {"x": (left + right) / 2 - 6 + x, "y": bottom - 4, "button": "left", "clickCount": 1}
            browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, **place})
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert not browser.find_element(By.CSS_SELECTOR, "input").is_displayed()
    assert borders(browser) == pytest.approx([0.5 - 60 / (right - left), 0.5], abs=0.02)
