"""Which records are one person: matches that stand, joined to groups of at most one record a party.

Matches are taken from the longest standing to the newest; one that would join two records of one party, or
what a veto keeps apart, is left out. So a chain is cut at the pair that was matched since the latest round.
Every recipient that has all statements gets the same groups. Spec page: `schemas/spec/claims.md`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from encoding.ledger.values import Member, Standing
from schemas.documents.ids import LinkId
from schemas.rounds.chain_statement import StatedMatch


@dataclass(frozen=True, slots=True)
class Group:
    """Records that are one person, by their places; never empty.

    `matches` stand, and increase. `granted` is the link ID that the group got by an earlier release of the
    round, None if there was none.
    """

    members: tuple[int, ...]
    matches: tuple[StatedMatch, ...]
    granted: LinkId | None


@dataclass(frozen=True, slots=True)
class Chains:
    """The groups in the order of their first matches, and the matches that were left out, in order.

    `unstated` are matches that a recipient of their pair does not state; `cut` and `vetoed` ones were left out.
    """

    groups: tuple[Group, ...]
    unstated: tuple[StatedMatch, ...]
    cut: tuple[StatedMatch, ...]
    vetoed: tuple[StatedMatch, ...]


class _Edge(NamedTuple):
    """A match as what is joined, in the order in which it is: the fields are the order."""

    since: int
    links: tuple[bytes, bytes]
    match: StatedMatch
    one: int
    another: int


def join_chains(
    members: Sequence[Member],
    recipients: Collection[str],
    current: int,
    *,
    standing: Collection[Standing] = (),
    granted: Mapping[LinkId, Collection[str]] | None = None,
) -> Chains:
    """Return the groups of all records that a match joins."""
    edges, unstated = _edges(members, recipients, current)
    joining = _Joining(members, standing, granted or {})
    done: dict[str, list[_Edge]] = {"": [], "cut": [], "vetoed": []}
    for edge in edges:
        done[joining.join(edge.one, edge.another)].append(edge)
    return Chains(
        groups=tuple(joining.groups(done[""])),
        unstated=tuple(unstated),
        cut=tuple(sorted(edge.match for edge in done["cut"])),
        vetoed=tuple(sorted(edge.match for edge in done["vetoed"])),
    )


def _edges(
    members: Sequence[Member], recipients: Collection[str], current: int
) -> tuple[list[_Edge], list[StatedMatch]]:
    """Return the matches that count, longest standing first, and those that one side does not state.

    A match of a pair of which only one party is a recipient joins its record to nothing: both ends are one.
    """
    ends: dict[StatedMatch, list[int]] = defaultdict(list)
    for place, member in enumerate(members):
        for match in member.matches:
            ends[match].append(place)
    edges, unstated = [], []
    for match, places in ends.items():
        if len(places) != sum(party in recipients for party in match.pair):
            unstated.append(match)
            continue
        one, another = members[places[0]], members[places[-1]]
        links = sorted((one.link or b"", another.link or b""))
        is_old = one.link is not None and one.link == another.link
        since = max(one.since, another.since) if is_old else current
        edges.append(_Edge(since, (links[0], links[1]), match, places[0], places[-1]))
    return sorted(edges), sorted(unstated)


@dataclass(slots=True)
class _Set:
    """A group that is growing: the parties that have a record in it, and what vetoes say of its records."""

    parties: frozenset[str]
    granted: LinkId | None = None
    # Of each veto that concerns a record of the group: whether the record is the maker's own.
    sides: frozenset[tuple[Standing, bool]] = frozenset()


class _Joining:
    def __init__(
        self,
        members: Sequence[Member],
        standing: Collection[Standing],
        granted: Mapping[LinkId, Collection[str]],
    ) -> None:
        self._members = members
        self._vetoes: dict[LinkId, list[Standing]] = defaultdict(list)
        for veto in standing:
            self._vetoes[veto.link].append(veto)
        # Sets of parties, each kept once.
        self._together: dict[frozenset[str], frozenset[str]] = {}
        self._parent = list(range(len(members)))
        self._sets = [self._first_set(member) for member in members]
        self._join_granted(granted)

    def _first_set(self, member: Member) -> _Set:
        alone = frozenset((member.party,))
        found = _Set(self._together.setdefault(alone, alone))
        if self._vetoes:
            borne = (*member.marks, *(() if member.link is None else (member.link,)))
            found.sides = frozenset(
                (veto, veto.maker == member.party)
                for link in borne
                for veto in self._vetoes.get(link, ())
            )
        return found

    def _join_granted(self, granted: Mapping[LinkId, Collection[str]]) -> None:
        """Join what earlier releases of the round joined: whose record has the link ID got it there."""
        if not granted:
            return
        first: dict[LinkId, int] = {}
        for place, member in enumerate(self._members):
            if member.link is None or member.party not in granted.get(member.link, ()):
                continue
            root = first.setdefault(member.link, place)
            self._merge(root, place)
        for link, place in first.items():
            found = self._sets[self._root(place)]
            found.granted = link
            # Its other parties have their place, though this release does not match their records.
            found.parties |= frozenset(granted[link])

    def join(self, one: int, another: int) -> str:
        """Join the groups of two records, and return "", or return why not: "cut" or "vetoed"."""
        left, right = self._root(one), self._root(another)
        if left == right:
            return ""
        a, b = self._sets[left], self._sets[right]
        if a.sides and any((veto, not is_own) in b.sides for veto, is_own in a.sides):
            return "vetoed"
        if not a.parties.isdisjoint(b.parties):
            return "cut"
        self._merge(left, right)
        return ""

    def groups(self, kept: Sequence[_Edge]) -> Iterator[Group]:
        """Yield the groups that a match joins, each with its matches."""
        matches: dict[int, list[StatedMatch]] = defaultdict(list)
        for match, place in sorted((edge.match, edge.one) for edge in kept):
            matches[self._root(place)].append(match)
        members: dict[int, list[int]] = defaultdict(list)
        for place in range(len(self._members)):
            members[self._root(place)].append(place)
        for root, found in matches.items():
            yield Group(tuple(members[root]), tuple(found), self._sets[root].granted)

    def _root(self, place: int) -> int:
        while self._parent[place] != place:
            self._parent[place] = self._parent[self._parent[place]]
            place = self._parent[place]
        return place

    def _merge(self, one: int, another: int) -> None:
        """Make one group of two; the sets are small, so that which one grows does not matter."""
        left, right = self._root(one), self._root(another)
        if left == right:
            return
        self._parent[right] = left
        a, b = self._sets[left], self._sets[right]
        both = a.parties | b.parties
        a.parties = self._together.setdefault(both, both)
        # Of two that an earlier release gave the smaller one, the one whose record is stated first.
        a.granted = min((link for link in (a.granted, b.granted) if link is not None), default=None)
        a.sides |= b.sides
