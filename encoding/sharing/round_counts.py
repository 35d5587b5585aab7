"""What the report of a round says of this agency's own records: match rates, faults, and rates by group.

Worked out here alone, from what was encoded in the round and, for groups, from the agency's file; never sent.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.errors import MissingColumnError
from encoding.packing.handles import MapKeys, record_keys
from encoding.packing.snapshot import Snapshot
from encoding.recipe.dates import read_date_format
from encoding.recipe.record_faults import Fault, age
from encoding.records.agency_file import AgencyFile
from encoding.sharing.small_cells import Group, shown_groups
from encoding.sharing.unmatched_records import FAULT_REASONS
from encoding.workspace.config import EligibleSection
from schemas.documents.texts import MAX_LINE
from schemas.reports.round_report import DataFault, GroupRate, Rate, Subgroup

OTHERS: Final = "all other groups"
NOT_STATED: Final = "not stated"
# Of these someone can put the data right; a child's age is none.
_AGES: Final = Fault.TOO_YOUNG | Fault.TOO_OLD
_FAULTS: Final = {what: fault for fault, what in FAULT_REASONS.items() if not fault & _AGES}

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, repr=False)
class Compared:
    """The records that were compared in a round, and which of them have a link.

    `is_linked` is in the order of the snapshot; nothing below `floor` is shown.
    """

    snapshot: Snapshot
    is_linked: Flags
    floor: int

    def rates(self, eligible: Sequence[Group] = ()) -> tuple[Rate, ...]:
        """Return the match rates by denominator; of school age where the file is about children."""
        whole = Group("all", len(self.snapshot), int(self.is_linked.sum()))
        rates = [Rate(of="all", rate=_shown(whole))]
        if self.snapshot.have(_AGES).any():
            of_age = self.of_school_age()
            rate = None if of_age is None else _shown(self._group("school-age", of_age))
            rates.append(Rate(of="school-age", rate=rate))
        if eligible:
            is_told = _are_all_told(eligible, self.floor)
            rates.append(Rate(of="eligible", rate=_shown(eligible[0]) if is_told else None))
        return tuple(rates)

    def of_school_age(self) -> Flags | None:
        """Tell which records have a date of birth and are neither too young nor too old.

        None where these may not be counted, since the others, or those without a date, are too few: a fault
        counts the latter too, so that either could be computed.
        """
        no_date, other_age = (self.snapshot.have(one) for one in (Fault.NO_BIRTH_DATE, _AGES))
        parts = {"school-age": ~no_date & ~other_age, "other age": other_age, "no date": no_date}
        groups = [self._group(label, flags) for label, flags in parts.items()]
        is_whole = groups[0].records == len(self.snapshot)
        is_told = is_whole or _are_all_told(groups, self.floor)
        return parts["school-age"] if is_told else None

    def faults(self, before: Mapping[str, int | None]) -> tuple[DataFault, ...]:
        """Return how many records have each fault, the most frequent first, beside the round before."""
        flags = {
            "not-encoded": ~self.snapshot.are_encoded(),
            "no-key": self.snapshot.have_no_key(),
            "block-too-large": self.snapshot.were_mostly_dropped(),
            **{what: self.snapshot.have(fault) for what, fault in _FAULTS.items()},
        }
        found = [self._fault(what, has, before.get(what)) for what, has in flags.items()]
        return tuple(sorted(found, key=lambda one: (-(one.records or 0), one.what)))

    def _fault(self, what: str, has: Flags, before: int | None) -> DataFault:
        records = int(has.sum())
        is_shown = min(records, len(has) - records) >= self.floor
        return DataFault(what=what, records=records if is_shown else None, before=before)

    def _group(self, label: str, flags: Flags) -> Group:
        return Group(label, int(flags.sum()), int((flags & self.is_linked).sum()))


@dataclass(frozen=True, slots=True)
class Wanted:
    """By what the report groups records: columns of the agency's file, and first ages of bands.

    `birth_header` and `date_format` tell where dates of birth are and how they are written; null: not known.
    """

    columns: tuple[str, ...] = ()
    age_bands: tuple[int, ...] = ()
    eligible: EligibleSection | None = None
    birth_header: str | None = None
    date_format: str | None = None

    def reads_the_file(self) -> bool:
        """Whether any of it needs the agency's file."""
        return bool(self.columns or self.age_bands or self.eligible)


