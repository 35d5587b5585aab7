"""A founded broker with one project that a signed agreement binds, whose persons all have keys and sign in."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response
from rigs.enrolled import EnrolledPerson
from rigs.linkage import (
    AUDITOR,
    CHILD_WELFARE,
    PROJECT,
    SCHOOL,
    Linkage,
    profile_of,
    terms_of,
)
from samples.agreement import AGREEMENT, direction
from samples.round_files import Container

from app.agreements.negotiation import open_project
from app.clock import utc_text
from schemas.agreement import Agreement
from schemas.identity import Duty
from schemas.negotiation import AgreementProposal, AgreementView
from schemas.statement import SignedStatement, Statement
from schemas.upload import Manifest

OPERATOR = "operator"
PERSONS: dict[str, tuple[str, tuple[Duty, ...]]] = {
    "ann": (CHILD_WELFARE, ("approver", "steward")),
    "bob": (CHILD_WELFARE, ("analyst", "recipient")),
    "eve": (OPERATOR, ("operator", "steward")),
    "kim": (SCHOOL, ("analyst", "approver", "recipient", "steward")),
    "lee": (SCHOOL, ("approver",)),
    "sue": (AUDITOR, ("auditor", "steward")),
}
STEWARDS = ("ann", "eve", "kim", "sue")
# Who acts where a test of other parts says only the party and the role.
USUAL = {CHILD_WELFARE: "bob", SCHOOL: "kim", AUDITOR: "sue", OPERATOR: "eve"}
COUNSEL = {"name": "Dana Cole", "title": "General counsel", "date": "2026-08-24"}


@dataclass
class Accord(Linkage):
    """As `Linkage`, with persons in place of issued tokens; `agreement` is the newest that was proposed."""

    tokens: dict[str, str] = field(default_factory=dict)
    agreement: Agreement = field(init=False)

    def create(self) -> Accord:
        """Enrol everyone, open the project, and write the first agreement; nothing is proposed yet."""
        self.founded.enrol(CHILD_WELFARE, SCHOOL, AUDITOR)
        for name, (party, duties) in PERSONS.items():
            self.persons[name] = EnrolledPerson.confirmed(self.founded, self.client, party, *duties)
        self.open_project(PROJECT)
        self.agreement = self.first()
        return self

    def open_project(self, project: str, *parties: str) -> None:
        with self.broker.database.write() as session:
            open_project(
                session,
                self.broker.log,
                project=project,
                parties=parties or (AUDITOR, CHILD_WELFARE, SCHOOL),
                actor=self.founded.operator,
                now=self.founded.clock(),
            )

    # Documents.

    def first(self, **changes: Any) -> Agreement:
        """The first agreement, which says what the rig's operator-made terms say."""
        raw = copy.deepcopy(AGREEMENT)
        terms = terms_of(self.profile).to_json()
        raw |= {name: terms[name] for name in ("policy", "profile", "spaces")}
        raw |= {"project": PROJECT, "parties": self._parties(), "elements": []}
        raw["directions"] = [
            direction(giver, receiver, "court-order")
            for giver in (CHILD_WELFARE, SCHOOL)
            for receiver in (CHILD_WELFARE, OPERATOR, SCHOOL)
            if giver != receiver
        ]
        raw["purpose"] |= {"code": "school-support"}
        raw["population"] |= {"code": "pupils"}
        raw["recipients"] = [{**one, "onward": None} for one in terms["recipients"]]
        raw["policy_range"] = None
        raw["approvals"] = {
            "runs": "standing",
            "parties": [CHILD_WELFARE, SCHOOL],
            "asker_suffices": False,
            "releases": False,
        }
        raw["limits"] = {"files": terms["files"], "budget": None, "floor": 3}
        raw["schedule"] = {"frequency": "on-request", "round_days": 7, "note": None}
        raw["retention"] |= {"keep_encodings_days": 30, "keep_links_days": 90}
        raw["finality"] = {"cosigners": 0, "delays_release": False}
        return Agreement.from_json(raw | changes)

    def amended(self, **changes: Any) -> Agreement:
        """The next version of the newest agreement."""
        raw = self.agreement.to_json() | changes
        raw |= {"number": self.agreement.number + 1, "previous": self.agreement.digest()}
        return Agreement.from_json(raw)

    def stated(self, name: str, what: str, **fields: Any) -> Statement:
        """A statement of a person about the newest agreement."""
        raw = {
            "version": f"blindlink/{what}/1",
            "project": self.agreement.project,
            "agreement": self.agreement.digest(),
            "party": self.persons[name].identity.public.party,
            "person": self.persons[name].id,
            "at": utc_text(self.founded.clock()),
            **fields,
        }
        unsigned = {"statement": raw, "changes": [], "signature": "A" * 86 + "=="}
        statement: Statement = SignedStatement.from_json(unsigned).statement
        return statement

    def signed(self, name: str, what: str, *, by: str | None = None, **fields: Any) -> Any:
        """A statement with the signature of its person, or of somebody else."""
        key = self.persons[by or name].identity.keys.signing_key
        return SignedStatement.of(self.stated(name, what, **fields), key)

    # Calls.

    def as_person(self, name: str) -> dict[str, str]:
        if name not in self.tokens:
            self.tokens[name] = self.persons[name].token(is_bound=False)
        return {"authorization": f"Bearer {self.tokens[name]}"}

    def as_party(self, party: str, role: str = "agency") -> dict[str, str]:
        return self.as_person(USUAL[party]) if party in USUAL else self.bearer(party, role)

    def person(self, party: str) -> EnrolledPerson:
        return self.persons[USUAL[party]]

    def sleep(self, **time: float) -> None:
        """Let time pass; everybody signs in anew."""
        self.founded.clock.move(**time)
        self.tokens.clear()

    def post(self, path: str, name: str, body: Any) -> Response:
        return self.client.post(path, json=body.to_json(), headers=self.as_person(name))

    def about(self, kind: str) -> str:
        return f"/v1/projects/{self.agreement.project}/{kind}"

    def propose(self, agreement: Agreement | None = None, name: str = "ann") -> Response:
        self.agreement = agreement or self.agreement
        proposal = AgreementProposal(agreement=self.agreement, profile=self.profile)
        return self.post(self.about("agreements"), name, proposal)

    def consent(self, name: str, **fields: Any) -> Response:
        signed = self.signed(name, "consent", **{"counsel": COUNSEL, **fields})
        return self.post(self.about("consents"), name, signed)

    def notice(self, name: str, act: str, **fields: Any) -> Response:
        signed = self.signed(name, "notice", **{"act": act, "reason": "A reason.", **fields})
        return self.post(self.about("notices"), name, signed)

    def agree(self, agreement: Agreement | None = None) -> AgreementView:
        """Propose an agreement and let everyone sign it."""
        answer = self.propose(agreement)
        assert answer.status_code == 201, answer.text
        for name in STEWARDS:
            answer = self.consent(name)
            assert answer.status_code == 200, answer.text
        self.terms = self.agreement.terms()
        return AgreementView.from_json(answer.json())

    def approve(self, name: str, run: dict[str, Any], step: str = "run", **fields: Any) -> Response:
        signed = self.approval(name, run, step, **fields)
        return self.post(f"/v1/runs/{run['run']}/approvals", name, signed)

    def approval(self, name: str, run: dict[str, Any], step: str = "run", **fields: Any) -> Any:
        stated: dict[str, Any] = {
            "approval": f"apv-{secrets.token_hex(16)}",
            "step": step,
            "run": run["run"],
            "specification_sha256": run["specification_sha256"],
            "expires": utc_text(self.founded.clock() + timedelta(days=7)),
        }
        return self.signed(name, "run-approval", **{**stated, **fields})

    def stand(self, name: str, **fields: Any) -> Response:
        """Approve runs in advance."""
        stated: dict[str, Any] = {
            "approval": f"apv-{secrets.token_hex(16)}",
            "policy_sha256": self.agreement.policy.digest(),
            "until": self.agreement.end,
            "runs": 10,
        }
        signed = self.signed(name, "standing-approval", **{**stated, **fields})
        return self.post(self.about("standing-approvals"), name, signed)

    def take_back(self, name: str, approval: str) -> Response:
        signed = self.signed(name, "approval-revocation", approval=approval)
        return self.post(self.about("revocations"), name, signed)

    def manifest(self, made: Container, party: str, /, **changes: Any) -> Manifest:
        now = self.founded.clock()
        stated = {
            "agreement": self.agreement.digest(),
            "as_of": utc_text(now - timedelta(days=1))[:10],
            "created": utc_text(now),
        }
        return super().manifest(made, party, **{**stated, **changes})

    def _parties(self) -> list[dict[str, Any]]:
        kinds = {
            AUDITOR: "auditor",
            CHILD_WELFARE: "agency",
            OPERATOR: "operator",
            SCHOOL: "agency",
        }
        holders = {CHILD_WELFARE: "bob", SCHOOL: "kim"}
        made = []
        for party in sorted(kinds):
            publics = [
                person.identity.public.to_json()
                for person in self.persons.values()
                if person.identity.public.party == party
            ]
            holder = self.persons[holders[party]].id if party in holders else None
            made.append(
                {
                    "name": party,
                    "kind": kinds[party],
                    "title": party.title(),
                    "capacity": f"acts as {kinds[party]}",
                    "contact": "Duty officer, 555-0100",
                    "persons": sorted(publics, key=lambda public: str(public["person"])),
                    "holder": holder,
                }
            )
        return made


MakeAccord = Callable[..., Accord]


@pytest.fixture
def make_accord(founded: Any, client: Any, bearer: Any) -> Iterator[MakeAccord]:
    """Return a function that enrols everyone and opens the project.

    After the test, the auditor's verifier must find nothing wrong with the log, whatever was done.
    """
    made: list[Accord] = []

    def make() -> Accord:
        profile = profile_of()
        accord = Accord(founded, client, bearer, terms_of(profile), profile)
        made.append(accord)
        return accord.create()

    yield make
    for accord in made:
        accord.tokens.clear()
        accord.check_log()


@pytest.fixture
def accord(make_accord: MakeAccord) -> Accord:
    """The project, opened; `agree` makes its first agreement bind."""
    return make_accord()
