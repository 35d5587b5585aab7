"""A linkage whose agreement lets both agencies hand over columns, and what they send each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from httpx2 import Response
from rigs.agreed import OPERATOR, amend, bind
from rigs.agreed_copies import agree, reach
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage, profile_of, terms_of
from samples.agreed import agreement_of

from app.worker.sweeper import Sweeper
from encoding.people.identity import Identity
from schemas.agreement.agreement import Agreement, ProjectTerms

RAW = "application/octet-stream"
ELEMENTS = [
    {"party": CHILD_WELFARE, "name": "Placement", "use": "shared"},
    {"party": SCHOOL, "name": "School", "use": "shared"},
    {"party": SCHOOL, "name": "Grade", "use": "shared"},
]


@dataclass
class Delivering(Linkage):
    """The linkage; `elements` are the columns that its agreement lists."""

    elements: list[dict[str, str]] = field(default_factory=lambda: list(ELEMENTS))
    people: list[Identity] = field(init=False)

    def add_project(self, terms: ProjectTerms) -> Agreement:
        """Let everyone sign the agreement, which lists the columns."""
        agencies = {*terms.providers, *(one.party for one in terms.recipients)}
        self.people = [
            *(self.person(party).identity for party in sorted(agencies)),
            *(self.person(party, "auditor").identity for party in terms.auditors),
            self.person(OPERATOR, "operator").identity,
        ]
        public = [one.public for one in self.people]
        log = self.broker.log.key.name
        agreement = agreement_of(terms, public, log=log, elements=self.elements)
        bind(self.broker, self.founded.operator, agreement, self.profile, self.people)
        return agreement

    def amend(self, **changes: Any) -> None:
        """Let everyone sign the next version of the agreement."""
        self.agreement = amend(self.broker, self.agreement, self.profile, self.people, **changes)
        self.terms = self.agreement.terms()

    def link(self) -> int:
        """Make a round with matches, and close it by its claims; returns its number."""
        self.upload_both()
        self.work()
        self.exchange_claims()
        view = self.round()
        assert view["state"] == "closed"
        return int(view["round"])

    def put(  # type: ignore[override]  # parts of uploads are sent by `send`
        self,
        content: bytes = b"sealed columns",
        number: int = 1,
        *,
        sender: str = SCHOOL,
        recipient: str = CHILD_WELFARE,
        round: int = 1,
    ) -> Response:
        """Send a delivery."""
        return self.client.put(
            self.path_of(number, recipient, round),
            content=content,
            headers={**self.as_party(sender), "content-type": RAW},
        )

    def path_of(self, number: int, recipient: str, round: int) -> str:
        """Return where a delivery is sent."""
        return f"/v1/projects/{self.terms.project}/rounds/{round}/deliveries/{recipient}/{number}"

    def send(self, made: Any, party: str) -> str:
        """Open an upload and send all of its parts; returns its id."""
        upload = str(self.open(made, party).json()["upload"])
        for number, part in enumerate(made.parts):
            assert Linkage.put(self, upload, number, part, party).status_code == 200
        return upload

    def deliver(self, content: bytes = b"sealed columns", number: int = 1, **where: Any) -> str:
        """Send a delivery that is taken; returns its id."""
        answer = self.put(content, number, **where)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["delivery"])

    def fetch(self, delivery: str, party: str = CHILD_WELFARE) -> Response:
        """Fetch the file of a delivery."""
        return self.get(f"/v1/deliveries/{delivery}/file", party)

    def say(
        self, delivery: str, sha256: str, fault: str | None = None, party: str = CHILD_WELFARE
    ) -> Response:
        """Say whether a delivery could be used."""
        body = {"sha256": sha256, "fault": fault}
        return self.post_as(f"/v1/deliveries/{delivery}/opening", party, body)

    def deliveries(self, party: str = CHILD_WELFARE, role: Any = "agency") -> list[dict[str, Any]]:
        """Return the deliveries that someone sees, newest first."""
        path = f"/v1/projects/{self.terms.project}/deliveries"
        return list(self.get(path, party, role).json()["deliveries"])

    def said(self, kind: str) -> list[dict[str, Any]]:
        """Return the log's entries of this kind about deliveries, in order."""
        return [one for one in self.log_entries() if one["kind"] == f"delivery-{kind}"]

    def sweep(self) -> None:
        """Let a sweeper do all that is due."""
        Sweeper(self.broker).sweep()


MakeDelivering = Callable[..., Delivering]


@pytest.fixture
def make_delivering(founded: Any, client: Any) -> Iterator[MakeDelivering]:
    """Return a function that lets the parties sign an agreement that lists columns; terms may be changed.

    After the test, the auditor's verifier must find nothing wrong with the log, whatever was done.
    """
    made: list[Delivering] = []

    def make(elements: list[dict[str, str]] | None = None, **changes: Any) -> Delivering:
        profile = profile_of()
        one = Delivering(founded, client, terms_of(profile, **changes), profile)
        one.elements = ELEMENTS if elements is None else elements
        made.append(one)
        agree(one)
        return one

    yield make
    for one in made:
        one.check_log()


@pytest.fixture
def delivering(
    ordinary_delivery: None, later_releases: None, make_delivering: MakeDelivering
) -> Delivering:
    """The project with its ordinary terms, and a round that is closed with matches."""
    one = make_delivering()
    reach(one, one.link)
    return one


__all__ = ["Delivering", "MakeDelivering", "delivering", "make_delivering"]
