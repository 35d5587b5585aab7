"""Opaque credentials: 256 random bits, of which only the digest is kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Secret scanners find a token by its prefix.
PREFIX: Final = "bl_"
_NONCE_BYTES: Final = 12
_FORM: Final = re.compile(r"bl_[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """Return a new bearer token; anyone who holds it acts as its person until it expires or is revoked."""
    return PREFIX + secrets.token_urlsafe(32)


def is_token(text: str) -> bool:
    """Tell whether `text` has the form of a token, so that other text costs no look-up."""
    return _FORM.fullmatch(text) is not None


def digest_of(credential: str) -> str:
    """Return the SHA-256 under which a token, code or cookie is stored, as lower-case hex.

    A plain digest will do: a credential has 256 random bits, so there is nothing to guess.
    """
    return hashlib.sha256(credential.encode("utf-8", "surrogatepass")).hexdigest()


def csrf_token(session_cookie: str) -> str:
    """Return what a page has to send back with every change, to show that it is one of the broker's own.

    It follows from the session's cookie, which another site can neither read nor make a script read.
    """
    return hmac.new(session_cookie.encode("utf-8"), b"blindlink/csrf\n", hashlib.sha256).hexdigest()


def seal_under(session_cookie: str, text: str) -> str:
    """Return a text that opens with the session's cookie alone, which the broker does not keep."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(_key_under(session_cookie)).encrypt(nonce, text.encode("utf-8"), None)
    return base64.b64encode(nonce + sealed).decode("ascii")


def open_under(session_cookie: str, sealed: str) -> str:
    """Return what `seal_under` sealed for this cookie; whatever else was stored is a fault of ours."""
    raw = base64.b64decode(sealed, validate=True)
    key = AESGCM(_key_under(session_cookie))
    return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None).decode("utf-8")


def _key_under(session_cookie: str) -> bytes:
    return hmac.digest(session_cookie.encode("utf-8"), b"blindlink/sealed\n", hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Credential:
    """A token, the proof of holding the key that it is bound to, and the request as the person signed it.

    `proof` is None where the token came as `Bearer`, `signed` where nothing is asked to be signed. `method` and
    `url` are the request's, the URL as the caller knows the broker and without query and fragment; `asks` is
    what is signed: method and path with query.
    """

    token: str = field(repr=False)
    proof: str | None = field(repr=False)
    method: str
    url: str
    asks: str = ""
    signed: str | None = None
