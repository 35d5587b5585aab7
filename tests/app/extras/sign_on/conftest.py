from __future__ import annotations

from rigs.linkage import linkage, make_linkage

__all__ = ["linkage", "make_linkage"]
