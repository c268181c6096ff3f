"""Names that clients give their files."""

import pytest

from tintype.server.upload import plain_name


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("street.jpg", "street.jpg"), ("../../etc/passwd", "passwd"), ("C:\\scans\\a b.tif", "a b.tif"),
        ("Straße 1.jpg", "Straße 1.jpg"), ("a\x1b[31m\n.jpg", "a[31m.jpg"), ("", "photograph"),
        ("..", "photograph"), ("folder/", "photograph"), ("a" * 300 + ".jpeg", "a" * 195 + ".jpeg"),
    ],
)  # fmt: skip
def test_names_have_no_folders_and_can_be_shown(given, name):
    assert plain_name(given) == name
