"""Claims and proofs of sign-in as a client makes them, and as an attacker bends them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TOKEN_URL = "https://broker.test/v1/token"
NOW_S = 1_788_242_400
ACCESS = "bl_" + "a" * 43
JTI = "0123456789abcdef0123456789abcdef"


def b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def part(value: Any) -> str:
    """Return a header or claims as a part; text and bytes stand for themselves."""
    if isinstance(value, bytes):
        return b64url(value)
    return b64url(json.dumps(value).encode())


def compact(header: Any, claims: Any, key: Ed25519PrivateKey) -> str:
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{b64url(key.sign(signed.encode()))}"


def by_hmac(header: Any, claims: Any, secret: bytes, digest: str = "sha256") -> str:
    """Return a signature by a symmetric algorithm, under a secret that everybody knows."""
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{b64url(hmac.digest(secret, signed.encode(), digest))}"


def claims_of(person: str, **other: Any) -> dict[str, Any]:
    """Return honest claims with some replaced; None leaves one out."""
    claims = {
        "iss": person,
        "sub": person,
        "aud": TOKEN_URL,
        "iat": NOW_S,
        "exp": NOW_S + 60,
        "jti": JTI,
        **other,
    }
    return {name: value for name, value in claims.items() if value is not None}


def jwk_of(key: Ed25519PrivateKey) -> dict[str, Any]:
    return {"kty": "OKP", "crv": "Ed25519", "x": b64url(key.public_key().public_bytes_raw())}


def proof_header(key: Ed25519PrivateKey, **other: Any) -> dict[str, Any]:
    header = {"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk_of(key), **other}
    return {name: value for name, value in header.items() if value is not None}


def proof_claims(**other: Any) -> dict[str, Any]:
    """Return honest claims of a proof for a GET with a token, some replaced; None leaves one out."""
    claims = {
        "jti": JTI,
        "htm": "GET",
        "htu": "https://broker.test/v1/whoami",
        "iat": NOW_S,
        "ath": b64url(hashlib.sha256(ACCESS.encode()).digest()),
        **other,
    }
    return {name: value for name, value in claims.items() if value is not None}
