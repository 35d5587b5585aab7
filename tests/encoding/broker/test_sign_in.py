"""What the agency's program signs is what the broker's readers take."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from samples.sign_in_forms import ACCESS, NOW_S, TOKEN_URL

from app.errors import SignInRefusedError
from app.security.assertions import read_assertion
from app.security.dpop import read_proof
from encoding.broker.credential import CLAIM_LIFETIME_S, ProofKey, sign_claim
from encoding.people.identity import Identity, new_identity

NOW = datetime.fromtimestamp(NOW_S, UTC)


@pytest.fixture(scope="module")
def me() -> Identity:
    return new_identity("child-welfare", ("analyst",), NOW)


def test_a_claim_signs_its_person_in_for_a_minute_and_nobody_else(me: Identity) -> None:
    claim = sign_claim(me, TOKEN_URL, NOW)
    for seconds in (-60, 0, CLAIM_LIFETIME_S - 1):
        found = read_assertion(claim, audience=TOKEN_URL, now=NOW + timedelta(seconds=seconds))
        found.verify(me.public)
        assert found.person == me.public.person
    with pytest.raises(SignInRefusedError):
        read_assertion(claim, audience=TOKEN_URL, now=NOW + timedelta(seconds=CLAIM_LIFETIME_S))
    assert sign_claim(me, TOKEN_URL, NOW) != claim
    other = new_identity("education", ("analyst",), NOW)
    found = read_assertion(sign_claim(other, TOKEN_URL, NOW), audience=TOKEN_URL, now=NOW)
    with pytest.raises(SignInRefusedError):
        found.verify(me.public)


@pytest.mark.parametrize("token", [None, ACCESS])
def test_a_proof_is_read_with_and_without_a_token(token: str | None) -> None:
    proof = ProofKey().prove("POST", TOKEN_URL, NOW, token=token)
    read_proof(proof, method="POST", url=TOKEN_URL, token=token, now=NOW)


def test_a_key_is_named_alike_by_all_its_proofs_and_each_proof_is_new() -> None:
    key = ProofKey()
    proofs = [
        read_proof(
            key.prove("POST", TOKEN_URL, NOW), method="POST", url=TOKEN_URL, token=None, now=NOW
        )
        for _ in range(2)
    ]
    assert proofs[0].thumbprint == proofs[1].thumbprint
    assert proofs[0].jti != proofs[1].jti


def test_a_proof_key_shows_itself_nowhere() -> None:
    assert repr(ProofKey()) == "ProofKey()"
    with pytest.raises(TypeError):
        pickle.dumps(ProofKey())
