"""Claims to be a person: what an honest client sends is taken, and whatever is bent is refused alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from breaks.sign_in import CLAIM_ATTACKS, IDENTITY, KEY, ME, RAW_KEY, honest
from samples.sign_in_forms import JTI, NOW_S, TOKEN_URL, claims_of, compact

from app.errors import NotAuthenticatedError, SignInRefusedError
from app.security.assertions import Assertion, claimed_person, read_assertion
from app.security.jws import thumbprint_of

NOW = datetime.fromtimestamp(NOW_S, UTC)


def sign_in(text: str) -> Assertion:
    assertion = read_assertion(text, audience=TOKEN_URL, now=NOW)
    assertion.verify(IDENTITY)
    return assertion


def test_an_honest_claim_signs_in_whatever_the_standard_leaves_open() -> None:
    for header in ({}, {"alg": "Ed25519"}, {"typ": "client-authentication+jwt"}):
        assertion = sign_in(honest(header))
        assert (assertion.person, assertion.jti, assertion.expires) == (ME, JTI, NOW_S + 60)
    sign_in(compact({"alg": "EdDSA"}, claims_of(ME), KEY))
    sign_in(honest({"kid": thumbprint_of(RAW_KEY)}))
    left_open: tuple[dict[str, Any], ...] = (
        *({"aud": [TOKEN_URL]}, {"iat": None}, {"nbf": NOW_S}),
        *({"exp": NOW_S + 1}, {"exp": NOW_S + 300}, {"iat": NOW_S + 60}),
    )
    for claims in left_open:
        sign_in(honest(**claims))


def test_an_attack_is_refused_for_its_own_reason() -> None:
    assert len(CLAIM_ATTACKS) >= 60
    answers = set()
    for name, (reason, attack) in CLAIM_ATTACKS.items():
        with pytest.raises(SignInRefusedError) as caught:
            sign_in(attack())
        error = caught.value
        assert isinstance(error, NotAuthenticatedError)
        assert error.reason == reason, name
        answers.add((error.status, error.code, error.title, error.detail, error.hint, error.clause))
    assert len(answers) == 1


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert thumbprint_of(raw) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_claim_shows_nothing_of_what_was_sent() -> None:
    shown = repr(read_assertion(honest(), audience=TOKEN_URL, now=NOW)._jws)
    assert shown == "Jws()"


def test_whom_a_refused_claim_names_is_known_for_counting() -> None:
    for name in ("expired", "signed by a stranger", "alg none without a signature"):
        assert claimed_person(CLAIM_ATTACKS[name][1]()) == ME, name
    for text in (
        *("", ".", "a.b", "a.é.c", "a.W10.c", "a.e30.c"),
        *("a.eyJzdWIiOjF9.c", "a.eyJzdWIiOiJ4In0.c"),
    ):
        assert claimed_person(text) is None, text
