"""All projects of one party: who is late, and in whose hands that is; for a hub with hundreds of spokes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy.orm import Session

from app.agencies.service import party_titles
from app.agreements.service import bound_projects, spokes_of
from app.deadlines.alarms import noted
from app.http.paths import PartyPath
from app.rounds.models import Round, RoundPairing
from app.rounds.service import newest_rounds
from app.web.answer import WiredPage, page_route
from app.web.paging import ROWS_A_PAGE, AddressFilter, or_empty
from app.web.table import Table
from app.wired import WiredBroker
from schemas.agreement.chapter_limits import listed
from schemas.reports.overdue import Overdue

router = APIRouter()

# The states in the order in which someone should look, each with a class of the style sheet and its words.
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "overdue": ("bad", "overdue"),
    "unsigned": ("wait", "not signed by all"),
    "waiting": ("wait", "waiting"),
    "done": ("good", "round closed"),
    "idle": ("plain", "no round yet"),
}
SORTS: Final = {"need": "what needs attention first", "name": "name", "round": "oldest round"}
_COLUMNS: Final = (
    "project", "parties", "state", "round", "opened", "deadline", "waits_for", "overdue", "since",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HubQuery(AddressFilter):
    """What the list is chosen and sorted by; `start` is how many lines come before the page."""

    PLACES = ("start",)

    find: Annotated[str, Query(max_length=100)] = ""
    state: Annotated[str, or_empty("^(overdue|unsigned|waiting|done|idle)$", 10)] = ""
    sort: Annotated[str, or_empty("^(need|name|round)$", 10)] = ""
    start: Annotated[int, Query(ge=0, le=100_000)] = 0


WiredHubQuery = Annotated[HubQuery, Depends(HubQuery)]


@dataclass(frozen=True, slots=True)
class NewestRound:
    """A project's newest round."""

    number: int
    is_open: bool
    opened: str
    deadline: str


@dataclass(frozen=True, slots=True)
class SpokeRow:
    """One project: the parties beside the hub, where its newest round stands, and what is overdue in it."""

    project: str
    parties: tuple[str, ...]
    titles: tuple[str, ...]
    is_signed: bool
    round: NewestRound | None
    waits_for: str
    overdue: tuple[Overdue, ...]

    @property
    def state(self) -> str:
        """One of `STATES`."""
        if self.overdue:
            return "overdue"
        if not self.is_signed:
            return "unsigned"
        if self.round is None:
            return "idle"
        return "waiting" if self.round.is_open else "done"

    @property
    def since(self) -> str:
        """When the oldest thing became overdue; empty where nothing is."""
        return min((one.since for one in self.overdue), default="")

    def matches(self, query: HubQuery) -> bool:
        """Tell whether it is chosen."""
        text = " ".join((self.project, *self.parties, *self.titles)).casefold()
        fits = query.find.strip().casefold() in text
        return fits and query.state in ("", self.state)

    def place(self, sort: str) -> tuple[Any, ...]:
        """Return by what it is sorted."""
        if sort == "name":
            return (self.project,)
        if sort == "round":
            return ("" if self.round is None else self.round.opened, self.project)
        return (list(STATES).index(self.state), self.since, self.project)


def _rows(
    session: Session, party: str, projects: Mapping[str, list[str]], titles: Mapping[str, str]
) -> Iterator[SpokeRow]:
    bound, everywhere = bound_projects(session), _everywhere(party, projects)
    newest: dict[str, tuple[Round, list[RoundPairing]]] = {}
    for found, pair in newest_rounds(session, projects):
        newest.setdefault(found.project, (found, []))[1].append(pair)
    overdue: dict[str, list[Overdue]] = {}
    for late in noted(session):
        overdue.setdefault(late.project, []).append(late.overdue)
    for project, names in projects.items():
        others = tuple(name for name in names if name not in everywhere)
        last, pairs = newest.get(project, (None, []))
        yield SpokeRow(
            project=project,
            parties=others,
            titles=tuple(titles[name] for name in others),
            is_signed=project in bound,
            round=None
            if last is None
            else NewestRound(last.number, last.state == "open", last.opened, last.deadline),
            waits_for=_waits_for(last, pairs),
            overdue=tuple(overdue.get(project, ())),
        )


def _everywhere(party: str, projects: Mapping[str, list[str]]) -> set[str]:
    """Return who takes part in all of them, the party itself among them."""
    return set.intersection(*map(set, projects.values())) if len(projects) > 1 else {party}


def _waits_for(found: Round | None, pairs: Sequence[RoundPairing]) -> str:
    """Return in a sentence what an open round waits for; empty where none is open."""
    if found is None or found.state != "open":
        return ""
    missing = sorted(
        {
            party
            for pair in pairs
            for party, root in ((pair.larger, pair.root_larger), (pair.smaller, pair.root_smaller))
            if root is None
        }
    )
    if missing:
        return f"uploads of {listed(missing)}"
    states = {pair.run_state for pair in pairs}
    if states & {"awaiting"}:
        return "an approval of the run"
    return "the run" if states & {None, "queued", "running"} else "claims of the recipients"


def _json(row: SpokeRow) -> dict[str, Any]:
    found = row.round
    return {
        "project": row.project,
        "parties": " ".join(row.parties),
        "state": row.state,
        "round": None if found is None else found.number,
        "opened": None if found is None else found.opened,
        "deadline": None if found is None else found.deadline,
        "waits_for": row.waits_for or None,
        "overdue": " ".join(_owners(row)) or None,
        "since": row.since or None,
    }


def _owners(row: SpokeRow) -> Iterator[str]:
    yield from (f"{one.what}:{one.party}" for one in row.overdue)


def _address(path: str, query: HubQuery, start: int) -> str:
    asked = query.encoded(start=max(0, start) or None)
    return f"{path}?{asked}" if asked else path


@page_route(router, "/hubs/{party}")
def show_hub(
    broker: WiredBroker, page: WiredPage, party: PartyPath, query: WiredHubQuery
) -> Response:
    """Show all projects of a party that the caller may see: as many queries for 400 as for one."""
    with broker.database.read() as session:
        projects = spokes_of(session, page.actor, party)
        titles = party_titles(session)
        rows = list(_rows(session, party, projects, titles))
    counts = {state: sum(row.state == state for row in rows) for state in STATES}
    chosen = sorted(
        (row for row in rows if row.matches(query)), key=lambda row: row.place(query.sort)
    )
    stop = query.start + ROWS_A_PAGE
    return page.answer(
        "hub.html",
        title=f"All projects of {titles[party]}",
        document={"party": party, "counts": counts, "projects": [_json(row) for row in chosen]},
        table=Table(_COLUMNS, [tuple(_json(row).values()) for row in chosen]),
        query=query.encoded(start=query.start or None),
        party=party,
        everywhere=sorted(_everywhere(party, projects) - {party}),
        rows=chosen[query.start : stop],
        n_chosen=len(chosen),
        n_all=len(rows),
        filter=query,
        counts=counts,
        states=STATES,
        words={state: words for state, (_, words) in STATES.items()},
        sorts=SORTS,
        start=query.start,
        newer=_address(page.path, query, query.start - ROWS_A_PAGE) if query.start else None,
        older=_address(page.path, query, stop) if stop < len(chosen) else None,
    )
