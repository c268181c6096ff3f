"""The films by which steadiness is measured: their motion is known, and cuts are counted once."""

import cv2
import numpy as np

from benchmarks.video import cutting, scenes


def photographs(count=3):
    """Smooth colours, uint8 [h, w, 3]."""
    random = np.random.default_rng(2)
    sizes = [(round(side * scenes.ROOM)) for side in scenes.SIZE]
    return [
        cv2.resize(random.integers(0, 256, (9, 12, 3)).astype(np.uint8), sizes[::-1], interpolation=cv2.INTER_CUBIC)
        for _ in range(count)
    ]


def test_the_known_motion_leads_to_the_same_things():
    shot = scenes.scene(photographs(), 0, 6, 4, damaged=True)
    place, seen = shot.motion(2)
    led = cv2.remap(shot.frame(3), place, None, cv2.INTER_LINEAR).astype(float)
    apart = np.abs(led - shot.frame(2)).max(axis=-1)
    assert seen.mean() > 0.9
    assert np.quantile(apart[seen], 0.99) <= 4
    # Without following the motion it is another picture.
    assert np.abs(shot.frame(3).astype(float) - shot.frame(2)).mean() > 2 * apart[seen].mean()
    assert shot.frame(2).shape == (*scenes.SIZE, 3)


def test_each_joint_is_counted_once():
    assert cutting.compared([10, 11, 30, 55], {10: 1, 29: 1, 50: 6, 80: 1}) == (3, 1, 1)
    assert cutting.compared([], {}) == (0, 0, 0)
