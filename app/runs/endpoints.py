"""Runs over HTTP: start with a commit, ask again, approve, watch, cancel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks

from app.agreements.service import project_for
from app.db import Window
from app.http.access import CurrentActor
from app.http.body import json_body
from app.http.paths import Before, ProjectPath, RunPath, UploadPath
from app.runs import approvals, commits, requests, service, standing_approvals
from app.runs.finality import cosigned_sizes, finality_of
from app.runs.service import view_of
from app.uploads.endpoints import IdempotencyKey
from app.wired import WiredBroker
from schemas.agreement.negotiation import PendingApprovals, RunApprovals, StandingList
from schemas.agreement.statement import SignedStatement
from schemas.api.bodies import UploadView
from schemas.api.runs import RunList, RunRequest, RunView
from schemas.rounds.upload import SignedManifest

router = APIRouter()


@router.post("/v1/projects/{project}/runs", status_code=202)
def ask_run(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    request: Annotated[RunRequest, json_body(RunRequest)],
    idempotency_key: IdempotencyKey = None,
) -> RunView:
    """Ask once more for the run of a pair; one that has not failed, nor was cancelled, is that run."""
    with broker.database.read() as session:
        spaces = project_for(session, actor, project).terms.spaces
    with requests.new_run(broker, spaces) as new, broker.database.write() as session:
        run = requests.ask_again(
            session, broker, actor, project, request, new=new, idempotency_key=idempotency_key
        )
        return view_of(run, actor)


@router.post("/v1/uploads/{upload}/commit", status_code=202)
def commit_upload(
    *,
    broker: WiredBroker,
    actor: CurrentActor,
    upload: UploadPath,
    signed: Annotated[SignedManifest, json_body(SignedManifest)],
    afterwards: BackgroundTasks,
) -> UploadView:
    """Let an upload be committed by its manifest once its parts are checked; the same again is safe.

    The upload says how far that is, and what came of it. What completes a pair also starts its run.
    """
    view = commits.ask_commit(broker, actor, upload, signed)
    afterwards.add_task(commits.check_waiting, broker)
    return view


@router.get("/v1/projects/{project}/runs")
def list_runs(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, before: Before = None
) -> RunList:
    """List the project's runs, newest first."""
    with broker.database.read() as session:
        runs = service.runs_for(session, actor, project, Window(before))
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
        return view_of(requests.cancel_run(session, broker, actor, run), actor)


@router.post("/v1/runs/{run}/approvals")
def approve_run(
    broker: WiredBroker,
    actor: CurrentActor,
    run: RunPath,
    signed: Annotated[SignedStatement, json_body(SignedStatement)],
) -> RunApprovals:
    """Approve one step of a run, by exactly its specification, for the caller's party."""
    with broker.database.write() as session:
        found = approvals.approve(session, broker, actor, run, signed)
        _, terms = service.run_for(session, actor, run)
        return approvals.approvals_view(session, found, terms.terms.approvals, broker.clock())


@router.get("/v1/runs/{run}/approvals")
def list_approvals(broker: WiredBroker, actor: CurrentActor, run: RunPath) -> RunApprovals:
    """List who has approved a run, and who has yet to."""
    with broker.database.read() as session:
        found, terms = service.run_for(session, actor, run)
        return approvals.approvals_view(session, found, terms.terms.approvals, broker.clock())


@router.get("/v1/projects/{project}/pending-approvals")
def list_pending(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath
) -> PendingApprovals:
    """List the runs and releases that wait for approvals, oldest first."""
    with broker.database.read() as session:
        terms = project_for(session, actor, project)
        return approvals.pending_view(session, project, terms, broker.clock())


@router.post("/v1/projects/{project}/standing-approvals")
def approve_in_advance(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    signed: Annotated[SignedStatement, json_body(SignedStatement)],
) -> StandingList:
    """Approve the runs of one matching policy in advance, for the caller's party."""
    with broker.database.write() as session:
        standing_approvals.approve_in_advance(session, broker, actor, project, signed)
        return standing_approvals.standing_list(session, project)


@router.get("/v1/projects/{project}/standing-approvals")
def list_standing(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, before: Before = None
) -> StandingList:
    """List the project's standing approvals, newest first, and how often each was used."""
    with broker.database.read() as session:
        project_for(session, actor, project)
        return standing_approvals.standing_list(session, project, Window(before))


@router.post("/v1/projects/{project}/revocations")
def revoke_standing(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    signed: Annotated[SignedStatement, json_body(SignedStatement)],
) -> StandingList:
    """Take a standing approval of the caller's party back, at once."""
    with broker.database.write() as session:
        standing_approvals.revoke(session, broker, actor, project, signed)
        return standing_approvals.standing_list(session, project)
