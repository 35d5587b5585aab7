"""Two agencies and a broker that may lie: releases of one pair, step by step, whatever each side is told."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from encoding.ledger.additions import apply_release
from encoding.ledger.book import Ledger
from encoding.ledger.claim_checks import Believed, CheckedPair, check_claims
from encoding.ledger.claims import (
    PairRelease,
    Posting,
    Proof,
    ReleasedMatch,
    make_claims,
)
from encoding.ledger.grants import SpaceName
from encoding.ledger.inputs import inputs_of_claims
from encoding.ledger.messages import Listed, open_claims, seal_claims
from encoding.ledger.values import MessagePlace, Turn
from encoding.people.identity import Identity, new_identity
from schemas.documents.ids import MatchId
from schemas.rounds.claims import Claims, Transcript

SPACE = SpaceName("foster-pupils", "research")
PAIR = ("child-welfare", "k12")
ONE, TWO = PAIR
CREATED = "2026-09-01T06:00:00Z"
ROOTS = Transcript(earlier="11" * 32, later="22" * 32)


def match_id(number: int) -> MatchId:
    return MatchId(hashlib.sha256(str(number).encode()).digest()[:16])


def token(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:16]


@dataclass
class Office:
    """One side: its person, its ledger, and its container, row by row: the token of each row.

    `recalls` says that it was restored and may lack vetoes of its own, `logged` are its claims by the log.
    """

    identity: Identity
    ledger: Ledger
    rows: list[bytes] = field(default_factory=list)
    roots: Transcript = ROOTS
    has_container: bool = True
    recalls: bool = False
    logged: list[MessagePlace] = field(default_factory=list)

    @property
    def party(self) -> str:
        return self.identity.public.party

    def row(self, name: str) -> int:
        """Return the row of this token, new if need be; records of both sides that share a name meet."""
        if token(name) not in self.rows:
            self.rows.append(token(name))
        return self.rows.index(token(name))

    def proof(self, round_: int) -> Proof:
        def token_of(row: int) -> bytes | None:
            return self.rows[row] if self.has_container else None

        return Proof(hashlib.sha256(f"round {round_}".encode()).digest(), token_of, self.roots)

    def posting(self) -> Posting:
        return Posting(
            self.identity.public.person,
            self.identity.keys.signing_key,
            "checkpoint\n",
            CREATED,
            self.logged[-1] if self.logged else None,
        )

    def release(self, turn: Turn, matches: list[tuple[str, int, str]], **other: Any) -> PairRelease:
        """Matches are record, number of the match, and name of the row in which the two met."""
        rows = [ReleasedMatch(r, match_id(n), self.row(name)) for r, n, name in matches]
        return PairRelease(turn, PAIR, tuple(rows), **other)

    def changes(self) -> list[tuple[str, str, str]]:
        """Return what the last release did to each record that got a link ID or lost one, and why."""
        last = [event for event in self.ledger.events if event.turn == self.ledger.last]
        return sorted((e.text, e.kind, e.why) for e in last if e.kind in ("held", "ended"))

    def claim(self, release: PairRelease) -> Claims:
        return make_claims(self.ledger, release, self.proof(release.turn.round), self.posting())


def office(party: str) -> Office:
    now = datetime(2026, 9, 1, tzinfo=UTC)
    return Office(new_identity(party, ("analyst",), now), Ledger(SPACE, party))


@dataclass
class Duo:
    """Both sides of a pair, and what they did last."""

    one: Office
    two: Office
    claims: dict[str, Claims] = field(default_factory=dict)
    checked: dict[str, CheckedPair] = field(default_factory=dict)

    def sides(self) -> tuple[Office, Office]:
        return self.one, self.two

    def hold(self, turn: tuple[int, int], matches: list[tuple[str, str]], **other: Any) -> None:
        """Link pairs of records that met, honestly."""
        number = 1000 * turn[0] + 100 * turn[1]
        numbered = [(a, b, number + n) for n, (a, b) in enumerate(matches)]
        releases = [
            self.one.release(Turn(*turn), [(a, n, a + b) for a, b, n in numbered], **other),
            self.two.release(Turn(*turn), [(b, n, a + b) for a, b, n in numbered]),
        ]
        self.link(*releases)

    def link(self, first: PairRelease, second: PairRelease) -> None:
        """Exchange claims of what each side was given, check them, and apply the release on both sides."""
        self.check(first, second)
        for side, release in zip(self.sides(), (first, second), strict=True):
            inputs = inputs_of_claims(
                self.claims[side.party],
                self.claims[release.other(side.party)],
                self.checked[side.party].vetoed,
            )
            assert apply_release(side.ledger, inputs, release.records())

    def check(self, first: PairRelease, second: PairRelease) -> None:
        self.claims = {ONE: self.one.claim(first), TWO: self.two.claim(second)}
        for side, other in (self.sides(), self.sides()[::-1]):
            self.checked[side.party] = check_claims(
                side.ledger,
                self.claims[side.party],
                self.claims[other.party],
                Believed(PAIR, side.recalls),
            )

    def link_of(self, record: str) -> bytes | None:
        for side in self.sides():
            held = side.ledger.held(record)
            if held is not None:
                return held.link
        return None


def duo() -> Duo:
    return Duo(office(ONE), office(TWO))


def send(sender: Office, receiver: Office, claims: Claims) -> tuple[bytes, Listed]:
    """Seal claims, let the log take them, and return them with what it says of them."""
    raw = seal_claims(claims, [receiver.identity.public])
    before = sender.logged[-1] if sender.logged else None
    number = 1 if before is None else before.sequence + 1
    sender.logged.append(MessagePlace(number, hashlib.sha256(raw).hexdigest()))
    return raw, Listed(sender.logged[-1], before)


def receive(sender: Office, receiver: Office, raw: bytes, listed: Listed) -> Claims:
    """Open claims, as commands do."""
    known = {sender.identity.public.person: sender.identity.public}
    return open_claims(raw, [receiver.identity], known, listed)
