"""Agreements and their amendments, by the vectors that all readers share."""

from __future__ import annotations

import json
from typing import Any

import pytest
from samples.documents import changed, without
from vectors.agreement import agreement_vectors
from vectors.file import read_vectors

from schemas.agreement import Agreement
from schemas.amendment import opens_epoch, succession_fault
from schemas.canonical import canonical_bytes
from schemas.errors import DocumentError

VECTORS = read_vectors("agreement")
BASE: dict[str, Any] = json.loads(VECTORS["base"])


def named(which: str) -> Any:
    return pytest.mark.parametrize("vector", VECTORS[which], ids=lambda v: v["name"])


def test_the_stored_vectors_are_those_that_are_written() -> None:
    assert json.loads(json.dumps(agreement_vectors())) == VECTORS


def test_the_base_is_read_and_written_to_the_byte() -> None:
    agreement = Agreement.from_canonical(VECTORS["base"].encode())
    assert agreement.to_canonical() == VECTORS["base"].encode()
    assert agreement.digest() == VECTORS["sha256"]


@named("good")
def test_a_good_agreement_is_read_and_has_its_digest(vector: dict[str, Any]) -> None:
    made = changed(BASE, vector["place"], vector["value"])
    assert Agreement.from_canonical(canonical_bytes(made)).digest() == vector["sha256"]


@named("bad")
def test_a_bad_agreement_is_refused(vector: dict[str, Any]) -> None:
    made = changed(BASE, vector["place"], vector["value"])
    with pytest.raises(DocumentError, match=r"^agreement: field "):
        Agreement.from_canonical(canonical_bytes(made))


@pytest.mark.parametrize("field", VECTORS["needed"])
def test_no_clause_is_ever_filled_in(field: str) -> None:
    with pytest.raises(DocumentError):
        Agreement.from_json(without(BASE, field))


@named("successions")
def test_an_amendment_follows_or_does_not(vector: dict[str, Any]) -> None:
    before, after = Agreement.from_json(BASE), Agreement.from_json(BASE | vector["changes"])
    assert (succession_fault(before, after) is None) == vector["may_follow"]
    if vector["may_follow"]:
        assert (after.epoch != before.epoch) == vector["encodes_anew"]
        assert vector["encodes_anew"] or not opens_epoch(before, after)
