"""Every route of the OpenAPI document with a body that it takes: what the matrices of rights call."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rigs.holders import Holders
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage, content_digest
from rigs.negotiation import body_for
from samples.round_files import Container, build_container, random_people

from encoding.blocks.keys import RoundName
from schemas.api.bodies import UploadRequest
from schemas.api.releases import ReleaseVerification
from schemas.api.runs import RunRequest
from schemas.documents.problem import MEDIA_TYPE
from schemas.rounds.delivery import DeliveryOpening
from schemas.rounds.rounds import Correction, NonceOffer, SignedNonceOffer
from schemas.signing.identity import Role

STRANGER = "stranger"
PART = b"0123456789abcdef"

NOTHING = {
    "project": "no-such-project",
    "upload": "upl-" + "0" * 32,
    "run": "run-" + "0" * 32,
    "release": "rel-" + "0" * 32,
    "share": "shr-" + "0" * 32,
    "certificate": "crt-" + "0" * 32,
    "delivery": "dlv-" + "0" * 32,
    "agreement": "0" * 64,
    "number": "0",
    "round": "999999",
    "partner": "nobody-there",
    "space": "nowhere",
    "tile": "0/000.p/1",
}
# The log itself, its key and its checkpoint belong to no project.
LOG_OF_A_PROJECT = ("/v1/log/tile/", "/v1/log/bundle")
QUERIES = (
    {("GET", "/v1/projects/{project}/rounds/{round}/statements/{space}"): f"?party={SCHOOL}"}
    | {
        ("GET", f"/v1/projects/{{project}}/{kind}"): "?epoch=1"
        for kind in ("shares", "confirmations")
    }
    | {("DELETE", "/v1/projects/{project}/shares"): "?epoch=1"}
)


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
            for name in ("project", "upload", "run", "release", "share", "certificate", "delivery")
        )


@dataclass
class World:
    """One linkage, the objects that are asked for by name, and what its holders send."""

    linkage: Linkage
    routes: list[Route]
    ids: dict[str, str]
    holders: Holders
    containers: tuple[Container, ...] = ()
    _made: Container | None = None

    def path(self, route: Route, ids: dict[str, str]) -> str:
        if "/deliveries/{partner}" in route.pattern:
            # They are counted from 1, parts from 0.
            ids = {**ids, "number": "1"}
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
        """Return a body that the route would take from the person who may call it."""
        kinds = route.operation.get("requestBody", {}).get("content", {})
        if "application/octet-stream" in kinds:
            return PART, {
                "content-type": "application/octet-stream",
                "content-digest": content_digest(PART),
            }
        if not kinds:
            return None, {}
        return self.document(route).to_canonical(), {"content-type": "application/json"}

    def made(self) -> Container:
        if self._made is None:
            self._made = made_up(self.linkage)
        return self._made

    def nonces(self) -> SignedNonceOffer:
        """Return an offer that its party made before: the same again changes nothing."""
        offer = NonceOffer(
            project=PROJECT,
            party=CHILD_WELFARE,
            person=self.linkage.person(CHILD_WELFARE).id,
            first=1,
            nonces=(),
            void_below=1,
            at="2026-09-01T06:00:00Z",
        )
        signature = self.linkage.signature("nonces", offer, CHILD_WELFARE)
        return SignedNonceOffer(offer=offer, signature=signature)

    def document(self, route: Route) -> Any:
        """Return a document that the route would take from the person who may call it."""
        if route.pattern.endswith("/shares"):
            return self.holders.share(CHILD_WELFARE, SCHOOL)
        if route.pattern.endswith("/confirmations"):
            return self.holders.confirmation(CHILD_WELFARE)
        if route.pattern.endswith("/uploads"):
            return UploadRequest.from_json(self.made().request())
        if route.pattern.endswith("/commit"):
            manifest = self.linkage.manifest(self.made(), CHILD_WELFARE, partner_root=None)
            return self.linkage.signed_manifest(manifest, CHILD_WELFARE)
        if route.pattern.endswith("/nonces"):
            return self.nonces()
        if route.pattern.endswith("/corrections"):
            return Correction(reason="wrong-file")
        if route.pattern.endswith("/verification"):
            return ReleaseVerification(sha256="0" * 64)
        if route.pattern.endswith("/opening"):
            return DeliveryOpening(sha256="0" * 64, fault=None)
        return body_for(route.pattern) or RunRequest(round=1, partner=SCHOOL)


def made_up(linkage: Linkage) -> Container:
    """Return a container of people whom nobody knows, of a round that nobody opened."""
    name = RoundName(
        PROJECT, 1, SCHOOL, CHILD_WELFARE, linkage.profile.digest(), 1, bytes(32), bytes(32)
    )
    people = random_people(random.Random(7), 3)
    return build_container(people, linkage.profile, name, "smaller", {})


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
