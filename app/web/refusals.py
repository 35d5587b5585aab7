"""Refusals as pages: what a person meets who opens a page that is not there, or not theirs, or not now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.responses import HTMLResponse

from app.security.policy import ALL_PAGES
from app.web.rendering import PAGE_HEADERS, render
from schemas.canonical import parse_json
from schemas.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI, Request, Response

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
        return request.method == "GET" and route.path in ALL_PAGES
    return "text/html" in request.headers.get("accept", "")


def _page_of(request: Request, answer: Response) -> Response:
    problem = Problem.from_json(parse_json(bytes(answer.body)))
    query = f"?{request.url.query}" if request.url.query else ""
    html = render(
        "refusal.html",
        {
            "title": problem.title,
            "project": None,
            "path": request.url.path,
            "problem": problem,
            "again": f"{request.url.path}{query}",
        },
    )
    kept = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    return HTMLResponse(html, status_code=answer.status_code, headers={**PAGE_HEADERS, **kept})
