"""A project in a sample log that a signed agreement binds, with the real signatures of its persons."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from samples.agreement import AGREEMENT, PEOPLE, person_id, private
from samples.log import OPERATOR, PROFILE, SampleLog, terms_of
from vectors.agreement import key_change
from vectors.identity import private_bytes

from schemas.agreement import Agreement
from schemas.identity import SignedKeyChange, sign_key_change
from schemas.matchlog import agreement_kinds as signed_kinds
from schemas.matchlog import kinds
from schemas.matchlog.entry import Actor, Entry
from schemas.statement import SignedStatement, Statement

ACCORD = "accord"
PARTY_OF = {"child-welfare": "county-cw", "k12": "school-district", "data-center": "data-center"}
NAMES = ("ann", "bob", "eve", "kim", "pat")


def actor(name: str) -> Actor:
    """A person as entries name them."""
    party = PARTY_OF[PEOPLE[name][1]]
    return Actor(
        party=party,
        person=person_id(name),
        role="operator" if name == "eve" else "agency",
        signed=None,
    )


ANN, BOB, EVE, KIM, PAT = map(actor, NAMES)
SIGNERS = {"county-cw": "ann", "data-center": "eve", "school-district": "kim"}


def agreement_of(**changes: Any) -> Agreement:
    """The example's agreement among the parties of the sample log, with these fields changed."""
    text = json.dumps(AGREEMENT)
    for old, new in PARTY_OF.items():
        text = text.replace(json.dumps(old), json.dumps(new))
    raw = json.loads(text)
    plain = terms_of(ACCORD).to_json()
    raw["parties"] = raw["parties"][:3]
    raw |= {"project": ACCORD, "profile": PROFILE, "policy": plain["policy"]}
    raw["limits"] |= {"files": plain["files"]}
    raw["population"] |= {"code": "pupils"}
    raw["purpose"] |= {"code": "foster-care-education"}
    return Agreement.from_json(raw | changes)


