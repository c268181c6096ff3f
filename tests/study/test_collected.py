"""Answers read out of the file of a server."""

import pytest

from tintype.errors import StudyError
from tintype.study.collected import read_answers


@pytest.mark.parametrize(("content", "words"), [(None, "nothing has been answered"), (b"text" * 99, "does not hold")])
def test_what_holds_no_answers_is_refused(tmp_path, content, words):
    path = tmp_path / "answers.sqlite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StudyError, match=words):
        read_answers(path)
