"""The destruction list of a project: what is held, whose it is, and when it must be gone."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.agreements.service import project_for
from app.clock import utc_text
from app.http.paths import ProjectPath
from app.links.service import held_releases, held_spaces
from app.uploads.service import held_uploads
from app.web.answer import WiredPage, page_route
from app.web.dues import STATE_WORDS, dues_of
from app.web.table import Table
from app.wired import WiredBroker

router = APIRouter()

COLUMNS = ("due", "what", "object", "party", "since", "state", "days_left")


@page_route(router, "/projects/{project}/retention")
def show_retention(broker: WiredBroker, page: WiredPage, project: ProjectPath) -> Response:
    """Show what is held of a project and when it must be gone, what is due first at the top."""
    now = broker.clock()
    with broker.database.read() as session:
        terms = project_for(session, page.actor, project).terms
        dues = dues_of(
            held_uploads(session, page.actor, project),
            held_releases(session, page.actor, project),
            held_spaces(session, page.actor, project),
            utc_text(now),
        )
    rows = [
        (due.due, due.what, due.object, due.party, due.since, due.state, due.days_left(now))
        for due in dues
    ]
    return page.answer(
        "retention.html",
        title="Destruction",
        document={"held": [dict(zip(COLUMNS, row, strict=True)) for row in rows]},
        table=Table(COLUMNS, rows),
        project=project,
        terms=terms,
        dues=[(due, due.days_left(now)) for due in dues],
        words=STATE_WORDS,
    )
