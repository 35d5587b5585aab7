"""What needs attention at all projects, and one project: where it stands, and its terms in plain words."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from app.agencies.service import party_titles
from app.agreements.service import (
    parties_of_many,
    project_for,
    project_view,
    projects_for,
    unbound_projects,
    why_halted,
)
from app.db import reading_ahead
from app.deadlines.messages import told
from app.deadlines.service import overdue_seen
from app.errors import NotInForceError
from app.evidence.service import log_fault
from app.http.paths import ProjectPath
from app.web.answer import WiredPage, page_route
from app.web.broker_health import broker_health
from app.web.needs import STATE_WORDS, needs_of_project, needs_seen
from app.web.project_status import project_status
from app.web.project_words import parties_of, terms_sentences
from app.web.table import Cell, Table, clause_rows
from app.wired import WiredBroker
from schemas.agreement.policy_words import (
    compared_sentence,
    number_sentence,
    policy_sentences,
    zip_sentence,
)
from schemas.api.bodies import ProjectList

router = APIRouter()

# Whoever takes part in so many projects has a page of its own.
MANY = 5


@router.get("/", include_in_schema=False, response_class=Response)
def show_start() -> Response:
    """Lead to the list of projects."""
    return RedirectResponse("/projects", status_code=303)


@page_route(router, "/projects")
def list_projects(broker: WiredBroker, page: WiredPage) -> Response:
    """Show what needs attention, the projects that the caller may see, and how the broker is."""
    now, fault = broker.clock(), log_fault(broker)
    with broker.database.read() as session:
        found = projects_for(session, page.actor)
        unbound = list(unbound_projects(session, page.actor))
        hubs = parties_of_many(session, page.actor, MANY)
        with reading_ahead(session, [*unbound, *(one.terms.project for one in found)]):
            views = [project_view(session, one, now) for one in found]
            overdue = overdue_seen(session, broker, page.actor, now)
            needs = needs_seen(session, broker, page.actor, now, overdue, fault=fault)
            statuses = {}
            health = None
            if page.twin == "html":
                statuses = {
                    one.terms.project: project_status(session, page.actor, one) for one in found
                }
                health = broker_health(session, broker, page.actor, now, fault)
    rows: list[tuple[Cell, ...]] = [
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
    rows += [(name, *(None,) * 5, False, None) for name in unbound]
    columns = ("project", "purpose", "providers", "recipients", "start", "end", "in_force", "terms")
    return page.answer(
        "projects.html",
        title="What needs attention",
        document=ProjectList(projects=tuple(views)).to_json()
        | {
            "negotiated": unbound,
            "overdue": [told(one).model_dump() for one in overdue],
            "needs": [need.to_json() for need in needs],
        },
        table=Table(columns, rows),
        projects=views,
        statuses=statuses,
        unbound=unbound,
        hubs=hubs,
        needs=[(need, STATE_WORDS[need.rank], need.seconds(now)) for need in needs],
        health=health,
    )


@page_route(router, "/projects/{project}")
def show_project(broker: WiredBroker, page: WiredPage, project: ProjectPath) -> Response:
    """Show where a project stands, and its terms: in plain words, with parties, policy and fingerprints."""
    with broker.database.read() as session:
        now = broker.clock()
        try:
            found = project_for(session, page.actor, project)
        except NotInForceError:
            return page.leads_to(f"/projects/{project}/agreements")
        terms = found.terms
        halted = why_halted(session, project, now)
        parties = parties_of(terms, party_titles(session))
        view = project_view(session, found, now)
        status = project_status(session, page.actor, found)
        needs = needs_of_project(session, broker, page.actor, now, found)
    sentences = list(terms_sentences(terms))
    return page.answer(
        "project.html",
        title="Project",
        document=view,
        table=Table(("clause", "value"), [("digest", found.digest), *clause_rows(terms)]),
        project=project,
        view=view,
        halted=halted,
        stands=status,
        needs=[(need, STATE_WORDS[need.rank], need.seconds(now)) for need in needs],
        terms=terms,
        sentences=sentences,
        policy=[
            *policy_sentences(terms.policy),
            compared_sentence(view.profile),
            *filter(None, (zip_sentence(view.profile), number_sentence(view.profile))),
        ],
        parties=parties,
    )
