"""One file of a trial, read twice: its record IDs and known numbers, then its rows, cleaned as for a broker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from encoding.blocks.assembly import Batch
from encoding.errors import TrialFilesError
from encoding.profiles.catalog import MOST_OF_A_STATE
from encoding.progress import Progress, silent
from encoding.recipe.numbers import NUMBER_COLUMN
from encoding.recipe.record_faults import RecordFaults
from encoding.recipe.rows import RowCleaner
from encoding.recipe.shared_numbers import NO_NUMBERS, SharedNumbers, hashes
from encoding.records import Chunk
from encoding.records.agency_file import AgencyFile
from encoding.records.read_once import KeptTable
from encoding.trial.layout import Source
from schemas.linkage.profile import EncodingProfile

MOST_ROWS: Final = MOST_OF_A_STATE
"""The profile of a state is made for as many records, and a trial holds all rows in memory."""
# Of a row that cannot be encoded one of these inputs is to blame.
_BLAMED: Final = ("sex", "birth_date", "last_name")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RecordIds:
    """The records of a file.

    Attributes:
        ids: the record ID of each record, in the order in which the file has them.
        of_row: number of each row's record; -1 where a row has no record ID.
        shared: known numbers that several records hold.
    """

    ids: list[str]
    of_row: NDArray[np.int64]
    shared: SharedNumbers = field(default=NO_NUMBERS)

    @property
    def n_rows_without_id(self) -> int:
        """How many rows have no record ID; they are left out."""
        return int((self.of_row < 0).sum())

    @property
    def n_on_several_rows(self) -> int:
        """How many records stand on several rows, as spellings of one person."""
        return int(self.repeated.sum())

    @property
    def repeated(self) -> NDArray[np.bool_]:
        """Which records stand on several rows."""
        counts = np.bincount(self.of_row[self.of_row >= 0], minlength=len(self.ids))
        repeated: NDArray[np.bool_] = counts > 1
        return repeated


@dataclass(slots=True, eq=False, repr=False)
class Looks:
    """What each record is like, as far as it makes a match less likely; it grows while rows are cleaned.

    Attributes:
        faults: bits of `Fault`, shape (n records,).
        has_rows: which records have a row that can be encoded.
        unread: inputs that are to blame for rows that cannot be encoded, by the number of the record.
    """

    faults: NDArray[np.uint8]
    has_rows: NDArray[np.bool_]
    unread: dict[int, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, n_records: int) -> Self:
        """Return the looks of so many records before any row was seen."""
        return cls(np.zeros(n_records, dtype=np.uint8), np.zeros(n_records, dtype=bool))

    @property
    def n_not_compared(self) -> int:
        """How many records have no row that could be encoded."""
        return int((~self.has_rows).sum())


def read_rows(source: Source, progress: Progress = silent) -> KeptTable:
    """Read what a trial needs of a file into memory, once for all.

    Raises:
        TrialFilesError: it has more rows than a trial takes.
        InputError: it cannot be read.
    """

    def told(chunk: Chunk, n_rows: int) -> None:
        if n_rows > MOST_ROWS:
            raise TrialFilesError(
                f"{source.name} has more than {MOST_ROWS:,} rows, and a trial takes no more",
                hint="try a part of it; a linkage with a broker has no such limit",
            )
        progress(f"reading {source.name}", chunk.share, n_rows, "rows")

    return source.load(told)


def read_record_ids(source: Source, profile: EncodingProfile) -> RecordIds:
    """Read the record IDs of a file, and its known numbers."""
    file = source.file
    table = file.open()
    cleaner = _cleaner(source, file, profile)
    number = [cleaner.number_header] if cleaner.number_header is not None else []
    place: dict[str, int] = {}
    of_row: list[int] = []
    known = []
    # A column besides the record IDs, so that a file without any is read as well.
    for chunk in table.select([file.id_column, *(number or cleaner.headers[:1])]).chunks():
        cells = chunk.columns[file.id_column]
        of_row += [place.setdefault(cell, len(place)) if cell else -1 for cell in cells]
        known.append(hashes(cleaner.numbers(chunk)))
    if not place:
        raise TrialFilesError(f"no row of {source.name} has a record ID")
    records = np.array(of_row, dtype=np.int64)
    has_id = records >= 0
    shared = SharedNumbers.among(np.concatenate(known)[has_id], records[has_id])
    return RecordIds(list(place), records, shared)


def cleaned_rows(
    source: Source,
    profile: EncodingProfile,
    records: RecordIds,
    looks: Looks,
    *,
    as_of: date,
    progress: Progress = silent,
) -> Iterator[Batch]:
    """Yield the derived rows of a file's records, some at a time."""
    faults_of = RecordFaults(profile, as_of)
    file = source.file
    cleaner = _cleaner(source, file, profile)
    # One column may be several inputs, as a last name and its suffix.
    input_of = {cleaner.header_of[name]: name for name in _BLAMED if name in cleaner.header_of}
    for chunk in file.open().select([file.id_column, *cleaner.headers]).chunks():
        cleaned = cleaner.clean(chunk)
        of_row = records.of_row[chunk.first_row - 1 :]
        for problem in cleaned.problems:
            record = int(of_row[problem.row - chunk.first_row])
            looks.unread.setdefault(record, set()).add(input_of.get(problem.column, problem.column))
        found = of_row[cleaned.rows - chunk.first_row]
        kept = np.flatnonzero(found >= 0)
        columns = {
            name: [cells[at] for at in kept.tolist()] for name, cells in cleaned.columns.items()
        }
        numbers = found[kept].astype(np.uint32)
        met, first = np.unique(numbers, return_index=True)
        mains = first[~looks.has_rows[met]]
        looks.faults[numbers[mains]] = faults_of.of(columns, mains.tolist())
        looks.has_rows[met] = True
        if NUMBER_COLUMN in columns:
            columns[NUMBER_COLUMN] = records.shared.blanked(columns[NUMBER_COLUMN])
        yield columns, numbers
        n_rows = chunk.first_row + chunk.n_rows - 1
        progress(f"encoding {source.name}", chunk.share, n_rows, "rows")
    cleaner.clear()


def _cleaner(source: Source, file: AgencyFile, profile: EncodingProfile) -> RowCleaner:
    return RowCleaner(
        profile,
        columns=source.layout.columns,
        available=file.open().columns,
        date_format=source.layout.input.date_format,
    )
