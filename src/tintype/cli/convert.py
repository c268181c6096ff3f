"""`tintype convert`: weights as their authors publish them become a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tintype.cli import say
from tintype.cli.options import Output, between
from tintype.errors import not_installed


def convert(
    weights: Path,
    /,
    *,
    output: Output,
    name: str | None = None,
    licence: str | None = None,
    size: Annotated[int | None, between(1)] = None,
    mask_centre: float = 0.0,
) -> None:
    """Make a model file of the weights that the authors of another colorizer publish.

    It knows ECCV16 and SIGGRAPH17 (PyTorch and Caffe), DeOldify (artistic, stable, video) and DDColor (tiny, large) by
    the names and shapes of their weights. No code in the file is run. The model file is written only if its colours
    agree with those of the published network.

    Example: tintype convert siggraph17-df00044c.pth -o siggraph17.onnx

    Parameters
    ----------
    weights
        The published file: of PyTorch (.pth, .pt, .bin), .safetensors, or .caffemodel.
    output
        The .onnx file to write.
    name
        What the model is called, FAMILY.TAG such as deoldify.video. Default: by what was recognised.
    licence
        Licence of the weights. Default: what their authors state.
    size
        Short side of what the network sees, in pixels. Default: what the authors' program uses.
    mask_centre
        For the SIGGRAPH17 that its authors trained anew (pytorch.pth): 0.5. All others need 0.
    """
    try:
        from tintype.training.convert import convert
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("tintype"):
            raise
        raise not_installed("Converting", error.name, "train") from None

    made = convert(weights, output, name=name, licence=licence, size=size, mask_centre=mask_centre, say=say)
    say(f"{output}: {made.name}, {output.stat().st_size / 1e6:.1f} MB, licence {made.licence}")
