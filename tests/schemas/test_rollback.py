"""A rollback is the one of its page: what is signed alike, and what is refused."""

from __future__ import annotations

from vectors.file import naming, read_vectors

from schemas.rounds.rollback import SignedRollback
from schemas.signing.identity import PublicIdentity

VECTORS = read_vectors("rollback")
PERSON = PublicIdentity.from_canonical(VECTORS["identity"].encode())


def read(vector: dict[str, str]) -> SignedRollback:
    return SignedRollback.from_canonical(vector["signed"].encode())


def test_a_good_one_is_read_and_its_signature_holds() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            signed = read(vector)
            assert signed.to_canonical() == vector["signed"].encode()
            assert signed.verify(PERSON).subject() == vector["subject"]


def test_two_parties_sign_the_same_whatever_they_say_of_it() -> None:
    for vector in VECTORS["same"]:
        with naming(vector):
            own, other = read(VECTORS["good"][0]).rollback, read(vector).rollback
            assert own.agrees_with(other)
            assert other.agrees_with(own)


def test_two_parties_that_differ_do_not_sign_the_same() -> None:
    for vector in VECTORS["others"]:
        with naming(vector):
            own, other = read(VECTORS["good"][0]).rollback, read(vector).rollback
            assert not own.agrees_with(other)
            assert not other.agrees_with(own)
