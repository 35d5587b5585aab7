"""Tables that tests measure and the end of a session prints, whichever worker measured them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

# The property of a test, as of `record_property`, whose text is printed.
TABLE = "table"


def tables_of(reports: Iterable[Any]) -> Iterator[str]:
    """Yield the tables of reports of tests, each once."""
    for report in reports:
        if getattr(report, "when", None) == "call":
            yield from (str(value) for name, value in report.user_properties if name == TABLE)
