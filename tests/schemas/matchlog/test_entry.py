"""Entries: every kind, every field bent, and the spec page's tables held against the code."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from samples.log import story
from vectors.file import naming, read_vectors

from blindlink_verify import entries, requests
from blindlink_verify.basics import Refused
from blindlink_verify.entries import parse_entry as parse_by_the_page
from schemas.documents.errors import EntryError
from schemas.matchlog.entry import Entry, entry_bytes, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.registry import KIND_OF_BODY, MAX_ENTRY_BYTES, RESERVED

SPEC = Path(__file__).resolve().parents[3] / "schemas" / "spec"
PAGE = (SPEC / "entry.md").read_text(encoding="utf-8")
VECTORS = read_vectors("entry")
GOOD = {vector["name"]: vector["entry"].encode() for vector in VECTORS["good"]}
LOG = story(1, n_weeks=2)


def test_the_vectors_have_an_entry_of_every_kind() -> None:
    assert set(GOOD) == set(KINDS)
    for kind, raw in GOOD.items():
        entry = parse_entry(raw, KINDS)
        assert entry.kind == kind == KIND_OF_BODY[type(entry.body)]


WRONG = (None, True, -1, 1.5, "", "A b", "x" * 400, [], {}, 2**53, "\u202e")


def test_both_readers_take_the_same_values_of_every_field() -> None:
    for kind in sorted(GOOD):
        with naming(kind):
            # The second reader has its fields from the spec page: where they differ, page or code is wrong.
            entry = json.loads(GOOD[kind])
            for field in (*entry, *(("body", name) for name in entry["body"])):
                for value in WRONG:
                    if isinstance(field, tuple):
                        bent = {**entry, "body": {**entry["body"], field[1]: value}}
                    else:
                        bent = {**entry, field: value}
                    if isinstance(value, dict) and isinstance(field, tuple):
                        continue  # The embedded documents have pages and readers of their own.
                    assert _takes(partial(parse_entry, kinds=KINDS), bent) == _takes(
                        parse_by_the_page, bent
                    ), (
                        field,
                        value,
                    )


def rows(page: str, n_cells: int) -> list[list[str]]:
    """The rows of a page's table of so many columns, whose first cell is code."""
    found = [re.split(r" *\| *", row)[1:-1] for row in page.split("\n") if row.startswith("| `")]
    return [row for row in found if len(row) == n_cells]


def test_the_page_lists_the_kinds_and_fields_that_both_verifiers_know() -> None:
    listed = {re.findall("[a-z-]+", first)[0]: row for first, *row in rows(PAGE, 4)}
    assert set(listed) == set(KINDS) == set(entries.KINDS)
    fields = [(name.strip("`"), type_) for name, type_, _ in rows(PAGE, 3)]
    assert [name for name, _ in fields] == [*Entry.model_fields]
    assert dict(fields) == entries.OBJECTS["entry"]
    reserved = PAGE.split("Reserved for later versions")[1].split("Any other kind")[0]
    assert {word for word in RESERVED if f"`{word}`" in reserved} == RESERVED
    for first, project, prefix, body in rows(PAGE, 4):
        name = re.findall("[a-z-]+", first)[0]
        kind, other = KINDS[name], entries.KINDS[name]
        outcomes = {word for word in ("done", "refused", "failed") if f"`{word}`" in first}
        assert (outcomes or {"done"}) == kind.outcomes == set(other.outcomes)
        assert {"yes": True, "no": False, "either": None}[project] == kind.in_project
        assert (project, "*" in first) == (other.project, other.is_unbound)
        assert (kind.object_prefix or "none") in prefix
        assert ("none" in prefix) == (kind.object_prefix is None or kind.object_optional)
        assert prefix.replace("`", "").split(" or ") == other.objects
        assert dict(re.findall(r"`(\w+)` ([a-zA-Z ]+)", body)) == other.fields


def test_the_independent_verifier_has_the_table_of_signed_requests() -> None:
    page = (SPEC / "signed-request.md").read_text(encoding="utf-8")
    found = {}
    for entry, request, stated, duties, agreement in rows(page, 5):
        kind = re.findall("[a-z-]+", entry)[0]
        braces = re.search(r"\{\w+\}", stated)
        found[kind if "else" not in entry else f"{kind} {requests.SECOND[kind]}"] = (
            " or ".join(re.findall("`([A-Z]+ [^`]+)`", request)),
            braces[0] if braces else re.sub(r" \(.*?\)|`", "", stated),
            re.sub("; of a blind.*", ", or blind", duties),
            agreement,
        )
    assert found == {name: tuple(row) for name, row in requests.ROWS.items()}


def test_entries_of_a_whole_story_are_read_back_equal() -> None:
    for entry in LOG.entries:
        with naming(str(entry)):
            assert parse_entry(entry_bytes(entry), KINDS) == entry


def test_an_entry_longer_than_its_kind_may_be_is_neither_written_nor_read() -> None:
    entry = json.loads(GOOD["configuration-changed"])
    entry["body"]["changed"] = ["a" * 60] * 64
    raw = _canonical(entry)
    assert 4096 < len(raw) < MAX_ENTRY_BYTES
    with pytest.raises(EntryError, match="longer"):
        parse_entry(raw, KINDS)
    built = parse_entry(GOOD["configuration-changed"], KINDS)
    body = built.body.model_copy(update={"changed": ("a" * 60,) * 64})
    with pytest.raises(EntryError, match="longer"):
        entry_bytes(built.model_copy(update={"body": body}))


def test_an_entry_longer_than_any_kind_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(EntryError, match="longer"):
        parse_entry(b"[" * (MAX_ENTRY_BYTES + 1), KINDS)


@pytest.mark.parametrize("field", ["purpose", "project", "time", "request", "kind"])
def test_no_error_repeats_what_it_refuses(field: str) -> None:
    entry = {**json.loads(GOOD["upload-received"]), field: "Secret Value 17"}
    with pytest.raises(EntryError) as caught:
        parse_entry(_canonical(entry), KINDS)
    assert "Secret" not in repr(caught.value)
    assert field in str(caught.value)


def _takes(read: Any, entry: dict[str, Any]) -> bool:
    try:
        read(_canonical(entry))
    except (ValueError, LookupError, TypeError, AttributeError, EntryError, Refused):
        return False
    return True


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
