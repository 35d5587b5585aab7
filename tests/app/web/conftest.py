"""Visitors of the pages: signed in by one-time links, over the real application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from httpx2 import Response
from oracles.linkage_rig import AUDITOR, Linkage, embedded_database, linkage, make_linkage

from app.http.access import COOKIE

__all__ = ["embedded_database", "linkage", "make_linkage"]


@dataclass
class Visitor:
    """Opens pages as a party in a role, each in a session of its own."""

    linkage: Linkage
    cookies: dict[tuple[str, str], str] = field(default_factory=dict)

    def cookie(self, party: str, role: str) -> str:
        if (party, role) not in self.cookies:
            client = self.linkage.client
            headers = self.linkage.as_party(party, role)
            code = client.post("/v1/session-links", headers=headers).json()["code"]
            assert client.post("/session", json={"code": code}).status_code == 204
            self.cookies[party, role] = client.cookies[COOKIE]
            client.cookies.clear()
        return self.cookies[party, role]

    def get(self, path: str, party: str = AUDITOR, role: str = "auditor", **more: Any) -> Response:
        headers = {"cookie": f"{COOKIE}={self.cookie(party, role)}", **more}
        return self.linkage.client.get(path, headers=headers)


@pytest.fixture
def visitor(linkage: Linkage) -> Visitor:
    return Visitor(linkage)


@pytest.fixture
def visit_as_auditor() -> Any:
    """Return a function that opens a page of a project with other terms than the ordinary ones."""
    return lambda linkage, path: Visitor(linkage).get(path)
