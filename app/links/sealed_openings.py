"""Openings of a blind run's match record: its recipient alone may fetch and open them, for an auditor who asks.

An agency must not have them: they say which of its records were linked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.agreements.service import terms_in_force
from app.agreements.signers import require_duty
from app.clock import utc_text
from app.decisions import service as decisions
from app.errors import NOT_RECIPIENT, RELEASE_DESTROYED, NotFoundError, RefusedError, gone
from app.links import repository
from app.links.service import require_both_agreed
from app.matchlog.draft import entry_actor
from app.rounds.service import note_handed_out
from app.runs.approvals import require_approved
from app.runs.finality import require_final
from app.runs.service import run_for

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.agreements.service import TermsInForce
    from app.broker import Broker
    from app.sealed.objects import SealedFile
    from app.security.actor import Actor

EXPORTED: Final = "openings"


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
