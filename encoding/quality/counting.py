"""Counts a file in one reading, in memory that grows with the number of rows by a few bytes each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from encoding.agency_file import AgencyFile
from encoding.progress import Progress, silent
from encoding.quality.cells import Kind, format_kinds, is_garbled, kinds_of
from encoding.quality.counts import BirthCounts, ColumnCounts, Counts
from encoding.recipe import Recipe
from encoding.recipe.cells import CellReader
from encoding.recipe.dates import read_date_format
from encoding.recipe.tables import load_tables
from encoding.records import Chunk
from encoding.rows import RowEncoder
from encoding.sample import RecordSampler, Sample
from encoding.secret import new_secret
from schemas.profile import EncodingProfile

# Above it the person has aged out of foster care and of school in every state.
OLDEST_CHILD = 22
# A recipe that takes no one older is about children.
_ADULT_YEARS = 40
_SAMPLE_RECORDS = 2_000


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be checked, as `blindlink encode` would be told; `as_of` is the day the file describes."""

    profile: EncodingProfile
    file: AgencyFile
    columns: Mapping[str, str]
    date_format: str | None
    as_of: date


@dataclass(frozen=True, slots=True, repr=False)
class Counted:
    """The counts of a file, and a sample of its records with the header of each column of the recipe."""

    counts: Counts
    sample: Sample
    header_of: Mapping[str, str]


def count_file(ask: Ask, progress: Progress = silent) -> Counted:
    """Read the file once and count.

    Raises:
        InputError: the file cannot be used.
        ConfigError, LinkageSchemaError, RecipeError: settings or profile cannot be used.
    """
    table = ask.file.open()
    # The encoder's own rules say which columns are read, so that a check never passes what encoding refuses.
    header_of = RowEncoder(
        ask.profile,
        new_secret(),
        columns=ask.columns,
        available=table.columns,
        date_format=ask.date_format,
    ).header_of
    counter = (
        _RecipeCounter(ask, header_of) if ask.profile.recipe else _SchemaCounter(ask, header_of)
    )
    sampler = RecordSampler(_SAMPLE_RECORDS, tuple(header_of.values()), "check")
    ids: list[NDArray[np.int64]] = []
    n_rows = 0
    for chunk in table.select([ask.file.id_column, *header_of.values()]).chunks():
        record_ids = chunk.columns[ask.file.id_column]
        ids.append(_hashes(record_ids))
        counter.add(chunk, ids[-1])
        sampler.add(record_ids, chunk.columns)
        n_rows += chunk.n_rows
        progress("checking", chunk.share, n_rows, "rows")
    all_ids = np.concatenate(ids)
    with_id = all_ids[all_ids != _hash_of_nothing()]
    counts = Counts(
        rows=n_rows,
        records=len(np.unique(with_id)),
        rows_without_id=n_rows - len(with_id),
        rows_refused=counter.n_refused,
        look_alikes=counter.look_alikes(),
        columns=counter.columns(),
        absent=counter.absent,
        births=counter.births(),
    )
    return Counted(counts, sampler.sample(), header_of)


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


class _SchemaCounter:
    """Counts columns that the linkage schema encodes as they are."""

    absent: tuple[str, ...] = ()

    def __init__(self, ask: Ask, header_of: Mapping[str, str]) -> None:
        self._header_of = header_of
        self._kind_of = format_kinds(ask.profile)
        self._tallies = {
            name: _ColumnTally(name, header, is_required=True) for name, header in header_of.items()
        }
        self.n_refused = 0

    def add(self, chunk: Chunk, _: NDArray[np.int64]) -> None:
        refused: set[int] = set()
        for name, header in self._header_of.items():
            column = chunk.columns[header]
            distinct = Counter(column)
            kinds = {cell: self._kind_of[name](cell) for cell in distinct}
            self._tallies[name].add(distinct, kinds.values())
            refused.update(row for row, cell in enumerate(column) if kinds[cell] == "invalid")
        self.n_refused += len(refused)

    def columns(self) -> tuple[ColumnCounts, ...]:
        return tuple(tally.counts() for tally in self._tallies.values())

    def look_alikes(self) -> int:
        return 0

    def births(self) -> None:
        return None


