"""A rollback is the one of its page: what is signed alike, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from vectors.file import read_vectors
from vectors.rollback import rollback_vectors

from schemas.errors import DocumentError, SignatureError
from schemas.identity import PublicIdentity
from schemas.rollback import SignedRollback

VECTORS = read_vectors("rollback")
PERSON = PublicIdentity.from_canonical(VECTORS["identity"].encode())


def named(kind: str) -> Any:
    return pytest.mark.parametrize("vector", VECTORS[kind], ids=lambda vector: vector["name"])


def read(vector: dict[str, str]) -> SignedRollback:
    return SignedRollback.from_canonical(vector["signed"].encode())


def test_the_vectors_are_those_that_are_written() -> None:
    assert rollback_vectors() == VECTORS


@named("good")
def test_a_good_one_is_read_and_its_signature_holds(vector: dict[str, str]) -> None:
    signed = read(vector)
    assert signed.to_canonical() == vector["signed"].encode()
    assert signed.verify(PERSON).subject() == vector["subject"]


@named("bad")
def test_a_bad_one_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(DocumentError):
        read(vector)


@named("forged")
def test_a_forged_one_is_not_signed(vector: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        read(vector).verify(PERSON)


@named("same")
def test_two_parties_sign_the_same_whatever_they_say_of_it(vector: dict[str, str]) -> None:
    own, other = read(VECTORS["good"][0]).rollback, read(vector).rollback
    assert own.agrees_with(other)
    assert other.agrees_with(own)


@named("others")
def test_two_parties_that_differ_do_not_sign_the_same(vector: dict[str, str]) -> None:
    own, other = read(VECTORS["good"][0]).rollback, read(vector).rollback
    assert not own.agrees_with(other)
    assert not other.agrees_with(own)
