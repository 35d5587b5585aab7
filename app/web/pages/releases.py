"""The releases of a project, and one release; never a match ID."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.http.paths import ProjectPath, ReleasePath
from app.links.service import release_for, releases_for, view_of
from app.web.answer import WiredPage, page_route
from app.web.paging import WiredPaging
from app.web.table import Table
from app.wired import WiredBroker
from schemas.agreement.clause_words import MODE_WORDS
from schemas.api.releases import ReleaseList

router = APIRouter()

COLUMNS = (
    "release", "run", "round", "number", "recipient", "partner", "mode", "space", "matches", "created",
    "fetched", "sha256",
)  # fmt: skip


@page_route(router, "/projects/{project}/releases")
def list_releases(
    broker: WiredBroker, page: WiredPage, project: ProjectPath, paging: WiredPaging
) -> Response:
    """Show which match IDs were made ready for whom, and when they were fetched."""
    with broker.database.read() as session:
        found = releases_for(session, page.actor, project, paging.window)
        views = [view_of(release, page.actor) for release in found]
        return page.answer(
            "releases.html",
            title="Releases",
            document=ReleaseList(releases=tuple(views)),
            table=Table.of(COLUMNS, views),
            project=project,
            query=paging.query,
            turned=paging.turn(views, [view.release for view in views]),
        )


@page_route(router, "/releases/{release}")
def show_release(broker: WiredBroker, page: WiredPage, release: ReleasePath) -> Response:
    """Show one release."""
    with broker.database.read() as session:
        found = release_for(session, page.actor, release)
        view = view_of(found, page.actor)
        return page.answer(
            "release.html",
            title=f"Release for {view.recipient}",
            document=view,
            table=Table.of(COLUMNS, [view]),
            project=view.project,
            view=view,
            mode_words=MODE_WORDS[view.mode],
            agreement=found.agreement,
            purpose=found.purpose,
            keep_until=found.keep_until,
            destroyed=found.destroyed,
            entry=found.entry,
        )
