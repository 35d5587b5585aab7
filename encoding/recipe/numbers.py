"""ZIP codes, and known numbers: a student ID, a case number or a Social Security number, as both write it.

What no Social Security number is: as the Social Security Administration issues none, and the numbers
that were printed in advertisements.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from schemas.linkage.fields import NumberKind

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


NUMBER_COLUMN: Final = "number"
"""The derived column."""

# Fewer than these tell nobody apart; more, or mostly letters, are no number.
_FEWEST_SIGNS, _MOST_SIGNS = 5, 20
_FEWEST_DIGITS = 4
_SSN_DIGITS = 9
# Areas 001 to 099: the zeros that a spreadsheet drops.
_FEWEST_SSN_DIGITS = 7
_ADVERTISED = frozenset({"078051120", "219099999", "457555462", "111223333", "123121234"})
_UP = "0123456789" * 3
_DOWN = _UP[::-1]
# What spreadsheets make of a number: 123456.0 is one still, of 1.23457E+09 digits are lost.
_WHOLE = re.compile(r"([0-9]+)\.0+")
_ROUNDED = re.compile(r"[0-9]+([.,][0-9]*E[+-]?|E\+)[0-9]+")


def read_number(raw: str, kind: NumberKind) -> str:
    """Return the number in normal form; nothing if the cell holds none, or a placeholder.

    Separators and leading zeros are dropped, letters are capitals; a Social Security number has nine digits.
    """
    signs = _signs(raw)
    digits = _digits_of(signs)
    if _is_made_up(digits):
        return ""
    if kind == "ssn":
        return _read_ssn(signs)
    number = signs.lstrip("0")
    is_sentence = len(number) > _MOST_SIGNS or 2 * len(digits) < len(number)
    if is_sentence or len(number) < _FEWEST_SIGNS or len(digits) < _FEWEST_DIGITS:
        return ""
    return number


def is_number_placeholder(raw: str) -> bool:
    """Tell whether a cell holds what is typed where a number is required and nobody knows it."""
    signs = _signs(raw)
    return signs in _ADVERTISED or (signs.isdigit() and _is_made_up(_digits_of(signs)))


def _signs(raw: str) -> str:
    """Return the letters and digits of a cell, without separators; nothing if there are others than A to Z."""
    if raw.isascii() and raw.isdigit():
        return raw
    text = unicodedata.normalize("NFKC", raw).strip().upper()
    if _ROUNDED.fullmatch(text):
        return ""
    whole = _WHOLE.fullmatch(text)
    signs = "".join(filter(str.isalnum, whole.group(1) if whole else text))
    return signs if signs.isascii() else ""


def _digits_of(signs: str) -> str:
    number = signs.lstrip("0")
    return number if number.isdigit() else "".join(filter(str.isdigit, number))


def _is_made_up(digits: str) -> bool:
    """Tell whether there are no digits, all are the same, or each is the next one up or down, 0 after 9."""
    return digits in _UP or digits in _DOWN or digits == digits[0] * len(digits)


def _read_ssn(signs: str) -> str:
    if not signs.isdigit() or not _FEWEST_SSN_DIGITS <= len(signs) <= _SSN_DIGITS:
        return ""
    number = signs.zfill(_SSN_DIGITS)
    area, group, serial = number[:3], number[3:5], number[5:]
    # From 900 on they are taxpayers' numbers (ITIN), which change hands.
    is_never_issued = area in ("000", "666") or area >= "900" or group == "00" or serial == "0000"
    return "" if is_never_issued or number in _ADVERTISED else number
