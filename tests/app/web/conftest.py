"""Visitors of the pages: signed in by one-time links, over the real application; and a finished linkage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from httpx2 import Response
from rigs.linkage import (
    AUDITOR,
    CHILD_WELFARE,
    PROJECT,
    Linkage,
)
from rigs.served import served
from rigs.signed import Accord

from app.http.access import COOKIE
from schemas.api.bodies import sign_in_url

if TYPE_CHECKING:
    from playwright.sync_api import Page


@dataclass
class Visitor:
    """Opens pages as a party in a role, each in a session of its own."""

    linkage: Linkage
    cookies: dict[tuple[str, str], str] = field(default_factory=dict)

    def code(self, party: str = AUDITOR, role: str = "auditor") -> str:
        self.linkage.as_party(party, role)
        answer = self.linkage.person(party, role).call("POST", "/v1/session-links")
        return str(answer.json()["code"])

    def cookie(self, party: str, role: str) -> str:
        if (party, role) not in self.cookies:
            client = self.linkage.client
            answer = client.post("/session", json={"code": self.code(party, role)})
            assert answer.status_code == 204
            self.cookies[party, role] = client.cookies[COOKIE]
            client.cookies.clear()
        return self.cookies[party, role]

    def get(self, path: str, party: str = AUDITOR, role: str = "auditor", **more: Any) -> Response:
        headers = {"cookie": f"{COOKIE}={self.cookie(party, role)}", **more}
        return self.linkage.client.get(path, headers=headers, follow_redirects=False)


@dataclass
class Finished:
    """A linkage that ran to its releases, where its things are, and the rows that were uploaded."""

    linkage: Linkage
    ids: dict[str, str]
    rows: list[Any]

    def path(self, page: str, ids: dict[str, str] | None = None) -> str:
        return page.format(**{**self.ids, **(ids or {})})


@pytest.fixture
def visitor(linkage: Linkage) -> Visitor:
    return Visitor(linkage)


@pytest.fixture
def signed_visitor(accord: Accord) -> Visitor:
    """Opens pages of a project whose persons have keys, as they sign in."""
    return Visitor(accord)


@pytest.fixture
def visit_as_auditor() -> Any:
    """Return a function that opens a page of a project with other terms than the ordinary ones."""
    return lambda linkage, path: Visitor(linkage).get(path)


@pytest.fixture
def visitor_of() -> Any:
    """Return a function that lets anyone open the pages of a linkage."""
    return Visitor


@pytest.fixture
def finished(released: Linkage) -> Finished:
    linkage, run = released, released.run_id()
    left, right = linkage.containers
    uploads = linkage.get(f"/v1/projects/{PROJECT}/uploads").json()["uploads"]
    releases = linkage.get(f"/v1/projects/{PROJECT}/releases").json()["releases"]
    ids = {
        "project": PROJECT,
        "upload": uploads[0]["upload"],
        "run": run,
        "release": releases[0]["release"],
        "seq": str(linkage.log_kinds().index("run-asked")),
        "round": "1",
        "party": CHILD_WELFARE,
    }
    return Finished(linkage, ids, [*left.handles, *right.handles])


@pytest.fixture
def address(web_app: FastAPI, linkage: Linkage, tmp_path: Path) -> Iterator[str]:
    """Where the application is served over TLS."""
    with served(web_app, tmp_path / "served") as found:
        yield found


@pytest.fixture
def sign_in(address: str, visitor: Visitor, chromium_page: Page) -> Callable[..., str]:
    """Return a function that signs the browser in by a one-time link; it returns the broker's address."""

    def enter(party: str = AUDITOR, role: str = "auditor") -> str:
        chromium_page.goto(sign_in_url(address, visitor.code(party, role)))
        chromium_page.wait_for_url(f"{address}/projects")
        return address

    return enter
