"""The page in a real browser, against the server as users start it: by mouse, by keyboard alone, by finger."""

import base64
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="fastapi is not installed")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from browsing import chromium, every, find, show, until
from running import tintype
from serving import page_at
from tintype.color.lab import rgb_to_lab

MODEL = "tintype.mini"

PATIENCE = 120
"""Seconds until a page must have done what it does at once."""

PASTE = """
const files = new DataTransfer();
const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
files.items.add(new File([bytes], "pasted.jpg", { type: "image/jpeg" }));
document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: files, bubbles: true, cancelable: true }));
"""
"""Pastes a file, of which the clipboard of a browser without a window holds none."""

FORGET = """
const done = arguments[0];
const { items } = JSON.parse(sessionStorage.getItem("tintype.album"));
Promise.all(items.map(({ id }) => fetch(`/v1/photos/${id}`, { method: "DELETE" }))).then(() => done());
"""
"""Has the server forget all photographs of the page."""

EXAMPLES = "examples/photographs"


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """A folder with two photographs, of which the first has more pixels than the screen and names its author, one that
    is cut short, a file of two pages, and what is no photograph."""
    folder = tmp_path_factory.mktemp("photographs") / "album"
    (folder / "below").mkdir(parents=True)
    with Image.open(f"{EXAMPLES}/dust-bowl-house.jpg") as picture:
        exif = Image.Exif()
        exif[0x013B] = "Dorothea Lange"
        picture.convert("L").resize((1200, 922)).save(folder / "house.jpg", quality=90, exif=exif)
    with Image.open(f"{EXAMPLES}/migrant-mother-1936.jpg") as picture:
        small = picture.convert("L").resize((300, 388))
    small.save(folder / "below" / "mother.png")
    small.save(folder / "pages.tif", save_all=True, append_images=[small.rotate(180)])
    with Image.open(f"{EXAMPLES}/lange-1936.jpg") as picture:
        file = io.BytesIO()
        picture.resize((300, 314)).save(file, "JPEG")
    (folder / "broken.jpg").write_bytes(file.getvalue()[:9000])
    (folder / "notes.txt").write_text("none")
    return folder


@pytest.fixture(scope="module")
def home():
    """The address of a server."""
    with page_at(MODEL) as home:
        yield home


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        browser.set_script_timeout(PATIENCE)
        browser.execute_cdp_cmd("Network.enable", {})
        yield browser


@pytest.fixture
def page(browser, home, tmp_path):
    """The browser on the page as who has never been there sees it; nothing may go wrong in its console."""
    screen(browser, 1280, 800)
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    # From an address without scripts: the page itself would keep what it has once more.
    browser.get(f"{home}static/icon.svg")
    browser.execute_script("sessionStorage.clear(); localStorage.clear()")
    opened(browser, home)
    browser.get_log("browser")
    yield browser
    # That a file was refused or nobody answered is no fault of the page, but the browser logs each.
    faults = [entry["message"] for entry in browser.get_log("browser")]
    assert [fault for fault in faults if "status of 4" not in fault and "net::ERR_INTERNET" not in fault] == []


def opened(page, home) -> None:
    page.get(home)
    until(page, lambda page: page.execute_script("return 'ready' in document.body.dataset"))


def screen(page, width: int, height: int) -> None:
    """Give the window a size; its user does without motion, for which nobody then waits."""
    show(page, width, height)
    calm = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": calm})


def press(page, *keys) -> None:
    ActionChains(page, duration=0).send_keys(*keys).perform()


def add(page, *paths) -> None:
    """Choose files, as in the browser's own dialog."""
    find(page, "#files").send_keys("\n".join(map(str, paths)))


def network(page, offline: bool = False, upload: int = -1) -> None:
    """How good the connection is; upload: bytes per second."""
    way = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload}
    page.execute_cdp_cmd("Network.emulateNetworkConditions", way)


def states(page) -> dict[str, str]:
    """Name -> state of the photographs in the strip."""
    return page.execute_script(
        "return Object.fromEntries([...document.querySelectorAll('#strip button')]"
        ".map((b) => [b.querySelector('.mark').textContent, b.dataset.state]))"
    )


