"""Who the caller is, and the way from a token to a page session."""

from __future__ import annotations

from typing import Annotated, ClassVar

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.agencies import service
from app.http.access import COOKIE, CurrentActor
from app.http.body import json_body
from app.wired import WiredBroker
from schemas.api import SessionLink, WhoAmI
from schemas.document import Document

router = APIRouter()


class SessionRequest(Document):
    """The one-time code, as the page reads it from its own address and posts it."""

    KIND: ClassVar[str] = "session request"

    code: Annotated[str, Field(min_length=43, max_length=43)]


@router.get("/v1/whoami")
def whoami(broker: WiredBroker, actor: CurrentActor) -> WhoAmI:
    """Tell whom the broker takes the caller for."""
    with broker.database.read() as session:
        expires = service.token_expiry(session, actor)
    return WhoAmI(party=actor.party, person=actor.person, role=actor.role, expires=expires)


@router.post("/v1/session-links", status_code=201)
def make_session_link(broker: WiredBroker, actor: CurrentActor) -> SessionLink:
    """Make a one-time code for the pages: works once, for 60 s."""
    with broker.database.write() as session:
        return service.new_session_link(session, actor, broker.clock())


@router.post("/session", status_code=204)
def open_session(
    broker: WiredBroker, wanted: Annotated[SessionRequest, json_body(SessionRequest)]
) -> Response:
    """Exchange a one-time code for the pages' cookie."""
    with broker.database.write() as session:
        cookie = service.open_session(session, wanted.code, broker.clock())
    response = Response(status_code=204)
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(service.SESSION_LIFETIME.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )
    return response


@router.delete("/session", status_code=204)
def close_session(broker: WiredBroker, request: Request) -> Response:
    """End the page session."""
    with broker.database.write() as session:
        service.close_session(session, request.cookies[COOKIE])
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return response