@dataclass(slots=True)
class GroupCounts:
    """Records and links by the values of each column; `ages` by the number of the band, from 0 on."""

    columns: dict[str, Counter[tuple[str, bool]]] = field(default_factory=dict)
    ages: Counter[tuple[int, bool]] = field(default_factory=Counter)
    eligible: Counter[tuple[bool, bool]] = field(default_factory=Counter)

    def eligible_groups(self) -> tuple[Group, ...]:
        """Return the eligible records, then the others; none where the file does not tell."""
        if not self.eligible:
            return ()
        return tuple(
            Group(name, self.eligible[is_in, True] + self.eligible[is_in, False],
                  self.eligible[is_in, True])
            for name, is_in in (("eligible", True), ("others", False))
        )  # fmt: skip

    def subgroups(self, floor: int, bands: Sequence[int]) -> tuple[Subgroup, ...]:
        """Return the rates of all groups that may be shown, column by column, ages last."""
        found = [
            Subgroup(column=_line(column), groups=_rates(_groups(counts), floor))
            for column, counts in self.columns.items()
        ]
        if self.ages:
            names = _band_names(bands)
            by_name = Counter({(names[at], linked): n for (at, linked), n in self.ages.items()})
            rates = sorted(
                _rates(_groups(by_name), floor), key=lambda one: (*names, OTHERS).index(one.label)
            )
            found.append(Subgroup(column=None, groups=tuple(rates)))
        return tuple(found)


def count_groups(
    file: AgencyFile, keys: MapKeys, compared: Compared, wanted: Wanted, as_of: date
) -> GroupCounts:
    """Return records and links by group: each record that was compared once, by its first row in the file.

    A record that has left the file since is in the group that is not stated.
    """
    table = file.open()
    named = [*wanted.columns, *([wanted.eligible.column] if wanted.eligible else [])]
    birth = wanted.birth_header if wanted.age_bands else None
    for header in (*named, *([birth] if birth else [])):
        if header not in table.columns:
            raise MissingColumnError(
                f"the file has no column {header} for the report of the round",
                hint="correct the section [report] of the settings",
            )
    walk = _Walk(keys, compared, wanted, as_of)
    for chunk in table.select([file.id_column, *named, *([birth] if birth else [])]).chunks():
        walk.count(chunk.columns, file.id_column)
    return walk.finish()


class _Walk:
    def __init__(self, keys: MapKeys, compared: Compared, wanted: Wanted, as_of: date) -> None:
        self._keys, self._compared, self._wanted, self._as_of = keys, compared, wanted, as_of
        self._is_left = np.ones(len(compared.snapshot), dtype=bool)
        self._dates = read_date_format(wanted.date_format or "") if wanted.date_format else None
        self._counts = GroupCounts({name: Counter() for name in wanted.columns})
        # Of the records that the match rate of school age has: else a band could be computed from both.
        self._of_age = compared.of_school_age() if wanted.age_bands else None

    def count(self, columns: Mapping[str, Sequence[str]], id_column: str) -> None:
        places = self._compared.snapshot.places(record_keys(self._keys, list(columns[id_column])))
        for row, place in enumerate(places.tolist()):
            if place >= 0 and self._is_left[place]:
                self._is_left[place] = False
                self._count({name: cells[row] for name, cells in columns.items()}, place)

    def finish(self) -> GroupCounts:
        for place in np.flatnonzero(self._is_left).tolist():
            self._count({}, place)
        return self._counts

    def _count(self, cells: Mapping[str, str], place: int) -> None:
        wanted, counts, linked = self._wanted, self._counts, bool(self._compared.is_linked[place])
        for name in wanted.columns:
            counts.columns[name][_line(cells.get(name, "")) or NOT_STATED, linked] += 1
        if wanted.eligible is not None:
            is_in = cells.get(wanted.eligible.column, "").strip() in wanted.eligible.values
            counts.eligible[is_in, linked] += 1
        if self._of_age is not None and self._of_age[place]:
            counts.ages[self._band(cells.get(wanted.birth_header or "", "")), linked] += 1

    def _band(self, cell: str) -> int:
        born = None if self._dates is None else self._dates.parse(cell)
        if born is None:
            return len(self._wanted.age_bands) + 1
        years = age(born, self._as_of)
        return sum(years >= first for first in self._wanted.age_bands)


def _groups(counts: Counter[tuple[str, bool]]) -> Iterator[Group]:
    for label in {label for label, _ in counts}:
        linked = counts[label, True]
        yield Group(label, linked + counts[label, False], linked)


def _rates(groups: Iterator[Group], floor: int) -> tuple[GroupRate, ...]:
    return shown_groups(groups, floor, others=OTHERS)


def _are_all_told(groups: Sequence[Group], floor: int) -> bool:
    """Tell whether all groups that have a record may be shown, each by itself."""
    shown = shown_groups(groups, floor, others=OTHERS)
    return len(shown) > 1 and all(one.linked is not None and one.groups == 1 for one in shown)


def _shown(group: Group) -> GroupRate:
    return GroupRate(
        label=group.label, groups=1, records=group.records, linked=group.linked, least=0, most=100
    )


def _line(text: str) -> str:
    """Return a cell as a line that a document may hold: printable, in normal form, not too long."""
    plain = unicodedata.normalize("NFC", text)
    printable = "".join(one if one.isprintable() else " " for one in plain)
    return " ".join(printable.split())[:MAX_LINE].strip()


def _band_names(bands: Sequence[int]) -> list[str]:
    """Return what the bands of ages are called: below the first, each one, and where no date can be read."""
    if not bands:
        return []
    between = [f"{first} to {after - 1}" for first, after in pairwise(bands)]
    return [f"under {bands[0]}", *between, f"{bands[-1]} and older", NOT_STATED]
