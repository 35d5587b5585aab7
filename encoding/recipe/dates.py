"""Dates of birth in a declared format; nothing is ever guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from encoding.errors import DateFormatError

OR: Final = " or "
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_TOKENS = re.compile(r"YYYY|MM|MON|DD")
# Cells that two such shapes share could be read in two ways.
_SHAPE = {"YYYY": "0000", "MM": "00", "MON": "A", "DD": "00"}
_STRPTIME = {"YYYY": "%Y", "MM": "%m", "MON": "%b", "DD": "%d"}
# A spreadsheet or database may add midnight to a date, on a clock of 24 hours or of 12. Before AM some write a
# narrow blank.
_MIDNIGHT = r"(?:[ T]0{1,2}:00(?::00(?:\.0+)?)?| 12:00(?::00)?[ \u202f]?(?i:AM))?"


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A format as people write it: YYYY, MM or MON (JAN to DEC), DD, and separators.

    With separators, days and months may lack their zero: MM/DD/YYYY takes 4/9/2011. Without (YYYYMMDD)
    the digits are fixed. A column that was filled in several ways has them joined by " or ".
    """

    text: str
    patterns: tuple[re.Pattern[str], ...]

    @property
    def strptime(self) -> str:
        """The first of the formats in the letters of `strptime`, as linkage schemas write it."""
        return _TOKENS.sub(lambda token: _STRPTIME[token.group()], self.text.split(OR)[0])

    def parse(self, text: str) -> date | None:
        """Return the date, or None if the text is no date in this format."""
        found = next(filter(None, (one.fullmatch(text) for one in self.patterns)), None)
        if found is None:
            return None
        parts = found.groupdict()
        month = int(parts["MM"]) if "MM" in parts else _MONTHS.index(parts["MON"].upper()) + 1
        try:
            return date(int(parts["YYYY"]), month, int(parts["DD"]))
        except ValueError:
            return None


def read_date_format(text: str) -> DateFormat:
    """Return the format.

    Raises:
        DateFormatError: year, month and day do not each occur once, the year has two digits only, or two of the
            formats read the same cells, such as MM/DD/YYYY and DD/MM/YYYY.
    """
    formats = text.split(OR)
    if len({shape_of(one) for one in formats}) < len(formats):
        raise DateFormatError(f"{text} does not say whether 4/9 is in April or in September")
    return DateFormat(text, tuple(map(_pattern, formats)))


def shape_of(text: str) -> str:
    """Return what all cells of a format look like; day and month look alike."""
    return _TOKENS.sub(lambda token: _SHAPE[token.group()], text)


def _pattern(text: str) -> re.Pattern[str]:
    tokens = _TOKENS.findall(text)
    if sorted(tokens) not in (["DD", "MM", "YYYY"], ["DD", "MON", "YYYY"]):
        raise DateFormatError(
            "the date format must name YYYY, MM (or MON) and DD once each, such as MM/DD/YYYY,"
            " which reads 4/9/2011 too"
        )
    rest = _TOKENS.split(text)
    if any(character.isalnum() for part in rest for character in part):
        raise DateFormatError("a date format holds YYYY, MM, MON, DD and separators only")
    digits = "{2}" if not any(rest) else "{1,2}"
    patterns = {
        "YYYY": r"(?P<YYYY>[0-9]{4})", "MM": rf"(?P<MM>[0-9]{digits})",
        "DD": rf"(?P<DD>[0-9]{digits})", "MON": f"(?P<MON>(?i:{'|'.join(_MONTHS)}))",
    }  # fmt: skip
    pieces = [re.escape(rest[0])]
    for token, separator in zip(tokens, rest[1:], strict=True):
        pieces += [patterns[token], re.escape(separator)]
    return re.compile("".join(pieces) + _MIDNIGHT)
