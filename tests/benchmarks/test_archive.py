"""The benchmark of archives: measured for real, with two photographs."""

import os

import pytest

from benchmarks.archive import WAYS, Cost, Measured, group, table


@pytest.mark.skipif(os.name == "nt", reason="what a process takes is measured another way there")
def test_two_photographs_are_measured_once_and_told_beside_libvips(tmp_path):
    known = Measured(tmp_path / "figures.json", again=False)
    rows = group("small", 2, ["tintype.mini"], 1, None, tmp_path, known)
    assert [what for what, _ in rows] == ["tintype colorize, tintype.mini", *WAYS.values()]
    assert all(cost.wall > 0 and cost.user > 0 and cost.peak > 10 for _, cost in rows)
    assert rows[0][1].cpu > rows[1][1].cpu
    # What was measured is not measured again, by another run either.
    assert group("small", 2, ["tintype.mini"], 1, None, tmp_path, Measured(tmp_path / "figures.json", False)) == rows


def test_the_table_divides_by_the_right_numbers():
    rows = [("tintype colorize, tintype.mini", Cost(wall=10, user=15, system=3, peak=300))]
    rows += [(WAYS["rgb"], Cost(2, 5, 1, 40)), (WAYS["gray"], Cost(1, 1.5, 0.5, 40))]
    line = table({"large": (40, rows)}, workers=2).splitlines()[2]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[2:] == ["4.0", "18.0", "10.0", "90%", "3.0 x", "9.0 x", "300"]
