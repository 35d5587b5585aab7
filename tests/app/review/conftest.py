from __future__ import annotations

from rigs.linkage import embedded_database
from rigs.reviewing import make_reviewing, reviewing

__all__ = ["embedded_database", "make_reviewing", "reviewing"]
