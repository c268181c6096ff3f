"""How a page of very many photographs behaves: `PYTHONPATH=tests:. python tests/summary/large.py [COUNT]`.

Writes a ledger of COUNT rows (50 000), makes its page, and says how long that takes, how large the files are, and how
long until Chromium shows the page, sorts it and searches it. One in a hundred photographs is there; the others have
no thumbnail.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from browsing import chromium, every, find, show, until
from tintype.album.ledger import Record
from tintype.summary import write
from written_ledgers import write_ledger

CLOCK = """
const [kind, value, done] = arguments;
const begin = performance.now();
const select = document.querySelector(`[name=${kind}]`);
select.value = value;
select.dispatchEvent(new Event(kind === "text" ? "input" : "change", { bubbles: true }));
const status = document.querySelector("[role=status]");
const seen = () => requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)));
if (kind === "text") new MutationObserver(seen).observe(status, { childList: true });
else seen();
"""


def records(scans: Path, out: Path, count: int) -> list[Record]:
    """Rows such as those of an archive: 250 folders, one in a hundred failed, names of twenty letters."""
    rng = np.random.default_rng(0)
    low = rng.normal(0, 1, (8, 12))
    rows = []
    for number in range(count):
        name = f"{1850 + number % 125}/{'ab'[number // 125 % 2]}/scan-{number:06}-plate.jpg"
        if number % 100 == 0:
            gray = np.kron(np.clip(128 + 60 * (low + rng.normal(0, 0.5, low.shape)), 0, 255), np.ones((60, 60)))
            for place, pixels in ((scans / name, gray), (out / name, np.stack([gray, gray * 0.9, gray * 0.7], axis=2))):
                place.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.astype(np.uint8)).save(place, quality=85)
        failed = number % 100 == 7
        rows.append(
            Record(
                f"{scans}/{name}",
                name,
                "failed" if failed else "done",
                message=f"{scans}/{name} is cut short: get a whole copy of it, or give --salvage" if failed else "",
                size=1_234_567 + number,
                modified=1_700_000_000_000_000_000 + number,
                model="tintype.v2",
                settings="size=256; temperature=0.4; vividness=1; blend=1",
                seconds=1.234,
                finished="2026-11-30T18:00:00Z",
                width=4000,
                height=3000,
                measures={} if failed else {"doubt": float(rng.normal(22, 4)), "chroma": float(rng.gamma(4, 4))},
            )
        )
    return rows


def main(count: int = 50_000) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_ledger(folder / "out", records(folder / "scans", folder / "out", count))
        for what in ("first", "again"):
            begin, cpu = time.perf_counter(), time.process_time()
            write(folder / "out", folder / "page.html")
            print(f"{what}: {time.perf_counter() - begin:.1f} s, {time.process_time() - cpu:.1f} s of CPU time")
        (rows,) = (folder / "page_files").glob("rows-*.js")
        thumbnails = [path.stat().st_size for path in (folder / "page_files" / ".thumbnails").rglob("*.webp")]
        sizes = {
            "page": (folder / "page.html").stat().st_size,
            "rows": rows.stat().st_size,
            "thumbnails": len(thumbnails),
        }
        print(json.dumps(sizes | {"thumbnail": sum(thumbnails) // len(thumbnails)}))
        (folder / "profile").mkdir()
        with chromium(folder / "profile") as browser:
            show(browser)
            browser.set_script_timeout(120)
            for _ in range(3):
                browser.get("about:blank")
                begin = time.perf_counter()
                browser.get((folder / "page.html").as_uri())
                until(browser, lambda browser: every(browser, ".card"))
                loaded = browser.execute_script("return performance.getEntriesByType('navigation')[0].domComplete")
                print(f"shown after {time.perf_counter() - begin:.2f} s, {loaded:.0f} ms by the browser's own clock")
            for kind, value in (
                ("order", "vivid"),
                ("order", "look"),
                ("folder", "1900"),
                ("folder", ""),
                ("text", "4242"),
            ):
                print(f"{kind} {value or 'all'}: {browser.execute_async_script(CLOCK, kind, value):.0f} ms")
            print(find(browser, "[role=status]").text)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
