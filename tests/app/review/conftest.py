from __future__ import annotations

from rigs.linkage import embedded_database
from rigs.reviewing import answered, held_back, make_reviewing, reviewing

__all__ = ["answered", "embedded_database", "held_back", "make_reviewing", "reviewing"]
