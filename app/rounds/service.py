"""Who may see which round, and what uploads, runs and releases note of its pairs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.agreements.service import project_for
from app.clock import utc_text
from app.errors import NOT_IN_ROUND, ROUND_CLOSED, NotFoundError, RefusedError
from app.rounds import repository
from app.rounds.models import Round, RoundPairing, SealedMessage
from app.security.actor import Actor
from schemas.linkage.profile import Side


def round_for(session: Session, actor: Actor, project: str, number: int) -> Round:
    """Return a round of a project that the actor may see."""
    project_for(session, actor, project)
    found = repository.get_round(session, project, number)
    if found is None:
        raise NotFoundError("There is nothing here.")
    return found


def failed_round_runs(session: Session, actor: Actor, project: str) -> tuple[str, ...]:
    """Return the newest runs of the pairs of a project's last round that have failed."""
    project_for(session, actor, project)
    last = repository.last_round(session, project)
    pairs = [] if last is None else repository.pairs_of(session, project, last.number)
    return tuple(pair.run for pair in pairs if pair.run is not None and pair.run_state == "failed")


def open_pair(
    session: Session, project: str, number: int, party: str, partner: str, *, now: datetime
) -> RoundPairing:
    """Return the pair of two parties in a round that is open; in any order."""
    refuse_over(session, project, number, now)
    return pair_in(repository.pairs_of(session, project, number), party, partner)


def refuse_over(session: Session, project: str, number: int, now: datetime) -> None:
    """Check that a round is open and its deadline is to come: after an outage nothing has closed it yet."""
    found = repository.get_round(session, project, number)
    if found is None:
        raise NotFoundError("There is nothing here.")
    if found.state != "open":
        raise RefusedError(ROUND_CLOSED, f"The round is {found.state}.")
    if found.deadline <= utc_text(now):
        raise RefusedError(ROUND_CLOSED, "The round's deadline has passed.")


def pair_in(pairs: Sequence[RoundPairing], party: str, partner: str) -> RoundPairing:
    """Return the pair of two parties among those of a round, in any order; raises not-in-round."""
    for pair in pairs:
        if {pair.larger, pair.smaller} == {party, partner}:
            return pair
    raise RefusedError(
        NOT_IN_ROUND,
        "The round has no such pair.",
        hint="a party without an unspent nonce is left out of a round",
    )


def side_of(pair: RoundPairing, party: str) -> Side:
    """Return which file of the pair a party's is."""
    return "larger" if party == pair.larger else "smaller"


def partner_root(pair: RoundPairing, party: str) -> str | None:
    """Return the root of the partner's container, None where it is not committed yet."""
    return pair.root_smaller if party == pair.larger else pair.root_larger


def own_root(pair: RoundPairing, party: str) -> str | None:
    """Return the root of a party's own container, None where it is not committed yet."""
    return pair.root_larger if party == pair.larger else pair.root_smaller


def note_container(session: Session, pair: RoundPairing, party: str, root: str) -> None:
    """Note that a party's container is committed."""
    if party == pair.larger:
        pair.root_larger = root
    else:
        pair.root_smaller = root
    pair.earlier = pair.earlier or party
    session.flush()


def note_run(session: Session, pair: RoundPairing, run: str, state: str) -> None:
    """Note the newest run of a pair."""
    pair.run, pair.run_state = run, state
    session.flush()


def note_run_state(session: Session, run: str, state: str) -> None:
    """Note how the newest run of a pair has ended without a result; of another run nothing is noted."""
    pair = repository.pair_of_run(session, run)
    if pair is not None:
        pair.run_state = state
        session.flush()


def note_handed_out(session: Session, run: str) -> None:
    """Note that something that a run made has been handed out: its round cannot be corrected any more."""
    pair = repository.pair_of_run(session, run)
    if pair is not None:
        pair.is_handed_out = True
        session.flush()


def pair_of_run(session: Session, run: str) -> RoundPairing | None:
    """Return, locked, the pair whose newest run this is, for the broker itself; None: it is no pair's."""
    return repository.pair_of_run(session, run)


def overdue_rounds(session: Session, now: str) -> list[tuple[str, int]]:
    """Return project and number of the open rounds whose deadline has passed, for the broker itself."""
    return [(found.project, found.number) for found in repository.overdue_rounds(session, now)]


def open_round_of(session: Session, project: str, number: int) -> Round | None:
    """Return, locked, a round that is open, for the broker itself; None if it is not (any more)."""
    found = repository.get_round(session, project, number, lock=True)
    return found if found is not None and found.state == "open" else None


def present_messages(session: Session, actor: Actor, project: str) -> Sequence[SealedMessage]:
    """Return the sealed messages of which something may still be there, of a project that the actor may see."""
    project_for(session, actor, project)
    return repository.present_of_project(session, project)


def newest_linked(session: Session, project: str, pairs: Collection[frozenset[str]]) -> int | None:
    """Return the newest round that was closed with matches of one of these pairs, or None."""
    return repository.newest_linked(session, project, pairs)


def following_of(session: Session, project: str, number: int) -> Round:
    """Return the round that has taken the place of a superseded one, or of the one that has taken its."""
    found = repository.get_round(session, project, number)
    while found is not None and found.superseded_by is not None:
        found = repository.get_round(session, project, found.superseded_by)
    if found is None:
        raise NotFoundError("There is nothing here.")
    return found


def was_handed_out(session: Session, project: str, number: int) -> bool:
    """Tell whether something that the runs of a round made has been handed out."""
    return any(pair.is_handed_out for pair in repository.pairs_of(session, project, number))


def newest_rounds(
    session: Session, projects: Collection[str]
) -> Sequence[tuple[Round, RoundPairing]]:
    """Return the newest round of each project that has one, with each of its pairs: in one query for all.

    The caller knows who may see the projects.
    """
    return repository.newest_rounds(session, projects)
