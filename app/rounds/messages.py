"""Sealed messages on their way: kept as they come, handed to whom they are for alone, never opened.

What a later message takes the place of is destroyed after the commit, or by the sweep after a crash in between;
under a legal hold it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Final, Literal

from sqlalchemy.orm import Session

from app.agreements.holds import is_held
from app.agreements.service import TermsInForce, lock_rounds, terms_in_force
from app.agreements.signers import require_duty
from app.broker import Broker
from app.clock import utc_text
from app.errors import (
    CLAIMS_GONE,
    CLAIMS_NOT_AGREED,
    CLAIMS_NOT_DUE,
    ROUND_CLOSED,
    SUPPLEMENT_CLOSED,
    NotFoundError,
    RefusedError,
)
from app.ids import new_id
from app.matchlog.draft import EntryDraft
from app.rounds import repository
from app.rounds.closure import close_if_done
from app.rounds.models import RoundPairing, SealedMessage, Supplement
from app.rounds.pairs import claims_due, statements_due, still_agreed
from app.rounds.service import pair_in, round_for
from app.rounds.supplements import claims_owed, close_supplement_if_done
from app.sealed.arrival import Arrival
from app.sealed.objects import end_objects, open_pieces, retire_objects
from app.security.actor import Actor
from schemas.matchlog.round_kinds import ClaimsReceived, StatementReceived

MESSAGE_PREFIX: Final = "msg"
MESSAGE_KIND: Final = "sealed-message"
MessageKind = Literal["claims", "statement"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message belongs: the round, for which partner or link-ID set it is, and of which release."""

    project: str
    number: int
    kind: MessageKind
    target: str
    release: int = 1

    def of(self, party: str) -> tuple[str, int, str, str, str, int]:
        """Return the key of the message of a party."""
        return (self.project, self.number, party, self.kind, self.target, self.release)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that is logged, and the object that it ended: None where there was none, or a hold keeps it."""

    row: SealedMessage
    ended: str | None


def refuse_undue(session: Session, broker: Broker, actor: Actor, place: Place) -> TermsInForce:
    """Return the terms under which the actor's party owes this message now."""
    found = round_for(session, actor, place.project, place.number)
    terms = terms_in_force(session, place.project, broker.clock())
    pairs = repository.pairs_of(session, place.project, place.number)
    if place.kind == "claims":
        pair_in(pairs, actor.party, place.target)
    require_duty(actor, "recipient", "analyst")
    if place.release > 1:
        due = claims_owed(_open_supplement(session, place))
    elif found.state != "open":
        raise RefusedError(ROUND_CLOSED, f"The round is {found.state}.")
    else:
        due = claims_due(pairs) if place.kind == "claims" else statements_due(pairs)
    if (actor.party, place.target) not in due:
        raise RefusedError(CLAIMS_NOT_DUE, "The party does not owe this message in this round.")
    others = (place.target,) if place.kind == "claims" else ()
    _refuse_unagreed(pairs, terms, place, actor.party, *others)
    return terms


def known_message(session: Session, actor: Actor, place: Place) -> SealedMessage | None:
    """Return what the actor's party has sent, if it is what is signed for now.

    Who lost the answer sends the same again, at any time.
    """
    round_for(session, actor, place.project, place.number)
    row = repository.find_message(session, place.of(actor.party))
    stated = None if actor.signed is None else actor.signed.request.sha256
    return row if row is not None and row.sha256 == stated else None


def coming_message(broker: Broker) -> Arrival:
    """Return the message that comes now: sealed under a key of its own, and not visible yet."""
    return Arrival(broker, new_id(MESSAGE_PREFIX), MESSAGE_KIND)


