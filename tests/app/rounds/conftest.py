from __future__ import annotations

from oracles.linkage_rig import embedded_database, linkage, make_linkage

__all__ = ["embedded_database", "linkage", "make_linkage"]