class _RecipeCounter:
    """Counts the inputs of a recipe, as the recipe reads them."""

    def __init__(self, ask: Ask, header_of: Mapping[str, str]) -> None:
        recipe = Recipe.load(ask.profile.recipe or {})
        self._years = recipe.spec.birth_years
        self._needs_birth_date = recipe.needs_birth_date
        self._tables = load_tables()
        self._reader = CellReader(self._tables, self._years)
        self._format = read_date_format(ask.date_format or "")
        self._as_of = ask.as_of
        self._header_of = header_of
        self._tallies = {
            name: _ColumnTally(name, header, is_required=name in recipe.required)
            for name, header in header_of.items()
        }
        self.absent = tuple(name for name in recipe.inputs if name not in header_of)
        self.n_refused = 0
        self._births: Counter[str] = Counter()
        self._people: list[NDArray[np.int64]] = []
        self._records: list[NDArray[np.int64]] = []

    def add(self, chunk: Chunk, records: NDArray[np.int64]) -> None:
        columns = {name: chunk.columns[header] for name, header in self._header_of.items()}
        for name, column in columns.items():
            distinct = Counter(column)
            raws = list(distinct)
            cells = self._reader.read({name: raws}, len(raws), self._format)
            self._tallies[name].add(distinct, kinds_of(name, raws, cells, self._tables))
            if name == "birth_date":
                self._add_births(
                    distinct, [cell.birth.compact if cell.birth else "" for cell in cells.birth]
                )
        self._add_people(columns, chunk.n_rows, records)

    def _add_births(self, distinct: Mapping[str, int], compact: Sequence[str]) -> None:
        for day, count in zip(compact, distinct.values(), strict=True):
            if day:
                self._births[day] += count

    def _add_people(
        self, columns: Mapping[str, list[str]], n_rows: int, records: NDArray[np.int64]
    ) -> None:
        cells = self._reader.read(columns, n_rows, self._format)
        identities = [
            (given.first, surname.text, birth.birth.compact if birth.birth else "")
            for given, surname, birth in zip(cells.given, cells.surname, cells.birth, strict=True)
        ]
        faults = [
            bool(birth.fault or sex.fault)
            for birth, sex in zip(cells.birth, cells.sex, strict=True)
        ]
        self.n_refused += sum(
            fault or not (first or last) or (self._needs_birth_date and not born)
            for fault, (first, last, born) in zip(faults, identities, strict=True)
        )
        whole = [all(identity) for identity in identities]
        self._people.append(_hashes(identities)[whole])
        self._records.append(records[whole])

    def columns(self) -> tuple[ColumnCounts, ...]:
        return tuple(tally.counts() for tally in self._tallies.values())

    def look_alikes(self) -> int:
        """Return how many records share names and date of birth with another record."""
        pairs = np.stack((np.concatenate(self._people), np.concatenate(self._records)), axis=1)
        pairs = pairs[pairs[:, 1] != _hash_of_nothing()]
        people, records = np.unique(pairs, axis=0).T
        _, place, n_records = np.unique(people, return_inverse=True, return_counts=True)
        return len(np.unique(records[n_records[place] > 1]))

    def births(self) -> BirthCounts:
        days = {_day(compact): count for compact, count in self._births.items()}
        is_about_children = self._years[0] > self._as_of.year - _ADULT_YEARS
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
            too_old=total(lambda day: _age(day, self._as_of) > OLDEST_CHILD)
            if is_about_children
            else None,
            oldest=OLDEST_CHILD,
            by_year=dict(sorted(by_year.items())),
        )


def _hashes(values: Sequence[object]) -> NDArray[np.int64]:
    """Return Python's own hashes: keyed anew in each run, so what is kept tells nothing by itself."""
    return np.fromiter(map(hash, values), dtype=np.int64, count=len(values))


def _hash_of_nothing() -> int:
    return hash("")


def _day(compact: str) -> date:
    return date(int(compact[:4]), int(compact[4:6]), int(compact[6:]))


def _age(birth: date, as_of: date) -> int:
    return as_of.year - birth.year - ((as_of.month, as_of.day) < (birth.month, birth.day))
