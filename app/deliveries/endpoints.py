"""Deliveries over HTTP: take one, list them, hand one to its recipient, hear whether it could be used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool

from app.broker import Broker
from app.db import Window
from app.deliveries import arrivals, service
from app.deliveries.arrivals import Address, Incoming
from app.http.access import CurrentActor
from app.http.body import json_body, streamed_body
from app.http.paths import (
    Before,
    DeliveryNumberPath,
    DeliveryPath,
    PartnerPath,
    ProjectPath,
    RoundPath,
)
from app.sealed.answer import FILE_ANSWER, FILE_MEDIA_TYPE, handed_out, streamed
from app.security.actor import Actor
from app.wired import WiredBroker
from schemas.rounds.delivery import DeliveryList, DeliveryOpening, DeliveryView
from schemas.rounds.receipt import Receipt

router = APIRouter()


@router.put("/v1/projects/{project}/rounds/{round}/deliveries/{partner}/{number}")
async def put_delivery(
    *,
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    round_number: RoundPath,
    partner: PartnerPath,
    number: DeliveryNumberPath,
    content: Annotated[AsyncIterator[bytes], streamed_body(FILE_MEDIA_TYPE)],
) -> DeliveryView:
    """Keep a sealed file of listed columns for a partner, instead of earlier ones; the same again is safe."""
    address = Address(project, round_number, partner, number)
    incoming = await run_in_threadpool(_begin, broker, actor, address)
    await incoming.take(content)
    return await run_in_threadpool(_keep, broker, actor, address, incoming)


@router.get("/v1/projects/{project}/deliveries")
def list_deliveries(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, before: Before = None
) -> DeliveryList:
    """List the project's deliveries, newest first; an agency sees those from it and to it."""
    with broker.database.read() as session:
        found = service.deliveries_for(session, actor, project, Window(before))
        return DeliveryList(deliveries=tuple(map(service.view_of, found)))


@router.get("/v1/deliveries/{delivery}/file", response_class=Response, responses=FILE_ANSWER)
def fetch_delivery(broker: WiredBroker, actor: CurrentActor, delivery: DeliveryPath) -> Response:
    """Give the sealed file to its recipient; that it was fetched is logged before the first byte leaves."""
    return handed_out(streamed, service.open_file, service.log_fetch, broker, actor, delivery)


@router.post("/v1/deliveries/{delivery}/opening")
def state_opening(
    broker: WiredBroker,
    actor: CurrentActor,
    delivery: DeliveryPath,
    stated: Annotated[DeliveryOpening, json_body(DeliveryOpening)],
) -> DeliveryView:
    """State whether the file that was fetched could be used, by its digest; once more changes nothing."""
    with broker.database.write() as session:
        return service.view_of(service.log_opening(session, broker, actor, delivery, stated))


@router.get("/v1/deliveries/{delivery}/receipt")
def show_receipt(broker: WiredBroker, actor: CurrentActor, delivery: DeliveryPath) -> Receipt:
    """Give the proof that the delivery was logged when it came."""
    with broker.database.read() as session:
        return service.receipt_for(session, actor, delivery)


def _begin(broker: Broker, actor: Actor, address: Address) -> Incoming:
    with broker.database.read() as session:
        most = arrivals.most_of(session, broker, actor, address)
    return Incoming(broker, most)


def _keep(broker: Broker, actor: Actor, address: Address, incoming: Incoming) -> DeliveryView:
    with incoming.sealed, broker.database.write() as session:
        return service.view_of(arrivals.keep_delivery(session, broker, actor, address, incoming))
