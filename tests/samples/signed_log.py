"""A project in a sample log that a signed agreement binds, with the real signatures of its persons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from samples.agreement import AGREEMENT
from samples.parties import (
    ANN,
    BROKER,
    CW,
    K12,
    OPERATOR,
    PEOPLE,
    PROFILE,
    SIGNERS,
    identity,
    signing_key,
    terms_of,
)

from schemas.agreement.agreement import Agreement
from schemas.agreement.statement import SignedStatement, Statement
from schemas.matchlog import agreement_kinds as signed_kinds
from schemas.matchlog import run_kinds
from schemas.matchlog.entry import Actor, Entry

if TYPE_CHECKING:
    from samples.log import SampleLog

ACCORD = "accord"
PARTY_OF = {"child-welfare": "county-cw", "k12": "school-district", "data-center": "data-center"}


def accord_of(**changes: Any) -> Agreement:
    """The example's agreement among the parties of the sample log, with these fields changed."""
    text = json.dumps(AGREEMENT)
    for old, new in PARTY_OF.items():
        text = text.replace(json.dumps(old), json.dumps(new))
    raw = json.loads(text)
    plain = terms_of(ACCORD).to_json()
    raw["parties"] = raw["parties"][:3]
    for party in raw["parties"]:
        own = [one for one in PEOPLE if one.party == party["name"]]
        party["persons"] = [identity(one).to_json() for one in own]
        party["holder"] = party["holder"] and own[0].person
    raw |= {"project": ACCORD, "profile": PROFILE, "policy": plain["policy"]}
    raw["limits"] |= {"files": plain["files"]}
    raw["population"] |= {"code": "pupils"}
    raw["purpose"] |= {"code": "foster-care-education"}
    return Agreement.from_json(raw | changes)


