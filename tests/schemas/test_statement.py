"""Signed statements: which count under an agreement, and which do not."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples.agreement import AGREEMENT, person_id, private
from vectors.file import naming, read_vectors

from schemas.agreement.agreement import Agreement
from schemas.agreement.statement import SignedStatement, duty_for
from schemas.documents.errors import SignatureError

VECTORS = read_vectors("statement")
BASE = Agreement.from_json(AGREEMENT)


def test_a_good_statement_is_read_to_the_byte_and_counts() -> None:
    assert BASE.digest() == VECTORS["agreement"]
    for vector in VECTORS["good"]:
        with naming(vector):
            raw = vector["document"].encode()
            signed = SignedStatement.from_canonical(raw)
            assert signed.to_canonical() == raw
            signer = signed.verify(BASE)
            assert (signer.party, signer.person) == (
                signed.statement.party,
                signed.statement.person,
            )
            assert duty_for(signed.statement) in signer.duties


def test_a_statement_that_nobody_made_does_not_count() -> None:
    for vector in VECTORS["bad"]:
        with naming(vector):
            signed = SignedStatement.from_canonical(vector["document"].encode())
            with pytest.raises(SignatureError):
                signed.verify(BASE)


def test_signing_here_gives_the_signature_of_the_vectors() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            stored = SignedStatement.from_canonical(vector["document"].encode())
            if stored.changes:
                continue
            name = next(
                who
                for who in ("ann", "eve", "kim", "sue")
                if person_id(who) == stored.statement.person
            )
            key = Ed25519PrivateKey.from_private_bytes(private(name)[:32])
            assert SignedStatement.of(stored.statement, key) == stored


def test_who_signed_after_a_change_of_keys_is_who_the_last_key_belongs_to() -> None:
    by_name = {vector["name"]: vector["document"] for vector in VECTORS["good"]}
    signed = SignedStatement.from_canonical(by_name["by a key after the new key"].encode())
    assert signed.verify(BASE) == signed.changes[-1].change.successor
