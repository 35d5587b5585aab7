"""How work that takes time tells how far it is, no matter who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called again and again while a step goes on."""

    def __call__(self, step: str, share: float, count: int, unit: str) -> None:
        """Tell how far a step is."""


def silent(step: str, share: float, count: int, unit: str) -> None:
    """Listen to nothing."""
