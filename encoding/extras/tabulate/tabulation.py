"""A table as it is written: its rows, and the statement of what is not shown in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from encoding.errors import TableError
from encoding.extras.tabulate.attack import weaknesses
from encoding.extras.tabulate.suppression import suppress
from encoding.extras.tabulate.table import Table
from schemas.documents.printable import inert

COUNT: Final = "count"
NOTE: Final = "note"
NOT_SHOWN: Final = "not shown"


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what a table is made: names, the agreement's digest and purpose, the day, and the floor.

    `round` is the one whose links are counted; None where that is not known here.
    """

    project: str
    party: str
    agreement: str
    number: int
    purpose: str
    round: int | None
    day: date
    floor: int


@dataclass(frozen=True, slots=True)
class Tabulation:
    """A table with what is not shown of it; it was attacked, and gave no count away.

    `hidden` tells of each cell whether it is not shown. How many counts are too small themselves is said
    nowhere: it would help a reader.
    """

    terms: Terms
    table: Table
    hidden: tuple[bool, ...]
    is_least: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are counted by."""
        return tuple(name for one in self.table.dimensions for name in one.columns)

    @property
    def n_hidden(self) -> int:
        """How many cells are not shown."""
        return sum(self.hidden)

    @property
    def people_hidden(self) -> int:
        """How many people are in cells that are not shown, totals aside; a reader can subtract, too."""
        cells = zip(self.table.counts, self.table.inner, self.hidden, strict=True)
        return sum(int(count) for count, is_inner, is_hidden in cells if is_inner and is_hidden)

    @property
    def header(self) -> tuple[str, ...]:
        """The header of the CSV file."""
        return (*self.columns, COUNT, NOTE)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield the rows of the CSV file, totals first; a count that is not shown is empty, and noted."""
        for at, is_hidden in enumerate(self.hidden):
            count = ("", NOT_SHOWN) if is_hidden else (str(self.table.counts[at]), "")
            yield (*map(inert, self.table.row(at)), *count)

    def statement(self) -> dict[str, Any]:
        """Return what is said of the table beside it, as JSON values."""
        terms = asdict(self.terms) | {"day": self.terms.day.isoformat()}
        return terms | {
            "columns": list(self.columns),
            "people": self.table.people,
            "cells": len(self.hidden),
            "cells_not_shown": self.n_hidden,
            "share_not_shown": round(self.people_hidden / self.table.people, 4),
            "least_possible": self.is_least,
            "cells_attacked": self.n_hidden,
            "cells_recovered": 0,
        }


def tabulate(terms: Terms, table: Table) -> Tabulation:
    """Choose what is not shown of a table, and attack what would be written."""
    clash = {COUNT, NOTE}.intersection(name for one in table.dimensions for name in one.columns)
    if clash:
        raise TableError(f"the column {clash.pop()} would be there twice in the table")
    chosen = suppress(table, terms.floor)
    # Anew, of exactly what is written, whatever the choice above has seen.
    found = sum(1 for _ in weaknesses(table, chosen.hidden, terms.floor))
    if found:
        raise TableError(
            f"a reader could work out {found:,} counts that are not shown; nothing is written"
        )
    return Tabulation(terms, table, tuple(chosen.hidden.tolist()), chosen.is_least)
