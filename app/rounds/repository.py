"""All queries of rounds. Who may see a round is decided by its project; a message is read by its receivers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import permutations

from sqlalchemy import func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from app.db import first_of_project, is_ahead, of_project, scalars_of_project
from app.rounds.models import OfferedNonce, Round, RoundPairing, SealedMessage, Supplement
from app.sealed.objects import present_objects


def newest_number(session: Session, project: str, party: str) -> int:
    """Return the number of the last nonce that a party has offered; 0 before the first."""
    query = select(func.max(OfferedNonce.number)).where(
        OfferedNonce.project == project, OfferedNonce.party == party
    )
    return session.scalar(query) or 0


def offered_from(
    session: Session, project: str, party: str, first: int, n: int
) -> Sequence[OfferedNonce]:
    """Return a party's nonces of these numbers, in order."""
    query = select(OfferedNonce).where(
        OfferedNonce.project == project,
        OfferedNonce.party == party,
        OfferedNonce.number >= first,
        OfferedNonce.number < first + n,
    )
    return session.scalars(query.order_by(OfferedNonce.number)).all()


def known_nonces(session: Session, project: str, nonces: Collection[str]) -> bool:
    """Tell whether anybody has offered one of these nonces in the project before."""
    query = select(OfferedNonce.number).where(
        OfferedNonce.project == project, OfferedNonce.nonce.in_(nonces)
    )
    return session.scalar(query.limit(1)) is not None


def unspent_nonces(session: Session, project: str, party: str) -> Sequence[OfferedNonce]:
    """Return a party's nonces that no round has used and none of its offers has voided, lowest first."""
    query = select(OfferedNonce).where(
        OfferedNonce.project == project,
        OfferedNonce.party == party,
        OfferedNonce.state == "unspent",
    )
    query = query.order_by(OfferedNonce.number).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def count_unspent(session: Session, project: str, parties: Collection[str]) -> dict[str, int]:
    """Return how many unspent nonces each of these parties has; who has none is missing."""
    rows = of_project(
        session,
        project,
        OfferedNonce.project,
        lambda: (
            select(OfferedNonce.party, func.count())
            .where(OfferedNonce.state == "unspent")
            .group_by(OfferedNonce.project, OfferedNonce.party)
        ),
        "count_unspent",
    )
    return {row[0]: row[1] for row in rows if row[0] in parties}


def void_below(session: Session, project: str, party: str, number: int) -> bool:
    """Void a party's unspent nonces of lower numbers; tell whether there were any."""
    voided = session.execute(
        update(OfferedNonce)
        .where(
            OfferedNonce.project == project,
            OfferedNonce.party == party,
            OfferedNonce.state == "unspent",
            OfferedNonce.number < number,
        )
        .values(state="void")
        .returning(OfferedNonce.number)
    ).all()
    return bool(voided)


def get_round(session: Session, project: str, number: int, *, lock: bool = False) -> Round | None:
    """Return a round, or None; callers ask its project whether the actor may see it."""
    return session.get(
        Round, (project, number), populate_existing=True, with_for_update=lock or None
    )


def open_round(session: Session, project: str) -> Round | None:
    """Return the project's open round, or None: there is at most one."""
    rows = of_project(
        session,
        project,
        Round.project,
        lambda: (
            select(Round).where(Round.state == "open").execution_options(populate_existing=True)
        ),
        "open_round",
    )
    return rows[0][0] if rows else None


def last_round(session: Session, project: str) -> Round | None:
    """Return the project's newest round, or None before the first."""
    order = (Round.number.desc(),)
    return first_of_project(
        session, project, Round.project, select(Round), order=order, key="last_round"
    )


def last_regular(session: Session, project: str) -> Round | None:
    """Return the project's newest round that corrects no other, or None before the first."""
    query, order = select(Round).where(Round.corrects.is_(None)), (Round.number.desc(),)
    return first_of_project(session, project, Round.project, query, order=order, key="last_regular")


def rounds_of(
    session: Session, project: str, below: int | None, limit: int | None
) -> Sequence[Round]:
    """Return so many of the project's rounds, or all (None), newest first; with `below`, of lower numbers."""
    query = select(Round).where(Round.project == project)
    if below is not None:
        query = query.where(Round.number < below)
    return session.scalars(query.order_by(Round.number.desc()).limit(limit)).all()


def count_since(session: Session, project: str, first: str) -> int:
    """Return how many of a project's rounds were opened since a time."""
    rows = of_project(
        session,
        project,
        Round.project,
        lambda: select(func.count()).where(Round.opened >= first).group_by(Round.project),
        ("count_since", first),
    )
    return rows[0][0] if rows else 0


def has_result(session: Session, project: str) -> bool:
    """Tell whether any round of the project was closed with a run that succeeded."""
    query = (
        select(Round.number)
        .join(
            RoundPairing,
            (RoundPairing.project == Round.project) & (RoundPairing.round == Round.number),
        )
        .where(
            Round.project == project, Round.state == "closed", RoundPairing.run_state == "succeeded"
        )
    )
    return session.scalar(query.limit(1)) is not None


def newest_linked(session: Session, project: str, pairs: Collection[frozenset[str]]) -> int | None:
    """Return the newest round that was closed with a run of one of these pairs that succeeded, or None."""
    # Which file is the larger one may be agreed otherwise since.
    ends = [both for pair in pairs for both in permutations(sorted(pair))]
    query = (
        select(func.max(Round.number))
        .join(
            RoundPairing,
            (RoundPairing.project == Round.project) & (RoundPairing.round == Round.number),
        )
        .where(
            Round.project == project,
            Round.state == "closed",
            RoundPairing.run_state == "succeeded",
            tuple_(RoundPairing.larger, RoundPairing.smaller).in_(ends),
        )
    )
    return session.scalar(query)


