"""Takes the pictures of docs/page.md and README's animation: `PYTHONPATH=tests:. python tests/server/screenshots.py`.

They go to docs/img/page-NAME.jpg and docs/img/page.webp.
"""

import base64
import io
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageDraw
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from browsing import chromium, every, find, show, until
from server.test_guide import PATIENCE, press, settled
from serving import page_at

EXAMPLES = Path("examples/photographs")

FIXED = "count-basie.jpg"
"""The photograph of the animation."""

PLACES, COLOUR = [(0.3, 0.35), (0.43, 0.62)], "#9fb4d0"
"""Where the animation clicks, in shares of its width and height, and the colour that it takes."""

FRAME = 100
"""Milliseconds of a frame of the animation."""


def opened(page, home: str) -> None:
    """An empty page, as who comes for the first time sees it."""
    page.get(f"{home}health")  # The page itself keeps what it shows when it is left.
    page.execute_script("sessionStorage.clear(); localStorage.clear()")
    page.get(home)
    until(page, lambda page: page.execute_script("return 'ready' in document.body.dataset"))


def add(page, *names: str) -> None:
    find(page, "#files").send_keys("\n".join(str((EXAMPLES / name).resolve()) for name in names))
    until(page, lambda page: len(every(page, "#strip button[data-state=ready]")) == len(names))
    drawn(page)


def drawn(page) -> None:
    """Wait until everything on the screen has come."""
    settled(page)
    time.sleep(1)


def click(page, share: tuple[float, float]) -> None:
    """Click a place of the photograph that is shown."""
    x, y = on_screen(page, share)
    ActionChains(page, duration=0).move_by_offset(0, 0).perform()
    stage = find(page, "#stage")
    box = stage.rect
    offset = round(x - box["x"] - box["width"] / 2), round(y - box["y"] - box["height"] / 2)
    ActionChains(page, duration=0).move_to_element_with_offset(stage, *offset).click().perform()


def on_screen(page, share: tuple[float, float]) -> tuple[float, float]:
    """Where a place of the photograph, in shares of its sides, is on the screen, in CSS pixels."""
    left, top, width, height = page.execute_script(
        "const box = document.querySelector('#stage .layer').getBoundingClientRect();"
        "return [box.left, box.top, box.width, box.height];"
    )
    return left + share[0] * width, top + share[1] * height


def choose(page, color: str) -> None:
    """Take a colour in the panel by its code."""
    code = find(page, ".picker .code")
    code.send_keys(Keys.CONTROL, "a")
    code.send_keys(color, Keys.ENTER)
    drawn(page)


def take(page, home: str, folder: Path) -> None:
    """Every state of the page, in FOLDER/page-NAME.jpg."""

    def shot(name: str, width: int = 1280, height: int = 800, scheme: str = "light") -> None:
        show(page, width, height, scheme)
        drawn(page)
        save(screen(page), folder / f"page-{name}.jpg")
        show(page, 1280, 800)

    show(page, 1280, 800)
    opened(page, home)
    save(screen(page), folder / "page-empty.jpg")
    add(page, "lange-1936.jpg", "count-basie.jpg", "dust-bowl-house.jpg", "migrant-mother-1936.jpg")
    shot("photograph")
    shot("dark", scheme="dark")
    shot("phone", 390, 780)
    press(page, "v")
    shot("slider")
    find(page, "#bar input[value=side]").click()
    shot("side")
    find(page, "#bar input[value=colour]").click()
    find(page, "#full").click()
    shot("full")
    find(page, "#fit").click()
    drawn(page)
    click(page, (0.55, 0.45))
    until(page, lambda page: every(page, ".panel .likely .swatch"))
    shot("colours")
    press(page, Keys.ESCAPE)
    press(page, "u")
    shot("doubts")
    press(page, "u")
    press(page, "b")
    stage = find(page, "#stage")
    ActionChains(page).move_to_element_with_offset(stage, -120, 140).click_and_hold().move_by_offset(
        90, 30
    ).move_by_offset(90, -10).release().perform()
    until(page, lambda page: every(page, ".panel .likely .swatch"))
    shot("brush")
    press(page, Keys.ESCAPE)
    press(page, "p")
    find(page, "[aria-label='Show other colourings']").click()
    until(page, lambda page: every(page, ".colouring"))
    shot("alternatives")
    find(page, "#save").click()
    shot("download")
    press(page, Keys.ESCAPE)
    press(page, "?")
    shot("help")
    press(page, Keys.ESCAPE)
    with tempfile.TemporaryDirectory() as place:
        broken = Path(place, "grandmother.jpg")
        broken.write_bytes((EXAMPLES / "milwaukee-1936.jpg").read_bytes()[:60_000])
        find(page, "#files").send_keys(str(broken))
        until(page, lambda page: every(page, "#strip button[data-state=failed]"))
        every(page, "#strip button")[-1].click()
        shot("refused")


def screen(page) -> Image.Image:
    return Image.open(io.BytesIO(page.get_screenshot_as_png())).convert("RGB")


