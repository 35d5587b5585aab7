"""Text of others on a terminal and in a CSV file: all of it is seen, and none of it is obeyed or computed."""

from __future__ import annotations

import re
from typing import Final

# A spreadsheet takes a cell that begins so for a formula, and would compute it: an East Asian one also the wide
# signs.
_SIGNS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA: Final = re.compile(rf"[{_SIGNS}\t\r]")
# What divides cells or lines where a spreadsheet divides by semicolons or tabs: quotation marks keep nothing
# together that does not begin with one, and those that come next are read as the beginning of a cell.
_NEXT_CELL: Final = re.compile(rf"""(?<=[;\t\r\n])(?="*[{_SIGNS}])""")
# Numbers, telephone numbers and dashes: without a letter or a quotation mark nothing is called or looked up.
_HARMLESS: Final = re.compile(r"[+-][0-9 .,:%()/-]*(?:(?<=[0-9.])[eE][+-]?[0-9]+)?")

# What a terminal obeys (C0 but tab and line ends, DEL, C1), and what shows a text in another order or on other
# lines than it has.
_UNSEEN: Final = re.compile(
    r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


def printable(text: str) -> str:
    """Return a text as one line, with an escape in the place of each character that cannot be printed.

    Among those are control characters, which retitle a window or write over what stands above, line ends, and
    marks that turn the direction of text.
    """
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    # An escape is plain ASCII, so that a console of any encoding has it, and it says what was there.
    return character if character.isprintable() else ascii(character)[1:-1]


def inert(cell: str) -> str:
    """Return a cell as it is, or with apostrophes before what a spreadsheet would take for a formula.

    That is the cell, or a part of it, which is a cell to a spreadsheet that divides by semicolons or tabs. In
    the place of a control character is its escape. Done again it changes nothing more.
    """
    cell = _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], cell)
    cell = _NEXT_CELL.sub("'", cell)
    if _FORMULA.match(cell) and not _HARMLESS.fullmatch(cell):
        return f"'{cell}"
    return cell
