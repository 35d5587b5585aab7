"""The people whom an agency's links show in two files, and in which category of each column each of them is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, Literal, TypeAlias

from encoding.errors import ColumnNotListedError, LinksFileError, TableError
from encoding.records import Table as Rows
from encoding.records import open_table
from encoding.records.agency_file import AgencyFile
from encoding.sharing.columns import LINK_ID, agreed_among
from schemas.documents.printable import inert

EMPTY: Final = "(empty)"
SEVERAL: Final = "(several)"
MAX_DIMENSIONS: Final = 3

Node = tuple[str, ...]
"""A category, after those that it lies within, the widest first; empty: the total of all."""
Cell = tuple[Node, ...]
"""One node of each dimension."""

Use: TypeAlias = Literal["counted", "shared"]
"""What the agreement has to list a column for: to be counted by in a table, or to be handed over."""
_LISTED: Final[Mapping[Use, tuple[str, str]]] = {
    "counted": (
        "among the columns of {} to count by",
        'such columns have use = "counted" in its clause elements, those of a partner "shared", too',
    ),
    "shared": (
        "among the columns that {} shares",
        'such columns have use = "shared" in its clause elements',
    ),
}

Values = Mapping[str, set[tuple[str, ...]]]
"""By link ID, what its rows say in some columns."""


@dataclass(frozen=True, slots=True)
class Source:
    """A party's columns: of each link ID the rows of a file.

    `allowed` are the party's columns that the agreement lists for `use`; `links` has the link ID of each
    record ID, None where the file has link IDs itself. `is_own`: it is the file of the agency that counts.
    """

    party: str
    rows: Rows
    id_column: str
    links: Mapping[str, str] | None
    use: Use
    allowed: Sequence[str]
    is_own: bool = False

    def listed(self) -> tuple[str, ...]:
        """Return the columns of the file that the agreement lists for the use."""
        return agreed_among(self.rows.columns, self.allowed)

    def values(self, columns: Sequence[str]) -> Values:
        """Return what the rows of each link ID say in these columns; rows without a link are left out."""
        found: dict[str, set[tuple[str, ...]]] = {}
        for chunk in self.rows.select(list(dict.fromkeys([self.id_column, *columns]))).chunks():
            for record, *cells in zip(
                *(chunk.columns[name] for name in (self.id_column, *columns)), strict=True
            ):
                link = record if self.links is None else self.links.get(record)
                if link is not None:
                    found.setdefault(link, set()).add(tuple(cell.strip() for cell in cells))
        return found


def own_source(
    party: str, file: AgencyFile, links: Mapping[str, str], use: Use, allowed: Sequence[str]
) -> Source:
    """Return an agency's own file as a source."""
    return Source(party, file.open(), file.id_column, links, use, allowed, is_own=True)


def received_source(
    party: str, path: Path, own: Source | None, use: Use, allowed: Sequence[str]
) -> Source:
    """Return what came from a party: a file with link IDs, or one that was attached to own record IDs."""
    rows = open_table(path)
    if LINK_ID in rows.columns:
        return Source(party, rows, LINK_ID, None, use, allowed)
    if own is not None and own.id_column in rows.columns:
        return Source(party, rows, own.id_column, own.links, use, allowed)
    raise LinksFileError(
        f"{path.name} has neither link IDs nor your record IDs",
        hint="it must come from: blindlink attach",
    )


def dimensions_of(by: Sequence[str], within: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Return the columns of each dimension, the widest first."""
    found: list[tuple[str, ...]] = []
    left = dict(within)
    for column in by:
        line = [column]
        while line[0] in left:
            line.insert(0, left.pop(line[0]))
        found.append(tuple(line))
    names = [name for line in found for name in line]
    if left:
        raise TableError(
            f"--within names the column {next(iter(left))}, by which the table does not count"
        )
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise TableError(f"the column {twice} would be counted by twice")
    if not 1 <= len(found) <= MAX_DIMENSIONS:
        raise TableError(
            f"a table counts by 1 to {MAX_DIMENSIONS} columns, and what they lie within"
        )
    return found


def people_in(sources: Sequence[Source], dimensions: Sequence[tuple[str, ...]]) -> Iterator[Cell]:
    """Yield for each linked person one category of each dimension.

    A person whose rows differ in a column is in the category `(several)`, so that each is counted once. With an
    own file the people are its linked records; else those whose link IDs are in all files.
    """
    names = [name for line in dimensions for name in line]
    for _, rows in _linked(sources, names):
        said = {name: _category([row[name] for row in rows]) for name in names}
        yield tuple(_node(said[name] for name in line) for line in dimensions)


def census(sources: Sequence[Source], columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Return link ID and columns of every linked person, a row for each different one, in order.

    Cells that a spreadsheet would take for formulas stand behind an apostrophe.
    """
    return sorted(
        {
            (link, *(inert(row[name]) for name in columns))
            for link, rows in _linked(sources, columns)
            for row in rows
        }
    )


def _linked(
    sources: Sequence[Source], columns: Sequence[str]
) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield each link ID that counts with its rows: all that the files' rows say together."""
    sides_of = {name: source_of(sources, name) for name in columns}
    read = [
        (one, chosen, one.values(chosen))
        for one in sources
        for chosen in [[name for name, source in sides_of.items() if source is one]]
    ]
    has_own = any(one.links is not None for one in sources)
    counting = [set(rows) for one, _, rows in read if one.is_own or not has_own]
    for link in sorted(set.intersection(*counting)):
        sides = [
            [
                dict(zip(chosen, row, strict=True))
                for row in sorted(rows.get(link, {("",) * len(chosen)}))
            ]
            for _, chosen, rows in read
        ]
        yield link, [{k: v for side in row for k, v in side.items()} for row in product(*sides)]


def source_of(sources: Sequence[Source], column: str) -> Source:
    """Return the file that has a column, if the agreement lists it for the use."""
    having = [one for one in sources if column in one.rows.columns]
    listed = [one for one in having if column in one.listed()]
    if len(listed) > 1:
        raise TableError(
            f"both {listed[0].party} and {listed[1].party} have a column {column}",
            hint="rename it in a copy of one file",
        )
    if listed:
        return listed[0]
    parties = " or ".join(one.party for one in having or sources)
    if not having:
        raise TableError(f"no file of {parties} has the column {column}")
    those, hint = _LISTED[having[0].use]
    raise ColumnNotListedError(
        f"the agreement does not list {column} {those.format(parties)}",
        hint=f"{hint}: blindlink agreement show",
    )


def _category(values: Sequence[str]) -> str:
    told = {value for value in values if value}
    if len(told) > 1:
        return SEVERAL
    return told.pop() if told else EMPTY


def _node(names: Iterator[str]) -> tuple[str, ...]:
    line: list[str] = []
    for name in names:
        # Of who is in several districts, no school is that of one of them.
        line.append(SEVERAL if SEVERAL in line else name)
    return tuple(line)
