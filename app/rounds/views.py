"""What the wire says of rounds, with the proofs that they were opened and closed as it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy.orm import Session

from app.agreements.service import project_for
from app.db import LIST_LIMIT
from app.matchlog.proofs import entry_proof
from app.rounds import repository
from app.rounds.message_lists import listed_claims, listed_statements
from app.rounds.models import Round, RoundPairing, SealedMessage, Supplement
from app.rounds.opening import is_due, waiting_for
from app.rounds.pairs import SUCCEEDED, pair_view
from app.security.actor import Actor
from schemas.rounds.rounds import PairProgress, RoundList, RoundState, RoundView, SupplementView


def round_view(session: Session, found: Round) -> RoundView:
    """Return a round as any party of its project sees it."""
    pairs = repository.pairs_of(session, found.project, found.number)
    messages = repository.messages_of(session, found.project, found.number)
    closing = None
    if found.closing is not None and found.closing_size is not None:
        closing = entry_proof(session, found.closing, found.closing_size).to_receipt(None)
    return RoundView.from_row(
        found,
        round=found.number,
        pairs=tuple(map(pair_view, pairs)),
        progress=tuple(_progress(pair, messages) for pair in pairs),
        statements=listed_statements(messages),
        receipt=entry_proof(session, found.entry, found.entry_size).to_receipt(None),
        closing=closing,
        supplements=tuple(
            _supplement_view(session, one)
            for one in repository.supplements_of(session, found.project, found.number)
        ),
    )


@dataclass(frozen=True, slots=True)
class PairStand:
    """The roots of the two containers of a pair; None where one is not here yet."""

    larger: str
    smaller: str
    root_larger: str | None
    root_smaller: str | None


@dataclass(frozen=True, slots=True)
class RoundStand:
    """Where a round stands, without proofs; `progress` are its pairs."""

    round: int
    state: RoundState
    opened: str
    deadline: str
    superseded_by: int | None
    progress: tuple[PairStand, ...]


def newest_round_stand(session: Session, actor: Actor, project: str) -> RoundStand | None:
    """Return where the last round of a project stands that the actor may see; None: there was none."""
    project_for(session, actor, project)
    found = repository.last_round(session, project)
    if found is None:
        return None
    return RoundStand(
        round=found.number,
        state=cast(RoundState, found.state),
        opened=found.opened,
        deadline=found.deadline,
        superseded_by=found.superseded_by,
        progress=tuple(
            PairStand(one.larger, one.smaller, one.root_larger, one.root_smaller)
            for one in repository.pairs_of(session, project, found.number)
        ),
    )


def round_list(
    session: Session,
    actor: Actor,
    project: str,
    below: int | None,
    now: datetime,
    *,
    limit: int | None = LIST_LIMIT,
) -> RoundList:
    """Return a piece of a project's rounds, newest first, whether one is due, and for whom it waits.

    Args:
        below: only rounds of lower numbers.
        limit: at most so many; None for all.
    """
    terms = project_for(session, actor, project).terms
    rounds = repository.rounds_of(session, project, below, limit)
    return RoundList(
        rounds=tuple(round_view(session, found) for found in rounds),
        due=is_due(session, terms, now),
        waiting_for=waiting_for(session, terms),
    )


def _supplement_view(session: Session, found: Supplement) -> SupplementView:
    messages = repository.messages_of(session, found.project, found.round, found.release)
    closing = None
    if found.closing is not None and found.closing_size is not None:
        closing = entry_proof(session, found.closing, found.closing_size).to_receipt(found.run)
    return SupplementView.from_row(found, claims=listed_claims(messages), closing=closing)


def _progress(pair: RoundPairing, messages: Sequence[SealedMessage]) -> PairProgress:
    parties = {pair.larger, pair.smaller}
    return PairProgress.from_row(
        pair,
        has_result=pair.run_state == SUCCEEDED,
        claims=listed_claims([one for one in messages if {one.party, one.target} == parties]),
    )
