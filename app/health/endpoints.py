"""Health for the operator, and its own description for the person who programs against it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from app.deadlines.service import count_overdue
from app.errors import UnavailableError
from app.http.metrics import Metrics
from app.matchlog.proofs import newest_checkpoint
from app.migrations.formats import refuse_other_formats
from app.runs.service import count_runs
from app.wired import WiredBroker
from schemas.documents.document import Document

router = APIRouter()


class Health(Document):
    """The broker is what the route asks about."""

    KIND: ClassVar[str] = "health"

    status: Literal["alive", "ready"]


@router.get("/healthz")
async def alive() -> Health:
    """Answer while the process lives."""
    # A coroutine, as its way through the gate is: it is answered while every thread is at work.
    return Health(status="alive")


@router.get("/readyz")
def ready(broker: WiredBroker) -> Health:
    """Answer while the broker can take and give: database, store, disk, keys and match log are fit."""
    broker.blobs.refuse_when_unfit()
    broker.keystore.ring.require_answering()
    try:
        refuse_other_formats(broker.database)
        with broker.database.read() as session:
            broker.log.check(session)
    except SQLAlchemyError as exc:
        raise UnavailableError("The database does not answer.") from exc
    return Health(status="ready")


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(broker: WiredBroker, request: Request) -> Response:
    """Give the broker's numbers in Prometheus' text form."""
    numbers: Metrics = request.app.state.metrics
    with broker.database.read() as session:
        size, overdue = newest_checkpoint(session).size, count_overdue(session, broker)
        numbers.note_stores(size, count_runs(session), overdue)
    return Response(generate_latest(numbers.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/openapi.json")
def describe(request: Request) -> dict[str, Any]:
    """Give this description."""
    description: dict[str, Any] = request.app.openapi()
    return description
