"""Browsers that sign on by a provider to the pages of a broker under test."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from httpx2 import Response
from rigs.linkage import AUDITOR, Linkage
from services.openid_provider import CLIENT_ID, CLIENT_SECRET, Bends, OpenIdProvider

from app.extras.sign_on.calls import Limits
from app.extras.sign_on.provider import Provider
from app.http.access import COOKIE
from app.settings import Settings
from schemas.signing.identity import Role

# A provider that takes twice as long is slow.
IMPATIENT = Limits(wait_s=5.0, whole_s=0.1)


def sso_settings(settings: Settings, openid: OpenIdProvider, folder: Path, **more: Any) -> Settings:
    """Return settings with a single sign-on by this provider."""
    secret = folder / "client-secret"
    secret.write_text(f"{CLIENT_SECRET}\n")
    return Settings(
        **settings.model_dump(exclude_defaults=True)
        | {
            "sso_issuer": openid.issuer,
            "sso_client_id": CLIENT_ID,
            "sso_client_secret_file": secret,
            "sso_ca_file": openid.certificate,
            "sso_name": "State ID",
            "sso_require": {"amr": ["otp", "hwk"]},
        }
        | more
    )


@dataclass
class Browser:
    """One browser: its cookies, in the broker's pages and on its way to the provider."""

    scene: SigningOn
    cookies: dict[str, str] = field(default_factory=dict)

    def begin(self, query: str = "") -> str:
        """Set out; returns where the broker sends the browser to."""
        answer = self.get(f"/sign-on{query}")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def authorize(self, address: str) -> str:
        """Sign on at the provider; returns where it sends the browser back to, without the host."""
        answer = self.scene.http.get(address)
        assert answer.status_code == 303, answer.text
        parts = urlsplit(answer.headers["location"])
        return f"{parts.path}?{parts.query}"

    def sign_on(self, query: str = "") -> Response:
        return self.get(self.authorize(self.begin(query)))

    def link(self, code: str) -> Response:
        """Link who signs on with the person whose code this is, and sign on."""
        answer = self.call("POST", "/sign-on/link", json={"code": code})
        assert answer.status_code == 200, answer.text
        return self.get(self.authorize(answer.json()["location"]))

    def get(self, path: str) -> Response:
        return self.call("GET", path)

    def call(self, method: str, path: str, **more: Any) -> Response:
        sent = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = ({"cookie": sent} if sent else {}) | more.pop("headers", {})
        client = self.scene.linkage.client
        client.cookies.clear()
        answer = client.request(method, path, headers=headers, follow_redirects=False, **more)
        client.cookies.clear()
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer

    @property
    def is_in(self) -> bool:
        return COOKIE in self.cookies and self.get("/projects").status_code == 200


@dataclass
class SigningOn:
    """A broker with a provider, and what its log says."""

    linkage: Linkage
    openid: OpenIdProvider
    http: httpx2.Client
    log: io.StringIO
    is_spoilt: bool = False

    def browser(self) -> Browser:
        return Browser(self)

    def code(self, party: str = AUDITOR, role: Role = "auditor") -> str:
        """Return a code under which this party's person may link a sign-on."""
        answer = self.linkage.person(party, role).call("POST", "/v1/sign-on-links")
        assert answer.status_code == 201, answer.text
        return str(answer.json()["code"])

    def linked(self) -> Browser:
        """Return a browser in which the auditor has just linked who the provider says they are."""
        browser = self.browser()
        answer = browser.link(self.code())
        assert answer.status_code == 200, answer.text
        return browser

    def forget(self, limits: Limits | None = None) -> None:
        """Let the broker know nothing yet of what the provider says of itself."""
        app: Any = self.linkage.client.app
        app.state.provider = Provider(app.state.provider.settings, limits=limits)
        self.is_spoilt = True

    def behave(self) -> None:
        """Let the provider behave again, and the broker know nothing else of it."""
        self.openid.bends = Bends()
        if self.is_spoilt:
            self.forget()
            self.is_spoilt = False


def bent(address: str, **changes: str | None) -> str:
    """Return an address with other parameters; None takes one out."""
    path, _, query = address.partition("?")
    changed = dict(parse_qsl(query, keep_blank_values=True)) | changes
    return (
        f"{path}?{urlencode({name: value for name, value in changed.items() if value is not None})}"
    )
