"""Tables of counts with all their totals: categories, some within others, and what adds up to what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.errors import TableError
from encoding.extras.linked_people.people import Cell, Node

TOTAL: Final = "(total)"
MAX_CELLS: Final = 1000

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Dimension:
    """One side of a table: its columns, the widest first, and its categories in order.

    Most have one column. Where a school lies within a district there are two, and each district has a total.
    """

    columns: tuple[str, ...]
    leaves: tuple[Node, ...]

    def nodes(self) -> tuple[Node, ...]:
        """Return the total, then each category after the one that it lies within."""
        found = {leaf[:depth] for leaf in self.leaves for depth in range(len(leaf) + 1)}
        return tuple(sorted(found, key=_place))

    def parts(self, node: Node) -> tuple[Node, ...]:
        """Return the categories that add up to this one; empty for one that has none within."""
        depth = len(node) + 1
        return tuple(
            dict.fromkeys(
                leaf[:depth]
                for leaf in self.leaves
                if leaf[:depth] != node and leaf[: depth - 1] == node
            )
        )


@dataclass(frozen=True)
class Table:
    """The number of people in each cell of 1 to 3 dimensions, totals included.

    The first cell is the grand total. Counts stand in the order of `cells`, int64, shape (n_cells,).
    """

    dimensions: tuple[Dimension, ...]
    cells: tuple[Cell, ...]
    counts: Counts

    @property
    def people(self) -> int:
        """How many people are counted."""
        return int(self.counts[0])

    @cached_property
    def equations(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Each total that a reader can add up: the place of its cell, and those of its parts."""
        place = {cell: at for at, cell in enumerate(self.cells)}
        found = []
        for at, cell in enumerate(self.cells):
            for side, dimension in enumerate(self.dimensions):
                parts = dimension.parts(cell[side])
                if parts:
                    whole = (place[(*cell[:side], part, *cell[side + 1 :])] for part in parts)
                    found.append((at, tuple(whole)))
        return tuple(found)

    @cached_property
    def matrix(self) -> NDArray[np.int64]:
        """The equations as rows, shape (n_equations, n_cells): 1 for a part, -1 for the total."""
        rows = np.zeros((len(self.equations), len(self.cells)), dtype=np.int64)
        for row, (total, parts) in zip(rows, self.equations, strict=True):
            row[list(parts)] = 1
            row[total] = -1
        return rows

    @cached_property
    def inner(self) -> Flags:
        """Which cells are no total of others; each person is in one of them."""
        totals = {total for total, _ in self.equations}
        return np.array([at not in totals for at in range(len(self.cells))])

    @cached_property
    def categories(self) -> Flags:
        """Which cells are a category with the totals of all other dimensions; someone is in each."""
        return np.array([sum(node != () for node in cell) == 1 for cell in self.cells])

    @cached_property
    def same_as_total(self) -> Flags:
        """Which cells are the grand total under another name, since no category stands beside theirs."""
        same = {0}
        for total, parts in self.equations:
            if total in same and len(parts) == 1:
                same.add(parts[0])
        return np.array([at in same for at in range(len(self.cells))])

    def row(self, at: int) -> tuple[str, ...]:
        """Return the categories of a cell, one for each column; a total says so."""
        return tuple(
            name
            for node, dimension in zip(self.cells[at], self.dimensions, strict=True)
            for name in (*node, *(TOTAL,) * (len(dimension.columns) - len(node)))
        )


def count_people(columns: Sequence[tuple[str, ...]], people: Iterable[Cell]) -> Table:
    """Return the table of people, each of whom is in one category of each dimension."""
    counted = Counter(people)
    if not counted:
        raise TableError("nobody is linked, so there is nothing to count")
    dimensions = tuple(
        Dimension(names, tuple(sorted({cell[side] for cell in counted}, key=_place)))
        for side, names in enumerate(columns)
    )
    if any(TOTAL in leaf for one in dimensions for leaf in one.leaves):
        raise TableError(f"a column has the value {TOTAL}, which the table uses for totals")
    nodes = [one.nodes() for one in dimensions]
    n_cells = int(np.prod([len(one) for one in nodes]))
    if n_cells > MAX_CELLS:
        raise TableError(
            f"the table would have {n_cells:,} cells, and at most {MAX_CELLS:,} can be protected",
            hint="count by fewer columns, or by columns of fewer values",
        )
    cells = tuple(product(*nodes))
    counts: Counter[Cell] = Counter()
    for cell, n in counted.items():
        for above in product(*([node[:depth] for depth in range(len(node) + 1)] for node in cell)):
            counts[above] += n
    return Table(dimensions, cells, np.array([counts[cell] for cell in cells], dtype=np.int64))


def _place(node: Node) -> list[tuple[int, str]]:
    """Return by what categories are ordered: grade 9 stands before grade 10."""
    return [(int(name) if name.isdecimal() and len(name) < 10 else 10**10, name) for name in node]
