"""The page in every state, by the rules of WCAG 2.2 AA that axe-core checks: by day, by night, and on a phone."""

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="fastapi is not installed")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from accessibility import violations
from browsing import chromium, find, show, until
from serving import TOKEN, served

PHOTOGRAPH = "examples/photographs/dust-bowl-house.jpg"


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Two photographs, and a file that is none."""
    folder = tmp_path_factory.mktemp("photographs")
    with Image.open(PHOTOGRAPH) as picture:
        small = picture.convert("L").resize((390, 300))
    small.save(folder / "house.png")
    small.rotate(180).save(folder / "turned.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    return folder


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The browser on the page of a server, before anything was done."""
    with (
        served(tmp_path_factory.mktemp("server") / "folder") as server,
        chromium(tmp_path_factory.mktemp("profile")) as browser,
    ):
        show(browser)
        browser.get(f"{server.address}/?token={TOKEN}")
        until(browser, lambda page: page.execute_script("return 'ready' in document.body.dataset"))
        yield browser


def shown(page, selector: str) -> bool:
    return any(element.is_displayed() for element in page.find_elements(By.CSS_SELECTOR, selector))


def add(page, *paths) -> None:
    find(page, "#files").send_keys("\n".join(map(str, paths)))


def coloured(page) -> None:
    until(page, lambda page: shown(page, "#modes"))
    until(page, lambda page: find(page, "#stage").get_attribute("aria-busy") == "false")


def click_picture(page) -> None:
    ActionChains(page, duration=0).move_to_element(find(page, "#canvas")).click().perform()
    until(page, lambda page: shown(page, ".likely .swatch"))


def test_no_state_of_the_page_breaks_a_rule(page, album):
    found, states = {}, 0

    def look(state: str, *schemes: str) -> None:
        """Keep what is broken now, by day or in these schemes."""
        nonlocal states
        for scheme in schemes or ("light",):
            show(page, *size, scheme=scheme)
            states += 1
            if broken := violations(page):
                found[f"{state}, {scheme}, {size[0]} pixels"] = broken

    size = 1280, 900
    # That something would be found at all.
    page.execute_script("document.body.append(document.createElement('button'))")
    assert any(line.startswith("button-name") for line in violations(page))
    page.refresh()
    until(page, lambda page: page.execute_script("return 'ready' in document.body.dataset"))

    look("empty", "light", "dark")
    find(page, "#before summary").click()
    look("before colouring")
    add(page, album / "house.png")
    coloured(page)
    look("one photograph")
    click_picture(page)
    look("the panel of a place, with the picker", "light", "dark")
    find(page, ".likely .swatch").click()
    until(page, lambda page: shown(page, ".pin"))
    find(page, ".panel header button").click()
    look("a pin")
    find(page, ".tool[aria-label=Doubts]").click()
    until(page, lambda page: find(page, ".tool[aria-label=Doubts]").get_attribute("aria-pressed") == "true")
    look("the doubts over the picture")
    find(page, ".tool[aria-label=Doubts]").click()
    for tool in ("Brush", "Eraser to gray", "Pick a place"):
        find(page, f".tool[aria-label='{tool}']").click()
        look(tool)
    find(page, ".alternatives button").click()
    until(page, lambda page: shown(page, ".colouring") and find(page, ".alternatives button").is_enabled())
    look("other colourings")
    for details in page.find_elements(By.CSS_SELECTOR, "#panel details"):
        page.execute_script("arguments[0].open = true", details)
    look("all of the panel")
    for mode in ("slider", "side", "colour"):
        page.execute_script(f"document.querySelector('[name=mode][value={mode}]').click()")
        if mode != "colour":
            look(mode)
    add(page, album / "broken.jpg", album / "turned.png")
    until(page, lambda page: shown(page, "#strip button[data-state=failed]"))
    find(page, "#strip button[data-state=failed]").click()
    until(page, lambda page: shown(page, "#wait .words"))
    look("a photograph that cannot be read", "light", "dark")
    find(page, "#strip button").click()
    coloured(page)
    for button, dialog in (("#save", "#saving"), ("#open-help", "#help")):
        find(page, button).click()
        until(page, lambda page, dialog=dialog: shown(page, dialog))
        look(dialog, "light", "dark")
        page.switch_to.active_element.send_keys(Keys.ESCAPE)
        until(page, lambda page, dialog=dialog: not shown(page, dialog))
    size = 360, 740
    look("one photograph")
    page.execute_script("document.querySelector('#stage').scrollIntoView()")
    click_picture(page)
    look("the panel of a place")
    assert states > 20
    assert found == {}
