"""What is wrong with a row, said without its values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One cell, or row, that cannot be used: where it is and which rule it breaks, never what it holds.

    Attributes:
        row: 1-based number of the data row; the header is not counted.
        column: the column's name, as the linkage schema, the recipe or the caller knows it; empty where
            the row as a whole is meant.
        rule: the broken rule as a phrase, such as "not a date in the format MM/DD/YYYY".
    """

    row: int
    column: str
    rule: str

    def __str__(self) -> str:
        where = f"row {self.row}, column {self.column}" if self.column else f"row {self.row}"
        return f"{where}: {self.rule}"
