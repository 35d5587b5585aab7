"""Supplements: further releases of a round, closed as soon as both parties' claims are there."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, binding_terms
from app.broker import Broker
from app.db import insert_rows
from app.matchlog.draft import Appended, EntryDraft
from app.rounds import repository
from app.rounds.message_lists import listed_claims
from app.rounds.models import RoundPairing, Supplement
from app.rounds.pairs import both_ways
from schemas.matchlog.review_kinds import SupplementClosed


def next_release(session: Session, project: str, number: int) -> int:
    """Return the number of the next release of a round; the project's rounds are locked."""
    return 2 + len(repository.supplements_of(session, project, number))


def open_supplement(session: Session, broker: Broker, pair: RoundPairing, release: int) -> None:
    """Let a release of a pair's run be claimed; close it at once where no claims are due.

    The log has the end of the review that it comes of.
    """
    row = Supplement(
        project=pair.project,
        round=pair.round,
        release=release,
        run=pair.run,
        larger=pair.larger,
        smaller=pair.smaller,
        space=pair.space,
        state="open",
    )
    insert_rows(session, row)
    close_supplement_if_done(session, broker, row)


def close_supplement_if_done(session: Session, broker: Broker, found: Supplement) -> None:
    """Close an open supplement of which all claims that are due have come."""
    binding = binding_terms(session, found.project, broker.clock())
    if binding is None or not claims_owed(found) <= _claims_there(session, found):
        return
    (appended,) = broker.log.append(session, [closing_draft(session, found, binding)])
    mark_closed(session, [found], [appended])


def claims_owed(found: Supplement) -> set[tuple[str, str]]:
    """Return who owes claims of a supplement to whom; nobody where the two receive in no common link-ID set."""
    return set() if found.space is None else both_ways(found.larger, found.smaller)


def closing_draft(session: Session, found: Supplement, binding: TermsInForce) -> EntryDraft:
    """Return the log entry that closes a supplement with the claims that are there."""
    messages = repository.messages_of(session, found.project, found.round, found.release)
    return EntryDraft.about(
        SupplementClosed(round=found.round, release=found.release, claims=listed_claims(messages)),
        binding.terms,
        binding.digest,
        object=found.run,
    )


def mark_closed(
    session: Session, supplements: Sequence[Supplement], appended: Sequence[Appended]
) -> None:
    """Note that supplements are closed, by entries in the same order."""
    for found, entry in zip(supplements, appended, strict=True):
        found.state, found.closing, found.closing_size = "closed", entry.seq, entry.size
    session.flush()


def _claims_there(session: Session, found: Supplement) -> set[tuple[str, str]]:
    messages = repository.messages_of(session, found.project, found.round, found.release)
    return {(one.party, one.target) for one in messages if one.destroyed is None}
