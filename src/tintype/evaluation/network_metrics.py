"""Which networks the metrics of a run ask, and what they say of a photograph; torch only where one is asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tintype.errors import not_installed
from tintype.evaluation.evaluator import Row
from tintype.evaluation.figures import METRICS
from tintype.evaluation.metrics import Codes
from tintype.evaluation.store import sha256_of

if TYPE_CHECKING:
    from tintype.evaluation.torch_metrics import Inception
    from tintype.losses import Lpips
    from tintype.networks.encoders.mobilenetv2 import MobileNetV2


@dataclass(frozen=True)
class Networks:
    """Files of networks that metrics ask; the metrics of those that are None are not measured."""

    classifier: str | None = None
    """Weights of MobileNetV2, as `encoders.MobileNetV2.load` takes them."""
    lpips: tuple[str, str] | None = None
    """Weights of VGG16 and of LPIPS, as `losses.Lpips` takes them."""
    inception: str | None = None
    """An ONNX file, as `torch_metrics.Inception` takes it."""

    def variants(self) -> dict[str, str]:
        """Metric -> which variant, with the hashes of the files.

        Raises:
            DataError: a file cannot be read.
        """
        files = {
            "semantic_accuracy": () if self.classifier is None else (self.classifier,),
            "lpips": self.lpips or (),
            "fid": () if self.inception is None else (self.inception,),
        }
        return {
            name: METRICS[name].variant.format(*(sha256_of(file) for file in some))
            for name, some in files.items()
            if some
        }

    def demand(self) -> None:
        """Raises TintypeError where torch is missing, and what the files' readers raise."""
        if self == Networks():
            return
        if find_spec("torch") is None:
            raise not_installed("A metric that uses a network", "torch", "train")
        _opened(self)

    def row(self, name: str, rgb: Codes, truth: Codes | None) -> Row:
        """What the networks say of a photograph: `class_right`, `lpips` and `features`, of those that there are.

        Args:
            name: of the photograph, which may tell its class.
            rgb: uint8 [h, w, 3]; truth: what it is compared with; None: it is the truth itself.
        """
        if self == Networks():
            return {}
        from tintype.evaluation.torch_metrics import classify, imagenet_class, lpips

        opened = _opened(self)
        row: Row = {}
        if opened.classifier is not None:
            true = imagenet_class(name)
            row["class_right"] = float("nan") if true is None else float(classify(opened.classifier, rgb) == true)
        if opened.lpips is not None and truth is not None:
            row["lpips"] = lpips(opened.lpips, rgb, truth)
        if opened.inception is not None:
            row["features"] = opened.inception(rgb)
        return row


@dataclass(frozen=True, eq=False)
class _Opened:
    """The networks themselves."""

    classifier: MobileNetV2 | None
    lpips: Lpips | None
    inception: Inception | None


@lru_cache(maxsize=1)
def _opened(networks: Networks) -> _Opened:
    import torch

    from tintype.evaluation.torch_metrics import Inception
    from tintype.losses import Lpips
    from tintype.networks.encoders.mobilenetv2 import MobileNetV2

    torch.set_num_threads(1)
    classifier = None
    if networks.classifier is not None:
        classifier = MobileNetV2()
        classifier.load(networks.classifier)
    return _Opened(
        classifier,
        None if networks.lpips is None else Lpips(*networks.lpips),
        None if networks.inception is None else Inception(networks.inception),
    )
