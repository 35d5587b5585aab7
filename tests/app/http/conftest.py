from __future__ import annotations

from rigs.linkage import linkage, make_linkage
from rigs.reviewing import make_reviewing, reviewing

__all__ = ["linkage", "make_linkage", "make_reviewing", "reviewing"]
