"""A world for ledgers: people, agencies' files, and a broker whose matcher is sometimes wrong. No ledger in it.

People are born, leave and return; records are split and merged; agencies miss rounds, are away when a round
closes, cannot read a message of one that the others apply, or get their workspaces back from a backup. The
world knows the truth, and tells what of it happens.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations
from random import Random

Match = tuple[bytes, str, str]


@dataclass(frozen=True)
class Rates:
    """How often things happen: a person's a round, an agency's a round, or a match's."""

    birth: float = 0.03
    away: float = 0.03
    back: float = 0.4
    split: float = 0.004
    merge: float = 0.3
    found: float = 0.94
    wrong: float = 0.01
    held_back: float = 0.05
    missed_round: float = 0.04
    absent: float = 0.09
    restored: float = 0.03
    unlink: float = 0.2
    unread: float = 0


@dataclass
class Round:
    """What the broker does in one round, by pair: a release, then a supplement of what was sent to review."""

    number: int
    releases: list[dict[tuple[str, str], list[Match]]]
    absent: dict[int, str | None]
    unread: dict[int, str | None]
    restored: dict[str, int]
    without_container: set[str]


@dataclass
class World:
    """`files`: of each agency, the person of each record, kept also while the person is away."""

    random: Random
    parties: tuple[str, ...]
    rates: Rates = field(default_factory=Rates)
    n_people: int = 0
    n_records: int = 0
    files: dict[str, dict[str, int]] = field(default_factory=dict)
    away: set[tuple[str, str]] = field(default_factory=set)

    def populate(self, n: int) -> None:
        self.files = {party: {} for party in self.parties}
        for _ in range(n):
            self.bear()

    def bear(self) -> None:
        person = self.n_people
        self.n_people += 1
        for party in self.parties:
            if self.random.random() < 0.8:
                self.add(party, person)

    def add(self, party: str, person: int) -> str:
        self.n_records += 1
        record = f"{party[0]}{self.n_records}"
        self.files[party][record] = person
        return record

    def happens(self, rate: float) -> bool:
        return self.random.random() < rate

    def live(self) -> None:
        """Let one round's time pass."""
        for _ in range(round(len(self.files[self.parties[0]]) * self.rates.birth)):
            self.bear()
        for party, file in self.files.items():
            for record in list(file):
                if (party, record) in self.away:
                    if self.happens(self.rates.back):
                        self.away.discard((party, record))
                elif self.happens(self.rates.away):
                    self.away.add((party, record))
            self.split_some(party)
            self.merge_some(party)

    def split_some(self, party: str) -> None:
        """One record turns out to be two: of the same person twice, or one of a second person."""
        file = self.files[party]
        for record in list(file):
            if self.happens(self.rates.split):
                person = file[record]
                other = self.random.choice((person, self.random.randrange(self.n_people)))
                if self.happens(0.5):
                    self.add(party, other)
                else:
                    self.add(party, person)
                    file[record] = other

    def merge_some(self, party: str) -> None:
        """Two records of one person become one of the two."""
        seen: dict[int, str] = {}
        for record, person in list(self.files[party].items()):
            if person in seen and self.happens(self.rates.merge):
                stays, gone = self.random.sample((record, seen[person]), 2)
                del self.files[party][gone]
                self.away.discard((party, gone))
                seen[person] = stays
            else:
                seen[person] = record

    def hold_round(self, number: int) -> Round:
        """Return what happens in a round, after `live`."""
        there = [p for p in self.parties if not self.happens(self.rates.missed_round)]
        first: dict[tuple[str, str], list[Match]] = {}
        later: dict[tuple[str, str], list[Match]] = {}
        for pair in combinations(sorted(there), 2):
            matches = self.match(pair)
            first[pair] = [m for m in matches if not self.happens(self.rates.held_back)]
            later[pair] = [m for m in matches if m not in first[pair]]
        restored = {
            party: self.random.randint(1, 3)
            for party in self.parties
            if self.happens(self.rates.restored)
        }
        return Round(
            number=number,
            releases=[first, later],
            absent={
                k: self.random.choice(self.parties) if self.happens(self.rates.absent) else None
                for k in (1, 2)
            },
            unread={
                k: self.random.choice(self.parties)
                if self.rates.unread and self.happens(self.rates.unread)
                else None
                for k in (1, 2)
            },
            restored=restored,
            without_container={party for party in restored if self.happens(0.5)},
        )

    def match(self, pair: tuple[str, str]) -> list[Match]:
        """Join one to one: most true pairs, and now and then people who are not the same."""
        left, right = ([*self.present(party).items()] for party in pair)
        self.random.shuffle(left)
        self.random.shuffle(right)
        by_person: dict[int, list[str]] = {}
        for record, person in right:
            by_person.setdefault(person, []).append(record)
        joined: list[tuple[str, str]] = []
        for record, person in left:
            if by_person.get(person) and self.happens(self.rates.found):
                joined.append((record, by_person[person].pop()))
        for place in range(len(joined)):
            if self.happens(self.rates.wrong):
                other = self.random.randrange(len(joined))
                (a, b), (c, d) = joined[place], joined[other]
                joined[place], joined[other] = (a, d), (c, b)
        used = {record for both in joined for record in both}
        rest = [[r for r, _ in side if r not in used] for side in (left, right)]
        for a, b in zip(*rest, strict=False):
            if self.happens(3 * self.rates.wrong):
                joined.append((a, b))
        return [(self.random.randbytes(16), a, b) for a, b in joined]

    def present(self, party: str) -> dict[str, int]:
        return {r: p for r, p in self.files[party].items() if (party, r) not in self.away}

    def is_true(self, pair: tuple[str, str], a: str, b: str) -> bool:
        return self.files[pair[0]].get(a) == self.files[pair[1]].get(b) is not None

    def doubles(self) -> set[int]:
        """Return the persons who have two records at one agency."""
        counts = (Counter(file.values()) for file in self.files.values())
        return {person for count in counts for person, n in count.items() if n > 1}
