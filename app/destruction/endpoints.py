"""Destruction over HTTP: ask for it, correct a round, get and counter-sign certificates, statements, holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from app.agreements import holds
from app.agreements.models import LegalHold
from app.agreements.service import project_for
from app.broker import Broker
from app.db import Window
from app.destruction import correction, participation, service, withdrawal
from app.destruction.certification import finish
from app.http.access import CurrentActor
from app.http.body import json_body
from app.http.paths import Before, CertificatePath, ProjectPath, RoundPath, UploadPath
from app.rounds.views import round_view
from app.wired import WiredBroker
from schemas.api.destruction import (
    DestructionList,
    DestructionView,
    HoldList,
    RecordWithdrawal,
    StatementTaken,
    WithdrawalTaken,
)
from schemas.reports.certificate import CertificateFile
from schemas.rounds.destruction import SignedDestruction
from schemas.rounds.rounds import Correction, RoundView

router = APIRouter()


@router.post("/v1/projects/{project}/destruction")
def destroy_project(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath
) -> DestructionView:
    """Destroy what the broker holds of the caller's party and what was made of it; for the operator, all."""
    with broker.database.write() as session:
        begun = service.destroy_project(session, broker, actor, project).id
    return _finished(broker, actor, begun)


@router.post("/v1/uploads/{upload}/destruction")
def destroy_upload(broker: WiredBroker, actor: CurrentActor, upload: UploadPath) -> DestructionView:
    """Destroy one upload and what was made of it."""
    with broker.database.write() as session:
        begun = service.destroy_upload(session, broker, actor, upload).id
    return _finished(broker, actor, begun)


@router.post("/v1/projects/{project}/rounds/{round}/corrections", status_code=201)
def correct_round(
    *,
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    number: RoundPath,
    wanted: Annotated[Correction, json_body(Correction)],
) -> RoundView:
    """Let the next round take the place of an open one, whose uploads are destroyed; give that round."""
    with broker.database.write() as session:
        following = correction.correct_round(
            session, broker, actor, project, number, reason=wanted.reason
        )
        return round_view(session, following)


@router.get("/v1/projects/{project}/destructions")
def list_destructions(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, before: Before = None
) -> DestructionList:
    """List the project's destructions, newest first, with what is outstanding."""
    with broker.database.read() as session:
        found = participation.destructions_for(session, actor, project, Window(before))
        return DestructionList(
            destructions=tuple(participation.view_of(session, one) for one in found)
        )


@router.get("/v1/destructions/{certificate}")
def show_certificate(
    broker: WiredBroker, actor: CurrentActor, certificate: CertificatePath
) -> CertificateFile:
    """Give the certificate with all signatures and the log's proof."""
    with broker.database.read() as session:
        found = participation.destruction_for(session, actor, certificate)
        return participation.file_of(session, found)


@router.post("/v1/destructions/{certificate}/countersignatures")
def countersign(
    broker: WiredBroker,
    actor: CurrentActor,
    certificate: CertificatePath,
    signed: Annotated[SignedDestruction, json_body(SignedDestruction)],
) -> DestructionView:
    """Counter-sign a certificate for the caller's party."""
    with broker.database.write() as session:
        return participation.countersign(session, broker, actor, certificate, signed)


def _visible_project(broker: WiredBroker, actor: CurrentActor, project: ProjectPath) -> None:
    """Let nobody send a large body about a project that is not theirs to see."""
    with broker.database.read() as session:
        project_for(session, actor, project)


@router.post(
    "/v1/projects/{project}/destruction-statements", dependencies=[Depends(_visible_project)]
)
def state_destruction(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    signed: Annotated[SignedDestruction, json_body(SignedDestruction)],
) -> StatementTaken:
    """Take what the caller's party states to have deleted itself."""
    with broker.database.write() as session:
        return participation.receive_statement(session, broker, actor, project, signed)


@router.post("/v1/projects/{project}/withdrawals")
def withdraw_record(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    wanted: Annotated[RecordWithdrawal, json_body(RecordWithdrawal)],
) -> WithdrawalTaken:
    """Leave one record of the caller's party out of every later run."""
    with broker.database.write() as session:
        return withdrawal.withdraw_record(session, broker, actor, project, wanted)


@router.get("/v1/projects/{project}/legal-holds")
def list_holds(broker: WiredBroker, actor: CurrentActor, project: ProjectPath) -> HoldList:
    """List the project's legal holds, newest first."""
    with broker.database.read() as session:
        return _holds(broker, session, holds.holds_of(session, actor, project), project)


@router.post("/v1/projects/{project}/legal-holds")
def change_hold(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    signed: Annotated[SignedDestruction, json_body(SignedDestruction)],
) -> HoldList:
    """Set a legal hold, or lift those of the caller's party, as its steward has signed."""
    with broker.database.write() as session:
        found = holds.receive_notice(session, broker, actor, project, signed)
        return _holds(broker, session, found, project)


def _finished(broker: WiredBroker, actor: CurrentActor, certificate: str) -> DestructionView:
    finish(broker, certificate)
    with broker.database.read() as session:
        found = participation.destruction_for(session, actor, certificate)
        return participation.view_of(session, found)


def _holds(broker: Broker, session: Session, found: Sequence[LegalHold], project: str) -> HoldList:
    return HoldList(
        is_held=holds.is_held(session, project, broker.clock()),
        holds=tuple(holds.hold_view(hold) for hold in found),
    )
