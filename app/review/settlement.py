"""What a review has come to, from what persons decided: settled questions, whether it is over, who agreed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, get_args

from schemas.rounds.review import Verdict

VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)

Given = Mapping[str, Mapping[str, Verdict]]
"""For each question that anybody decided, each person's verdict, in the order in which they came."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """How often two persons gave which verdicts on one question; a row for each of `VERDICTS` of the first."""

    first: str
    second: str
    table: tuple[tuple[int, ...], ...]

    @property
    def n_questions(self) -> int:
        """How many questions both decided."""
        return sum(map(sum, self.table))

    def kappa(self) -> float | None:
        """Return Cohen's kappa; None where both always gave one and the same verdict.

        Source: Cohen (1960), "A Coefficient of Agreement for Nominal Scales".
        """
        total = self.n_questions
        rows: list[int] = [sum(row) for row in self.table]
        columns: list[int] = [sum(column) for column in zip(*self.table, strict=True)]
        by_chance = sum(row * column for row, column in zip(rows, columns, strict=True))
        if by_chance == total * total:
            return None
        same = sum(self.table[at][at] for at in range(len(VERDICTS)))
        return float(total * same - by_chance) / (total * total - by_chance)


def settled(given: Mapping[str, Verdict], persons: int) -> Verdict | None:
    """Return the first verdict but unsure that so many persons share; None: the question is open."""
    shared = Counter[Verdict]()
    for verdict in given.values():
        shared[verdict] += 1
        if verdict != "unsure" and shared[verdict] == persons:
            return verdict
    return None


def is_decided(
    questions: Collection[str], given: Given, has_ended: Mapping[str, bool], persons: int
) -> bool:
    """Tell whether a review ends by what was decided."""
    if len(has_ended) >= persons and all(has_ended.values()):
        return True
    return all(settled(given.get(one, {}), persons) is not None for one in questions)


def agreements(given: Given) -> tuple[Agreed, ...]:
    """Return how each two persons who decided questions in common agreed, in the order of their ids."""
    persons = sorted({person for verdicts in given.values() for person in verdicts})
    tables = (_table(given, *two) for two in combinations(persons, 2))
    return tuple(one for one in tables if one.n_questions)


def _table(given: Given, first: str, second: str) -> Agreed:
    counts = Counter(
        (verdicts[first], verdicts[second])
        for verdicts in given.values()
        if first in verdicts and second in verdicts
    )
    return Agreed(
        first, second, tuple(tuple(counts[one, other] for other in VERDICTS) for one in VERDICTS)
    )


def count_verdicts(verdicts: Sequence[Verdict]) -> dict[Verdict, int]:
    """Return how many there are of each verdict."""
    counts = Counter(verdicts)
    return {verdict: counts[verdict] for verdict in VERDICTS}
