"""Persons who enrol with the broker under test and sign in there, by the agency's own code."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from httpx2 import Request, Response
from sqlalchemy import text

from app.agencies.persons import confirm_person, invite_person, revoke_person
from app.agreements.service import binding_terms
from app.broker import Broker
from encoding.broker.credential import ProofKey, sign_claim
from encoding.people.identity import Identity, new_identity
from schemas.agreement.negotiation import AgreementProposal
from schemas.api.destruction import RecordWithdrawal
from schemas.api.logged_requests import body_digest, hold_digest, share_digest
from schemas.api.runs import RunRequest
from schemas.api.sign_in import ASSERTION_TYPE, GRANT_TYPE, TOKEN_PATH, EnrolmentRequest
from schemas.documents.canonical import canonical_digest, parse_json
from schemas.documents.errors import CanonicalError, FormatError
from schemas.documents.ids import is_name, utc_text
from schemas.matchlog.destruction_kinds import RecordWithdrawn
from schemas.matchlog.share_kinds import SecretConfirmed
from schemas.matchlog.upload_kinds import UploadReceived
from schemas.rounds.destruction import SignedDestruction
from schemas.rounds.upload import SignedManifest
from schemas.signing.identity import Duty
from schemas.signing.secret_share import SignedConfirmation, SignedShare
from schemas.signing.signed_request import HEADER, SignedRequest, Where, new_request

BROKER = "https://broker.test"
TOKEN_URL = f"{BROKER}{TOKEN_PATH}"


def invite(founded: Any, party: str, *duties: Duty) -> str:
    """Return the code of a new invitation."""
    with founded.broker.database.write() as session:
        return invite_person(
            session, party=party, duties=duties, label="test", now=founded.clock()
        ).code


def confirm(founded: Any, identity: Identity) -> None:
    """Confirm a person as the operator does who has compared the fingerprint."""
    with founded.broker.database.write() as session:
        confirm_person(
            session,
            founded.broker.log,
            person_id=identity.public.person,
            fingerprint=identity.public.fingerprint(),
            actor=founded.operator,
            now=founded.clock(),
        )


def revoke(founded: Any, person: str) -> None:
    """Revoke a person as the operator does."""
    with founded.broker.database.write() as session:
        revoke_person(
            session,
            founded.broker.log,
            person_id=person,
            actor=founded.operator,
            now=founded.broker.clock(),
        )


# Who signs the requests with a token, in every broker under test.
SIGNERS: dict[str, EnrolledPerson] = {}


def sign_requests(client: Any) -> None:
    """Let a client sign each request as the person does whose token it carries."""
    client.event_hooks["request"].append(_sign)


def _sign(request: Request) -> None:
    token = request.headers.get("authorization", "").partition(" ")[2]
    path = request.url.raw_path.decode()
    is_signed = (
        path.startswith("/v1/")
        and len(path) < 280
        and request.method in ("GET", "POST", "PUT", "DELETE")
    )
    if not is_signed or token not in SIGNERS or HEADER in request.headers:
        return
    signer, bare = SIGNERS[token], path.partition("?")[0]
    states = stated(bare, request.read())
    where = place_of(signer.founded.broker, bare)
    request.headers[HEADER] = signer.sign(f"{request.method} {path}", states, where)


# Where a request's path names something in a project, the table that knows in which.
_TABLES = {
    "uploads": "upload",
    "runs": "run",
    "reviews": "run",
    "releases": "release",
    "deliveries": "delivery",
    "destructions": "destruction",
    "shares": "relayed_share",
}


def place_of(broker: Broker, path: str) -> Where:
    """Return where a request with this path is made, as its sender would know it from agreements and log."""
    _, _, room, *named = path.split("/")
    name = named[0] if named else ""
    with broker.database.read() as session:
        if room in _TABLES:
            query = text(f"SELECT project FROM {_TABLES[room]} WHERE id = :id")
            name = session.execute(query, {"id": name}).scalar() or ""
        elif room != "projects":
            name = ""
        bound = binding_terms(session, name, broker.clock())
    return Where(
        broker.log.key.name,
        name if is_name(name) else None,
        None if bound is None else bound.digest,
    )


def stated(path: str, body: bytes) -> str | None:
    """Return the digest that a person signs with a request of this body."""
    said = _json(body)
    if not body:
        return None
    if said is None:
        return hashlib.sha256(body).hexdigest()
    with suppress(FormatError):
        if path.endswith("/commit"):
            return body_digest(UploadReceived.of(SignedManifest.from_json(said)))
        if path.endswith("/shares"):
            return share_digest(SignedShare.from_json(said))
        if path.endswith("/confirmations"):
            return body_digest(SecretConfirmed.of(SignedConfirmation.from_json(said)))
        if path.endswith("/withdrawals"):
            commitment = RecordWithdrawal.from_json(said).commitment()
            return body_digest(RecordWithdrawn(commitment=commitment))
        if path.endswith("/agreements"):
            return AgreementProposal.from_json(said).agreement.digest()
        if path.endswith("/legal-holds"):
            signed, notice = SignedDestruction.from_json(said), said["said"]
            return hold_digest(notice.get("act"), notice.get("order"), signed.digest())
        if path.endswith("/runs"):
            return RunRequest.from_json(said).digest()
    return canonical_digest(said)


def _json(body: bytes) -> Any:
    with suppress(CanonicalError):
        return parse_json(body)
    return None


@dataclass
class EnrolledPerson:
    """A person with keys and one run of a program; `founded` and `client` are the fixtures of tests/app."""

    founded: Any
    client: Any
    identity: Identity
    proof_key: ProofKey = field(default_factory=ProofKey)

    @classmethod
    def confirmed(cls, founded: Any, client: Any, party: str, *duties: Duty) -> EnrolledPerson:
        """Invite, enrol and confirm a new person; the party must be there."""
        identity = new_identity(party, duties, founded.clock())
        person = cls(founded, client, identity)
        assert person.enrol(invite(founded, party, *duties)).status_code == 201
        confirm(founded, identity)
        return person

    @property
    def id(self) -> str:
        return self.identity.public.person

    def enrol(self, code: str) -> Response:
        wanted = EnrolmentRequest(code=code, identity=self.identity.signed)
        return self.client.post("/v1/enrolments", json=wanted.to_json())

    def claim(self) -> str:
        return sign_claim(self.identity, TOKEN_URL, self.founded.clock())

    def proof(self, method: str, path: str, token: str | None = None) -> str:
        return self.proof_key.prove(method, f"{BROKER}{path}", self.founded.clock(), token=token)

    def sign(self, asks: str, states: str | None, where: Where | None = None) -> str:
        """Return the header with a request as this person signs it, by default where its path says."""
        path = asks.partition(" ")[2].partition("?")[0]
        where = where or place_of(self.founded.broker, path)
        request = new_request(asks, states, utc_text(self.founded.clock()), where)
        return SignedRequest.of(request, self.identity.keys.signing_key).to_header()

    def ask_token(self, claim: str | None = None, *, proof: str | None = "") -> Response:
        """Ask for a token; an empty proof stands for an honest one, None for none."""
        headers = {}
        if proof is not None:
            headers["dpop"] = proof or self.proof("POST", TOKEN_PATH)
        answer = self.client.post(TOKEN_PATH, data=form(claim or self.claim()), headers=headers)
        if answer.status_code == 200:
            SIGNERS[answer.json()["access_token"]] = self
        return answer

    def token(self, *, is_bound: bool = True) -> str:
        answer = self.ask_token(proof="" if is_bound else None)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def headers(self, method: str, path: str, token: str) -> dict[str, str]:
        """Return the headers of one honest request with a bound token."""
        bare = path.partition("?")[0]
        return {"authorization": f"DPoP {token}", "dpop": self.proof(method, bare, token)}

    def call(self, method: str, path: str, token: str | None = None, **more: Any) -> Response:
        """Make one honest request, signing in first where no token is given."""
        headers = self.headers(method, path, token or self.token())
        return self.client.request(method, path, headers=headers, **more)


def form(claim: str, **other: str) -> dict[str, str]:
    """Return the fields with which a token is asked for."""
    return {
        "grant_type": GRANT_TYPE,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": claim,
        **other,
    }


def log_entries(founded: Any) -> list[dict[str, Any]]:
    """Return all entries of the match log, in order."""
    with founded.broker.database.read() as session:
        rows = session.execute(text("SELECT entry FROM log_leaf ORDER BY seq")).scalars()
        return [json.loads(bytes(row)) for row in rows]
