"""What axe-core says of a page in the browser: every rule of WCAG 2.2 to level AA that a program can check."""

from functools import cache
from pathlib import Path

import pytest

AXE = Path(__file__).parent / "browser" / "node_modules" / "axe-core" / "axe.min.js"

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

RUN = """
const [tags, done] = arguments;
axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] }).then(
  (found) => done(found.violations.flatMap((rule) => rule.nodes.map(
    (node) => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary}`))),
  (error) => done([String(error)]),
);
"""


@cache
def _source() -> str:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run npm ci in tests/browser")
    return AXE.read_text(encoding="utf-8")


def violations(browser) -> list[str]:
    """Rules that the page in the browser breaks as it is now, with the element and what would mend it.

    Skips the test where axe-core is not installed.
    """
    if not browser.execute_script("return typeof axe === 'object'"):
        browser.execute_script(_source())
    browser.set_script_timeout(120)
    return browser.execute_async_script(RUN, list(TAGS))
