"""Weights as their authors publish them: files of torch, of safetensors and of Caffe, read without running anything."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch

from tintype.errors import ConfigError
from tintype.networks.published import caffe

WRAPPINGS = ("model", "params_ema", "params", "state_dict", "net")
"""Names under which files keep a table of weights beside other things, such as the state of an optimizer."""


def read(path: str | Path) -> dict[str, torch.Tensor]:
    """The tensors of a published file by name, as float32, whatever the file is called.

    Of a Caffe file, each layer's blobs are LAYER/0, LAYER/1 and so on. Of a file that holds more than weights, the
    table of weights alone.

    Raises:
        ConfigError: the file is missing, broken, holds no table of weights, or is a pickle with code in it, none of
            which is run.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise ConfigError(f"{path}: the weights cannot be read ({error.strerror}); name the published file") from error
    if head[:2] == b"PK" or head[:1] == b"\x80":
        return _tensors(_of_torch(path), path)
    if head[8:9] == b"{":
        return _tensors(_of_safetensors(path), path)
    if path.suffix == ".onnx":
        raise ConfigError(f"{path}: is an ONNX file already; a model of tintype is given as it is, with --model")
    try:
        blobs = caffe.read(path)
    except ValueError as error:
        raise ConfigError(
            f"{path}: is no file of weights of torch (.pth), safetensors or Caffe ({error}); name the published file"
        ) from error
    return {name: torch.from_numpy(values) for name, values in blobs.items()}


def _of_torch(path: Path) -> object:
    try:
        # DeOldify's files keep a slice among the settings of their optimizer; it is data, and torch does not know so.
        with torch.serialization.safe_globals([slice]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that are not torch's, which are refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ConfigError(f"{path}: the weights cannot be read ({error.strerror}); name the published file") from error
    except Exception as error:  # torch raises many kinds for broken files
        if asked := re.search(r"GLOBAL ([\w.]+)", str(error)):
            raise ConfigError(
                f"{path}: is a pickle that asks for {asked[1]}, which is code and is not run; give a file of weights "
                "alone, such as .safetensors"
            ) from error
        raise ConfigError(f"{path}: is broken, or not a file of weights; fetch it again") from error


def _of_safetensors(path: Path) -> object:
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except Exception as error:  # safetensors raises kinds of its own
        raise ConfigError(f"{path}: is broken, or not a file of weights ({error}); fetch it again") from error


def _tensors(found: object, path: Path) -> dict[str, torch.Tensor]:
    if isinstance(found, Mapping):
        if {"config", "average", "step"} <= found.keys():
            raise ConfigError(f"{path}: is a checkpoint of tintype; make a model of it with tintype export")
        for name in WRAPPINGS:
            if isinstance(found.get(name), Mapping):
                return _tensors(found[name], path)
        table = {name: value for name, value in found.items() if isinstance(value, torch.Tensor)}
        if table and all(isinstance(name, str) for name in table):
            # Training on several devices puts a name before all others.
            return {name.removeprefix("module."): value.float() for name, value in table.items()}
    raise ConfigError(f"{path}: holds no table of weights by name; name the published file")


def plain(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights with their spectral and weight norms folded in, as they act outside of training.

    Spectral norm (Miyato et al. 2018) stores a kernel W with two vectors, NAME_orig, NAME_u and NAME_v; what acts is
    W / (u W v), W as a matrix of one row for each output. Weight norm (Salimans, Kingma 2016) stores NAME_g and NAME_v;
    what acts is g v / |v|, the norm of each output's kernel.
    """
    left = dict(weights)
    for name in weights:
        if name.endswith("_orig") and f"{name[:-5]}_u" in left and f"{name[:-5]}_v" in left:
            stem = name[:-5]
            kernel, u, v = left.pop(name), left.pop(f"{stem}_u"), left.pop(f"{stem}_v")
            left[stem] = kernel / torch.dot(u, kernel.flatten(1) @ v)
        elif name.endswith("_g") and f"{name[:-2]}_v" in left:
            stem = name[:-2]
            size, direction = left.pop(name), left.pop(f"{stem}_v")
            length = direction.flatten(1).norm(dim=1).view(size.shape)
            left[stem] = direction * (size / length)
    return left
