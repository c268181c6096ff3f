"""What `tintype inspect` refuses, and what it takes where no region is given."""

import numpy as np
import pytest

from tintype import inspection
from tintype.distribution import Region
from tintype.errors import OptionError
from tintype.photo import Photo, from_array


def photograph() -> Photo:
    return from_array(np.full((48, 64), 120, np.uint8))


@pytest.mark.parametrize(
    "region",
    [Region(64, 0), Region(-1, 0), Region(0, 48), Region(60, 0, 5, 1), Region(0, 0, 0, 3), Region(0, 40, 1, 9)],
)
def test_what_lies_outside_is_refused(region):
    with pytest.raises(OptionError, match="it has 64 x 48 pixels"):
        inspection.checked(photograph(), region)


def test_without_a_region_it_is_the_whole_photograph():
    assert inspection.checked(photograph(), None) == Region(0, 0, 64, 48)
