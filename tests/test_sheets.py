"""The layout of sheets: where pictures and words lie on the page."""

import numpy as np
from PIL import Image, ImageFont

from tintype.sheets import Box, Line, Tile, Words, fitted, flowed, lay_out


def picture(width, height, colour="red") -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def ink(page: Image.Image, left, top, right, bottom) -> np.ndarray:
    """Where words are, as rows and columns of the page."""
    rows, columns = np.nonzero(np.asarray(page.convert("L").crop((left, top, right, bottom))) < 128)
    return np.stack([rows + top, columns + left])


def test_pictures_lie_in_rows_with_even_gaps():
    rows = [
        [Tile(40, picture(40, 30)), Tile(50, picture(20, 10, "blue"))],
        [Tile(40, picture(30, 20, "lime"), left=True)],
    ]
    page, boxes = lay_out(rows, margin=7, gap=3)
    assert boxes == [[Box(7, 7, 40, 30), Box(7 + 43 + 15, 7, 20, 10)], [Box(7, 7 + 33, 30, 20)]]
    assert page.size == (7 + 40 + 3 + 50 + 7, 7 + 30 + 3 + 20 + 7)
    assert lay_out(rows, margin=7, gap=3, least=200)[0].size == (200, page.height)
    pixels = np.asarray(page)
    for row, colour in ((boxes[0][0], (255, 0, 0)), (boxes[0][1], (0, 0, 255)), (boxes[1][0], (0, 255, 0))):
        part = pixels[row.top : row.top + row.height, row.left : row.left + row.width]
        assert (part == colour).all()
    assert (pixels == 255).all(axis=2).sum() == page.width * page.height - 40 * 30 - 20 * 10 - 30 * 20


def test_words_stand_above_and_below_their_picture():
    letters = ImageFont.load_default(12)
    tile = Tile(
        100,
        picture(60, 20, "white"),
        above=[Line(16, [Words("head", letters, centred=True)])],
        below=[Line(20, [Words("1", letters), Words("name", letters, left=50)])],
    )
    plain = Tile(100, picture(60, 40, "white"))
    page, ((box, other), (nothing,)) = lay_out([[tile, plain], [Tile(100, above=[Line(16)])]], margin=5, gap=5)
    assert nothing is None
    assert box.top == other.top == 5 + 16
    above, below = ink(page, 0, 0, 105, box.top), ink(page, 0, box.top + 20, 105, page.height)
    assert abs(above[1].mean() - 55) < 3  # centred in its place
    assert below[0].max() < box.top + 20 + 20
    assert below[1].min() < 10
    assert (below[1] >= 54).any()
    assert not ((below[1] > 15) & (below[1] < 54)).any()


def test_the_names_of_a_row_do_not_lower_the_pictures_of_others():
    tall = Tile(30, picture(30, 30), above=[Line(10), Line(10)])
    _, boxes = lay_out([[tall, Tile(30, picture(30, 10))], [Tile(30, picture(30, 10))]], margin=0, gap=1)
    assert [[box.top for box in row] for row in boxes] == [[20, 20], [51]]


def test_tiles_flow_into_rows():
    widths = [30, 40, 20, 100, 10]
    rows = flowed([Tile(width) for width in widths], width=76, gap=5)
    assert [[tile.width for tile in row] for row in rows] == [[30, 40], [20], [100], [10]]
    assert flowed([], 10, 0) == []


def test_a_picture_is_fitted_in_its_proportions():
    assert fitted(picture(200, 100), 50, 70).size == (50, 25)
    assert fitted(picture(100, 400), 50, 60).size == (15, 60)
    assert fitted(picture(1000, 1), 50, 60).size == (50, 1)
