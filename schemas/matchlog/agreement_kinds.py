"""What match-log entries say of agreements and approvals: what persons signed, whole, for all to check."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, model_validator

from schemas.agreement.agreement import Agreement
from schemas.agreement.statement import (
    Act,
    ApprovalRevocation,
    Consent,
    Notice,
    RunApproval,
    SignedStatement,
    StandingApproval,
    Statement,
)
from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.document import Model
from schemas.documents.ids import RUN_PREFIX, IsoDate, Name, RandomId
from schemas.matchlog.registry import AGREEMENT_BYTES, DOCUMENT_BYTES, Kind, register


class ProjectOpened(Model):
    """These parties may negotiate an agreement under the project's name; nothing binds them yet."""

    parties: Annotated[tuple[Name, ...], Field(min_length=2, max_length=64)]


class AgreementProposed(Model):
    """A party proposes this agreement, in full; its digest is the entry's agreement."""

    agreement: Agreement


class SignedBody(Model):
    """A statement with its signature, as the person made it."""

    STATES: ClassVar[type[Statement]]
    ACT: ClassVar[Act | None] = None

    signed: SignedStatement

    @model_validator(mode="after")
    def _statement_is_of_this_kind(self) -> Self:
        stated = self.signed.statement
        if type(stated) is not self.STATES or getattr(stated, "act", None) != self.ACT:
            raise ValueError("a statement of another kind than the entry's")
        return self


class AgreementSigned(SignedBody):
    """A party consents to the agreement."""

    STATES = Consent


class AgreementInForce(Model):
    """Every party has consented: the agreement of this number binds from its start."""

    number: Annotated[int, Field(ge=1, le=MAX_INTEGER)]
    start: IsoDate


class AgreementSuspended(SignedBody):
    """A party halts the linkage."""

    STATES = Notice
    ACT = "suspend"


class AgreementResumed(SignedBody):
    """A party lifts its own halt."""

    STATES = Notice
    ACT = "resume"


class AgreementWithdrawn(SignedBody):
    """A party leaves, and the agreement ends for all."""

    STATES = Notice
    ACT = "withdraw"


class RunApproved(SignedBody):
    """A party approves a step of a run."""

    STATES = RunApproval


class StandingApproved(SignedBody):
    """A party approves runs in advance."""

    STATES = StandingApproval


class StandingRevoked(SignedBody):
    """A party takes a standing approval back."""

    STATES = ApprovalRevocation


class StandingUsed(Model):
    """A standing approval of this party stands for its approval of the run."""

    party: Name
    approval: RandomId


AGREEMENT_KINDS: Final = register(
    {
        "project-opened": Kind(ProjectOpened, is_unbound=True, by="operator"),
        "agreement-proposed": Kind(
            AgreementProposed, max_bytes=AGREEMENT_BYTES, duties=("steward",)
        ),
        "agreement-signed": Kind(AgreementSigned, max_bytes=DOCUMENT_BYTES),
        "agreement-in-force": Kind(AgreementInForce, by="broker"),
        "agreement-suspended": Kind(AgreementSuspended, max_bytes=DOCUMENT_BYTES),
        "agreement-resumed": Kind(AgreementResumed, max_bytes=DOCUMENT_BYTES),
        "agreement-withdrawn": Kind(AgreementWithdrawn, max_bytes=DOCUMENT_BYTES),
        "run-approved": Kind(RunApproved, object_prefix=RUN_PREFIX, max_bytes=DOCUMENT_BYTES),
        "standing-approved": Kind(StandingApproved, max_bytes=DOCUMENT_BYTES),
        "standing-revoked": Kind(StandingRevoked, max_bytes=DOCUMENT_BYTES),
        "standing-used": Kind(StandingUsed, object_prefix=RUN_PREFIX, by="broker"),
    }
)
