"""Long lists in pieces: which piece an address asks for, and where the pieces beside it are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, TypeVar

from fastapi import Depends, Query

from app.db import Window
from app.web.answer import WiredPage

if TYPE_CHECKING:
    from app.web.answer import PageRequest

RowT = TypeVar("RowT")

ROWS_A_PAGE: Final = 100

Place = Annotated[str, Query(pattern=r"^([a-z]{3}-[0-9a-f]{32})?$")]


@dataclass(frozen=True, slots=True)
class Turned(Generic[RowT]):
    """A piece of a list, newest first, with the addresses of the pieces beside it; None: there is none."""

    rows: Sequence[RowT]
    newer: str | None
    older: str | None


@dataclass(frozen=True, slots=True)
class Paging:
    """Where in a list a page begins: at what is older than the thing `before`, or just newer than `after`.

    A page holds `ROWS_A_PAGE` rows; its twins hold all that are older, or newer.
    """

    page: PageRequest
    before: str
    after: str

    @property
    def window(self) -> Window:
        """What to ask for; of a page one row more than it shows, which tells whether there are more."""
        limit = ROWS_A_PAGE + 1 if self.page.twin == "html" else None
        return Window(self.before or None, self.after or None, limit)

    @property
    def query(self) -> str:
        """The address's query, as the permanent link and the twins repeat it."""
        if self.before:
            return f"before={self.before}"
        return f"after={self.after}" if self.after else ""

    def turn(self, rows: Sequence[RowT], ids: Sequence[str]) -> Turned[RowT]:
        """Return the rows to show of those that were found, which have these ids."""
        if self.page.twin != "html":
            return Turned(rows, None, None)
        is_upward = bool(self.after) and not self.before
        has_more = len(rows) > ROWS_A_PAGE
        shown = slice(1, None) if is_upward and has_more else slice(ROWS_A_PAGE)
        rows, ids = rows[shown], ids[shown]
        if not ids:
            return Turned(rows, None, None)
        # What the page was turned from lies on the other side.
        has_newer, has_older = (has_more, True) if is_upward else (bool(self.before), has_more)
        return Turned(
            rows,
            f"{self.page.path}?after={ids[0]}" if has_newer else None,
            f"{self.page.path}?before={ids[-1]}" if has_older else None,
        )


async def _paging(page: WiredPage, before: Place = "", after: Place = "") -> Any:
    return Paging(page, before, after)


WiredPaging = Annotated[Paging, Depends(_paging)]
