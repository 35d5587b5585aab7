"""Small JSON bodies as clients of the old service write them: with floats, and fields that nobody reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from app.errors import MALFORMED_BODY, RefusedError, Rule
from schemas.documents.canonical import unique_object
from schemas.documents.errors import CanonicalError

# A name or note of a project or run.
MAX_TEXT: Final = 10_000


def parse_object(raw: bytes, *, exact: bool = False) -> dict[str, Any]:
    """Return the object of a body; with `exact`, numbers that are no integers as `Decimal`."""
    try:
        found = json.loads(
            raw.decode("utf-8"),
            parse_float=Decimal if exact else float,
            parse_constant=_refuse_constant,
            object_pairs_hook=unique_object,
        )
        # A lone surrogate, or a float beyond all bounds, is no JSON that could be kept.
        json.dumps(found, ensure_ascii=False, allow_nan=False, default=str).encode("utf-8")
    except (ValueError, RecursionError, InvalidOperation, CanonicalError) as exc:
        raise RefusedError(MALFORMED_BODY, "The body is not valid JSON.") from exc
    if not isinstance(found, dict):
        raise RefusedError(MALFORMED_BODY, "The body is not a JSON object.")
    return found


def text_of(document: Mapping[str, Any], name: str, rule: Rule) -> str:
    """Return a text of a document; empty where it is missing or null."""
    value = document.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise RefusedError(rule, f'The "{name}" must be a text of at most {MAX_TEXT} characters.')
    return value


def flag_of(document: Mapping[str, Any], name: str, rule: Rule) -> bool:
    """Return true or false of a document; false where it is missing."""
    value = document.get(name, False)
    if not isinstance(value, bool):
        raise RefusedError(rule, f'The "{name}" must be true or false.')
    return value


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")
