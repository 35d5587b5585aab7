"""Rounds over HTTP: offer nonces, open and watch rounds, send and fetch sealed messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from app.broker import Broker
from app.errors import KeyGoneError
from app.http.access import CurrentActor
from app.http.body import json_body, streamed_body
from app.http.paths import PartnerPath, ProjectPath, RoundPath, SpacePath
from app.rounds import messages, nonces, service
from app.rounds.messages import Place
from app.rounds.models import SealedMessage
from app.rounds.views import round_list, round_view
from app.sealed.answer import FILE_ANSWER, FILE_MEDIA_TYPE
from app.sealed.arrival import Arrival
from app.sealed.ending import shred_object
from app.security.actor import Actor
from app.wired import WiredBroker
from schemas.rounds.rounds import (
    ClaimsReceipt,
    NonceState,
    RoundList,
    RoundView,
    SignedNonceOffer,
    StatementReceipt,
)

router = APIRouter()

Below = Annotated[int | None, Query(ge=1, le=10**6)]
OfRelease = Annotated[int, Query(ge=1, le=10**6)]
Sender = Annotated[str, Query(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]


@router.post("/v1/projects/{project}/nonces", status_code=201)
def offer_nonces(
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    signed: Annotated[SignedNonceOffer, json_body(SignedNonceOffer)],
) -> NonceState:
    """Take nonces that a workspace of the caller's party drew; the same offer again changes nothing."""
    with broker.database.write() as session:
        return nonces.offer_nonces(session, broker, actor, project, signed)


@router.get("/v1/projects/{project}/nonces")
def show_nonces(broker: WiredBroker, actor: CurrentActor, project: ProjectPath) -> NonceState:
    """Tell how many unspent nonces the caller's party has, and the number of its next one."""
    with broker.database.read() as session:
        return nonces.nonces_of(session, actor, project)


@router.get("/v1/projects/{project}/rounds")
def list_rounds(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, below: Below = None
) -> RoundList:
    """List the project's rounds, newest first; say whether one is due, and who has no unspent nonce."""
    with broker.database.read() as session:
        return round_list(session, actor, project, below, broker.clock())


@router.get("/v1/projects/{project}/rounds/{round}")
def show_round(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, number: RoundPath
) -> RoundView:
    """Show one round, with the proofs that it was opened, and closed, as it says."""
    with broker.database.read() as session:
        return round_view(session, service.round_for(session, actor, project, number))


@router.put("/v1/projects/{project}/rounds/{round}/claims/{partner}")
async def put_claims(
    *,
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    number: RoundPath,
    partner: PartnerPath,
    content: Annotated[AsyncIterator[bytes], streamed_body(FILE_MEDIA_TYPE)],
    release: OfRelease = 1,
) -> ClaimsReceipt:
    """Keep the caller's sealed claims for a partner, in place of earlier ones about this release."""
    row = await _take(broker, actor, Place(project, number, "claims", partner, release), content)
    return ClaimsReceipt.from_row(row, release=row.release, partner=row.target)


@router.get(
    "/v1/projects/{project}/rounds/{round}/claims/{partner}",
    response_class=Response,
    responses=FILE_ANSWER,
)
def fetch_claims(
    *,
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    number: RoundPath,
    partner: PartnerPath,
    release: OfRelease = 1,
) -> Response:
    """Give the newest sealed claims of a partner for the caller's party, about a release of the round."""
    return _fetch(broker, actor, Place(project, number, "claims", actor.party, release), partner)


@router.put("/v1/projects/{project}/rounds/{round}/statements/{space}")
async def put_statement(
    *,
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    number: RoundPath,
    space: SpacePath,
    content: Annotated[AsyncIterator[bytes], streamed_body(FILE_MEDIA_TYPE)],
) -> StatementReceipt:
    """Keep the caller's sealed chain statement for a link-ID set, in place of an earlier one of the round."""
    row = await _take(broker, actor, Place(project, number, "statement", space), content)
    return StatementReceipt.from_row(row, space=row.target)


@router.get(
    "/v1/projects/{project}/rounds/{round}/statements/{space}",
    response_class=Response,
    responses=FILE_ANSWER,
)
def fetch_statement(
    *,
    broker: WiredBroker,
    actor: CurrentActor,
    project: ProjectPath,
    number: RoundPath,
    space: SpacePath,
    party: Sender,
) -> Response:
    """Give the newest sealed chain statement of a party to a recipient of the space."""
    return _fetch(broker, actor, Place(project, number, "statement", space), party)


async def _take(
    broker: Broker, actor: Actor, place: Place, content: AsyncIterator[bytes]
) -> SealedMessage:
    known = await run_in_threadpool(_known, broker, actor, place)
    if known is not None:
        async for _ in content:
            pass
        return known
    arrival = await run_in_threadpool(messages.coming_message, broker)
    await arrival.take(content)
    return await run_in_threadpool(_keep, broker, actor, place, arrival)


def _known(broker: Broker, actor: Actor, place: Place) -> SealedMessage | None:
    with broker.database.read() as session:
        known = messages.known_message(session, actor, place)
        if known is None:
            messages.refuse_undue(session, broker, actor, place)
        else:
            session.expunge(known)
        return known


def _keep(broker: Broker, actor: Actor, place: Place, arrived: Arrival) -> SealedMessage:
    with arrived.sealed, broker.database.write() as session:
        kept = messages.keep_message(session, broker, actor, place, arrived)
    if kept.ended is not None:
        shred_object(broker, kept.ended)
    return kept.row


def _fetch(broker: Broker, actor: Actor, place: Place, sender: str) -> Response:
    try:
        pieces, sha256 = _open(broker, actor, place, sender)
    except KeyGoneError:
        # Another one has come in its place meanwhile.
        pieces, sha256 = _open(broker, actor, place, sender)
    with broker.database.write() as session:
        messages.note_fetched(session, broker, place, sender, sha256)
    headers = {"etag": f'"{sha256}"', "cache-control": "no-store"}
    return StreamingResponse(pieces, media_type=FILE_MEDIA_TYPE, headers=headers)


def _open(broker: Broker, actor: Actor, place: Place, sender: str) -> tuple[Iterator[bytes], str]:
    with broker.database.read() as session:
        return messages.open_message(session, broker, actor, place, sender)
