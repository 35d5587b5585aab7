"""Nonces that agencies keep in the match log: numbered, signed, used once or voided."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.agreements.service import lock_rounds, project_for, terms_in_force
from app.agreements.signers import refuse_stranger, refuse_untimely, require_duty, require_signature
from app.broker import Broker
from app.clock import utc_text
from app.db import insert_rows
from app.errors import NONCES_REFUSED, RefusedError
from app.matchlog.draft import EntryDraft
from app.matchlog.timeline import EntryFilter, find_entries
from app.rounds import repository
from app.rounds.models import OfferedNonce
from app.security.actor import Actor
from schemas.matchlog.round_kinds import NoncesOffered
from schemas.rounds.rounds import MAX_OFFERED, NonceOffer, NonceState, SignedNonceOffer

SIGNATURE_KIND: Final = "nonces"
# Each offer stands whole in the match log, and a party needs a few a round.
MAX_OFFERED_A_DAY: Final = 16


def offer_nonces(
    session: Session, broker: Broker, actor: Actor, project: str, signed: SignedNonceOffer
) -> NonceState:
    """Take a party's nonces, void those that it takes back, and log both; the same again changes nothing."""
    project_for(session, actor, project)
    lock_rounds(session, project)
    terms = terms_in_force(session, project, broker.clock())
    refuse_stranger(terms, actor.party)
    require_duty(actor, "analyst")
    offer = signed.offer
    if (offer.project, offer.party, offer.person) != (project, actor.party, actor.person):
        raise RefusedError(NONCES_REFUSED, "The nonces name a different project, party, or person.")
    require_signature(session, actor, SIGNATURE_KIND, offer, signed.signature)
    if _was_offered(session, offer):
        return state_of(session, project, actor.party)
    refuse_untimely(offer.at, broker.clock(), rule=NONCES_REFUSED)
    is_less = repository.void_below(session, project, actor.party, offer.void_below)
    if is_less:
        _refuse_often(session, offer, broker.clock())
    _keep(session, offer)
    if not offer.nonces and not is_less:
        return state_of(session, project, actor.party)
    draft = EntryDraft.about(NoncesOffered(signed=signed), terms.terms, terms.digest, actor)
    broker.log.append(session, [draft])
    return state_of(session, project, actor.party)


def nonces_of(session: Session, actor: Actor, project: str) -> NonceState:
    """Return how many unspent nonces the actor's party has, and the number of its next one."""
    refuse_stranger(project_for(session, actor, project), actor.party)
    return state_of(session, project, actor.party)


def state_of(session: Session, project: str, party: str) -> NonceState:
    """Return what the broker knows of a party's nonces."""
    unspent = repository.count_unspent(session, project, [party]).get(party, 0)
    following = repository.newest_number(session, project, party) + 1
    return NonceState(party=party, unspent=unspent, next=following)


def _was_offered(session: Session, offer: NonceOffer) -> bool:
    rows = repository.offered_from(
        session, offer.project, offer.party, offer.first, len(offer.nonces)
    )
    return bool(offer.nonces) and tuple(row.nonce for row in rows) == offer.nonces


def _refuse_often(session: Session, offer: NonceOffer, now: datetime) -> None:
    """Refuse to void nonces of a party that has offered some too often: only that makes room for ever more."""
    a_day_ago = utc_text(now - timedelta(days=1))
    own = EntryFilter(party=offer.party, kind="nonces-offered", since=a_day_ago[:10])
    lately = find_entries(session, offer.project, own, limit=MAX_OFFERED_A_DAY).entries
    if len(lately) == MAX_OFFERED_A_DAY and lately[-1].time > a_day_ago:
        raise RefusedError(
            NONCES_REFUSED,
            f"The party has offered nonces {MAX_OFFERED_A_DAY} times within a day; it can void some tomorrow.",
        )


def _keep(session: Session, offer: NonceOffer) -> None:
    """Store the nonces of an offer whose voiding is done."""
    if offer.first != repository.newest_number(session, offer.project, offer.party) + 1:
        raise RefusedError(
            NONCES_REFUSED,
            "The nonces are not numbered on from the party's last one.",
            hint="ask for the number of the next one, and sign again",
        )
    if repository.known_nonces(session, offer.project, offer.nonces):
        raise RefusedError(
            NONCES_REFUSED, "A nonce was offered before; each is used once, or never."
        )
    unspent = repository.count_unspent(session, offer.project, [offer.party])
    if unspent.get(offer.party, 0) + len(offer.nonces) > MAX_OFFERED:
        raise RefusedError(NONCES_REFUSED, f"A party keeps at most {MAX_OFFERED} unspent nonces.")
    rows = (
        OfferedNonce(
            project=offer.project, party=offer.party, number=number, nonce=nonce, state="unspent"
        )
        for number, nonce in enumerate(offer.nonces, offer.first)
    )
    insert_rows(session, *rows)
