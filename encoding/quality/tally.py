"""Counts a file in one reading, in memory that grows with the number of rows by a few bytes each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from encoding.progress import Progress, silent
from encoding.quality.blocks import count_blocks
from encoding.quality.cells import Kind, is_garbled, kinds_of
from encoding.quality.counts import BirthCounts, ColumnCounts, Counts, NumberCounts
from encoding.quality.duplicates import DuplicatePair, find_duplicates
from encoding.quality.key_sample import MOST_KEYS, KeySampler
from encoding.recipe import Recipe
from encoding.recipe.cells import CellReader
from encoding.recipe.dates import read_date_format
from encoding.recipe.record_faults import OLDEST_CHILD, age, day_of, is_about_children
from encoding.recipe.rows import RowCleaner
from encoding.recipe.shared_numbers import Hashes, SharedNumbers, hashes
from encoding.recipe.tables import load_tables
from encoding.records import Chunk
from encoding.records.agency_file import AgencyFile
from schemas.linkage.profile import EncodingProfile


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be checked, as `blindlink encode` would be told; `as_of` is the day the file describes.

    `lists_duplicates`: all keys are kept, whatever their number, so that every pair is found.
    """

    profile: EncodingProfile
    file: AgencyFile
    columns: Mapping[str, str]
    date_format: str | None
    as_of: date
    lists_duplicates: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Counted:
    """The counts of a file, and pairs of records that are probably one person, the likeliest first."""

    counts: Counts
    duplicates: tuple[DuplicatePair, ...]


def count_file(ask: Ask, progress: Progress = silent) -> Counted:
    """Read the file once and count."""
    profile = ask.profile.without_memory()
    table = ask.file.open()
    # The encoder's own rules clean the rows, so that a check never passes what encoding refuses.
    cleaner = RowCleaner(
        profile, columns=ask.columns, available=table.columns, date_format=ask.date_format
    )
    counter = _CellCounter(ask, cleaner.header_of)
    sampler = KeySampler(profile, None if ask.lists_duplicates else MOST_KEYS)
    ids: list[Hashes] = []
    numbers: list[Hashes] = []
    n_refused = n_rows = 0
    for chunk in table.select([ask.file.id_column, *cleaner.headers]).chunks():
        ids.append(hashes(chunk.columns[ask.file.id_column]))
        numbers.append(hashes(cleaner.numbers(chunk)))
        counter.add(chunk)
        cleaned = cleaner.clean(chunk)
        n_refused += len({problem.row for problem in cleaned.problems})
        sampler.add(cleaned, chunk.first_row, chunk.n_rows)
        n_rows += chunk.n_rows
        progress("checking", chunk.share, n_rows, "rows")
    cleaner.clear()
    records, sample = _numbered(np.concatenate(ids)), sampler.sample()
    blocks = count_blocks(profile, sample, records)
    duplicates = find_duplicates(profile, sample, records)
    columns = counter.columns()
    counts = Counts(
        rows=n_rows,
        records=int(records.max(initial=-1)) + 1,
        rows_without_id=int((records < 0).sum()),
        rows_refused=n_refused,
        duplicates=round(duplicates.expected),
        columns=columns,
        absent=counter.absent,
        births=counter.births(records),
        blocks=blocks,
        numbers=_number_counts(cleaner, np.concatenate(numbers), records),
        lacks_sex="sex" in profile.columns and not _has_some("sex", columns, n_rows),
    )
    return Counted(counts, duplicates.pairs)


def _has_some(name: str, columns: Iterable[ColumnCounts], n_rows: int) -> bool:
    empty = (one.missing + one.placeholder + one.invalid for one in columns if one.name == name)
    return any(count < n_rows for count in empty)


def _number_counts(
    cleaner: RowCleaner, numbers: Hashes, records: NDArray[np.int32]
) -> NumberCounts | None:
    if cleaner.number_header is None:
        return None
    has_id = records >= 0
    found = SharedNumbers.among(numbers[has_id], records[has_id])
    return NumberCounts(cleaner.number_header, found.n_holders, found.n_records, len(found))


