"""Files that somebody wrote: their texts in one form, and what is wrong as sentences that repeat none of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from schemas.ids import DATE_PATTERN, DECIMAL_PATTERN, NAME_PATTERN

if TYPE_CHECKING:
    from pydantic import ValidationError

# By pydantic's name of the fault; a name in braces is one of the fault's limits.
_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is none that belongs there",
    "string_type": "is not a text",
    "string_too_short": "is empty or too short",
    "string_too_long": "has more than {max_length} characters",
    "int_type": "is not a whole number",
    "bool_type": "is neither true nor false",
    "greater_than_equal": "lies below {ge}",
    "less_than_equal": "lies above {le}",
    "literal_error": "is none of {expected}",
    "model_type": "is not a table",
    "tuple_type": "is not a list",
    "too_short": "has fewer than {min_length} lines",
    "too_long": "has more than {max_length} lines",
}
_PATTERNS: Final[Mapping[str, str]] = {
    DATE_PATTERN: "is not a day such as 2026-08-24",
    DECIMAL_PATTERN: "is not a decimal number such as 0.85",
    NAME_PATTERN: "is not a name of small letters, digits and dashes",
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
    if fault["type"] == "string_pattern_mismatch":
        return _PATTERNS.get(limits["pattern"], "holds characters that do not belong there")
    sentence = _SENTENCES.get(fault["type"], "is not what belongs there")
    return sentence.format_map({**limits, "expected": str(limits.get("expected")).replace("'", "")})
