"""Whether what the other recipient of a pair claims can be believed, before anything of it is stored.

Both sides check alike and come to the same answer: a match stands unless one of them vetoes it. A match whose
proofs are there and differ was forged, and then nothing of the round is stored.
"""

from __future__ import annotations

import hmac
from collections import Counter
from dataclasses import dataclass
from operator import ne
from typing import Literal

from encoding.ledger.book import Ledger, newer_vetoes
from encoding.ledger.compact import unpack_rounds
from encoding.ledger.errors import (
    ClaimsContradictError,
    ForgedMatchError,
    LedgersDifferError,
    MessageReplayedError,
    MessageUntrustedError,
    ReleasesDifferError,
    RollbackError,
    TranscriptError,
)
from encoding.ledger.inputs import applied_turn, told_vetoes
from encoding.ledger.values import Pair, Turn
from schemas.chain_statement import ChainStatement
from schemas.claims import Claims
from schemas.ids import MatchId
from schemas.shared.amounts import counted
from schemas.space_message import MAX_VETOES_OF_MAKER, LedgerState, MessageHead, Veto

_TELL = "nothing of this round is stored; tell the other agencies and the operator, and check the match log"

Comparison = Literal["same", "new", "behind", "ahead"]
"""How the other ledger stands to the own one: it agrees; it has nothing yet; it lacks releases; it has more."""


@dataclass(frozen=True, slots=True)
class CheckedPair:
    """What stands of a pair after both sides' claims were compared: its matches but those that a side vetoes.

    `n_unproven` of the matches have no proof that their records met by a key; no alarm, as when a
    workspace was restored. `other_ledger` is "behind" then. `n_recalled` vetoes of this agency's own are told
    that its ledger does not have, as when its own workspace was restored.
    """

    pair: Pair
    vetoed: frozenset[MatchId]
    n_unproven: int
    other_ledger: Comparison
    n_recalled: int


def check_claims(ledger: Ledger, own: Claims, received: Claims) -> CheckedPair:
    """Compare the claims of the other recipient, whose signature was checked, with the own ones.

    Raises:
        MessageReplayedError, MessageUntrustedError: they are of another release, or not from the other party.
        TranscriptError: they speak of other containers.
        ReleasesDifferError: they are of other matches.
        ForgedMatchError: records were matched that do not share the row that they were said to share.
        LedgersDifferError: the two ledgers differ over a release that both have applied.
        ClaimsContradictError: the other party claims something else than it has claimed before, or vetoes of
            this agency's that it has not made.
    """
    _refuse_other_message(ledger, own.head, received.head)
    if received.head.pair != own.head.pair:
        raise MessageUntrustedError("the claims are of a different pair")
    if received.head.transcript != own.head.transcript:
        raise TranscriptError(
            "the other agency's claims are about different containers from those matched here",
            hint=_TELL,
        )
    is_same = len(own.claims) == len(received.claims)
    if not is_same or any(map(ne, own.claims.matches(), received.claims.matches())):
        raise ReleasesDifferError("the broker gave the two agencies different matches", hint=_TELL)
    n_proven = _count_proven(own, received)
    other_ledger = compare_ledgers(ledger, own.head.pair, received.head.ledger)
    _refuse_contradictions(ledger, received, is_same=other_ledger == "same")
    n_recalled = len(_recalled(ledger, received))
    vetoed = frozenset(
        claim.match for side in (own, received) for claim in side.claims if claim.is_vetoed
    )
    n_unproven = len(own.claims) - n_proven
    return CheckedPair(own.head.pair, vetoed, n_unproven, other_ledger, n_recalled)


def check_statement(ledger: Ledger, own: MessageHead, received: ChainStatement) -> None:
    """Check that a statement, whose signature was checked, is of the release that the own one is of.

    Raises:
        MessageReplayedError, MessageUntrustedError: it is of another release or space, or the own party's.
        ClaimsContradictError: it says what this agency has unlinked, and it has not.
    """
    _refuse_other_message(ledger, own, received.head)
    _recalled(ledger, received)


def compare_ledgers(ledger: Ledger, pair: Pair, stated: LedgerState | None) -> Comparison:
    """Compare what the other ledger's newest release gave the pair with what the own ledger says of it.

    Raises:
        LedgersDifferError: both have applied it, and it gave them different things.
    """
    newest = ledger.newest_digest(pair)
    if stated is None:
        return "same" if newest is None else "new"
    turn = Turn(stated.round, stated.release)
    if newest is None or turn > newest[0]:
        return "ahead"
    own_digest = ledger.digest(turn, pair)
    # None: this workspace was restored since, and has forgotten that release.
    if own_digest not in (None, stated.digest):
        raise LedgersDifferError(
            f"the two ledgers differ since round {stated.round}",
            hint="compare both lists of link IDs of that round before anything more is linked",
        )
    return "same" if turn == newest[0] else "behind"


