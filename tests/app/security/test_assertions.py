"""Claims to be a person: what an honest client sends is taken, and whatever is bent is refused alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from oracles.sign_in_forms import (
    JTI,
    NOW_S,
    TOKEN_URL,
    b64url,
    by_hmac,
    claims_of,
    compact,
    jwk_of,
    part,
)
from oracles.vector_file import read_vectors

from app.security.assertions import Assertion, read_assertion
from app.security.errors import NotAuthenticatedError, SignInRefusedError
from app.security.jws import thumbprint_of
from schemas.identity import PublicIdentity

VECTORS = read_vectors("identity")
IDENTITY = PublicIdentity.from_canonical(VECTORS["identity"].encode())
KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["private_hex"])[:32])
RAW_KEY = KEY.public_key().public_bytes_raw()
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ME = IDENTITY.person
HEADER = {"alg": "EdDSA", "typ": "JWT"}
NOW = datetime.fromtimestamp(NOW_S, UTC)
ORDER = 2**252 + 27742317777372353535851937790883648493


def sign_in(text: str) -> Assertion:
    assertion = read_assertion(text, audience=TOKEN_URL, now=NOW)
    assertion.verify(IDENTITY)
    return assertion


def honest(header: Any = None, key: Ed25519PrivateKey = KEY, **claims: Any) -> str:
    return compact({**HEADER, **(header or {})}, claims_of(ME, **claims), key)


def without(name: str) -> str:
    return compact({k: v for k, v in HEADER.items() if k != name}, claims_of(ME), KEY)


def raw_claims(text: str) -> str:
    return compact(HEADER, text.encode(), KEY)


def changed_after(**claims: Any) -> str:
    header, _, signature = honest().split(".")
    return f"{header}.{part(claims_of(ME, **claims))}.{signature}"


def malleable() -> str:
    """The honest signature with S + the group's order: the same one to a careless verifier."""
    signed, _, signature = honest().rpartition(".")
    raw = KEY.sign(signed.encode())
    assert b64url(raw) == signature
    s = int.from_bytes(raw[32:], "little") + ORDER
    return f"{signed}.{b64url(raw[:32] + s.to_bytes(32, 'little'))}"


def respelt() -> str:
    """The honest signature in another spelling: 64 bytes leave four bits that base64 readers ignore."""
    text = honest()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


TWICE = json.dumps(claims_of(ME))[:-1] + f',"sub":"{ME[:-1]}0"}}'

