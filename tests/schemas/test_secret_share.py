"""Shares of a secret and their confirmations: what is read, what is signed, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from vectors.file import read_vectors
from vectors.secret_share import secret_share_vectors

from schemas.errors import DocumentError, FormatError, SignatureError
from schemas.identity import PublicIdentity
from schemas.secret_share import SecretHolders, SignedConfirmation, SignedShare, share_info

VECTORS = read_vectors("secret-share")
HOLDERS = SecretHolders.from_canonical(VECTORS["holders"].encode())
IDENTITIES = {
    party: PublicIdentity.from_canonical(text.encode())
    for party, text in VECTORS["identities"].items()
}


def named(which: str) -> Any:
    return pytest.mark.parametrize("vector", VECTORS[which], ids=lambda v: v["name"])


def test_the_stored_vectors_are_those_that_are_written() -> None:
    assert secret_share_vectors(VECTORS["sealed"]) == VECTORS


def test_holders_are_read_and_written_to_the_byte() -> None:
    assert HOLDERS.to_canonical() == VECTORS["holders"].encode()
    assert HOLDERS.digest() == VECTORS["holders_sha256"]


def test_holders_know_their_own_persons_and_no_others() -> None:
    for identity in IDENTITIES.values():
        assert HOLDERS.names(identity)
        assert not HOLDERS.names(identity.model_copy(update={"person": "per-" + "0" * 32}))
    assert not HOLDERS.names(IDENTITIES["schools"].model_copy(update={"party": "health"}))
    assert not HOLDERS.names(IDENTITIES["schools"].model_copy(update={"party": "stranger"}))


@named("bad_holders")
def test_bad_holders_are_refused(vector: dict[str, str]) -> None:
    with pytest.raises(DocumentError, match=r"^secret holders: "):
        SecretHolders.from_canonical(vector["document"].encode())


@pytest.mark.parametrize("vector", VECTORS["shares"], ids=lambda v: f"{v['from']} to {v['to']}")
def test_a_share_is_read_and_verifies(vector: dict[str, str]) -> None:
    signed = SignedShare.from_canonical(vector["document"].encode())
    assert signed.to_canonical() == vector["document"].encode()
    assert signed.verify(IDENTITIES[vector["from"]]).info() == vector["info"].encode()


@named("bad_shares")
def test_a_bad_share_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(DocumentError, match=r"^signed share: "):
        SignedShare.from_canonical(vector["document"].encode())


@named("forged_shares")
def test_a_forged_share_does_not_verify(vector: dict[str, str]) -> None:
    signed = SignedShare.from_canonical(vector["document"].encode())
    with pytest.raises(SignatureError):
        signed.verify(IDENTITIES["child-welfare"])


def test_no_refusal_repeats_what_is_sealed() -> None:
    sealed = VECTORS["sealed"]["child-welfare to schools"]
    for vector in [*VECTORS["bad_shares"], *VECTORS["forged_shares"]]:
        with pytest.raises(FormatError) as caught:
            SignedShare.from_canonical(vector["document"].encode()).verify(
                IDENTITIES["child-welfare"]
            )
        assert sealed[:12] not in str(caught.value)


def test_a_share_of_somebody_who_is_no_holder_is_bound_to_nothing() -> None:
    with pytest.raises(ValueError, match="from one holder to another"):
        share_info(HOLDERS, "child-welfare", "stranger")


@pytest.mark.parametrize("vector", VECTORS["confirmations"], ids=lambda v: v["party"])
def test_a_confirmation_is_read_and_verifies(vector: dict[str, str]) -> None:
    signed = SignedConfirmation.from_canonical(vector["document"].encode())
    assert signed.to_canonical() == vector["document"].encode()
    assert signed.verify(IDENTITIES[vector["party"]]).holders == HOLDERS.digest()


@named("bad_confirmations")
def test_a_bad_confirmation_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(DocumentError, match=r"^signed confirmation: "):
        SignedConfirmation.from_canonical(vector["document"].encode())


@named("forged_confirmations")
def test_a_forged_confirmation_does_not_verify(vector: dict[str, str]) -> None:
    signed = SignedConfirmation.from_canonical(vector["document"].encode())
    with pytest.raises(SignatureError):
        signed.verify(IDENTITIES["child-welfare"])