def keep_message(
    session: Session, broker: Broker, actor: Actor, place: Place, arrived: Arrival
) -> Kept:
    """Put a message in the place of the party's earlier one, log it, and close round or supplement if done.

    The same bytes that came twice at once change nothing: no row names then what was stored for them.
    """
    lock_rounds(session, place.project)
    terms = refuse_undue(session, broker, actor, place)
    row = repository.find_message(session, place.of(actor.party), lock=True)
    if row is not None and row.sha256 == arrived.sha256 and row.destroyed is None:
        return Kept(row, None)
    last = repository.last_sequence(session, place.project, actor.party, place.kind, place.target)
    now = broker.clock()
    ended = None
    if row is None:
        row = SealedMessage(
            project=place.project,
            round=place.number,
            party=actor.party,
            kind=place.kind,
            target=place.target,
            release=place.release,
        )
    elif row.destroyed is None and is_held(session, place.project, now):
        retire_objects(session, place.project, row.object)
    else:
        ended = row.object
        end_objects(session, ended)
    arrived.sealed.keep(session)
    row.sequence, row.object = last + 1, arrived.sealed.id
    row.sha256, row.received = arrived.sha256, utc_text(now)
    row.keep_until = utc_text(now + timedelta(days=terms.terms.keep_links_days))
    row.fetched = row.destroyed = None
    repository.put_message(session, row)
    broker.log.append(session, [_entry(actor, terms, row)])
    if place.release > 1:
        close_supplement_if_done(session, broker, _open_supplement(session, place))
    else:
        close_if_done(session, broker, place.project, place.number)
    return Kept(row, ended)


def open_message(
    session: Session, broker: Broker, actor: Actor, place: Place, sender: str
) -> tuple[Iterator[bytes], str]:
    """Return the pieces of the newest message of a sender and its digest, if it is for the actor's party."""
    round_for(session, actor, place.project, place.number)
    terms = terms_in_force(session, place.project, broker.clock())
    pairs = repository.pairs_of(session, place.project, place.number)
    if not _is_for(pairs, actor, place):
        raise NotFoundError("There is nothing here.")
    row = repository.find_message(session, place.of(sender))
    if row is None:
        raise NotFoundError("There is nothing here.")
    require_duty(actor, "recipient", "analyst")
    _refuse_unagreed(pairs, terms, place, actor.party, sender)
    if row.destroyed is not None or row.keep_until <= utc_text(broker.clock()):
        raise RefusedError(
            CLAIMS_GONE, "The message's agreed storage time is over, and it is gone."
        )
    pieces = iter(open_pieces(session, broker, row.object, MESSAGE_KIND))
    # What is wrong with the first piece, which few messages are longer than, is told before an answer begins.
    return chain((next(pieces),), pieces), row.sha256


def note_fetched(session: Session, broker: Broker, place: Place, sender: str, sha256: str) -> None:
    """Note that a message was fetched, unless another one has come in its place meanwhile."""
    row = repository.find_message(session, place.of(sender), lock=True)
    if row is not None and row.sha256 == sha256:
        row.fetched = row.fetched or utc_text(broker.clock())


def _open_supplement(session: Session, place: Place) -> Supplement:
    found = repository.find_supplement(
        session, place.project, place.number, place.release, lock=True
    )
    if found is None:
        raise NotFoundError("There is nothing here.")
    if found.state != "open":
        raise RefusedError(SUPPLEMENT_CLOSED, "The supplementary release is closed.")
    return found


def _refuse_unagreed(
    pairs: Sequence[RoundPairing], terms: TermsInForce, place: Place, *parties: str
) -> None:
    """Refuse what parties tell each other by the space of their round that is not theirs by the terms now."""
    still = still_agreed(pairs, terms.terms)
    if place.kind == "claims":
        is_agreed = any({pair.larger, pair.smaller} == {*parties} for pair in still)
    else:
        of_space = [pair for pair in still if pair.space == place.target]
        is_agreed = {*parties} <= {
            party for pair in of_space for party in (pair.larger, pair.smaller)
        }
    if not is_agreed:
        raise RefusedError(
            CLAIMS_NOT_AGREED,
            "The terms have changed since the round opened: these parties share no link-ID set now.",
            clause="recipients",
        )


def _is_for(pairs: Sequence[RoundPairing], actor: Actor, place: Place) -> bool:
    if place.kind == "claims":
        return place.target == actor.party
    return any(
        pair.space == place.target and actor.party in (pair.larger, pair.smaller) for pair in pairs
    )


def _entry(actor: Actor, terms: TermsInForce, row: SealedMessage) -> EntryDraft:
    body: ClaimsReceived | StatementReceived
    if row.kind == "claims":
        body = ClaimsReceived.from_row(row, partner=row.target)
    else:
        body = StatementReceived(
            round=row.round, space=row.target, sequence=row.sequence, sha256=row.sha256
        )
    return EntryDraft.about(body, terms.terms, terms.digest, actor)
