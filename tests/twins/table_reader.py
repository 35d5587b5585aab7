"""A reader of a table that was written, who wants what is not shown; they know the CSV file and nothing else.

Written without a look at `tabulate.attack`: a variable for each innermost group and no other, one row
for each count that is shown, another solver's interface, one program in whole numbers for each end of a range.

They know that someone is in each category that is listed. Which columns lie within another they see from the
rows: no row has a total of the wider one beside a value of the narrower.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

TOTAL = "(total)"
Labels = tuple[str, ...]


class TableReader:
    """The counts of a file by their labels; None where one is not shown."""

    def __init__(self, path: Path) -> None:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        assert header[-2:] == ["count", "note"]
        self.counts: dict[Labels, int | None] = {}
        for *labels, count, note in rows:
            assert (count == "") == (note == "not shown")
            self.counts[tuple(labels)] = int(count) if count else None
        self.inner = [labels for labels in self.counts if TOTAL not in labels]
        sides = [
            at
            for at in range(len(header) - 2)
            if at == 0 or any(labels[at - 1] == TOTAL != labels[at] for labels in self.counts)
        ]
        self.categories = [
            labels for labels in self.counts if sum(labels[at] != TOTAL for at in sides) == 1
        ]
        self.n_people = next(n for labels, n in self.counts.items() if {*labels} == {TOTAL})

    @property
    def not_shown(self) -> list[Labels]:
        return [labels for labels, count in self.counts.items() if count is None]

    def range(self, labels: Labels, empty: Collection[Labels] | None = None) -> tuple[int, int]:
        """Return the least and greatest count that fit.

        `empty` are all inner groups that hold nobody, to a reader who knows them; every other has someone.
        """
        shown = [(one, n) for one, n in self.counts.items() if n is not None]
        rows = np.array([self._members(one) for one, _ in shown], dtype=float)
        counts = np.array([n for _, n in shown], dtype=float)
        least = [int(empty is not None and one not in empty) for one in self.inner]
        most = [0 if empty is not None and one in empty else self.n_people for one in self.inner]
        listed = np.array([self._members(one) for one in self.categories], dtype=float)
        wanted = np.array(self._members(labels), dtype=float)
        ends = []
        for sign in (1, -1):
            found = milp(
                sign * wanted,
                constraints=[LinearConstraint(rows, counts, counts), LinearConstraint(listed, 1)],
                bounds=Bounds(np.array(least), np.array(most)),
                integrality=np.ones(len(self.inner)),
            )
            assert found.status == 0
            ends.append(round(sign * found.fun))
        return ends[0], ends[1]

    def _members(self, labels: Labels) -> list[bool]:
        return [
            all(name in (TOTAL, own) for name, own in zip(labels, inner, strict=True))
            for inner in self.inner
        ]
