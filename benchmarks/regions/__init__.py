"""Photographs whose regions are labelled by kind, to say where a method errs: sky, grass, water, skin, car, wall.

    from benchmarks.regions import KINDS, camvid, drawn

    for name, rgb, labels in camvid("runs/camvid/CamVid").only("unseen"):
        for kind, label in KINDS.items():
            inside = labels == label

Two collections have this form: `camvid`, video from a car, labelled by its authors; and `drawn`, polygons of our own in
photographs of the public domain and under CC0, which it fetches.
"""

from benchmarks.regions.camvid import camvid
from benchmarks.regions.drawn import drawn
from benchmarks.regions.labelled import KINDS, NONE, Labelled, Membership, Regions

__all__ = ["KINDS", "NONE", "Labelled", "Membership", "Regions", "camvid", "drawn"]
