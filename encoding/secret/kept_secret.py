"""What a workspace keeps of one epoch's secret, sealed: while it is being agreed on, and when it is there.

One file an epoch, replaced whole at each step, so that a command that is killed leaves the step before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from encoding.errors import NotReadyError, SecretMovedOnError, ShareError
from encoding.secret.agreement import Contribution
from encoding.secret.secret import SECRET_BYTES, Marks, RoundSecret, Secret
from encoding.workspace.sealed_record import SealedRecord
from schemas.documents.document import Document
from schemas.documents.ids import KeyIdHex
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


class KeptRound(Document):
    """The secret of one round: it ends with the round's containers."""

    KIND: ClassVar[str] = "secret of a round"

    number: Annotated[int, Field(ge=1)]
    secret: _Base64 = Field(repr=False)


class KeptMarks(Document):
    """What outlives the first secret, as it is kept."""

    KIND: ClassVar[str] = "marks of a secret"

    key_id: KeyIdHex
    confirm: _Base64 = Field(repr=False)
    canary: _Base64 = Field(repr=False)


class KeptSecret(Document):
    """One epoch's secret and how it came about, as one agency keeps it.

    `contribution` is this agency's own, null once the secret is made; `secret`, that of round `next`, and
    `first`, the marks of the secret that was agreed on, are null before. `rounds` are secrets of rounds whose
    containers are kept. `sent` and `received` are shares, `confirmations` the newest of each holder, all by
    party.
    """

    KIND: ClassVar[str] = "kept secret"

    version: Literal["blindlink/kept-secret/2"] = "blindlink/kept-secret/2"
    holders: SecretHolders
    contribution: _Base64 | None = Field(default=None, repr=False)
    secret: _Base64 | None = Field(default=None, repr=False)
    next: Annotated[int, Field(ge=1)] = 1
    first: KeptMarks | None = None
    rounds: tuple[KeptRound, ...] = ()
    sent: tuple[SignedShare, ...] = ()
    received: tuple[SignedShare, ...] = ()
    confirmations: tuple[SignedConfirmation, ...] = ()

    @model_validator(mode="after")
    def _keys_have_their_length(self) -> Self:
        if (self.secret is None) != (self.first is None):
            raise ValueError("a secret and its marks are there together")
        secrets = [self.secret, *(one.secret for one in self.rounds)]
        if self.first is not None:
            secrets += [self.first.confirm, self.first.canary]
        for text in secrets:
            if text is not None:
                base64_bytes(text, SECRET_BYTES)
        if self.contribution is not None:
            base64_bytes(self.contribution, CONTRIBUTION_BYTES)
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

    def marks(self) -> Marks | None:
        """Return what tells this secret from others; None before it is made."""
        first = self.first
        if first is None:
            return None
        keys = (base64_bytes(key, SECRET_BYTES) for key in (first.confirm, first.canary))
        return Marks(first.key_id, *keys)

    def present(self) -> Secret | None:
        """Return the secret of round `next`; None before it is made."""
        return None if self.secret is None else Secret(base64_bytes(self.secret, SECRET_BYTES))

    def of_round(self, number: int) -> RoundSecret | None:
        """Return the secret of a round; None where it is not kept, or not any more."""
        found = next((one for one in self.rounds if one.number == number), None)
        if found is None or self.first is None:
            return None
        return RoundSecret(self.first.key_id, Secret(base64_bytes(found.secret, SECRET_BYTES)))

    def moved_to(self, number: int) -> KeptSecret:
        """Return this with the secret of a round, and beyond that round itself; as it is if it was there.

        Raises:
            NotReadyError: the secret is not made yet.
            SecretMovedOnError: it is beyond the round, whose own secret is not kept.
        """
        if self.of_round(number) is not None:
            return self
        present = self.present()
        if present is None:
            raise NotReadyError(
                "the secret is not made yet", hint="the next step is: blindlink secret accept"
            )
        if number < self.next:
            raise SecretMovedOnError(
                f"the secret has moved on beyond round {number}, and no way leads back",
                hint="to encode in the next round: blindlink round --correct",
            )
        project = self.holders.project
        own = present.after(project, self.next, number).of_round(project, number)
        kept = KeptRound(number=number, secret=base64_text(own.to_bytes()))
        return self.beyond(number).model_copy(update={"rounds": (*self.rounds, kept)})

    def beyond(self, number: int) -> KeptSecret:
        """Return this with the secret beyond a round; as it is if it is there, or none is made."""
        present = self.present()
        if present is None or number < self.next:
            return self
        after = present.after(self.holders.project, self.next, number + 1)
        update = {"secret": base64_text(after.to_bytes()), "next": number + 1}
        return self.model_copy(update=update)

    def without(self, is_over: Callable[[int], bool]) -> KeptSecret:
        """Return this without the secrets of rounds that are over; no way leads back to them."""
        rounds = tuple(one for one in self.rounds if not is_over(one.number))
        return self.model_copy(update={"rounds": rounds})

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
        marks = Marks.of(secret, self.holders.project, self.holders.epoch)
        first = KeptMarks(
            key_id=marks.key_id,
            confirm=base64_text(marks.confirm),
            canary=base64_text(marks.canary),
        )
        own = base64_text(secret.to_bytes())
        made = {"secret": own, "first": first, "contribution": None, "received": ()}
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


def secret_for_round(workspace: Workspace, kept: KeptSecret, number: int) -> RoundSecret:
    """Return the secret of a round, and let that of the epoch move on beyond it, durably; under the lock.

    Raises:
        NotReadyError, SecretMovedOnError: as `KeptSecret.moved_to`.
    """
    found = kept.of_round(number)
    if found is not None:
        return found
    moved = kept.moved_to(number)
    path = workspace.kept_secret(kept.holders.project, kept.holders.epoch)
    write_kept(path, moved, workspace.key())
    return secret_for_round(workspace, moved, number)


def without_past(
    workspace: Workspace, project: str, newest: int, is_over: Callable[[int], bool]
) -> list[KeptSecret]:
    """Return the secrets that change, of all epochs, if those of past rounds go; call it under the lock.

    The secret of a former epoch, or of rounds that this agency missed, goes beyond the newest round, too.
    """
    found = [kept_of(workspace, project, epoch) for epoch in workspace.epochs_with_secret(project)]
    changed = ((kept, kept.beyond(newest).without(is_over)) for kept in found if kept is not None)
    return [after for before, after in changed if after != before]


def end_rounds(workspace: Workspace, changed: Iterable[KeptSecret]) -> None:
    """Erase the secrets of past rounds, by what `without_past` returned; call it under the lock."""
    for kept in changed:
        path = workspace.kept_secret(kept.holders.project, kept.holders.epoch)
        write_kept(path, kept, workspace.key())


def _record(path: Path, project: str, epoch: int, workspace_key: bytes) -> SealedRecord:
    return SealedRecord(path, f"kept-secret/{project}/{epoch}", workspace_key)
