"""Text of others in a CSV file: a spreadsheet shows it and computes nothing."""

from __future__ import annotations

import re
from typing import Final

# A spreadsheet takes a cell that begins so for a formula, and would compute it.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
# Numbers, telephone numbers and dashes: without a letter or a quotation mark nothing is called or looked up.
_HARMLESS: Final = re.compile(r"[+-][0-9 .,:%()/-]*(?:(?<=[0-9.])[eE][+-]?[0-9]+)?")


def inert(cell: str) -> str:
    """Return a cell as it is, or behind an apostrophe where a spreadsheet would take it for a formula.

    Done again it changes nothing more.
    """
    if cell.startswith(_FORMULA_STARTS) and not _HARMLESS.fullmatch(cell):
        return f"'{cell}"
    return cell