def overdue_rounds(session: Session, now: str) -> Sequence[Round]:
    """Return the open rounds of all projects whose deadline has passed."""
    query = select(Round).where(Round.state == "open", Round.deadline <= now)
    return session.scalars(query.order_by(Round.project)).all()


def pairs_of(session: Session, project: str, number: int) -> Sequence[RoundPairing]:
    """Return the pairs of a round, in the order of their parties' names."""
    found: Sequence[RoundPairing] = []
    if is_ahead(session, project):
        # Of many projects, the pairs of the newest rounds are asked for.
        newest = select(Round.project, func.max(Round.number)).group_by(Round.project)
        is_newest = tuple_(RoundPairing.project, RoundPairing.round).in_(newest)
        rows = of_project(
            session,
            project,
            RoundPairing.project,
            lambda: select(RoundPairing).where(is_newest),
            "pairs_of",
        )
        found = [row[0] for row in rows if row[0].round == number]
    if not found:
        query = select(RoundPairing).where(
            RoundPairing.project == project, RoundPairing.round == number
        )
        found = session.scalars(query.execution_options(populate_existing=True)).all()
    return sorted(found, key=lambda pair: sorted((pair.larger, pair.smaller)))


def pair_of_run(session: Session, run: str) -> RoundPairing | None:
    """Return the pair whose newest run this is, locked, or None."""
    query = select(RoundPairing).where(RoundPairing.run == run).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def find_message(
    session: Session, key: tuple[str, int, str, str, str, int], *, lock: bool = False
) -> SealedMessage | None:
    """Return a message by project, round, party, kind, target and release, or None."""
    return session.get(SealedMessage, key, populate_existing=True, with_for_update=lock or None)


def put_message(session: Session, message: SealedMessage) -> None:
    """Insert a message, or write over the one that it was before."""
    session.add(message)
    session.flush()


def messages_of(
    session: Session, project: str, number: int, release: int = 1
) -> Sequence[SealedMessage]:
    """Return all messages about one release of a round, by party, then by whom they are for."""
    query = select(SealedMessage).where(
        SealedMessage.project == project,
        SealedMessage.round == number,
        SealedMessage.release == release,
    )
    order = (SealedMessage.party, SealedMessage.kind, SealedMessage.target)
    return session.scalars(query.order_by(*order)).all()


def last_sequence(session: Session, project: str, party: str, kind: str, target: str) -> int:
    """Return the sequence number of a party's last message to this target; 0 before the first."""
    query = select(func.max(SealedMessage.sequence)).where(
        SealedMessage.project == project,
        SealedMessage.party == party,
        SealedMessage.kind == kind,
        SealedMessage.target == target,
    )
    return session.scalar(query) or 0


def live_messages(
    session: Session, project: str, *, party: str | None = None, number: int | None = None
) -> Sequence[SealedMessage]:
    """Return, locked, the project's messages that are not destroyed: all, a round's, or a party's.

    A party's are those that it sent, and claims that were sent to it.
    """
    query = select(SealedMessage).where(
        SealedMessage.project == project, SealedMessage.destroyed.is_(None)
    )
    if party is not None:
        to_it = (SealedMessage.kind == "claims") & (SealedMessage.target == party)
        query = query.where(or_(SealedMessage.party == party, to_it))
    if number is not None:
        query = query.where(SealedMessage.round == number)
    query = query.order_by(SealedMessage.object).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def supplements_of(session: Session, project: str, number: int) -> Sequence[Supplement]:
    """Return the supplements of a round, by number."""
    query = select(Supplement).where(Supplement.project == project, Supplement.round == number)
    return session.scalars(query.order_by(Supplement.release)).all()


def open_supplements(session: Session, project: str) -> Sequence[Supplement]:
    """Return, locked, the supplements of a project that are not closed, by round and number."""
    query = select(Supplement).where(Supplement.project == project, Supplement.state == "open")
    query = query.order_by(Supplement.round, Supplement.release).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def find_supplement(
    session: Session, project: str, number: int, release: int, *, lock: bool = False
) -> Supplement | None:
    """Return a supplement by its round and number, or None."""
    key = (project, number, release)
    return session.get(Supplement, key, populate_existing=True, with_for_update=lock or None)


def present_of_project(session: Session, project: str) -> Sequence[SealedMessage]:
    """Return the messages of a project of which something may be left."""
    return scalars_of_project(
        session,
        project,
        SealedMessage.project,
        lambda: (
            select(SealedMessage)
            .where(SealedMessage.object.in_(present_objects()))
            .order_by(SealedMessage.object)
        ),
        "present_messages",
    )


def newest_rounds(
    session: Session, projects: Collection[str]
) -> Sequence[tuple[Round, RoundPairing]]:
    """Return the newest round of each project that has one, with each of its pairs, by project."""
    newest = (
        select(Round.project, func.max(Round.number).label("number"))
        .where(Round.project.in_(projects))
        .group_by(Round.project)
        .subquery()
    )
    query = (
        select(Round, RoundPairing)
        .join(newest, (Round.project == newest.c.project) & (Round.number == newest.c.number))
        .join(
            RoundPairing,
            (RoundPairing.project == Round.project) & (RoundPairing.round == Round.number),
        )
    )
    rows = session.execute(query.order_by(Round.project, RoundPairing.larger, RoundPairing.smaller))
    return [(row[0], row[1]) for row in rows.all()]