def _refuse_other_message(ledger: Ledger, own: MessageHead, received: MessageHead) -> None:
    if (received.project, received.space) != (ledger.space.project, ledger.space.space):
        raise MessageUntrustedError(f"the {received.KIND} come from a different ID space")
    if received.sender == ledger.party:
        raise MessageUntrustedError(f"the {received.KIND} are this agency's own")
    if (received.round, received.release) != (own.round, own.release):
        raise MessageReplayedError(
            f"the {received.KIND} are of round {received.round}, not of round {own.round}",
            hint=_TELL,
        )
    _refuse_lone_rollback(own, received)


def _refuse_lone_rollback(own: MessageHead, received: MessageHead) -> None:
    """Refuse to go on where one side's ledger was rolled back and the other one's was not, or otherwise.

    Raises:
        RollbackError: so it is; no alarm, since somebody may have yet to give the command.
    """
    here, there = own.applied, received.applied
    if here is None or there is None or here.rollback == there.rollback:
        return
    if (here.round, here.release) == (there.round, there.release):
        who = f"{received.sender} has" if here.rollback is None else "this agency has"
        raise RollbackError(
            f"{who} gone back to the link IDs of an earlier round, but the other side has not done the same",
            hint="nothing of this round is stored; all recipients sign and apply it: blindlink rollback",
        )


def _refuse_contradictions(ledger: Ledger, received: Claims, *, is_same: bool) -> None:
    """Refuse claims that cannot be true if earlier ones of the same party were.

    Claims go by since when a record has its link ID, so that whoever dates one back would have others' end.

    Args:
        is_same: the other ledger's newest release is the own one's.
    """
    head = received.head
    first = ledger.first_matches(
        {claim.link for claim in received.claims if claim.link is not None}
    )
    known = {}
    newest = ledger.newest_digest(head.pair)
    if (
        is_same
        and newest is not None
        and newest[0] == ledger.last
        and head.applied == applied_turn(ledger)
    ):
        known = unpack_rounds(ledger.others.get(head.pair, b""))
    n_false = sum(
        claim.since < first.get(claim.link, 0) or claim.since != known.get(claim.link, claim.since)
        for claim in received.claims
        if claim.link is not None
    )
    if n_false:
        raise ClaimsContradictError(
            f"{n_false} claims of {head.sender} contradict its earlier claims about how long its records"
            " have had their link IDs",
            hint=_TELL,
            n_concerned=n_false,
        )


def _recalled(ledger: Ledger, received: Claims | ChainStatement) -> list[Veto]:
    """Return the vetoes of this agency's own that another party tells it, and its ledger does not have.

    It has told each of them itself, in a release that the other party has applied by now. So a ledger that was
    in the other party's newest release, too, has them all. A restored one may have gone on without that party,
    and lack what it had told it before: that its newest release is as late says nothing.

    Who makes one up, and says that it has applied what this agency has not, is believed. That party gains
    nothing: a veto of its own ends the same link ID, and this agency could not lift that one.

    Raises:
        ClaimsContradictError: both were in the other party's newest release, or it has applied none; or more
            vetoes of one party come together than a message can pass on.
    """
    known, applied = ledger.vetoes(), received.head.applied
    news = newer_vetoes(known, told_vetoes(received))
    own = [veto for veto in news if veto.maker == ledger.party]
    one, another = sorted((ledger.party, received.head.sender))
    turn = None if applied is None else Turn(applied.round, applied.release)
    if own and (turn is None or ledger.digest(turn, (one, another)) is not None):
        raise ClaimsContradictError(
            f"{received.head.sender} says that this agency has unlinked {counted(len(own), 'link ID')},"
            " which it has not",
            hint=_TELL,
            n_concerned=len(own),
        )
    about = {(veto.link, veto.maker) for veto in (*known, *news)}
    n_most = max(Counter(maker for _, maker in about).values(), default=0)
    if n_most > MAX_VETOES_OF_MAKER:
        raise ClaimsContradictError(
            f"{received.head.sender} tells more unlinks of one party than that party can have made",
            hint=_TELL,
            n_concerned=n_most,
        )
    return own


def _count_proven(own: Claims, received: Claims) -> int:
    """Return how many matches both sides prove.

    Raises:
        ForgedMatchError: two proofs of one match differ.
    """
    n_proven = n_forged = 0
    for here, there in zip(own.claims, received.claims, strict=True):
        if here.mac is None or there.mac is None:
            continue
        if hmac.compare_digest(here.mac, there.mac):
            n_proven += 1
        else:
            n_forged += 1
    if n_forged:
        raise ForgedMatchError(
            f"{n_forged} of {len(own.claims)} matches join records that do not share a row",
            hint=_TELL,
            n_concerned=n_forged,
        )
    return n_proven
