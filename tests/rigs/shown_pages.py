"""What a page or its CSV twin says, for tests."""

from __future__ import annotations

import csv
import html
import io
import re
from typing import Any


def words(answer: Any) -> str:
    """Return what a page says, without tags, on one line."""
    assert answer.status_code == 200, answer.text
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def csv_rows(answer: Any) -> list[dict[str, str]]:
    """Return the rows of a CSV twin by their columns' names."""
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))
