"""The agency's own records as a review shows them: chosen columns, and what tells that a record has changed.

A record's digest is that of the next encoding (`encoding.packing.memory`), if its file stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from encoding.errors import MissingColumnError
from encoding.packing.handles import MapKeys, key_text, keys_of_texts, record_keys
from encoding.packing.memory import record_digest
from encoding.packing.withdrawals import Withdrawn
from encoding.progress import Progress
from encoding.recipe.cells import read_sex
from encoding.recipe.dates import read_date_format
from encoding.recipe.numbers import NUMBER_COLUMN
from encoding.recipe.rows import RowCleaner
from encoding.recipe.tables import load_tables
from encoding.records import Chunk
from encoding.records.agency_file import AgencyFile
from encoding.records.table import lacking
from schemas.linkage.link_quality import TELLING_FIELDS
from schemas.linkage.profile import EncodingProfile

DATE_OF_BIRTH: Final = "birth_date"
SEX: Final = "sex"
# Between the values of a record that has several rows.
_BETWEEN: Final = " / "


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A record of the agency's file: its values by element, and the digest of its derived rows.

    One that is bare lacks a name or the date of birth, and nobody is asked about it.
    """

    record_id: str = field(repr=False)
    values: Mapping[str, str] = field(repr=False)
    digest: str = field(repr=False)
    is_bare: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How the agency's file is read: as for encoding.

    `keys` are of the workspace and project, `memory_key` makes digests, `withdrawn` records are not there.
    """

    file: AgencyFile
    profile: EncodingProfile
    columns: Mapping[str, str]
    date_format: str | None
    keys: MapKeys
    memory_key: bytes = field(repr=False)
    withdrawn: Withdrawn = field(repr=False)

    def header_of(self, element: str) -> str:
        """Return what the agency's file calls an element: a name of the recipe is mapped by the settings."""
        return self.columns.get(element, element)


def read_records(
    reading: Reading,
    wanted: Collection[str],
    elements: Sequence[str],
    progress: Progress,
    *,
    if_there: Sequence[str] = (),
) -> dict[str, FileRecord]:
    """Return those of the wanted records that the file has, by record key.

    A date of birth that can be read is written as YYYY-MM-DD, and a sex as F or M, since two agencies write
    them in two ways.

    Args:
        wanted: record keys, 32 hexadecimal digits each.
        elements: whose values are returned.
        if_there: elements whose values are returned too, where the file has such a column.
    """
    table = reading.file.open()
    missing = lacking(elements, reading.columns, table.columns)
    if missing:
        raise MissingColumnError(
            f"the file has no column {missing[0]}, which the agreement lets reviewers see",
            hint="say in the section [columns] what your file calls it, or amend the agreement",
        )
    cleaner = RowCleaner(
        reading.profile,
        columns=reading.columns,
        available=table.columns,
        date_format=reading.date_format,
    )
    optional = [name for name in if_there if reading.header_of(name) in table.columns]
    headers = {name: reading.header_of(name) for name in (*elements, *optional)}
    found = _Found(reading, frozenset(wanted), headers, cleaner)
    selected = table.select([reading.file.id_column, *cleaner.headers, *headers.values()])
    for chunk in selected.chunks():
        found.look_at(chunk)
        progress("looking for records", chunk.share, chunk.first_row + chunk.n_rows - 1, "rows")
    cleaner.clear()
    return found.records()


class _Found:
    """What has been found so far: the distinct values of each record, and its digest."""

    def __init__(
        self,
        reading: Reading,
        wanted: frozenset[str],
        headers: Mapping[str, str],
        cleaner: RowCleaner,
    ) -> None:
        self._reading, self._wanted, self._headers = reading, wanted, headers
        self._cleaner = cleaner
        self._high = keys_of_texts(list(wanted)).high
        self._dates = read_date_format(reading.date_format or "")
        self._tables = load_tables()
        self._ids: dict[str, str] = {}
        # By their small letters: what differs in capitals alone is one value.
        self._values: dict[str, dict[str, dict[str, str]]] = {}
        self._digests: dict[str, str] = {}
        fields = {one.name: one for one in reading.profile.fields}
        self._telling = [fields[name].lanes[0].column for name in TELLING_FIELDS if name in fields]
        self._number = NUMBER_COLUMN if reading.profile.number_kind else None
        self._present: dict[str, set[str]] = {}

    def look_at(self, chunk: Chunk) -> None:
        ids = chunk.columns[self._reading.file.id_column]
        keys = record_keys(self._reading.keys, ids)
        likely = np.flatnonzero(np.isin(keys.high, self._high)).tolist()
        gone = self._reading.withdrawn.among([ids[at] for at in likely]).tolist()
        here = {
            at: key
            for at, is_gone in zip(likely, gone, strict=True)
            if not is_gone and (key := key_text(keys, at)) in self._wanted
        }
        if not here:
            return
        for at, key in here.items():
            self._ids.setdefault(key, ids[at])
            self._take_values(
                key, {name: chunk.columns[h][at] for name, h in self._headers.items()}
            )
        self._take_digests(chunk, here)

    def _take_values(self, key: str, cells: Mapping[str, str]) -> None:
        values = self._values.setdefault(key, {})
        for name, cell in cells.items():
            known = values.setdefault(name, {})
            if text := self._written(name, cell):
                known.setdefault(text.casefold(), text)

    def _written(self, name: str, cell: str) -> str:
        if name == SEX:
            return read_sex(cell, self._tables).text or cell
        birth = self._dates.parse(cell) if name == DATE_OF_BIRTH else None
        return cell if birth is None else birth.isoformat()

    def _take_digests(self, chunk: Chunk, here: Mapping[int, str]) -> None:
        """Note the digest of each record that has derived rows in this chunk first, as an encoding does."""
        columns = {name: [cells[at] for at in here] for name, cells in chunk.columns.items()}
        cleaned = self._cleaner.clean(Chunk(1, columns, chunk.share))
        of_row = list(here.values())
        rows: dict[str, list[int]] = {}
        for place, row in enumerate(cleaned.rows.tolist()):
            rows.setdefault(of_row[row - 1], []).append(place)
        for key, places in rows.items():
            filled = (
                name for name, cells in cleaned.columns.items() if any(cells[at] for at in places)
            )
            self._present.setdefault(key, set()).update(filled)
            if key not in self._digests:
                self._digests[key] = record_digest(
                    self._reading.memory_key, cleaned.columns, places
                )

    def _is_bare(self, present: Collection[str]) -> bool:
        n_missing = sum(column not in present for column in self._telling)
        return n_missing > int(self._number in present)

    def records(self) -> dict[str, FileRecord]:
        return {
            key: FileRecord(
                record_id,
                {name: _BETWEEN.join(known.values()) for name, known in self._values[key].items()},
                self._digests.get(key) or absent_digest(self._reading.memory_key),
                self._is_bare(self._present.get(key, set())),
            )
            for key, record_id in self._ids.items()
        }


def absent_digest(memory_key: bytes) -> str:
    """Return the digest of a record without derived rows, which no record of an encoding has."""
    nothing: Iterable[int] = ()
    return record_digest(memory_key, {}, nothing)
