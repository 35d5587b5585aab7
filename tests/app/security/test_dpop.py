"""Proofs that the sender of a token holds its key: honest ones are read, bent ones refused alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from breaks.sign_in import PROOF_ATTACKS, PROOF_URL, RAW_PROOF_KEY, proof
from samples.sign_in_forms import ACCESS, JTI, NOW_S, TOKEN_URL

from app.errors import NotAuthenticatedError, SignInRefusedError
from app.security.dpop import Proof, read_proof
from app.security.jws import thumbprint_of

NOW = datetime.fromtimestamp(NOW_S, UTC)


def read(text: str) -> Proof:
    return read_proof(text, method="GET", url=PROOF_URL, token=ACCESS, now=NOW)


def test_an_honest_proof_names_its_key_though_a_clock_is_a_minute_off() -> None:
    for algorithm in ("EdDSA", "Ed25519"):
        assert read(proof({"alg": algorithm})) == Proof(thumbprint_of(RAW_PROOF_KEY), JTI, NOW_S)
    for seconds in (-60, 60):
        now = NOW + timedelta(seconds=seconds)
        read_proof(proof(), method="GET", url=PROOF_URL, token=ACCESS, now=now)


def test_a_proof_for_the_token_endpoint_has_no_token_in_it() -> None:
    asking = {"method": "POST", "url": TOKEN_URL, "token": None, "now": NOW}
    found = read_proof(proof(htm="POST", htu=TOKEN_URL, ath=None), **asking)  # type: ignore[arg-type]
    assert found.thumbprint == thumbprint_of(RAW_PROOF_KEY)
    with pytest.raises(SignInRefusedError):
        read_proof(proof(htm="POST", htu=TOKEN_URL), **asking)  # type: ignore[arg-type]


def test_an_attack_is_refused_for_its_own_reason() -> None:
    answers = set()
    for name, (reason, attack) in PROOF_ATTACKS.items():
        with pytest.raises(SignInRefusedError) as caught:
            read(attack())
        error = caught.value
        assert isinstance(error, NotAuthenticatedError)
        assert error.reason == reason, name
        answers.add((error.status, error.code, error.detail))
    assert len(answers) == 1
