"""Write a typed cell of a workbook or a Parquet file as text, the same on every machine."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from decimal import Decimal

# Excel keeps 15 digits of a number; what is longer was rounded before it was saved.
_EXACT_BELOW = 10**15


class InexactCell(Exception):
    """A cell has no exact text; the only argument is why, never the value."""


def cell_text(value: object) -> str:
    """Return `value` as text: whole numbers without a point, dates as YYYY-MM-DD, nothing as ""."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        return _number_text(value)
    if isinstance(value, datetime):
        return _moment_text(value)
    if isinstance(value, date | time):
        return value.isoformat()
    raise InexactCell("holds something that is neither text, number nor date")


def _number_text(value: float | Decimal) -> str:
    if not math.isfinite(value):
        raise InexactCell("holds a number that is not finite")
    if value != int(value):
        return format(Decimal(repr(value)) if isinstance(value, float) else value, "f")
    if isinstance(value, float) and abs(value) >= _EXACT_BELOW:
        raise InexactCell(
            "holds a number of more than 15 digits, which was rounded; store it as text"
        )
    return str(int(value))


def _moment_text(value: datetime) -> str:
    """Return only the date of a midnight: that is how files store a date."""
    # Where pandas is installed, pyarrow gives its type, which has them.
    if getattr(value, "nanosecond", 0):
        raise InexactCell("holds a time of more than six decimals; store it as text")
    is_date = value.time() == time() and value.tzinfo is None
    return value.date().isoformat() if is_date else value.isoformat()
