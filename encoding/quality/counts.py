"""What is counted in a file; no value of any record is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.linkage.passes import KeyForm


@dataclass(frozen=True, slots=True)
class ColumnCounts:
    """Cells of one column, by what is wrong with them; a cell counts once among the first three.

    Attributes:
        name: what the recipe calls the column.
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
        at_odds: those of rows whose record ID has another date in another row.
    """

    dates: int
    first_of_january: int
    fifteenth: int
    commonest: int
    in_future: int
    too_old: int | None
    oldest: int
    by_year: Mapping[int, int]
    at_odds: int = 0


@dataclass(frozen=True, slots=True)
class PassCounts:
    """One pass of the encoding profile.

    Attributes:
        name: the pass.
        keys: blocking keys of it.
        records_without: records that have none.
        blocks_too_large: blocks of more rows than the profile's cap.
        rows_dropped: rows beyond it, which are not sent if this is the larger file of its pair.
        dropped_by: the recipe's inputs whose values are behind most of them, the worst first; empty if none
            stands out.
        forms: of which derived columns its keys are made.
    """

    name: str
    keys: int
    records_without: int
    blocks_too_large: int
    rows_dropped: int
    dropped_by: tuple[str, ...]
    forms: tuple[KeyForm, ...]


@dataclass(frozen=True, slots=True)
class BlockCounts:
    """What the passes make of the file.

    Attributes:
        passes: in the order of the profile.
        records: records that can be encoded.
        keyless: those of them that no pass gives a key; they are never linked.
        cap: the most rows of the larger file in a block.
        one_in: keys and blocks are counted in one of so many blocks, and multiplied; 1: in all.
    """

    passes: tuple[PassCounts, ...]
    records: int
    keyless: int
    cap: int
    one_in: int


@dataclass(frozen=True, slots=True)
class NumberCounts:
    """Known numbers.

    Attributes:
        header: what the file calls the column.
        holders: records that hold a number.
        sharing: those of them whose number another record holds, too; they are encoded without it.
        shared: how many numbers these are.
    """

    header: str
    holders: int
    sharing: int
    shared: int


@dataclass(frozen=True, slots=True)
class Counts:
    """A file in numbers.

    Attributes:
        rows: rows without the header.
        records: different record IDs.
        rows_without_id: rows with no record ID.
        rows_refused: rows that cannot be encoded, for another reason than the record ID.
        duplicates: how many pairs of records are expected to be one person.
        columns: one entry for each column that is encoded, in the order of the recipe.
        absent: columns that the recipe could use and the file does not have.
        births: dates of birth.
        blocks: what the passes make of the file.
        numbers: known numbers; None where none is agreed on, or the file has no column of it.
        lacks_sex: whether no row has a sex though the profile asks for it.
    """

    rows: int
    records: int
    rows_without_id: int
    rows_refused: int
    duplicates: int
    columns: tuple[ColumnCounts, ...]
    absent: tuple[str, ...]
    births: BirthCounts
    blocks: BlockCounts
    numbers: NumberCounts | None = None
    lacks_sex: bool = False
