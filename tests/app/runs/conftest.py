from __future__ import annotations

from rigs.linkage import embedded_database, linkage, make_linkage, released, uploaded

__all__ = ["embedded_database", "linkage", "make_linkage", "released", "uploaded"]
