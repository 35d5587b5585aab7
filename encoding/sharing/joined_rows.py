"""Rows of several agencies, joined by the link IDs of their recipient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, product
from typing import NamedTuple

from encoding.sharing.columns import LINK_ID, Row


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
