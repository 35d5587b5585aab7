"""Calls to the provider: over TLS, no redirect followed, no more read and no longer waited than need be."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from app.extras.sign_on.errors import ProviderFailedError
from schemas.documents.canonical import unique_object
from schemas.documents.errors import CanonicalError
from schemas.shared.trust import trust_only

_JSON_TYPES: Final = frozenset({"application/json", "application/jwk-set+json"})
# RFC 6749 §5.2: the provider has understood, and refuses what it was sent.
REFUSED: Final = 400


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one wait and one whole answer may take, and how long an answer may be."""

    wait_s: float = 5.0
    whole_s: float = 10.0
    max_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks the provider; `ca_file` has the certificates that are trusted, None: those of the system."""

    ca_file: Path | None
    limits: Limits = Limits()

    def get(self, url: str) -> dict[str, Any]:
        """Return the JSON object at an address."""
        status, body = self._ask("GET", url)
        if status != httpx2.codes.OK:
            raise ProviderFailedError("status")
        return json_object(body)

    def post(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> dict[str, Any] | None:
        """Return the JSON object that answers a form; None where the form is refused."""
        status, body = self._ask("POST", url, data=dict(form), headers=dict(headers))
        if status == REFUSED:
            return None
        if status != httpx2.codes.OK:
            raise ProviderFailedError("status")
        return json_object(body)

    def _ask(self, method: str, url: str, **more: Any) -> tuple[int, bytes]:
        own = {"Accept": "application/json", "Accept-Encoding": "identity"}
        more["headers"] = own | more.get("headers", {})
        ends_s = time.monotonic() + self.limits.whole_s
        try:
            verify: ssl.SSLContext | bool = True
            if self.ca_file is not None:
                verify = trust_only(self.ca_file)
            with (
                httpx2.Client(
                    verify=verify, timeout=self.limits.wait_s, follow_redirects=False
                ) as client,
                client.stream(method, url, **more) as answer,
            ):
                if answer.status_code not in {httpx2.codes.OK, REFUSED}:
                    return answer.status_code, b""
                return answer.status_code, self._body(answer, ends_s)
        # Neither exception nor answer is passed on: they hold addresses, and codes in them.
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError):
            raise ProviderFailedError("unreachable") from None

    def _body(self, answer: httpx2.Response, ends_s: float) -> bytes:
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in _JSON_TYPES or "content-encoding" in answer.headers:
            raise ProviderFailedError("media-type")
        body = bytearray()
        # As it came: nothing compressed is taken, so that nothing expands.
        for piece in answer.iter_raw():
            body += piece
            if len(body) > self.limits.max_bytes:
                raise ProviderFailedError("too-long")
            if time.monotonic() > ends_s:
                raise ProviderFailedError("too-slow")
        return bytes(body)


def json_object(raw: bytes) -> dict[str, Any]:
    """Return a JSON object, of which no key occurs twice."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=unique_object)
    except (CanonicalError, ValueError, RecursionError):
        raise ProviderFailedError("json") from None
    if not isinstance(value, dict):
        raise ProviderFailedError("json")
    return value
