"""One call of every operation by every person of a signed linkage, with objects that exist and bodies that fit.

What an answer names, later calls use: a certificate, the digest of a file, the code of a link.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from rigs.destroying import certificate_file, countersignature, hold_notice, statement
from rigs.enrolled import form, invite
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, content_digest
from rigs.route_matrix import NOTHING, Route, World, routes_of
from rigs.signed import COUNSEL, PERSONS, STEWARDS, Accord
from rigs.signed_scene import Scene, busy_scene

from app.clock import utc_text
from app.http.access import COOKIE, CSRF_HEADER
from app.security.tokens import csrf_token
from encoding.people.identity import new_identity, replace_keys
from schemas.agreement.negotiation import AgreementProposal
from schemas.api.bodies import CosignatureRequest, LogCheckpoint, UploadRequest
from schemas.api.releases import ReleaseVerification
from schemas.api.runs import RunRequest
from schemas.api.sign_in import EnrolmentRequest
from schemas.documents.document import Document
from schemas.matchlog.checkpoint import cosign, parse_checkpoint
from schemas.rounds.rounds import NonceOffer, SignedNonceOffer
from schemas.rounds.upload import Signature
from schemas.signing.note import COSIGNER_KEY, NoteSigner
from schemas.signing.signatures import sign_document

# First what makes objects, then what shows them; last what ends them.
FIRST: Final = (
    "POST /v1/projects/{project}/uploads",
    "PUT /v1/uploads/{upload}/parts/{number}",
    "POST /v1/uploads/{upload}/commit",
    "GET /v1/releases/{release}/file",
    "POST /v1/releases/{release}/verification",
    "POST /v1/session-links",
    "POST /session",
)
LAST: Final = (
    "DELETE /session",
    "POST /v1/runs/{run}/cancel",
    "POST /v1/projects/{project}/runs",
    "POST /v1/uploads/{upload}/destruction",
    "GET /v1/destructions/{certificate}",
    "POST /v1/destructions/{certificate}/countersignatures",
    "POST /v1/projects/{project}/rounds/{round}/corrections",
    "POST /v1/projects/{project}/destruction-statements",
    "POST /v1/projects/{project}/agreements",
    "POST /v1/projects/{project}/consents",
    "POST /v1/projects/{project}/notices",
    "DELETE /v1/projects/{project}/shares",
    "POST /v1/projects/{project}/destruction",
    "POST /v1/projects/{project}/legal-holds",
    "POST /v1/key-changes",
)


@dataclass
class Tour:
    """The calls; `ids` and `heard` grow with what was answered."""

    accord: Accord
    scene: Scene
    world: World
    heard: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, accord: Accord) -> Tour:
        scene = busy_scene(accord)
        world = World(accord, list(routes_of(accord)), NOTHING | scene.ids(), scene.holders)
        return cls(accord, scene, world)

    def calls(self) -> Iterator[tuple[Route, str, Any]]:
        """Yield each operation with a person who called it, or "nobody", and the answer."""
        for route in sorted(self.world.routes, key=_place):
            for name in PERSONS if route.roles else ("nobody",):
                answer = self._call(route, name)
                if answer.status_code < 300:
                    self._hear(route, answer)
                yield route, name, answer

    def _call(self, route: Route, name: str) -> Any:
        headers = self._credential(route, name)
        path = self.world.path(route, self._ids(route))
        content, media_type = self._body(route, name)
        if content is not None:
            headers = headers | {
                "content-type": media_type,
                "content-digest": content_digest(content),
            }
        return self.accord.client.request(route.method, path, content=content, headers=headers)

    def _credential(self, route: Route, name: str) -> dict[str, str]:
        if route.is_page:
            cookie = self.accord.client.cookies.get(COOKIE) or ""
            return {CSRF_HEADER: csrf_token(cookie)}
        return {} if name == "nobody" else self.accord.as_person(name)

    def _ids(self, route: Route) -> dict[str, str]:
        if route.pattern.endswith("/match-record"):
            runs = self.accord.get(f"/v1/projects/{PROJECT}/runs").json()["runs"]
            done = next(run["run"] for run in runs if run["state"] == "succeeded")
            return self.world.ids | {"run": done}
        if route.pattern.endswith("/corrections"):
            return self.world.ids | {"round": "2"}
        return self.world.ids | ({"number": "2"} if "/parts/" in route.pattern else {})

    def _hear(self, route: Route, answer: Any) -> None:
        if route.pattern.endswith("/commit"):
            self.scene.run = self.scene.newest_run()
            self.world.ids["run"] = self.scene.run["run"]
        if route.pattern.endswith("/file"):
            self.heard["sha256"] = hashlib.sha256(answer.content).hexdigest()
        if route.pattern == "/v1/session-links":
            self.heard["code"] = answer.json()["code"]
        if route.name == "POST /v1/uploads/{upload}/destruction":
            self.world.ids["certificate"] = answer.json()["certificate"]
        if route.name == "POST /v1/projects/{project}/agreements":
            self.accord.agreement = self.accord.amended()

    def _body(self, route: Route, name: str) -> tuple[bytes | None, str]:
        kinds = route.operation.get("requestBody", {}).get("content", {})
        if not kinds:
            return None, ""
        (media_type,) = kinds
        if media_type == "application/octet-stream":
            return self.scene.made.parts[2], media_type
        if route.pattern == "/v1/token":
            return urlencode(form(self.accord.persons["bob"].claim())).encode(), media_type
        if route.pattern == "/session":
            return json.dumps({"code": self.heard["code"]}).encode(), media_type
        make = BODIES.get(route.pattern.rsplit("/", 1)[-1])
        document = make(self, name) if make else self.world.document(route)
        return document.to_canonical(), media_type

    # Bodies.

    def upload(self, _: str) -> Document:
        return UploadRequest.from_json(self.scene.made.request())

    def again(self, _: str) -> Document:
        return RunRequest(round=2, partner=SCHOOL)

    def manifest(self, _: str) -> Document:
        return self.accord.signed_manifest(self.scene.manifest(), CHILD_WELFARE)

    def nonces(self, name: str) -> Document:
        accord = self.accord
        party = accord.persons[name].identity.public.party
        offer = NonceOffer(
            project=PROJECT,
            party=party,
            person=accord.persons[name].id,
            first=self.scene.next_nonce,
            nonces=(),
            void_below=1,
            at=utc_text(accord.founded.clock()),
        )
        key = accord.persons[name].identity
        signature = Signature(
            party=party,
            person=key.public.person,
            key=key.public.key_sha256(),
            signature=sign_document("nonces", offer.to_json(), key.keys.signing_key),
        )
        return SignedNonceOffer(offer=offer, signature=signature)

    def verification(self, _: str) -> Document:
        return ReleaseVerification(sha256=self.heard["sha256"])

    def enrolment(self, _: str) -> Document:
        identity = new_identity(SCHOOL, ("analyst",), self.accord.founded.clock())
        code = invite(self.accord.founded, SCHOOL, "analyst")
        return EnrolmentRequest(code=code, identity=identity.signed)

    def key_change(self, name: str) -> Document:
        person = self.accord.persons[name]
        person.identity, change = replace_keys(person.identity, self.accord.founded.clock())
        return change

    def proposal(self, _: str) -> Document:
        return AgreementProposal(agreement=self.accord.amended(), profile=self.accord.profile)

    def consent(self, name: str) -> Document:
        return self.accord.signed(name, "consent", counsel=COUNSEL)

    def notice(self, name: str) -> Document:
        return self.accord.signed(name, "notice", act="suspend", reason="A reason.")

    def approval(self, name: str) -> Document:
        return self.accord.approval(name, self.scene.run)

    def standing(self, name: str) -> Document:
        return self.accord.signed(
            name,
            "standing-approval",
            approval=_standing_of(name),
            policy_sha256=self.accord.agreement.policy.digest(),
            until=utc_text(self.accord.founded.clock() + timedelta(days=7))[:10],
            runs=10,
        )

    def revocation(self, name: str) -> Document:
        return self.accord.signed(name, "approval-revocation", approval=_standing_of(name))

    def countersignature(self, name: str) -> Document:
        file = certificate_file(self.accord, self.world.ids["certificate"])
        return countersignature(self.accord.persons[_steward(name)], file)

    def statement(self, name: str) -> Document:
        return statement(self.accord.persons[_steward(name)], none_left=["handle-map"])

    def hold(self, name: str) -> Document:
        return hold_notice(self.accord.persons[_steward(name)], "set")

    def cosignature(self, name: str) -> Document:
        accord, keys = self.accord, self.accord.persons[name].identity
        shown = LogCheckpoint.from_json(accord.get("/v1/log/checkpoint").json()).checkpoint
        checkpoint, note = parse_checkpoint(shown.encode())
        signer = NoteSigner(keys.public.party, keys.keys.signing_key, COSIGNER_KEY)
        line = cosign(note.text, signer, int(accord.founded.clock().timestamp())).line
        return CosignatureRequest(size=checkpoint.size, key=signer.verifier_key.text, line=line)


# The last part of a route's path -> the body that it takes.
BODIES: Final[dict[str, Callable[[Tour, str], Document]]] = {
    "uploads": Tour.upload,
    "commit": Tour.manifest,
    "runs": Tour.again,
    "nonces": Tour.nonces,
    "verification": Tour.verification,
    "enrolments": Tour.enrolment,
    "key-changes": Tour.key_change,
    "agreements": Tour.proposal,
    "consents": Tour.consent,
    "notices": Tour.notice,
    "approvals": Tour.approval,
    "standing-approvals": Tour.standing,
    "revocations": Tour.revocation,
    "countersignatures": Tour.countersignature,
    "destruction-statements": Tour.statement,
    "legal-holds": Tour.hold,
    "cosignatures": Tour.cosignature,
}


def _place(route: Route) -> tuple[int, int]:
    if route.name in FIRST:
        return 0, FIRST.index(route.name)
    if route.name in LAST:
        return 3, LAST.index(route.name)
    return (1 if route.method == "GET" else 2), 0


def _steward(name: str) -> str:
    """Return who signs what a person sends: without the duty, nothing can be signed."""
    return name if name in STEWARDS else "ann"


def _standing_of(name: str) -> str:
    return f"apv-{hashlib.sha256(name.encode()).hexdigest()[:32]}"
