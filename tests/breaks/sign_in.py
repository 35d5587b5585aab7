"""Claims and proofs as attackers bend them, each with the rule that it breaks: for reader and broker."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples.sign_in_forms import (
    ACCESS,
    JTI,
    NOW_S,
    TOKEN_URL,
    b64url,
    by_hmac,
    claims_of,
    compact,
    jwk_of,
    part,
    proof_claims,
    proof_header,
)
from vectors.file import read_vectors
from vectors.identity import SMALL_ORDER

from app.security.dpop import token_hash
from app.security.jws import thumbprint_of
from schemas.signing.identity import PublicIdentity

VECTORS = read_vectors("identity")
IDENTITY = PublicIdentity.from_canonical(VECTORS["identity"].encode())
KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["private_hex"])[:32])
RAW_KEY = KEY.public_key().public_bytes_raw()
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ME = IDENTITY.person
HEADER = {"alg": "EdDSA", "typ": "JWT"}
ORDER = 2**252 + 27742317777372353535851937790883648493
PROOF_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
RAW_PROOF_KEY = PROOF_KEY.public_key().public_bytes_raw()
PROOF_URL = proof_claims()["htu"]


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

CLAIM_ATTACKS: dict[str, tuple[str, Callable[[], str]]] = {
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
    "a list of types": ("typ", lambda: honest({"typ": ["JWT"]})),
    "an object for a type": ("typ", lambda: honest({"typ": {"JWT": 1}})),
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


def proof(header: Any = None, key: Ed25519PrivateKey = PROOF_KEY, **claims: Any) -> str:
    return compact(proof_header(PROOF_KEY, **(header or {})), proof_claims(**claims), key)


def with_jwk(**other: Any) -> str:
    jwk = {
        name: value for name, value in {**jwk_of(PROOF_KEY), **other}.items() if value is not None
    }
    return proof({"jwk": jwk})


PROOF_ATTACKS: dict[str, tuple[str, Callable[[], str]]] = {
    "htu of another route": ("htu", lambda: proof(htu="https://broker.test/v1/projects")),
    "htu of another broker": ("htu", lambda: proof(htu="https://other.test/v1/whoami")),
    "htu over plain HTTP": ("htu", lambda: proof(htu=PROOF_URL.replace("https", "http"))),
    "htu with a query": ("htu", lambda: proof(htu=PROOF_URL + "?x=1")),
    "htu with a fragment": ("htu", lambda: proof(htu=PROOF_URL + "#x")),
    "htu with a dot segment": ("htu", lambda: proof(htu="https://broker.test/v1/./whoami")),
    "htu a list": ("htu", lambda: proof(htu=[PROOF_URL])),
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
    "signed by another key": ("signature", lambda: proof(key=OTHER_KEY)),
    "another key's jwk": ("signature", lambda: proof({"jwk": jwk_of(OTHER_KEY)})),
    "jwk with the private key": ("key", lambda: with_jwk(d=b64url(bytes(range(32))))),
    "jwk with a kid": ("key", lambda: with_jwk(kid="1")),
    "jwk of X25519": ("key", lambda: with_jwk(crv="X25519")),
    "jwk of P-256": ("key", lambda: with_jwk(kty="EC", crv="P-256", y=b64url(bytes(32)))),
    "jwk symmetric": ("key", lambda: proof({"jwk": {"kty": "oct", "k": b64url(RAW_PROOF_KEY)}})),
    "jwk a text": ("key", lambda: proof({"jwk": b64url(RAW_PROOF_KEY)})),
    "jwk null": ("header", lambda: proof({"jwk": None})),
    "jwk a list": ("key", lambda: proof({"jwk": [jwk_of(PROOF_KEY)]})),
    "x short": ("key", lambda: with_jwk(x=b64url(RAW_PROOF_KEY[:31]))),
    "x a number": ("key", lambda: with_jwk(x=1)),
    "x padded": ("form", lambda: with_jwk(x=b64url(RAW_PROOF_KEY) + "=")),
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
        lambda: by_hmac(proof_header(PROOF_KEY, alg="HS256"), proof_claims(), RAW_PROOF_KEY),
    ),
    "two proofs in one": ("form", lambda: f"{proof()},{proof()}"),
    "a claim to be a person": (
        "header",
        lambda: compact({"alg": "EdDSA", "typ": "JWT"}, claims_of("per-" + "0" * 32), PROOF_KEY),
    ),
}
