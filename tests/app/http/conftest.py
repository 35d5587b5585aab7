from __future__ import annotations

from rigs.delivering import delivering, make_delivering
from rigs.linkage import linkage, make_linkage
from rigs.reviewing import make_reviewing, reviewing

__all__ = [
    "delivering",
    "linkage",
    "make_delivering",
    "make_linkage",
    "make_reviewing",
    "reviewing",
]
