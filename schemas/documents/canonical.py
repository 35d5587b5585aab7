"""Canonical JSON: one byte string for one document (RFC 8785), narrowed to what signatures need.

Numbers are integers below 2^53 in size; ratios are decimal strings, times RFC 3339 UTC. There are no
floats, so no number has two spellings. Spec page: `schemas/spec/canonical-json.md`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Final, NoReturn, TypeAlias

from pydantic_core import from_json, to_json

from schemas.documents.errors import CanonicalError

JsonValue: TypeAlias = "None | bool | int | str | Sequence[JsonValue] | Mapping[str, JsonValue]"

# RFC 8785 §3.2.2.3 rests on IEEE 754 doubles: integers beyond 2^53 - 1 would not survive other readers.
MAX_INTEGER: Final = 2**53 - 1
# Deeper documents are never ours; the bound keeps the recursive readers of any language safe.
MAX_DEPTH: Final = 32


def unique_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the object of these members, for a JSON reader's `object_pairs_hook`.

    Raises:
        CanonicalError: a key occurs twice, where two readers may read two things.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CanonicalError("an object key occurs twice")
    return found


def canonical_bytes(value: JsonValue) -> bytes:
    """Return the canonical UTF-8 bytes of `value`.

    Raises:
        CanonicalError: a float, an integer of 2^53 or more, a lone surrogate, a key that is not text,
            or nesting beyond 32 levels.
    Source: RFC 8785, JSON Canonicalization Scheme.
    """
    try:
        return _text_of(value, 0).encode("utf-8")
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
        value = _DECODER.decode(text)
    except (json.JSONDecodeError, RecursionError) as exc:
        raise CanonicalError("not JSON") from exc
    # Text that was UTF-8 can hold a surrogate only as an escape.
    if "\\u" in text:
        _refuse_surrogates(value)
    return value  # type: ignore[no-any-return]


def parse_canonical(raw: bytes) -> JsonValue:
    """Read bytes that must be canonical already; what is read is what was signed."""
    quick = _quick_value(raw)
    if quick is not None:
        return quick
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


def _quick_value(raw: bytes) -> JsonValue:
    """Return what canonical bytes hold, several times as fast as the slow way; None where only that can tell.

    A log has a million documents, nearly all of them plain. Whatever is not, and whatever is wrong, is
    left to the slow way, which alone decides whether and how it is refused.
    """
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        return None
    try:
        value: JsonValue = from_json(raw, allow_inf_nan=False)
    except ValueError:
        return None
    # What is written back has no white space, one spelling for each text, and each key once.
    return value if _is_ordered(value) and to_json(value) == raw else None


def _is_ordered(value: object) -> bool:
    """Tell whether all is plain, and keys are ASCII and in order: then UTF-16 units sort as characters do."""
    pending = [value]
    while pending:
        item = pending.pop()
        kind = type(item)
        if kind is dict:
            names = list(item)  # type: ignore[call-overload]
            if names != sorted(names) or not "".join(names).isascii():
                return False
            # Text is plain whatever it says, and most values are text.
            pending += [v for v in item.values() if type(v) is not str]  # type: ignore[attr-defined]
        elif kind is list:
            pending += item  # type: ignore[arg-type]
        elif kind is int:
            if not -MAX_INTEGER <= item <= MAX_INTEGER:  # type: ignore[operator]
                return False
        elif not (item is None or kind is bool or kind is str):
            return False
    return True


def _text_of(value: object, depth: int) -> str:
    # By exact type first, since almost every value is a plain one and a log has millions of them.
    if type(value) is str:
        return encode_basestring(value)
    if value is None:
        return "null"
    if type(value) is int:
        return _integer_text(value)
    if type(value) is dict:
        return _object_text(value, depth)
    if type(value) is list or type(value) is tuple:
        return _array_text(value, depth)
    return _other_text(value, depth)


def _other_text(value: object, depth: int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _integer_text(value)
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, Mapping):
        return _object_text(value, depth)
    if isinstance(value, (list, tuple)):
        return _array_text(value, depth)
    raise CanonicalError(f"canonical JSON cannot hold a {type(value).__name__}")


def _object_text(value: Mapping[object, object], depth: int) -> str:
    _refuse_deeper(depth)
    members = [name + _text_of(value[key], depth + 1) for key, name in _names_of(tuple(value))]
    return "{" + ",".join(members) + "}"


def _array_text(value: Sequence[object], depth: int) -> str:
    _refuse_deeper(depth)
    return "[" + ",".join([_text_of(item, depth + 1) for item in value]) + "]"


def _refuse_deeper(depth: int) -> None:
    if depth == MAX_DEPTH:
        raise CanonicalError(f"nested more than {MAX_DEPTH} levels deep")


@lru_cache(maxsize=512)
def _names_of(keys: tuple[object, ...]) -> tuple[tuple[str, str], ...]:
    # Documents of one kind have the same keys, so their order and spelling are worked out once.
    texts = [key for key in keys if isinstance(key, str)]
    if len(texts) != len(keys):
        raise CanonicalError("an object key is not text")
    # RFC 8785 §3.2.3 sorts by UTF-16 code units, which differs from code points beyond the BMP only.
    texts.sort(key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    return tuple((key, encode_basestring(key) + ":") for key in texts)


def _integer_text(value: int) -> str:
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise CanonicalError("an integer is 2^53 or more in size")
    return str(value)


def _refuse_float(_: str) -> NoReturn:
    raise CanonicalError("a number is not an integer")


def _bounded_int(text: str) -> int:
    # Before it is converted: thousands of digits would take the reader's time.
    if len(text) > len(str(-MAX_INTEGER)):
        raise CanonicalError("an integer is 2^53 or more in size")
    value = int(text)
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise CanonicalError("an integer is 2^53 or more in size")
    if text == "-0":
        raise CanonicalError("minus zero is not an integer here")
    return value


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=unique_object,
    parse_float=_refuse_float,
    parse_constant=_refuse_float,
    parse_int=_bounded_int,
)


_ESCAPED: Final = re.compile(r"\\.", re.DOTALL)
_BRACKETS: Final = re.compile(r"[\[\]{}]")


def _refuse_deep(text: str) -> None:
    # Counted before parsing, since the standard parser recurses before any hook is called.
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    # Outside of strings no backslash is JSON, and the parser comes no further than there.
    plain = _ESCAPED.sub("", text) if "\\" in text else text
    depth = 0
    for bracket in _BRACKETS.findall("".join(plain.split('"')[::2])):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise CanonicalError(f"nested more than {MAX_DEPTH} levels deep")


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
