"""Holders of a secret at their desks: what each of them sends to a broker, made by the agency's own code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage

from encoding.people.identity import Identity, new_identity
from encoding.secret.agreement import (
    Contribution,
    confirm,
    holders_of,
    make_secret,
    open_shares,
    seal_share,
)
from encoding.secret.secret import Marks, Secret
from schemas.signing.secret_share import (
    SecretHolders,
    SelfTest,
    SignedConfirmation,
    SignedShare,
    StepTest,
)

NOW = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
STEP = StepTest(rules="1" * 64, result="2" * 64)
SELF_TEST = SelfTest(recipe=STEP, rows=STEP, software="blindlink-0.1.0")


@dataclass
class Holders:
    """The holders of one epoch's secret, with their keys and contributions."""

    project: str
    epoch: int
    people: dict[str, Identity]
    contributions: dict[str, Contribution]

    @property
    def document(self) -> SecretHolders:
        public = [identity.public for identity in self.people.values()]
        return holders_of(self.project, self.epoch, public)

    def share(self, sender: str, recipient: str) -> SignedShare:
        """Seal the sender's contribution, newly each time."""
        return seal_share(
            self.contributions[sender],
            self.document,
            self.people[sender],
            self.people[recipient].public,
            NOW,
        )

    def secret_of(self, party: str, shares: list[SignedShare]) -> Secret:
        """Open what was sent to a party and make the secret of it."""
        others = {name: one.public for name, one in self.people.items() if name != party}
        opened = open_shares(shares, self.document, self.people[party], others)
        return make_secret(self.document, opened | {party: self.contributions[party]})

    def secret(self) -> Secret:
        return make_secret(self.document, self.contributions)

    def confirmation(self, party: str) -> SignedConfirmation:
        marks = Marks.of(self.secret(), self.project, self.epoch)
        return confirm(marks, self.document, self.people[party], SELF_TEST, NOW)


def holders_at(linkage: Linkage, *more: str, project: str = PROJECT, epoch: int = 1) -> Holders:
    """Return new contributions of the persons of both agencies, and of more parties that nobody enrolled."""
    people = {party: linkage.person(party).identity for party in (CHILD_WELFARE, SCHOOL)}
    people |= {party: new_identity(party, ("analyst",), NOW) for party in more}
    return Holders(project, epoch, people, {party: Contribution.draw() for party in people})


def make_holders(project: str, *parties: str, epoch: int = 1) -> Holders:
    people = {party: new_identity(party, ("analyst",), NOW) for party in parties}
    return Holders(project, epoch, people, {party: Contribution.draw() for party in parties})
