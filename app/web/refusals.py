"""Refusals as pages: what a person meets who opens a page that is not there, or not theirs, or not now."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.exc import SQLAlchemyError

from app.agreements.service import UNSIGNED
from app.broker import Broker
from app.denials.service import project_of
from app.errors import INVALID_PARAMETER, BrokerError
from app.http.access import COOKIE, reader_of
from app.security.actor import Actor
from app.security.policy import ALL_PAGES, SIGN_ON_PAGES
from app.security.tokens import csrf_token
from app.web.paging import FIRST_PAGE, page_of
from app.web.rendering import PAGE_HEADERS, render
from app.wired import sign_on_of
from schemas.documents.canonical import parse_json
from schemas.documents.problem import Problem

# What a problem's answer says beside its body; a browser has no use for a bearer challenge.
_KEPT_HEADERS: Final = ("allow", "retry-after")


def install_page_refusals(app: FastAPI) -> None:
    """Show the refusals of pages, of which the application has handlers already, as pages."""
    for kind, refuse in list(app.exception_handlers.items()):
        app.exception_handlers[kind] = _as_page(refuse)


def _as_page(refuse: Callable[..., Any]) -> Callable[..., Any]:
    def refuse_page(request: Request, error: Exception) -> Response:
        answer: Response = refuse(request, error)
        return _page_of(request, answer) if _wants_page(request) else answer

    return refuse_page


def _wants_page(request: Request) -> bool:
    route = request.scope.get("route")
    if route is not None:
        return request.method == "GET" and route.path in {*ALL_PAGES, *SIGN_ON_PAGES}
    return "text/html" in request.headers.get("accept", "")


def _page_of(request: Request, answer: Response) -> Response:
    problem = Problem.from_json(parse_json(bytes(answer.body)))
    query = f"?{request.url.query}" if request.url.query else ""
    again = f"{request.url.path}{query}"
    actor = reader_of(request)
    html = render(
        "refusal.html",
        {
            "title": problem.title,
            "project": None if actor is None else _project_seen(request, actor),
            "actor": actor,
            "csrf": csrf_token(request.cookies.get(COOKIE, "")),
            "path": request.url.path,
            "problem": problem,
            "again": again,
            "sign_in": _way_in(request, again),
            "is_filtered": bool(query) and problem.status == INVALID_PARAMETER.status,
            "is_unsigned": problem.clause == UNSIGNED,
        },
    )
    kept = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    return HTMLResponse(html, status_code=answer.status_code, headers={**PAGE_HEADERS, **kept})


def _way_in(request: Request, again: str) -> str:
    """Return where one signs in, and by a single sign-on comes back to the page that was asked for."""
    leads_back = sign_on_of(request) is not None and page_of(again) == again != FIRST_PAGE
    return f"/sign-in?next={quote(again)}" if leads_back else "/sign-in"


def _project_seen(request: Request, actor: Actor) -> str | None:
    """Return the project that a page belongs to; None where the actor may not see it, or there is none."""
    broker: Broker = request.app.state.broker
    # The refusal is shown in any case, also where the database is what has failed.
    with suppress(BrokerError, SQLAlchemyError), broker.database.read() as session:
        return project_of(session, actor, request.path_params)
    return None
