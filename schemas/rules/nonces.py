"""Steps about nonces: offered by providers in order, and each used in one pair of one round, or never."""

from __future__ import annotations

from schemas.documents.errors import SignatureError
from schemas.matchlog.entry import Entry
from schemas.matchlog.round_kinds import NoncesOffered
from schemas.rounds.rounds import RoundPair, UsedNonce
from schemas.rules.log_state import LogState
from schemas.rules.requests import may_act, public_key
from schemas.rules.round_state import NonceBook, Rounds
from schemas.rules.steps import (
    break_off,
    project_of,
    signed_with_own_key,
    was_signed_lately,
)
from schemas.signing.signatures import verify_document


def by_provider(log: LogState, entry: Entry) -> None:
    """Nonces are offered for a provider, by the person who acts, with their key."""
    signed, project = entry.body_as(NoncesOffered).signed, project_of(log, entry)
    offer, actor = signed.offer, entry.actor
    if actor.party not in project.terms.providers:
        message = "nonces are offered by a party that the terms do not let encode"
        break_off("nonce-stranger", message, entry, project.seq)
    stated = (offer.project, offer.party, offer.person)
    if stated != (entry.project, actor.party, actor.person):
        message = "nonces are offered for another project, party or person"
        break_off("nonce-stranger", message, entry)
    signed_with_own_key(log, entry, signed.signature, "nonce-stranger")
    person = may_act(log, entry, ("analyst",))
    try:
        verify_document("nonces", offer.to_json(), signed.signature.signature, public_key(person))
    except SignatureError as exc:
        break_off("nonce-stranger", f"an offer of nonces does not count: {exc}", entry)
    was_signed_lately(entry, offer.at)


def offer(log: LogState, entry: Entry) -> None:
    """An offer numbers on from the one before, and no nonce of the project comes again."""
    offered = entry.body_as(NoncesOffered).signed.offer
    rounds = project_of(log, entry).rounds
    book = rounds.book(entry.actor.party)
    nonces = [bytes.fromhex(nonce) for nonce in offered.nonces]
    if offered.first != book.next or not rounds.seen.isdisjoint(nonces):
        message = "nonces do not number on from those before, or come again"
        break_off("nonce-order", message, entry)
    rounds.seen.update(nonces)
    for number in [one for one in book.unspent if one < offered.void_below]:
        del book.unspent[number]
    book.unspent |= dict(enumerate(offered.nonces, offered.first))
    book.next += len(nonces)


def use(rounds: Rounds, pair: RoundPair, entry: Entry) -> None:
    """Take the nonces of a pair; each is the lowest-numbered one of its party that is not spent."""
    for party, used in ((pair.larger, pair.nonce_larger), (pair.smaller, pair.nonce_smaller)):
        if not _take(rounds.book(party), used):
            message = "a pair uses a nonce that is not its party's first unspent one"
            break_off("round-nonce", message, entry)


def _take(book: NonceBook, used: UsedNonce) -> bool:
    first = next(iter(book.unspent), None)
    if first is None or (used.number, used.nonce) != (first, book.unspent[first]):
        return False
    del book.unspent[first]
    return True
