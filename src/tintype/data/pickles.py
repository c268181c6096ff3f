"""Pickles of plain data, read without running anything that they say."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np


class _Array:
    """Stands for a numpy array: of what the pickle says it takes nothing but bytes and a shape."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_columns, content = state
        if not isinstance(kind, _Kind) or kind.code not in ("u1", b"u1"):
            raise pickle.UnpicklingError("an array of something other than bytes")
        self.values = np.frombuffer(content, np.uint8).reshape(shape, order="F" if by_columns else "C")


class _Kind:
    """Stands for a numpy dtype."""

    def __init__(self, code: str | bytes, *flags: Any):
        self.code = code

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        pass


def _make(*arguments: Any) -> _Array:
    return _Array()


def _encode(text: str, encoding: str) -> bytes:
    return text.encode("latin-1")


_KNOWN = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Kind,
    ("numpy.core.multiarray", "_reconstruct"): _make,
    ("numpy._core.multiarray", "_reconstruct"): _make,
    ("_codecs", "encode"): _encode,  # how Python 3 writes bytes for Python 2
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not data") from None


def read_pickle(encoded: bytes) -> dict[str, Any]:
    """The table that a pickle holds: numbers, strings, lists, and arrays of bytes as uint8.

    Strings that Python 2 wrote stay bytes; the keys of the table are text.

    Raises:
        ValueError: it holds anything else, or is broken.
    """
    try:
        table = _Unpickler(io.BytesIO(encoded), encoding="bytes").load()
        return {
            key.decode() if isinstance(key, bytes) else str(key): getattr(value, "values", value)
            if isinstance(value, _Array)
            else value
            for key, value in table.items()
        }
    except Exception as error:  # a pickle can be broken in as many ways as there are exceptions
        raise ValueError(f"{type(error).__name__}: {error}") from error
