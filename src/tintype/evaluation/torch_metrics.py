"""Metrics that ask a network, each from weights in a file that the user names; photographs are uint8 sRGB [h, w, 3]."""

from __future__ import annotations

import os
import re
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch

from tintype.errors import ModelError
from tintype.losses import Lpips
from tintype.models.runtime import Session
from tintype.networks.encoders.mobilenetv2 import MobileNetV2
from tintype.threads import available_threads


def classify(network: MobileNetV2, rgb: np.ndarray) -> str:
    """The likeliest of ImageNet's 1000 classes, as WordNet id.

    Semantic interpretability (Zhang et al. 2016, section 3.1) is the share of photographs whose class is the true one:
    how well a network that knows true colours reads the made ones. They asked VGG16; MobileNetV2 gives other figures.
    The truth and gray stand beside it as the bounds. The photograph goes in as it is, neither cropped nor resized.

    Raises:
        ValueError: not uint8 [h, w, 3].
    """
    with torch.inference_mode():
        return imagenet_classes()[int(network(_tensor(rgb)).argmax())]


@cache
def imagenet_classes() -> tuple[str, ...]:
    """WordNet ids of the 1000 classes of ImageNet (ILSVRC 2012), in the order of a classifier's outputs."""
    lines = files("tintype.evaluation").joinpath("tables", "imagenet_classes.txt").read_text().splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


def imagenet_class(name: str) -> str | None:
    """The class that the name of a photograph of ImageNet tells, as `n01440764_tench.JPEG` does; None of others."""
    match = re.search(r"(?<![a-z0-9])n\d{8}(?!\d)", name)
    return match[0] if match and match[0] in imagenet_classes() else None


def lpips(network: Lpips, prediction: np.ndarray, truth: np.ndarray) -> float:
    """LPIPS on VGG16 (Zhang et al. 2018, equation 1), as `losses.Lpips`: 0 is equal, no upper bound.

    The photographs go in as they are, from 16 pixels a side. LPIPS on AlexNet, the authors' default, is another number.

    Raises:
        ValueError: the pictures differ in shape or are not uint8 [h, w, 3].
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"both pictures must have the same shape, not {prediction.shape} and {truth.shape}")
    with torch.inference_mode():
        return float(network(_tensor(prediction), _tensor(truth)))


class Inception:
    """The features that `metrics.fid` compares, from an ONNX file: RGB float32 [1, 3, h, w] in [0, 1] to [1, d, ...].

    pytorch-fid's network is exported so, and brings its resizing to 299 and its scaling along:
    `torch.onnx.export(InceptionV3().eval(), torch.rand(1, 3, 256, 256), "inception.onnx", dynamo=False)`. Its FID is
    that of the original TensorFlow weights; torchvision's weights give another number.

    Raises:
        ModelError: the file is missing or does not take such pictures.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = path
        try:
            if not Path(path).is_file():
                raise FileNotFoundError("there is no such file")
            self._session = Session(path, available_threads())
        except Exception as error:  # onnxruntime has no base class of its own
            raise self._unusable(error) from None

    def __call__(self, rgb: np.ndarray) -> np.ndarray:
        """Features [d] of one photograph, float32.

        Raises:
            ValueError: not uint8 [h, w, 3].
            ModelError: the file does not take the photograph, or gives none.
        """
        try:
            feeds = {value.name: _tensor(rgb).numpy() for value in self._session.inputs}
            features = self._session.run(None, feeds)[0]
        except ValueError:
            raise
        except Exception as error:
            raise self._unusable(error) from None
        return np.asarray(features, np.float32).reshape(-1)

    def _unusable(self, error: Exception) -> ModelError:
        reason = str(error).splitlines()[0]
        return ModelError(f"{self.path} gives no features for FID ({reason}); give an ONNX file that takes RGB in 0..1")


def _tensor(rgb: np.ndarray) -> torch.Tensor:
    """8-bit codes [h, w, 3] to [1, 3, h, w] in [0, 1]."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[-1] != 3:
        raise ValueError(f"an 8-bit picture [h, w, 3] is needed, not {rgb.dtype} {list(rgb.shape)}")
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(rgb, -1, 0))[None] / np.float32(255))
