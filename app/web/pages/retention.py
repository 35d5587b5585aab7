"""The destruction list of a project: what is held and until when, legal holds, and what was destroyed."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.agreements.holds import hold_view, holds_of, is_held
from app.agreements.service import project_for
from app.clock import utc_text
from app.decisions.service import present_records
from app.deliveries.service import present_deliveries
from app.destruction.dues import STATE_WORDS, dues_of
from app.destruction.participation import destructions_for, view_of
from app.http.paths import ProjectPath
from app.links.service import present_releases
from app.review.service import present_reviews
from app.rounds.service import present_messages
from app.uploads.service import present_uploads
from app.web.answer import WiredPage, page_route
from app.web.paging import WiredPaging
from app.web.project_words import extent_words, outstanding_words, reason_words
from app.web.table import Table
from app.wired import WiredBroker
from schemas.api.destruction import DestructionList, HoldList

router = APIRouter()

COLUMNS = ("due", "what", "object", "party", "since", "state", "days_left")


@page_route(router, "/projects/{project}/retention")
def show_retention(
    broker: WiredBroker, page: WiredPage, project: ProjectPath, paging: WiredPaging
) -> Response:
    """Show what is held of a project, what is due first at the top, legal holds, and destructions."""
    now = broker.clock()
    with broker.database.read() as session:
        terms = project_for(session, page.actor, project).terms
        dues = dues_of(
            utc_text(now),
            uploads=present_uploads(session, page.actor, project),
            releases=present_releases(session, page.actor, project),
            records=present_records(session, page.actor, project),
            messages=present_messages(session, page.actor, project),
            reviews=present_reviews(session, page.actor, project),
            deliveries=present_deliveries(session, page.actor, project),
        )
        holds = [hold_view(hold) for hold in holds_of(session, page.actor, project)]
        held = is_held(session, project, now)
        views = [
            view_of(session, one)
            for one in destructions_for(session, page.actor, project, paging.window)
        ]
    turned = paging.turn(views, [view.certificate for view in views])
    rows = [
        (due.due, due.what, due.object, due.party, due.since, due.state, due.days_left(now))
        for due in dues
    ]
    return page.answer(
        "retention.html",
        title="Destruction",
        document={
            "held": [dict(zip(COLUMNS, row, strict=True)) for row in rows],
            "legal_holds": HoldList(is_held=held, holds=tuple(holds)).to_json(),
            **DestructionList(destructions=tuple(views)).to_json(),
        },
        table=Table(COLUMNS, rows),
        project=project,
        terms=terms,
        dues=[(due, due.days_left(now)) for due in dues],
        words=STATE_WORDS,
        is_held=held,
        holds=holds,
        query=paging.query,
        turned=turned,
        destructions=[
            (
                view,
                extent_words(view),
                reason_words(view.reason),
                outstanding_words(view.outstanding),
            )
            for view in turned.rows
        ],
    )
