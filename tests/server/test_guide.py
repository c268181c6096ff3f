"""Guided work in a real browser, against the server as users start it: by mouse, by keyboard alone, by finger."""

import base64
import json
import re
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="fastapi is not installed")
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from browsing import chromium, every, find, show, until
from running import tintype
from serving import page_at
from tintype.color.gamut import fit_chroma
from tintype.color.lab import lab_to_rgb, rgb_to_lab

PATIENCE = 120
"""Seconds until a page must have done what it does at once."""

PHOTOGRAPH = "examples/photographs/dust-bowl-house.jpg"


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    path = tmp_path_factory.mktemp("photographs") / "house.png"
    with Image.open(PHOTOGRAPH) as picture:
        picture.convert("L").resize((390, 300)).save(path)
    return path


@pytest.fixture(scope="module")
def home():
    """The address of a server."""
    with page_at() as home:
        yield home


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, downloads):
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        browser.set_script_timeout(PATIENCE)
        behaviour = {"behavior": "allow", "downloadPath": str(downloads)}
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
        yield browser


@pytest.fixture
def page(browser, home, photograph):
    """The browser with one photograph that nobody has worked on; nothing may go wrong in its console."""
    show(browser, 1280, 800)
    browser.get(f"{home}health")
    browser.execute_script("sessionStorage.clear()")
    browser.get(home)
    until(browser, lambda page: page.execute_script("return 'ready' in document.body.dataset"))
    browser.get_log("browser")
    find(browser, "#files").send_keys(str(photograph))
    until(browser, lambda page: page.find_elements(By.CSS_SELECTOR, "#modes:not([hidden])"))
    settled(browser)
    yield browser
    assert "\n".join(entry["message"] for entry in browser.get_log("browser")) == ""


def press(page, *keys):
    """Keys one after the other, at whatever has the focus; a pair is a key that is held, and another."""
    actions = ActionChains(page, duration=0)
    for key in keys:
        if isinstance(key, tuple):
            *held, last = key
            for one in held:
                actions.key_down(one)
            actions.send_keys(last)
            for one in held:
                actions.key_up(one)
        else:
            actions.send_keys(key)
    actions.perform()


def drag(page, element, *ways, start=(0, 0)):
    actions = ActionChains(page, duration=0).move_to_element_with_offset(element, *start).click_and_hold()
    for way in ways:
        actions.move_by_offset(*way)
    actions.release().perform()


def photo(page) -> dict:
    """What the server has."""
    return page.execute_async_script(
        """const [done] = arguments;
        fetch("/v1/photos/" + JSON.parse(sessionStorage["tintype.album"]).items[0].id)
          .then((response) => response.json()).then(done);"""
    )


def hints(page, count: int | None = None) -> list[dict]:
    """The server's hints, once there are so many."""
    if count is not None:
        until(page, lambda page: len(photo(page)["hints"]) == count)
    return photo(page)["hints"]


def settled(page) -> None:
    """Wait until the picture on the screen is that of the last change."""
    until(page, lambda page: find(page, "#stage").get_attribute("aria-busy") == "false")


PIXELS = """
const [x, y] = arguments, canvas = document.getElementById("canvas"), box = canvas.getBoundingClientRect();
const copy = new OffscreenCanvas(7, 7).getContext("2d");
copy.drawImage(canvas, x - box.left - 3, y - box.top - 3, 7, 7, 0, 0, 7, 7);
return [...copy.getImageData(0, 0, 7, 7).data];
"""


def seen(page, place) -> np.ndarray:
    """CIE L*a*b* of the picture on the screen at a place of the window."""
    pixels = np.reshape(page.execute_script(PIXELS, *place), (-1, 4))[:, :3].mean(axis=0)
    return rgb_to_lab(pixels / 255)


def middle(element) -> tuple[float, float]:
    box = element.rect
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def click(page, x: int, y: int) -> tuple[float, float]:
    """Click so far from the middle of the picture, wait for the likely colours, and tell where that is."""
    canvas = find(page, "#canvas")
    ActionChains(page, duration=0).move_to_element_with_offset(canvas, x, y).click().perform()
    until(page, lambda page: every(page, ".likely .swatch"))
    left, top = middle(canvas)
    return left + x, top + y


