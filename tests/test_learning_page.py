"""The numbers on the page for students are those of the code."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "learning.md"


def test_every_line_of_python_gives_what_the_page_says():
    result = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert result.attempted > 20
    assert result.failed == 0
