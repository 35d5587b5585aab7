"""Every route of the OpenAPI document with a body that it takes: what the matrices of rights call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from oracles.holders import Holders
from oracles.linkage_rig import CHILD_WELFARE, PROJECT, SCHOOL, Linkage, content_digest
from oracles.negotiation import body_for

from schemas.api import ReleaseVerification, Role, RunRequest, UploadRequest
from schemas.problem import MEDIA_TYPE
from schemas.upload import SignedManifest

STRANGER = "stranger"
PART = b"0123456789abcdef"

NOTHING = {
    "project": "no-such-project",
    "upload": "upl-" + "0" * 32,
    "run": "run-" + "0" * 32,
    "release": "rel-" + "0" * 32,
    "share": "shr-" + "0" * 32,
    "certificate": "crt-" + "0" * 32,
    "agreement": "0" * 64,
    "number": "0",
    "tile": "0/000.p/1",
}
# The log itself, its key and its checkpoint belong to no project.
LOG_OF_A_PROJECT = ("/v1/log/tile/", "/v1/log/bundle")
QUERIES = {
    ("GET", f"/v1/projects/{{project}}/{kind}"): "?epoch=1" for kind in ("shares", "confirmations")
} | {("DELETE", "/v1/projects/{project}/shares"): "?epoch=1"}


@dataclass
class Route:
    method: str
    pattern: str
    operation: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.pattern}"

    @property
    def roles(self) -> list[Role]:
        return self.operation.get("x-roles", [])

    @property
    def is_page(self) -> bool:
        return {"session": []} in self.operation["security"]

    @property
    def names_an_object(self) -> bool:
        return any(
            f"{{{name}}}" in self.pattern
            for name in ("project", "upload", "run", "release", "share", "certificate")
        )


@dataclass
class World:
    """One linkage, the objects that are asked for by name, and what its holders send."""

    linkage: Linkage
    routes: list[Route]
    ids: dict[str, str]
    holders: Holders

    def path(self, route: Route, ids: dict[str, str]) -> str:
        path = route.pattern + QUERIES.get((route.method, route.pattern), "")
        if route.pattern.startswith(LOG_OF_A_PROJECT):
            path += f"?project={PROJECT}"
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", value)
        return path

    def call(self, route: Route, headers: dict[str, str], ids: dict[str, str]) -> Any:
        path = self.path(route, ids)
        content, more = self._body(route)
        return self.linkage.client.request(
            route.method, path, content=content, headers={**headers, **more}
        )

    def _body(self, route: Route) -> tuple[bytes | None, dict[str, str]]:
        """Return a body that the route would take from whoever may call it."""
        kinds = route.operation.get("requestBody", {}).get("content", {})
        if "application/octet-stream" in kinds:
            return PART, {
                "content-type": "application/octet-stream",
                "content-digest": content_digest(PART),
            }
        if not kinds:
            return None, {}
        return self.document(route).to_canonical(), {"content-type": "application/json"}

    def document(self, route: Route) -> Any:
        """Return a document that the route would take from whoever may call it."""
        rows: list[Any] = [type("Row", (), {"handle": b"\1" * 16})]
        if route.pattern.endswith("/shares"):
            return self.holders.share(CHILD_WELFARE, SCHOOL)
        if route.pattern.endswith("/confirmations"):
            return self.holders.confirmation(CHILD_WELFARE)
        if route.pattern.endswith("/uploads"):
            return UploadRequest.from_json(self.linkage.request(PART))
        if route.pattern.endswith("/commit"):
            manifest = self.linkage.manifest(rows, PART, CHILD_WELFARE)
            return SignedManifest(manifest=manifest)
        if route.pattern.endswith("/verification"):
            return ReleaseVerification(sha256="0" * 64)
        return body_for(route.pattern) or RunRequest()


def routes_of(linkage: Linkage) -> Iterator[Route]:
    document = linkage.client.get("/v1/openapi.json").json()
    for pattern, operations in document["paths"].items():
        for method, operation in operations.items():
            yield Route(method.upper(), pattern.replace(":path", ""), operation)


def comparable(answer: Any) -> tuple[int, Any]:
    body = answer.json() if answer.headers["content-type"] == MEDIA_TYPE else answer.content
    if isinstance(body, dict):
        body.pop("request", None)
    return answer.status_code, body
