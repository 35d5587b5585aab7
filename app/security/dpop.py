"""Proofs that anyone who sends a token holds the key that it is bound to: DPoP (RFC 9449).

Whether a proof's `jti` was seen before, and whether its key is the token's, is for the caller to look up.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.errors import SignInRefusedError
from app.security.jws import base64url_text, ed25519_of_jwk, jti_of, parse_jws, seconds_of

# Either way: our clock may be behind the client's as well as before it.
WINDOW_S: Final = 60
TYPE: Final = "dpop+jwt"
_HEADER: Final = frozenset({"alg", "typ", "jwk"})
_CLAIMS: Final = frozenset({"jti", "htm", "htu", "iat"})


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof whose signature verifies: `thumbprint` names its key, `issued` is in seconds since 1970."""

    thumbprint: str
    jti: str
    issued: int


def read_proof(text: str, *, method: str, url: str, token: str | None, now: datetime) -> Proof:
    """Read the proof that came with a request.

    Args:
        method: the request's, as sent.
        url: the request's as the client knows it, without query and fragment; compared to the letter.
        token: the token that came with it; None where a token is being asked for.
    Raises:
        SignInRefusedError: the reason stands in it, for counting; callers are all answered alike.
    """
    jws = parse_jws(text, required=_HEADER, optional=frozenset())
    if jws.header["typ"] != TYPE:
        raise SignInRefusedError("typ")
    key, thumbprint = ed25519_of_jwk(jws.header["jwk"])
    jws.verify(key)
    claims = jws.claims
    if claims.keys() != (_CLAIMS if token is None else _CLAIMS | {"ath"}):
        raise SignInRefusedError("claims")
    for name, expected in (("htm", method), ("htu", url)):
        if claims[name] != expected:
            raise SignInRefusedError(name)
    issued = seconds_of(claims, "iat")
    if abs(int(now.timestamp()) - issued) > WINDOW_S:
        raise SignInRefusedError("iat")
    if token is not None and not _is_hash_of(claims["ath"], token):
        raise SignInRefusedError("ath")
    return Proof(thumbprint=thumbprint, jti=jti_of(claims), issued=issued)


def token_hash(token: str) -> str:
    """Return what a proof names its token by: base64url of the SHA-256 (RFC 9449 §4.2, `ath`)."""
    return base64url_text(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest())


def _is_hash_of(claim: object, token: str) -> bool:
    if not isinstance(claim, str):
        return False
    return hmac.compare_digest(claim.encode("utf-8"), token_hash(token).encode("ascii"))
