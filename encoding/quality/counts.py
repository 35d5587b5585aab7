"""What is counted in a file; no value of any record is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnCounts:
    """Cells of one column, by what is wrong with them; a cell counts once among the first three.

    Attributes:
        name: what the recipe or linkage schema calls the column.
        header: what the file calls it.
        is_required: whether every file must have it.
        missing: empty cells.
        placeholder: cells that stand for "unknown".
        invalid: cells that cannot be read as what the column holds.
        non_ascii: cells with letters beyond A to Z, which are no fault.
        garbled: cells whose letters look read in the wrong text encoding.
    """

    name: str
    header: str
    is_required: bool
    missing: int = 0
    placeholder: int = 0
    invalid: int = 0
    non_ascii: int = 0
    garbled: int = 0


@dataclass(frozen=True, slots=True)
class BirthCounts:
    """Dates of birth that could be read.

    Attributes:
        dates: how many there are.
        first_of_january: those on 1 January.
        fifteenth: those on the 15th of a month.
        commonest: how often the most frequent date occurs.
        in_future: those after the day that the file describes.
        too_old: those of people older than `oldest` years on that day; None where the recipe is not about
            children.
        oldest: that age in years.
        by_year: year of birth to number of dates, in order.
    """

    dates: int
    first_of_january: int
    fifteenth: int
    commonest: int
    in_future: int
    too_old: int | None
    oldest: int
    by_year: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """A file in numbers.

    Attributes:
        rows: rows without the header.
        records: different record IDs.
        rows_without_id: rows with no record ID.
        rows_refused: rows that cannot be encoded, for another reason than the record ID.
        look_alikes: records with the same names and date of birth as another record; 0 without a recipe.
        columns: one entry for each column that is encoded, in the order of the recipe.
        absent: columns that the recipe could use and the file does not have.
        births: None without a recipe.
    """

    rows: int
    records: int
    rows_without_id: int
    rows_refused: int
    look_alikes: int
    columns: tuple[ColumnCounts, ...]
    absent: tuple[str, ...]
    births: BirthCounts | None
