"""Closing rounds: as soon as everything has come, or at the deadline with what is there."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.agreements.service import binding_terms, lock_rounds
from app.broker import Broker
from app.matchlog.draft import EntryDraft
from app.rounds import repository
from app.rounds.message_lists import listed_claims, listed_statements
from app.rounds.models import Round
from app.rounds.pairs import SUCCEEDED, claims_due, statements_due
from schemas.matchlog.round_kinds import RoundClosed


def note_success(session: Session, broker: Broker, run: str) -> None:
    """Note that a run has succeeded, and close its round if nothing else is waited for.

    The log entry of the closing comes after those of the run's end.
    """
    pair = repository.pair_of_run(session, run)
    if pair is None:
        return
    lock_rounds(session, pair.project)
    pair.run_state = SUCCEEDED
    session.flush()
    close_if_done(session, broker, pair.project, pair.round)


def close_if_done(session: Session, broker: Broker, project: str, number: int) -> bool:
    """Close an open round of which each pair has a run that succeeded, and all messages that are due have come.

    A run that failed or was cancelled can be asked for again, so its round stays open until the deadline.
    """
    found = repository.get_round(session, project, number, lock=True)
    pairs = repository.pairs_of(session, project, number)
    if found is None or found.state != "open":
        return False
    if any(pair.run_state != SUCCEEDED for pair in pairs):
        return False
    there = {
        (one.kind, one.party, one.target)
        for one in repository.messages_of(session, project, number)
        if one.destroyed is None
    }
    due = {("claims", *ends) for ends in claims_due(pairs)}
    due |= {("statement", *ends) for ends in statements_due(pairs)}
    if not due <= there:
        return False
    return close_round(session, broker, found)


def close_round(session: Session, broker: Broker, found: Round) -> bool:
    """Close an open round with the messages that are there, and log which count; False where nothing binds."""
    binding = binding_terms(session, found.project, broker.clock())
    if binding is None:
        return False
    messages = repository.messages_of(session, found.project, found.number)
    body = RoundClosed(
        round=found.number, claims=listed_claims(messages), statements=listed_statements(messages)
    )
    draft = EntryDraft.about(body, binding.terms, binding.digest)
    (appended,) = broker.log.append(session, [draft])
    found.state = "closed"
    found.closing, found.closing_size = appended.seq, appended.size
    session.flush()
    return True
