"""Linear programs and programs in whole numbers, solved by HiGHS: the extra `tables`.

The one module that needs highspy. What a solver says is never taken on trust: see `attack`.
Source: Huangfu and Hall (2018), "Parallelizing the dual revised simplex method".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import highspy
import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

# So that the same table is treated alike on every machine: no clock and no second thread decides.
_OPTIONS: Final[dict[str, int | float | str]] = {
    "threads": 1,
    "parallel": "off",
    "random_seed": 0,
    "mip_rel_gap": 0.0,
    "mip_max_nodes": 500,
}


class _Solver(highspy.Highs):
    def enableCallbacks(self) -> None:  # noqa: N802 - highspy's name
        # The constructor calls this, and prints a banner on standard output unless told not to before.
        self.silent()
        super().enableCallbacks()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found: values of the variables, shape (n_variables,), and duals of the rows, shape (n_rows,).

    `is_best` is false where the search ended before it was sure that there is nothing better; whole-number
    programs have no duals.
    """

    values: Vector
    duals: Vector
    is_best: bool


class Program:
    """The least of a sum over variables that lie between two bounds each, in rows that must hold."""

    def __init__(self, lower: Vector, upper: Vector, *, is_whole: bool) -> None:
        """Take the variables' bounds, shape (n_variables,); `is_whole`: they are whole numbers."""
        self._solver = _Solver()  # type: ignore[no-untyped-call]
        for name, value in _OPTIONS.items():
            self._solver.setOptionValue(name, value)
        self._places = np.arange(len(upper), dtype=np.int32)
        self._solver.addVars(len(upper), lower.astype(np.float64), upper.astype(np.float64))
        if is_whole:
            kinds = np.full(len(upper), highspy.HighsVarType.kInteger)
            self._solver.changeColsIntegrality(len(upper), self._places, kinds)

    def add_row(
        self,
        places: Sequence[int] | NDArray[np.int64],
        factors: Sequence[float] | Vector,
        least: float,
        most: float = highspy.kHighsInf,
    ) -> None:
        """Add that the variables at these places, times the factors, add up to `least` to `most`."""
        where = np.asarray(places, dtype=np.int32)
        self._solver.addRow(least, most, len(where), where, np.asarray(factors, dtype=np.float64))

    def fix(self, place: int, value: float) -> None:
        """Leave a variable no other value."""
        self._solver.changeColBounds(place, value, value)

    def least(self, costs: Vector) -> Answer | None:
        """Return values whose sum times `costs` is least; None where none were found."""
        self._solver.changeColsCost(len(costs), self._places, costs.astype(np.float64))
        self._solver.run()
        found = self._solver.getSolution()
        if not found.value_valid:
            return None
        is_best = self._solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        return Answer(np.array(found.col_value), np.array(found.row_dual), is_best)
