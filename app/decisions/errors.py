"""What is refused about match records."""

from __future__ import annotations

from typing import Final

from app.errors import Rule

MATCH_RECORD_GONE: Final = Rule("match-record-gone", 410, "The match record was destroyed")
