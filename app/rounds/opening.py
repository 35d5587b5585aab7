"""Opening rounds: when one is due, with which pairs, by which nonces."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from app.agreements.service import TermsInForce, lock_rounds, project_for, terms_in_force
from app.agreements.signers import refuse_stranger, require_duty
from app.broker import Broker
from app.clock import parse_utc, utc_text
from app.db import insert_rows
from app.errors import (
    NONCES_MISSING,
    ROUND_CLOSED,
    RefusedError,
    RoundBudgetError,
    RoundNotDueError,
)
from app.matchlog.draft import EntryDraft
from app.rounds import repository
from app.rounds.models import Round, RoundPairing
from app.rounds.pairs import pair_view, pairing_of
from app.rounds.service import round_for
from app.rounds.supplements import closing_draft, mark_closed
from app.security.actor import Actor
from schemas.agreement.agreement import ProjectTerms
from schemas.matchlog.round_kinds import RoundOpened, RoundSuperseded
from schemas.rounds.timetable import next_day, round_due, upload_due

Before = Callable[[], None]
"""What ends with the round before; called just before the next one is logged, and never if it is not opened."""


def open_round(
    session: Session, broker: Broker, actor: Actor, project: str, number: int, *, before: Before
) -> Round:
    """Open the next round, which has this number, or return the one that is open by now.

    Anyone who asks signs the number, so that what they ask for opens no round after that. Supplements that are
    open close with the claims that are there.

    Raises:
        NotInForceError, not-a-provider, wrong-duty: the terms do not let this person ask.
        RoundNotDueError, RoundBudgetError, nonces-missing: it is not due, or cannot be opened.
    """
    project_for(session, actor, project)
    # First, so that of two who ask at once the second one finds the first one's round.
    lock_rounds(session, project)
    terms = terms_in_force(session, project, broker.clock())
    refuse_stranger(terms, actor.party)
    require_duty(actor, "analyst")
    found = repository.open_round(session, project)
    if found is not None and number <= found.number:
        return found
    following = _next_number(session, project)
    if number < following:
        raise RefusedError(ROUND_CLOSED, f"The next round is number {following}.")
    if found is not None or number > following:
        raise RoundNotDueError("The round before has yet to be opened and closed.")
    _refuse_undue(session, terms.terms, broker.clock())
    return _begin(session, broker, actor, terms, corrects=None, before=before)


def supersede_round(
    session: Session,
    broker: Broker,
    actor: Actor,
    project: str,
    number: int,
    *,
    reason: str,
    before: Before,
) -> Round | None:
    """Let the next round take the place of one; returns it, or None where another has taken its place already.

    What was uploaded for it and made of it is the caller's to end.

    Raises:
        NotFoundError, NotInForceError, not-a-provider, wrong-duty: not the caller's to correct now.
        RoundBudgetError, nonces-missing: the next one cannot be opened.
    """
    round_for(session, actor, project, number)
    lock_rounds(session, project)
    terms = terms_in_force(session, project, broker.clock())
    refuse_stranger(terms, actor.party)
    require_duty(actor, "analyst")
    found = repository.get_round(session, project, number, lock=True)
    if found is None or found.state == "superseded":
        return None
    if found.state != "open":
        raise RefusedError(ROUND_CLOSED, f"The round is {found.state}.")
    found.state = "superseded"
    session.flush()
    following = _begin(session, broker, actor, terms, corrects=found, before=before, reason=reason)
    found.superseded_by = following.number
    session.flush()
    return following


def is_due(session: Session, terms: ProjectTerms, now: datetime) -> bool:
    """Tell whether a round may be opened now, as far as schedule, budget and nonces go."""
    if repository.open_round(session, terms.project) is not None:
        return False
    try:
        _refuse_undue(session, terms, now)
        _refuse_beyond_budget(session, terms, now)
    except (RoundNotDueError, RoundBudgetError):
        return False
    have = repository.count_unspent(session, terms.project, terms.providers)
    return any(larger in have and smaller in have for larger, smaller in terms.pairs)


def late_opening(
    session: Session, terms: ProjectTerms, since: date, now: datetime
) -> tuple[int, datetime] | None:
    """Return number and due moment of a round that ought to be open by now; None: none is due.

    Args:
        since: the day from which the terms bind, for a project's first round.
    """
    if repository.open_round(session, terms.project) is not None:
        return None
    regular = repository.last_regular(session, terms.project)
    due = round_due(terms, since if regular is None else date.fromisoformat(regular.opened[:10]))
    if due is None or now < due:
        return None
    try:
        _refuse_beyond_budget(session, terms, now)
    except RoundBudgetError:
        return None
    return _next_number(session, terms.project), due


def late_uploads(
    session: Session, terms: ProjectTerms, now: datetime
) -> tuple[int, datetime, tuple[str, ...]] | None:
    """Return the open round's number, when its files were due, and whose are missing; None: none is due yet."""
    found = repository.open_round(session, terms.project)
    if found is None:
        return None
    due = upload_due(terms, parse_utc(found.opened))
    if now < due:
        return None
    lacking = {
        party
        for pair in repository.pairs_of(session, terms.project, found.number)
        for party, root in ((pair.larger, pair.root_larger), (pair.smaller, pair.root_smaller))
        if root is None
    }
    return (found.number, due, tuple(sorted(lacking))) if lacking else None