def save(picture: Image.Image, path: Path) -> None:
    picture.save(path, quality=85, optimize=True)


class Film:
    """Frames of the page with a pointer drawn on them."""

    def __init__(self, page) -> None:
        self.page, self.frames, self.at = page, [], (60.0, 640.0)

    def hold(self, seconds: float, over: Image.Image | None = None) -> None:
        """The page as it is, for so long."""
        picture = self._frame(screen(self.page), over)
        self.frames += [picture] * max(1, round(1000 * seconds / FRAME))

    def go(self, x: float, y: float, seconds: float = 0.8, over: Image.Image | None = None) -> None:
        """Move the pointer there over the page as it is, and what it carries with it."""
        picture, start = screen(self.page), self.at
        count = max(1, round(1000 * seconds / FRAME))
        for step in range(1, count + 1):
            share = step / count
            share *= share * (3 - 2 * share)
            self.at = start[0] + share * (x - start[0]), start[1] + share * (y - start[1])
            self.frames.append(self._frame(picture, over))

    def _frame(self, picture: Image.Image, over: Image.Image | None) -> Image.Image:
        frame = picture.copy()
        x, y = (round(value) for value in self.at)
        if over is not None:
            frame.paste(over, (x - over.width // 2, y - over.height // 2))
        arrow = [(0, 0), (0, 17), (4, 13), (7, 19), (10, 18), (7, 12), (12, 12)]
        ImageDraw.Draw(frame).polygon([(x + right, y + down) for right, down in arrow], fill="black", outline="white")
        return frame

    def save(self, path: Path) -> None:
        """As an animated WebP file; frames that are alike become one."""
        kept, times = [], []
        for frame in self.frames:
            if kept and frame.tobytes() == kept[-1].tobytes():
                times[-1] += FRAME
            else:
                kept.append(frame)
                times.append(FRAME)
        kept[0].save(path, save_all=True, append_images=kept[1:], duration=times, loop=0, quality=70, method=6)


DRAG = """
const [kind, name, bytes] = arguments;
const files = new DataTransfer();
files.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type: "image/jpeg" }));
const target = document.querySelector("#drop:not([hidden])") ?? document.body;
for (const type of kind === "drop" ? ["dragover", "drop"] : ["dragenter", "dragover"])
  target.dispatchEvent(new DragEvent(type, { dataTransfer: files, bubbles: true, cancelable: true }));
"""


def film(page, home: str, path: Path) -> None:
    """A photograph is dropped, one colour is changed, and the result is downloaded."""
    show(page, 1080, 720)
    opened(page, home)
    film = Film(page)
    carried = Image.open(EXAMPLES / FIXED).convert("RGB")
    bytes_ = base64.b64encode((EXAMPLES / FIXED).read_bytes()).decode()
    carried.thumbnail((120, 120))
    film.hold(1.2, carried)
    page.execute_script(DRAG, "over", FIXED, bytes_)
    time.sleep(0.3)
    film.go(540, 360, 1.2, carried)
    page.execute_script(DRAG, "drop", FIXED, bytes_)
    until(page, lambda page: every(page, "#strip button"))
    film.hold(0.8)
    until(page, lambda page: every(page, "#strip button[data-state=ready]"))
    drawn(page)
    film.hold(1.5)
    press(page, "v")
    drawn(page)
    divider = find(page, ".divider")
    for key in [Keys.ARROW_LEFT] * 8 + [Keys.ARROW_RIGHT] * 16:
        divider.send_keys(key)
        time.sleep(0.1)
        box = divider.rect
        film.at = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.6
        film.hold(FRAME / 1000)
    find(page, "#bar input[value=colour]").click()
    drawn(page)
    for place in PLACES:
        film.go(*on_screen(page, place))
        click(page, place)
        until(page, lambda page: every(page, ".panel .likely .swatch"))
        drawn(page)
        film.hold(1.2)
        if place is PLACES[0]:
            code = find(page, ".picker .code").rect
            film.go(code["x"] + 40, code["y"] + 12, 0.5)
            choose(page, COLOUR)
        else:
            recent = find(page, ".panel .recent .swatch")
            film.go(recent.rect["x"] + 12, recent.rect["y"] + 10, 0.5)
            recent.click()
            drawn(page)
        film.hold(0.8)
        press(page, Keys.ESCAPE)
        drawn(page)
        film.hold(0.5)
    film.go(300, 690, 0.5)
    film.hold(1.5)
    button = find(page, "#save").rect
    film.go(button["x"] + button["width"] / 2, button["y"] + button["height"] / 2)
    find(page, "#save").click()
    drawn(page)
    film.hold(2.0)
    film.save(path)


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/img")
    with tempfile.TemporaryDirectory() as place, page_at() as home, chromium(Path(place, "profile")) as page:
        page.set_script_timeout(PATIENCE)
        take(page, home, folder)
        film(page, home, folder / "page.webp")


if __name__ == "__main__":
    main()
