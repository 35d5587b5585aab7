"""What all recipients state of one release: from the same messages every recipient has the same inputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from encoding.ledger.book import Ledger
from encoding.ledger.values import Member, Turn
from schemas.chain_statement import ChainStatement, StatedMatch
from schemas.claims import Claims
from schemas.ids import LinkId
from schemas.space_message import AppliedTurn, Veto


@dataclass(frozen=True, slots=True)
class Inputs:
    """What all recipients state of one release; the same, whoever computes from it.

    `applied` says how far each party's ledger was when it stated that; of a pair alone, as far as both know.
    """

    turn: Turn
    recipients: frozenset[str]
    members: tuple[Member, ...] = field(repr=False)
    vetoes: tuple[Veto, ...] = field(repr=False)
    applied: frozenset[Hashable]

    @property
    def is_applicable(self) -> bool:
        """Whether the release can be applied: a supplement only on top of the same releases."""
        return self.turn.release == 1 or len(self.applied) == 1


def inputs_of_claims(own: Claims, received: Claims, stands: Collection[StatedMatch]) -> Inputs:
    """Return the inputs where the space has one pair, and both its parties are recipients."""
    sides = (own, received)
    return Inputs(
        turn=Turn(own.head.round, own.head.release),
        recipients=frozenset(side.head.sender for side in sides),
        members=tuple(member for side in sides for member in _members_of_claims(side, stands)),
        vetoes=tuple(veto for side in sides for veto in _told(side)),
        applied=frozenset(map(_applied_of_pair, sides)),
    )


def inputs_of_statements(statements: Sequence[ChainStatement], recipients: Iterable[str]) -> Inputs:
    """Return the inputs where the space has several pairs: one statement of each recipient in the round."""
    return Inputs(
        turn=Turn(statements[0].head.round, statements[0].head.release),
        recipients=frozenset(recipients),
        members=tuple(
            Member(statement.head.sender, *record)
            for statement in statements
            for record in statement.records
        ),
        vetoes=tuple(veto for statement in statements for veto in _told(statement)),
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
        members=tuple(members),
        vetoes=tuple(veto for ledger in ledgers for veto in ledger.vetoes()),
        applied=frozenset(applied_turn(ledger) for ledger in ledgers),
    )


def applied_turn(ledger: Ledger) -> AppliedTurn | None:
    """Return the newest release that a ledger has applied, as messages state it."""
    return ledger.last and AppliedTurn(**ledger.last._asdict(), rollback=ledger.rolled_back)


def _applied_of_pair(side: Claims) -> Hashable:
    """Return the newest round that the sender has applied, and the newest release of this pair.

    A supplement of another pair is applied by one of the two, and the other one cannot know of it.
    """
    applied, own = side.head.applied, side.head.ledger
    return applied and applied.round, own and (own.round, own.release)


def _told(message: Claims | ChainStatement) -> Iterable[Veto]:
    """Return what a message says of vetoes that counts: anyone passes one on, only its maker lifts it."""
    sender = message.head.sender
    return (veto for veto in message.vetoes if veto.is_standing or veto.maker == sender)


def _members_of_claims(side: Claims, stands: Collection[StatedMatch]) -> Iterable[Member]:
    marks: dict[bytes, list[LinkId]] = defaultdict(list)
    for mark in side.marks:
        marks[mark.match].append(mark.link)
    for claim in side.claims:
        match = StatedMatch(claim.match, side.head.pair)
        if match in stands:
            borne = tuple(marks.get(claim.match, ()))
            yield Member(side.head.sender, claim.link, claim.since, (match,), borne)
