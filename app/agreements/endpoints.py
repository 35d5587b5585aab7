"""Projects as their parties see them."""

from __future__ import annotations

from fastapi import APIRouter

from app.agencies.persons import identities_of
from app.agreements import service
from app.http.access import CurrentActor
from app.http.paths import ProjectPath
from app.wired import WiredBroker
from schemas.api import ProjectList, ProjectView
from schemas.sign_in import IdentityList

router = APIRouter()


@router.get("/v1/projects")
def list_projects(broker: WiredBroker, actor: CurrentActor) -> ProjectList:
    """List the projects that name the caller's party."""
    now = broker.clock()
    with broker.database.read() as session:
        found = service.projects_for(session, actor)
    return ProjectList(projects=tuple(service.project_view(project, now) for project in found))


@router.get("/v1/projects/{project}")
def show_project(broker: WiredBroker, actor: CurrentActor, project: ProjectPath) -> ProjectView:
    """Show a project's newest terms and its encoding profile."""
    with broker.database.read() as session:
        found = service.project_for(session, actor, project)
    return service.project_view(found, broker.clock())


@router.get("/v1/projects/{project}/identities")
def list_identities(broker: WiredBroker, actor: CurrentActor, project: ProjectPath) -> IdentityList:
    """List the keys of the persons who act for the project's parties and for the operator.

    Whoever relies on one compares its fingerprint by another way first.
    """
    with broker.database.read() as session:
        found = service.project_for(session, actor, project)
        parties = service.parties_of(found.terms)
        return identities_of(session, [*parties, broker.settings.operator])
