"""What a workspace keeps of one epoch's secret, sealed: while it is being agreed on, and when it is there.

One file an epoch, replaced whole at each step, so that a command that is killed leaves the step before.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from encoding.errors import ShareError
from encoding.secret.agreement import Contribution
from encoding.secret.secret import SECRET_BYTES, Secret
from encoding.workspace.sealed_record import SealedRecord
from schemas.documents.document import Document
from schemas.signing.identity import base64_bytes, base64_text
from schemas.signing.secret_share import (
    CONTRIBUTION_BYTES,
    SecretHolders,
    SignedConfirmation,
    SignedShare,
)

if TYPE_CHECKING:
    from encoding.workspace.workspace import Workspace

_Base64 = Annotated[str, Field(max_length=44)]


class KeptSecret(Document):
    """One epoch's secret and how it came about, as one agency keeps it.

    `contribution` is this agency's own, null once the secret is made; `secret` is null before. `sent` and
    `received` are shares, `confirmations` the newest of each holder, all by party.
    """

    KIND: ClassVar[str] = "kept secret"

    version: Literal["blindlink/kept-secret/1"] = "blindlink/kept-secret/1"
    holders: SecretHolders
    contribution: _Base64 | None = Field(default=None, repr=False)
    secret: _Base64 | None = Field(default=None, repr=False)
    sent: tuple[SignedShare, ...] = ()
    received: tuple[SignedShare, ...] = ()
    confirmations: tuple[SignedConfirmation, ...] = ()

    @model_validator(mode="after")
    def _keys_have_their_length(self) -> Self:
        for text, length in ((self.contribution, CONTRIBUTION_BYTES), (self.secret, SECRET_BYTES)):
            if text is not None:
                base64_bytes(text, length)
        return self

    @classmethod
    def begin(
        cls, holders: SecretHolders, contribution: Contribution, sent: Iterable[SignedShare]
    ) -> KeptSecret:
        """Return what there is when this agency has sealed its contribution to the others."""
        own = base64_text(contribution.to_bytes())
        return cls(holders=holders, contribution=own, sent=tuple(sent))

    @property
    def is_made(self) -> bool:
        """Whether the secret is there."""
        return self.secret is not None

    def own_contribution(self) -> Contribution | None:
        """Return this agency's contribution; None once the secret is made."""
        if self.contribution is None:
            return None
        return Contribution(base64_bytes(self.contribution, CONTRIBUTION_BYTES))

    def agreed(self) -> Secret | None:
        """Return the secret; None before it is made."""
        return None if self.secret is None else Secret(base64_bytes(self.secret, SECRET_BYTES))

    def confirmation_of(self, party: str) -> SignedConfirmation | None:
        """Return the newest confirmation of a holder, or None."""
        found = (kept for kept in self.confirmations if kept.confirmation.party == party)
        return next(found, None)

    def with_share(self, signed: SignedShare) -> KeptSecret:
        """Return this with one share more.

        Raises:
            ShareError: another share of the same sender is here.
        """
        sender = signed.share.sender
        for kept in self.received:
            if kept.share.sender == sender and kept != signed:
                raise ShareError(
                    f"there are two different shares of {sender}",
                    hint="ask both which one is right; to start over, all agencies type:"
                    " blindlink secret share --again",
                )
        if signed in self.received:
            return self
        received = sorted([*self.received, signed], key=lambda kept: kept.share.sender)
        return self.model_copy(update={"received": tuple(received)})

    def with_secret(self, secret: Secret) -> KeptSecret:
        """Return this with the secret in place of what it was made of."""
        made = {"secret": base64_text(secret.to_bytes()), "contribution": None, "received": ()}
        return self.model_copy(update=made)

    def with_confirmation(self, signed: SignedConfirmation) -> KeptSecret:
        """Return this with a holder's confirmation in place of an older one; an older one changes nothing."""
        party = signed.confirmation.party
        kept = self.confirmation_of(party)
        if kept is not None and kept.confirmation.created > signed.confirmation.created:
            return self
        others = [other for other in self.confirmations if other.confirmation.party != party]
        in_order = sorted([*others, signed], key=lambda other: other.confirmation.party)
        return self.model_copy(update={"confirmations": tuple(in_order)})


def write_kept(path: Path, kept: KeptSecret, workspace_key: bytes) -> None:
    """Replace what is kept of an epoch's secret, sealed under the workspace key."""
    record = _record(path, kept.holders.project, kept.holders.epoch, workspace_key)
    record.write(kept.to_canonical())


def read_kept(path: Path, project: str, epoch: int, workspace_key: bytes) -> KeptSecret | None:
    """Return what is kept of an epoch's secret; None if nothing is."""
    return _record(path, project, epoch, workspace_key).read_as(KeptSecret)


def kept_of(workspace: Workspace, project: str, epoch: int) -> KeptSecret | None:
    """Return what a workspace keeps of an epoch's secret; None if nothing is.

    Raises:
        WorkspaceError: as `read_kept`.
    """
    return read_kept(workspace.kept_secret(project, epoch), project, epoch, workspace.key())


def _record(path: Path, project: str, epoch: int, workspace_key: bytes) -> SealedRecord:
    return SealedRecord(path, f"kept-secret/{project}/{epoch}", workspace_key)
