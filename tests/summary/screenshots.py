"""Takes the picture of docs/archives.md: `PYTHONPATH=tests:. python tests/summary/screenshots.py`, to
docs/img/summary.jpg.

A run over the example photographs, with a file that is cut short, a negative and a page of text among them.
"""

import io
import shutil
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from browsing import chromium, every, show, until
from running import tintype

EXAMPLES = Path("examples/photographs")


def scans(folder: Path) -> None:
    for path in EXAMPLES.glob("*.jpg"):
        year = path.stem.rpartition("-")[2]
        place = folder / (year if year.isdecimal() else "undated")
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    with Image.open(EXAMPLES / "count-basie.jpg") as picture:
        picture.convert("L").point(lambda code: 255 - code).save(folder / "undated" / "negative-07.jpg")
    (folder / "1936" / "milwaukee-2.jpg").write_bytes((EXAMPLES / "milwaukee-1936.jpg").read_bytes()[:40_000])
    page = Image.new("L", (900, 1200), 235)
    letters = ImageFont.load_default(22)
    text = Path("LICENSE").read_text("utf-8").split("\n")
    for number, line in enumerate(text[10:60]):
        ImageDraw.Draw(page).text((60, 40 + 22 * number), line.strip()[:70], fill=40, font=letters)
    page.save(folder / "undated" / "caption-list.jpg")


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        scans(folder / "scans")
        tintype("colorize", "scans", "-o", "coloured", check=1, cwd=folder)
        tintype("summary", folder / "coloured", "-o", folder / "summary.html", check=0)
        (folder / "profile").mkdir()
        with chromium(folder / "profile") as browser:
            show(browser, 1280, 1130)
            browser.get((folder / "summary.html").as_uri())
            until(browser, lambda browser: every(browser, ".card"))
            time.sleep(1)
            picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
            picture.save("docs/img/summary.jpg", quality=85, optimize=True)


if __name__ == "__main__":
    main()
