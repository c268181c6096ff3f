"""Types: the packages that promise them pass a strict check, and what users call has types of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

CALLS = """
import io
from pathlib import Path
import numpy as np
from PIL import Image
import tintype
from tintype.reference import hints_from

colorizer = tintype.Colorizer(vividness=1.2)
array = np.zeros((4, 4), np.uint8)
photo = tintype.read("a.jpg")
colours = colorizer.look(photo, hints=[tintype.Hint(1, 2, "#a03020", 3)], logits=True)
reveal_type(tintype.colorize("a.jpg"))  # Path
reveal_type(tintype.colorize(Path("a.jpg"), "b.png", quality=90, faded=True))  # Path
reveal_type(tintype.colorize(b"", vividness=2, reference="b.jpg", reference_way="palette"))  # bytes
reveal_type(tintype.colorize(io.BytesIO(), format="png"))  # bytes
reveal_type(tintype.colorize(b"", "b.jpg"))  # Path
reveal_type(tintype.colorize(array, temperature=0.4))  # ndarray of uint8
reveal_type(tintype.colorize(Image.new("L", (4, 4))))  # Image
reveal_type(colorizer(Path("a.jpg")))  # Path
reveal_type(colorizer(open("a.jpg", "rb")))  # bytes
reveal_type(colorizer(array.astype(np.float32)))  # ndarray of floating
reveal_type(photo)  # Photo
reveal_type(photo.lightness())  # ndarray of floating
reveal_type(colours)  # Colours
reveal_type(colours.ab)  # ndarray of floating
reveal_type(colours.logits)  # ndarray of floating or None
reveal_type(colours.with_hints([]))  # Colours
reveal_type(colours.likely(1, 2, radius=3, count=5))  # list of Likely
reveal_type(colours.doubts())  # list of Doubt
reveal_type(colours.with_logits())  # Colours
reveal_type(colours.alternatives(4))  # list of Colours
reveal_type(hints_from(colours, array, "palette")[0])  # Hint
reveal_type(next(colours.paint(size=400)))  # ndarray of codes
reveal_type(tintype.write(photo, colours.paint(), "b.jpg"))  # notes
reveal_type(tintype.from_array(array))  # Photo
reveal_type(tintype.film.colorize("a.mp4", keys={3: "b.png"}))  # Path
reveal_type(tintype.models.load().predict(np.zeros((8, 8), np.float32)).ab)  # ndarray of floating
reveal_type([card.name for card in tintype.models.catalog()])  # list of str
"""

EXPECTED = {
    "Path": r"pathlib\.Path",
    "bytes": r"bytes",
    "Image": r"PIL\.Image\.Image",
    "Photo": r"tintype\.photo\.photo\.Photo",
    "Hint": r"tintype\.hints\.Hint",
    "Colours": r"tintype\.colours\.Colours",
    "ndarray of uint8": r"numpy\.ndarray\[.*unsignedinteger\[.*8Bit\]\]\]",
    "ndarray of floating": r"numpy\.ndarray\[.*floating\[.*32Bit\]\]\]",
    "ndarray of floating or None": r"numpy\.ndarray\[.*floating\[.*32Bit\]\]\] \| None",
    "ndarray of codes": r"numpy\.ndarray\[.*8Bit.*16Bit.*32Bit.*\]",
    "notes": r"tuple\[str, \.\.\.\]",
    "list of Colours": r"list\[tintype\.colours\.Colours\]",
    "list of Likely": r"list\[tintype\.distribution\.Likely\]",
    "list of Doubt": r"list\[tintype\.doubts\.Doubt\]",
    "list of str": r"list\[str\]",
}

WRONG = """
import numpy as np
import tintype

tintype.colorize(np.zeros((4, 4)), format="png")
tintype.colorize("a.jpg", vivid=2)
tintype.Colorizer(saturation=2)
tintype.read("a.jpg").wide
"""


def checked(tmp_path: Path, *arguments: str) -> tuple[str, int]:
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path), *arguments]
    environment = {**os.environ, "MYPYPATH": str(ROOT / "src")}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr, run.returncode


def test_types_are_what_they_say(tmp_path):
    """In one test, so that the second look uses what the first has learnt."""
    calls = tmp_path / "calls.py"
    calls.write_text(CALLS, "utf-8")
    report, status = checked(tmp_path / "cache", "src/tintype", str(calls))
    assert status == 0, report
    revealed = {int(line): kind for line, kind in re.findall(r'calls\.py:(\d+): note: Revealed type is "(.*)"', report)}
    lines = {number: line.split("  # ")[1] for number, line in enumerate(CALLS.splitlines(), 1) if "reveal" in line}
    assert revealed.keys() == lines.keys()
    for number, expected in lines.items():
        assert re.fullmatch(EXPECTED[expected], revealed[number]), (CALLS.splitlines()[number - 1], revealed[number])

    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG, "utf-8")
    report, _ = checked(tmp_path / "cache", str(wrong))
    assert {int(line) for line in re.findall(r"wrong\.py:(\d+): error", report)} == {5, 6, 7, 8}, report
