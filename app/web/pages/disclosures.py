"""The register of disclosures of a project: who received whose records, when, why, on what legal basis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from app.agreements.negotiation import parties_of
from app.agreements.service import require_visible
from app.auditor.register import NOT_SAID, what_words
from app.http.paths import ProjectPath
from app.matchlog.timeline import entries_of_kinds
from app.web.answer import WiredPage, note_export, page_route
from app.web.paging import AddressFilter, or_empty
from app.web.table import Table
from app.wired import WiredBroker
from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.ids import DATE_PATTERN, NAME_PATTERN
from schemas.matchlog.disclosures import COLUMNS, KINDS, Disclosure, DisclosureBook, Wanted

router = APIRouter()

EXPORTED: Final = "disclosures"
# A weekly linkage of two agencies fills it in two years.
LINES_A_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class RegisterQuery(AddressFilter):
    """The filter as it stands in the address; empty wants all. `before` is a log entry to look back from."""

    PLACES = ("before",)

    party: Annotated[str, or_empty(NAME_PATTERN, 40)] = ""
    since: Annotated[str, or_empty(DATE_PATTERN, 10)] = ""
    until: Annotated[str, or_empty(DATE_PATTERN, 10)] = ""
    before: Annotated[int | None, Query(ge=1, le=MAX_INTEGER)] = None

    def wanted(self, project: str) -> Wanted:
        """Return which lines are asked for."""
        return Wanted(project, self.party or None, self.since or None, self.until or None)


WiredRegisterQuery = Annotated[RegisterQuery, Depends(RegisterQuery)]


@page_route(router, "/projects/{project}/disclosures")
def show_register(
    broker: WiredBroker, page: WiredPage, project: ProjectPath, query: WiredRegisterQuery
) -> Response:
    """Show the register, the newest line first; its twins have all of it, in the order of the match log."""
    with broker.database.read() as session:
        require_visible(session, page.actor, project)
        parties = parties_of(session, page.actor, project, broker.clock())
    note_export(broker, page, project, EXPORTED)
    book = DisclosureBook()
    with broker.database.read() as session:
        for entry in entries_of_kinds(session, project, KINDS):
            book.take(entry)
    lines = [
        line
        for line in book.select(query.wanted(project))
        if query.before is None or line.entry < query.before
    ]
    shown = _newest(lines)
    has_older = len(shown) < len(lines)
    return page.answer(
        "disclosures.html",
        title="Register of disclosures",
        document={
            "project": project,
            "filter": query.fields(),
            "before": query.before,
            "disclosures": [asdict(line) for line in lines],
        },
        table=Table(COLUMNS, map(astuple, lines)),
        project=project,
        query=query.encoded(before=query.before),
        filter=query,
        lines=[(line, what_words(line)) for line in shown],
        parties=parties,
        not_said=NOT_SAID,
        older=f"{page.path}?{query.encoded(before=shown[-1].entry)}" if has_older else None,
        newest=f"{page.path}?{query.encoded()}" if query.before else None,
    )


def _newest(lines: Sequence[Disclosure]) -> list[Disclosure]:
    """Return the last lines, the newest first: whole entries, of which each may have several lines."""
    shown = list(lines[::-1][:LINES_A_PAGE])
    if len(shown) == len(lines):
        return shown
    cut = lines[len(lines) - len(shown) - 1].entry
    return [line for line in shown if line.entry != cut] or shown
