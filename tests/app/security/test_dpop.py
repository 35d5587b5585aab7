"""Proofs that the sender of a token holds its key: honest ones are read, bent ones refused alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from oracles.sign_in_forms import (
    ACCESS,
    JTI,
    NOW_S,
    TOKEN_URL,
    b64url,
    by_hmac,
    claims_of,
    compact,
    jwk_of,
    proof_claims,
    proof_header,
)
from oracles.write_identity_vectors import SMALL_ORDER

from app.security.dpop import Proof, read_proof, token_hash
from app.security.errors import NotAuthenticatedError, SignInRefusedError
from app.security.jws import thumbprint_of

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
RAW_KEY = KEY.public_key().public_bytes_raw()
NOW = datetime.fromtimestamp(NOW_S, UTC)
URL = proof_claims()["htu"]


def read(text: str) -> Proof:
    return read_proof(text, method="GET", url=URL, token=ACCESS, now=NOW)


def proof(header: Any = None, key: Ed25519PrivateKey = KEY, **claims: Any) -> str:
    return compact(proof_header(KEY, **(header or {})), proof_claims(**claims), key)


def with_jwk(**other: Any) -> str:
    jwk = {name: value for name, value in {**jwk_of(KEY), **other}.items() if value is not None}
    return proof({"jwk": jwk})


ATTACKS: dict[str, tuple[str, Callable[[], str]]] = {
    "htu of another route": ("htu", lambda: proof(htu="https://broker.test/v1/projects")),
    "htu of another broker": ("htu", lambda: proof(htu="https://other.test/v1/whoami")),
    "htu over plain HTTP": ("htu", lambda: proof(htu=URL.replace("https", "http"))),
    "htu with a query": ("htu", lambda: proof(htu=URL + "?x=1")),
    "htu with a fragment": ("htu", lambda: proof(htu=URL + "#x")),
    "htu with a dot segment": ("htu", lambda: proof(htu="https://broker.test/v1/./whoami")),
    "htu a list": ("htu", lambda: proof(htu=[URL])),
    "htu the beginning of it": ("htu", lambda: proof(htu="https://broker.test/")),
    "htm of another method": ("htm", lambda: proof(htm="POST")),
    "htm in small letters": ("htm", lambda: proof(htm="get")),
    "ath of another token": ("ath", lambda: proof(ath=token_hash("bl_" + "b" * 43))),
    "ath the token itself": ("ath", lambda: proof(ath=ACCESS)),
    "ath padded": ("ath", lambda: proof(ath=token_hash(ACCESS) + "=")),
    "ath a number": ("ath", lambda: proof(ath=1)),
    "no ath": ("claims", lambda: proof(ath=None)),
    "no htu": ("claims", lambda: proof(htu=None)),
    "no htm": ("claims", lambda: proof(htm=None)),
    "no iat": ("claims", lambda: proof(iat=None)),
    "no jti": ("claims", lambda: proof(jti=None)),
    "a further claim": ("claims", lambda: proof(sub="per-" + "0" * 32)),
    "made 61 s ago": ("iat", lambda: proof(iat=NOW_S - 61)),
    "made 61 s from now": ("iat", lambda: proof(iat=NOW_S + 61)),
    "made at no time": ("iat", lambda: proof(iat="now")),
    "made in a fraction": ("form", lambda: proof(iat=NOW_S + 0.5)),
    "jti short": ("jti", lambda: proof(jti="1")),
    "jti a list": ("jti", lambda: proof(jti=[JTI])),
    "signed by another key": ("signature", lambda: proof(key=OTHER)),
    "another key's jwk": ("signature", lambda: proof({"jwk": jwk_of(OTHER)})),
    "jwk with the private key": ("key", lambda: with_jwk(d=b64url(bytes(range(32))))),
    "jwk with a kid": ("key", lambda: with_jwk(kid="1")),
    "jwk of X25519": ("key", lambda: with_jwk(crv="X25519")),
    "jwk of P-256": ("key", lambda: with_jwk(kty="EC", crv="P-256", y=b64url(bytes(32)))),
    "jwk symmetric": ("key", lambda: proof({"jwk": {"kty": "oct", "k": b64url(RAW_KEY)}})),
    "jwk a text": ("key", lambda: proof({"jwk": b64url(RAW_KEY)})),
    "jwk null": ("header", lambda: proof({"jwk": None})),
    "jwk a list": ("key", lambda: proof({"jwk": [jwk_of(KEY)]})),
    "x short": ("key", lambda: with_jwk(x=b64url(RAW_KEY[:31]))),
    "x a number": ("key", lambda: with_jwk(x=1)),
    "x padded": ("form", lambda: with_jwk(x=b64url(RAW_KEY) + "=")),
    "x not on the curve": ("signature", lambda: with_jwk(x=b64url((2).to_bytes(32, "little")))),
    **{
        f"x of {name}": (
            "key",
            lambda value=value: with_jwk(x=b64url(value.to_bytes(32, "little"))),
        )
        for name, value in SMALL_ORDER.items()
    },
    "typ of a claim": ("typ", lambda: proof({"typ": "JWT"})),
    "no typ": ("header", lambda: proof({"typ": None})),
    "a kid beside": ("header", lambda: proof({"kid": "1"})),
    "a jku beside": ("header", lambda: proof({"jku": "https://attacker.test"})),
    "alg none": ("algorithm", lambda: proof({"alg": "none"})),
    "alg HS256": (
        "algorithm",
        lambda: by_hmac(proof_header(KEY, alg="HS256"), proof_claims(), RAW_KEY),
    ),
    "two proofs in one": ("form", lambda: f"{proof()},{proof()}"),
    "a claim to be a person": (
        "header",
        lambda: compact({"alg": "EdDSA", "typ": "JWT"}, claims_of("per-" + "0" * 32), KEY),
    ),
}


@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519"])
def test_an_honest_proof_names_its_key(algorithm: str) -> None:
    assert read(proof({"alg": algorithm})) == Proof(thumbprint_of(RAW_KEY), JTI, NOW_S)


@pytest.mark.parametrize("seconds", [-60, 60])
def test_a_clock_may_be_a_minute_off(seconds: int) -> None:
    read_proof(proof(), method="GET", url=URL, token=ACCESS, now=NOW + timedelta(seconds=seconds))


def test_a_proof_for_the_token_endpoint_has_no_token_in_it() -> None:
    asking = {"method": "POST", "url": TOKEN_URL, "token": None, "now": NOW}
    found = read_proof(proof(htm="POST", htu=TOKEN_URL, ath=None), **asking)  # type: ignore[arg-type]
    assert found.thumbprint == thumbprint_of(RAW_KEY)
    with pytest.raises(SignInRefusedError):
        read_proof(proof(htm="POST", htu=TOKEN_URL), **asking)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_for_its_own_reason(name: str) -> None:
    reason, attack = ATTACKS[name]
    with pytest.raises(SignInRefusedError) as caught:
        read(attack())
    assert caught.value.reason == reason


def test_all_attacks_are_answered_alike() -> None:
    answers = set()
    for _, attack in ATTACKS.values():
        with pytest.raises(NotAuthenticatedError) as caught:
            read(attack())
        answers.add((caught.value.status, caught.value.code, caught.value.detail))
    assert len(answers) == 1
