"""Who the caller is: from a code to keys, from keys to a token, from a token to a page session."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.agencies import persons, service
from app.agencies.sign_in import sign_in
from app.errors import SignInRefusedError
from app.http.access import COOKIE, CurrentActor, refuse_sign_in, single_proof
from app.http.body import form_body, json_body
from app.security.assertions import claimed_person
from app.wired import WiredBroker, sign_on_of
from schemas.api.bodies import SessionLink, WhoAmI
from schemas.api.sign_in import (
    TOKEN_PATH,
    EnrolmentRequest,
    EnrolmentView,
    TokenAnswer,
    TokenRequest,
)
from schemas.documents.document import Document
from schemas.signing.identity import SignedKeyChange

log = structlog.get_logger()

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
    return WhoAmI(
        party=actor.party,
        person=actor.person,
        role=actor.role,
        duties=actor.duties,
        expires=expires,
    )


@router.post("/v1/enrolments", status_code=201)
def enrol(
    broker: WiredBroker, wanted: Annotated[EnrolmentRequest, json_body(EnrolmentRequest)]
) -> EnrolmentView:
    """Take a person's public keys under a one-time code; an operator has to confirm them."""
    with broker.database.write() as session:
        return persons.enrol_person(session, wanted, broker.clock())


@router.post("/v1/token")
def ask_token(
    broker: WiredBroker, request: Request, wanted: Annotated[TokenRequest, form_body(TokenRequest)]
) -> TokenAnswer:
    """Give a token of 10 minutes for a person's signed claim, bound to the proof's key if there is a proof."""
    try:
        proof = single_proof(request)
        with broker.database.write() as session:
            answer = sign_in(
                session,
                wanted.client_assertion,
                proof,
                token_url=f"{broker.settings.address}{TOKEN_PATH}",
                now=broker.machine_clock(),
            )
    except SignInRefusedError as exc:
        refuse_sign_in(request, exc)
    log.info("person_signed_in", person=claimed_person(wanted.client_assertion))
    return answer


@router.post("/v1/key-changes")
def change_keys(
    broker: WiredBroker,
    actor: CurrentActor,
    change: Annotated[SignedKeyChange, json_body(SignedKeyChange)],
) -> EnrolmentView:
    """Replace the caller's keys by those that the old and the new ones signed for; all their tokens end."""
    with broker.database.write() as session:
        return persons.replace_keys(
            session, broker.log, change=change, actor=actor, now=broker.clock()
        )


@router.post("/v1/session-links", status_code=201)
def make_session_link(broker: WiredBroker, actor: CurrentActor) -> SessionLink:
    """Make a one-time code for the pages: works once, for 60 s."""
    with broker.database.write() as session:
        return service.new_session_link(session, actor, broker.machine_clock())


@router.post("/session", status_code=204)
def open_session(
    broker: WiredBroker,
    request: Request,
    wanted: Annotated[SessionRequest, json_body(SessionRequest)],
) -> Response:
    """Exchange a one-time code for the pages' cookie; the session that the browser had ends."""
    with broker.database.write() as session:
        cookie = service.open_session(session, wanted.code, broker.machine_clock())
        service.close_session(session, request.cookies.get(COOKIE, ""))
    response = Response(status_code=204)
    set_session(response, cookie, service.SESSION_LIFETIME)
    return response


@router.delete("/session", status_code=204)
def close_session(broker: WiredBroker, request: Request) -> Response:
    """End the page session; `Location` says where the provider of a single sign-on ends its own."""
    with broker.database.write() as session:
        id_token = service.close_session(session, request.cookies[COOKIE])
    response = Response(status_code=204)
    provider = sign_on_of(request)
    if id_token is not None and provider is not None:
        # Where the provider does not answer, the session has ended here all the same.
        address = provider.logout_address_if_there(id_token)
        response.headers.update({} if address is None else {"location": address})
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return response


def set_session(response: Response, cookie: str, lifetime: timedelta) -> None:
    """Let an answer give a browser the cookie of a page session."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(lifetime.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )
