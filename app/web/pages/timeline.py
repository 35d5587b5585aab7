"""What happened, newest first, from the match log: in one project, or at the whole broker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import RedirectResponse

from app.agencies.service import persons_of
from app.agreements.negotiation import parties_of
from app.agreements.service import require_visible
from app.broker import Broker
from app.errors import INVALID_PARAMETER, RefusedError
from app.evidence.service import log_state
from app.http.paths import ProjectPath
from app.matchlog.timeline import (
    EntryFilter,
    FoundEntries,
    find_entries,
    place_after_day,
    place_after_entry,
    survey,
)
from app.web.answer import PageRequest, WiredPage, json_stream, note_export, page_route
from app.web.entries import ENTRY_COLUMNS, entry_row
from app.web.paging import AddressFilter, Turned
from app.web.table import Table
from app.web.timeline_days import day_bars, days_of, kind_options
from app.wired import WiredBroker
from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.ids import BROKER, DATE_PATTERN, NAME_PATTERN, PERSON_PREFIX, RUN_PREFIX
from schemas.matchlog.entry import Entry
from schemas.matchlog.kinds import KINDS

router = APIRouter()

EXPORTED: Final = "timeline"
ENTRIES_A_PAGE: Final = 50
ENTRIES_A_PIECE: Final = 500
OUTCOMES: Final = ("done", "refused", "failed")


# What a reader types by hand is looked at here, so that a slip does not cost them the form.
MAX_TYPED: Final = 100
Typed = Annotated[str, Query(max_length=MAX_TYPED)]
_DAY: Final = "a day that there is, such as 2026-08-24"
_ID: Final = "an id or its beginning, such as {}-56d2ba57"
WANTED: Final[dict[str, tuple[str, str]]] = {
    "party": (NAME_PATTERN, "the name of a party, of small letters, digits and dashes"),
    "person": (f"^{PERSON_PREFIX}-[0-9a-f]{{0,32}}$", _ID.format(PERSON_PREFIX)),
    "object": ("^[a-z]{3}-[0-9a-f]{0,32}$", _ID.format(RUN_PREFIX)),
    "kind": (f"^({'|'.join(KINDS)})$", "one of the kinds in the list"),
    "outcome": (f"^({'|'.join(OUTCOMES)})$", "one of the outcomes in the list"),
    "since": (DATE_PATTERN, _DAY),
    "until": (DATE_PATTERN, _DAY),
    "to": (f"{DATE_PATTERN}|^[0-9]{{1,15}}$", f"{_DAY}, or the number of an entry"),
}
# A page that begins above no place shows the oldest entries.
ABOVE_ALL: Final = -1


@dataclass(frozen=True, slots=True)
class TimelineQuery(AddressFilter):
    """The filter as it stands in the address; empty wants all.

    `before` is a place to look back from, `after` one to look onward from; not both. `to` is a day or the
    number of an entry to begin with.
    """

    PLACES = ("before", "after", "to")

    party: Typed = ""
    person: Typed = ""
    kind: Typed = ""
    outcome: Typed = ""
    object: Typed = ""
    since: Typed = ""
    until: Typed = ""
    before: Annotated[int | None, Query(ge=1, le=MAX_INTEGER)] = None
    after: Annotated[int | None, Query(ge=ABOVE_ALL, le=MAX_INTEGER)] = None
    to: Typed = ""

    def entry_filter(self) -> EntryFilter:
        """Return what the match log is asked for."""
        return EntryFilter(**{name: value or None for name, value in self.fields().items()})

    def faults(self) -> dict[str, str]:
        """Return what is wanted instead, by the name of each field that cannot be searched for."""
        typed = {**self.fields(), "to": self.to}
        return {
            name: wanted
            for name, (pattern, wanted) in WANTED.items()
            if typed[name] and not _is_wanted(pattern, typed[name])
        }

    @property
    def above(self) -> int | None:
        """The place to look onward from, unless the address says where to look back from."""
        return None if self.before is not None else self.after


def _is_wanted(pattern: str, text: str) -> bool:
    if re.fullmatch(pattern, text) is None:
        return False
    return not re.fullmatch(DATE_PATTERN, text) or _is_day(text)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


async def _query(query: Annotated[TimelineQuery, Depends(TimelineQuery)]) -> TimelineQuery:
    # A short id is copied from a page together with the sign that it is cut.
    ids = {name: getattr(query, name).strip().rstrip("…") for name in ("person", "object")}
    return replace(query, **ids)


WiredQuery = Annotated[TimelineQuery, Depends(_query)]


@page_route(router, "/projects/{project}/timeline")
def show_timeline(
    broker: WiredBroker, page: WiredPage, project: ProjectPath, query: WiredQuery
) -> Response:
    """Show what happened in a project."""
    with broker.database.read() as session:
        require_visible(session, page.actor, project)
        names = parties_of(session, page.actor, project, broker.clock())
    return _answer(broker, page, project, query, sorted({*names, broker.settings.operator, BROKER}))


@page_route(router, "/log/entries")
def show_broker_timeline(broker: WiredBroker, page: WiredPage, query: WiredQuery) -> Response:
    """Show what concerned the whole broker: parties, roles, keys, settings, exports."""
    return _answer(broker, page, None, query, [BROKER, broker.settings.operator])


def _answer(
    broker: Broker, page: PageRequest, project: str | None, query: TimelineQuery, parties: list[str]
) -> Response:
    faults = query.faults()
    # Of what cannot be searched for, nothing is repeated, and nothing is found.
    emptied: dict[str, Any] = dict.fromkeys(faults, "")
    query = replace(query, **emptied)
    if faults and page.twin != "html":
        raise RefusedError(
            INVALID_PARAMETER, f"The parameter {min(faults)} is missing or malformed."
        )
    if query.to and not faults:
        return RedirectResponse(_address_of(broker, page, project, query), status_code=303)
    note_export(broker, page, project, EXPORTED)
    # A twin has all that the filter finds, so it is read piece by piece while it is sent.
    everything = _all_entries(broker, project, query)
    found, state, seen = FoundEntries((), None), None, None
    sessions = frozenset[str]()
    if page.twin == "html":
        with broker.database.read() as session:
            seen = survey(session, project, query.entry_filter())
            # The operator's sessions have ids as persons have, and are none.
            known = persons_of(session, [broker.settings.operator], broker.clock())
            sessions = frozenset(one.person for one in known if not one.duties)
            if not faults:
                state = log_state(session)
                found = find_entries(
                    session,
                    project,
                    query.entry_filter(),
                    before=query.before,
                    above=query.above,
                    is_upward=query.above is not None,
                    limit=ENTRIES_A_PAGE,
                )
    head = {
        "project": project,
        "filter": query.fields(),
        "before": query.before,
        "after": query.above,
    }
    entries = found.entries
    counted = {} if seen is None else seen.days
    return page.answer(
        "timeline.html",
        title="Timeline",
        document=json_stream(head, "entries", (entry.to_json() for entry in everything)),
        table=Table(ENTRY_COLUMNS, (entry_row(entry) for entry in everything)),
        project=project,
        query=query.encoded(before=query.before, after=query.above),
        status=INVALID_PARAMETER.status if faults else 200,
        filter=query,
        faults=faults,
        entries=entries,
        sessions=sessions,
        days=days_of(entries, counted if seen is not None and seen.is_whole else {}),
        bars=day_bars(counted, entries[0].time[:10] if entries else max(counted, default="")),
        seen=seen,
        is_strange=bool(seen and seen.is_whole and query.party and query.party not in seen.parties),
        checkpoint=state and state.note,
        log_key=state and state.log_key,
        turned=_turned(page, query, found),
        ends=_ends(page, query),
        parties=parties,
        kinds=kind_options(
            [name for name, kind in KINDS.items() if kind.in_project is not (project is None)],
            {} if seen is None else seen.kinds,
            query.kind,
            is_whole=seen is not None and seen.is_whole,
        ),
        outcomes=OUTCOMES,
    )


def _address_of(
    broker: Broker, page: PageRequest, project: str | None, query: TimelineQuery
) -> str:
    """Return the address of the page that begins with the day or the entry that the query goes to."""
    with broker.database.read() as session:
        if query.to.isdigit():
            place = place_after_entry(session, project, int(query.to))
        else:
            place = place_after_day(session, project, query.to)
        is_newest = place == place_after_entry(session, project, MAX_INTEGER)
    # Where nothing is as old, the oldest are shown.
    places = {"after": ABOVE_ALL} if place == 0 else {} if is_newest else {"before": place}
    suffix = "" if page.twin == "html" else f".{page.twin}"
    chosen = query.encoded(**places)
    return f"{page.path}{suffix}{chosen and f'?{chosen}'}"


def _ends(page: PageRequest, query: TimelineQuery) -> tuple[str, str]:
    """Return the addresses of the newest and of the oldest entries that the filter finds."""
    chosen = query.encoded()
    oldest = query.encoded(after=ABOVE_ALL)
    return f"{page.path}?{chosen}" if chosen else page.path, f"{page.path}?{oldest}"


def _turned(page: PageRequest, query: TimelineQuery, found: FoundEntries) -> Turned[Entry]:
    before, above = found.look_on_before, found.look_on_above
    return Turned(
        found.entries,
        newer=None if above is None else f"{page.path}?{query.encoded(after=above)}",
        older=None if before is None else f"{page.path}?{query.encoded(before=before)}",
    )


def _all_entries(broker: Broker, project: str | None, query: TimelineQuery) -> Iterator[Entry]:
    """Yield all that the filter finds, newest first; no snapshot is held meanwhile: nothing changes."""
    before = query.before
    while True:
        with broker.database.read() as session:
            found = find_entries(
                session,
                project,
                query.entry_filter(),
                before=before,
                above=query.above,
                limit=ENTRIES_A_PIECE,
            )
        yield from found.entries
        before = found.look_on_before
        if before is None:
            return
