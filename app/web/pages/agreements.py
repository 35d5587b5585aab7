"""The agreements of a project, and one of them word for word, with who has signed it."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Response

from app.agreements.negotiation import named_agreement
from app.agreements.service import require_visible
from app.agreements.views import agreement_list, view_of
from app.http.paths import DigestPath, ProjectPath
from app.web.agreement_words import STATE_MARKS, notices_of, signatures_of, state_words
from app.web.answer import WiredPage, page_route
from app.web.table import Cell, Table, clause_rows
from app.wired import WiredBroker
from schemas.agreement.chapters import chapters_of, grouped
from schemas.agreement.negotiation import AgreementSummary, AgreementView

router = APIRouter()

COLUMNS = ("number", "agreement", "state", "start", "end", "missing")


@page_route(router, "/projects/{project}/agreements")
def list_agreements(broker: WiredBroker, page: WiredPage, project: ProjectPath) -> Response:
    """Show the project's agreements: which one binds, which ones wait for signatures."""
    with broker.database.read() as session:
        document = agreement_list(session, page.actor, project, broker.clock())
    return page.answer(
        "agreements.html",
        title="Agreements",
        document=document,
        table=Table.of(COLUMNS, document.agreements),
        project=project,
        in_force=document.in_force,
        agreements=[(summary, state_words(summary)) for summary in document.agreements],
        marks=STATE_MARKS,
    )


@page_route(router, "/projects/{project}/agreements/{agreement}")
def show_agreement(
    broker: WiredBroker, page: WiredPage, project: ProjectPath, agreement: DigestPath
) -> Response:
    """Show an agreement in plain words, with signatures, counsel, and what parties have said since."""
    with broker.database.read() as session:
        require_visible(session, page.actor, project)
        row = named_agreement(session, page.actor, project, agreement)
        view = view_of(session, row, broker.clock())
    agreed = view.agreement
    summary = AgreementSummary(
        agreement=agreement,
        number=agreed.number,
        state=view.state,
        start=agreed.start,
        end=agreed.end,
        missing=view.missing,
    )
    return page.answer(
        "agreement.html",
        title=f"Agreement {agreed.number}",
        document=view,
        table=Table(("clause", "value"), _clauses(view)),
        project=project,
        view=view,
        state=state_words(summary, view.suspended_by),
        mark=STATE_MARKS[view.state],
        fingerprint=grouped(agreement),
        signatures=signatures_of(view),
        notices=notices_of(view),
        chapters=chapters_of(agreed, view.profile),
    )


def _clauses(view: AgreementView) -> Iterator[tuple[str, Cell]]:
    """Yield where an agreement stands, its clauses, and what was signed; what is no plain value is JSON."""
    yield "state", view.state
    yield "digest", view.agreement.digest()
    yield "missing", " ".join(view.missing)
    yield "suspended_by", " ".join(view.suspended_by)
    yield from clause_rows(view.agreement)
    for name, signed in (("consent", view.consents), ("notice", view.notices)):
        for one in signed:
            yield name, one.to_canonical().decode("utf-8")
