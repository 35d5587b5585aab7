"""Whether what the other recipient of a pair claims can be believed, before anything of it is stored.

Both sides check alike and come to the same answer: a match stands unless one of them vetoes it. A match whose
proofs are there and differ was forged, and then nothing of the round is stored.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Collection, Iterable
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
from schemas.documents.ids import MatchId
from schemas.rounds.chain_statement import ChainStatement
from schemas.rounds.claims import Claims
from schemas.rounds.space_message import (
    MAX_MAKERS,
    MAX_VETOES,
    MAX_VETOES_OF_MAKER,
    LedgerState,
    MessageHead,
    Veto,
)
from schemas.shared.amounts import counted

_TELL = "nothing of this round is stored; tell the other agencies and the operator, and check the match log"

Comparison = Literal["same", "new", "behind", "ahead"]
"""How the other ledger stands to the own one: it agrees; it has nothing yet; it lacks releases; it has more."""


@dataclass(frozen=True, slots=True)
class Believed:
    """What another party is believed about vetoes.

    `makers` are the parties that an agreement of the project has named: nobody else can have made one.
    `recalls`: this agency's workspace was restored, so that its ledger may lack vetoes of its own: it has not
    heard each other recipient since, or the sender's was restored to a day before that.
    """

    makers: Collection[str]
    recalls: bool = False


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


def check_claims(ledger: Ledger, own: Claims, received: Claims, believed: Believed) -> CheckedPair:
    """Compare the claims of the other recipient, whose signature was checked, with the own ones.

    Raises:
        MessageReplayedError, MessageUntrustedError: they are of another release, or not from the other party.
        TranscriptError: they speak of other containers.
        ReleasesDifferError: they are of other matches.
        ForgedMatchError: records were matched that do not share the row that they were said to share.
        LedgersDifferError: the two ledgers differ over a release that both have applied.
        ClaimsContradictError: the other party claims something else than it has claimed before, or vetoes that
            nobody can have made.
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
    n_recalled = len(_recalled(ledger, received, believed))
    vetoed = frozenset(
        claim.match for side in (own, received) for claim in side.claims if claim.is_vetoed
    )
    n_unproven = len(own.claims) - n_proven
    return CheckedPair(own.head.pair, vetoed, n_unproven, other_ledger, n_recalled)


def check_statement(
    ledger: Ledger,
    own: MessageHead,
    received: ChainStatement,
    believed: Believed,
    claims: Claims | None = None,
) -> None:
    """Check that a statement, whose signature was checked, is of the release that the own one is of.

    Args:
        claims: what the same party has claimed of the release to this agency; None: nothing.
    Raises:
        MessageReplayedError, MessageUntrustedError: it is of another release or space, or the own party's.
        ClaimsContradictError: it dates link IDs otherwise than what the party has claimed, or before they were
            made, or tells of vetoes that nobody can have made.
    """
    _refuse_other_message(ledger, own, received.head)
    _refuse_stated_otherwise(ledger, received, claims)
    _recalled(ledger, received, believed)


def refuse_excess(ledger: Ledger, told: Iterable[Veto], who: str) -> None:
    """Refuse vetoes that together with the known ones are more than messages can pass on."""
    about = {(veto.link, veto.maker) for veto in (*ledger.vetoes(), *told)}
    n_of = Counter(maker for _, maker in about)
    # This agency's own may always come to as many as one party's can.
    n_others = len(about) - n_of[ledger.party]
    is_fit = (
        max(n_of.values(), default=0) <= MAX_VETOES_OF_MAKER
        and n_others <= MAX_VETOES - MAX_VETOES_OF_MAKER
        and len({*n_of, ledger.party}) <= MAX_MAKERS
    )
    if not is_fit:
        raise ClaimsContradictError(
            f"{who} tells more unlinks than those parties can have made whose they are said to be",
            hint=_TELL,
            n_concerned=len(about),
        )


