"""Bearer tokens: opaque, 256 bits, with a prefix that secret scanners find; only their digest is kept."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

PREFIX: Final = "bl_"
_FORM: Final = re.compile(r"bl_[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """Return a new token; whoever holds it acts as its person until it expires or is revoked."""
    return PREFIX + secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """Return the SHA-256 under which a token is stored, as lower-case hex.

    A plain digest will do: a token has 256 random bits, so there is nothing to guess.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def is_token(text: str) -> bool:
    """Tell whether `text` has the form of a token, so that other text costs no look-up."""
    return _FORM.fullmatch(text) is not None
