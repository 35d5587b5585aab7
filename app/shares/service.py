"""Carries shares of a secret from holder to holder: keeps what it cannot open, and says who sent what to whom.

Holders check everything themselves; what is checked here keeps honest mistakes from being carried.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.agencies.persons import keys_of
from app.agreements.service import TermsInForce, agreement_now, project_for, terms_in_force, visible
from app.broker import Broker
from app.clock import utc_text
from app.db import add_if_alone
from app.errors import (
    NOT_HOLDER,
    SECRET_CONFIRMED,
    SHARE_FETCHED,
    SHARE_REFUSED,
    SHARE_SERVED,
    NotFoundError,
    NotInForceError,
    RefusedError,
)
from app.ids import new_id
from app.matchlog.draft import EntryDraft
from app.security.actor import Actor
from app.shares import repository
from app.shares.models import Confirmation, RelayedShare
from schemas.documents.document import Model
from schemas.documents.errors import SignatureError
from schemas.documents.ids import SHARE_PREFIX
from schemas.matchlog.share_kinds import (
    SecretConfirmed,
    ShareFetched,
    ShareRelayed,
    SharesWithdrawn,
)
from schemas.signing.secret_share import ShareView, SignedConfirmation, SignedShare


def relay_share(
    session: Session, broker: Broker, actor: Actor, project: str, signed: SignedShare
) -> RelayedShare:
    """Keep a share for its recipient, and log it; the same share again changes nothing."""
    holders = signed.share.holders
    found = _as_holder(session, actor, project, holders.epoch)
    bound = terms_in_force(session, project, broker.clock()).digest
    _refuse_other_secret(found, holders.project, holders.epoch)
    if signed.share.sender != actor.party:
        raise RefusedError(SHARE_REFUSED, "The share is in another party's name.")
    if set(holders.parties) != set(found.terms.providers):
        raise RefusedError(
            SHARE_REFUSED, "The share is for other holders than the terms name.", clause="providers"
        )
    _refuse_unsigned(session, actor, signed)
    digest = signed.digest()
    recipient = signed.share.recipient
    former = repository.find_sent(session, actor, project, holders.epoch, recipient)
    if former is not None:
        if former.sha256 == digest:
            return former
        _refuse_fetched(former)
        repository.forget_share(session, former)
    row = RelayedShare(
        id=new_id(SHARE_PREFIX),
        project=project,
        epoch=holders.epoch,
        sender=actor.party,
        recipient=recipient,
        sha256=digest,
        document=signed.to_canonical().decode("utf-8"),
        created=utc_text(broker.clock()),
        fetched=None,
    )
    if not add_if_alone(session, row):
        raise RefusedError(SHARE_FETCHED, "Another share was sent at the same moment.")
    _log(session, broker, actor, found, ShareRelayed.of(signed, row.id), bound=bound)
    return row


def shares_for(session: Session, actor: Actor, project: str, epoch: int) -> Sequence[RelayedShare]:
    """Return who sent what to whom of an epoch's secret, for one of its holders."""
    _as_holder(session, actor, project, epoch)
    return repository.shares_of_epoch(session, project, epoch)


def fetch_share(session: Session, broker: Broker, actor: Actor, share: str) -> SignedShare:
    """Return a share to its recipient; the first time, note and log that it was fetched."""
    row, _ = visible(session, actor, repository.find_received(session, actor, share))
    bound = terms_in_force(session, row.project, broker.clock()).digest
    # Terms may have changed since it was sent.
    found = _as_holder(session, actor, row.project, row.epoch)
    _refuse_other_secret(found, row.project, row.epoch)
    if row.document is None:
        raise RefusedError(
            SHARE_SERVED, "The recipient has confirmed the secret, and the share is gone."
        )
    if row.fetched is None:
        row.fetched = utc_text(broker.clock())
        body = ShareFetched(epoch=row.epoch, share=row.id, sha256=row.sha256)
        _log(session, broker, actor, found, body, bound=bound)
    return SignedShare.from_canonical(row.document.encode("utf-8"))


def project_of_share(session: Session, actor: Actor, share: str) -> str:
    """Return the project of a share that was sent to the actor's party."""
    row = repository.find_received(session, actor, share)
    if row is None:
        raise NotFoundError("There is nothing here.")
    return row.project


def withdraw_shares(
    session: Session, broker: Broker, actor: Actor, project: str, epoch: int
) -> None:
    """Forget what the caller's party has sent and confirmed of an epoch, and log it if there was anything."""
    found = _as_holder(session, actor, project, epoch)
    _refuse_other_secret(found, project, epoch)
    confirmed = repository.confirmations_of_epoch(session, project, epoch)
    # Holders that have made different secrets must be able to begin anew.
    is_one_secret = len({row.key_id for row in confirmed}) == 1
    if is_one_secret and {row.party for row in confirmed} >= set(found.terms.providers):
        raise RefusedError(SECRET_CONFIRMED, "All holders have confirmed the secret of this epoch.")
    if repository.forget_sent(session, actor, project, epoch):
        bound = agreement_now(session, project, broker.clock())
        if bound is None:
            raise NotInForceError("The agreement is not in force yet.", clause="start")
        _log(session, broker, actor, found, SharesWithdrawn(epoch=epoch), bound=bound)