class SignedProject:
    """The project `accord`; made with its parties' persons enrolled, and opened. `agreement` is its newest."""

    def __init__(self, log: SampleLog, project: str = ACCORD) -> None:
        self.log, self.project = log, project
        log.agreements[project] = None
        log.agents |= {(project, one.party): one for one in (BOB, KIM)}
        for name in NAMES:
            own = Ed25519PrivateKey.from_private_bytes(private(name)[:32])
            log.keys[person_id(name)] = own
        if not any(entry.actor.party == "data-center" for entry in log.entries):
            self._enrol()
        parties = tuple(sorted(PARTY_OF.values()))
        log.append(signed_kinds.ProjectOpened(parties=parties), project=project, actor=OPERATOR)

    def _enrol(self) -> None:
        body = kinds.PartyEnrolled(party="data-center", role="operator", fingerprint=None)
        self.log.append(body, actor=OPERATOR)
        for party in agreement_of().parties:
            for person in party.persons:
                enrolled = kinds.PersonEnrolled(
                    party=party.name,
                    person=person.person,
                    duties=person.duties,
                    signing_key=person.signing_key,
                    receiving_key=person.key_digests()[1],
                )
                self.log.append(enrolled, actor=OPERATOR)
        self.log.append(
            kinds.RoleChanged(party="data-center", person=None, role="operator", change="granted"),
            actor=EVE,
        )

    # Negotiation.

    def propose(
        self, agreement: Agreement | None = None, who: Actor = ANN, **fields: Any
    ) -> Agreement:
        """Propose an agreement; by default the example's."""
        self.agreement = agreement or agreement_of(project=self.project)
        body = signed_kinds.AgreementProposed(agreement=self.agreement)
        self._about(body, who, **fields)
        return self.agreement

    def consent(self, name: str, **fields: Any) -> Entry:
        """Let a person's party consent, with its counsel where that has to sign."""
        counsel = {"name": "Dana Cole", "title": "General counsel", "date": "2026-08-24"}
        needs_none = self.agreement.amends is not None
        signed = self.signed(name, "consent", counsel=None if needs_none else counsel)
        return self._about(signed_kinds.AgreementSigned(signed=signed), actor(name), **fields)

    def in_force(self, **fields: Any) -> Entry:
        """Let the agreement come into force."""
        agreement = self.agreement
        body = signed_kinds.AgreementInForce(number=agreement.number, start=agreement.start)
        entry = self._about(body, EVE, **fields)
        self.log.agreements[self.project] = agreement.digest()
        self.log.terms[self.project] = agreement.terms()
        return entry

    def agree(self, agreement: Agreement | None = None) -> SignedProject:
        """Propose an agreement and let all parties consent, so that it comes into force; open a round then."""
        self.propose(agreement)
        for name in SIGNERS.values():
            self.consent(name)
        self.in_force()
        if self.agreement.start <= self.log.now()[:10]:
            self.log.rounds(self.project).ensure_open()
        return self

    def amended(self, **changes: Any) -> Agreement:
        """The next version of the newest agreement."""
        raw = self.agreement.to_json() | changes
        raw |= {"number": self.agreement.number + 1, "previous": self.agreement.digest()}
        return Agreement.from_json(raw)

    def roster(self, party: str, *names: str, **changes: Any) -> Agreement:
        """The next version, in which these are a party's persons and nothing else changes."""
        raw = self.agreement.to_json()
        for one in raw["parties"]:
            if one["name"] == party:
                listed = (agreement_of().person(person_id(name)) for name in names)
                one["persons"] = [person.to_json() for person in listed if person is not None]
        amends = {"only": "persons", "party": party}
        return self.amended(**{"parties": raw["parties"], "amends": amends, **changes})

    def change_roster(self, steward: str, party: str, *names: str) -> Entry:
        """Let a steward change who acts for their party."""
        self.propose(self.roster(party, *names), actor(steward))
        self.consent(steward)
        return self.in_force()

    def notice(self, name: str, act: str, **fields: Any) -> Entry:
        """Let a person's party suspend, resume or withdraw."""
        stated = {one: fields.pop(one) for one in ("at", "before") if one in fields}
        signed = self.signed(name, "notice", act=act, reason="A reason.", **stated)
        body = {
            "suspend": signed_kinds.AgreementSuspended,
            "resume": signed_kinds.AgreementResumed,
            "withdraw": signed_kinds.AgreementWithdrawn,
        }[act](signed=signed)
        return self._about(body, actor(name), **fields)

    # Runs.

    def uploads(self, **changes: Any) -> list[Entry]:
        """One upload of each agency: by the analyst bob and by kim, who approves too; in the open round."""
        made = []
        for who in (BOB, KIM):
            honest = self.log.upload(self.project, who, **changes)
            made.append(honest)
        return made

    def ask(self, uploads: list[Entry] | None = None, **changes: Any) -> Entry:
        """Ask for a run."""
        specification = self.log.specification(self.project, uploads or self.uploads())
        return self.log.ask(specification.model_copy(update=changes), actor=BOB)

    def approve(self, name: str, asked: Entry, step: str = "run", **fields: Any) -> Entry:
        """Approve a step of a run."""
        body = signed_kinds.RunApproved(signed=self.approval(name, asked, step, **fields))
        return self.log.append(body, project=self.project, object=asked.object, actor=actor(name))

    def approval(
        self, name: str, asked: Entry, step: str = "run", **fields: Any
    ) -> SignedStatement:
        """A signed approval of a run."""
        assert isinstance(asked.body, kinds.RunAsked)
        expires = self.log.now(timedelta(days=7))
        stated: dict[str, Any] = {
            "approval": self.log.id("apv"),
            "step": step,
            "run": asked.object,
            "specification_sha256": asked.body.specification_sha256,
            "expires": expires,
        }
        return self.signed(name, "run-approval", **{**stated, **fields})

    def stand(self, name: str, **fields: Any) -> tuple[Entry, str]:
        """Approve runs in advance; returns the approval's id, too."""
        stated: dict[str, Any] = {
            "approval": self.log.id("apv"),
            "policy_sha256": self.agreement.policy.digest(),
            "until": "2027-08-31",
            "runs": 52,
        }
        stated |= fields
        signed = self.signed(name, "standing-approval", **stated)
        body = signed_kinds.StandingApproved(signed=signed)
        entry = self.log.append(body, project=self.project, actor=actor(name))
        return entry, stated["approval"]

    def take_back(self, name: str, approval: str) -> Entry:
        """Revoke a standing approval."""
        signed = self.signed(name, "approval-revocation", approval=approval)
        body = signed_kinds.StandingRevoked(signed=signed)
        return self.log.append(body, project=self.project, actor=actor(name))

    def use(self, asked: Entry, party: str, approval: str) -> Entry:
        """Let a standing approval stand for a party's approval."""
        body = signed_kinds.StandingUsed(party=party, approval=approval)
        return self.log.append(body, project=self.project, object=asked.object)

    def finish(self, asked: Entry) -> list[Entry]:
        """Do a run that may start, to its releases."""
        self.log.start(asked)
        return self.log.finish_run(asked)

    def rotate(self, name: str, seed: int) -> SignedKeyChange:
        """Replace a person's keys by those of a seed."""
        change = self.key_change(name, seed)
        old, new = agreement_of().person(person_id(name)), change.change.successor
        assert old is not None
        uses, signed = ("signing", "receiving"), (change, None)
        for use, before, after, by in zip(
            uses, old.key_digests(), new.key_digests(), signed, strict=True
        ):
            body = kinds.KeyRotated(
                party=actor(name).party,
                person=person_id(name),
                use=use,
                old=before,
                new=after,
                signed=by,
            )
            self.log.append(body, actor=actor(name))
        self.log.keys[person_id(name)] = Ed25519PrivateKey.from_private_bytes(
            private_bytes(seed)[:32]
        )
        return change

    def key_change(self, name: str, seed: int) -> SignedKeyChange:
        """A change of a person's keys to those of a seed, signed by both, that stands in no entry yet."""
        change = SignedKeyChange.from_json(key_change(name, PEOPLE[name][0], seed)).change
        successor = change.successor.model_copy(update={"party": actor(name).party})
        keys = [
            Ed25519PrivateKey.from_private_bytes(raw[:32])
            for raw in (private(name), private_bytes(seed))
        ]
        return sign_key_change(change.model_copy(update={"successor": successor}), *keys)

    def signed(
        self, name: str, what: str, *, key: bytes | None = None, **fields: Any
    ) -> SignedStatement:
        """A statement of a person about the newest agreement, signed with their key or another one."""
        changes = fields.pop("changes", ())
        raw = {
            "version": f"blindlink/{what}/1",
            "project": self.project,
            "agreement": self.agreement.digest(),
            "party": actor(name).party,
            "person": person_id(name),
            "before": self.last_word(actor(name).party),
            "at": self.log.now(),
            **fields,
        }
        unsigned = {"statement": raw, "changes": [], "signature": "A" * 86 + "=="}
        statement: Statement = SignedStatement.from_json(unsigned).statement
        signing = Ed25519PrivateKey.from_private_bytes((key or private(name))[:32])
        return SignedStatement.of(statement, signing, changes=changes)

    def last_word(self, party: str) -> str | None:
        """The digest of what a party has signed last in the project."""
        said = (
            entry.body.signed.statement
            for entry in reversed(self.log.entries)
            if entry.project == self.project and isinstance(entry.body, signed_kinds.SignedBody)
        )
        return next((one.digest() for one in said if one.party == party), None)

    def _about(self, body: Any, who: Actor, **fields: Any) -> Entry:
        written = {"agreement": self.agreement.digest(), "actor": who, **fields}
        return self.log.append(body, project=self.project, **written)


def everything_signed(log: SampleLog) -> None:
    """Add a project in which every kind of entry about agreements and approvals occurs."""
    project = SignedProject(log)
    log.export(ACCORD)
    project.agree()
    project.notice("kim", "suspend")
    log.moment += timedelta(hours=1)
    project.notice("kim", "resume")
    asked = project.ask()
    project.approve("ann", asked)
    _, standing = project.stand("kim")
    project.use(asked, "school-district", standing)
    prepared = project.finish(asked)
    log.fetch(prepared[0], BOB)
    project.change_roster("kim", "school-district", "kim")
    project.take_back("kim", standing)
    changes = (project.rotate("ann", 21),)
    log.moment += timedelta(hours=1)
    signed = project.signed(
        "ann", "notice", act="suspend", reason="New keys.", key=private_bytes(21), changes=changes
    )
    project._about(signed_kinds.AgreementSuspended(signed=signed), ANN)
    project.notice("kim", "withdraw")
    for release in prepared:
        log.destroy_release(release)
    for received in log.entries:
        if received.project == ACCORD and received.kind == "upload-received":
            log.destroy(received)
