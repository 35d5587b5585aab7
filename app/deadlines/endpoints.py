"""What is overdue in a project, over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from app.deadlines.service import overdue_for
from app.http.access import CurrentActor
from app.http.paths import ProjectPath
from app.wired import WiredBroker
from schemas.reports.overdue import OverdueList

router = APIRouter()


@router.get("/v1/projects/{project}/overdue")
def list_overdue(broker: WiredBroker, actor: CurrentActor, project: ProjectPath) -> OverdueList:
    """List what is overdue in a project: for an agency what it owes, and what the project waits for."""
    with broker.database.read() as session:
        return overdue_for(session, broker, actor, project)
