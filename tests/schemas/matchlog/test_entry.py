"""Entries: every kind, every field bent, and the spec page's tables held against the code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.log import story
from twins.verifier.entries import FIELDS, PAGE
from twins.verifier.entries import KINDS as KINDS_OF_PAGE
from twins.verifier.entries import parse_entry as parse_by_the_page
from vectors.file import read_vectors

from schemas.errors import EntryError
from schemas.matchlog.entry import Entry, entry_bytes, parse_entry
from schemas.matchlog.kinds import KIND_OF_BODY, KINDS, MAX_ENTRY_BYTES, RESERVED

VECTORS = read_vectors("entry")
GOOD = {vector["name"]: vector["entry"].encode() for vector in VECTORS["good"]}
LOG = story(1, n_weeks=2)


def test_the_vectors_have_an_entry_of_every_kind() -> None:
    assert set(GOOD) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_good_vectors_are_read_and_written_back(kind: str) -> None:
    entry = parse_entry(GOOD[kind])
    assert entry.kind == kind == KIND_OF_BODY[type(entry.body)]
    assert entry_bytes(entry) == GOOD[kind]


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda vector: vector["name"])
def test_bad_vectors_are_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(EntryError):
        parse_entry(vector["entry"].encode())


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_missing_or_unknown_field_of_any_body_is_refused(kind: str) -> None:
    entry = json.loads(GOOD[kind])
    for field in entry["body"]:
        body = {name: value for name, value in entry["body"].items() if name != field}
        with pytest.raises(EntryError):
            parse_entry(_canonical({**entry, "body": body}))
    with pytest.raises(EntryError):
        parse_entry(_canonical({**entry, "body": {**entry["body"], "extra": 1}}))


WRONG = (None, True, -1, 1.5, "", "A b", "x" * 400, [], {}, 2**53, "\u202e")


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_both_readers_take_the_same_values_of_every_field(kind: str) -> None:
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
            assert _takes(parse_entry, bent) == _takes(parse_by_the_page, bent), (field, value)


def test_the_page_lists_the_kinds_and_fields_that_the_code_knows() -> None:
    assert set(KINDS_OF_PAGE) == set(KINDS)
    assert set(FIELDS) == set(Entry.model_fields)
    reserved = PAGE.split("Reserved for later versions")[1].split("Any other kind")[0]
    assert {word for word in RESERVED if f"`{word}`" in reserved} == RESERVED
    for name, (first, project, prefix, _) in KINDS_OF_PAGE.items():
        kind = KINDS[name]
        outcomes = {word for word in ("done", "refused", "failed") if f"`{word}`" in first}
        assert (outcomes or {"done"}) == kind.outcomes
        assert {"yes": True, "no": False, "either": None}[project] == kind.in_project
        assert (kind.object_prefix or "none") in prefix
        assert ("none" in prefix) == (kind.object_prefix is None or kind.object_optional)


@given(st.data())
def test_a_changed_byte_is_refused_or_stays_in_what_is_written(data: st.DataObject) -> None:
    raw = data.draw(st.sampled_from(sorted(GOOD.values())))
    place = data.draw(st.integers(0, len(raw) - 1))
    bent = raw[:place] + bytes([data.draw(st.integers(0, 255))]) + raw[place + 1 :]
    try:
        entry = parse_entry(bent)
    except EntryError:
        return
    assert entry_bytes(entry) == bent


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_one_error(raw: bytes) -> None:
    with pytest.raises(EntryError):
        parse_entry(raw)


@pytest.mark.parametrize("entry", LOG.entries, ids=lambda entry: f"{entry.seq}-{entry.kind}")
def test_entries_of_a_whole_story_are_read_back_equal(entry: Entry) -> None:
    assert parse_entry(entry_bytes(entry)) == entry


def test_an_entry_longer_than_its_kind_may_be_is_neither_written_nor_read() -> None:
    entry = json.loads(GOOD["configuration-changed"])
    entry["body"]["changed"] = ["a" * 60] * 64
    raw = _canonical(entry)
    assert 4096 < len(raw) < MAX_ENTRY_BYTES
    with pytest.raises(EntryError, match="longer"):
        parse_entry(raw)
    built = parse_entry(GOOD["configuration-changed"])
    body = built.body.model_copy(update={"changed": ("a" * 60,) * 64})
    with pytest.raises(EntryError, match="longer"):
        entry_bytes(built.model_copy(update={"body": body}))


def test_an_entry_longer_than_any_kind_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(EntryError, match="longer"):
        parse_entry(b"[" * (MAX_ENTRY_BYTES + 1))


@pytest.mark.parametrize("field", ["purpose", "project", "time", "request", "kind"])
def test_no_error_repeats_what_it_refuses(field: str) -> None:
    entry = {**json.loads(GOOD["upload-received"]), field: "Secret Value 17"}
    with pytest.raises(EntryError) as caught:
        parse_entry(_canonical(entry))
    assert "Secret" not in repr(caught.value)
    assert field in str(caught.value)


def _takes(read: Any, entry: dict[str, Any]) -> bool:
    try:
        read(_canonical(entry))
    except (ValueError, LookupError, TypeError, AttributeError, EntryError):
        return False
    return True


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