def names(page) -> list[str]:
    return [pin.get_attribute("aria-label") for pin in every(page, ".pin")]


def test_the_colours_of_the_page_are_those_of_python(page):
    lab = np.random.default_rng(1).uniform([2, -120, -120], [98, 120, 120], (200, 3)).tolist()
    answers = page.execute_async_script(
        """const [lab, done] = arguments;
        import("/static/tools/colour.js").then((colour) => done(lab.map((one) => [
          ...colour.fit(...one), ...colour.toRgb(one), ...colour.toLab([0.2, 0.5, one[0] / 100]),
        ])));""",
        lab,
    )
    answers, lab = np.array(answers), np.array(lab)
    np.testing.assert_allclose(answers[:, :2], fit_chroma(lab)[:, 1:], atol=0.05)
    np.testing.assert_allclose(answers[:, 2:5], lab_to_rgb(lab), atol=1e-9)
    rgb = np.column_stack([np.full(200, 0.2), np.full(200, 0.5), lab[:, 0] / 100])
    np.testing.assert_allclose(answers[:, 5:], rgb_to_lab(rgb), atol=1e-9)
    slice_ = page.execute_async_script(
        """const [done] = arguments;
        import("/static/tools/colour.js").then((colour) => {
          const { pixels, left, top, unit } = colour.slice(40, 100);
          done([[...pixels], left, top, unit]);
        });"""
    )
    pixels, left, top, unit = np.reshape(slice_[0], (100, 100, 4)), *slice_[1:]
    b, a = np.mgrid[top - unit / 2 : top - 100 * unit : -unit, left + unit / 2 : left + 100 * unit : unit]
    rgb = lab_to_rgb(np.stack([np.full_like(a, 40), a, b], axis=-1))
    possible = ((rgb >= 0) & (rgb <= 1)).all(axis=-1)
    assert (possible == (pixels[..., 3] == 255)).mean() > 0.995
    assert 0.3 < possible.mean() < 0.9
    inside = possible & (pixels[..., 3] == 255)
    np.testing.assert_allclose(pixels[inside][:, :3], 255 * rgb[inside], atol=2)


def test_a_click_becomes_a_pin_that_can_be_changed_in_every_way(page):
    place = click(page, -40, 150)
    likely = every(page, ".likely .swatch")
    assert len(likely) >= 4
    assert re.fullmatch(r"#[0-9a-f]{6}, [a-z -]+, (\d+|< 1) %", likely[0].get_attribute("aria-label"))
    before = seen(page, place)
    # Chosen freely: the picture follows there.
    plane = find(page, ".plane")
    ActionChains(page, duration=0).move_to_element_with_offset(plane, 20, -40).click().perform()
    (hint,) = hints(page, 1)
    asked = rgb_to_lab(np.array([int(hint["color"][i : i + 2], 16) / 255 for i in (1, 3, 5)]))
    until(page, lambda page: np.hypot(*(seen(page, place) - asked)[1:]) < 10)
    assert np.hypot(*(seen(page, place) - before)[1:]) > 15
    assert names(page) == [f"Hint 1, {hint['color']} at {hint['x']:.0f}, {hint['y']:.0f}"]

    # A likely one instead.
    color = every(page, ".likely .swatch")[1].get_attribute("aria-label")[:7]
    every(page, ".likely .swatch")[1].click()
    until(page, lambda page: hints(page)[0]["color"] == color)
    # As text: what is not possible there is moved, and the page says so.
    code = find(page, ".code")
    code.clear()
    code.send_keys("#00ff00", Keys.ENTER)
    said = re.compile(r"#00ff00 is not possible at this lightness: the nearest colour is (#[0-9a-f]{6})\.")
    until(page, lambda page: said.match(find(page, "#picker-said").text))
    nearest = said.match(find(page, "#picker-said").text)[1]
    until(page, lambda page: hints(page)[0]["color"] == nearest)

    # Larger by the handle, and elsewhere.
    drag(page, find(page, ".handle"), (10, 0), (20, 0))
    until(page, lambda page: hints(page)[0]["radius"] > 2 * hint["radius"])
    find(page, ".panel .bare").click()
    drag(page, find(page, ".pin"), (10, -10), (30, -20))
    until(page, lambda page: hints(page)[0]["x"] > hint["x"])
    moved = hints(page)[0]
    assert moved["y"] < hint["y"]
    find(page, ".pin").click()
    find(page, ".panel footer button:last-child").click()
    hints(page, 0)
    assert names(page) == []

    undo, redo = find(page, "[aria-label=Undo]"), find(page, "[aria-label=Redo]")
    undo.click()
    assert hints(page, 1) == [moved]
    undo.click()
    until(page, lambda page: hints(page)[0]["x"] == hint["x"])
    press(page, (Keys.CONTROL, "z"), (Keys.CONTROL, "z"), (Keys.CONTROL, "z"))
    until(page, lambda page: hints(page) == [hint])
    press(page, (Keys.CONTROL, "z"))
    hints(page, 0)
    assert not undo.is_enabled()
    settled(page)
    np.testing.assert_allclose(seen(page, place), before, atol=0.5)
    for _ in range(5):
        redo.click()
    until(page, lambda page: hints(page) == [moved])


