"""What all recipients state of one release: from the same messages every recipient has the same inputs."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from encoding.ledger.book import Ledger
from encoding.ledger.values import Member, Turn
from schemas.documents.ids import LinkId, MatchId
from schemas.rounds.chain_statement import ChainStatement, StatedMatch
from schemas.rounds.claims import Claims
from schemas.rounds.space_message import AppliedTurn, Veto

PART_MEMBERS: Final = 65_536


@dataclass(frozen=True, slots=True)
class Inputs:
    """What all recipients state of one release; the same, no matter who computes from it.

    `parts` are the records that are stated, in parts of which none has a match or a link ID in common with
    another: what one gives does not hang on the others. `applied` says how far each party's ledger was when it
    stated that; of a pair alone, as far as both know.
    """

    turn: Turn
    recipients: frozenset[str]
    parts: Iterable[Sequence[Member]] = field(repr=False)
    vetoes: tuple[Veto, ...] = field(repr=False)
    applied: frozenset[Hashable]

    @property
    def is_applicable(self) -> bool:
        """Whether the release can be applied: a supplement only on top of the same releases."""
        return self.turn.release == 1 or len(self.applied) == 1


def inputs_of_claims(own: Claims, received: Claims, vetoed: Collection[MatchId]) -> Inputs:
    """Return the inputs where the space has one pair, and both its parties are recipients.

    Args:
        vetoed: the matches that do not stand.
    """
    sides = (own, received)
    return Inputs(
        turn=Turn(own.head.round, own.head.release),
        recipients=frozenset(side.head.sender for side in sides),
        parts=_PartsOfPair(own, received, vetoed),
        vetoes=tuple(veto for side in sides for veto in told_vetoes(side)),
        applied=frozenset(map(_applied_of_pair, sides)),
    )


def inputs_of_statements(statements: Sequence[ChainStatement], recipients: Iterable[str]) -> Inputs:
    """Return the inputs where the space has several pairs: one statement of each recipient in the round."""
    return Inputs(
        turn=Turn(statements[0].head.round, statements[0].head.release),
        recipients=frozenset(recipients),
        parts=[
            [
                Member(statement.head.sender, *record)
                for statement in statements
                for record in statement.records
            ]
        ],
        vetoes=tuple(veto for statement in statements for veto in told_vetoes(statement)),
        applied=frozenset(statement.head.applied for statement in statements),
    )


def inputs_alone(turn: Turn, ledgers: Sequence[Ledger], members: Iterable[Member]) -> Inputs:
    """Return the inputs of a recipient that needs nobody's claims: the same rules, on its own ledgers.

    Args:
        ledgers: the single recipient's own; under `blind` one of each agency's pseudonyms, to each of which
            the release is then applied.
        members: their records, by `own_members`.
    """
    return Inputs(
        turn=turn,
        recipients=frozenset(ledger.party for ledger in ledgers),
        parts=[tuple(members)],
        vetoes=tuple(veto for ledger in ledgers for veto in ledger.vetoes()),
        applied=frozenset(applied_turn(ledger) for ledger in ledgers),
    )


def applied_turn(ledger: Ledger) -> AppliedTurn | None:
    """Return the newest release that a ledger has applied, as messages state it."""
    return ledger.last and AppliedTurn(**ledger.last._asdict(), rollback=ledger.rolled_back)


def told_vetoes(message: Claims | ChainStatement) -> Iterable[Veto]:
    """Return what a message says of vetoes that counts: anyone passes one on, only its maker lifts it."""
    sender = message.head.sender
    return (veto for veto in message.vetoes if veto.is_standing or veto.maker == sender)


def _applied_of_pair(side: Claims) -> Hashable:
    """Return the newest round that the sender has applied, and the newest release of this pair.

    A supplement of another pair is applied by one of the two, and the other one cannot know of it.
    """
    applied, own = side.head.applied, side.head.ledger
    return applied and applied.round, own and (own.round, own.release)


@dataclass(frozen=True, slots=True)
class _PartsOfPair:
    """The records of a pair's claims, read anew each time: those under one link ID of both come first."""

    own: Claims
    received: Claims
    vetoed: Collection[MatchId]

    def __iter__(self) -> Iterator[Sequence[Member]]:
        marks = [_marks_of(side) for side in (self.own, self.received)]
        part: list[Member] = []
        crossed: list[Member] = []
        for claims in zip(self.own.claims, self.received.claims, strict=True):
            here, there = claims
            if here.match in self.vetoed:
                continue
            matches = (StatedMatch(here.match, self.own.head.pair),)
            # No other claim of either side has this link ID.
            into = part if here.link == there.link else crossed
            for side, claim, borne in zip((self.own, self.received), claims, marks, strict=True):
                said = (claim.link, claim.since, matches, tuple(borne.get(claim.match, ())))
                into.append(Member(side.head.sender, *said))
            if len(part) >= PART_MEMBERS:
                yield part
                part = []
        yield part
        yield crossed


def _marks_of(side: Claims) -> Mapping[MatchId, list[LinkId]]:
    marks: dict[MatchId, list[LinkId]] = {}
    for mark in side.marks:
        marks.setdefault(mark.match, []).append(mark.link)
    return marks
