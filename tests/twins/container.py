"""A slow check of whole containers, from schemas/spec/container.md alone: which rule is broken first."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import rfc8785
from vectors.uploads import ROW_PIECE, TABLE_PIECE, cut, root_of

FIELDS = {
    *("version", "project", "epoch", "round", "party", "partner", "side", "profile", "key_id"),
    *("records", "rows", "root"),
}


def read_head(raw: bytes) -> tuple[dict[str, Any], int] | None:
    """Return the header and where the table begins; None where the head is malformed."""
    magic = b"blindlink/container/2\n"
    length = int.from_bytes(raw[len(magic) : len(magic) + 4], "big")
    at = len(magic) + 4
    text = raw[at : at + length]
    if not raw.startswith(magic) or len(text) != length or not 0 < length <= 16_384:
        return None
    try:
        header = json.loads(text)
        is_canonical = rfc8785.dumps(header) == text
    except ValueError:
        return None
    return (header, at + length) if is_canonical and _has_form(header) else None


def _has_form(header: Any) -> bool:
    return (
        set(header) == FIELDS
        and header["version"] == "blindlink/container/2"
        and header["side"] in ("larger", "smaller")
        and all(
            type(header[name]) is int and header[name] > 0 for name in ("round", "records", "rows")
        )
        and header["records"] < 2**32
        and all(type(header[name]) is str for name in ("project", "party", "partner", "root"))
        and len(header["root"]) == 64
    )


def broken_rule(raw: bytes, expected: dict[str, Any]) -> str | None:
    """Return the code of the first rule that a container breaks; None: it breaks none."""
    found = read_head(raw)
    if found is None:
        return "container-malformed"
    header, at = found
    for rule, names in {
        "other-epoch": ("epoch",),
        "other-profile": ("profile",),
        "other-key": ("key_id",),
        "header-differs": ("project", "round", "party", "partner", "side"),
        "count-differs": ("records", "rows"),
    }.items():
        if any(header[name] != expected[name] for name in names):
            return rule
    if header["rows"] != header["records"] * expected["rows_per_record"]:
        return "count-differs"
    end = at + 16 * header["records"]
    table, rows = raw[at:end], raw[end:]
    if (len(table), len(rows)) != (16 * header["records"], 84 * header["rows"]):
        return "container-size"
    return _body_rule(header, cut(table, 16), cut(rows, 84), expected) or (
        None
        if root_of(cut(table, 16 * TABLE_PIECE) + cut(rows, 84 * ROW_PIECE)) == header["root"]
        else "container-root"
    )


def _body_rule(
    header: dict[str, Any], handles: list[bytes], rows: list[bytes], expected: dict[str, Any]
) -> str | None:
    if handles != sorted(set(handles)):
        return "handle-order"
    places = [(row[:16], int.from_bytes(row[16:20], "little")) for row in rows]
    tokens = [token for token, _ in places]
    is_repeated = header["side"] == "larger" and len(set(tokens)) != len(tokens)
    if places != sorted(set(places)) or is_repeated:
        return "row-order"
    records = [record for _, record in places]
    if any(record >= header["records"] for record in records):
        return "record-number"
    if any(records.count(n) != expected["rows_per_record"] for n in range(header["records"])):
        return "rows-of-record"
    return None


def head_digest(raw: bytes) -> str:
    """The SHA-256 of a container's head."""
    found = read_head(raw)
    assert found is not None
    return hashlib.sha256(raw[: found[1]]).hexdigest()
