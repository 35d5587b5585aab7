"""The slow, obvious twin of solvers: dictionaries, sets and fractions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import NamedTuple

Record = tuple[int, int]  # dataset, record


class Link(NamedTuple):
    left: Record
    right: Record
    common: int
    total: int

    @property
    def similarity(self) -> Fraction:
        return Fraction(2 * self.common, self.total)

    @property
    def files(self) -> tuple[int, int]:
        return self.left[0], self.right[0]


def solving_key(link: Link) -> tuple:
    return (-link.similarity, *link.files, link.left[1], link.right[1])


def canonical(groups: Iterable[Iterable[Record]]) -> list[tuple[Record, ...]]:
    return sorted(tuple(sorted(group)) for group in groups if len(list(group)) > 1)


class Merger:
    """Groups as sets; `may_merge` says whether the pairs seen so far let two groups merge."""

    def __init__(self, may_merge: Callable[[set, set, set], bool]) -> None:
        self.group_of: dict[Record, frozenset[Record]] = {}
        self.seen: set[frozenset[Record]] = set()
        self.may_merge = may_merge

    def add(self, links: Iterable[Link]) -> None:
        for link in links:
            self.seen.add(frozenset((link.left, link.right)))
            a = self.group_of.get(link.left, frozenset((link.left,)))
            b = self.group_of.get(link.right, frozenset((link.right,)))
            if a != b and self.may_merge(a, b, self.seen):
                for record in a | b:
                    self.group_of[record] = a | b

    def groups(self) -> list[tuple[Record, ...]]:
        return canonical(set(self.group_of.values()))


def every_pair_seen(a: set, b: set, seen: set) -> bool:
    return all(frozenset(pair) in seen for pair in itertools.product(a, b))


def no_file_twice(a: set, b: set, _seen: set) -> bool:
    return not {file for file, _ in a} & {file for file, _ in b}


def greedy_groups(links: Iterable[Link]) -> list[tuple[Record, ...]]:
    merger = Merger(every_pair_seen)
    merger.add(sorted(links, key=solving_key))
    return merger.groups()


def one_to_one(links: Iterable[Link]) -> list[Link]:
    taken: set[tuple] = set()
    picked = []
    for link in sorted(links, key=solving_key):
        ends = {(link.files, link.left), (link.files, link.right)}
        if not ends & taken:
            taken |= ends
            picked.append(link)
    return picked