ATTACKS: dict[str, tuple[str, Callable[[], str]]] = {
    # Another algorithm.
    "alg none without a signature": (
        "algorithm",
        lambda: f"{part({'alg': 'none'})}.{part(claims_of(ME))}.",
    ),
    "alg none with the honest signature": ("algorithm", lambda: honest({"alg": "none"})),
    "alg None in capitals": ("algorithm", lambda: honest({"alg": "NONE"})),
    "alg eddsa in small letters": ("algorithm", lambda: honest({"alg": "eddsa"})),
    "alg Ed448": ("algorithm", lambda: honest({"alg": "Ed448"})),
    "alg ES256": ("algorithm", lambda: honest({"alg": "ES256"})),
    "alg RS256": ("algorithm", lambda: honest({"alg": "RS256"})),
    "HS256 under the public key": (
        "algorithm",
        lambda: by_hmac({"alg": "HS256"}, claims_of(ME), RAW_KEY),
    ),
    "HS256 under the public key's base64": (
        "algorithm",
        lambda: by_hmac({"alg": "HS256"}, claims_of(ME), IDENTITY.signing_key.encode()),
    ),
    "HS512 under nothing": (
        "algorithm",
        lambda: by_hmac({"alg": "HS512"}, claims_of(ME), b"", "sha512"),
    ),
    "HS256's bytes called EdDSA": (
        "signature",
        lambda: by_hmac(HEADER, claims_of(ME), RAW_KEY),
    ),
    "no alg": ("header", lambda: without("alg")),
    "alg null": ("algorithm", lambda: honest({"alg": None})),
    "alg a list": ("algorithm", lambda: honest({"alg": ["EdDSA"]})),
    # A key of the attacker's choice.
    "kid of another key": (
        "kid",
        lambda: honest({"kid": thumbprint_of(STRANGER.public_key().public_bytes_raw())}),
    ),
    "kid a path": ("kid", lambda: honest({"kid": "../../../../dev/null"})),
    "kid a query": ("kid", lambda: honest({"kid": "x' UNION SELECT 'key"})),
    "kid empty": ("kid", lambda: honest({"kid": ""})),
    "kid null": ("kid", lambda: honest({"kid": None})),
    "a jwk beside": ("header", lambda: honest({"jwk": jwk_of(STRANGER)}, key=STRANGER)),
    "a jku": ("header", lambda: honest({"jku": "https://attacker.test/keys"}, key=STRANGER)),
    "an x5u": ("header", lambda: honest({"x5u": "https://attacker.test/cert"})),
    "an x5c": ("header", lambda: honest({"x5c": ["AA=="]})),
    "a crit": ("header", lambda: honest({"crit": ["exp"]})),
    "a zip": ("header", lambda: honest({"zip": "DEF"})),
    "b64 false": ("header", lambda: honest({"b64": False})),
    "another type": ("typ", lambda: honest({"typ": "dpop+jwt"})),
    "an access token's type": ("typ", lambda: honest({"typ": "at+jwt"})),
    "signed by a stranger": ("signature", lambda: honest(key=STRANGER)),
    # Claims that are not these.
    "iss of another": ("iss", lambda: honest(iss="per-" + "0" * 32)),
    "sub of another": ("iss", lambda: honest(sub="per-" + "0" * 32)),
    "both of another, signed with the own key": (
        "person",
        lambda: honest(iss="per-" + "0" * 32, sub="per-" + "0" * 32),
    ),
    "sub a party": ("sub", lambda: honest(iss="child-welfare", sub="child-welfare")),
    "sub a list": ("sub", lambda: honest(iss=[ME], sub=[ME])),
    "sub with a line end": ("sub", lambda: honest(iss=f"{ME}\n", sub=f"{ME}\n")),
    "no iss": ("claims", lambda: honest(iss=None)),
    "no sub": ("claims", lambda: honest(sub=None)),
    "no aud": ("claims", lambda: honest(aud=None)),
    "no exp": ("claims", lambda: honest(exp=None)),
    "no jti": ("claims", lambda: honest(jti=None)),
    "a claim of a role": ("claims", lambda: honest(role="operator")),
    "aud of another broker": ("aud", lambda: honest(aud="https://other.test/v1/token")),
    "aud another route": ("aud", lambda: honest(aud="https://broker.test/v1/enrolments")),
    "aud over plain HTTP": ("aud", lambda: honest(aud=TOKEN_URL.replace("https", "http"))),
    "aud with a slash more": ("aud", lambda: honest(aud=TOKEN_URL + "/")),
    "aud in capitals": ("aud", lambda: honest(aud=TOKEN_URL.upper())),
    "aud with the broker among others": (
        "aud",
        lambda: honest(aud=[TOKEN_URL, "https://other.test/v1/token"]),
    ),
    "aud an empty list": ("aud", lambda: honest(aud=[])),
    "aud a list in a list": ("aud", lambda: honest(aud=[[TOKEN_URL]])),
    "jti too short to be random": ("jti", lambda: honest(jti="1")),
    "jti endless": ("jti", lambda: honest(jti="a" * 129)),
    "jti a number": ("jti", lambda: honest(jti=1234567890123456)),
    "jti with a NUL": ("jti", lambda: honest(jti=JTI + "\0")),
    "jti of other letters": ("jti", lambda: honest(jti="é" * 20)),
    # Other times.
    "expired": ("exp", lambda: honest(iat=NOW_S - 120, exp=NOW_S - 1)),
    "expires this second": ("exp", lambda: honest(exp=NOW_S)),
    "holds for more than 300 s": ("exp", lambda: honest(exp=NOW_S + 301)),
    "holds for ever": ("exp", lambda: honest(exp=2**53 - 1)),
    "exp a text": ("exp", lambda: honest(exp=str(NOW_S + 60))),
    "exp true": ("exp", lambda: honest(exp=True)),
    "exp a fraction": ("form", lambda: honest(exp=NOW_S + 60.5)),
    "exp NaN": ("form", lambda: honest(exp=float("nan"))),
    "exp beyond all integers": ("form", lambda: honest(exp=10**30)),
    "issued in the future": ("iat", lambda: honest(iat=NOW_S + 61, exp=NOW_S + 120)),
    "issued long ago": ("iat", lambda: honest(iat=NOW_S - 241)),
    "not before later": ("nbf", lambda: honest(nbf=NOW_S + 61, exp=NOW_S + 120)),
    "iat a text": ("iat", lambda: honest(iat="now")),
    # Another form.
    "empty": ("form", lambda: ""),
    "not a signature": ("form", lambda: "bl_" + "a" * 43),
    "two parts": ("form", lambda: honest().rpartition(".")[0]),
    "four parts": ("form", lambda: honest() + "."),
    "five parts, as encrypted ones have": ("form", lambda: honest() + ".AA.AA"),
    "no signature": ("signature", lambda: honest().rpartition(".")[0] + "."),
    "half a signature": ("signature", lambda: honest()[:-43]),
    "padding": ("form", lambda: honest() + "=="),
    "blanks around": ("form", lambda: f" {honest()}"),
    "a line end after": ("form", lambda: honest() + "\n"),
    "standard base64": ("form", lambda: "++//" + honest()),
    "a longer text than is read": ("form", lambda: honest(jti="a" * 4096)),
    "letters that are not ASCII": ("form", lambda: "é" + honest()),
    "a sub twice": ("form", lambda: raw_claims(TWICE)),
    "claims a list": ("form", lambda: raw_claims("[]")),
    "claims null": ("form", lambda: raw_claims("null")),
    "claims not UTF-8": ("form", lambda: compact(HEADER, b"\xff", KEY)),
    "claims nested without end": ("form", lambda: raw_claims("[" * 1000)),
    "a header twice": (
        "form",
        lambda: compact(b'{"alg":"none","alg":"EdDSA"}', claims_of(ME), KEY),
    ),
    "header a text": ("form", lambda: compact(b'"EdDSA"', claims_of(ME), KEY)),
    "claims changed after signing": ("signature", lambda: changed_after(jti="b" * 32)),
    "a signature in another spelling": ("form", respelt),
    "a signature with S beyond the order": ("signature", malleable),
    "a signature of zeros": (
        "signature",
        lambda: honest().rpartition(".")[0] + "." + b64url(bytes(64)),
    ),
}


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


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_for_its_own_reason(name: str) -> None:
    reason, attack = ATTACKS[name]
    with pytest.raises(SignInRefusedError) as caught:
        sign_in(attack())
    assert caught.value.reason == reason


def test_all_attacks_are_answered_alike() -> None:
    answers = set()
    for _, attack in ATTACKS.values():
        with pytest.raises(NotAuthenticatedError) as caught:
            sign_in(attack())
        error = caught.value
        answers.add((error.status, error.code, error.title, error.detail, error.hint, error.clause))
    assert len(answers) == 1


def test_there_are_sixty_attacks_and_more() -> None:
    assert len(ATTACKS) >= 60


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert thumbprint_of(raw) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_claim_shows_nothing_of_what_was_sent() -> None:
    shown = repr(read_assertion(honest(), audience=TOKEN_URL, now=NOW)._jws)
    assert shown == "Jws()"
