"""A sheet of frames."""

import numpy as np
import pytest
from PIL import Image

from small_films import write_film
from tintype.errors import OptionError
from tintype.film import preview
from tintype.photo import is_marked


def test_a_sheet_shows_each_so_many_frames_and_those_that_are_guided(tmp_path, tiny):
    film = write_film(tmp_path / "a.mp4", 40)
    told = []
    sheet = preview(film, tmp_path / "sheet.png", every=15, model=tiny, progress=lambda *step: told.append(step))
    assert told == [(1, 3), (2, 3), (3, 3)]
    with Image.open(sheet) as page:
        shown = np.asarray(page)
    assert shown.shape == (16 + 213 + 20 + 16, 16 + 3 * 320 + 2 * 12 + 16, 3)
    assert shown[20:220, 20:320].std(axis=2).mean() > 2
    assert is_marked(sheet)
    hints = {22: [{"x": 48, "y": 32, "color": "#ff0000", "radius": 20}]}
    told.clear()
    preview(film, sheet, every=10, start=10, stop=30, hints=hints, model=tiny, progress=lambda *step: told.append(step))
    assert told[-1] == (3, 3)


def test_a_sheet_that_cannot_be_is_refused(tmp_path, tiny):
    film = write_film(tmp_path / "a.mp4", 5)
    for options, said in (({"every": 0}, "at least each 1"), ({"start": 9}, "only 5 frames")):
        with pytest.raises(OptionError, match=said):
            preview(film, tmp_path / "sheet.png", model=tiny, **options)
    with pytest.raises(OptionError, match="no format that is written"):
        preview(film, tmp_path / "sheet.mp4", model=tiny)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
