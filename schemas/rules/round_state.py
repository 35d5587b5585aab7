"""What the log has said of a project's rounds: nonces, the round that is open, its uploads, runs and claims."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

Pair: TypeAlias = tuple[str, str]
"""Two parties, the one with the larger file or the one that acts first; or a party and a space."""


@dataclass(slots=True)
class NonceBook:
    """A party's nonces: the number that its next offer begins with, and what no round has used yet."""

    next: int = 1
    unspent: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class RoundState:
    """A round that is open.

    `pairs` are those of which it takes uploads, each with the link-ID set in which both receive by the terms of
    its opening, None where they have none in common. `roots` holds the root of what a party has sent for its
    partner, `runs` the last one that was asked for of each pair, and `claims` the digest of the last claims of
    a party for its partner, `statements` that of its last chain statement for a space. `is_fetched`: a release
    has left.
    """

    number: int
    opened: str
    deadline: str
    pairs: dict[Pair, str | None]
    seq: int
    roots: dict[Pair, str] = field(default_factory=dict)
    runs: dict[Pair, str] = field(default_factory=dict)
    claims: dict[Pair, str] = field(default_factory=dict)
    statements: dict[Pair, str] = field(default_factory=dict)
    is_fetched: bool = False

    def pair_of(self, one: str, other: str) -> Pair | None:
        """Return the pair that two parties are in this round; None if they are none."""
        return next((pair for pair in ((one, other), (other, one)) if pair in self.pairs), None)

    def space_of(self, one: str, other: str) -> str | None:
        """Return the link-ID set that two parties have had since this round opened, or None."""
        return self.pairs.get((one, other)) or self.pairs.get((other, one))


@dataclass(slots=True)
class SupplementState:
    """A further release of a round that is open, with the last claims of each party.

    It is of a run, of a pair, which has had the link-ID set since its round opened, or none.
    """

    run: str
    pair: Pair
    space: str | None
    seq: int
    claims: dict[Pair, str] = field(default_factory=dict)


@dataclass(slots=True)
class Rounds:
    """All rounds of a project.

    `last` is the number of the one opened last, `regular` the day on which the last one was opened that
    corrects no other, `days` those of all openings. `corrected` is the number of a round whose correction has
    yet to be opened. `has_linked`: a round was closed with a run that succeeded. `sequences` counts the claims
    of a party for its partner, `statements` its chain statements for a space.

    `releases` is the number of the last release of the round opened last, `supplements` holds those that are
    open, by round and number. `linked` is of each pair the last round that was closed with its matches, and
    `delivered` of each sender and recipient the newest delivery, with its round and number. `early` holds entry
    and batch of those that were closed before all claims were there: a round must be opened in the same batch.
    """

    books: dict[str, NonceBook] = field(default_factory=dict)
    seen: set[bytes] = field(default_factory=set)
    open: RoundState | None = None
    last: int = 0
    corrected: int | None = None
    superseded: set[int] = field(default_factory=set)
    regular: str = ""
    days: list[str] = field(default_factory=list)
    has_linked: bool = False
    sequences: dict[Pair, int] = field(default_factory=dict)
    statements: dict[Pair, int] = field(default_factory=dict)
    releases: int = 1
    supplements: dict[tuple[int, int], SupplementState] = field(default_factory=dict)
    early: dict[int, int] = field(default_factory=dict)
    linked: dict[frozenset[str], int] = field(default_factory=dict)
    delivered: dict[Pair, tuple[str, int, int]] = field(default_factory=dict)

    def book(self, party: str) -> NonceBook:
        """Return the nonces of a party."""
        return self.books.setdefault(party, NonceBook())
