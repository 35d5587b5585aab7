"""Shares of a secret and their confirmations: what is read, what is signed, what is refused."""

from __future__ import annotations

import pytest
from vectors.file import naming, read_vectors

from schemas.signing.identity import PublicIdentity
from schemas.signing.secret_share import SecretHolders, SignedConfirmation, SignedShare, share_info

VECTORS = read_vectors("secret-share")
HOLDERS = SecretHolders.from_canonical(VECTORS["holders"].encode())
IDENTITIES = {
    party: PublicIdentity.from_canonical(text.encode())
    for party, text in VECTORS["identities"].items()
}


def test_holders_know_their_own_persons_and_no_others() -> None:
    for identity in IDENTITIES.values():
        assert HOLDERS.names(identity)
        assert not HOLDERS.names(identity.model_copy(update={"person": "per-" + "0" * 32}))
    assert not HOLDERS.names(IDENTITIES["schools"].model_copy(update={"party": "health"}))
    assert not HOLDERS.names(IDENTITIES["schools"].model_copy(update={"party": "stranger"}))


def test_a_share_is_read_and_verifies() -> None:
    for vector in VECTORS["shares"]:
        with naming(vector):
            signed = SignedShare.from_canonical(vector["document"].encode())
            assert signed.to_canonical() == vector["document"].encode()
            assert signed.verify(IDENTITIES[vector["from"]]).info() == vector["info"].encode()


def test_a_share_of_somebody_who_is_no_holder_is_bound_to_nothing() -> None:
    with pytest.raises(ValueError, match="from one holder to another"):
        share_info(HOLDERS, "child-welfare", "stranger")


def test_a_confirmation_is_read_and_verifies() -> None:
    for vector in VECTORS["confirmations"]:
        with naming(vector):
            signed = SignedConfirmation.from_canonical(vector["document"].encode())
            assert signed.to_canonical() == vector["document"].encode()
            assert signed.verify(IDENTITIES[vector["party"]]).holders == HOLDERS.digest()