class _ColumnTally:
    """Counts of one column; `kinds` sorts distinct cells."""

    def __init__(self, name: str, header: str, *, is_required: bool) -> None:
        self._named = (name, header, is_required)
        self._kinds: Counter[Kind] = Counter()
        self._non_ascii = 0
        self._garbled = 0

    def add(self, distinct: Mapping[str, int], kinds: Iterable[Kind]) -> None:
        for (cell, count), kind in zip(distinct.items(), kinds, strict=True):
            self._kinds[kind] += count
            if not cell.isascii():
                self._non_ascii += count
                self._garbled += count * is_garbled(cell)

    def counts(self) -> ColumnCounts:
        name, header, is_required = self._named
        kinds = self._kinds
        return ColumnCounts(
            name, header, is_required, kinds["missing"], kinds["placeholder"], kinds["invalid"],
            self._non_ascii, self._garbled,
        )  # fmt: skip


class _CellCounter:
    """Counts the inputs of a recipe, as the recipe reads them."""

    def __init__(self, ask: Ask, header_of: Mapping[str, str]) -> None:
        recipe = Recipe.load(ask.profile.recipe)
        self._recipe = recipe.spec
        self._tables = load_tables()
        self._reader = CellReader(self._tables, recipe.spec.birth_years, recipe.spec.number)
        self._format = read_date_format(ask.date_format or "")
        self._as_of = ask.as_of
        self._header_of = header_of
        self._tallies = {
            name: _ColumnTally(name, header, is_required=name in recipe.required)
            for name, header in header_of.items()
        }
        self.absent = tuple(name for name in recipe.inputs if name not in header_of)
        self._births: Counter[str] = Counter()
        self._born: list[Hashes] = []

    def add(self, chunk: Chunk) -> None:
        columns = {name: chunk.columns[header] for name, header in self._header_of.items()}
        for name, column in columns.items():
            distinct = Counter(column)
            raws = list(distinct)
            cells = self._reader.read({name: raws}, len(raws), self._format)
            self._tallies[name].add(distinct, kinds_of(name, raws, cells, self._tables))
            if name == "birth_date":
                born_of = {raw: cell.birth for raw, cell in zip(raws, cells.birth, strict=True)}
                self._add_births(column, distinct, born_of)

    def _add_births(
        self, column: Sequence[str], distinct: Mapping[str, int], born_of: Mapping[str, str]
    ) -> None:
        for raw, count in distinct.items():
            if born_of[raw]:
                self._births[born_of[raw]] += count
        self._born.append(hashes([born_of[raw] for raw in column]))

    def columns(self) -> tuple[ColumnCounts, ...]:
        return tuple(tally.counts() for tally in self._tallies.values())

    def births(self, records: NDArray[np.int32]) -> BirthCounts:
        days = {day_of(compact): count for compact, count in self._births.items()}
        by_year: Counter[int] = Counter()
        for day, count in days.items():
            by_year[day.year] += count

        def total(fits: Callable[[date], bool]) -> int:
            return sum(count for day, count in days.items() if fits(day))

        return BirthCounts(
            dates=sum(days.values()),
            first_of_january=total(lambda day: (day.month, day.day) == (1, 1)),
            fifteenth=total(lambda day: day.day == 15),
            commonest=max(days.values(), default=0),
            in_future=total(lambda day: day > self._as_of),
            too_old=total(lambda day: age(day, self._as_of) > OLDEST_CHILD)
            if is_about_children(self._recipe, self._as_of)
            else None,
            oldest=OLDEST_CHILD,
            by_year=dict(sorted(by_year.items())),
            at_odds=_at_odds(records, np.concatenate(self._born)),
        )


def _at_odds(records: NDArray[np.int32], born: Hashes) -> int:
    """Return how many rows have a date of birth, and a record ID that has another one in another row."""
    rows = np.flatnonzero((records >= 0) & (born != hash("")))[::-1]
    records, born = records[rows], born[rows]
    first = np.zeros(int(records.max(initial=-1)) + 1, dtype=np.int64)
    # Backwards, since of several the last one stays.
    first[records] = born
    return int(np.isin(records, records[born != first[records]]).sum())


def _numbered(hashes: NDArray[np.int64]) -> NDArray[np.int32]:
    """Number the records as they are met, from 0; a row without a record ID is of record -1."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    is_new = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    record, first = np.cumsum(is_new, dtype=np.int32) - 1, order[is_new]
    has_id = ordered[is_new] != hash("")
    number = np.full(len(first), -1, dtype=np.int32)
    number[np.flatnonzero(has_id)[np.argsort(first[has_id])]] = np.arange(has_id.sum())
    records = np.empty(len(hashes), dtype=np.int32)
    records[order] = number[record]
    return records
