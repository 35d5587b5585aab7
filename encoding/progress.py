"""How work that takes time tells how far it is, whoever listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called again and again while a step goes on."""

    def __call__(self, step: str, share: float, count: int, unit: str) -> None:
        """Tell how far a step is.

        Args:
            step: what is being done, such as "encoding".
            share: the part of it that is done, from 0 to 1.
            count: how many units are done, to show a rate.
            unit: what is counted, such as "rows" or "bytes".
        """


def silent(step: str, share: float, count: int, unit: str) -> None:
    """Listen to nothing."""
