import re

import pytest

from tintype.color.bins import published_bins, published_prior
from tintype.reports import charts


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (charts.Scale("", 0, 100), [0, 20, 40, 60, 80, 100]),
        (charts.Scale("", -110, 110), [-100, -50, 0, 50, 100]),
        (charts.Scale("", 0.03, 0.9, log=True), [0.05, 0.1, 0.2, 0.5]),
    ],
)
def test_axes_have_round_ticks(scale, ticks):
    assert scale.ticks() == pytest.approx(ticks)


def test_the_density_shows_every_bin_on_its_step():
    chart = charts.density(published_prior(), "prior")
    steps = {kind: path.count("M") for kind, path in re.findall(r'<path class="(d\d|rare)" d="([^"]*)"', chart)}
    assert sum(steps.values()) == len(published_bins()) == 313
    assert steps["rare"] == (published_prior() < 1e-5).sum()
    assert steps["d6"] == ((published_prior() >= 1e-2) & (published_prior() < 10**-1.5)).sum()


def test_names_beside_points_do_not_cover_each_other():
    points = [charts.Point(f"model.number{i}", 0.1 + 0.001 * i, 70 + 0.1 * i, 69, 72) for i in range(6)]
    chart = charts.labelled("seconds", "quality", points, "")
    places = re.findall(r'<text x="([\d.-]+)" y="([\d.-]+)" class="below label">model', chart)
    boxes = [(float(x) - 41, float(y) - 9, float(x) + 41, float(y) + 2) for x, y in places]
    assert len(boxes) == 6
    for number, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[number + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
