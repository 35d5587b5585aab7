"""Proofs that the sender of a token holds its key: honest ones are read, bent ones refused alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from breaks.sign_in import PROOF_ATTACKS, PROOF_URL, RAW_PROOF_KEY, proof
from samples.sign_in_forms import ACCESS, JTI, NOW_S, TOKEN_URL

from app.security.dpop import Proof, read_proof
from app.security.errors import NotAuthenticatedError, SignInRefusedError
from app.security.jws import thumbprint_of

NOW = datetime.fromtimestamp(NOW_S, UTC)


def read(text: str) -> Proof:
    return read_proof(text, method="GET", url=PROOF_URL, token=ACCESS, now=NOW)


@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519"])
def test_an_honest_proof_names_its_key(algorithm: str) -> None:
    assert read(proof({"alg": algorithm})) == Proof(thumbprint_of(RAW_PROOF_KEY), JTI, NOW_S)


@pytest.mark.parametrize("seconds", [-60, 60])
def test_a_clock_may_be_a_minute_off(seconds: int) -> None:
    read_proof(
        proof(), method="GET", url=PROOF_URL, token=ACCESS, now=NOW + timedelta(seconds=seconds)
    )


def test_a_proof_for_the_token_endpoint_has_no_token_in_it() -> None:
    asking = {"method": "POST", "url": TOKEN_URL, "token": None, "now": NOW}
    found = read_proof(proof(htm="POST", htu=TOKEN_URL, ath=None), **asking)  # type: ignore[arg-type]
    assert found.thumbprint == thumbprint_of(RAW_PROOF_KEY)
    with pytest.raises(SignInRefusedError):
        read_proof(proof(htm="POST", htu=TOKEN_URL), **asking)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PROOF_ATTACKS)
def test_an_attack_is_refused_for_its_own_reason(name: str) -> None:
    reason, attack = PROOF_ATTACKS[name]
    with pytest.raises(SignInRefusedError) as caught:
        read(attack())
    assert caught.value.reason == reason


def test_all_attacks_are_answered_alike() -> None:
    answers = set()
    for _, attack in PROOF_ATTACKS.values():
        with pytest.raises(NotAuthenticatedError) as caught:
            read(attack())
        answers.add((caught.value.status, caught.value.code, caught.value.detail))
    assert len(answers) == 1
