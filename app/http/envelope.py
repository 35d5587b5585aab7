"""What surrounds every request: its id, the security headers, its line in the log, and the last catch.

An exception that nobody expected becomes a problem with that id; the log gets the place in our code and the
exception's class. Its message stays out, since that of a foreign exception may quote the input.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import BrokerError, place_of
from app.http.metrics import Metrics
from app.http.problems import problem_response
from app.ids import new_id
from app.security.actor import Actor
from app.traces import note_request
from schemas.documents.ids import REQUEST_PREFIX

log = structlog.get_logger()

REQUEST_ID_HEADER: Final = "x-request-id"
# For answers that are no pages; a page sets a policy of its own, which stays.
SECURITY_HEADERS: Final = {
    "cache-control": "no-store",
    # The last three do not follow from the first.
    "content-security-policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
}
# Methods are the caller's text: only these become labels.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})


class Envelope:
    """The outermost middleware, in plain ASGI."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap the application."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_id(REQUEST_PREFIX)
        scope.setdefault("state", {})["request_id"] = request_id
        started_s = time.monotonic()

        def record(status: int) -> None:
            self._record(scope, status, time.monotonic() - started_s)

        answer = _Answer(send, request_id, record)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            log.info("client_disconnected")
        except Exception as exc:  # noqa: BLE001 - the last catch; nothing foreign may reach the server's log
            # Not log.exception: a traceback ends in the message.
            log.error("request_failed", error=type(exc).__name__, where=place_of(exc))  # noqa: TRY400
            await answer.fail(scope, receive)
        finally:
            answer.end()
            structlog.contextvars.unbind_contextvars("request_id")

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.count_request(method, route, status, seconds)
        note_request(method, route, status, seconds)
        actor: Actor | None = scope["state"].get("actor")
        log.info(
            "request_completed",
            method=method,
            route=route,
            status=status,
            duration_ms=round(seconds * 1000),
            **({} if actor is None else {"person": actor.person}),
        )


class AnswerCutError(Exception):
    """An answer failed after it began; the server closes the connection, so that nobody takes it as whole."""


class _Answer:
    """Passes an answer on with our headers, remembers whether it began, and records its end once.

    Work may go on after the answer has ended.
    """

    def __init__(self, send: Send, request_id: str, record: Callable[[int], None]) -> None:
        self._send = send
        self._request_id = request_id
        self._record: Callable[[int], None] | None = record
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID_HEADER] = self._request_id
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.end()

    def end(self) -> None:
        """Record that the answer has ended, or will not come."""
        # Let go of at once: it holds the request, whose body would else stay until the next collection.
        record, self._record = self._record, None
        if record is not None:
            record(self.status)

    async def fail(self, scope: Scope, receive: Receive) -> None:
        if self.status:
            raise AnswerCutError("an answer failed after it began") from None
        response: Any = problem_response(BrokerError("The broker failed."), self._request_id)
        await response(scope, receive, self.send)
