"""Shares of secrets over HTTP: send, list, fetch, withdraw, confirm."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.http.access import CurrentActor
from app.http.body import json_body
from app.http.paths import ProjectPath, SharePath
from app.shares import service
from app.wired import WiredBroker
from schemas.signing.secret_share import (
    ConfirmationList,
    ShareList,
    ShareView,
    SignedConfirmation,
    SignedShare,
)

router = APIRouter()

EpochQuery = Annotated[int, Query(ge=1, le=10**6)]


@router.post("/v1/projects/{project}/shares", status_code=201)
def send_share(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    signed: Annotated[SignedShare, json_body(SignedShare)],
) -> ShareView:
    """Keep a share of the secret for its recipient, who alone can open it; the same again changes nothing."""
    with broker.database.write() as session:
        return service.view_of(service.relay_share(session, broker, actor, project, signed))


@router.get("/v1/projects/{project}/shares")
def list_shares(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, epoch: EpochQuery
) -> ShareList:
    """List who sent a share of an epoch's secret to whom, without what is in it."""
    with broker.database.read() as session:
        rows = service.shares_for(session, actor, project, epoch)
        return ShareList(shares=tuple(map(service.view_of, rows)))


@router.delete("/v1/projects/{project}/shares")
def withdraw_shares(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, epoch: EpochQuery
) -> ShareList:
    """Withdraw what the caller's party has sent and confirmed of an epoch, to begin anew."""
    with broker.database.write() as session:
        service.withdraw_shares(session, broker, actor, project, epoch)
        rows = service.shares_for(session, actor, project, epoch)
        return ShareList(shares=tuple(map(service.view_of, rows)))


@router.get("/v1/shares/{share}")
def fetch_share(broker: WiredBroker, actor: CurrentActor, share: SharePath) -> SignedShare:
    """Give a share to its recipient; from then on its sender cannot replace it."""
    with broker.database.write() as session:
        return service.fetch_share(session, broker, actor, share)


@router.post("/v1/projects/{project}/confirmations")
def send_confirmation(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    signed: Annotated[SignedConfirmation, json_body(SignedConfirmation)],
) -> ConfirmationList:
    """Keep the caller's confirmation of an epoch's secret, and list everybody's."""
    with broker.database.write() as session:
        service.keep_confirmation(session, broker, actor, project, signed)
        epoch = signed.confirmation.epoch
        found = service.confirmations_for(session, actor, project, epoch)
    return ConfirmationList(confirmations=found)


@router.get("/v1/projects/{project}/confirmations")
def list_confirmations(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, epoch: EpochQuery
) -> ConfirmationList:
    """List what the holders of an epoch's secret have confirmed."""
    with broker.database.read() as session:
        found = service.confirmations_for(session, actor, project, epoch)
    return ConfirmationList(confirmations=found)