class SignedProject:
    """A project, opened when it is made, with its parties' persons enrolled. `agreement` is its newest."""

    def __init__(
        self,
        log: SampleLog,
        project: str = ACCORD,
        parties: Sequence[str] = tuple(PARTY_OF.values()),
    ) -> None:
        self.log, self.project = log, project
        log.enrol(*(SIGNERS[party] for party in parties))
        body = signed_kinds.ProjectOpened(parties=tuple(parties))
        log.append(body, project=project, actor=OPERATOR)

    # Negotiation.

    def propose(
        self, agreement: Agreement | None = None, who: Actor = ANN, **fields: Any
    ) -> Agreement:
        """Propose an agreement; by default the example's."""
        self.agreement = agreement or accord_of(project=self.project)
        body = signed_kinds.AgreementProposed(agreement=self.agreement)
        self._about(body, who, **fields)
        return self.agreement

    def consent(self, who: Actor, **fields: Any) -> Entry:
        """Let a person's party consent, with its counsel where that has to sign."""
        counsel = {"name": "Dana Cole", "title": "General counsel", "date": "2026-08-24"}
        needs_none = self.agreement.amends is not None
        key = fields.pop("key", None)
        said = None if needs_none else counsel
        signed = self.signed(who, "consent", key=key, counsel=said)
        return self._about(signed_kinds.AgreementSigned(signed=signed), who, **fields)

    def in_force(self, **fields: Any) -> Entry:
        """Let the agreement come into force, in the batch of the last consent where that was just now."""
        if self.log.entries[-1].kind == "agreement-signed":
            self.log.reopen()
        agreement = self.agreement
        body = signed_kinds.AgreementInForce(number=agreement.number, start=agreement.start)
        entry = self._about(body, BROKER, **fields)
        self.log.agreements[self.project] = agreement.digest()
        self.log.terms[self.project] = agreement.terms()
        return entry

    def agree(self, agreement: Agreement | None = None) -> SignedProject:
        """Propose an agreement and let all parties consent, so that it comes into force; open a round then."""
        self.propose(agreement)
        for party in self.agreement.names():
            self.consent(SIGNERS[party])
        self.in_force()
        if self.agreement.start <= self.log.now()[:10]:
            self.log.rounds(self.project).ensure_open()
        return self

    def amended(self, **changes: Any) -> Agreement:
        """The next version of the newest agreement."""
        raw = self.agreement.to_json() | changes
        raw |= {"number": self.agreement.number + 1, "previous": self.agreement.digest()}
        return Agreement.from_json(raw)

    def roster(self, party: str, *persons: Actor, **changes: Any) -> Agreement:
        """The next version, in which these are a party's persons and nothing else changes."""
        raw = self.agreement.to_json()
        for one in raw["parties"]:
            if one["name"] == party:
                one["persons"] = [identity(person).to_json() for person in persons]
        amends = {"only": "persons", "party": party}
        return self.amended(**{"parties": raw["parties"], "amends": amends, **changes})

    def change_roster(self, steward: Actor, *persons: Actor) -> Entry:
        """Let a steward change who acts for their party."""
        self.propose(self.roster(steward.party, *persons), steward)
        self.consent(steward)
        return self.in_force()

    def notice(self, who: Actor, act: str, **fields: Any) -> Entry:
        """Let a person's party suspend, resume or withdraw."""
        stated = {one: fields.pop(one) for one in ("at", "before") if one in fields}
        signed = self.signed(who, "notice", act=act, reason="A reason.", **stated)
        body = {
            "suspend": signed_kinds.AgreementSuspended,
            "resume": signed_kinds.AgreementResumed,
            "withdraw": signed_kinds.AgreementWithdrawn,
        }[act](signed=signed)
        return self._about(body, who, **fields)

    # Runs.

    def uploads(self, **changes: Any) -> list[Entry]:
        """One upload of each agency in the open round."""
        return [self.log.upload(self.project, who, **changes) for who in (CW, K12)]

    def ask(self, uploads: list[Entry] | None = None, **changes: Any) -> Entry:
        """Ask for a run."""
        specification = self.log.specification(self.project, uploads or self.uploads())
        return self.log.ask(specification.model_copy(update=changes))

    def approve(self, who: Actor, asked: Entry, step: str = "run", **fields: Any) -> Entry:
        """Approve a step of a run."""
        body = signed_kinds.RunApproved(signed=self.approval(who, asked, step, **fields))
        return self.log.append(body, project=self.project, object=asked.object, actor=who)

    def approval(
        self, who: Actor, asked: Entry, step: str = "run", **fields: Any
    ) -> SignedStatement:
        """A signed approval of a run."""
        assert isinstance(asked.body, run_kinds.RunAsked)
        expires = self.log.now(timedelta(days=7))
        stated: dict[str, Any] = {
            "approval": self.log.id("apv"),
            "step": step,
            "run": asked.object,
            "specification_sha256": asked.body.specification_sha256,
            "expires": expires,
        }
        return self.signed(who, "run-approval", **{**stated, **fields})

    def stand(self, who: Actor, **fields: Any) -> tuple[Entry, str]:
        """Approve runs in advance; returns the approval's id, too."""
        stated: dict[str, Any] = {
            "approval": self.log.id("apv"),
            "policy_sha256": self.agreement.policy.digest(),
            "until": self.agreement.end,
            "runs": 52,
        }
        stated |= fields
        signed = self.signed(who, "standing-approval", **stated)
        body = signed_kinds.StandingApproved(signed=signed)
        entry = self.log.append(body, project=self.project, actor=who)
        return entry, stated["approval"]

    def take_back(self, who: Actor, approval: str) -> Entry:
        """Revoke a standing approval."""
        signed = self.signed(who, "approval-revocation", approval=approval)
        body = signed_kinds.StandingRevoked(signed=signed)
        return self.log.append(body, project=self.project, actor=who)

    def use(self, asked: Entry, party: str, approval: str) -> Entry:
        """Let a standing approval stand for a party's approval."""
        body = signed_kinds.StandingUsed(party=party, approval=approval)
        return self.log.append(body, project=self.project, object=asked.object)

    def finish(self, asked: Entry) -> list[Entry]:
        """Do a run that may start, to its releases."""
        self.log.start(asked)
        return self.log.finish_run(asked)

    def signed(
        self, who: Actor, what: str, *, key: bytes | None = None, **fields: Any
    ) -> SignedStatement:
        """A statement of a person about the newest agreement, signed with their key or another one."""
        changes = fields.pop("changes", ())
        raw = {
            "version": f"blindlink/{what}/1",
            "project": self.project,
            "agreement": self.agreement.digest(),
            "party": who.party,
            "person": who.person,
            "before": self.last_word(who.party),
            "at": self.log.now(),
            **fields,
        }
        unsigned = {"statement": raw, "changes": [], "signature": "A" * 86 + "=="}
        statement: Statement = SignedStatement.from_json(unsigned).statement
        signing = signing_key(key) if key else self.log.key_of(who.person or "")
        return SignedStatement.of(statement, signing, changes=changes)

    def last_word(self, party: str) -> str | None:
        """The digest of what a party has signed last in the project."""
        said = (
            entry.body.signed.statement
            for entry in reversed(self.log.entries)
            if entry.project == self.project and isinstance(entry.body, signed_kinds.SignedBody)
            if entry.seq not in self.log.untold
        )
        return next((one.digest() for one in said if one.party == party), None)

    def _about(self, body: Any, who: Actor, **fields: Any) -> Entry:
        written = {"agreement": self.agreement.digest(), "actor": who, **fields}
        return self.log.append(body, project=self.project, **written)


def everything_signed(log: SampleLog) -> None:
    """Add a project in which every kind of entry about agreements occurs; ann signs no later ones."""
    project = SignedProject(log)
    log.export(ACCORD)
    project.agree()
    project.notice(K12, "suspend")
    log.moment += timedelta(hours=1)
    project.notice(K12, "resume")
    asked = project.ask()
    project.approve(ANN, asked)
    _, standing = project.stand(K12)
    project.use(asked, "school-district", standing)
    prepared = project.finish(asked)
    log.fetch(prepared[0], CW)
    project.change_roster(K12, K12)
    project.take_back(K12, standing)
    changes = (log.rotate(ANN, 21),)
    log.moment += timedelta(hours=1)
    signed = project.signed(ANN, "notice", act="suspend", reason="New keys.", changes=changes)
    project._about(signed_kinds.AgreementSuspended(signed=signed), ANN)
    project.notice(K12, "withdraw")
    for release in prepared:
        log.destroy_release(release)
    for received in log.entries:
        if received.project == ACCORD and received.kind == "upload-received":
            log.destroy(received)
