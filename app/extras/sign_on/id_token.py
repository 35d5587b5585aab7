"""What the provider signs: ID tokens, and logout tokens of its back channel; read as narrowly as they are used.

Signatures are joserfc's work, which the extra `sso` brings; it is told the algorithm and the one key. What a
token must say is checked here, step by step (OpenID Connect Core §3.1.3.7, Back-Channel Logout §2.6).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from app.errors import SignInRefusedError
from app.extras.sign_on.calls import json_object
from app.extras.sign_on.errors import ProviderFailedError
from app.security.jws import base64url_bytes, base64url_text

if TYPE_CHECKING:
    from joserfc.jwk import Key

    from app.extras.sign_on.flow import Flow
    from app.extras.sign_on.provider import Provider, Tokens

# Asymmetric ones alone, each with its kind of key and the hash of `at_hash`: a client secret must not sign.
ALGORITHMS: Final = {
    "RS256": ("RSA", "sha256"),
    "PS256": ("RSA", "sha256"),
    "ES256": ("EC", "sha256"),
    "Ed25519": ("OKP", "sha512"),
}
MAX_CHARACTERS: Final = 16 * 1024
MIN_RSA_BITS: Final = 2048
# How far apart the clocks may be.
SKEW_S: Final = 30
# A token of this flow was made just now; one of a logout may have waited for our answer before.
MAX_AGE_S: Final = 600
MAX_SUBJECT: Final = 255
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True)
class SignedOn:
    """Whom the provider has signed on: who it is there, under which session, and what was stated of them."""

    subject: str = field(repr=False)
    session: str | None = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)

    def stated(self, claim: str) -> frozenset[str]:
        """Return the texts that a claim has, of which there may be one, several in a list, or none."""
        value = self.claims.get(claim)
        values = value if isinstance(value, list) else [value]
        return frozenset(one for one in values if isinstance(one, str))


@dataclass(frozen=True, slots=True)
class SignedOff:
    """What a logout token ends: one session, or all of a subject; `jti` makes it one of its kind."""

    subject: str | None = field(repr=False)
    session: str | None = field(repr=False)
    jti: str = field(repr=False)
    expires_s: int


def read_id_token(provider: Provider, tokens: Tokens, flow: Flow, now: datetime) -> SignedOn:
    """Return whom an ID token names that was made for this flow, just now, for this broker."""
    algorithm, claims = _verified(provider, tokens.id_token, types=("JWT",))
    _check_origin(provider, claims)
    _check_times(claims, int(now.timestamp()))
    if not hmac.compare_digest(_text(claims, "nonce").encode(), flow.nonce.encode()):
        raise SignInRefusedError("nonce")
    if "at_hash" in claims:
        expected = _half_hash(algorithm, tokens.access_token)
        if not hmac.compare_digest(_text(claims, "at_hash").encode(), expected.encode()):
            raise SignInRefusedError("at_hash")
    found = SignedOn(_text(claims, "sub"), _optional(claims, "sid"), claims)
    for claim, accepted in provider.settings.sso_require.items():
        if found.stated(claim).isdisjoint(accepted):
            # The names of claims are the operator's own.
            raise SignInRefusedError("factor")
    return found


def read_logout_token(provider: Provider, token: str, now: datetime) -> SignedOff:
    """Return what a logout token ends."""
    _, claims = _verified(provider, token, types=("JWT", "logout+jwt"))
    _check_origin(provider, claims)
    now_s = int(now.timestamp())
    _check_times(claims, now_s)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise SignInRefusedError("events")
    # So that no ID token passes for one.
    if "nonce" in claims:
        raise SignInRefusedError("nonce")
    subject, session = _optional(claims, "sub"), _optional(claims, "sid")
    if subject is None and session is None:
        raise SignInRefusedError("sub")
    # Remembered for as long as it could be taken, and no longer, whatever it says itself.
    expires_s = min(claims["exp"] + SKEW_S, now_s + MAX_AGE_S + 2 * SKEW_S)
    return SignedOff(subject, session, _text(claims, "jti"), expires_s)


def _verified(
    provider: Provider, token: str, *, types: tuple[str, ...]
) -> tuple[str, dict[str, Any]]:
    """Return the algorithm and the claims of a token whose signature one of the provider's keys made."""
    from joserfc import jws  # noqa: PLC0415 - an extra
    from joserfc.errors import JoseError  # noqa: PLC0415

    if len(token) > MAX_CHARACTERS or not token.isascii():
        raise SignInRefusedError("form")
    try:
        found = jws.extract_compact(token.encode("ascii"))
        header: object = found.headers()
    except (JoseError, ValueError, TypeError, AttributeError):
        raise SignInRefusedError("form") from None
    if not isinstance(header, dict):
        raise SignInRefusedError("header")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise SignInRefusedError("algorithm")
    if "crit" in header or "b64" in header:
        raise SignInRefusedError("header")
    if str(header.get("typ", types[0])).lower() not in {one.lower() for one in types}:
        raise SignInRefusedError("typ")
    key = _key_of(provider, algorithm, header.get("kid"))
    try:
        is_signed = jws.validate_compact(found, key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError):
        raise SignInRefusedError("signature") from None
    if not is_signed or found.payload is None:
        raise SignInRefusedError("signature")
    try:
        return algorithm, json_object(found.payload)
    except ProviderFailedError:
        raise SignInRefusedError("form") from None


