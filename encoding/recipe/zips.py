"""ZIP codes: five digits, or nothing."""

from __future__ import annotations

import re

ZIP_PLACEHOLDERS = frozenset({"00000", "11111", "12345", "99999"})
"""What is typed where a ZIP code is required and nobody knows it."""

_ZIP = re.compile(r"([0-9]{5})(?:-|[- ]?[0-9]{4})?")


def read_zip(raw: str) -> str:
    """Return the five digits of a ZIP code, of ZIP+4 too; nothing if the cell holds none or a placeholder.

    Four digits are no ZIP code: that its zero was lost would be a guess.
    """
    digits = zip_digits(raw)
    return "" if digits in ZIP_PLACEHOLDERS else digits


def zip_digits(raw: str) -> str:
    """Return the five digits of a ZIP code, those of a placeholder too; nothing if the cell holds none."""
    found = _ZIP.fullmatch(raw.strip())
    return found.group(1) if found else ""
