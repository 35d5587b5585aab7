"""Public identities, their signatures and fingerprints, and changes of keys."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from vectors.file import naming, read_vectors

from encoding.people.identity import PrivateKeys
from schemas.documents.errors import FormatError, SignatureError
from schemas.signing.identity import (
    IdentityHistory,
    PublicIdentity,
    SignedIdentity,
    SignedKeyChange,
    base64_bytes,
    fingerprint_digits,
    sign_key_change,
)

VECTORS = read_vectors("identity")
IDENTITY = PublicIdentity.from_canonical(VECTORS["identity"].encode())
SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def test_digest_and_fingerprint_are_those_of_the_vectors() -> None:
    assert IDENTITY.digest() == VECTORS["sha256"]
    assert IDENTITY.fingerprint() == VECTORS["fingerprint"]


@pytest.mark.parametrize("n_bytes", [0, 1, 1248])
def test_a_fingerprint_has_twelve_groups_of_five_digits(n_bytes: int) -> None:
    groups = fingerprint_digits(bytes(n_bytes)).split(" ")
    assert len(groups) == 12
    assert all(len(group) == 5 and group.isdecimal() for group in groups)


def test_either_key_changes_the_fingerprint() -> None:
    change = SignedKeyChange.from_canonical(VECTORS["key_change"].encode()).change.successor
    for name in ("signing_key", "receiving_key"):
        other = IDENTITY.model_copy(update={name: getattr(change, name)})
        assert other.fingerprint() != IDENTITY.fingerprint()


def test_a_signed_identity_is_read_and_verifies() -> None:
    raw = VECTORS["signed_identity"].encode()
    signed = SignedIdentity.from_canonical(raw)
    assert signed.to_canonical() == raw
    assert signed.verify() == IDENTITY


def test_a_change_of_keys_is_read_and_leads_to_its_successor() -> None:
    raw = VECTORS["key_change"].encode()
    signed = SignedKeyChange.from_canonical(raw)
    assert signed.to_canonical() == raw
    successor = signed.verify(IDENTITY)
    assert successor.person == IDENTITY.person
    assert successor.signing_key != IDENTITY.signing_key


def test_a_bad_change_of_keys_is_refused() -> None:
    for vector in VECTORS["bad_key_changes"]:
        with naming(vector), pytest.raises(FormatError):
            SignedKeyChange.from_canonical(vector["document"].encode()).verify(IDENTITY)


def test_a_history_leads_from_the_first_keys_to_the_newest() -> None:
    raw = VECTORS["history"].encode()
    history = IdentityHistory.from_canonical(raw)
    first, newest = history.verify()
    assert history.to_canonical() == raw
    assert first == IDENTITY
    assert newest == history.newest()


def test_a_history_without_changes_ends_with_the_first_keys() -> None:
    signed = SignedIdentity.from_canonical(VECTORS["signed_identity"].encode())
    history = IdentityHistory(enrolled=signed)
    assert history.verify() == (IDENTITY,)
    assert history.newest() == IDENTITY


def test_a_history_with_a_gap_is_refused() -> None:
    for vector in VECTORS["bad_histories"]:
        with naming(vector), pytest.raises(FormatError):
            IdentityHistory.from_canonical(vector["document"].encode()).verify()


def test_what_is_signed_here_is_what_the_vectors_hold() -> None:
    keys = PrivateKeys.from_bytes(bytes.fromhex(VECTORS["private_hex"]))
    assert (
        SignedIdentity.of(IDENTITY, keys.signing_key).to_canonical().decode()
        == VECTORS["signed_identity"]
    )


def test_a_change_signed_by_a_stranger_does_not_verify() -> None:
    signed = SignedKeyChange.from_canonical(VECTORS["key_change"].encode())
    stranger = Ed25519PrivateKey.generate()
    with pytest.raises(SignatureError):
        sign_key_change(signed.change, stranger, stranger).verify(IDENTITY)


def test_what_is_sealed_to_an_identity_opens_with_its_private_keys() -> None:
    keys = PrivateKeys.from_bytes(bytes.fromhex(VECTORS["private_hex"]))
    sealed = SUITE.encrypt(b"a link ID", IDENTITY.receiver(), b"release")
    assert SUITE.decrypt(sealed, keys.receiving_key, b"release") == b"a link ID"


@pytest.mark.parametrize("text", ["AA=", "AB==", "A A==", "AAA=", ""])
def test_base64_has_one_spelling(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        base64_bytes(text, 1)
