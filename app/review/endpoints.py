"""Reviews over HTTP: hand out what is asked, take cards and decisions; and open rounds, which ends reviews."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Response
from fastapi.concurrency import run_in_threadpool

from app.broker import Broker
from app.db import Window
from app.http.access import CurrentActor
from app.http.body import json_body, streamed_body
from app.http.paths import Before, ProjectPath, RoundPath, RunPath
from app.review import cards, decisions, service
from app.review.ending import end_with_round
from app.rounds.opening import open_round as open_next
from app.rounds.views import round_view
from app.sealed.answer import FILE_ANSWER, FILE_MEDIA_TYPE, handed_out, streamed
from app.sealed.objects import SealedFile
from app.security.actor import Actor
from app.wired import WiredBroker
from schemas.rounds.review import AskedBuckets, ReviewList, ReviewView, StatedDecisions
from schemas.rounds.rounds import RoundView

router = APIRouter()

AnswerT = TypeVar("AnswerT")


@router.post("/v1/projects/{project}/rounds/{round}", status_code=201)
def open_round(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, number: RoundPath
) -> RoundView:
    """Open the round of this number if it is the next one, and due; reviews of the one before end.

    Where that round or a later one is open, it is given, and nothing changes.
    """
    with broker.database.write() as session:
        before = partial(end_with_round, session, broker, project)
        found = open_next(session, broker, actor, project, number, before=before)
        return round_view(session, found)


@router.get("/v1/projects/{project}/reviews")
def list_reviews(
    broker: WiredBroker, actor: CurrentActor, project: ProjectPath, before: Before = None
) -> ReviewList:
    """List the project's reviews, newest first; each agency sees what it has to do."""
    with broker.database.read() as session:
        reviews = service.reviews_for(session, actor, project, Window(before))
        return ReviewList(reviews=tuple(service.view_of(session, one, actor) for one in reviews))


@router.get("/v1/reviews/{run}/questions", response_class=Response, responses=FILE_ANSWER)
def fetch_questions(broker: WiredBroker, actor: CurrentActor, run: RunPath) -> Response:
    """Give a reviewer the questions; that they were fetched is logged before the first byte leaves."""
    return handed_out(
        streamed, service.open_file, service.log_fetch, broker, actor, run, "questions"
    )


@router.get("/v1/reviews/{run}/asked")
def fetch_asked(broker: WiredBroker, actor: CurrentActor, run: RunPath) -> AskedBuckets:
    """Give the asked agency the buckets that it is to answer for; that they were fetched is logged first."""
    return handed_out(
        _asked_buckets, service.open_file, service.log_fetch, broker, actor, run, "buckets"
    )


@router.put("/v1/reviews/{run}/cards")
async def put_cards(
    broker: WiredBroker,
    actor: CurrentActor,
    run: RunPath,
    content: Annotated[AsyncIterator[bytes], streamed_body(FILE_MEDIA_TYPE)],
) -> ReviewView:
    """Take the asked agency's sealed cards, and keep those that are needed; the same again change nothing."""
    reader = cards.CardReader(await run_in_threadpool(_wanted_cards, broker, actor, run))
    async for chunk in content:
        reader.add(chunk)
    return await run_in_threadpool(_keep_cards, broker, actor, run, reader.finish())


@router.get("/v1/reviews/{run}/cards", response_class=Response, responses=FILE_ANSWER)
def fetch_cards(broker: WiredBroker, actor: CurrentActor, run: RunPath) -> Response:
    """Give a reviewer the cards of the records in question; that they were fetched is logged first."""
    return handed_out(streamed, service.open_file, service.log_fetch, broker, actor, run, "cards")


def _visible_review(broker: WiredBroker, actor: CurrentActor, run: RunPath) -> None:
    """Let nobody send a large body about a review that is not theirs to see."""
    with broker.database.read() as session:
        service.review_for(session, actor, run)


@router.post("/v1/reviews/{run}/decisions", dependencies=[Depends(_visible_review)])
def post_decisions(
    broker: WiredBroker,
    actor: CurrentActor,
    run: RunPath,
    stated: Annotated[StatedDecisions, json_body(StatedDecisions)],
) -> ReviewView:
    """Take a reviewer's signed decisions; the same statement again changes nothing."""
    with broker.database.write() as session:
        review = decisions.receive_decisions(session, broker, actor, run, stated)
        return service.view_of(session, review, actor)


def _asked_buckets(file: SealedFile) -> AskedBuckets:
    return AskedBuckets.from_canonical(b"".join(file.pieces))


def _wanted_cards(broker: Broker, actor: Actor, run: str) -> cards.Wanted:
    with broker.database.read() as session:
        return cards.wanted_cards(session, broker, actor, run)


def _keep_cards(broker: Broker, actor: Actor, run: str, read: cards.ReadCards) -> ReviewView:
    with broker.database.read() as session:
        review = service.review_for(session, actor, run)
        if cards.is_known(review, actor, read):
            return service.view_of(session, review, actor)
        cards.require_acceptable(session, broker, actor, review, read)
        sealed_object = review.object
    stored, is_kept = cards.store_cards(broker, sealed_object, read), False
    try:
        with broker.database.write() as session:
            is_kept = cards.keep_cards(session, broker, actor, run, stored)
            return service.view_of(session, service.review_for(session, actor, run), actor)
    finally:
        # Not where the commit itself failed: it may have reached the database. The sweep finds out.
        if not is_kept:
            cards.drop_pieces(broker, stored.pieces)
