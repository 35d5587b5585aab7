"""What waits for approvals in a project, and what was approved in advance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi import APIRouter, Response

from app.agreements.service import project_for
from app.http.paths import ProjectPath
from app.runs.approvals import pending_view
from app.runs.standing_approvals import standing_list
from app.web.answer import WiredPage, page_route
from app.web.approval_words import Standing, standing_of, step_words
from app.web.paging import WiredPaging
from app.web.table import Cell, Table
from app.wired import WiredBroker
from schemas.agreement.negotiation import PendingApproval

router = APIRouter()

COLUMNS = (
    "what", "id", "run", "step", "party", "person", "given", "until", "runs", "used", "revoked",
)  # fmt: skip


@page_route(router, "/projects/{project}/approvals")
def show_approvals(
    broker: WiredBroker, page: WiredPage, project: ProjectPath, paging: WiredPaging
) -> Response:
    """Show which runs and releases wait for whom, and the approvals given in advance."""
    now = broker.clock()
    with broker.database.read() as session:
        terms = project_for(session, page.actor, project)
        waiting = pending_view(session, project, terms, now)
        standing = standing_list(session, project, paging.window)
    stood = [standing_of(state, terms, now) for state in standing.approvals]
    return page.answer(
        "approvals.html",
        title="Approvals",
        document={
            "pending": waiting.to_json()["pending"],
            "standing": standing.to_json()["approvals"],
        },
        table=Table(COLUMNS, [*_pending_rows(waiting.pending), *_standing_rows(stood)]),
        project=project,
        rule=terms.terms.approvals,
        budget=terms.terms.round_budget,
        pending=[(one, step_words(one.step)) for one in waiting.pending],
        query=paging.query,
        standing=paging.turn(stood, [one.approval for one in stood]),
    )


def _pending_rows(pending: Sequence[PendingApproval]) -> Iterator[tuple[Cell, ...]]:
    for one in pending:
        for party in one.missing:
            yield ("pending", None, one.run, one.step, party, *(None,) * 6)


def _standing_rows(stood: Sequence[Standing]) -> Iterator[tuple[Cell, ...]]:
    for one in stood:
        yield (
            "standing", one.approval, None, "run", one.party, one.person, one.at, one.until, one.runs,
            one.used, one.revoked,
        )  # fmt: skip
