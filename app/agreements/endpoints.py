"""Projects as their parties see them, and how their agreements come to bind."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from app.agencies.persons import identities_of
from app.agreements import negotiation, service
from app.agreements.signers import last_word
from app.agreements.views import agreement_list, view_of
from app.db import reading_ahead
from app.http.access import CurrentActor
from app.http.body import json_body
from app.http.paths import DigestPath, ProjectPath
from app.wired import WiredBroker
from schemas.agreement.negotiation import AgreementList, AgreementProposal, AgreementView, LastWord
from schemas.agreement.statement import SignedStatement
from schemas.api.projects import ProjectList, ProjectView
from schemas.api.sign_in import IdentityList

router = APIRouter()


@router.get("/v1/projects")
def list_projects(broker: WiredBroker, actor: CurrentActor) -> ProjectList:
    """List the projects that name the caller's party."""
    now = broker.clock()
    with broker.database.read() as session:
        found = service.projects_for(session, actor)
        with reading_ahead(session, [one.terms.project for one in found]):
            views = tuple(service.project_view(session, one, now) for one in found)
    return ProjectList(projects=views)


@router.get("/v1/projects/{project}")
def show_project(broker: WiredBroker, actor: CurrentActor, project: ProjectPath) -> ProjectView:
    """Show a project's terms, those that bind it now if any do, and its encoding profile."""
    now = broker.clock()
    with broker.database.read() as session:
        found = service.project_for(session, actor, project)
        return service.project_view(session, found, now)


@router.get("/v1/projects/{project}/identities")
def list_identities(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, *, former: bool = False
) -> IdentityList:
    """List the keys of the persons who act for the project's parties and for the operator.

    With `former`, those of persons who were revoked, too: by them someone can follow what was signed before.
    Anyone who relies on one compares its fingerprint by another way first.
    """
    with broker.database.read() as session:
        parties = negotiation.parties_of(session, actor, project, broker.clock())
        return identities_of(session, [*parties, broker.settings.operator], former=former)


@router.get("/v1/projects/{project}/last-word")
def show_last_word(broker: WiredBroker, actor: CurrentActor, project: ProjectPath) -> LastWord:
    """Show what the caller's party has signed last about agreements and runs; its next statement names it."""
    with broker.database.read() as session:
        negotiation.require_concern(session, actor, project, broker.clock())
        return last_word(session, actor, project)


def _negotiable(broker: WiredBroker, actor: CurrentActor, project: ProjectPath) -> None:
    """Let nobody send a large body about a project that is not theirs to negotiate about."""
    with broker.database.read() as session:
        negotiation.require_negotiation(session, actor, project)


@router.post(
    "/v1/projects/{project}/agreements", status_code=201, dependencies=[Depends(_negotiable)]
)
def propose_agreement(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    proposal: Annotated[AgreementProposal, json_body(AgreementProposal)],
) -> AgreementView:
    """Propose an agreement, which binds when every party that it names has signed it."""
    with broker.database.write() as session:
        row = negotiation.propose(session, broker, actor, project, proposal)
        return view_of(session, row, broker.clock())


@router.get("/v1/projects/{project}/agreements")
def list_agreements(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath
) -> AgreementList:
    """List the project's agreements that name the caller's party, and which one is in force."""
    with broker.database.read() as session:
        return agreement_list(session, actor, project, broker.clock())


@router.get("/v1/projects/{project}/agreements/{agreement}")
def show_agreement(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, agreement: DigestPath
) -> AgreementView:
    """Show an agreement whole, with all that was signed about it and who has yet to sign."""
    with broker.database.read() as session:
        negotiation.require_concern(session, actor, project, broker.clock())
        row = negotiation.named_agreement(session, actor, project, agreement)
        return view_of(session, row, broker.clock())


@router.post("/v1/projects/{project}/consents")
def sign_agreement(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    signed: Annotated[SignedStatement, json_body(SignedStatement)],
) -> AgreementView:
    """Sign an agreement for the caller's party; with the last signature it binds."""
    with broker.database.write() as session:
        row = negotiation.consent(session, broker, actor, project, signed)
        return view_of(session, row, broker.clock())


@router.post("/v1/projects/{project}/notices")
def give_notice(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    signed: Annotated[SignedStatement, json_body(SignedStatement)],
) -> AgreementView:
    """Suspend the linkage, resume it, or leave the agreement, for the caller's party alone and at once."""
    with broker.database.write() as session:
        row = negotiation.give_notice(session, broker, actor, project, signed)
        return view_of(session, row, broker.clock())
