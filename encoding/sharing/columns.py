"""Exchanges listed columns by link ID: one agency delivers them, the other attaches them to its own rows.

Only columns that someone listed pass, in either direction: an unlisted one is dropped from one's own file
and refused in a received one.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import Final, NamedTuple

from encoding.errors import (
    ColumnNotListedError,
    ConfigError,
    EmptyFileError,
    FileMissingError,
    FileUnreadableError,
    InputError,
    LinksFileError,
)
from encoding.files import write_csv
from encoding.records import Table, open_table
from encoding.records.agency_file import AgencyFile
from encoding.sharing.links_file import is_link_id
from schemas.documents.printable import inert, printable

LINK_ID: Final = "link_id"

_ORIGIN: Final = "ask the partner to deliver anew: blindlink deliver"
# What no content of a received file brings about, and what says already whose fault it is.
_TOLD_AS_IT_IS: Final = (FileMissingError.code, FileUnreadableError.code, LinksFileError.code)

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attached:
    """How many rows `attach` has written; `unknown` received link IDs are none of this agency's."""

    rows: int
    unknown: int = 0


def agreed_among(columns: Sequence[str], agreed: Sequence[str]) -> tuple[str, ...]:
    """Return those of the columns that the agreement's list names."""
    others = {*not_agreed(columns, agreed)}
    return tuple(column for column in columns if column not in others)


def not_agreed(columns: Sequence[str], agreed: Sequence[str] | None) -> tuple[str, ...]:
    """Return the columns that the agreement's list does not name; None: it says nothing of columns.

    An empty list allows no column.
    Counsel writes names as people read them, so small letters, blanks and signs make no difference.
    """
    if agreed is None:
        return ()
    named = {_plain(name) for name in agreed}
    return tuple(column for column in columns if _plain(column) not in named)


def extract(
    file: AgencyFile, link_of: Mapping[str, str], columns: Sequence[str], output: Path
) -> int:
    """Write link ID and listed columns of every linked row, and return how many rows.

    The rows stand in the order of link IDs and columns, equal ones once, so that the order of the agency's
    file does not pass. `link_of` is the link ID of each record ID.
    """
    found = {
        (link_of[row[0]], *row[1:])
        for row in _rows(file.open(), [file.id_column, *columns])
        if row[0] in link_of
    }
    write_csv(output, (LINK_ID, *columns), sorted(found))
    return len(found)


def attach(
    file: AgencyFile,
    link_of: Mapping[str, str],
    received: Path,
    columns: Sequence[str],
    output: Path,
    *,
    keep: Sequence[str] = (),
) -> Attached:
    """Write record ID, kept columns of the own file, and listed columns of the received one.

    An own row is written once for each different received row of its link ID, and left out without one. A
    received cell that a spreadsheet would take for a formula is written behind an apostrophe.
    """
    _refuse_clash(file.id_column, keep, columns)
    received_rows, known = _read_received(received, columns), set(link_of.values())
    if received_rows and not received_rows.keys() & known:
        raise LinksFileError(
            f"this agency has none of the link IDs in {received.name}",
            hint="both agencies must fetch the link IDs of the same run: blindlink links",
        )
    written: dict[Row, None] = {}
    for row in _rows(file.open(), [file.id_column, *keep]):
        for other in received_rows.get(link_of.get(row[0], ""), ()):
            written[(*row, *other)] = None
    write_csv(output, (file.id_column, *keep, *map(inert, columns)), written)
    return Attached(len(written), len(received_rows.keys() - known))


def _read_received(path: Path, columns: Sequence[str]) -> Mapping[str, tuple[Row, ...]]:
    """Return the received rows of each link ID; raises LinksFileError, so that the own file is not blamed."""
    try:
        return _received_rows(path, columns)
    except InputError as exc:
        if exc.code in _TOLD_AS_IT_IS:
            raise
        raise LinksFileError(f"{path.name} cannot be used: {exc}", hint=_ORIGIN) from None


def _received_rows(path: Path, columns: Sequence[str]) -> Mapping[str, tuple[Row, ...]]:
    table = open_table(path)
    if LINK_ID not in table.columns:
        raise LinksFileError(f"{path.name} has no column {LINK_ID}", hint=_ORIGIN)
    for column in table.columns:
        if column != LINK_ID and column not in columns:
            raise ColumnNotListedError(
                f"{path.name} holds the column {printable(column)}, which you did not list",
                hint="tell the partner what the agreement lets you have",
            )
    found: dict[str, dict[Row, None]] = {}
    # A file of no rows is what an agency sends that has nobody in common with this one.
    with contextlib.suppress(EmptyFileError):
        for number, (link_id, *cells) in enumerate(_rows(table, [LINK_ID, *columns]), start=1):
            if not is_link_id(link_id):
                raise LinksFileError(f"{path.name}, row {number}: not a link ID")
            found.setdefault(link_id, {})[tuple(map(inert, cells))] = None
    return {link_id: tuple(rows) for link_id, rows in found.items()}


def _refuse_clash(id_column: str, keep: Sequence[str], columns: Sequence[str]) -> None:
    names = [id_column, *keep, *columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is None:
        return
    hint = "leave it out of blindlink.toml: [share] keep"
    if twice == id_column:
        hint = (
            "your record IDs stand in a column of that name, too: give it another one in your own file, and in "
            "blindlink.toml: [input] id_column"
        )
    raise ConfigError(f"the column {twice} would be there twice", hint=hint)


def _rows(table: Table, columns: Sequence[str]) -> Iterator[Row]:
    for chunk in table.select(columns).chunks():
        yield from zip(*(chunk.columns[name] for name in columns), strict=True)


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


class LinkedTable(NamedTuple):
    """Rows of one agency: in each a link ID, and then the cells of the columns."""

    columns: tuple[str, ...]
    rows: Sequence[Row]


def join_rows(tables: Mapping[str, LinkedTable]) -> LinkedTable:
    """Return the rows of each link ID that several agencies have, with the columns of all, in its order.

    Each row of an agency is joined with each of the others' of its link ID; of an agency that has none
    the cells are empty. A column that several agencies have is named with the agency before it.
    """
    named = Counter(column for table in tables.values() for column in table.columns)
    columns = tuple(
        f"{agency}.{column}" if named[column] > 1 or column == LINK_ID else column
        for agency, table in tables.items()
        for column in table.columns
    )
    cells_of = [_by_link(table) for table in tables.values()]
    blanks = [[("",) * len(table.columns)] for table in tables.values()]
    n_agencies = Counter(link for cells in cells_of for link in cells)
    joined = [
        (link, *chain.from_iterable(parts))
        for link in sorted(link for link, number in n_agencies.items() if number > 1)
        for parts in product(
            *(cells.get(link, blank) for cells, blank in zip(cells_of, blanks, strict=True))
        )
    ]
    return LinkedTable(columns, joined)


def _by_link(table: LinkedTable) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for link, *cells in table.rows:
        found.setdefault(link, []).append(tuple(cells))
    return found