def test_strokes_are_saved_as_the_command_takes_them(page, photograph, downloads, tmp_path):
    canvas = find(page, "#canvas")
    find(page, ".tool[aria-label=Brush]").click()
    drag(page, canvas, *[(12, 0)] * 20, start=(-200, 120))
    # Without a colour so far it is chosen after the stroke.
    until(page, lambda page: every(page, ".likely .swatch"))
    assert hints(page) == []
    every(page, ".likely .swatch")[2].click()
    until(page, lambda page: len(hints(page)) > 1)
    first = hints(page)
    assert len({(hint["color"], hint["radius"]) for hint in first}) == 1
    assert len(first) == len({hint["x"] for hint in first}) <= 14
    assert len(names(page)) == 1
    assert "a stroke" in names(page)[0]
    find(page, ".panel .bare").click()
    find(page, ".tool[aria-label^=Eraser]").click()
    drag(page, canvas, *[(0, 12)] * 8, start=(250, -60))
    until(page, lambda page: len(hints(page)) > len(first))
    both = hints(page)
    assert {hint["color"] for hint in both[len(first) :]} == {"#808080"}
    assert len(names(page)) == 2
    settled(page)

    next(button for button in every(page, ".saved button") if button.text == "Save").click()
    file = downloads / "house.hints.json"
    until(page, lambda page: file.is_file())
    assert json.loads(file.read_text()) == both
    tintype("colorize", photograph, "--output", tmp_path / "out.png", "--hints", file, check=0)
    result = page.execute_async_script(
        """const [id, done] = arguments;
        fetch(`/v1/photos/${id}/result`).then((response) => response.arrayBuffer()).then((buffer) =>
          done([...new Uint8Array(buffer)]));""",
        photo(page)["id"],
    )
    (tmp_path / "page.png").write_bytes(bytes(result))
    with Image.open(tmp_path / "page.png") as ours, Image.open(tmp_path / "out.png") as command:
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(command))

    next(button for button in every(page, ".saved button") if button.text == "Remove all").click()
    hints(page, 0)
    find(page, "#hints-file").send_keys(str(file))
    assert hints(page, len(both)) == both
    bad = tmp_path / "bad.json"
    bad.write_text('[{"x": 1, "y": 2, "color": "green", "radius": 5}]')
    find(page, "#hints-file").send_keys(str(bad))
    until(page, lambda page: "#8b5a2b" in find(page, ".saved [role=status]").text)
    assert hints(page) == both
    # What the browser itself says of a refusal.
    assert all("422" in entry["message"] for entry in page.get_log("browser"))


