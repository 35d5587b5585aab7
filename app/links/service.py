"""What recipients may see and fetch, and when a release is destroyed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, agreement_now, project_for, terms_in_force, visible
from app.agreements.signers import require_duty
from app.broker import Broker
from app.clock import hour_text, utc_text
from app.db import NEWEST, Window
from app.decisions import service as decisions
from app.errors import (
    NOT_FETCHED,
    NOT_RECIPIENT,
    OTHER_FILE,
    RELEASE_DESTROYED,
    NotFoundError,
    RefusedError,
    gone,
)
from app.links import repository
from app.links.models import Release
from app.links.preparation import PIECE_KIND
from app.matchlog.draft import EntryDraft, entry_actor
from app.matchlog.proofs import entry_proof
from app.rounds.service import note_handed_out
from app.runs.approvals import require_approved
from app.runs.counts import above_floor
from app.runs.finality import require_final
from app.runs.service import run_for, run_specification
from app.sealed.objects import Content, SealedFile, open_pieces
from app.security.actor import Actor
from schemas.api.releases import ReleaseView
from schemas.matchlog.registry import Outcome
from schemas.matchlog.release_kinds import ReleaseFetched, ReleaseVerified
from schemas.rounds.receipt import Receipt
from schemas.signing.identity import Duty

SIZE_STEP_BYTES: Final = 64 * 1024


EXPORTED: Final = "openings"


def release_for(session: Session, actor: Actor, release: str, *, lock: bool = False) -> Release:
    """Return a release that the actor may see: an agency its own, the others those of their projects."""
    return visible(session, actor, repository.find_release(session, actor, release, lock=lock))[0]


def releases_for(
    session: Session, actor: Actor, project: str, window: Window = NEWEST
) -> Sequence[Release]:
    """Return a piece of the project's releases that the actor may see, newest first."""
    project_for(session, actor, project)
    return repository.releases_of_project(session, actor, project, window)


def releases_of_run(session: Session, actor: Actor, run: str) -> Sequence[Release]:
    """Return the releases of a run that the actor may see."""
    run_for(session, actor, run)
    return repository.releases_of_run(session, actor, run)


def released_runs() -> Select[str]:
    """Return the query of the runs of which a release is there, for the broker itself."""
    return repository.released_runs()


def present_releases(session: Session, actor: Actor, project: str) -> Sequence[Release]:
    """Return the project's releases of which something may still be there, that the actor may see."""
    project_for(session, actor, project)
    return repository.present_of_project(session, actor, project)


def receipt_for(session: Session, actor: Actor, release: str) -> Receipt:
    """Return the proof that the release was logged when it was prepared."""
    found = release_for(session, actor, release)
    return entry_proof(session, found.entry, found.entry_size).to_receipt(found.id)


