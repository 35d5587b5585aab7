"""One sign-on under way: all that it needs follows from a secret that its browser alone has, in a cookie.

So the broker keeps nothing for strangers who begin and never come back. State, nonce and PKCE's verifier are
made from the secret, its end and the page that it leads to: anyone who changes the cookie has another state.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.errors import SignInRefusedError
from app.security.jws import base64url_text
from app.web.paging import page_of

LIFETIME_S: Final = 600
_COOKIE: Final = re.compile(r"([A-Za-z0-9_-]{43})\.([0-9]{1,12})\.([A-Za-z0-9_-]{0,700})")


@dataclass(frozen=True, slots=True)
class Flow:
    """A sign-on under way; `expires_s` is in seconds since 1970, `next_page` a path that `page_of` returned."""

    secret: str = field(repr=False)
    expires_s: int
    next_page: str

    @property
    def cookie(self) -> str:
        """The value of its cookie."""
        return f"{self.secret}.{self.expires_s}.{base64url_text(self.next_page.encode('ascii'))}"

    @property
    def state(self) -> str:
        """What the provider sends back, so that an answer belongs to this browser."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """What the ID token must have, so that it was made for this flow."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """What redeems the code, so that nobody else's browser can (RFC 7636)."""
        return self._derived("verifier")

    @property
    def challenge(self) -> str:
        """The verifier's S256 challenge."""
        return base64url_text(hashlib.sha256(self.verifier.encode("ascii")).digest())

    def _derived(self, name: str) -> str:
        text = f"blindlink/sign-on/{name}\n{self.expires_s}\n{self.next_page}"
        return base64url_text(hmac.digest(self.secret.encode(), text.encode(), hashlib.sha256))


def new_flow(next_page: str, now: datetime) -> Flow:
    """Return a flow of 10 minutes that leads to a page; to the first one where it is none of ours."""
    return Flow(secrets.token_urlsafe(32), int(now.timestamp()) + LIFETIME_S, page_of(next_page))


def flow_of(cookie: str, now: datetime) -> Flow:
    """Return the flow that a cookie has."""
    found = _COOKIE.fullmatch(cookie)
    if found is None:
        raise SignInRefusedError("flow")
    expires_s = int(found[2])
    if not 0 < expires_s - int(now.timestamp()) <= LIFETIME_S:
        raise SignInRefusedError("flow-expired")
    try:
        padded = found[3] + "=" * (-len(found[3]) % 4)
        next_page = base64.urlsafe_b64decode(padded).decode("ascii")
    except (binascii.Error, ValueError):
        raise SignInRefusedError("flow") from None
    return Flow(found[1], expires_s, page_of(next_page))
