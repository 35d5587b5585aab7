"""Refusals as problem+json (RFC 9457): a stable type, a plain sentence, and nothing of the input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from app.errors import (
    INVALID_PARAMETER,
    BrokerError,
    MethodNotAllowedError,
    NotAuthenticatedError,
    NotFoundError,
    RefusedError,
    RequestError,
    SessionNeededError,
    TooManyRequestsError,
    UnavailableError,
)
from app.http.openapi import route_keys
from app.problem_details import problem_of
from app.security.actor import Actor
from app.security.policy import RouteKey
from schemas.documents.problem import MEDIA_TYPE

# Takes who was refused, the route and its parameters, and the refusal.
NoteDenial: TypeAlias = Callable[[Actor, RouteKey, Mapping[str, str], BrokerError], None]

# How long a client should wait where we do not know better.
RETRY_AFTER_S: Final = 5
# RFC 9449 §7.1; the second is for tokens that are bound to no key.
_CHALLENGE: Final = 'DPoP algs="EdDSA Ed25519", Bearer'


def problem_response(error: BrokerError, request_id: str) -> Response:
    """Return the answer that refuses a request, with the headers its status asks for."""
    problem = problem_of(error, request_id)
    return Response(
        problem.to_canonical(),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=dict(_headers(error)),
    )


def install_refusals(app: FastAPI, note: NoteDenial | None = None) -> None:
    """Replace every default refusal of the framework; its own repeat the input.

    `note` is told of each refusal of someone who is known, before it is answered; None: nobody is.
    """
    app.state.note_denial = note
    app.add_exception_handler(BrokerError, _refuse_known)
    app.add_exception_handler(HTTPException, _refuse_http)
    app.add_exception_handler(RequestValidationError, _refuse_parameters)
    app.add_exception_handler(OperationalError, _refuse_busy)
    app.add_exception_handler(PoolTimeoutError, _refuse_busy)


def _headers(error: BrokerError) -> Mapping[str, str]:
    if isinstance(error, NotAuthenticatedError) and not isinstance(error, SessionNeededError):
        return {"www-authenticate": _CHALLENGE}
    if isinstance(error, TooManyRequestsError):
        return {"retry-after": str(error.retry_after_s)}
    if isinstance(error, MethodNotAllowedError):
        return {"allow": error.allowed}
    if error.status == UnavailableError.status:
        return {"retry-after": str(RETRY_AFTER_S)}
    return {}


def _answer(request: Request, error: BrokerError) -> Response:
    return problem_response(error, request.state.request_id)


def _refuse_known(request: Request, error: Exception) -> Response:
    known = error if isinstance(error, BrokerError) else BrokerError("The broker failed.")
    actor: Actor | None = getattr(request.state, "actor", None)
    note: NoteDenial | None = request.app.state.note_denial
    if actor is not None and note is not None:
        route = request.method, request.scope["route"].path
        note(actor, route, request.path_params, known)
    return _answer(request, known)


def _refuse_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == NotFoundError.status:
        return _answer(request, NotFoundError("There is nothing here."))
    if status == MethodNotAllowedError.status:
        # The framework names only those of the first of several routes that have this path.
        path = request.scope["route"].path
        allowed = sorted(
            method for method, found in route_keys(request.app.routes) if found == path
        )
        return _answer(request, MethodNotAllowedError(", ".join(allowed)))
    if status < BrokerError.status:
        return _answer(request, RequestError("The request is not acceptable."))
    return _answer(request, BrokerError("The broker failed."))


def _refuse_parameters(request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    places = [fault["loc"] for fault in faults]
    # What a malformed path names does not exist, so it answers like any other that does not.
    if all(place[0] == "path" for place in places):
        return _answer(request, NotFoundError("There is nothing here."))
    # The name of a declared parameter is ours, not the caller's.
    name = next(str(place[-1]) for place in places if place[0] != "path")
    return _answer(
        request, RefusedError(INVALID_PARAMETER, f"The parameter {name} is missing or malformed.")
    )


def _refuse_busy(request: Request, _error: Exception) -> Response:
    return _answer(request, UnavailableError("The broker's database does not answer now."))