def settled(page, *names: str) -> None:
    """Until these photographs, or all, are ready, and the one that is shown is drawn as finely as it gets."""
    until(page, lambda page: (found := states(page)) and all(found.get(n) == "ready" for n in names or found))
    drawn(page)


def drawn(page) -> None:
    """Until the picture has rested and everything on the screen has come."""
    page.execute_async_script(
        """const [done] = arguments;
        const stage = document.getElementById("stage");
        let rested = 0;
        (function look() {
          rested = stage.getAttribute("aria-busy") === "false" && "ready" in stage.dataset ? rested + 1 : 0;
          if (rested > 8) done(); else requestAnimationFrame(look);
        })();"""
    )


def canvas(page) -> np.ndarray:
    """The pixels of the photograph on the screen: uint8 [height, width, 3]."""
    url = page.execute_script("return document.getElementById('canvas').toDataURL()")
    picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    ground = Image.new("RGBA", picture.size, (128, 128, 128, 255))
    return np.asarray(Image.alpha_composite(ground, picture).convert("RGB"))


def colour(rgb: np.ndarray) -> np.ndarray:
    """How far pixels are from gray, in steps of 255."""
    return np.ptp(rgb, axis=2)


def show_of(page, name: str) -> None:
    """Show a photograph of the strip."""
    for button in every(page, "#strip button"):
        if button.find_element(By.CSS_SELECTOR, ".mark").get_attribute("textContent") == name:
            button.click()


def offered(page, label: str) -> None:
    """Press a button beside the sentence of a photograph."""
    next(button for button in every(page, "#wait button") if button.text == label).click()


def saved(folder, name: str):
    """A download, once it is complete."""
    WebDriverWait(folder, PATIENCE, 0.05).until(lambda folder: (folder / name).is_file())
    return folder / name


