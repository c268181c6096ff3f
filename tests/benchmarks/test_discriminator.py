"""The instrument that asks a small network which colours are made."""

import numpy as np

from benchmarks.discriminator import fooled, recoloured
from small_sets import picture
from tintype.color.lab import lightness


def photographs(count, side=32):
    return np.stack([picture(i, side, side) for i in range(count)])


def test_gray_never_fools_and_the_photograph_itself_cannot_be_told():
    truth = photographs(96)
    gray = recoloured("gray", truth)
    assert fooled(truth, gray, epochs=8).mean() < 0.1
    assert (fooled(truth, truth, epochs=1) == 0.5).all()


def test_recolourings_keep_the_lightness():
    truth = photographs(3)
    seen = lightness(truth / np.float32(255))
    for method in ("gray", "random"):
        made = recoloured(method, truth)
        assert np.abs(lightness(made / np.float32(255)) - seen).max() < 1.5
    assert np.ptp(recoloured("gray", truth), axis=3).max() == 0
    assert np.abs(recoloured("random", truth).astype(int) - truth).max() > 30
