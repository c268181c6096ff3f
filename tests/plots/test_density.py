import json

import numpy as np
import pytest
from PIL import Image

from small_sets import write_set
from tintype.errors import DataError
from tintype.plots import density


def test_colours_fall_into_their_cells(tmp_path):
    pixels = np.full((30, 40, 3), 128, np.uint8)
    pixels[:, :10] = (255, 0, 0)  # a* 80.1, b* 67.2
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    counted = density.count([tmp_path])
    np.testing.assert_allclose(counted.share.sum(), 1)
    place = {(80, 68): 0.25, (0, 0): 0.75}
    for (a, b), share in place.items():
        row, column = (round((value - counted.first) / counted.step) for value in (a, b))
        np.testing.assert_allclose(counted.share[row, column], share)
    np.testing.assert_allclose(counted.chroma_below(10), 0.75)


def test_a_prepared_set_brings_its_histogram(tmp_path):
    pixels = np.zeros((53, 53), int)
    pixels[26, 27] = 3
    histogram = {"first": -130, "step": 5, "pixels": pixels.tolist()}
    (tmp_path / "set.json").write_text(json.dumps({"histogram": histogram}))
    counted = density.count([tmp_path])
    assert (counted.first, counted.step, counted.share[26, 27]) == (-130, 5, 1)
    drawn = np.ma.filled(density.draw(counted).axes[0].images[0].get_array(), 0)
    assert drawn[27, 26] == 1 / 25  # b* up, a* right, in cells of 1 x 1
    (tmp_path / "set.json").write_text("{}")
    with pytest.raises(DataError, match="no histogram"):
        density.count([tmp_path])


def test_sources_add_up(tmp_path):
    folder = write_set(tmp_path / "data", train=2, validation=1)
    Image.fromarray(np.full((40, 40, 3), 128, np.uint8)).save(tmp_path / "gray.png")
    one, both = density.count([folder]), density.count([folder, tmp_path / "gray.png"])
    middle = len(both.share) // 2
    assert both.share[middle, middle] > one.share[middle, middle] + 0.5
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="neither shards nor photographs"):
        density.count([tmp_path / "empty"])
