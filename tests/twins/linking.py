"""The slow, obvious twin of bands and solvers: dictionaries, sets and fractions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
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


class Decision(NamedTuple):
    left: Record
    right: Record
    band: str
    rule: str
    runner_up: Fraction | None


class Outcome(NamedTuple):
    groups: list[tuple[Record, ...]]
    groups_with_review: list[tuple[Record, ...]]
    decisions: list[Decision]


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

    def is_together(self, link: Link) -> bool:
        return link.right in self.group_of.get(link.left, ())


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


def duplicate_groups(pairs: Iterable[tuple[Record, Record]]) -> list[tuple[Record, ...]]:
    groups: list[set[Record]] = []
    for pair in pairs:
        touched = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if not group & set(pair)]
        groups.append(set(pair).union(*touched))
    return canonical(groups)


def runner_up(
    link: Link, links: Sequence[Link], same_person: Mapping[Record, Record]
) -> Fraction | None:
    def group(record: Record) -> Record:
        return same_person.get(record, record)

    others = [
        other.similarity
        for other in links
        if other.files == link.files
        and (
            (other.left == link.left and group(other.right) != group(link.right))
            or (other.right == link.right and group(other.left) != group(link.left))
        )
    ]
    return max(others, default=None)


def rule_of(
    link: Link,
    links: Sequence[Link],
    same_person: Mapping[Record, Record],
    auto: Fraction,
    margin: Fraction,
) -> str:
    if link.similarity < auto:
        return "review-band"
    rivals = [
        other
        for other in links
        if other.files == link.files and (other.left == link.left or other.right == link.right)
    ]
    if min(rivals, key=solving_key) != link:
        return "not-mutual-best"
    best_other = runner_up(link, links, same_person)
    if best_other is not None and link.similarity - best_other < margin:
        return "margin-too-small"
    return "mutual-best-with-margin"


def link_records(
    links: Sequence[Link],
    duplicates: Iterable[tuple[Record, Record]],
    auto: Fraction,
    margin: Fraction,
    solver: str,
) -> Outcome:
    """What `resolve` must conclude from these links (all at or above the review threshold)."""
    same_person = {record: group[0] for group in duplicate_groups(duplicates) for record in group}
    rules = {link: rule_of(link, links, same_person, auto, margin) for link in links}
    offered = one_to_one(links) if solver == "one-to-one" else sorted(links, key=solving_key)
    auto_links = [link for link in offered if rules[link] == "mutual-best-with-margin"]
    merger = Merger(every_pair_seen if solver == "groups" else no_file_twice)
    merger.add(auto_links)
    groups = merger.groups()
    released = [link for link in auto_links if merger.is_together(link)]
    merger.add(link for link in offered if link not in auto_links)
    decisions = []
    for link in offered:
        rule = rules[link]
        if link in auto_links and link not in released:
            rule = "group-conflict"
        if link in auto_links or merger.is_together(link):
            band = "auto" if link in released else "review"
            best_other = runner_up(link, links, same_person)
            decisions.append(Decision(link.left, link.right, band, rule, best_other))
    return Outcome(groups, merger.groups(), sorted(decisions))
