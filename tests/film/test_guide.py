"""What a user says of a film."""

from fractions import Fraction

import pytest

from tintype.errors import OptionError
from tintype.film.guide import checked_place, checked_rate


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (12, 12),
        ("12", 12),
        (1.5, Fraction(3, 2)),
        ("1:10.5", Fraction(141, 2)),
        ("00:01:10", Fraction(70)),
        ("2:00:00.04", 7200 + Fraction(1, 25)),
    ],
)
def test_a_place_is_a_frame_or_a_time(place, expected):
    found = checked_place(place)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("place", [-1, "-1", "1.5", "1:2:3:4", "", "1:", True, float("nan"), "١٢"])
def test_nothing_else_is_a_place(place):
    with pytest.raises(OptionError, match="the number of a frame, such as 1750, or a time, such as 00:01:10"):
        checked_place(place)


def test_rates_of_television_are_meant_exactly():
    rates = [checked_rate(rate) for rate in (23.976, 29.97, 59.94, 24, 25.0, Fraction(50), 16.5)]
    assert rates == [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001), 24, 25, 50, Fraction(33, 2)]
    for rate in (0, -1, 1001, float("nan"), "24"):
        with pytest.raises(OptionError, match="The rate must be above 0"):
            checked_rate(rate)