def view_of(release: Release, actor: Actor) -> ReleaseView:
    """Return a release as this actor may see it: only its recipient sees a count below the floor.

    To the others the file's size is rounded up, since it would tell the count.
    """
    is_recipient = actor.role == "agency"
    floor = 0 if is_recipient else release.floor
    step = 1 if is_recipient else SIZE_STEP_BYTES
    return ReleaseView.from_row(
        release,
        number=release.number,
        verified=release.verified,
        release=release.id,
        agency=release.agency if release.mode == "blind" else None,
        size_bytes=-(-release.size_bytes // step) * step,
        matches=above_floor(release.matches, floor),
    )


def open_file(session: Session, broker: Broker, actor: Actor, release: str) -> SealedFile:
    """Return a release's file, if the actor's party may fetch it now."""
    found = release_for(session, actor, release)
    _refuse_fetch(session, broker, actor, found)
    return file_of(session, broker, found)


def file_of(session: Session, broker: Broker, release: Release) -> SealedFile:
    """Return a release's file, no matter who asks."""
    pieces = open_pieces(session, broker, release.id, PIECE_KIND)
    return SealedFile(Content(release.sha256, release.size_bytes), pieces)


def open_openings(session: Session, broker: Broker, actor: Actor, release: str) -> SealedFile:
    """Return what opens the recipient's own commitments in the match record, if it may fetch the release."""
    found = release_for(session, actor, release)
    _refuse_fetch(session, broker, actor, found)
    if found.mode == "blind":
        # Even sealed, their size would tell the agency how many of its records are linked.
        raise NotFoundError("There is nothing here.")
    return decisions.open_openings(session, broker, found.run, found.recipient, found.number)


def require_both_agreed(session: Session, run: str, terms: TermsInForce) -> None:
    """Check that the terms still have both parties as providers whose records a run linked."""
    for upload in run_specification(session, run).uploads:
        if upload.party not in terms.terms.providers:
            raise RefusedError(
                NOT_RECIPIENT,
                f"This was linked with records of {upload.party}, which the terms do not name as a provider any"
                " more.",
                clause="providers",
            )


def log_fetch(session: Session, broker: Broker, actor: Actor, release: str) -> None:
    """Record that the file is about to be handed out; commit before the first byte leaves."""
    found = release_for(session, actor, release, lock=True)
    digest = _refuse_fetch(session, broker, actor, found)
    found.fetched = found.fetched or utc_text(broker.clock())
    note_handed_out(session, found.run)
    broker.log.append(session, [_fetch_entry(found, actor, digest, "done")])


def log_refusal(session: Session, broker: Broker, actor: Actor, release: str) -> bool:
    """Record that a release was asked for in vain, but return False if it was recorded in this hour."""
    found = release_for(session, actor, release, lock=True)
    hour = hour_text(broker.clock())
    if found.refused == hour:
        return False
    found.refused = hour
    digest = agreement_now(session, found.project, broker.clock())
    broker.log.append(session, [_fetch_entry(found, actor, digest, "refused")])
    return True


def _fetch_entry(
    release: Release, actor: Actor, agreement: str | None, outcome: Outcome
) -> EntryDraft:
    body = ReleaseFetched(recipient=release.agency, sha256=release.sha256)
    return _entry(release, actor, body, agreement, outcome)


def _entry(
    release: Release,
    actor: Actor,
    body: ReleaseFetched | ReleaseVerified,
    agreement: str | None,
    outcome: Outcome = "done",
) -> EntryDraft:
    return EntryDraft.about(body, release, agreement, actor, object=release.id, outcome=outcome)


def log_verified(
    session: Session, broker: Broker, actor: Actor, release: str, sha256: str
) -> Release:
    """Record that anyone who fetched a release found it whole; once more changes nothing.

    Whatever binds the project by now: it is a word about what has been handed out.
    """
    found = release_for(session, actor, release, lock=True)
    project_for(session, actor, found.project)
    if found.agency != actor.party:
        raise RefusedError(
            NOT_RECIPIENT, "The release is another party's to fetch.", clause="recipients"
        )
    require_duty(actor, "recipient", *_carriers(found))
    if found.destroyed is not None:
        raise gone(RELEASE_DESTROYED, "The release", found.destroyed, found.keep_until)
    if found.fetched is None:
        raise RefusedError(NOT_FETCHED, "The release has not been fetched yet.")
    if sha256 != found.sha256:
        raise RefusedError(
            OTHER_FILE,
            "This is not the digest of the file that was handed out.",
            hint="fetch it again, and tell the operator if it stays so",
        )
    if found.verified is None:
        found.verified = utc_text(broker.clock())
        body = ReleaseVerified(recipient=found.agency, sha256=found.sha256)
        bound = agreement_now(session, found.project, broker.clock())
        broker.log.append(session, [_entry(found, actor, body, bound)])
    return found


def _refuse_fetch(session: Session, broker: Broker, actor: Actor, release: Release) -> str:
    """Return the digest of the terms that let the actor's party have the release now, or raise."""
    now = broker.clock()
    if release.destroyed is not None or release.keep_until <= utc_text(now):
        raise gone(RELEASE_DESTROYED, "The release", release.destroyed, release.keep_until)
    terms = terms_in_force(session, release.project, now)
    for recipient in terms.terms.recipients if release.agency == actor.party else ():
        is_same = (recipient.mode, recipient.space) == (release.mode, release.space)
        if recipient.party == release.recipient and is_same:
            require_both_agreed(session, release.run, terms)
            require_duty(actor, "recipient", *_carriers(release))
            require_approved(session, release.run, terms, "release", now)
            require_final(session, release.entry_size, terms.terms)
            return terms.digest
    raise RefusedError(
        NOT_RECIPIENT, "The terms do not let this party have such a release.", clause="recipients"
    )


def _carriers(release: Release) -> tuple[Duty, ...]:
    # What is sealed for another party tells its carrier nothing.
    return ("analyst",) if release.mode == "blind" else ()


def open_sealed_openings(session: Session, broker: Broker, actor: Actor, run: str) -> SealedFile:
    """Return the openings of all agencies' records, sealed to the actor's party."""
    _terms_that_allow(session, broker, actor, run)
    return decisions.open_openings(session, broker, run, actor.party)


def log_sealed_fetch(session: Session, broker: Broker, actor: Actor, run: str) -> None:
    """Record that the openings are about to be handed out; commit before the first byte leaves."""
    terms = _terms_that_allow(session, broker, actor, run)
    note_handed_out(session, run)
    broker.log.append_export(
        session,
        entry_actor(actor),
        terms.terms.project,
        terms.digest,
        what=EXPORTED,
        request=actor.request_id,
    )


def _terms_that_allow(session: Session, broker: Broker, actor: Actor, run: str) -> TermsInForce:
    """Return the terms that let the actor have what is sealed to its party, or raise."""
    run_for(session, actor, run)
    release = repository.find_sealed_for(session, run, actor.party)
    if release is None:
        raise NotFoundError("There is nothing here.")
    now = broker.clock()
    if release.destroyed is not None or release.keep_until <= utc_text(now):
        raise gone(RELEASE_DESTROYED, "The release", release.destroyed, release.keep_until)
    terms = terms_in_force(session, release.project, now)
    named = {(found.party, found.mode, found.space) for found in terms.terms.recipients}
    if (actor.party, release.mode, release.space) not in named:
        raise RefusedError(
            NOT_RECIPIENT,
            "The terms do not let this party have such a release.",
            clause="recipients",
        )
    require_both_agreed(session, run, terms)
    require_duty(actor, "recipient")
    require_approved(session, run, terms, "release", now)
    require_final(session, release.entry_size, terms.terms)
    return terms