def test_by_keyboard_alone(page):
    find(page, "#stage").send_keys(Keys.ARROW_LEFT)
    press(page, *[Keys.ARROW_DOWN] * 3, (Keys.SHIFT, Keys.ARROW_LEFT), Keys.ENTER)
    until(page, lambda page: every(page, ".likely .swatch"))
    assert "panel" in page.switch_to.active_element.get_attribute("class")
    press(page, Keys.TAB, Keys.TAB, Keys.ENTER)  # past the button that closes
    (hint,) = hints(page, 1)
    press(page, Keys.ESCAPE)
    until(page, lambda page: page.switch_to.active_element.get_attribute("class").startswith("pin"))
    press(page, *[Keys.ARROW_RIGHT] * 2, (Keys.SHIFT, Keys.ARROW_UP), "]")
    until(page, lambda page: hints(page)[0]["radius"] > hint["radius"])
    moved = hints(page)[0]
    assert moved["x"] == hint["x"] + 2
    assert moved["y"] == hint["y"] - 10
    press(page, Keys.ENTER)
    until(page, lambda page: every(page, ".likely .swatch"))
    while "plane" not in page.switch_to.active_element.get_attribute("class"):
        press(page, Keys.TAB)
    press(page, (Keys.SHIFT, Keys.ARROW_UP))
    until(page, lambda page: hints(page)[0]["color"] != hint["color"])
    assert re.match(r"#[0-9a-f]{6}, [a-z -]+$", page.switch_to.active_element.get_attribute("aria-valuetext"))
    press(page, Keys.ESCAPE, Keys.DELETE)
    hints(page, 0)
    press(page, (Keys.CONTROL, "z"))
    hints(page, 1)
    press(page, (Keys.CONTROL, Keys.SHIFT, "z"))
    hints(page, 0)

    # From doubt to doubt.
    press(page, "n")
    until(page, lambda page: every(page, ".likely .swatch"))
    title = find(page, "#panel-title").text
    press(page, "n")
    until(page, lambda page: find(page, "#panel-title").text != title and every(page, ".likely .swatch"))
    press(page, Keys.ESCAPE, "u")
    until(page, lambda page: find(page, ".tool[aria-label=Doubts]").get_attribute("aria-pressed") == "true")
    press(page, "u", "b")
    # A stroke with the crosshair.
    find(page, "#stage").send_keys(Keys.ARROW_DOWN)
    press(page, Keys.ENTER, *[Keys.ARROW_RIGHT] * 8, Keys.ENTER)
    until(page, lambda page: every(page, ".likely .swatch"))
    press(page, Keys.TAB, Keys.TAB, Keys.SPACE)
    until(page, lambda page: len(hints(page)) > 1)


def test_other_colourings_and_sliders_are_steps_that_outlive_a_reload(page):
    find(page, ".alternatives button").click()
    until(page, lambda page: len(every(page, ".colouring")) == 4)
    every(page, ".colouring")[2].click()
    until(page, lambda page: hints(page))
    chosen = hints(page)
    assert every(page, ".colouring")[2].get_attribute("aria-pressed") == "true"

    vividness = find(page, "#tool-vividness")
    settled(page)
    place = middle(find(page, "#canvas"))
    lively = seen(page, place)
    ActionChains(page, duration=0).move_to_element(vividness).click_and_hold().move_by_offset(-200, 0).perform()
    # The picture follows before the slider is let go.
    until(page, lambda page: np.hypot(*seen(page, place)[1:]) < 0.2 * np.hypot(*lively[1:]))
    assert photo(page)["settings"]["vividness"] == 1
    ActionChains(page, duration=0).release().perform()
    until(page, lambda page: photo(page)["settings"]["vividness"] == 0)
    number = find(page, "[aria-label='Vividness, as a number']")
    number.clear()
    number.send_keys("1.35", Keys.ENTER)
    until(page, lambda page: photo(page)["settings"]["vividness"] == 1.35)

    # Nothing is lost that the server had no time to hear of.
    page.execute_script("document.querySelectorAll('.colouring')[0].click(); location.reload()")
    until(page, lambda page: hints(page) != chosen)
    last = hints(page)
    until(page, lambda page: every(page, "#modes:not([hidden])"))
    undo = find(page, "[aria-label=Undo]")
    assert len(names(page)) >= 2
    assert find(page, "[aria-label='Vividness, as a number']").get_attribute("value") == "1.35"
    undo.click()
    until(page, lambda page: hints(page) == chosen)
    for _ in range(3):
        undo.click()
    until(page, lambda page: not hints(page) and photo(page)["settings"]["vividness"] == 1)
    for _ in range(4):
        find(page, "[aria-label=Redo]").click()
    until(page, lambda page: hints(page) == last and photo(page)["settings"]["vividness"] == 1.35)
    find(page, ".looks header button").click()
    until(page, lambda page: photo(page)["settings"]["vividness"] == 1)


