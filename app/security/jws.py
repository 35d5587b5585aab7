"""Reading JSON Web Signatures (RFC 7515) as narrowly as sign-in needs: compact form, Ed25519, nothing else.

What a header can ask for is the classic way in: another algorithm, a key of its own, an address to fetch one
from. Here the caller says which header fields there may be, and the algorithm is one under two names.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.errors import SignInRefusedError
from schemas.documents.canonical import JsonValue, parse_json
from schemas.documents.errors import CanonicalError
from schemas.signing.identity import ED25519_BYTES, is_sound_ed25519

MAX_JWS_CHARACTERS: Final = 4096
SIGNATURE_BYTES: Final = 64
# RFC 8037 names the first, RFC 9864 the second; both are Ed25519 where the key is one.
ALGORITHMS: Final = frozenset({"EdDSA", "Ed25519"})
MIN_JTI: Final = 16
MAX_JTI: Final = 128


@dataclass(frozen=True, slots=True)
class Jws:
    """A signature that was read and not yet checked: nothing in it may be believed before `verify`."""

    header: Mapping[str, JsonValue]
    claims: Mapping[str, JsonValue]
    _signed: bytes
    _signature: bytes

    def __repr__(self) -> str:
        """Show nothing of what was sent."""
        return "Jws()"

    def verify(self, key: Ed25519PublicKey) -> None:
        """Check the signature.

        Raises:
            SignInRefusedError: it is not this key's over this header and these claims.
        """
        try:
            key.verify(self._signature, self._signed)
        except InvalidSignature:
            raise SignInRefusedError("signature") from None


def parse_jws(text: str, *, required: frozenset[str], optional: frozenset[str]) -> Jws:
    """Read the compact form, whose header has all the required fields and no others but optional ones."""
    if len(text) > MAX_JWS_CHARACTERS or not text.isascii():
        raise SignInRefusedError("form")
    parts = text.split(".")
    if len(parts) != 3:
        raise SignInRefusedError("form")
    header = _object(base64url_bytes(parts[0]))
    if not required <= header.keys() <= required | optional:
        raise SignInRefusedError("header")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise SignInRefusedError("algorithm")
    signature = base64url_bytes(parts[2])
    if len(signature) != SIGNATURE_BYTES:
        raise SignInRefusedError("signature")
    signed = f"{parts[0]}.{parts[1]}".encode("ascii")
    return Jws(header, _object(base64url_bytes(parts[1])), signed, signature)


def base64url_text(raw: bytes) -> str:
    """Return base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def base64url_bytes(text: str) -> bytes:
    """Return the bytes that base64url without padding stands for, in its one spelling.

    Raises:
        SignInRefusedError: it is not base64url, or in another spelling.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SignInRefusedError("form") from None
    if base64url_text(raw) != text:
        raise SignInRefusedError("form")
    return raw


def ed25519_of_jwk(jwk: JsonValue) -> tuple[Ed25519PublicKey, str]:
    """Return the key and RFC 7638 thumbprint of a JWK with exactly the public fields of RFC 8037."""
    if not isinstance(jwk, Mapping) or jwk.keys() != {"kty", "crv", "x"}:
        raise SignInRefusedError("key")
    x = jwk["x"]
    if (jwk["kty"], jwk["crv"]) != ("OKP", "Ed25519") or not isinstance(x, str):
        raise SignInRefusedError("key")
    raw = base64url_bytes(x)
    if len(raw) != ED25519_BYTES or not is_sound_ed25519(raw):
        raise SignInRefusedError("key")
    return Ed25519PublicKey.from_public_bytes(raw), thumbprint_of(raw)


def thumbprint_of(raw_key: bytes) -> str:
    """Return the RFC 7638 thumbprint of a raw Ed25519 public key, base64url."""
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{base64url_text(raw_key)}"}}'
    return base64url_text(hashlib.sha256(members.encode("ascii")).digest())


def seconds_of(claims: Mapping[str, JsonValue], name: str) -> int:
    """Return a time claim, in whole seconds since 1970."""
    value = claims.get(name)
    # bool is an int to Python, and no time.
    if type(value) is not int:
        raise SignInRefusedError(name)
    return value


def jti_of(claims: Mapping[str, JsonValue]) -> str:
    """Return the claim that makes each one different."""
    value = claims.get("jti")
    if not isinstance(value, str) or not MIN_JTI <= len(value) <= MAX_JTI:
        raise SignInRefusedError("jti")
    if not value.isascii() or not value.isprintable():
        raise SignInRefusedError("jti")
    return value


def _object(raw: bytes) -> Mapping[str, JsonValue]:
    try:
        value = parse_json(raw)
    except CanonicalError:
        raise SignInRefusedError("form") from None
    if not isinstance(value, dict):
        raise SignInRefusedError("form")
    return value
