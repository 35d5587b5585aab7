"""Signatures over documents: what verifies, and everything that must not."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from vectors.file import naming, read_vectors

from schemas.documents.errors import CanonicalError, SignatureError
from schemas.signing.signatures import KINDS, sign_document, signed_bytes, verify_document

VECTORS = read_vectors("signing")
PUBLIC_KEY = Ed25519PublicKey.from_public_bytes(bytes.fromhex(VECTORS["public_key_hex"]))
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))

kinds = st.sampled_from(sorted(KINDS))
documents = st.dictionaries(
    st.text(max_size=5), st.integers(0, 9) | st.text(max_size=5), max_size=3
)


def test_good_vectors_verify() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            verify_document(vector["kind"], vector["document"], vector["signature"], PUBLIC_KEY)


def test_bad_vectors_are_refused() -> None:
    for vector in VECTORS["bad"]:
        with naming(vector), pytest.raises(SignatureError):
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
