import numpy as np
import pytest
from PIL import Image

from small_sets import picture
from tintype.errors import OptionError, PhotoError
from tintype.plots import gamut


@pytest.mark.parametrize(("source", "bins", "empty"), [("313", 313, 52), ("529", 529, 268), ("srgb", 261, 0)])
def test_the_tables_have_the_empty_bins_that_were_counted_elsewhere(source, bins, empty):
    table = gamut.load(source)
    assert len(table.centres) == bins
    assert np.count_nonzero(table.empty) == empty


def test_a_photograph_masks_a_grid_of_its_own(tmp_path):
    Image.fromarray(np.full((40, 40, 3), (255, 0, 0), np.uint8)).save(tmp_path / "red.png")
    table = gamut.load(str(tmp_path / "red.png"), step=5)
    # sRGB's red is at a* 80.1, b* 67.2.
    assert table.centres.tolist() == [[80, 65]]
    Image.fromarray(picture(0)).save(tmp_path / "other.png")
    assert len(gamut.load(str(tmp_path)).centres) > 20


def test_a_bin_is_shown_where_srgb_holds_it():
    centres = np.array([[0.0, 0.0], [80.0, 70.0], [-80.0, 80.0]])
    for lightness, inside in ((50, [True, False, False]), (53, [True, False, False]), (85, [True, False, True])):
        rgb, held = gamut.held(centres, lightness)
        assert held.tolist() == inside
        assert np.ptp(rgb[0]) < 1e-9


def test_each_bin_is_a_cell_and_each_empty_one_a_cross():
    table = gamut.load()
    panels = gamut.draw(table, (25, 50)).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["L* = 25", "L* = 50"]
    for panel in panels:
        cells, crosses = panel.collections[:2]
        assert len(cells.get_paths()) == 313
        assert len(crosses.get_segments()) == 2 * 52
    shown = [len(np.unique(panel.collections[0].get_facecolor(), axis=0)) - 1 for panel in panels]
    assert shown[0] < shown[1]


def test_wrong_wishes_are_named():
    with pytest.raises(OptionError, match="step"):
        gamut.load("srgb", step=0)
    with pytest.raises(OptionError, match="lightness"):
        gamut.draw(gamut.load(), (120,))
    with pytest.raises(PhotoError, match="314 does not exist"):
        gamut.load("314")
