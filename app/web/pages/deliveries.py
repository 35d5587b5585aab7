"""What agencies delivered in a project, to whom, and what became of it; never what is in it."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from app.deliveries.service import deliveries_for, view_of
from app.http.paths import ProjectPath
from app.web.answer import WiredPage, page_route
from app.web.paging import WiredPaging
from app.web.table import Table
from app.wired import WiredBroker
from schemas.rounds.delivery import DeliveryFault, DeliveryList, DeliveryView

router = APIRouter()

COLUMNS: Final = (
    "delivery", "round", "number", "sender", "recipient", "size_bytes", "received", "fetched", "opened",
    "fault", "replaced", "keep_until", "ended", "sha256",
)  # fmt: skip
FAULT_WORDS: Final[dict[DeliveryFault, str]] = {
    "unreadable": "it could not be opened",
    "not-signed": "nobody whom it trusts has signed it",
    "not-as-stated": "it is not what was signed",
    "not-agreed": "it holds what is not agreed on",
}


@page_route(router, "/projects/{project}/deliveries")
def list_deliveries(
    broker: WiredBroker, page: WiredPage, project: ProjectPath, paging: WiredPaging
) -> Response:
    """Show the sealed files that agencies sent, newest first, and what became of each."""
    with broker.database.read() as session:
        found = deliveries_for(session, page.actor, project, paging.window)
        views = [view_of(delivery) for delivery in found]
        lines = [(view, state_of(view)) for view in views]
        return page.answer(
            "deliveries.html",
            title="Deliveries",
            document=DeliveryList(deliveries=tuple(views)),
            table=Table.of(COLUMNS, views),
            project=project,
            query=paging.query,
            turned=paging.turn(lines, [view.delivery for view in views]),
        )


def state_of(view: DeliveryView) -> tuple[str, str]:
    """Return what became of a delivery: a class of the style sheet, and words that say it alone."""
    if view.opened is not None:
        return "good", "opened"
    if view.fault is not None:
        return "bad", f"not used: {FAULT_WORDS[view.fault]}"
    if view.fetched is not None:
        return "wait", "fetched"
    if view.replaced is not None:
        return "wait", "replaced, and never fetched"
    if view.ended is None:
        return "wait", "waits for its recipient"
    return "bad", f"{'destroyed' if view.ended < view.keep_until else 'expired'}, and never fetched"
