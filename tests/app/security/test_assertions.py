"""Claims to be a person: what an honest client sends is taken, and whatever is bent is refused alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from breaks.sign_in import CLAIM_ATTACKS, IDENTITY, KEY, ME, RAW_KEY, honest
from samples.sign_in_forms import JTI, NOW_S, TOKEN_URL, claims_of, compact

from app.security.assertions import Assertion, claimed_person, read_assertion
from app.security.errors import NotAuthenticatedError, SignInRefusedError
from app.security.jws import thumbprint_of

NOW = datetime.fromtimestamp(NOW_S, UTC)


def sign_in(text: str) -> Assertion:
    assertion = read_assertion(text, audience=TOKEN_URL, now=NOW)
    assertion.verify(IDENTITY)
    return assertion


@pytest.mark.parametrize("header", [{}, {"alg": "Ed25519"}, {"typ": "client-authentication+jwt"}])
def test_an_honest_claim_signs_in(header: dict[str, str]) -> None:
    assertion = sign_in(honest(header))
    assert (assertion.person, assertion.jti, assertion.expires) == (ME, JTI, NOW_S + 60)


def test_type_and_key_id_may_be_left_out_or_given() -> None:
    sign_in(compact({"alg": "EdDSA"}, claims_of(ME), KEY))
    sign_in(honest({"kid": thumbprint_of(RAW_KEY)}))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [TOKEN_URL]},
        {"iat": None},
        {"nbf": NOW_S},
        {"exp": NOW_S + 1},
        {"exp": NOW_S + 300},
        {"iat": NOW_S + 60},
    ],
    ids=str,
)
def test_what_the_standard_leaves_open_is_taken(claims: dict[str, Any]) -> None:
    sign_in(honest(**claims))


@pytest.mark.parametrize("name", CLAIM_ATTACKS)
def test_an_attack_is_refused_for_its_own_reason(name: str) -> None:
    reason, attack = CLAIM_ATTACKS[name]
    with pytest.raises(SignInRefusedError) as caught:
        sign_in(attack())
    assert caught.value.reason == reason


def test_all_attacks_are_answered_alike() -> None:
    answers = set()
    for _, attack in CLAIM_ATTACKS.values():
        with pytest.raises(NotAuthenticatedError) as caught:
            sign_in(attack())
        error = caught.value
        answers.add((error.status, error.code, error.title, error.detail, error.hint, error.clause))
    assert len(answers) == 1


def test_there_are_sixty_attacks_and_more() -> None:
    assert len(CLAIM_ATTACKS) >= 60


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert thumbprint_of(raw) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_claim_shows_nothing_of_what_was_sent() -> None:
    shown = repr(read_assertion(honest(), audience=TOKEN_URL, now=NOW)._jws)
    assert shown == "Jws()"


@pytest.mark.parametrize(
    "name", ["expired", "signed by a stranger", "alg none without a signature"]
)
def test_whom_a_refused_claim_names_is_known_for_counting(name: str) -> None:
    assert claimed_person(CLAIM_ATTACKS[name][1]()) == ME


@pytest.mark.parametrize(
    "text",
    ["", ".", "a.b", "a.é.c", "a.W10.c", "a.e30.c", "a.eyJzdWIiOjF9.c", "a.eyJzdWIiOiJ4In0.c"],
)
def test_what_names_nobody_is_counted_for_nobody(text: str) -> None:
    assert claimed_person(text) is None
