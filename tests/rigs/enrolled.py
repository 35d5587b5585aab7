"""Persons who enrol with the broker under test and sign in there, by the agency's own code."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from httpx2 import Response
from sqlalchemy import text

from app.agencies.persons import confirm_person, invite_person, revoke_person
from encoding.broker.sign_in import ProofKey, sign_claim
from encoding.people.identity import Identity, new_identity
from schemas.identity import Duty
from schemas.sign_in import ASSERTION_TYPE, GRANT_TYPE, TOKEN_PATH, EnrolmentRequest

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
            now=founded.clock(),
        )


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

    def ask_token(self, claim: str | None = None, *, proof: str | None = "") -> Response:
        """Ask for a token; an empty proof stands for an honest one, None for none."""
        headers = {}
        if proof is not None:
            headers["dpop"] = proof or self.proof("POST", TOKEN_PATH)
        return self.client.post(TOKEN_PATH, data=form(claim or self.claim()), headers=headers)

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
