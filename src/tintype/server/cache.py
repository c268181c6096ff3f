"""What is kept to be quick: the latest used, as long as it fits into so many bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """The latest used values by their keys, together at most so many bytes. Any thread may use it.

    Args:
        most: bytes.
        size: bytes of a value. One that is larger than `most` is not kept.
    """

    def __init__(self, most: int, size: Callable[[Value], int]) -> None:
        self.most, self._size = most, size
        self.taken = 0
        """Bytes."""
        self._kept: dict[Key, Value] = {}
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        with self._lock:
            value = self._kept.pop(key, None)
            if value is not None:
                self._kept[key] = value  # The latest used stands last.
            return value

    def put(self, key: Key, value: Value) -> None:
        with self._lock:
            self._drop(key)
            size = self._size(value)
            if size > self.most:
                return
            self._kept[key] = value
            self.taken += size
            while self.taken > self.most:
                self._drop(next(iter(self._kept)))

    def drop(self, which: Callable[[Key], bool]) -> None:
        """Forget those with keys for which this is true."""
        with self._lock:
            for key in [key for key in self._kept if which(key)]:
                self._drop(key)

    def _drop(self, key: Key) -> None:
        value = self._kept.pop(key, None)
        if value is not None:
            self.taken -= self._size(value)
