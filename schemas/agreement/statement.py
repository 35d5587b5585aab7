"""What persons sign about an agreement: that their party consents, halts or leaves, and approvals.

Each statement names the agreement by its digest. It counts if the person is listed there with the duty that
it needs, and the signature is by the key listed there or by one that replaced it, each change signed by the
key before. Spec page: `schemas/spec/statement.md`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import Field

from schemas.agreement.agreement import Agreement
from schemas.documents.document import Document, Model
from schemas.documents.errors import SignatureError
from schemas.documents.ids import APPROVAL_PREFIX, RUN_PREFIX, IsoDate, Name, Sha256Hex, UtcTime
from schemas.documents.texts import Line
from schemas.signing.identity import (
    MAX_KEY_CHANGES,
    Duty,
    PersonIdText,
    PublicIdentity,
    SignedKeyChange,
)
from schemas.signing.signatures import Signed

MAX_STANDING_RUNS: Final = 1000
# What is approved must be fresh: uploads and agreements change.
LONGEST_APPROVAL: Final = timedelta(days=30)

ApprovalId = Annotated[str, Field(pattern=rf"^{APPROVAL_PREFIX}-[0-9a-f]{{32}}$")]
RunIdText = Annotated[str, Field(pattern=rf"^{RUN_PREFIX}-[0-9a-f]{{32}}$")]
Act = Literal["suspend", "resume", "withdraw"]
Step = Literal["run", "release"]


class Counsel(Model):
    """The lawyer who signed the printed page with the agreement's fingerprint, and on which day."""

    name: Line
    title: Line
    date: IsoDate


class _Stated(Model):
    """What every statement about an agreement says: of which one, and who says it when."""

    project: Name
    agreement: Sha256Hex
    party: Name
    person: PersonIdText
    before: Sha256Hex | None
    at: UtcTime


class Consent(_Stated, Document):
    """A party agrees to this agreement, word for word; its counsel has signed the paper.

    `counsel` is null for an amendment that needs none.
    """

    KIND: ClassVar[str] = "consent"

    version: Literal["blindlink/consent/1"] = "blindlink/consent/1"
    counsel: Counsel | None

    @property
    def counsel_words(self) -> str:
        """Name, title and day of counsel, as lists and pages show them."""
        counsel = self.counsel
        if counsel is None:
            return "none needed"
        return f"{counsel.name}, {counsel.title}, {counsel.date}"


class Notice(_Stated, Document):
    """A party alone halts the linkage, lifts its own halt, or leaves for good; effective at once."""

    KIND: ClassVar[str] = "notice"

    version: Literal["blindlink/notice/1"] = "blindlink/notice/1"
    act: Act
    reason: Line


class RunApproval(_Stated, Document):
    """Approves one step of one run, by exactly this specification, once, until it expires."""

    KIND: ClassVar[str] = "run approval"

    version: Literal["blindlink/run-approval/1"] = "blindlink/run-approval/1"
    approval: ApprovalId
    step: Step
    run: RunIdText
    specification_sha256: Sha256Hex
    expires: UtcTime

    @property
    def is_too_long(self) -> bool:
        """Whether it would count for longer than an approval may."""
        expires, at = map(datetime.fromisoformat, (self.expires, self.at))
        return expires - at > LONGEST_APPROVAL


class StandingApproval(_Stated, Document):
    """Approves in advance every run of one matching policy, through a day, and no more than so many."""

    KIND: ClassVar[str] = "standing approval"

    version: Literal["blindlink/standing-approval/1"] = "blindlink/standing-approval/1"
    approval: ApprovalId
    policy_sha256: Sha256Hex
    until: IsoDate
    runs: Annotated[int, Field(ge=1, le=MAX_STANDING_RUNS)]


class ApprovalRevocation(_Stated, Document):
    """Takes a standing approval back, effective at once."""

    KIND: ClassVar[str] = "revocation of an approval"

    version: Literal["blindlink/approval-revocation/1"] = "blindlink/approval-revocation/1"
    approval: ApprovalId


Statement: TypeAlias = Consent | Notice | RunApproval | StandingApproval | ApprovalRevocation

# Which duty a person needs to say it, and the kind of its signature.
_DUTIES: Final[dict[type[Document], Duty]] = {
    Consent: "steward",
    Notice: "steward",
    RunApproval: "approver",
    StandingApproval: "approver",
    ApprovalRevocation: "approver",
}
_KINDS: Final[dict[type[Document], str]] = {Consent: "agreement", Notice: "agreement"}


class SignedStatement(Signed):
    """A statement with its signature; `changes` lead from the key that the agreement lists to the one used.

    Without changes of keys since the agreement, `changes` is empty.
    """

    KIND: ClassVar[str] = "signed statement"
    BODY: ClassVar[str] = "statement"
    SIGNED_AS: ClassVar[str] = "approval"

    statement: Annotated[Statement, Field(discriminator="version")]
    changes: Annotated[tuple[SignedKeyChange, ...], Field(max_length=MAX_KEY_CHANGES)] = ()

    @classmethod
    def kind_of(cls, body: Document) -> str:
        """Return the kind of the signature: consent and notices are of agreements, the rest of approvals."""
        return _KINDS.get(type(body), cls.SIGNED_AS)

    def verify(self, agreement: Agreement) -> PublicIdentity:
        """Return the person who signed, as the agreement and the changes of keys make them known.

        Raises:
            SignatureError: the statement is about another agreement, by a person whom it does not list
                for that party and duty, or not signed by that person's key; or a consent that the agreement
                does not ask for, or without the counsel that it asks for.
        """
        stated = self.statement
        if (stated.project, stated.agreement) != (agreement.project, agreement.digest()):
            raise SignatureError("the statement is about another agreement")
        if isinstance(stated, Consent):
            _refuse_consent(stated, agreement)
        signer = _follow(_listed(stated, agreement), self.changes)
        self.require_signature(signer.verifier())
        return signer


def may_say(statement: Statement, agreement: Agreement) -> bool:
    """Tell whether an agreement lists the person of a statement for its party, with the duty that it needs."""
    person = agreement.person(statement.person)
    return (
        person is not None
        and person.party == statement.party
        and duty_for(statement) in person.duties
    )


def duty_for(statement: Statement) -> Duty:
    """Return the duty that a person needs to make such a statement."""
    return _DUTIES[type(statement)]


def _refuse_consent(consent: Consent, agreement: Agreement) -> None:
    if consent.party not in agreement.signers:
        raise SignatureError(f"{agreement.signers[0]} alone signs this amendment")
    if consent.counsel is None and agreement.amends is None:
        raise SignatureError("the party's counsel has to sign first")


def _listed(statement: Statement, agreement: Agreement) -> PublicIdentity:
    person = agreement.person(statement.person)
    if person is None or person.party != statement.party:
        raise SignatureError("the agreement does not list this person for this party")
    if duty_for(statement) not in person.duties:
        raise SignatureError("the agreement does not give this person that duty")
    return person


def _follow(listed: PublicIdentity, changes: tuple[SignedKeyChange, ...]) -> PublicIdentity:
    for change in changes:
        listed = change.verify(listed)
    return listed
