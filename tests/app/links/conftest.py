from __future__ import annotations

from rigs.linkage import embedded_database, linkage, make_linkage, released

__all__ = ["embedded_database", "linkage", "make_linkage", "released"]
