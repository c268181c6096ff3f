"""Photographs whose regions are labelled by kind, to say where a method errs: sky, grass, water, skin, car, wall.

from benchmarks.regions import KINDS, camvid

for name, rgb, labels in camvid("runs/camvid/CamVid").only("unseen"):
    for kind, label in KINDS.items():
        inside = labels == label
"""

from benchmarks.regions.camvid import camvid
from benchmarks.regions.labelled import KINDS, NONE, Labelled, Membership, Regions

__all__ = ["KINDS", "NONE", "Labelled", "Membership", "Regions", "camvid"]
