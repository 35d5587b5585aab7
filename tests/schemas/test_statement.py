"""Signed statements: which count under an agreement, and which do not."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples.agreement import AGREEMENT, person_id, private
from vectors.agreement import statement_vectors
from vectors.file import read_vectors

from schemas.agreement import Agreement
from schemas.canonical import parse_json
from schemas.errors import DocumentError, SignatureError
from schemas.identity import MAX_KEY_CHANGES
from schemas.statement import SignedStatement, duty_for

VECTORS = read_vectors("statement")
BASE = Agreement.from_json(AGREEMENT)


def named(which: str) -> Any:
    return pytest.mark.parametrize("vector", VECTORS[which], ids=lambda v: v["name"])


def test_the_stored_vectors_are_those_that_are_written() -> None:
    assert statement_vectors() == VECTORS
    assert BASE.digest() == VECTORS["agreement"]


@named("good")
def test_a_good_statement_is_read_to_the_byte_and_counts(vector: dict[str, str]) -> None:
    raw = vector["document"].encode()
    signed = SignedStatement.from_canonical(raw)
    assert signed.to_canonical() == raw
    signer = signed.verify(BASE)
    assert (signer.party, signer.person) == (signed.statement.party, signed.statement.person)
    assert duty_for(signed.statement) in signer.duties


@named("bad")
def test_a_statement_that_nobody_made_does_not_count(vector: dict[str, str]) -> None:
    signed = SignedStatement.from_canonical(vector["document"].encode())
    with pytest.raises(SignatureError):
        signed.verify(BASE)


@named("malformed")
def test_what_is_no_statement_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(DocumentError, match=r"^signed statement: "):
        SignedStatement.from_canonical(vector["document"].encode())


@named("good")
def test_signing_here_gives_the_signature_of_the_vectors(vector: dict[str, str]) -> None:
    stored = SignedStatement.from_canonical(vector["document"].encode())
    if stored.changes:
        return
    name = next(
        who for who in ("ann", "eve", "kim", "sue") if person_id(who) == stored.statement.person
    )
    key = Ed25519PrivateKey.from_private_bytes(private(name)[:32])
    assert SignedStatement.of(stored.statement, key) == stored


def test_a_statement_carries_as_many_changes_of_keys_as_a_history() -> None:
    by_name = {vector["name"]: vector["document"] for vector in VECTORS["good"]}
    raw = parse_json(by_name["by a new key"].encode())
    most = raw | {"changes": raw["changes"] * MAX_KEY_CHANGES}
    assert len(SignedStatement.from_json(most).changes) == MAX_KEY_CHANGES


def test_who_signed_after_a_change_of_keys_is_who_the_last_key_belongs_to() -> None:
    by_name = {vector["name"]: vector["document"] for vector in VECTORS["good"]}
    signed = SignedStatement.from_canonical(by_name["by a key after the new key"].encode())
    assert signed.verify(BASE) == signed.changes[-1].change.successor
