"""What a trial says of itself, wherever it says anything."""

from __future__ import annotations

from typing import Final

UNPROTECTED: Final = (
    "This is a trial, by one person who may see both files: nothing was protected from that person."
)
