"""One page, three answers: HTML for people, and under the same address its JSON and CSV twins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from app.agreements.service import agreement_now
from app.broker import Broker
from app.http.access import COOKIE, current_actor
from app.matchlog.draft import entry_actor
from app.security.actor import Actor
from app.security.tokens import csrf_token
from app.web.rendering import PAGE_HEADERS, render
from app.web.table import MEDIA_TYPE as CSV_MEDIA_TYPE
from app.web.table import Table
from schemas.documents.document import Document

TWINS: Final = (".json", ".csv")
JSON_MEDIA_TYPE: Final = "application/json"

Twin = Literal["html", "json", "csv"]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Response])


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One request for a page: which twin, under which path, by whom."""

    path: str
    twin: Twin
    actor: Actor
    csrf: str

    def answer(
        self,
        template: str,
        *,
        title: str,
        document: Any,
        table: Table,
        project: str | None = None,
        query: str = "",
        status: int = 200,
        **context: Any,
    ) -> Response:
        """Return the page in the form that was asked for.

        `document` and `table` are its twins, `query` the filter that they and the permanent link repeat, and
        `context` what else the template needs.
        """
        if self.twin == "json":
            return _json_answer(document)
        if self.twin == "csv":
            return self._csv_answer(table)
        suffix = f"?{query}" if query else ""
        shown = {
            "title": title,
            "project": project,
            "actor": self.actor,
            "csrf": self.csrf,
            "path": self.path,
            "permalink": f"{self.path}{suffix}",
            "twins": {name[1:]: f"{self.path}{name}{suffix}" for name in TWINS},
            **context,
        }
        return HTMLResponse(render(template, shown), status_code=status, headers=PAGE_HEADERS)

    def leads_to(self, path: str) -> Response:
        """Return what sends the reader on to another page, to the twin of the same kind."""
        suffix = "" if self.twin == "html" else f".{self.twin}"
        return RedirectResponse(f"{path}{suffix}", status_code=303)

    def _csv_answer(self, table: Table) -> Response:
        name = "-".join(part for part in self.path.split("/") if part)
        disposition = f'attachment; filename="{name}.csv"'
        return StreamingResponse(
            table.to_csv(), media_type=CSV_MEDIA_TYPE, headers={"content-disposition": disposition}
        )


def page_route(router: APIRouter, path: str) -> Callable[[Endpoint], Endpoint]:
    """Register an endpoint for a page and its twins; each needs its row in the policy table."""

    def register(endpoint: Endpoint) -> Endpoint:
        # Twins first: a path's last part would take their endings for its own.
        for suffix in (*TWINS, ""):
            router.add_api_route(
                f"{path}{suffix}", endpoint, include_in_schema=False, response_class=Response
            )
        return endpoint

    return register


async def page_request(request: Request) -> PageRequest:
    """Return what is asked for; on a page's route there is always an actor with a session."""
    ending = next((twin for twin in TWINS if request.scope["route"].path.endswith(twin)), "")
    twin: Twin = "json" if ending == ".json" else "csv" if ending == ".csv" else "html"
    return PageRequest(
        path=request.url.path.removesuffix(ending),
        twin=twin,
        actor=await current_actor(request),
        csrf=csrf_token(request.cookies[COOKIE]),
    )


WiredPage = Annotated[PageRequest, Depends(page_request)]


def json_stream(head: dict[str, Any], name: str, items: Iterable[Any]) -> Iterator[bytes]:
    """Yield an object with `head`'s members and, last, a list of items, one a line, as they come."""
    opening = json.dumps(head, ensure_ascii=False)[:-1]
    yield f"{opening}{', ' if head else ''}{json.dumps(name)}: [".encode()
    separator = "\n"
    for item in items:
        yield f"{separator}{json.dumps(item, ensure_ascii=False)}".encode()
        separator = ",\n"
    yield b"\n]}\n"


def _json_answer(document: Any) -> Response:
    if isinstance(document, Iterator):
        return StreamingResponse(document, media_type=JSON_MEDIA_TYPE)
    value = document.to_json() if isinstance(document, Document) else document
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return Response(f"{text}\n".encode(), media_type=JSON_MEDIA_TYPE)


def note_export(broker: Broker, page: PageRequest, project: str | None, what: str) -> None:
    """Log that a page's twin is about to be handed out; of the page itself nothing is logged."""
    if page.twin == "html":
        return
    with broker.database.write() as session:
        agreement = None if project is None else agreement_now(session, project, broker.clock())
        broker.log.append_export(
            session,
            entry_actor(page.actor),
            project,
            agreement,
            what=what,
            request=page.actor.request_id,
        )
