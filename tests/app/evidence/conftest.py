from __future__ import annotations

from oracles.linkage_rig import linkage, make_linkage

__all__ = ["linkage", "make_linkage"]
