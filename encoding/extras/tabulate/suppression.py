"""Which counts of a table are not shown: those too small, and as few others as protect them.

A count of 1 to floor - 1 is too small (primary suppression). Others are left out with it (complementary
suppression) so that what is left out and counted in it is least, by a program in whole numbers: one variable a
cell, and for each weakness that the attack finds one row, until it finds none. Fischetti and Salazar (2001).

An empty cell is shown as 0. But where all people of a total of two categories or more are in one of them,
anyone who belongs to the total has that category, however large it is. There at least one of the empty
cells beside it is left out, so that its interval reaches from 0 to the floor or more.

A floor of 0 or 1 leaves nothing out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.errors import TableError
from encoding.extras.tabulate.attack import NEAR, Weakness, small_cells, weaknesses
from encoding.extras.tabulate.programs import Program
from encoding.extras.tabulate.table import Flags, Table

# After so many turns what was hidden stays hidden, so that it ends; some tables then hide more than needed.
_FREE_TURNS: Final = 20

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Suppression:
    """Which cells are not shown, shape (n_cells,).

    `is_least` is false where fewer might have been enough, and the search for them was cut short.
    """

    hidden: Flags
    is_least: bool


def suppress(table: Table, floor: int) -> Suppression:
    """Return which cells of a table are not shown."""
    if table.people < floor:
        raise TableError(
            f"fewer than {floor:,} people are counted, and no table of them is written"
        )
    if floor <= 1:
        return Suppression(np.zeros(len(table.cells), dtype=np.bool_), is_least=True)
    choice = _Choice(table, floor)
    while True:
        hidden = choice.hidden()
        weak = list(weaknesses(table, hidden, floor))
        if not weak:
            return Suppression(hidden, choice.is_least)
        if (hidden | table.same_as_total).all():
            groups = int((table.inner & (table.counts > 0)).sum())
            raise TableError(
                f"{table.people:,} people in {groups:,} groups are too few, and no table of them is written",
                hint="count by fewer columns, or by columns of fewer values",
            )
        choice.mend(hidden, weak)


class _Choice:
    """The program that chooses what is hidden, with the rows that it has so far."""

    def __init__(self, table: Table, floor: int) -> None:
        self._table, self._floor = table, floor
        self._turns = 0
        self.is_least = True
        shown = np.zeros(len(table.cells))
        self._program = Program(shown, shown + 1, is_whole=True)
        for cell in np.flatnonzero(table.same_as_total).tolist():
            self._program.fix(cell, 0)
        for cell in np.flatnonzero(small_cells(table, floor)).tolist():
            self._program.fix(cell, 1)
        self._add_bridges()
        self._add_wholes()

    def hidden(self) -> Flags:
        """Return the best choice that the rows allow."""
        answer = self._program.least((1 + self._table.counts).astype(np.float64))
        if answer is None:
            self.is_least = False
            return ~self._table.same_as_total
        self.is_least &= answer.is_best
        return np.asarray(answer.values > 0.5)

    def mend(self, hidden: Flags, weak: list[Weakness]) -> None:
        """Add a row for each weakness, which the choice that had it breaks."""
        self._turns += 1
        if self._turns > _FREE_TURNS:
            self.is_least = False
            for cell in np.flatnonzero(hidden).tolist():
                self._program.fix(cell, 1)
        for one in weak:
            if one.gains is None:
                # Hiding fewer cells than these makes no interval wider: another one has to be hidden.
                others = np.flatnonzero(~hidden)
                self._require(one.cell, others)
            else:
                gains = np.minimum(one.gains, self._floor)
                gains[one.cell] -= self._floor
                places = np.flatnonzero(gains)
                self._program.add_row(places, gains[places], -NEAR)

    def _add_bridges(self) -> None:
        """Hide no cell of a total alone, since it could be computed at once, nor a small one beside empties."""
        small = small_cells(self._table, self._floor)
        for total, parts in self._table.equations:
            members = np.array([total, *parts])
            for cell in members.tolist():
                others = members[members != cell]
                if small[cell]:
                    others = others[self._table.counts[others] > 0]
                self._require(cell, others)

    def _add_wholes(self) -> None:
        """Hide an empty part where all of a total is in one of several."""
        counts = self._table.counts
        for total, parts in self._table.equations:
            empty = [part for part in parts if counts[part] == 0]
            if counts[total] and len(empty) == len(parts) - 1 and empty:
                self._program.add_row(empty, [1.0] * len(empty), 1)

    def _require(self, cell: int, others: Places) -> None:
        """Add that, where a cell is hidden, one of the others is."""
        self._program.add_row([*others.tolist(), cell], [*[1.0] * len(others), -1.0], 0)