def keep_confirmation(
    session: Session, broker: Broker, actor: Actor, project: str, signed: SignedConfirmation
) -> None:
    """Keep a holder's confirmation in place of an earlier one, log it, and drop the shares for that holder."""
    confirmation = signed.confirmation
    found = _as_holder(session, actor, project, confirmation.epoch)
    bound = terms_in_force(session, project, broker.clock()).digest
    _refuse_other_secret(found, confirmation.project, confirmation.epoch)
    if confirmation.party != actor.party:
        raise RefusedError(SHARE_REFUSED, "The confirmation is in another party's name.")
    _refuse_unsigned(session, actor, signed)
    digest = signed.digest()
    former = repository.find_confirmation(session, actor, project, confirmation.epoch)
    if former is not None and former.sha256 == digest:
        return
    row = former or Confirmation(project=project, epoch=confirmation.epoch, party=actor.party)
    row.key_id = confirmation.key_id
    row.sha256 = digest
    row.document = signed.to_canonical().decode("utf-8")
    row.created = utc_text(broker.clock())
    if former is None and not add_if_alone(session, row):
        raise RefusedError(SHARE_REFUSED, "Another confirmation came at the same moment.")
    repository.forget_served(session, actor, project, confirmation.epoch)
    _log(session, broker, actor, found, SecretConfirmed.of(signed), bound=bound)


def confirmations_for(
    session: Session, actor: Actor, project: str, epoch: int
) -> tuple[SignedConfirmation, ...]:
    """Return what the holders have confirmed of an epoch's secret, for one of them."""
    _as_holder(session, actor, project, epoch)
    return tuple(
        SignedConfirmation.from_canonical(row.document.encode("utf-8"))
        for row in repository.confirmations_of_epoch(session, project, epoch)
    )


def count_waiting(session: Session, project: str) -> int:
    """Return how many shares of a project wait for their recipient or have not served yet."""
    return repository.count_waiting(session, project)


def view_of(row: RelayedShare) -> ShareView:
    """Return a share as the holders see it."""
    return ShareView.from_row(row, share=row.id)


def _as_holder(session: Session, actor: Actor, project: str, epoch: int) -> TermsInForce:
    """Return the terms that say who holds an epoch's secret: those that bind.

    For the next epoch it is an amendment that all have signed, until it starts.
    """
    bound = project_for(session, actor, project)
    is_next = epoch == bound.terms.epoch + 1
    found = project_for(session, actor, project, newest=True) if is_next else bound
    if not set(found.terms.providers) <= set(bound.terms.providers):
        # The log knows a new holder only from the day on which the amendment binds.
        raise NotInForceError(
            "The amendment names a new holder of the secret, and is not in force yet.",
            clause="start",
        )
    if actor.party not in found.terms.providers:
        raise RefusedError(
            NOT_HOLDER, "The terms do not name this party as a provider.", clause="providers"
        )
    return found


def _refuse_other_secret(found: TermsInForce, project: str, epoch: int) -> None:
    if project != found.terms.project:
        raise RefusedError(SHARE_REFUSED, "This is for a different project.")
    # The next epoch's secret is agreed on before the terms name it, so that nobody waits when they do.
    if epoch not in (found.terms.epoch, found.terms.epoch + 1):
        raise RefusedError(
            SHARE_REFUSED, "The epoch is neither that of the terms nor the next.", clause="epoch"
        )


def _refuse_unsigned(
    session: Session, actor: Actor, signed: SignedShare | SignedConfirmation
) -> None:
    """Refuse what the caller did not sign."""
    try:
        signed.verify(keys_of(session, actor))
    except SignatureError:
        raise RefusedError(SHARE_REFUSED, "It is not signed by the person who sent it.") from None


def _refuse_fetched(former: RelayedShare) -> None:
    if former.fetched is not None:
        raise RefusedError(
            SHARE_FETCHED,
            "The recipient has fetched an earlier share of this party.",
            hint="withdraw the shares first; all holders then begin anew",
        )


def _log(
    session: Session, broker: Broker, actor: Actor, found: TermsInForce, body: Model, *, bound: str
) -> None:
    """Log what a holder does under the agreement that let them, whatever binds when midnight has passed."""
    draft = EntryDraft.about(body, found.terms, bound, actor)
    broker.log.append(session, [draft])
