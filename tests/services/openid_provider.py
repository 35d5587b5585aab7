"""An OpenID provider on loopback over TLS, which signs everybody on at once, and misbehaves where it is told.

It is written from the specifications and shares no code with the broker: it keeps codes, holds them to client,
address and verifier, gives each once, and signs with joserfc.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey, generate_key
from services.loopback import QuietRequest, https_server, tls_of

CLIENT_ID, CLIENT_SECRET = "blindlink pages", "the client's secret: of tests+"
MULTI_FACTOR = ["pwd", "otp"]


def same(value: Any) -> Any:
    """Return what a provider that behaves says."""
    return value


def signed(key: Any, claims: dict[str, Any], alg: str = "RS256", **header: Any) -> str:
    """Return a token as a provider signs it."""
    return jws.serialize_compact({"alg": alg, **header}, json.dumps(claims), key, algorithms=[alg])


@dataclass
class Bends:
    """How a provider misbehaves; each takes what it would say and returns what it says."""

    discovery: Callable[[dict[str, Any]], Any] = same
    keys: Callable[[dict[str, Any]], Any] = same
    asked: Callable[[dict[str, str]], dict[str, str]] = same
    sent_back: Callable[[dict[str, str]], dict[str, str]] = same
    claims: Callable[[dict[str, Any]], dict[str, Any]] = same
    id_token: Callable[[dict[str, Any]], str] | None = None
    tokens: Callable[[dict[str, Any]], Any] = same
    checks_codes: bool = True
    waits_s: float = 0.0


@dataclass
class OpenIdProvider:
    """What the provider knows; anyone who comes to `authorize` is `subject`."""

    clock: Callable[[], datetime]
    host: str = "localhost"
    port: int = 0
    certificate: Path = Path()
    subject: str = "248289761001"
    stated: dict[str, Any] = field(default_factory=lambda: {"amr": MULTI_FACTOR})
    bends: Bends = field(default_factory=Bends)
    key: RSAKey = field(default_factory=lambda: generate_key("RSA", 2048, {"kid": "first"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    # What arrived, for tests that look: paths in order, and the last form of the token endpoint.
    calls: list[str] = field(default_factory=list)
    form: dict[str, str] = field(default_factory=dict)
    given: list[str] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        return f"https://{self.host}:{self.port}"

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/logout",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def public_keys(self) -> dict[str, Any]:
        return {"keys": [{**self.key.as_dict(private=False), "use": "sig", "alg": "RS256"}]}

    def authorize(self, asked: dict[str, str]) -> str:
        """Return where the browser is sent back to."""
        asked = self.bends.asked(asked)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        code = secrets.token_urlsafe(24)
        self.codes[code] = asked | {"subject": self.subject}
        self.given.append(code)
        sent = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(self.bends.sent_back(sent))}"

    def redeem(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        """Return status and answer of the token endpoint."""
        self.form = form
        client = form.get("client_id"), form.get("client_secret")
        if authorization:
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            client = tuple(map(unquote_plus, pair.split(":")))  # type: ignore[assignment]
        if client != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        asked = self.codes.get(form["code"])
        if self.bends.checks_codes:
            self.codes.pop(form["code"], None)
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if (
                asked is None
                or asked["redirect_uri"] != form["redirect_uri"]
                or asked["code_challenge_method"] != "S256"
                or asked["code_challenge"] != challenge
            ):
                return 400, {"error": "invalid_grant"}
        assert asked is not None
        access_token = secrets.token_urlsafe(24)
        claims = self.bends.claims(self.claims(asked, access_token))
        made = self.bends.id_token
        id_token = made(claims) if made else signed(self.key, claims, kid=self.key.kid, typ="JWT")
        self.given += [access_token, id_token]
        tokens = {"access_token": access_token, "token_type": "Bearer", "id_token": id_token}
        return 200, self.bends.tokens(tokens)

    def claims(self, asked: dict[str, str], access_token: str) -> dict[str, Any]:
        """Return the claims of an ID token; what is stated as None is not in it."""
        now = int(self.clock().timestamp())
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims = {
            "iss": self.issuer,
            "sub": asked["subject"],
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "nonce": asked["nonce"],
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            "sid": f"session of {asked['subject']}",
            "email": "somebody@example.org",
            **self.stated,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def logout_claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a logout token; what is changed to None is not in it."""
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_urlsafe(16),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def logout_token(self, key: Any = None, **changes: Any) -> str:
        key = key or self.key
        claims = self.logout_claims(**changes)
        token = signed(key, claims, kid=key.kid, typ="logout+jwt")
        self.given.append(token)
        return token


@contextmanager
def openid_provider(folder: Path, clock: Callable[[], datetime]) -> Iterator[OpenIdProvider]:
    """Serve a provider until the block ends."""
    tls = tls_of(folder)
    provider = OpenIdProvider(clock, certificate=folder / "broker.crt")

    class Request(QuietRequest):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            path, asked = parts.path, dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
            provider.calls.append(path)
            if path == "/.well-known/openid-configuration":
                self._say(200, provider.bends.discovery(provider.discovery()))
            elif path == "/keys":
                self._say(200, provider.bends.keys(provider.public_keys()))
            elif path == "/logout":
                self._lead(asked["post_logout_redirect_uri"])
            else:
                self._lead(provider.authorize(asked))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            provider.calls.append("/token")
            form = dict(parse_qsl(body, strict_parsing=True))
            self._say(*provider.redeem(form, self.headers.get("Authorization", "")))

        def _say(self, status: int, document: Any) -> None:
            if isinstance(document, str):
                self._lead(document)
                return
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:1])
            self.wfile.flush()
            time.sleep(provider.bends.waits_s)
            self.wfile.write(body[1:])

        def _lead(self, address: str) -> None:
            self.send_response(303)
            self.send_header("Location", address)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with https_server(tls, Request) as provider.port:
        yield provider
