"""Attacks on the graph of shared cells as plain loops over tuples and dictionaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

Edge = tuple[int, int, int]
"""Left record, right record, label."""


def common_draws(one: Mapping[int, int], other: Mapping[int, int]) -> int:
    """Return how many draws two values have in common, by their calls' words and draws."""
    return sum(min(n, other[word]) for word, n in one.items() if word in other)


def refine(
    n_smaller: int, n_larger: int, between: Sequence[Edge], within: Sequence[Edge], depth: int
) -> tuple[list[object], list[object]]:
    """Return the colour of each record as a nested tuple; None where it has no edge."""
    smaller: list[object] = ["s"] * n_smaller
    larger: list[object] = ["l"] * n_larger
    for _ in range(depth):
        around: list[list[object]] = [[] for _ in range(n_smaller)]
        beside: list[list[object]] = [[] for _ in range(n_larger)]
        for left, right, label in between:
            around[left].append(("b", label, larger[right]))
            beside[right].append(("b", label, smaller[left]))
        for left, right, label in within:
            around[left].append(("w", label, smaller[right]))
            around[right].append(("w", label, smaller[left]))
        smaller = [_colour(own, seen) for own, seen in zip(smaller, around, strict=True)]
        larger = [_colour(own, seen) for own, seen in zip(larger, beside, strict=True)]
    return smaller, larger


def _colour(own: object, seen: list[object]) -> object:
    return (own, frozenset(Counter(seen).items())) if seen else None


def seed_and_extend(
    seen: Sequence[Edge],
    listed: Sequence[Edge],
    persons: Sequence[int],
    known: Mapping[int, int],
    n_rounds: int,
) -> dict[int, int]:
    """Return the person guessed for each record of the smaller file.

    `listed` has persons' places on the left; the right records of both lists are numbered by their own lists.
    """
    guess = dict(known)
    names_seen: dict[int, int] = {}
    names_listed: dict[int, int] = {}
    for _ in range(n_rounds):
        for record, person in list(guess.items()):
            if person in persons:
                _name(record, persons.index(person), seen, listed, names_seen, names_listed)
        stars_seen = _stars(seen, names_seen)
        stars_listed = _stars(listed, names_listed)
        free = {record: star for record, star in stars_seen.items() if record not in guess}
        new = {}
        for record, star in free.items():
            owners = {persons[place] for place, other in stars_listed.items() if other == star}
            if len(owners) == 1 and list(stars_seen.values()).count(star) == 1:
                new[record] = owners.pop()
        if not new:
            break
        guess |= new
    return guess


def _stars(edges: Sequence[Edge], names: Mapping[int, int]) -> dict[int, object]:
    found: dict[int, list[object]] = {}
    for left, right, label in edges:
        found.setdefault(left, []).append((label, names.get(right)))
    return {left: frozenset(Counter(star).items()) for left, star in found.items()}


def _name(
    record: int,
    place: int,
    seen: Sequence[Edge],
    listed: Sequence[Edge],
    names_seen: dict[int, int],
    names_listed: dict[int, int],
) -> None:
    ours = Counter(label for left, _, label in seen if left == record)
    theirs = Counter(label for left, _, label in listed if left == place)
    for label in ours:
        if ours[label] == theirs[label] == 1:
            (found,) = (right for left, right, other in seen if (left, other) == (record, label))
            (named,) = (right for left, right, other in listed if (left, other) == (place, label))
            names_seen[found] = max(named, names_seen.get(found, named))
            names_listed[named] = named
