"""The gate before every endpoint: finds the route's policy row, who calls, and whether it may."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Final, NoReturn, Protocol

import structlog
from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError

from app.errors import (
    FORGED_REQUEST,
    INVALID_PARAMETER,
    WRONG_ROLE,
    NotAuthenticatedError,
    RefusedError,
    SessionNeededError,
    SignInRefusedError,
    TooManyRequestsError,
)
from app.http.body import refuse_announced
from app.http.limits import RateLimiter
from app.security.actor import Actor
from app.security.policy import WATCHERS, RouteKey, Rule
from app.security.tokens import Credential, csrf_token
from schemas.signing.signed_request import HEADER

log = structlog.get_logger()

COOKIE: Final = "__Host-blindlink"
CSRF_HEADER: Final = "x-csrf-token"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


class ActorOfCredential(Protocol):
    """Finds who shows a credential."""

    def __call__(
        self, credential: Credential, request_id: str, *, limit: Callable[[Actor], None]
    ) -> Actor:
        """Return who it is."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate asks: the policy table, who holds a credential, and how often a client came.

    `actor_of_credential` and `actor_of_session` take the credential and the request's id, and raise
    NotAuthenticatedError where it is not valid now. `count_refusal` takes the party in whose name someone
    was refused, None for nobody who is known. `require_newest` raises UnavailableError where the database is
    older than what was signed; nothing may change then, and anyone who is to look can still sign in and read.
    `address` is the broker's, as its callers know it.
    """

    policy: Mapping[RouteKey, Rule]
    actor_of_credential: ActorOfCredential
    actor_of_session: Callable[[str, str], Actor]
    count_refusal: Callable[[str | None], None]
    require_newest: Callable[[], None]
    limiter: RateLimiter
    address: str


async def pass_gate(request: Request) -> None:
    """Let the request through, with its actor and body limits in `request.state`, or raise why not."""
    gate: Gate = request.app.state.gate
    rule = gate.policy[request.method, request.scope["route"].path]
    if rule.anonymous and request.method in _SAFE_METHODS:
        # Nothing of it asks the database, so no thread is needed, of which there may be none to be had.
        _let_through(gate, request, rule)
    else:
        await run_in_threadpool(_let_through, gate, request, rule)


def _let_through(gate: Gate, request: Request, rule: Rule) -> None:
    if rule.anonymous:
        _limit(gate, _address(request), rule)
    else:
        actor = _authenticate(gate, request, rule)
        if actor.role not in rule.roles:
            raise RefusedError(WRONG_ROLE, f"This is not for the role {actor.role}.")
        request.state.actor = actor
    if request.method not in _SAFE_METHODS and not rule.is_sign_in:
        gate.require_newest()
    _refuse_unknown_parameters(request)
    refuse_announced(request, rule.max_body_bytes)
    request.state.max_body_bytes = rule.max_body_bytes
    request.state.max_body_values = rule.max_body_values


async def current_actor(request: Request) -> Actor:
    """Return who calls. On an anonymous route there is nobody, and asking is a fault of ours."""
    # A coroutine, as all dependencies that never wait: a function would be sent to a thread for it.
    actor: Actor = request.state.actor
    return actor


CurrentActor = Annotated[Actor, Depends(current_actor)]


def reader_of(request: Request) -> Actor | None:
    """Return who is signed in in the browser that asks, so that a refusal leads on.

    None: nobody, someone without pages, or more came from this address than are let through.
    """
    known: Actor | None = getattr(request.state, "actor", None)
    if known is not None:
        return known
    gate: Gate = request.app.state.gate
    cookie = request.cookies.get(COOKIE, "")
    # Nothing else limits what asks for a path that there is not.
    if not cookie or gate.limiter.spend(_address(request), "read"):
        return None
    with suppress(NotAuthenticatedError, SQLAlchemyError):
        actor = gate.actor_of_session(cookie, request.state.request_id)
        return actor if actor.role in WATCHERS else None
    return None


def refuse_sign_in(request: Request, error: NotAuthenticatedError) -> NoReturn:
    """Raise a refusal after counting it, as `count_refusal` does."""
    count_refusal(request, error)
    raise error


def count_refusal(request: Request, error: NotAuthenticatedError) -> None:
    """Count a refusal: by address, so that guessing is slow and costs no one else anything, and for the
    match log if it was someone's signature that was refused.

    Raises:
        TooManyRequestsError: too many came from this address.
    """
    gate: Gate = request.app.state.gate
    wait_s = gate.limiter.spend(_address(request), "sign-in")
    if wait_s:
        raise TooManyRequestsError(wait_s) from None
    if isinstance(error, SignInRefusedError):
        log.info("sign_in_refused", code=error.reason, party=error.party)
        gate.count_refusal(error.party)


def single_proof(request: Request) -> str | None:
    """Return the DPoP proof that came with a request; None where none did.

    Raises:
        SignInRefusedError: there are several.
    """
    sent = request.headers.getlist("dpop")
    if len(sent) > 1:
        raise SignInRefusedError("proof")
    return sent[0] if sent else None


def _authenticate(gate: Gate, request: Request, rule: Rule) -> Actor:
    """Return who calls, after counting the call; who only claims to be someone costs that person nothing."""

    def limit(actor: Actor) -> None:
        # By person: their tokens change every few minutes.
        _limit(gate, actor.person, rule)

    request_id: str = request.state.request_id
    try:
        if rule.by_session:
            actor = _session_actor(gate, request, request_id)
            limit(actor)
            return actor
        return gate.actor_of_credential(_credential(gate, request, rule), request_id, limit=limit)
    except SignInRefusedError as exc:
        count_refusal(request, exc)
        # In the words for a token that is unknown, so that a thief does not learn which tokens are valid.
        raise _token_needed() from None
    except NotAuthenticatedError as exc:
        refuse_sign_in(request, exc)


def _session_actor(gate: Gate, request: Request, request_id: str) -> Actor:
    cookie = request.cookies.get(COOKIE, "")
    try:
        actor = gate.actor_of_session(cookie, request_id)
    except NotAuthenticatedError:
        raise SessionNeededError("Open a new link to the broker's pages.") from None
    sent = request.headers.get(CSRF_HEADER, "")
    expected = csrf_token(cookie)
    if request.method not in _SAFE_METHODS and not hmac.compare_digest(
        sent.encode("latin-1"), expected.encode("ascii")
    ):
        raise RefusedError(
            FORGED_REQUEST, "The request was not sent by one of the broker's own pages."
        )
    return actor


def _credential(gate: Gate, request: Request, rule: Rule) -> Credential:
    sent = request.headers.getlist("authorization")
    scheme, _, token = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    proof = single_proof(request)
    # The scheme says whether there is a proof, so a proof that was stripped or added is noticed.
    if scheme.lower() != ("bearer" if proof is None else "dpop"):
        raise _token_needed()
    raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode("ascii", "replace")
    path = raw_path.decode("ascii", "replace").partition("?")[0]
    query = request.scope.get("query_string", b"").decode("ascii", "replace")
    return Credential(
        token,
        proof,
        request.method,
        f"{gate.address}{path}",
        asks=f"{request.method} {path}{'?' if query else ''}{query}",
        signed=request.headers.get(HEADER, "") if rule.is_signed else None,
    )


def _refuse_unknown_parameters(request: Request) -> None:
    """Refuse what the route does not take: a misspelt parameter would otherwise be as if it were not there.

    Of a parameter that is given twice one reader takes the first and another the last.
    """
    route: APIRoute = request.scope["route"]
    if not request.query_params or not route.path.startswith("/v1/"):
        return
    if len(request.query_params.multi_items()) > len(request.query_params):
        raise RefusedError(INVALID_PARAMETER, "A parameter is given twice.")
    # One alias may stand for a path's parameter too; such a name in the query does no harm.
    known = {field.alias for field in get_flat_params(route.dependant)}
    if not known.issuperset(request.query_params.keys()):
        raise RefusedError(
            INVALID_PARAMETER,
            "One of the parameters is not known here.",
            hint=f"it takes {', '.join(sorted(known)) or 'none'}",
        )


def _token_needed() -> NotAuthenticatedError:
    return NotAuthenticatedError("A valid token is needed.")


def _limit(gate: Gate, client: str, rule: Rule) -> None:
    wait_s = gate.limiter.spend(client, rule.rate)
    if wait_s:
        raise TooManyRequestsError(wait_s)


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
