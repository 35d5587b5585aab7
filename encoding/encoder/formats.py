"""Read one cell by the format that the linkage schema gives its column.

The rules and the resulting text are those of clkhash; the words are ours, since clkhash prints the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from encoding.clkhash_names import DateSpec, EnumSpec, IntegerSpec, StringSpec
from encoding.errors import LinkageSchemaError

_YEAR_DIRECTIVES = frozenset("YyGcx")
# strptime directives as people write them in an agreement.
_SPOKEN = {
    "%Y": "YYYY",
    "%y": "YY",
    "%m": "MM",
    "%d": "DD",
    "%b": "Mon",
    "%B": "Month",
    "%j": "DDD",
}


class RuleBroken(Exception):
    """A cell breaks a rule of its format; the only argument is the rule, never the value."""


Read = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Format:
    """How the cells of a column are read.

    Attributes:
        read: turns a cell into the text that is encoded, or raises RuleBroken.
        reads_as_is: a quick test of many cells; True only if `read` would return each of them unchanged.
    """

    read: Read
    reads_as_is: Callable[[Sequence[str]], bool] = lambda _: False


def format_of(spec: Any) -> Format:
    """Return how the cells of a column are read."""
    cell_format = _format_of_type(spec)
    missing = spec.hashing_properties.missing_value
    if missing is None:
        return cell_format
    sentinel: str = missing.sentinel
    replacement: str = missing.replace_with
    encoding = spec.hashing_properties.encoding

    def read_or_replace(value: str) -> str:
        if value != sentinel:
            return cell_format.read(value)
        _check_encodable(replacement, encoding)
        return replacement

    def reads_as_is(values: Sequence[str]) -> bool:
        return sentinel not in values and cell_format.reads_as_is(values)

    return Format(read_or_replace, reads_as_is)


def spoken_format(strptime_format: str) -> str:
    """Return a strptime format as people write it: `%m/%d/%Y` is `MM/DD/YYYY`."""
    return re.sub("%.", lambda match: _SPOKEN.get(match[0], match[0]), strptime_format)


def _format_of_type(spec: Any) -> Format:
    if isinstance(spec, StringSpec):
        return Format(_pattern_reader(spec)) if spec.regex_based else _text_format(spec)
    if isinstance(spec, IntegerSpec):
        return Format(_integer_reader(spec))
    if isinstance(spec, DateSpec):
        return Format(_date_reader(spec))
    if isinstance(spec, EnumSpec):
        return Format(_enum_reader(spec))
    raise LinkageSchemaError(f"the linkage schema, feature {spec.identifier}: unknown format type")


def _check_encodable(value: str, encoding: str) -> None:
    try:
        value.encode(encoding)
    except UnicodeEncodeError:
        raise RuleBroken(f"holds a character that {encoding} does not have") from None


def _pattern_reader(spec: Any) -> Read:
    encoding = spec.hashing_properties.encoding
    fits = spec.regex.fullmatch

    def read(value: str) -> str:
        _check_encodable(value, encoding)
        if fits(value) is None:
            raise RuleBroken("does not fit the pattern of the linkage schema")
        return value

    return read


def _text_format(spec: Any) -> Format:
    encoding = spec.hashing_properties.encoding
    shortest = spec.min_length or 0
    longest = spec.max_length
    fold = {"upper": str.upper, "lower": str.lower}.get(spec.case)

    def read(value: str) -> str:
        _check_encodable(value, encoding)
        if len(value) < shortest:
            raise RuleBroken(f"shorter than {_characters(shortest)}")
        if longest is not None and len(value) > longest:
            raise RuleBroken(f"longer than {_characters(longest)}")
        if fold is not None and fold(value) != value:
            raise RuleBroken(f"not in {spec.case} case")
        return value

    def reads_as_is(values: Sequence[str]) -> bool:
        # Only ASCII: there a text is in a case if its characters are, and every encoding has them.
        joined = "".join(values)
        return (
            joined.isascii()
            and (fold is None or fold(joined) == joined)
            and min(map(len, values)) >= shortest
            and (longest is None or max(map(len, values)) <= longest)
        )

    return Format(read, reads_as_is)


def _characters(count: int) -> str:
    return "1 character" if count == 1 else f"{count} characters"


def _integer_reader(spec: Any) -> Read:
    least, most = spec.minimum, spec.maximum

    def read(value: str) -> str:
        try:
            number = int(value, base=10)
        except ValueError:
            raise RuleBroken(_named_if_empty(value, "not a whole number")) from None
        if least is not None and number < least:
            raise RuleBroken(f"less than {least}")
        if most is not None and number > most:
            raise RuleBroken(f"more than {most}")
        return str(number)

    return read


def _date_reader(spec: Any) -> Read:
    before, date_format = _usable_date_format(spec)
    rule = f"not a date in the format {spoken_format(spec.format)}"

    def read(value: str) -> str:
        try:
            date = datetime.strptime(before + value, date_format)  # noqa: DTZ007 - a day, not a moment
        except ValueError:
            raise RuleBroken(_named_if_empty(value, rule)) from None
        if date.year < 1000:
            # clkhash uses strftime, which pads such years on some platforms and not on others.
            raise RuleBroken("a year before 1000")
        return f"{date.year}{date.month:02}{date.day:02}"

    return read


def _usable_date_format(spec: Any) -> tuple[str, str]:
    """Return what to put before a cell, and the format to read both by.

    Python 3.13 warns of a format without a year, and later ones may refuse it: the year that strptime
    has always assumed is written out.
    """
    date_format: str = spec.format
    if not _YEAR_DIRECTIVES.intersection(re.findall("%(.)", date_format)):
        before, date_format = "1900|", f"%Y|{date_format}"
    else:
        before = ""
    try:
        # strptime must be able to read what strftime writes.
        datetime.strptime(datetime(2004, 2, 28).strftime(date_format), date_format)  # noqa: DTZ001, DTZ007
    except (ValueError, re.error):
        raise LinkageSchemaError(
            f"the linkage schema, feature {spec.identifier}: the date format cannot be read by"
        ) from None
    return before, date_format


def _enum_reader(spec: Any) -> Read:
    allowed = frozenset(spec.values)

    def read(value: str) -> str:
        _check_encodable(value, spec.hashing_properties.encoding)
        if value not in allowed:
            raise RuleBroken(
                _named_if_empty(value, "not one of the values that the linkage schema allows")
            )
        return value

    return read


def _named_if_empty(value: str, rule: str) -> str:
    """Say that a cell is empty where that, rather than its content, breaks the rule."""
    return rule if value else "empty, where the linkage schema needs a value"