def test_a_reference_is_a_step_of_its_own(page, photograph, tmp_path):
    click(page, -40, 150)
    every(page, ".likely .swatch")[2].click()
    own = hints(page, 1)
    # The photograph itself, blue above and brown below.
    lab = rgb_to_lab(np.asarray(Image.open(photograph).convert("RGB")) / 255)
    lab[:150, :, 1:], lab[150:, :, 1:] = (-10, -35), (15, 30)
    rgb = (np.clip(lab_to_rgb(fit_chroma(lab)), 0, 1) * 255 + 0.5).astype(np.uint8)
    Image.fromarray(rgb).save(tmp_path / "colours.png")
    Select(find(page, "#reference-way")).select_by_value("palette")
    find(page, "#reference-file").send_keys(str(tmp_path / "colours.png"))
    until(page, lambda page: len(hints(page)) > 1)
    # What the user said lies on top.
    assert hints(page)[-1:] == own
    palette = hints(page)
    # Dropped there it is a reference, too, and no photograph to colour. It takes the place of the one before.
    Select(find(page, "#reference-way")).select_by_value("regions")
    page.execute_script(
        """const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
        const transfer = new DataTransfer(), place = document.querySelector(".reference");
        transfer.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
        for (const type of ["dragenter", "dragover", "drop"]) {
          place.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        base64.b64encode((tmp_path / "colours.png").read_bytes()).decode(),
    )
    until(page, lambda page: "dropped.png" in find(page, ".reference [role=status]").text)
    until(page, lambda page: hints(page) != palette)
    assert hints(page)[-1:] == own
    assert page.execute_script("return JSON.parse(sessionStorage['tintype.album']).items.length") == 1
    for expected in (palette, own, []):
        find(page, "[aria-label=Undo]").click()
        until(page, lambda page, expected=expected: hints(page) == expected)


def test_by_finger_on_a_phone(page):
    show(page, 360, 740)
    page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    try:
        until(page, lambda page: find(page, "#stage").rect["width"] == 360)
        settled(page)
        x, y = middle(find(page, "#canvas"))
        tap(page, (x + 30, y + 40))
        until(page, lambda page: every(page, ".likely .swatch"))
        sheet = find(page, ".panel").rect
        assert (sheet["x"], sheet["width"]) == (0, 360)
        assert sheet["y"] > y + 40
        assert sheet["y"] + sheet["height"] == pytest.approx(740, abs=1)
        tap(page, middle(every(page, ".likely .swatch")[3]))
        hints(page, 1)
        tap(page, middle(find(page, ".panel .bare")))
        until(page, lambda page: not find(page, ".panel").is_displayed())
        touch(page, [middle(find(page, ".pin"))], (20, 10))
        until(page, lambda page: hints(page)[0]["x"] > 230)

        # The brush draws with one finger; a second one means to look closer.
        tap(page, middle(find(page, ".tool[aria-label=Brush]")))
        tap(page, middle(find(page, ".inks .swatch")))
        touch(page, [(x - 100, y), (x - 60, y + 10)], (20, 20))
        touch(page, [(x - 100, y + 20)], (80, 0))
        until(page, lambda page: len(hints(page)) > 1)
        assert len(names(page)) == 2
        assert page.execute_script("return document.documentElement.scrollWidth") <= 360
    finally:
        page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def tap(page, place) -> None:
    """Touch a place for a moment, and again where the machine was so busy that this took long and was no tap."""
    page.execute_script("window.tapped = false; addEventListener('click', () => (tapped = true), true)")
    (x, y), tapped = place, False
    while not tapped:
        page.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        page.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        with suppress(TimeoutException):
            tapped = WebDriverWait(page, 5, 0.03).until(lambda page: page.execute_script("return tapped"))


def touch(page, fingers, way) -> None:
    """Put fingers down one after the other, move them all along a way, and lift them."""

    def send(kind: str, share: float, count: int) -> None:
        points = [{"x": x + share * way[0], "y": y + share * way[1], "id": i} for i, (x, y) in enumerate(fingers)]
        page.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points[:count]})

    for number in range(len(fingers)):
        send("touchStart", 0, number + 1)
    for step in range(1, 9):
        send("touchMove", step / 8, len(fingers))
    send("touchEnd", 1, 0)