def _key_of(provider: Provider, algorithm: str, kid: object) -> Key:
    """Return the key that a token names; after a look whether there are new ones, if there is none."""
    for newest in (False, True):
        found = [key for key in provider.keys(newest=newest) if _is_meant(key, algorithm, kid)]
        # Without a name it can only be the one that there is.
        if len(found) == 1:
            return _import(found[0])
    raise SignInRefusedError("kid")


def _is_meant(key: Mapping[str, Any], algorithm: str, kid: object) -> bool:
    return (
        key.get("kty") == ALGORITHMS[algorithm][0]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    )


def _import(found: dict[str, Any]) -> Key:
    from joserfc.errors import JoseError  # noqa: PLC0415 - an extra
    from joserfc.jwk import import_key  # noqa: PLC0415

    if found["kty"] == "RSA":
        modulus = int.from_bytes(base64url_bytes(str(found.get("n"))))
        if modulus.bit_length() < MIN_RSA_BITS:
            raise SignInRefusedError("key")
    try:
        return import_key(found)
    except (JoseError, ValueError, TypeError, KeyError):
        raise SignInRefusedError("key") from None


def _check_origin(provider: Provider, claims: Mapping[str, Any]) -> None:
    """Check that this provider, to the letter, made it for this broker and nobody else."""
    if claims.get("iss") != provider.issuer:
        raise SignInRefusedError("iss")
    audience, us = claims.get("aud"), provider.client_id
    is_ours = us in audience if isinstance(audience, list) else audience == us
    if not is_ours:
        raise SignInRefusedError("aud")
    is_shared = isinstance(audience, list) and len(audience) > 1
    if claims.get("azp", None if is_shared else us) != us:
        raise SignInRefusedError("azp")


def _check_times(claims: Mapping[str, Any], now_s: int) -> None:
    if not now_s - SKEW_S < _seconds(claims, "exp"):
        raise SignInRefusedError("exp")
    if not now_s - MAX_AGE_S <= _seconds(claims, "iat") <= now_s + SKEW_S:
        raise SignInRefusedError("iat")
    if "nbf" in claims and _seconds(claims, "nbf") > now_s + SKEW_S:
        raise SignInRefusedError("nbf")


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    # bool is an int to Python, and no time.
    if type(value) is not int:
        raise SignInRefusedError(name)
    return value


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_SUBJECT or not value.isprintable():
        raise SignInRefusedError(name)
    return value


def _optional(claims: Mapping[str, Any], name: str) -> str | None:
    return _text(claims, name) if name in claims else None


def _half_hash(algorithm: str, token: str) -> str:
    digest = hashlib.new(ALGORITHMS[algorithm][1], token.encode("utf-8")).digest()
    return base64url_text(digest[: len(digest) // 2])
