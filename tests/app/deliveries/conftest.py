from __future__ import annotations

from rigs.delivering import delivering, make_delivering
from rigs.linkage import embedded_database

__all__ = ["delivering", "embedded_database", "make_delivering"]
