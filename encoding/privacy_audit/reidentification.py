"""Attack: name children in care from the graph of shared cells and a register of everybody.

The attacker has a list of people, works out whom each of them would meet in the larger file and how, and looks
for the one record of the smaller file with just such meetings. What was named so, or was known beforehand,
tells records of the larger file apart, by which more are found: seed and extend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.privacy_audit.files import Numbers
from encoding.privacy_audit.graph import Digests, Edges, joined, mixed, sum_at, times_seen
from encoding.privacy_audit.refinement import unique_partners

_ROUNDS: Final = 5
# People whose edges are worked out at once: some 40 edges each, of 300 bytes while they are made.
_AT_ONCE: Final = 50_000
# Of stars that more people have the distances say nothing.
_MOST_ALIKE: Final = 50_000
# Error of one distance, in bits: what 44 draws into 64 places have about half-way.
_SPREAD: Final = 3.3


# Says of each record or person whether it is meant; None: all are.
Chosen = NDArray[np.bool_] | None


class Register:
    """What the attacker makes of a list of people: whom each of them would meet in the larger file, and how.

    The meetings of a nation do not fit into memory. So they are worked out of some people at a time, and again
    when they are asked for.

    Attributes:
        edges: gives all edges from some people of the list to some records of the larger file, in order.
        person: who each person of the list is.
        n_larger: how many records the larger file has, as the list has it.
        stars: a digest of each person's edges; 0 for nobody met.
    """

    def __init__(
        self,
        edges: Callable[[Chosen, Chosen], Edges],
        person: Numbers,
        n_larger: int,
        *,
        at_once: int = _AT_ONCE,
    ) -> None:
        self.edges, self.person, self.n_larger, self._at_once = edges, person, n_larger, at_once
        self.stars = np.zeros(len(person), dtype=np.uint64)
        for some in self._slices(np.ones(len(person), dtype=bool)):
            self.stars += self._stars(some, np.zeros(n_larger, dtype=np.uint64))

    def edges_of(self, people: NDArray[np.bool_]) -> Edges:
        """Return all edges of some people."""
        return joined(list(self._slices(people)))

    def named_stars(self, names: Digests) -> Digests:
        """Return `stars` as they are where some records of the larger file have names, which are not 0."""
        named = self.edges(None, names != 0)
        return self.stars - self._stars(named, np.zeros_like(names)) + self._stars(named, names)

    def _slices(self, people: NDArray[np.bool_]) -> Iterator[Edges]:
        places = np.flatnonzero(people)
        for start in range(0, max(len(places), 1), self._at_once):
            some = np.zeros(len(people), dtype=bool)
            some[places[start : start + self._at_once]] = True
            yield self.edges(some, None)

    def _stars(self, edges: Edges, names: Digests) -> Digests:
        return _stars(edges, names, len(self.person))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Target:
    """What the broker sees, and who it is: the latter only to count.

    Attributes:
        stars: edges from the smaller to the larger file.
        smaller: who each record of the smaller file is.
        larger: who each record of the larger file is.
    """

    stars: Edges
    smaller: Numbers
    larger: Numbers


@dataclass(frozen=True, slots=True)
class NamingResult:
    """How many records were guessed, and how many of them rightly, of `n` that were not known beforehand."""

    n: int
    n_known: int
    n_guessed: int
    n_right: int

    @property
    def share(self) -> float:
        """The part that was named rightly."""
        return self.n_right / self.n if self.n else 0.0


def name_records(target: Target, register: Register, known: Numbers) -> NamingResult:
    """Name records of the smaller file, by the better of two ways to compare stars."""
    guess = _extend(target, register, known)
    return max(
        (_counted(target, found, known) for found in (guess, _nearest(target, register, guess))),
        key=lambda result: result.n_right,
    )


def _extend(target: Target, register: Register, known: Numbers) -> Numbers:
    """Return the person guessed for each record; -1 for none."""
    guess = np.full(len(target.smaller), -1, dtype=np.int64)
    guess[known] = target.smaller[known]
    seen_larger = np.zeros(len(target.larger), dtype=np.uint64)
    listed_larger = np.zeros(register.n_larger, dtype=np.uint64)
    for _ in range(_ROUNDS):
        _identify(target, register, guess, seen_larger, listed_larger)
        before = (guess >= 0).sum()
        seen = _stars(target.stars, seen_larger, len(target.smaller))
        listed = register.named_stars(listed_larger)
        _match_alone(seen, listed, register.person, guess)
        if (guess >= 0).sum() == before:
            break
    return guess


def _stars(stars: Edges, names: Digests, n: int) -> Digests:
    return sum_at(stars.left, mixed(stars.label ^ mixed(names[stars.right])), n)


def _match_alone(seen: Digests, listed: Digests, person: Numbers, guess: Numbers) -> None:
    """Guess records whose star no other has, and which of all people only one would have."""
    free = np.flatnonzero((guess < 0) & (seen != 0) & (times_seen(seen) == 1))
    like = np.isin(listed, seen[free])
    pairs = np.unique(np.stack([listed[like], person[like].astype(np.uint64)]), axis=1)
    alone = times_seen(pairs[0]) == 1
    stars, people = pairs[0][alone], pairs[1][alone].astype(np.int64)
    if not len(stars):
        return
    at = np.minimum(np.searchsorted(stars, seen[free]), len(stars) - 1)
    hit = stars[at] == seen[free]
    guess[free[hit]] = people[at[hit]]


def _identify(
    target: Target,
    register: Register,
    guess: Numbers,
    seen_larger: Digests,
    listed_larger: Digests,
) -> None:
    """Name records of the larger file to which a named record's star leads by a label of its own."""
    named = np.flatnonzero(guess >= 0)
    person, place = np.unique(register.person, return_index=True)
    at = np.minimum(np.searchsorted(person, guess[named]), len(person) - 1)
    is_listed = person[at] == guess[named]
    listed_of = np.full(len(guess), -1, dtype=np.int64)
    listed_of[named[is_listed]] = place[at[is_listed]]
    ours = target.stars.take(listed_of[target.stars.left] >= 0)
    is_named = np.zeros(len(register.person), dtype=bool)
    is_named[listed_of[listed_of >= 0]] = True
    theirs = register.edges_of(is_named)
    one = mixed(ours.label ^ mixed(listed_of[ours.left].astype(np.uint64)))
    two = mixed(theirs.label ^ mixed(theirs.left.astype(np.uint64)))
    left, right = unique_partners(one, two)
    # Where two named records lead to one by two names, the higher one counts, and not the order of digests.
    order = np.argsort(theirs.right[right], kind="stable")
    found, listed = ours.right[left][order], theirs.right[right][order]
    name = mixed(listed.astype(np.uint64) + np.uint64(1))
    seen_larger[found], listed_larger[listed] = name, name


