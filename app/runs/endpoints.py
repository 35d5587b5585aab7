"""Runs over HTTP: ask, watch, cancel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from app.agreements.service import project_for
from app.http.access import CurrentActor
from app.http.body import json_body
from app.http.paths import ProjectPath, RunPath
from app.runs import service
from app.runs.finality import cosigned_sizes, finality_of
from app.runs.view import view_of
from app.uploads.endpoints import IdempotencyKey
from app.wired import WiredBroker
from schemas.api import RunList, RunRequest, RunView

router = APIRouter()


@router.post("/v1/projects/{project}/runs", status_code=202)
def ask_run(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    request: Annotated[RunRequest, json_body(RunRequest)],
    idempotency_key: IdempotencyKey = None,
) -> RunView:
    """Ask for a run on the newest uploads; one on the same inputs that has not failed is that run."""
    with broker.database.write() as session:
        run = service.ask_run(
            session, broker, actor, project, request, idempotency_key=idempotency_key
        )
        return view_of(run, actor)


@router.get("/v1/projects/{project}/runs")
def list_runs(broker: WiredBroker, actor: CurrentActor, project: ProjectPath) -> RunList:
    """List the project's runs, newest first."""
    with broker.database.read() as session:
        runs = service.runs_for(session, actor, project)
        terms, cosigned = project_for(session, actor, project).terms, cosigned_sizes(session)
        return RunList(
            runs=tuple(view_of(run, actor, finality_of(run, terms, cosigned)) for run in runs)
        )


@router.get("/v1/runs/{run}")
def show_run(broker: WiredBroker, actor: CurrentActor, run: RunPath) -> RunView:
    """Show one run, its progress and, as far as the caller may see them, its counts."""
    with broker.database.read() as session:
        found, terms = service.run_for(session, actor, run)
        return view_of(found, actor, finality_of(found, terms.terms, cosigned_sizes(session)))


@router.post("/v1/runs/{run}/cancel")
def cancel_run(broker: WiredBroker, actor: CurrentActor, run: RunPath) -> RunView:
    """Cancel a run that waits or is under way; once more changes nothing."""
    with broker.database.write() as session:
        return view_of(service.cancel_run(session, broker, actor, run), actor)
