"""Texts that people sign: no character that a page would show otherwise than it is signed."""

from __future__ import annotations

import unicodedata
from fractions import Fraction
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from schemas.documents.ids import DecimalText


def _shown_as_written(text: str) -> str:
    # Not printable: controls, line ends, spaces of other widths, and marks that turn the direction of text.
    if text != text.strip() or not text.isprintable():
        raise ValueError("a text may hold printable characters and single lines only")
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError("a text is not in Unicode's normal form C")
    return text


MAX_LINE: Final = 200
Line = Annotated[str, Field(min_length=1, max_length=MAX_LINE), AfterValidator(_shown_as_written)]
Text = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_shown_as_written)]


def _at_most_all(share: str) -> str:
    if Fraction(share) > 1:
        raise ValueError("a share is at most 1")
    return share


Share = Annotated[DecimalText, AfterValidator(_at_most_all)]
