"""Public identities, their signatures and fingerprints, and changes of keys.
Shares of a secret and their confirmations: what is read, what is signed, what is refused.
Invitations: read to the byte, refused where anything is bent, and silent about their code.
Signatures over documents: what verifies, and everything that must not.
"""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given
from hypothesis import strategies as st
from vectors.file import naming, read_vectors

from encoding.people.identity import PrivateKeys
from schemas.documents.errors import CanonicalError, DocumentError, FormatError, SignatureError
from schemas.signing.identity import (
    IdentityHistory,
    PublicIdentity,
    SignedIdentity,
    SignedKeyChange,
    base64_bytes,
    fingerprint_digits,
    sign_key_change,
)
from schemas.signing.invitation import FIRST_BYTES, Invitation
from schemas.signing.secret_share import SecretHolders, SignedConfirmation, SignedShare, share_info
from schemas.signing.signatures import KINDS, sign_document, signed_bytes, verify_document

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


def test_a_change_of_keys_is_read_and_leads_to_its_successor() -> None:
    signed = SignedKeyChange.from_canonical(VECTORS["key_change"].encode())
    successor = signed.verify(IDENTITY)
    assert successor.person == IDENTITY.person
    assert successor.signing_key != IDENTITY.signing_key


def test_a_bad_change_of_keys_is_refused() -> None:
    for vector in VECTORS["bad_key_changes"]:
        with naming(vector), pytest.raises(FormatError):
            SignedKeyChange.from_canonical(vector["document"].encode()).verify(IDENTITY)


def test_a_history_leads_from_the_first_keys_to_the_newest() -> None:
    history = IdentityHistory.from_canonical(VECTORS["history"].encode())
    first, newest = history.verify()
    assert first == IDENTITY
    assert newest == history.newest()


def test_a_history_without_changes_ends_with_the_first_keys() -> None:
    signed = SignedIdentity.from_canonical(VECTORS["signed_identity"].encode())
    assert signed.verify() == IDENTITY
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


VECTORS_OF_SECRET_SHARE = read_vectors("secret-share")
HOLDERS = SecretHolders.from_canonical(VECTORS_OF_SECRET_SHARE["holders"].encode())
IDENTITIES = {
    party: PublicIdentity.from_canonical(text.encode())
    for party, text in VECTORS_OF_SECRET_SHARE["identities"].items()
}


def test_holders_know_their_own_persons_and_no_others() -> None:
    for identity in IDENTITIES.values():
        assert HOLDERS.names(identity)
        assert not HOLDERS.names(identity.model_copy(update={"person": "per-" + "0" * 32}))
    assert not HOLDERS.names(IDENTITIES["schools"].model_copy(update={"party": "health"}))
    assert not HOLDERS.names(IDENTITIES["schools"].model_copy(update={"party": "stranger"}))


def test_a_share_is_read_and_verifies() -> None:
    for vector in VECTORS_OF_SECRET_SHARE["shares"]:
        with naming(vector):
            signed = SignedShare.from_canonical(vector["document"].encode())
            assert signed.verify(IDENTITIES[vector["from"]]).info() == vector["info"].encode()


def test_a_share_of_somebody_who_is_no_holder_is_bound_to_nothing() -> None:
    with pytest.raises(ValueError, match="from one holder to another"):
        share_info(HOLDERS, "child-welfare", "stranger")


def test_a_confirmation_is_read_and_verifies() -> None:
    for vector in VECTORS_OF_SECRET_SHARE["confirmations"]:
        with naming(vector):
            signed = SignedConfirmation.from_canonical(vector["document"].encode())
            assert signed.verify(IDENTITIES[vector["party"]]).holders == HOLDERS.digest()


VECTORS_OF_INVITATION = read_vectors("invitation")