def compare_ledgers(ledger: Ledger, pair: Pair, stated: LedgerState | None) -> Comparison:
    """Compare what the other ledger's newest release gave the pair with what the own ledger says of it."""
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
        raise MessageUntrustedError(f"the {received.KIND} come from a different link-ID set")
    if received.sender == ledger.party:
        raise MessageUntrustedError(f"the {received.KIND} are this agency's own")
    if (received.round, received.release) != (own.round, own.release):
        raise MessageReplayedError(
            f"the {received.KIND} are of round {received.round}, not of round {own.round}",
            hint=_TELL,
        )
    _refuse_lone_rollback(own, received)


def _refuse_lone_rollback(own: MessageHead, received: MessageHead) -> None:
    """Refuse to go on where one side's ledger was rolled back and the other one's was not, or otherwise."""
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

    Claims go by since when a record has its link ID, so that anyone who dates one back would have others' end.
    """
    head = received.head
    known = {}
    newest = ledger.newest_digest(head.pair)
    if (
        is_same
        and newest is not None
        and newest[0] == ledger.last
        and head.applied == applied_turn(ledger)
    ):
        known = unpack_rounds(ledger.others.get(head.pair, b""))
    made = ledger.made_in({claim.link for claim in received.claims if claim.link is not None})
    n_false = sum(
        claim.since < made.get(claim.link, 0) or claim.since != known.get(claim.link, claim.since)
        for claim in received.claims
        if claim.link is not None
    )
    _refuse_false(head, n_false)


def _refuse_stated_otherwise(
    ledger: Ledger, received: ChainStatement, claims: Claims | None
) -> None:
    """Refuse a statement that dates a link ID back, or otherwise than the same party's claims of the release.

    Between the two the party may have unlinked a record, or linked it again, and nothing else.
    """
    claimed = {} if claims is None else {claim.match: claim for claim in claims.claims}
    pair = None if claims is None else claims.head.pair
    made = ledger.made_in({one.link for one in received.records if one.link is not None})
    n_false = 0
    for record in received.records:
        if record.link is None:
            continue
        said = (claimed.get(match.match) for match in record.matches if match.pair == pair)
        n_false += record.since < made.get(record.link, 0) or any(
            one is not None and one.link is not None and (one.link, one.since) != record[:2]
            for one in said
        )
    _refuse_false(received.head, n_false)


def _refuse_false(head: MessageHead, n_false: int) -> None:
    if n_false:
        raise ClaimsContradictError(
            f"{n_false} claims of {head.sender} contradict its earlier claims about how long its records"
            " have had their link IDs",
            hint=_TELL,
            n_concerned=n_false,
        )


def _recalled(ledger: Ledger, received: Claims | ChainStatement, believed: Believed) -> list[Veto]:
    """Return the vetoes of this agency's own that another party tells it, and its ledger does not have.

    It has told each of them itself, in a release that the other party has applied by now. So a ledger that was
    in the other party's newest release, too, has them all, and so has one that was never restored. A restored
    one may have gone on without that party, and lack what it had told it before: that its newest release is as
    late says nothing. Anyone who makes one up then is believed, and uses up what this agency can unlink.
    """
    head, applied = received.head, received.head.applied
    strangers = {*head.makers}.difference(believed.makers)
    if strangers:
        raise ClaimsContradictError(
            f"{head.sender} tells of unlinks by parties that no agreement of the project names",
            hint=_TELL,
            n_concerned=len(strangers),
        )
    told = tuple(told_vetoes(received))
    own = [veto for veto in newer_vetoes(ledger.vetoes(), told) if veto.maker == ledger.party]
    one, another = sorted((ledger.party, head.sender))
    turn = None if applied is None else Turn(applied.round, applied.release)
    has_all = turn is None or ledger.digest(turn, (one, another)) is not None
    if own and (has_all or not believed.recalls):
        raise ClaimsContradictError(
            f"{head.sender} says that this agency has unlinked {counted(len(own), 'link ID')}, which it has"
            " not",
            hint=f"{_TELL}; if this workspace was put back as it was earlier: blindlink round --ready",
            n_concerned=len(own),
        )
    refuse_excess(ledger, told, head.sender)
    return own


def _count_proven(own: Claims, received: Claims) -> int:
    """Return how many matches both sides prove."""
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
