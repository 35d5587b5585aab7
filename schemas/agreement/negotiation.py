"""How parties come to an agreement over the broker: proposals, who has signed, what binds, what is approved.

The bodies of the HTTP API for agreements and approvals, as broker and agency both read them:

    POST /v1/projects/{project}/agreements: AgreementProposal -> AgreementView
    GET  /v1/projects/{project}/agreements: AgreementList
    GET  /v1/projects/{project}/agreements/{agreement}: AgreementView
    GET  /v1/projects/{project}/last-word: LastWord
    POST /v1/projects/{project}/consents: SignedStatement of a Consent -> AgreementView
    POST /v1/projects/{project}/notices: SignedStatement of a Notice -> AgreementView
    POST /v1/projects/{project}/standing-approvals: SignedStatement of a StandingApproval -> StandingList
    GET  /v1/projects/{project}/standing-approvals: StandingList
    POST /v1/projects/{project}/revocations: SignedStatement of an ApprovalRevocation -> StandingList
    GET  /v1/projects/{project}/pending-approvals: PendingApprovals
    POST /v1/runs/{run}/approvals: SignedStatement of a RunApproval -> RunApprovals
    GET  /v1/runs/{run}/approvals: RunApprovals

Sending the same proposal or signed statement again answers the same and changes nothing.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from schemas.agreement.agreement import Agreement, number_fault
from schemas.agreement.statement import SignedStatement, Step
from schemas.documents.document import Document, Model
from schemas.documents.ids import IsoDate, Name, RandomId, Sha256Hex, UtcTime
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import RunSpecification

# proposed: not signed by all. signed: by all, and waits for its start, or has been replaced before it came.
AgreementState = Literal[
    "proposed", "signed", "in-force", "suspended", "replaced", "ended", "withdrawn"
]

MAX_PARTIES = 64


class AgreementProposal(Document):
    """An agreement with the encoding profile that it names: what is proposed, and what a draft file holds."""

    KIND: ClassVar[str] = "agreement proposal"

    agreement: Agreement
    profile: EncodingProfile

    @model_validator(mode="after")
    def _profile_is_the_named_one(self) -> Self:
        if self.profile.digest() != self.agreement.profile:
            raise ValueError("the encoding profile is not the one that the agreement names")
        _refuse_other_number(self.agreement, self.profile)
        return self


class AgreementView(Document):
    """An agreement as a party of its project sees it: whole, with everything that was signed about it.

    `consents` are the signatures that count, `notices` what parties have said since, oldest first; `missing`
    are the parties that have yet to sign, `suspended_by` those that halt the linkage now.
    """

    KIND: ClassVar[str] = "agreement with its signatures"

    state: AgreementState
    agreement: Agreement
    profile: EncodingProfile
    proposed: UtcTime
    proposed_by: Name
    consents: Annotated[tuple[SignedStatement, ...], Field(max_length=MAX_PARTIES)]
    notices: tuple[SignedStatement, ...]
    missing: Annotated[tuple[Name, ...], Field(max_length=MAX_PARTIES)]
    suspended_by: Annotated[tuple[Name, ...], Field(max_length=MAX_PARTIES)]

    @model_validator(mode="after")
    def _number_is_the_stated_one(self) -> Self:
        _refuse_other_number(self.agreement, self.profile)
        return self


class AgreementSummary(Model):
    """One agreement of a project, in short."""

    agreement: Sha256Hex
    number: Annotated[int, Field(ge=1)]
    state: AgreementState
    start: IsoDate
    end: IsoDate
    missing: Annotated[tuple[Name, ...], Field(max_length=MAX_PARTIES)]


class AgreementList(Document):
    """The agreements of a project, the newest number first; `in_force` binds now, null: none does."""

    KIND: ClassVar[str] = "agreement list"

    project: Name
    in_force: Sha256Hex | None
    agreements: tuple[AgreementSummary, ...]


class RunApprovals(Document):
    """Who has approved a run and, where the agreement asks for it, the release of what it found.

    Null in `missing_for_release`: the agreement asks for no approval of releases. `standing` lists the standing
    approvals that were taken up, by id.
    """

    KIND: ClassVar[str] = "approvals of a run"

    run: RandomId
    approvals: tuple[SignedStatement, ...]
    standing: tuple[RandomId, ...]
    missing: Annotated[tuple[Name, ...], Field(max_length=MAX_PARTIES)]
    missing_for_release: Annotated[tuple[Name, ...], Field(max_length=MAX_PARTIES)] | None


class PendingApproval(Model):
    """A step of a run that waits for parties in `missing` to approve it, by exactly this specification."""

    run: RandomId
    step: Step
    specification: RunSpecification
    specification_sha256: Sha256Hex
    missing: Annotated[tuple[Name, ...], Field(max_length=MAX_PARTIES)]


class PendingApprovals(Document):
    """What waits for approvals in a project, oldest first; releases only where the agreement asks for it."""

    KIND: ClassVar[str] = "list of pending approvals"

    project: Name
    pending: tuple[PendingApproval, ...]


class LastWord(Document):
    """Digest and time of what a party signed last about agreements and runs; both null where it has not yet.

    The party's next statement names it in `before`, and is not of an earlier time.
    """

    KIND: ClassVar[str] = "last word"

    sha256: Sha256Hex | None
    at: UtcTime | None


class StandingState(Model):
    """A standing approval, how many runs it has been used for, and when it was taken back; null: it was not."""

    signed: SignedStatement
    used: Annotated[int, Field(ge=0)]
    revoked: UtcTime | None


class StandingList(Document):
    """The standing approvals of a project, newest first."""

    KIND: ClassVar[str] = "list of standing approvals"

    project: Name
    approvals: tuple[StandingState, ...]


def _refuse_other_number(agreement: Agreement, profile: EncodingProfile) -> None:
    fault = number_fault(agreement, profile)
    if fault is not None:
        raise ValueError(fault)