def test_a_good_invitation_is_read_and_written_to_the_byte() -> None:
    for vector in VECTORS_OF_INVITATION["good"]:
        with naming(vector):
            raw = vector["file"].encode()
            read = Invitation.from_file(raw)
            assert read.to_file() == raw
            assert raw.startswith(FIRST_BYTES)
            assert Invitation.from_file(raw.replace(b"\n", b"\r\n")) == read
            given = read.to_json() | {"duties": read.duties}
            del given["version"], given["check"]
            assert Invitation.of(**given) == read


def test_no_error_and_no_repr_holds_the_code() -> None:
    good = VECTORS_OF_INVITATION["good"][0]["file"]
    code = Invitation.from_file(good.encode()).code
    assert code not in repr(Invitation.from_file(good.encode()))
    with pytest.raises(DocumentError) as caught:
        Invitation.from_file(good.replace("child-welfare", "k12").encode())
    assert code not in str(caught.value)
    assert code not in repr(caught.value)


def test_it_is_over_from_the_second_that_it_names() -> None:
    read = Invitation.from_file(VECTORS_OF_INVITATION["good"][0]["file"].encode())
    assert not read.is_over(datetime(2026, 9, 8, 5, 59, 59, tzinfo=UTC))
    assert read.is_over(datetime(2026, 9, 8, 6, tzinfo=UTC))


VECTORS_OF_SIGNING = read_vectors("signing")
PUBLIC_KEY = Ed25519PublicKey.from_public_bytes(bytes.fromhex(VECTORS_OF_SIGNING["public_key_hex"]))
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))

kinds = st.sampled_from(sorted(KINDS))
documents = st.dictionaries(
    st.text(max_size=5), st.integers(0, 9) | st.text(max_size=5), max_size=3
)


def test_good_vectors_verify_and_bad_ones_are_refused() -> None:
    for which, refusal in (("good", nullcontext()), ("bad", pytest.raises(SignatureError))):
        for vector in VECTORS_OF_SIGNING[which]:
            with naming(vector), refusal:
                verify_document(vector["kind"], vector["document"], vector["signature"], PUBLIC_KEY)


@given(kinds, documents)
def test_a_signature_verifies_over_what_was_signed(kind: str, document: Any) -> None:
    verify_document(kind, document, sign_document(kind, document, KEY), KEY.public_key())


@given(kinds, kinds, documents, documents)
def test_a_signature_verifies_over_nothing_else(
    kind: str, other_kind: str, document: Any, other: Any
) -> None:
    signature = sign_document(kind, document, KEY)
    if (kind, document) == (other_kind, other):
        return
    with pytest.raises(SignatureError):
        verify_document(other_kind, other, signature, KEY.public_key())


@given(documents, st.integers(0, 87), st.integers(0, 127))
def test_a_changed_character_is_refused(document: Any, place: int, code: int) -> None:
    signature = sign_document("manifest", document, KEY)
    changed = signature[:place] + chr(code) + signature[place + 1 :]
    if changed != signature:
        with pytest.raises(SignatureError):
            verify_document("manifest", document, changed, KEY.public_key())


@given(st.text(max_size=100))
def test_any_text_is_refused_with_one_error(text: str) -> None:
    with pytest.raises(SignatureError) as caught:
        verify_document("manifest", {}, text, KEY.public_key())
    assert caught.value.args[0] in {
        "a signature is not base64",
        "a signature is not 64 bytes of canonical base64",
    }


def test_the_signed_bytes_begin_with_the_kind_on_a_line_of_its_own() -> None:
    assert signed_bytes("manifest", {"a": 1}) == b'blindlink/v1/manifest\n{"a":1}'


def test_a_document_without_a_canonical_form_is_not_signed() -> None:
    with pytest.raises(CanonicalError):
        sign_document("manifest", {"a": 0.5}, KEY)  # type: ignore[dict-item]


def test_an_unknown_kind_is_not_signed() -> None:
    with pytest.raises(SignatureError, match="unknown kind"):
        sign_document("note", {}, KEY)
