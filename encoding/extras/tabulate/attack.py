"""What a reader can work out of a table in which some counts are not shown.

**The reader.** They see every count that is shown, totals among them, and know that counts are whole numbers,
not below 0, which add up. A category is listed because someone is in it, so they know that its total is 1 or
more. With that they find, for a count that is not shown, the least and the greatest value of all tables that
fit: the feasibility interval, by two programs in whole numbers. They do not try out for which of these tables
the program would have left out the same counts; who does can find more (ADR 0091).

**What protects a count.** Its interval is at least the floor wide: greatest - least >= floor. This is the
sliding protection level of Fischetti and Salazar, with the floor as its width, for all counts that are not
shown, whether they are small or left out to protect others.

**Empty cells.** A reader may know from elsewhere where nobody can be (no first grader in a high school). So a
small count, 1 to floor - 1, is protected even from a reader who knows all empty cells, and so that all others
are 1 or more. Others are protected from a reader who does not.

**Sure without the solver.** A count counts as protected only once two tables of whole numbers are at hand that
fit everything shown and differ in it by the floor or more. They are checked here, in whole numbers.

Sources: Cox (1980), "Suppression Methodology and Statistical Disclosure Control", JASA 75, 377-385; Fischetti
and Salazar-González (2001), "Solving the Cell Suppression Problem on Tabular Data with Linear Constraints",
Management Science 47, 1008-1027.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from encoding.extras.tabulate.programs import Answer, Program, Vector
from encoding.extras.tabulate.table import Counts, Flags, Table

# A solver's numbers are this near to what they mean.
NEAR: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Weakness:
    """A count that a reader finds to within less than the floor.

    `gains`, shape (n_cells,): hiding a cell widens the count's interval by no more than this, so that what is
    hidden must have gains of the floor at least. None where only whole numbers make the interval narrow.
    """

    cell: int
    gains: Vector | None


def weaknesses(table: Table, hidden: Flags, floor: int) -> Iterator[Weakness]:
    """Yield the hidden cells that are not protected; see above for what protects them."""
    small = small_cells(table, floor)
    for of, knows_empty in ((hidden & small, True), (hidden & ~small, False)):
        reader = _Reader(table, hidden, floor, knows_empty=knows_empty)
        for cell in np.flatnonzero(of).tolist():
            weakness = reader.weakness(cell)
            if weakness is not None:
                yield weakness


def small_cells(table: Table, floor: int) -> Flags:
    """Return which counts are too small to be shown: 1 to floor - 1."""
    return np.asarray((table.counts > 0) & (table.counts < floor))


class _Reader:
    """One reader, with what they know, and the least and greatest counts of the tables found so far."""

    def __init__(self, table: Table, hidden: Flags, floor: int, *, knows_empty: bool) -> None:
        self._table, self._hidden, self._floor = table, hidden, floor
        open_to_them = hidden & (table.counts > 0) if knows_empty else hidden
        self._unknown = np.flatnonzero(open_to_them)
        self._upper = np.where(knows_empty & (table.counts == 0), 0, table.people)
        sure: Flags = table.counts > 0 if knows_empty else table.categories
        self._lower = sure.astype(np.float64)
        self._low, self._high = table.counts.copy(), table.counts.copy()
        known = np.where(open_to_them, 0, table.counts)
        matrix = table.matrix[:, self._unknown]
        self._rows = np.flatnonzero(matrix.any(axis=1))
        self._programs = {}
        for is_whole in (False, True):
            program = Program(
                self._lower[self._unknown], self._upper[self._unknown], is_whole=is_whole
            )
            for row in self._rows:
                (places,) = matrix[row].nonzero()
                rest = -float(table.matrix[row] @ known)
                program.add_row(places, matrix[row, places].astype(np.float64), rest, rest)
            self._programs[is_whole] = program

    def weakness(self, cell: int) -> Weakness | None:
        """Return how a cell is weak; None: two tables show that it is protected."""
        if self._is_wide(cell):
            return None
        linear = [self._asked(cell, sign, is_whole=False) for sign in (1, -1)]
        if self._is_wide(cell):
            return None
        gains = sum(
            (self._gains(cell, sign, one) for sign, one in zip((1, -1), linear, strict=True)),
            np.zeros(len(self._hidden)),
        )
        if gains[self._hidden].sum() < self._floor - NEAR:
            return Weakness(cell, gains)
        for sign in (1, -1):
            self._asked(cell, sign, is_whole=True)
            if self._is_wide(cell):
                return None
        return Weakness(cell, None)

    def _is_wide(self, cell: int) -> bool:
        return int(self._high[cell] - self._low[cell]) >= self._floor

    def _asked(self, cell: int, sign: int, *, is_whole: bool) -> Answer | None:
        """Ask for the greatest count of a cell, with the sign -1 for the least, and learn from the answer."""
        costs = np.where(self._unknown == cell, -float(sign), 0.0)
        answer = self._programs[is_whole].least(costs)
        if answer is not None:
            self._learn(answer.values)
        return answer

    def _learn(self, values: Vector) -> None:
        """Keep what a table shows to be possible, if it is one: whole numbers that fit all that is shown."""
        rounded: Counts = np.rint(values).astype(np.int64)
        possible = self._table.counts.copy()
        possible[self._unknown] = rounded
        if (possible >= self._lower).all() and not (self._table.matrix @ possible).any():
            np.minimum(self._low, possible, out=self._low)
            np.maximum(self._high, possible, out=self._high)

    def _gains(self, cell: int, sign: int, answer: Answer | None) -> Vector:
        """Return by how much each cell, while hidden, lets a count rise (sign 1) or fall; by linear duality.

        It holds whatever the duals are: right ones only make it sharp.
        """
        slopes = np.zeros(len(self._hidden))
        slopes[cell] = sign
        if answer is not None:
            slopes += answer.duals @ self._table.matrix[self._rows]
        rising = np.maximum(slopes, 0) * (self._upper - self._table.counts)
        falling = np.maximum(-slopes, 0) * (self._table.counts - self._lower)
        gains = rising + falling
        return np.where(gains < NEAR, 0.0, gains)
