"""What needs attention at all projects, and one project: where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from app.agreements.service import (
    TermsInForce,
    parties_of_many,
    project_for,
    project_view,
    projects_for,
    unbound_projects,
    why_halted,
)
from app.broker import Broker
from app.clock import parse_utc
from app.db import reading_ahead
from app.deadlines.messages import told
from app.deadlines.service import overdue_seen
from app.errors import NotInForceError
from app.evidence.service import LogState, log_fault, log_state
from app.http.paths import ProjectPath
from app.rounds.views import RoundStand, newest_round_stand
from app.runs.service import count_runs, newest_result
from app.security.actor import Actor
from app.web.answer import WiredPage, page_route
from app.web.needs import STATE_WORDS, needs_of_project, needs_seen
from app.web.project_words import STATE_MARKS, round_sentence
from app.web.run_figures import change_words, figures_before, figures_of, rate_words
from app.web.table import Cell, Table, clause_rows
from app.wired import WiredBroker
from schemas.api.projects import ProjectList

router = APIRouter()

# Anyone who takes part in so many projects has a page of its own.
MANY = 5


@dataclass(frozen=True, slots=True)
class BrokerHealth:
    """The log, what is wrong with it (None: nothing) and the age of its newest entry; for the operator more.

    `runs` are how many runs of all projects are in each state, `free_percent` is of the disk; both are None
    for others.
    """

    log: LogState
    fault: str | None
    age_s: int
    runs: Mapping[str, int] | None
    free_percent: float | None
    reserve_percent: int


def broker_health(
    session: Session, broker: Broker, actor: Actor, now: datetime, fault: str | None
) -> BrokerHealth:
    """Return how the broker is, as far as the actor may see it; `fault` is what is wrong with its log."""
    log = log_state(session)
    is_operator = actor.role == "operator"
    return BrokerHealth(
        log=log,
        fault=fault,
        age_s=max(int((now - parse_utc(log.time)).total_seconds()), 0),
        runs=count_runs(session) if is_operator else None,
        free_percent=broker.blobs.free_percent() if is_operator else None,
        reserve_percent=broker.blobs.reserve_percent,
    )


@dataclass(frozen=True, slots=True)
class PairRate:
    """How much the last run of a pair linked, and how that differs from the round before."""

    larger: str
    smaller: str
    run: str
    round: int
    rate: str
    change: str


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """The last round of a project, None before its first, and the last link rate of each pair that has one."""

    round: RoundStand | None
    rates: tuple[PairRate, ...]

    @property
    def mark(self) -> tuple[str, str]:
        """The round's state: a class of the style sheet, and a word."""
        return ("plain", "none yet") if self.round is None else STATE_MARKS[self.round.state]

    @property
    def sentence(self) -> str:
        """What the round waits for; a closed one waits for nothing."""
        if self.round is None or self.round.state == "closed":
            return ""
        return round_sentence(self.round)


def project_status(session: Session, actor: Actor, found: TermsInForce) -> ProjectStatus:
    """Return where a project stands that the actor may see."""
    terms = found.terms
    rates = []
    for larger, smaller in terms.pairs:
        run = newest_result(session, actor, terms.project, (larger, smaller))
        if run is not None:
            figures, before = figures_of(session, actor, run), figures_before(session, actor, run)
            rate = rate_words(figures.links, figures.smaller)
            change = change_words(figures, before)
            rates.append(PairRate(larger, smaller, run.id, run.round, rate, change))
    return ProjectStatus(newest_round_stand(session, actor, terms.project), tuple(rates))


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
            view.project, view.terms.purpose, " ".join(view.terms.providers),
            " ".join(recipient.party for recipient in view.terms.recipients), view.terms.start,
            view.terms.end, view.in_force, view.agreement,
        )
        for view in views
    ]  # fmt: skip
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
    """Show where a project stands, and the fingerprints of its terms; its agreement has them in words."""
    with broker.database.read() as session:
        now = broker.clock()
        try:
            found = project_for(session, page.actor, project)
        except NotInForceError:
            return page.leads_to(f"/projects/{project}/agreements")
        terms = found.terms
        halted = why_halted(session, project, now)
        view = project_view(session, found, now)
        status = project_status(session, page.actor, found)
        needs = needs_of_project(session, broker, page.actor, now, found)
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
    )