def _nearest(target: Target, register: Register, guess: Numbers) -> Numbers:
    """Guess the rest by distances: of people with a like star the one whose distances fit by far the best."""
    found = guess.copy()
    nobody = np.zeros(len(target.larger), dtype=np.uint64)
    seen = _stars(target.stars, nobody, len(target.smaller))
    order = np.argsort(register.stars, kind="stable")
    ordered = register.stars[order]
    records = np.flatnonzero((guess < 0) & (seen != 0))
    first = np.searchsorted(ordered, seen[records], side="left")
    last = np.searchsorted(ordered, seen[records], side="right")
    is_tried = (first < last) & (last - first <= _MOST_ALIKE)
    tried = list(zip(*(each[is_tried].tolist() for each in (records, first, last)), strict=True))
    is_alike = np.zeros(len(order), dtype=bool)
    for start, end in {(start, end) for _, start, end in tried}:
        is_alike[order[start:end]] = True
    ours, theirs = _Sorted(target.stars), _Sorted(register.edges_of(is_alike))
    for record, start, end in tried:
        found[record] = _best(ours, theirs, record, order[start:end], register.person)
    return found


class _Sorted:
    """Stars with their edges in an order of their own: by label, then by distance."""

    def __init__(self, stars: Edges) -> None:
        order = np.lexsort((stars.distance.sum(axis=1), stars.label, stars.left))
        self._left = stars.left[order]
        self._distance, self._cells = stars.distance[order], stars.n_cells[order]

    def distances(self, nodes: Numbers, n_edges: int) -> NDArray[np.float32]:
        """Return the distances of nodes that have so many edges each, shape (n, n edges, n filters)."""
        at = np.searchsorted(self._left, nodes)[:, None] + np.arange(n_edges)
        found: NDArray[np.float32] = self._distance[at]
        return found

    def edges(self, node: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the distances of one node, and how often each edge was measured."""
        first, last = np.searchsorted(self._left, [node, node + 1])
        return self._distance[first:last], self._cells[first:last].astype(np.float32)


def _best(ours: _Sorted, theirs: _Sorted, record: int, people: Numbers, person: Numbers) -> int:
    """Return the person whom the distances of a record point to with more than one half; -1 for none."""
    drawn, n_drawn = ours.edges(record)
    if not drawn.any():
        return -1
    expected = theirs.distances(people, len(drawn))
    off = ((drawn - expected) ** 2).sum(axis=2) @ n_drawn / (2 * _SPREAD**2)
    chance = np.exp(np.minimum(off.min() - off, 0))
    who, of = np.unique(person[people], return_inverse=True)
    each = np.bincount(of.reshape(-1), chance)
    best = int(each.argmax())
    return int(who[best]) if each[best] > each.sum() / 2 else -1


def _counted(target: Target, guess: Numbers, known: Numbers) -> NamingResult:
    asked = np.ones(len(guess), dtype=bool)
    asked[known] = False
    guessed = asked & (guess >= 0)
    right = guessed & (guess == target.smaller)
    return NamingResult(int(asked.sum()), len(known), int(guessed.sum()), int(right.sum()))