def test_a_folder_is_dropped_and_what_is_broken_gets_its_sentence(page, album):
    data = {"items": [], "files": [str(album)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        page.execute_cdp_cmd("Input.dispatchDragEvent", {"type": kind, "x": 600, "y": 400, "data": data})
    settled(page, "house.jpg", "mother.png")
    assert set(states(page)) == {"house.jpg", "mother.png", "broken.jpg", "pages.tif"}
    until(page, lambda page: find(page, "#progress").text == "2 photographs coloured, 2 failed")
    assert "1 file of the folder was left out" in find(page, "#toasts").text

    show_of(page, "broken.jpg")
    sentence = find(page, "#wait .words").text
    assert sentence.startswith("broken.jpg is broken or cut short")
    assert "--salvage" not in sentence
    offered(page, "Colour what is left")
    settled(page, "broken.jpg")
    assert find(page, "#progress").text == "3 photographs coloured, 1 failed"
    assert "rows" in find(page, "#notes").text

    show_of(page, "pages.tif")
    assert find(page, "#wait .words").text == "pages.tif is a TIFF file of 2 pages: choose which to colour"
    offered(page, "All 2")
    settled(page, "pages.tif, page 1", "pages.tif, page 2")
    assert find(page, "#progress").text == "5 photographs coloured"
    first = canvas(page)
    press(page, Keys.PAGE_DOWN)
    drawn(page)
    gray = [picture.mean(axis=2) for picture in (first, canvas(page)[::-1, ::-1])]
    assert np.abs(gray[0] - gray[1])[40:-40, 350:-350].mean() < 10  # one is the other, upside down


def test_before_and_after(page, album):
    page.execute_script(PASTE, base64.b64encode((album / "house.jpg").read_bytes()).decode())
    settled(page, "pasted.jpg")
    coloured = canvas(page)
    height, width = coloured.shape[:2]
    assert np.median(colour(coloured)[height // 3 : -height // 3, width // 3 : -width // 3]) > 12

    press(page, "v")
    drawn(page)
    divided = canvas(page)
    assert colour(divided)[:, : width // 2 - 20].max() < 8
    assert (divided == coloured)[:, width // 2 + 20 :].all()
    slider = find(page, ".divider")
    slider.send_keys(Keys.END)
    drawn(page)
    assert slider.get_attribute("aria-valuenow") == "100"
    assert colour(canvas(page)).max() < 8
    slider.send_keys(Keys.HOME, Keys.ARROW_RIGHT)
    drawn(page)
    assert slider.get_attribute("aria-valuenow") == "2"
    ActionChains(page, duration=0).drag_and_drop_by_offset(slider, 200, 0).perform()
    drawn(page)
    assert 20 < int(slider.get_attribute("aria-valuenow")) < 40

    find(page, "#bar [value=side]").click()
    drawn(page)
    beside = colour(canvas(page))
    assert beside[:, : width // 2 - 4].max() < 8
    assert np.median(beside[height // 2 - 50 : height // 2 + 50, width // 2 + 50 : -50]) > 12

    find(page, "#bar [value=colour]").click()
    drawn(page)
    hold = find(page, "#hold")
    ActionChains(page, duration=0).click_and_hold(hold).perform()
    drawn(page)
    assert colour(canvas(page)).max() < 8
    assert hold.get_attribute("aria-pressed") == "true"
    ActionChains(page, duration=0).release().perform()
    drawn(page)
    assert (canvas(page) == coloured).all()
    ActionChains(page, duration=0).key_down("c").perform()
    drawn(page)
    assert colour(canvas(page)).max() < 8
    ActionChains(page, duration=0).key_up("c").perform()


def test_at_100_percent_every_pixel_is_one_of_the_result(page, album, tmp_path):
    """On a screen of two pixels to one of CSS as on any other."""
    add(page, album / "house.jpg")
    settled(page)
    tintype("colorize", album / "house.jpg", "-o", tmp_path / "house.png", model=MODEL, check=0)
    with Image.open(tmp_path / "house.png") as picture:
        result = np.asarray(picture.convert("RGB"), np.int16)

    press(page, "1")
    for density in (2, 1):
        metrics = {"width": 1280, "height": 800, "deviceScaleFactor": density, "mobile": False}
        page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        drawn(page)
        press(page, "1")
        drawn(page)
        assert find(page, "#magnification").text == "100 %"
        seen = canvas(page)
        height, width = seen.shape[:2]
        # The middle of the photograph stays in the middle of the screen, to the pixel.
        (top, left) = (round((whole - side) / 2) for whole, side in zip(result.shape, (height, width), strict=False))
        inner = (slice(max(0, -top) + 2, height - 2 + min(0, top)), slice(max(0, -left) + 2, width - 2 + min(0, left)))
        there = seen[inner].astype(np.int16)

        def difference(down, right, inner=inner, there=there, top=top, left=left):
            part = result[top + inner[0].start + down :, left + inner[1].start + right :]
            return np.abs(part[: there.shape[0], : there.shape[1]] - there).mean()

        differences = [difference(*way) for way in ((0, 0), (1, 0), (0, 1), (-1, 0), (0, -1))]
        assert differences[0] < 1.5  # what JPEG loses
        assert min(differences[1:]) > 2 * differences[0]

    stage = find(page, "#stage")
    ActionChains(page, duration=0).move_to_element(stage).click_and_hold().move_by_offset(-20, 0).perform()
    ActionChains(page, duration=0).move_by_offset(-20, 0).release().perform()
    drawn(page)
    assert (canvas(page)[:, :-40] == seen[:, 40:]).mean() > 0.9
    ActionChains(page, duration=0).scroll_from_origin(ScrollOrigin.from_element(stage), 0, -100).perform()
    drawn(page)
    assert int(find(page, "#magnification").text.removesuffix(" %")) > 110
    find(page, "#fit").click()
    drawn(page)
    assert int(find(page, "#magnification").text.removesuffix(" %")) < 150


def test_results_are_taken_home(page, album, tmp_path):
    add(page, album / "house.jpg", album / "below" / "mother.png")
    settled(page)
    press(page, "d")
    find(page, "#save-one").click()
    file = saved(tmp_path, "house.color.jpg")
    until(page, lambda page: find(page, "#saving-says").text == "house.color.jpg is in your downloads.")
    tintype("colorize", album / "house.jpg", "-o", tmp_path / "by-command.jpg", model=MODEL, check=0)
    assert file.read_bytes() == (tmp_path / "by-command.jpg").read_bytes()
    with Image.open(file) as picture, Image.open(album / "house.jpg") as original:
        assert picture.size == original.size
        assert picture.getexif()[0x013B] == "Dorothea Lange"
        after, before = (
            rgb_to_lab(np.asarray(one.convert("RGB"), np.float32) / 255)[..., 0] for one in (picture, original)
        )
    assert np.abs(after - before).mean() < 1
    assert b"compositeWithTrainedAlgorithmicMedia" in file.read_bytes()

    find(page, "#saving [value=webp]").click()
    find(page, "#save-zip").click()
    with zipfile.ZipFile(saved(tmp_path, "coloured.zip")) as archive:
        assert sorted(archive.namelist()) == ["house.color.webp", "mother.color.webp"]
        with Image.open(io.BytesIO(archive.read("mother.color.webp"))) as picture:
            assert picture.format == "WEBP"
            assert picture.size == (300, 388)

    # The folder that the user would choose, as no program may click in that dialog.
    page.execute_script("window.showDirectoryPicker = () => navigator.storage.getDirectory()")
    for _ in range(2):
        until(page, lambda page: find(page, "#save-folder").is_enabled())
        find(page, "#save-folder").click()
        until(page, lambda page: find(page, "#saving-says").text.startswith("2 of 2 photographs saved"))
    names = page.execute_async_script(
        """const done = arguments[0];
        (async () => {
          const names = [];
          const folder = await navigator.storage.getDirectory();
          for await (const [name, handle] of folder) names.push([name, (await handle.getFile()).size > 1000]);
          for (const [name] of names) await folder.removeEntry(name);
          done(names.sort());
        })();"""
    )
    stems = ("house.color-2", "house.color", "mother.color-2", "mother.color")
    assert names == [[f"{stem}.webp", True] for stem in stems]


def test_a_reload_in_the_middle_loses_nothing(page, home, album):
    find(page, "#before summary").click()
    find(page, "#all-negative").click()
    add(page, album / "below" / "mother.png")
    settled(page)
    network(page, upload=30_000)
    add(page, album / "house.jpg", album / "broken.jpg")
    until(page, lambda page: states(page)["house.jpg"] == "sending")
    # Until the browser keeps what is on its way, it would ask whether to leave.
    leaves = "return dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    until(page, lambda page: page.execute_script(leaves))
    opened(page, home)
    network(page)
    assert set(states(page)) == {"house.jpg", "mother.png", "broken.jpg"}
    settled(page, "mother.png", "house.jpg")
    until(page, lambda page: states(page)["broken.jpg"] == "failed")
    for name in ("mother.png", "house.jpg"):
        show_of(page, name)
        drawn(page)
        assert find(page, "#reading [name=negative]").get_property("checked")
    opened(page, home)
    settled(page, "mother.png", "house.jpg")
    assert states(page)["broken.jpg"] == "failed"


def test_a_server_that_does_not_answer_is_asked_again(page, album):
    add(page, album / "below" / "mother.png")
    settled(page)
    network(page, offline=True)
    find(page, "#bar [value=slider]").click()
    add(page, album / "house.jpg")
    sentence = "tintype does not answer. Look whether it still runs, then try again."
    until(page, lambda page: states(page)["house.jpg"] == "failed")
    until(page, lambda page: sentence in find(page, "#toasts").text)
    network(page)
    drawn(page)
    show_of(page, "house.jpg")
    assert find(page, "#wait .words").text == sentence
    offered(page, "Try again")
    settled(page)
    width = find(page, "#canvas").size["width"]
    assert colour(canvas(page))[:, : width // 2 - 20].max() < 8


def test_what_the_server_has_forgotten_is_sent_again_as_it_was(page, home, album):
    add(page, album / "below" / "mother.png", album / "house.jpg")
    settled(page)
    find(page, "#reading summary").click()
    find(page, "#reading [name=negative]").click()
    settled(page)
    before = canvas(page)
    page.execute_async_script(FORGET)
    press(page, Keys.PAGE_DOWN, Keys.PAGE_UP, "1", "0")
    find(page, "#bar [value=slider]").click()
    settled(page)
    find(page, "#bar [value=colour]").click()
    settled(page)
    assert find(page, "#reading [name=negative]").get_property("checked")
    assert (canvas(page) == before).all()

    # Nor does the page have its file after it was loaded again.
    page.execute_async_script(FORGET)
    opened(page, home)
    until(page, lambda page: set(states(page).values()) == {"failed"})
    assert find(page, "#wait .words").text == "The server no longer keeps mother.png. Add it again."
    add(page, album / "below" / "mother.png")
    settled(page, "mother.png")
    assert set(states(page)) == {"mother.png", "house.jpg"}
    assert (canvas(page) == before).all()


def test_by_finger_on_a_phone(page, album):
    screen(page, 360, 740)
    page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5})
    try:
        add(page, album / "house.jpg", album / "below" / "mother.png")
        settled(page)
        assert page.execute_script("return document.documentElement.scrollWidth") <= 360
        box = page.execute_script("return document.getElementById('stage').getBoundingClientRect().toJSON()")
        x, y = box["left"] + box["width"] / 2, box["top"] + box["height"] / 2

        def touch(kind, *points):
            points = [{"x": x + right, "y": y + down, "id": i} for i, (right, down) in enumerate(points)]
            page.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        def scale():
            drawn(page)
            return page.execute_script("return parseInt(document.getElementById('magnification').textContent)")

        fitted = scale()
        touch("touchStart", (-30, 0), (30, 0))
        for apart in (45, 60, 90):
            touch("touchMove", (-apart, 0), (apart, 0))
        touch("touchEnd")
        assert scale() == pytest.approx(3 * fitted, rel=0.05)
        before = canvas(page)
        touch("touchStart", (0, 0))
        touch("touchMove", (-50, 0))
        touch("touchMove", (-100, 0))
        touch("touchEnd")
        drawn(page)
        moved = canvas(page)
        assert (moved[:, :-100] == before[:, 100:]).mean() > 0.9
        assert page.execute_script("return scrollX + scrollY") == 0
        small = page.execute_script(
            """return [...document.querySelectorAll("button, select, summary, input:not([type=file])")]
            .filter((e) => e.getClientRects().length && !e.closest("label"))
            .map((e) => [e.textContent || e.id, e.getBoundingClientRect()])
            .filter(([, box]) => box.width < 24 || box.height < 24).map(([name]) => name)"""
        )
        assert small == []
    finally:
        page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_by_keyboard_alone(page, home, album):
    add(page, album / "house.jpg", album / "below" / "mother.png")
    settled(page)

    def name():
        return find(page, "#name").text

    assert name() == "house.jpg"
    # The first stop of all leads past everything to the photograph.
    opened(page, home)
    settled(page)
    press(page, Keys.TAB, Keys.ENTER)
    until(page, lambda page: page.switch_to.active_element.get_attribute("id") == "stage")
    press(page, "1")
    drawn(page)
    before = canvas(page)
    control = ActionChains(page, duration=0).key_down(Keys.CONTROL)
    control.send_keys(Keys.ARROW_LEFT).key_up(Keys.CONTROL).perform()
    drawn(page)
    assert (canvas(page)[:, 64:] == before[:, :-64]).mean() > 0.9
    press(page, Keys.PAGE_DOWN)
    assert name() == "mother.png"
    find(page, "#strip [aria-current=true]").send_keys(Keys.ARROW_LEFT)
    assert name() == "house.jpg"
    assert page.switch_to.active_element.get_attribute("aria-current") == "true"

    press(page, "?")
    assert "Hold to see the photograph as it was" in find(page, "#help").text
    find(page, "#keys-off").send_keys(Keys.SPACE)
    press(page, Keys.ESCAPE, "v")
    assert find(page, "#bar [value=colour]").get_property("checked")

    # A round with Tab comes to everything that can be used, sees where it is, and ends.
    seen = []
    for _ in range(150):
        press(page, Keys.TAB)
        name_of, again, outline = page.execute_script(
            """const e = document.activeElement, again = e.again;
            const box = e.matches(".segments input") ? e.nextSibling : e;
            e.again = true;
            return [e.id || e.name || e.className || e.tagName, again, getComputedStyle(box).outlineStyle];"""
        )
        if again:
            break
        assert name_of == "BODY" or outline != "none", name_of
        seen.append(name_of)
    else:
        pytest.fail(f"Tab goes on and on: {seen[-5:]}")
    assert {"add", "save", "open-help", "skip", "stage", "mode", "hold", "in", "out", "fit", "full", "remove"} <= set(
        seen
    )

    find(page, "#stage").send_keys(Keys.DELETE)
    assert set(states(page)) == {"mother.png"}
    find(page, "#toasts .quiet").send_keys(Keys.ENTER)
    settled(page)
    assert name() == "house.jpg"
