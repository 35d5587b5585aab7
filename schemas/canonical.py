"""Canonical JSON: one byte string for one document (RFC 8785), narrowed to what signatures need.

Numbers are integers below 2^53 in size; ratios are decimal strings, times RFC 3339 UTC. There are no
floats, so no number has two spellings. Spec page: `schemas/spec/canonical-json.md`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NoReturn, TypeAlias

from schemas.errors import CanonicalError

JsonValue: TypeAlias = "None | bool | int | str | Sequence[JsonValue] | Mapping[str, JsonValue]"

# RFC 8785 §3.2.2.3 rests on IEEE 754 doubles: integers beyond 2^53 - 1 would not survive other readers.
MAX_INTEGER = 2**53 - 1
# Deeper documents are never ours; the bound keeps the recursive readers of any language safe.
MAX_DEPTH = 32


def canonical_bytes(value: JsonValue) -> bytes:
    """Return the canonical UTF-8 bytes of `value`.

    Raises:
        CanonicalError: a float, an integer of 2^53 or more, a lone surrogate, a key that is not text,
            or nesting beyond 32 levels.
    Source: RFC 8785, JSON Canonicalization Scheme.
    """
    parts: list[str] = []
    _write(value, parts, 0)
    try:
        return "".join(parts).encode("utf-8")
    except UnicodeEncodeError as exc:
        raise CanonicalError("text holds a lone surrogate") from exc


def canonical_digest(value: JsonValue) -> str:
    """Return the SHA-256 of the canonical bytes, as 64 lower-case hex characters."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def parse_json(raw: bytes) -> JsonValue:
    """Read JSON that need not be canonical, refusing all that canonical JSON cannot hold.

    Raises:
        CanonicalError: not UTF-8, not JSON, a float, NaN, a duplicate key, a lone surrogate, or too deep.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise CanonicalError("not UTF-8") from exc
    _refuse_deep(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique_object,
            parse_float=_refuse_float,
            parse_constant=_refuse_float,
            parse_int=_bounded_int,
        )
    except (json.JSONDecodeError, RecursionError) as exc:
        raise CanonicalError("not JSON") from exc
    _refuse_surrogates(value)
    return value  # type: ignore[no-any-return]


def parse_canonical(raw: bytes) -> JsonValue:
    """Read bytes that must be canonical already; what is read is what was signed.

    Raises:
        CanonicalError: as `parse_json`, or the bytes are not the canonical form of what they hold.
    """
    value = parse_json(raw)
    if canonical_bytes(value) != raw:
        raise CanonicalError("not in canonical form")
    return value


def parse_canonical_object(raw: bytes) -> dict[str, JsonValue]:
    """Read canonical bytes that must hold an object at the top.

    Raises:
        CanonicalError: as `parse_canonical`, or the document is not an object.
    """
    value = parse_canonical(raw)
    if not isinstance(value, dict):
        raise CanonicalError("not an object")
    return value


def _write(value: object, parts: list[str], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise CanonicalError(f"nested more than {MAX_DEPTH} levels deep")
    if value is None or isinstance(value, bool):
        parts.append({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, int):
        parts.append(_integer_text(value))
    elif isinstance(value, str):
        # json.dumps without ASCII escaping is RFC 8785 §3.2.2.2: two-letter escapes, then \u00xx in lower case.
        parts.append(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, Mapping):
        _write_object(value, parts, depth)
    elif isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        _write_array(value, parts, depth)
    else:
        raise CanonicalError(f"canonical JSON cannot hold a {type(value).__name__}")


def _write_object(value: Mapping[object, object], parts: list[str], depth: int) -> None:
    for key in value:
        if not isinstance(key, str):
            raise CanonicalError("an object key is not text")
    parts.append("{")
    for position, key in enumerate(sorted(value, key=_utf16_units)):
        parts.append("," if position else "")
        parts.append(json.dumps(key, ensure_ascii=False))
        parts.append(":")
        _write(value[key], parts, depth + 1)
    parts.append("}")


def _write_array(value: Sequence[object], parts: list[str], depth: int) -> None:
    parts.append("[")
    for position, item in enumerate(value):
        parts.append("," if position else "")
        _write(item, parts, depth + 1)
    parts.append("]")


def _utf16_units(key: object) -> bytes:
    # RFC 8785 §3.2.3 sorts by UTF-16 code units, which differs from code points beyond the BMP.
    return str(key).encode("utf-16-be", "surrogatepass")


def _integer_text(value: int) -> str:
    if abs(value) > MAX_INTEGER:
        raise CanonicalError("an integer is 2^53 or more in size")
    return str(value)


def _unique_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CanonicalError("an object key occurs twice")
    return found


def _refuse_float(_: str) -> NoReturn:
    raise CanonicalError("a number is not an integer")


def _bounded_int(text: str) -> int:
    if len(text) > len(str(MAX_INTEGER)) + 1:
        raise CanonicalError("an integer is 2^53 or more in size")
    if text == "-0":
        raise CanonicalError("minus zero is not an integer here")
    return int(_integer_text(int(text)))


def _refuse_deep(text: str) -> None:
    # Counted before parsing, since the standard parser recurses before any hook is called.
    depth = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise CanonicalError(f"nested more than {MAX_DEPTH} levels deep")
        elif character in "]}":
            depth -= 1


def _refuse_surrogates(value: object) -> None:
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise CanonicalError("text holds a lone surrogate")
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_surrogates(key)
            _refuse_surrogates(item)
    elif isinstance(value, list):
        for item in value:
            _refuse_surrogates(item)
