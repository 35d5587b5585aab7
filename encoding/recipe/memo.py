"""Does the work for each distinct value once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_K = TypeVar("_K")
_T = TypeVar("_T")
_MAX_REMEMBERED = 1 << 18


class Remembered(dict[_K, _T]):
    """A cache that forgets everything when it is full, so that memory stays flat over any file."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[_K], _T]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, raw: _K) -> _T:
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        value = self[raw] = self._read(raw)
        return value
