"""A founded broker with one project that a signed agreement binds, whose persons all have keys and sign in."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response
from rigs.agreed import COUNSEL, OPERATOR, state, word_of
from rigs.agreed_copies import agree, reach
from rigs.enrolled import EnrolledPerson
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, profile_of, terms_of
from rigs.reviewing import ReviewActs
from samples.agreed import agreement_of
from samples.round_files import Container

from app.agreements.negotiation import open_project
from app.clock import utc_text
from schemas.agreement.agreement import Agreement
from schemas.agreement.negotiation import AgreementProposal, AgreementView
from schemas.agreement.statement import SignedStatement, Statement
from schemas.rounds.upload import Manifest
from schemas.signing.identity import Duty, Role

PERSONS: dict[str, tuple[str, tuple[Duty, ...]]] = {
    "ann": (CHILD_WELFARE, ("approver", "reviewer", "steward")),
    "bob": (CHILD_WELFARE, ("analyst", "recipient", "reviewer")),
    "eve": (OPERATOR, ("operator", "steward")),
    "kim": (SCHOOL, ("analyst", "approver", "recipient", "steward")),
    "lee": (SCHOOL, ("approver",)),
    "sue": (AUDITOR, ("auditor", "steward")),
}
STEWARDS = ("ann", "eve", "kim", "sue")
# Who acts where a test of other parts says only the party and the role.
USUAL = {CHILD_WELFARE: "bob", SCHOOL: "kim", AUDITOR: "sue", OPERATOR: "eve"}


@dataclass
class Accord(ReviewActs):
    """As `Linkage`, before anything is signed, with persons by name; `agreement` was proposed last."""

    persons: dict[str, EnrolledPerson] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

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
        """The first agreement, which says what the rig's terms say."""
        publics = [person.identity.public for person in self.persons.values()]
        agreement = agreement_of(self.terms, publics, log=self.broker.log.key.name).to_json()
        agreement["approvals"] = {
            "runs": "standing",
            "parties": [CHILD_WELFARE, SCHOOL],
            "asker_suffices": False,
            "releases": False,
        }
        return Agreement.from_json(agreement | changes)

    def amended(self, **changes: Any) -> Agreement:
        """The next version of the newest agreement."""
        raw = self.agreement.to_json() | changes
        raw |= {"number": self.agreement.number + 1, "previous": self.agreement.digest()}
        return Agreement.from_json(raw)

    def stated(self, name: str, what: str, **fields: Any) -> Statement:
        """A statement of a person about the newest agreement."""
        person = self.persons[name].identity.public
        before = word_of(self.broker, person.party, self.agreement.project)
        said = {"before": before, **fields}
        return state(person, self.agreement, what, self.founded.clock(), **said)

    def signed(self, name: str, what: str, *, by: str | None = None, **fields: Any) -> Any:
        """A statement with the signature of its person, or of someone else."""
        key = self.persons[by or name].identity.keys.signing_key
        return SignedStatement.of(self.stated(name, what, **fields), key)

    # Calls.

    def as_person(self, name: str) -> dict[str, str]:
        if name not in self.tokens:
            self.tokens[name] = self.persons[name].token(is_bound=False)
        return {"authorization": f"Bearer {self.tokens[name]}"}

    def as_party(self, party: str, role: Role = "agency") -> dict[str, str]:
        return self.as_person(USUAL[party]) if party in USUAL else super().as_party(party, role)

    def person(self, party: str, role: Role = "agency") -> EnrolledPerson:
        return self.persons[USUAL[party]] if party in USUAL else super().person(party, role)

    def day(self, n_days: int) -> str:
        """The day that lies so many days ahead, as agreements write it."""
        return (self.founded.clock() + timedelta(days=n_days)).date().isoformat()

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


MakeAccord = Callable[..., Accord]


@pytest.fixture
def make_accord(founded: Any, client: Any) -> Iterator[MakeAccord]:
    """Return a function that enrols everyone and opens the project.

    After the test, the auditor's verifier must find nothing wrong with the log, whatever was done.
    """
    made: list[Accord] = []

    def make() -> Accord:
        profile = profile_of()
        accord = Accord(founded, client, terms_of(profile), profile)
        made.append(accord)
        agree(accord)
        return accord

    yield make
    for accord in made:
        accord.tokens.clear()
        accord.check_log()


@pytest.fixture
def accord(ordinary_accord: None, make_accord: MakeAccord) -> Accord:
    """The project, opened; `agree` makes its first agreement bind."""
    return make_accord()


@pytest.fixture
def agreed(later_agreement: None, accord: Accord) -> Accord:
    """The project, whose first agreement binds."""
    reach(accord, lambda: bool(accord.agree()))
    return accord


@pytest.fixture
def awaiting(later_run: None, accord: Accord) -> Accord:
    """The same, once both parties have uploaded, so that a run waits for its approvals."""

    def steps() -> None:
        accord.agree()
        accord.upload_both()

    reach(accord, steps)
    return accord
