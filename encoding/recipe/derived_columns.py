"""What the recipe makes of some rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from encoding.problems import RowProblem


@dataclass(frozen=True, slots=True)
class Derived:
    """What the recipe made of some rows.

    Attributes:
        columns: the derived columns, all of one length: the main spelling of a row and its aliases after each
            other, the main one first. A row with a problem is not there.
        row_of: index of the input row, from 0, that each derived row came from.
        problems: cells that keep their row from being encoded, by row, then in the order of the inputs.
    """

    columns: Mapping[str, list[str]]
    row_of: list[int]
    problems: tuple[RowProblem, ...]