def waiting_for(session: Session, terms: ProjectTerms) -> tuple[str, ...]:
    """Return the providers that have no unspent nonce, by name."""
    have = repository.count_unspent(session, terms.project, terms.providers)
    return tuple(party for party in terms.providers if party not in have)


def _next_number(session: Session, project: str) -> int:
    last = repository.last_round(session, project)
    return 1 if last is None else last.number + 1


def _refuse_undue(session: Session, terms: ProjectTerms, now: datetime) -> None:
    if terms.frequency == "once":
        if repository.has_result(session, terms.project):
            raise RoundNotDueError(
                "The agreement allows one linkage, and it has been done.", clause="schedule"
            )
        return
    last = repository.last_regular(session, terms.project)
    due = None if last is None else next_day(terms, date.fromisoformat(last.opened[:10]))
    if due is not None and now.date() < due:
        raise RoundNotDueError(f"The next round is due on {due.isoformat()}.", clause="schedule")


def _refuse_beyond_budget(session: Session, terms: ProjectTerms, now: datetime) -> None:
    budget = terms.round_budget
    if budget is None:
        return
    # As the log's verifier counts: whole days in UTC, today among them.
    first = now.date() - timedelta(days=budget.days - 1)
    if repository.count_since(session, terms.project, first.isoformat()) >= budget.rounds:
        raise RoundBudgetError(
            f"The terms allow {budget.rounds} rounds within {budget.days} days.",
            clause="round-budget",
        )


def _begin(
    session: Session,
    broker: Broker,
    actor: Actor,
    terms: TermsInForce,
    *,
    corrects: Round | None,
    before: Before,
    reason: str = "",
) -> Round:
    """Open the next round, within the budget, and log it; with `corrects` as the one in its place."""
    now, agreed = broker.log.now(session), terms.terms
    _refuse_beyond_budget(session, agreed, now)
    number = _next_number(session, agreed.project)
    pairs = _ready_pairs(session, agreed, number, corrects)
    deadline = utc_text(now + timedelta(days=agreed.round_days))
    opened = RoundOpened(
        round=number,
        deadline=deadline,
        corrects=None if corrects is None else corrects.number,
        pairs=tuple(map(pair_view, pairs)),
    )
    before()
    # In one batch, since nothing but the next round ends the wait for claims.
    waiting = repository.open_supplements(session, agreed.project)
    drafts = [closing_draft(session, one, terms) for one in waiting]
    if corrects is not None:
        body = RoundSuperseded(round=corrects.number, by=number, reason=reason)
        drafts.append(_entry(actor, terms, body))
    *ended, appended = broker.log.append(session, [*drafts, _entry(actor, terms, opened)])
    mark_closed(session, waiting, ended[: len(waiting)])
    row = Round(
        project=agreed.project,
        number=number,
        state="open",
        opened=utc_text(now),
        deadline=deadline,
        corrects=opened.corrects,
        entry=appended.seq,
        entry_size=appended.size,
    )
    insert_rows(session, row)
    insert_rows(session, *pairs)
    return row


def _ready_pairs(
    session: Session, agreed: ProjectTerms, number: int, corrects: Round | None
) -> list[RoundPairing]:
    """Return the pairs of a new round, each with the lowest unspent nonce of both parties, which it uses."""
    unspent = {
        party: deque(repository.unspent_nonces(session, agreed.project, party))
        for party in agreed.providers
    }
    had = None if corrects is None else _parties_of(session, corrects)
    wanted = [pair for pair in agreed.pairs if had is None or frozenset(pair) in had]
    pairs = [
        pairing_of(agreed, number, unspent[larger].popleft(), unspent[smaller].popleft())
        for larger, smaller in wanted
        if unspent[larger] and unspent[smaller]
    ]
    if not pairs or (corrects is not None and len(pairs) < len(wanted)):
        lacking = sorted({party for pair in wanted for party in pair if not unspent[party]})
        raise RefusedError(
            NONCES_MISSING,
            f"There is no unspent nonce of {', '.join(lacking) or 'anybody'}.",
            hint="each agency's refresh offers new ones",
        )
    return pairs


def _parties_of(session: Session, found: Round) -> set[frozenset[str]]:
    # Which file is the larger one may be agreed otherwise since.
    pairs = repository.pairs_of(session, found.project, found.number)
    return {frozenset((pair.larger, pair.smaller)) for pair in pairs}


def _entry(actor: Actor, terms: TermsInForce, body: RoundOpened | RoundSuperseded) -> EntryDraft:
    return EntryDraft.about(body, terms.terms, terms.digest, actor)
