"""Files that someone wrote: their texts in one form, and what is wrong as sentences that repeat none of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from schemas.documents.ids import (
    ADDRESS_PATTERN,
    CODE_PATTERN,
    DATE_PATTERN,
    DECIMAL_PATTERN,
    NAME_PATTERN,
)

if TYPE_CHECKING:
    from pydantic import ValidationError

MAIL_PATTERN: Final = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$"
# By pydantic's name of the fault; a name in braces is one of the fault's limits.
_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is none that belongs there",
    "string_type": "is not a text in quotation marks",
    "string_too_short": "is empty or too short",
    "string_too_long": "has more than {max_length} characters",
    "int_type": "is not a whole number",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "bool_type": "is neither true nor false",
    "bool_parsing": "is neither true nor false",
    "path_type": "is not a path in quotation marks",
    "greater_than_equal": "lies below {ge}",
    "less_than_equal": "lies above {le}",
    "literal_error": "is none of {expected}",
    "model_type": "is not a table",
    "dict_type": "is not a table",
    "tuple_type": "is not a list in square brackets",
    "too_short": "has too few entries: {min_length} is the least",
    "too_long": "has too many entries: {max_length} is the most",
}
_PATTERNS: Final[Mapping[str, str]] = {
    DATE_PATTERN: "is not a day such as 2026-08-24",
    DECIMAL_PATTERN: "is not a decimal number such as 0.85",
    NAME_PATTERN: "is not a name of small letters, digits and dashes",
    MAIL_PATTERN: "is not an address such as ann@example.org",
    CODE_PATTERN: "is not a code of small letters, digits, dots and dashes",
    ADDRESS_PATTERN: "is not an address such as https://broker.example.org",
}
# What tells the lines of a list apart; their order in the agreement is not that of the answers.
_LINE_NAMES: Final = ("name", "party", "giver", "receiver")


def composed(value: Any) -> Any:
    """Return what was read with its texts in normal form C, in which documents are; keyboards differ."""
    if isinstance(value, dict):
        return {name: composed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [composed(item) for item in value]
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def plain_fault(error: ValidationError, raw: Mapping[str, Any], noun: str = "answer") -> str:
    """Return the first fault of what was made of `raw` as one sentence; `noun` says what its fields are."""
    found = error.errors(include_input=False, include_url=False)
    # What is written wrongly is missing, too; where it was written is what its writer looks for.
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    if first["type"] == "value_error":
        # A rule of ours, whose text is written for people.
        rule = first["msg"].removeprefix("Value error, ")
        return (
            f"{_place(first, raw, noun)}: {rule}"
            if first["loc"]
            else f"the {noun}s do not fit: {rule}"
        )
    return f"{_place(first, raw, noun)} {_wrong(first)}"


TOML_HINT: Final = (
    'a text stands in quotation marks, as in name = "text"; in a path write / for each \\'
)


def setting_fault(fault: Mapping[str, Any], text: str = "") -> str:
    """Return what is wrong with a setting, by the name and, where it is found, the line that it has in a file.

    Args:
        fault: one of pydantic's, with its limits and without its input.
        text: the TOML file; empty where the setting came from elsewhere.
    """
    # Of a table's own names, what they may be is said of the table.
    loc = [part for part in fault["loc"] if part != "[key]"]
    if len(loc) < len(fault["loc"]):
        loc.pop()
    *above, last = [str(part) for part in loc if isinstance(part, str)] or [""]
    item = next((f" (item {part + 1})" for part in loc if isinstance(part, int)), "")
    number = line_of(text, ".".join(above), last)
    line = "" if number is None else f"line {number}, "
    place = f"[{'.'.join(above)}] {last}{item}" if above else f"{last}{item}"
    if fault["type"] == "value_error":
        # A rule of ours, whose text is written for people.
        rule = fault["msg"].removeprefix("Value error, ")
        return f"{line}{place}: {rule}" if place else rule
    return f"{line}{place} {_wrong(fault)}"


def line_of(text: str, section: str, key: str) -> int | None:
    """Return the number of the line on which a key of a TOML file stands; None where that is not found."""
    at = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line)
        if header is not None:
            at = header[1]
        elif at == section and re.match(rf'\s*"?{re.escape(key)}"?\s*=', line):
            return number
    return None


def _place(fault: Mapping[str, Any], raw: Mapping[str, Any], noun: str) -> str:
    """Return which field it is, a line of a list by what it is called."""
    words: list[str] = []
    at: Any = raw
    for part in fault["loc"]:
        try:
            at = at[part]
        except (KeyError, IndexError, TypeError):
            at = None
        words.append(str(part) if isinstance(part, str) else f"({_called(at, part)})")
    return f"the {noun} {'.'.join(words).replace('.(', ' (').replace(').', ') ')}"


def _called(line: Any, place: int) -> str:
    names = [str(line[name]) for name in _LINE_NAMES if isinstance(line, dict) and name in line]
    found = [name for name in names if re.fullmatch(NAME_PATTERN, name)]
    return " to ".join(found) or f"line {place + 1}"


def _wrong(fault: Mapping[str, Any]) -> str:
    limits = fault.get("ctx", {})
    if fault["type"] == "string_too_long" and limits["max_length"] == 1:
        return "is not one character"
    if fault["type"] == "string_pattern_mismatch":
        return _PATTERNS.get(limits["pattern"], "holds characters that do not belong there")
    sentence = _SENTENCES.get(fault["type"], "is not what belongs there")
    return sentence.format_map({**limits, "expected": str(limits.get("expected")).replace("'", "")})
