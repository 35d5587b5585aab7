"""The list of projects, and one project's terms in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from app.agencies.service import party_titles
from app.agreements.service import project_for, project_view, projects_for
from app.http.paths import ProjectPath
from app.web.answer import WiredPage, page_route
from app.web.table import Table
from app.web.wording import parties_of, terms_sentences
from app.wired import WiredBroker
from schemas.api import ProjectList
from schemas.canonical import canonical_bytes
from schemas.run import encoded_thresholds

if TYPE_CHECKING:
    from app.web.table import Cell
    from schemas.agreement import ProjectTerms

router = APIRouter()


@router.get("/", include_in_schema=False, response_class=Response)
def show_start() -> Response:
    """Lead to the list of projects."""
    return RedirectResponse("/projects", status_code=303)


@page_route(router, "/projects")
def list_projects(broker: WiredBroker, page: WiredPage) -> Response:
    """Show the projects that the caller may see."""
    now = broker.clock()
    with broker.database.read() as session:
        views = [
            project_view(session, found, now) for found in projects_for(session, page.actor, now)
        ]
    rows = [
        (
            view.project,
            view.terms.purpose,
            " ".join(view.terms.providers),
            " ".join(recipient.party for recipient in view.terms.recipients),
            view.terms.start,
            view.terms.end,
            view.in_force,
            view.agreement,
        )
        for view in views
    ]
    columns = ("project", "purpose", "providers", "recipients", "start", "end", "in_force", "terms")
    return page.answer(
        "projects.html",
        title="Projects",
        document=ProjectList(projects=tuple(views)),
        table=Table(columns, rows),
        projects=views,
    )


@page_route(router, "/projects/{project}")
def show_project(broker: WiredBroker, page: WiredPage, project: ProjectPath) -> Response:
    """Show a project's terms: in plain words, with parties, policy and fingerprints."""
    with broker.database.read() as session:
        now = broker.clock()
        found = project_for(session, page.actor, project, now)
        terms = found.terms
        parties = parties_of(terms, party_titles(session))
        view = project_view(session, found, now)
    sentences = list(terms_sentences(terms))
    mapped = encoded_thresholds(terms.policy, found.profile)
    thresholds = {
        name: f"{float(getattr(mapped, name)):.4f}" for name in ("auto", "review", "margin")
    }
    return page.answer(
        "project.html",
        title="Terms",
        document=view,
        table=Table(("clause", "value"), [("digest", found.digest), *_clauses(terms)]),
        project=project,
        view=view,
        terms=terms,
        sentences=sentences,
        parties=parties,
        thresholds=thresholds,
    )


def _clauses(terms: ProjectTerms) -> Iterator[tuple[str, Cell]]:
    """Yield each clause of the terms with its value; what is no plain value is canonical JSON."""
    for name, value in terms.to_json().items():
        is_plain = isinstance(value, (str, int))
        yield name, str(value) if is_plain else canonical_bytes(value).decode("utf-8")
