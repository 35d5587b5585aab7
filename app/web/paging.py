"""Addresses of pages: what is chosen by, which piece of a long list is asked for, and where a sign-in leads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query

from app.db import Window
from app.web.answer import PageRequest, WiredPage

RowT = TypeVar("RowT")

ROWS_A_PAGE: Final = 100

Place = Annotated[str, Query(pattern=r"^([a-z]{3}-[0-9a-f]{32})?$")]


FIRST_PAGE: Final = "/projects"
MAX_NEXT: Final = 500
# A path of the pages, with its filter: no second slash at the start, no backslash, no dots, no other host.
_PAGE: Final = re.compile(
    r"/(projects|hubs|uploads|runs|releases|reviews|destructions|log)"
    r"(/[A-Za-z0-9_-]+)*(\?[A-Za-z0-9_.:=&%+-]*)?"
)


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


def or_empty(pattern: str, length: int) -> Any:
    """Return a parameter of this pattern: a form sends a field that nobody filled in as an empty one."""
    return Query(pattern=f"^$|{pattern}", max_length=length)


class AddressFilter:
    """The base of a frozen dataclass whose fields are texts to choose by, empty for all, but for `PLACES`.

    Those say where the page begins, and are numbers or None.
    """

    PLACES: ClassVar[tuple[str, ...]]

    def fields(self) -> dict[str, str]:
        """Return what is chosen by."""
        names = [field.name for field in fields(self)]  # type: ignore[arg-type]
        return {name: getattr(self, name) for name in names if name not in self.PLACES}

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out."""
        return any(self.fields().values())

    def encoded(self, **places: int | str | None) -> str:
        """Return the filter as an address's query, without what is empty, at a place if one is given."""
        chosen = {name: value for name, value in self.fields().items() if value}
        return urlencode(chosen | {name: str(at) for name, at in places.items() if at is not None})


def page_of(text: str) -> str:
    """Return a path that is one of the broker's pages, as it is; any other text leads to the first page."""
    return text if len(text) <= MAX_NEXT and _PAGE.fullmatch(text) else FIRST_PAGE
