"""What this program signs to get and to use a token: a claim to be a person, and proofs of holding a key.

Spec page: `schemas/spec/sign-in.md`.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from encoding.people.identity import Identity
from schemas.documents.canonical import JsonValue, canonical_bytes

# Long enough for a slow line and a clock that is a little behind; the broker takes up to 300 s.
CLAIM_LIFETIME_S: Final = 60
ALGORITHM: Final = "EdDSA"


@dataclass(frozen=True, slots=True, eq=False)
class ProofKey:
    """A key for one run of the program, to which its token is bound; kept in memory only, never pickled."""

    _key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a proof key is not pickled")

    def prove(self, method: str, url: str, now: datetime, *, token: str | None = None) -> str:
        """Return the proof for one request, to be sent as its DPoP header."""
        x = _base64url(self._key.public_key().public_bytes_raw())
        claims: dict[str, JsonValue] = {
            "htm": method,
            "htu": url,
            "iat": int(now.timestamp()),
            "jti": secrets.token_hex(16),
        }
        if token is not None:
            claims["ath"] = _base64url(hashlib.sha256(token.encode("ascii")).digest())
        jwk: JsonValue = {"kty": "OKP", "crv": "Ed25519", "x": x}
        return _compact({"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": jwk}, claims, self._key)


def sign_claim(identity: Identity, token_url: str, now: datetime) -> str:
    """Return the claim, good for 60 s and once, that the identity's person asks for a token with."""
    person, issued = identity.public.person, int(now.timestamp())
    claims: dict[str, JsonValue] = {
        "iss": person,
        "sub": person,
        "aud": token_url,
        "iat": issued,
        "exp": issued + CLAIM_LIFETIME_S,
        "jti": secrets.token_hex(16),
    }
    return _compact({"typ": "JWT", "alg": ALGORITHM}, claims, identity.keys.signing_key)


def _compact(
    header: dict[str, JsonValue], claims: dict[str, JsonValue], key: Ed25519PrivateKey
) -> str:
    signed = f"{_base64url(canonical_bytes(header))}.{_base64url(canonical_bytes(claims))}"
    return f"{signed}.{_base64url(key.sign(signed.encode('ascii')))}"


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
