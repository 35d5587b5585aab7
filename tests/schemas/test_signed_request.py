"""Signed requests: read to the byte, held to one key, refused where anything is bent."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from vectors.file import naming, read_vectors
from vectors.identity import private_bytes

from app.security.policy import POLICY
from schemas.api.logged_requests import ASKED, UNDER_ANY_AGREEMENT
from schemas.documents.errors import SignatureError
from schemas.matchlog.kinds import KINDS
from schemas.signing.signed_request import SignedRequest, Where, new_request

VECTORS = read_vectors("signed-request")
KEY = Ed25519PublicKey.from_public_bytes(base64.b64decode(VECTORS["signing_key"]))


def test_a_good_request_is_read_to_the_byte_and_verifies() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            signed = SignedRequest.from_header(vector["header"])
            assert signed.to_canonical() == vector["document"].encode()
            assert signed.to_header() == vector["header"]
            signed.require_signature(KEY)
            own = Ed25519PrivateKey.from_private_bytes(private_bytes(1)[:32])
            assert SignedRequest.of(signed.request, own) == signed


def test_what_the_key_has_not_signed_does_not_verify() -> None:
    for vector in VECTORS["bad"]:
        with naming(vector), pytest.raises(SignatureError):
            SignedRequest.from_header(vector["header"]).require_signature(KEY)


def test_no_request_is_like_another() -> None:
    first, second = (
        new_request("GET /v1/x", None, "2026-09-01T06:00:00Z", Where()) for _ in range(2)
    )
    assert first.digest() != second.digest()


def test_what_a_person_does_has_its_request_and_its_route_asks_for_it() -> None:
    assert set(ASKED) == {name for name, kind in KINDS.items() if kind.duties is not None}
    signed = {method for (method, _), rule in POLICY.items() if rule.is_signed}
    assert signed == {"GET", "POST", "PUT", "DELETE"}


def test_what_may_be_under_any_agreement_is_something_that_persons_do() -> None:
    assert ASKED.keys() > UNDER_ANY_AGREEMENT
