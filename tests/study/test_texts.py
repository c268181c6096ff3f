"""The pages' texts: the file that is translated, and what is refused of it."""

import re

import pytest

from running import tintype
from tintype.errors import StudyError
from tintype.study.texts import english, read_texts, template


@pytest.fixture
def path(tmp_path):
    return tmp_path / "texts.toml"


def test_the_exported_file_is_what_is_read(path):
    assert tintype("study", "texts", check=0).stdout.decode() == template()
    tintype("study", "texts", "-o", str(path), check=0)
    assert read_texts(path) == english()


def test_a_translation_may_leave_texts_out_and_turn_their_words(path):
    path.write_text(
        '[page]\nlanguage = "de"\n[trial]\nplace = "{count} Paare, das {number}."\n[thanks]\ntitle = "Danke"\n',
        encoding="utf-8-sig",
    )
    found = read_texts(path)
    assert found["trial.place"].format(number=2, count=9) == "9 Paare, das 2."
    assert set(found) == {"page.language", "trial.place", "thanks.title"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe", "no TOML file"),
        (b"[trial\n", "no TOML file"),
        (b'[trial]\nplaces = "x"\n', "'trial.places', which no page has"),
        (b'title = "x"\n', "which no page has"),
        (b"[trial]\nplace = 3\n", "must be a text"),
        (b'[trial]\nplace = " "\n', "must be a text"),
        (b'[trial]\nplace = "{numbr}"\n', "'numbr' in braces, where only {count}, {number} may stand"),
        (b'[trial]\nplace = "{number.__class__}"\n', "'number.__class__' in braces"),
        (b'[trial]\nplace = "{number!r}"\n', "'number!r' in braces"),
        (b'[trial]\nplace = "{number:>9999}"\n', "'number:>9999' in braces"),
        (b'[trial]\nplace = "{"\n', "a brace without its partner"),
        (b'[trial]\nnext = "{number}"\n', "where only nothing may stand"),
        (b'[page]\ndirection = "up"\n', "must be ltr or rtl"),
        (b'[page]\nlanguage = "de\\"x"\n', "must be a language tag"),
    ],
)
def test_what_is_no_translation_is_refused_in_one_sentence(path, content, words):
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StudyError, match=re.escape(words)) as error:
        read_texts(path)
    assert "\n" not in str(error.value)
